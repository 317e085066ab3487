"""What a training step sees and hears."""

from collections.abc import Iterator
from typing import NamedTuple

from torch import Tensor


class SceneBatch(NamedTuple):
    """One process's share of a step, on its device.

    Attributes:
        pixels: ``(B, T, 3, H, W)`` in [-1, 1]; of T = 0 where a task takes no picture.
        sounds: ``(B, K, channels, n)``, the picture's own sound first; NaN for a recording without sound.
        items: Item of each clip, ``(B,)``.
        labels: Class of each clip, ``(B,)``; -1 where classes are not known.
        draws: A number of [0, 1) for each clip, ``(B,)``, for what a task decides by chance.
    """

    pixels: Tensor
    sounds: Tensor
    items: Tensor
    labels: Tensor
    draws: Tensor

    def parts(self, number: int) -> Iterator["SceneBatch"]:
        """Cut the batch into ``number`` smaller ones, as equal as can be."""
        for chosen in zip(*(values.tensor_split(number) for values in self)):
            yield SceneBatch(*chosen)

    def heard(self) -> tuple[Tensor, Tensor]:
        """Return the sounds with zeros for those that are missing, and ``(B,)`` which clips have sound."""
        return self.sounds.nan_to_num(), ~self.sounds[:, 0, 0, 0].isnan()
