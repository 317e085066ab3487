"""Mel bands of Slaney's scale and area, in double precision: single precision moves levels by up to 3e-4 dB."""

import math
from functools import lru_cache

import torch

# Linear up to 1000 Hz, then 27 bands for each factor of 6.4.
_HERTZ_PER_MEL = 200 / 3
_CORNER_HERTZ = 1000.0
_STEP = math.log(6.4) / 27


@lru_cache(maxsize=8)
def mel_bands(sampling_rate: int, fft_size: int, num_bands: int) -> torch.Tensor:
    """Weights of overlapping triangles from 0 Hz to half the sampling rate; each has an area of 2 Hz.

    Args:
        sampling_rate: Samples per second.
        fft_size: Length of the transform in samples.
        num_bands: Number of bands.

    Returns:
        float64 ``(fft_size // 2 + 1, num_bands)``, not to be changed in place.
    """
    highest = _CORNER_HERTZ / _HERTZ_PER_MEL + math.log(sampling_rate / 2 / _CORNER_HERTZ) / _STEP
    edges = _to_hertz(torch.linspace(0, highest, num_bands + 2, dtype=torch.float64))
    bins = torch.linspace(0, sampling_rate / 2, fft_size // 2 + 1, dtype=torch.float64)[:, None]
    low, peak, high = edges[:-2], edges[1:-1], edges[2:]
    triangles = torch.minimum((bins - low) / (peak - low), (high - bins) / (high - peak))
    return triangles.clamp_min(0) * 2 / (high - low)


def _to_hertz(mels: torch.Tensor) -> torch.Tensor:
    corner = _CORNER_HERTZ / _HERTZ_PER_MEL
    return torch.where(mels < corner, mels * _HERTZ_PER_MEL, _CORNER_HERTZ * ((mels - corner) * _STEP).exp())
