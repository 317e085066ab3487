"""The ways to two ears of the SpatialAudioGen authors' code; none was used in training or evaluation.

They are here to compare with; ``binaural`` renders through measured heads.
"""

from math import pi

import torch
from torchaudio.functional import fftconvolve

from .ambisonics.decode import decode
from .ambisonics.directions import unit_vectors
from .ambisonics.encode import travelled

EAR_DISTANCE = 0.1  # metres from the middle of the head
PEAK = 0.95

# The tables of CIPIC: degrees towards the right, and degrees around the axis of the ears, from below to behind.
CIPIC_AZIMUTHS = (-80, -65, -55, *range(-40, 41, 5), 55, 65, 80)
CIPIC_ELEVATIONS = tuple(-45 + 5.625 * step for step in range(50))


def two_microphones(signals: torch.Tensor, positions: torch.Tensor, sampling_rate: int) -> torch.Tensor:
    """Record sounds with two microphones 0.1 m to the left and right, by delay and loss alone.

    Args:
        signals: ``(..., sources, samples)``.
        positions: ``(sources, 3)`` in metres: forward, left, up.
        sampling_rate: Samples per second.

    Returns:
        ``(..., 2, samples)``, left first: the mean over the sources, late by ``int(d / 343 * sampling_rate)`` samples
        and weaker by ``1 + d`` at ``d`` metres.
    """
    ears = positions.new_tensor([[0, EAR_DISTANCE, 0], [0, -EAR_DISTANCE, 0]])
    heard = [travelled(signals, (positions - ear).norm(dim=-1), sampling_rate).mean(-2) for ear in ears]
    return torch.stack(heard, -2)


def horizon_speakers(ambisonics: torch.Tensor, sampling_rate: int) -> torch.Tensor:
    """Decode first-order ambisonics by projection to eight speakers 1 m away, heard with ``two_microphones``."""
    azimuth = torch.arange(-4, 4, dtype=ambisonics.dtype, device=ambisonics.device) * pi / 4
    level = torch.zeros_like(azimuth)
    return two_microphones(decode(ambisonics, azimuth, level), unit_vectors(azimuth, level), sampling_rate)


def direct_ears(ambisonics: torch.Tensor, method: str = "projection") -> torch.Tensor:
    """Decode ambisonics towards the two ears, ``(..., 2, samples)``: by projection of first order W + Y and W - Y."""
    azimuth = torch.tensor([pi / 2, -pi / 2], dtype=torch.float64)
    return decode(ambisonics, azimuth, torch.zeros_like(azimuth), method)


def deployed_stereo(ambisonics: torch.Tensor) -> torch.Tensor:
    """``direct_ears`` scaled to a peak of 0.95, as the authors' films have it; silence stays silent."""
    ears = direct_ears(ambisonics)
    peak = ears.abs().max()
    return ears * (PEAK / peak) if peak > 0 else ears


def cipic_vectors() -> torch.Tensor:
    """Unit vectors ``(azimuths, elevations, 3)`` of the CIPIC tables, float64."""
    azimuth, elevation = torch.meshgrid(
        torch.deg2rad(torch.tensor(CIPIC_AZIMUTHS, dtype=torch.float64)),
        torch.deg2rad(torch.tensor(CIPIC_ELEVATIONS, dtype=torch.float64)),
        indexing="ij",
    )
    return unit_vectors(-azimuth, elevation)


def nearest_cipic(vectors: torch.Tensor) -> torch.Tensor:
    """Find the places in the CIPIC tables nearest to unit vectors ``(..., 3)``: azimuth and elevation ``(..., 2)``."""
    nearest = (vectors.double() @ cipic_vectors().flatten(0, 1).T).argmax(-1)
    return torch.stack([nearest // len(CIPIC_ELEVATIONS), nearest % len(CIPIC_ELEVATIONS)], -1)


def convolvotron(signals: torch.Tensor, responses: torch.Tensor) -> torch.Tensor:
    """Convolve sources with tables of responses; the samples for which a table lacks a past stay silent.

    Args:
        signals: ``(..., sources, samples)``.
        responses: ``(sources, 2, taps)``, left ear first.

    Returns:
        ``(..., 2, samples)``; the first ``taps - 1`` are 0.
    """
    taps = responses.shape[-1]
    heard = fftconvolve(signals[..., None, :], responses.expand(*signals.shape[:-2], -1, -1, -1)).sum(-3)
    heard = heard[..., : signals.shape[-1]]
    heard[..., : taps - 1] = 0
    return heard
