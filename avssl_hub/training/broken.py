"""Recordings that could not be used in a run: named, counted, and the end of it if they are too many."""

import csv
from collections.abc import Callable, Iterable
from pathlib import Path

from accelerate import Accelerator
from accelerate.logging import get_logger
from accelerate.utils import gather_object

from ..errors import AvsslError, explain
from ..outputs import replacing

logger = get_logger(__name__)

BROKEN_FILE = "broken.csv"
NEXT_STEP = "Look at them with avssl data check, and train on a list without them or allow more with data.max_broken."


class TooManyBrokenError(AvsslError):
    """So many recordings cannot be used that the run would not be what its recipe says."""


class BrokenItems:
    """What is known of unusable items on all processes, kept in a run's checkpoints.

    Args:
        names: Name of each item, by its number, for people.
        num_items: Items there are.
        max_share: Largest share of them that may be unusable; one always may.
        file: Table to write them to.
    """

    def __init__(self, names: Callable[[int], str], num_items: int, max_share: float, file: Path):
        self.names = names
        self.num_items = num_items
        self.allowed = max(1, int(max_share * num_items))
        self.file = file
        self.reasons: dict[int, str] = {}
        self.news: dict[int, str] = {}

    def add(self, found: Iterable[tuple[int, str]]) -> None:
        """Take note of items that this process could not use, and why."""
        self.news.update({item: reason for item, reason in found if item not in self.reasons})

    def share(self, accelerator: Accelerator) -> None:
        """Tell all processes the news, write the table, and stop if there are too many; all processes call it.

        Raises:
            TooManyBrokenError: More items than allowed cannot be used.
        """
        for news in gather_object([self.news]):
            for item, reason in news.items():
                logger.warning("training item %d, %s, cannot be used: %s", item, self.names(item), reason)
            self.reasons.update(news)
        self.news = {}
        if accelerator.is_main_process:
            self._write()
        self.check()

    def settle(self) -> None:
        """Do the same where this process is the only one.

        Raises:
            TooManyBrokenError: More items than allowed cannot be used.
        """
        if self.news:
            self.reasons.update(self.news)
            self.news = {}
            self._write()
            self.check()

    def check(self) -> None:
        """Stop if there are too many.

        Raises:
            TooManyBrokenError: More items than allowed cannot be used.
        """
        if len(self.reasons) > self.allowed:
            got = f"{len(self.reasons)} of {self.num_items} that cannot be used, named in {self.file}"
            raise TooManyBrokenError(explain("training items", got, f"at most {self.allowed}", NEXT_STEP))

    def nothing_left(self) -> TooManyBrokenError:
        """Make the error for a clip in whose place nothing usable was found."""
        item, reason = next(iter((self.news or self.reasons).items()))
        got = f"none usable in place of {self.names(item)} and after it: {reason}"
        return TooManyBrokenError(explain("training items", got, "a usable one", NEXT_STEP))

    def state_dict(self) -> dict:
        return {"reasons": self.reasons}

    def load_state_dict(self, state: dict) -> None:
        self.reasons = state["reasons"]

    def _write(self) -> None:
        with replacing(self.file) as partial, open(partial, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["item", "name", "reason"])
            writer.writerows((item, self.names(item), self.reasons[item]) for item in sorted(self.reasons))
