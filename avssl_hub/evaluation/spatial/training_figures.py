"""The figures that the authors' training graph tells of a batch."""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from ...audio.stft_distance import stft_distance
from .sound_distances import log_spectral_distance, signal_to_noise, squared_error
from .steering import CHANNELS

STFT_GAIN, MSE_GAIN = 100.0, 5000.0


def training_figures(predicted: Tensor, target: Tensor, mask: Tensor) -> Mapping[str, Tensor]:
    """Rate a batch of chunks; ``stft/avg`` is the loss.

    Args:
        predicted: ``(B, 3, samples)``: Y, Z, X.
        target: Of the same shape.
        mask: ``(B, 3)``, 1 where the recording has the channel and 0 where not.

    Returns:
        By the authors' names: ``stft``, ``lsd``, ``mse`` and ``snr``, each as ``/Y``, ``/Z``, ``/X``, the mean over the
        samples that have the channel (0 where none has), and ``/avg``, the mean of these three; and ``pow/pred`` and
        ``pow/gt``, sums over time of the mean square over batch and channels, masked or not.
    """
    distances = {
        "stft": STFT_GAIN * stft_distance(predicted.double(), target.double()),
        "lsd": log_spectral_distance(predicted, target),
        "mse": MSE_GAIN * squared_error(predicted, target),
        "snr": signal_to_noise(predicted, target),
    }
    figures = dict(_masked(distances, mask))
    for name, sound in (("pow/pred", predicted), ("pow/gt", target)):
        figures[name] = sound.double().square().mean((0, 1)).sum()
    return figures


def _masked(distances: Mapping[str, Tensor], mask: Tensor) -> Iterator[tuple[str, Tensor]]:
    for name, values in distances.items():
        # A channel that nothing has counts as 0 in the mean of three, in the authors' graph as well.
        means = torch.where(mask > 0, values, 0.0).sum(0) / mask.sum(0).clamp_min(1)
        yield f"{name}/avg", means.mean()
        yield from zip((f"{name}/{channel}" for channel in CHANNELS), means)
