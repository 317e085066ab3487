"""Mean and deviation of mel bands, measured where none are published."""

from collections.abc import Iterable

import torch
from torch import Tensor

from ...models.avsa import AvsaProcessor


def band_statistics(sounds: Iterable[Tensor], processor: AvsaProcessor) -> dict[str, list[float]]:
    """Measure mean and standard deviation of each band over batches of sound, ``(B, n)`` each.

    Returns:
        ``spectrogram_mean`` and ``spectrogram_std``, in decibels.
    """
    rows = torch.cat([processor.decibels(sound) for sound in sounds]).flatten(0, 1).double()
    return {"spectrogram_mean": rows.mean(0).tolist(), "spectrogram_std": rows.std(0).tolist()}
