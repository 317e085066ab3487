"""What a training step sees, and what it does not yet know."""

from collections.abc import Iterator
from typing import NamedTuple

from torch import Tensor


class Batch(NamedTuple):
    """One process's share of a step, on its device.

    Attributes:
        pixel_values_videos: ``(B, T, 3, H, W)``.
        input_features: ``(B, 1, time, rows)``; ``(2 B, …)`` where the objective wants sound out of time as well.
        indices: Item of each clip, ``(B,)``.
        negatives: Items to tell each clip from, ``(B, K)``, if the objective draws any.
    """

    pixel_values_videos: Tensor
    input_features: Tensor
    indices: Tensor
    negatives: Tensor | None

    def parts(self, number: int) -> Iterator["Batch"]:
        """Cut the batch into ``number`` smaller ones, as equal as can be."""
        sounds = len(self.input_features) // len(self.indices)
        features = self.input_features.unflatten(0, (sounds, -1)).tensor_split(number, dim=1)
        pixels, indices = (each.tensor_split(number) for each in (self.pixel_values_videos, self.indices))
        negatives = [None] * number if self.negatives is None else self.negatives.tensor_split(number)
        for chosen in zip(pixels, features, indices, negatives):
            yield Batch(chosen[0], chosen[1].flatten(0, 1), *chosen[2:])
