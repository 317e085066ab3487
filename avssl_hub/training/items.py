"""What a run asks of its items and of its batches, whatever it learns."""

from collections.abc import Iterator
from typing import Protocol


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
