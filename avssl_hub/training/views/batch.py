"""What a training step sees and hears."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .augmentation import ViewAugmentation, ViewChanges


class ViewBatch(NamedTuple):
    """One process's share of a step, on its device.

    Attributes:
        pixels: ``(B, K, T, 3, size, size)``.
        log_mels: ``(B, K, 4, time, bands)``.
        turned: ``(B,)`` int64, 1 where the whole sound was turned away from its picture.
        items: Item of each clip, ``(B,)``.
    """

    pixels: Tensor
    log_mels: Tensor
    turned: Tensor
    items: Tensor

    @classmethod
    def of_clips(
        cls,
        augmentation: ViewAugmentation,
        clips: Sequence[Tensor],
        ambisonics: Tensor,
        changes: Sequence[ViewChanges],
        items: Tensor,
    ) -> "ViewBatch":
        """Make the batch of clips that lie on its device, each changed as was drawn for it."""
        turned = torch.tensor([int(own.rotation is not None) for own in changes], device=ambisonics.device)
        pixels, log_mels = augmentation.pixels(clips, changes), augmentation.log_mels(ambisonics, changes)
        return cls(pixels, log_mels, turned, items.to(ambisonics.device))

    def parts(self, number: int) -> Iterator["ViewBatch"]:
        """Cut the batch into ``number`` smaller ones, as equal as can be."""
        for chosen in zip(*(values.tensor_split(number) for values in self)):
            yield ViewBatch(*chosen)
