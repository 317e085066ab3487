"""What a training step of chunks sees, hears and is to predict."""

from collections.abc import Iterator
from typing import NamedTuple

from torch import Tensor


class ChunkBatch(NamedTuple):
    """One process's share of a step, on its device.

    Attributes:
        ambisonics: ``(B, 4, samples)``, recorded W, Y, Z and X around each chunk.
        pixels: ``(B, 1, 3, H, W)`` in [-0.5, 0.5], the frame at each chunk's start; of no frame where none is seen.
        flow: ``(B, 1, 3, H, W)`` in pixels; of no frame where none is taken.
        recorded: ``(B, 3)``, whether Y, Z and X of the recording mean anything.
        items: Item of each chunk, ``(B,)``.
    """

    ambisonics: Tensor
    pixels: Tensor
    flow: Tensor
    recorded: Tensor
    items: Tensor

    def parts(self, number: int) -> Iterator["ChunkBatch"]:
        """Cut the batch into ``number`` smaller ones, as equal as can be."""
        for chosen in zip(*(values.tensor_split(number) for values in self)):
            yield ChunkBatch(*chosen)
