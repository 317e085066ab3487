"""What a run asks of its items and of its batches, whatever it learns."""

from collections.abc import Iterator
from typing import Protocol, TypeVar

import torch

from .broken import BrokenItems

BatchT_co = TypeVar("BatchT_co", covariant=True)


class Parted(Protocol):
    """A batch that can be computed in parts."""

    def parts(self, number: int) -> Iterator["Parted"]:
        """Cut the batch into ``number`` smaller ones, as equal as can be."""


class Items(Protocol):
    """What a run needs to know of what it trains on.

    Attributes:
        num_items: How many there are, N.
        fingerprint: Differs where an item's number means something else.
    """

    num_items: int
    fingerprint: str

    def name(self, item: int) -> str:
        """Name an item for people."""


class BatchedItems(Items, Protocol[BatchT_co]):
    """Items that give batches as a function of the step."""

    def batches(self, step: int, broken: BrokenItems, device: torch.device, share: slice) -> Iterator[BatchT_co]:
        """Make a process's batches of ``step`` and of all after it.

        Args:
            step: Steps done.
            broken: Takes note of recordings that cannot be used.
            device: Where batches go.
            share: Places of a step that are this process's.

        Raises:
            TooManyBrokenError: Nothing usable was found for a clip.
            DecodingCrashedError: A process that reads died.
        """
