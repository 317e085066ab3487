"""What a kind of model can show of a film."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Literal, Protocol

from ..._cards import ModelCard


class Tick(Protocol):
    """Called as the work goes on; raises if it is to end."""

    def __call__(self, done: int, total: int, what: str) -> object:
        """Tell how much is done of all there is, and what that is, such as seconds."""


@dataclass(frozen=True)
class Output:
    """One thing that is shown, and under which name."""

    kind: Literal["video", "image", "audio", "file"]
    label: str


@dataclass(frozen=True)
class Shown:
    """What came out.

    Attributes:
        lines: The answer in words, then what is missing or odd.
        files: One file an output of the ability; None where there is nothing to show.
    """

    lines: tuple[str, ...]
    files: tuple[Path | None, ...]


@dataclass(frozen=True)
class Ability:
    """A section of the page.

    Attributes:
        name: Short and fit for a folder.
        title: Above it on the page.
        about: What it does and how to read it, for one who has not met it.
        button: On the button that starts it.
        task: Cards that name this task have it.
        family: If not empty, only those of this family: what others do under the name shows nothing here.
        rows: What it shows: rows of outputs, those of a row side by side where there is room.
        load: Makes the pipeline from a model's name and a device.
        show: Writes into an empty folder what the pipeline makes of a film.
    """

    name: str
    title: str
    about: str
    button: str
    task: str
    rows: tuple[tuple[Output, ...], ...]
    load: Callable[[str, str], Any]
    show: Callable[[Any, Path, Path, Tick], Shown]
    family: str = ""

    def of(self, card: ModelCard) -> bool:
        """Tell whether a model can do it."""
        return self.task in card.tasks and self.family in ("", card.family)

    @property
    def outputs(self) -> tuple[Output, ...]:
        """All that it shows, row by row."""
        return tuple(chain.from_iterable(self.rows))
