"""The processes that torchrun or accelerate launch starts for one job, and what they tell each other."""

import os
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch.distributed as dist

from ..errors import AvsslError, explain

Item = TypeVar("Item")

# One that has finished waits for the slowest. The loss of another is noticed at once, not by this.
_PATIENCE = timedelta(days=30)
_GLANCE = 0.05  # seconds


class LostRankError(AvsslError):
    """Another process of the job ended before the work was done."""


@dataclass(frozen=True)
class Ranks:
    """This process among all of its job; by default there is no other.

    Attributes:
        rank: Its number, 0 to ``size - 1``.
        size: Number of processes.
        local_rank: Its number among those on the same machine.
        restarts: Whether the launcher starts all again when one ends with a status other than 0.
        group: What they talk over.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    restarts: bool = False
    group: dist.ProcessGroup | None = None

    @property
    def first(self) -> bool:
        """Whether this is the process that decides and reports for all."""
        return self.rank == 0

    def share(self, items: Sequence[Item], seed: int) -> list[Item]:
        """Return this process's share of the items, which are shuffled and dealt out in turn.

        Shares are disjoint, differ in size by one at most and keep the order of the items.

        Args:
            items: The same in all processes.
            seed: Shuffles; the same in all processes.
        """
        pack = list(range(len(items)))
        random.Random(seed).shuffle(pack)
        return [items[place] for place in sorted(pack[self.rank :: self.size])]

    def wait(self) -> None:
        """Wait until all processes have come here; Ctrl-C is heard.

        Raises:
            LostRankError: One of them has ended.
        """
        if self.size == 1:
            return
        try:
            meeting = dist.barrier(self.group, async_op=True)
            # A blocking wait would not hear the key.
            while not meeting.is_completed():
                time.sleep(_GLANCE)
            meeting.wait()
        except RuntimeError as error:
            what, got = (
                f"working in {self.size} processes",
                f"one that ended too early (noticed by process {self.rank})",
            )
            step = "What is finished is kept: see what that one says, and give the same command again to go on."
            raise LostRankError(explain(what, got, "all of them to the end", step)) from error

    def from_first(self, value: Item) -> Item:
        """Return the first process's value in all of them."""
        self.wait()
        values = [value]
        if self.size > 1:
            dist.broadcast_object_list(values, group=self.group)
        return values[0]

    def to_first(self, value: Item) -> list[Item]:
        """Return the values of all processes, by rank, in the first one, and nothing in the others."""
        self.wait()
        if self.size == 1:
            return [value]
        values: list[Any] | None = [None] * self.size if self.first else None
        dist.gather_object(value, values, group=self.group)
        return values or []

    @contextmanager
    def first_goes_ahead(self) -> Iterator[None]:
        """Let the first process through the block before the others enter it."""
        if not self.first:
            self.wait()
        yield
        if self.first:
            self.wait()


@contextmanager
def joined_ranks() -> Iterator[Ranks]:
    """Meet the other processes of the job, if the environment names any; none leaves the block before the others.

    They are those of ``RANK``, ``WORLD_SIZE`` and ``LOCAL_RANK``, as torchrun and accelerate launch set them, and
    talk over gloo, whatever the devices.

    Raises:
        LostRankError: Another process ended within the block.
    """
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
    if not all(name in os.environ for name in names):
        yield Ranks()
        return
    rank, size, local_rank = (int(os.environ[name]) for name in names)
    restarts = int(os.environ.get("TORCHELASTIC_MAX_RESTARTS", 0)) > 0
    if size == 1:
        yield Ranks(restarts=restarts)
        return
    dist.init_process_group("gloo")
    try:
        ranks = Ranks(rank, size, local_rank, restarts, dist.new_group(timeout=_PATIENCE))
        yield ranks
        ranks.wait()
    finally:
        dist.destroy_process_group()
