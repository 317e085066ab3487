"""Whether channels can be ambisonics of a convention: what independent plane waves leave in their covariance."""

from functools import cache

import torch

from .conventions import CONVENTIONS, Convention, convert, order_of
from .directions import picture_grid, unit_vectors
from .harmonics import harmonics_of


def band_covariance(sound: torch.Tensor, sampling_rate: int, low: float, high: float) -> torch.Tensor:
    """Products of every two channels, summed over a band of frequencies.

    Args:
        sound: ``(channels, samples)`` of any convention.
        sampling_rate: Samples per second.
        low: Hertz.
        high: Hertz.

    Returns:
        ``(channels, channels)``, float64, of any scale; those of parts of a sound can be added.
    """
    samples = sound.shape[-1]
    spectrum = torch.fft.rfft(sound.double() * torch.hann_window(samples, dtype=torch.float64), dim=-1)
    spectrum = spectrum[:, round(low / sampling_rate * samples) : round(high / sampling_rate * samples)]
    return (spectrum @ spectrum.conj().T).real


def misfit(covariance: torch.Tensor, convention: Convention) -> float:
    """Share of a covariance that no mixture of independent plane waves can have, if read in a convention.

    Of first order it is only the level of X, Y and Z in relation to W that counts.

    Args:
        covariance: ``(channels, channels)``, not all 0.
        convention: How to read the channels.

    Returns:
        0 for a perfect fit, at most 1.

    Raises:
        InvalidValueError: The number of channels is none of 4, 9 and 16.
    """
    half = convert(covariance.double(), convention)
    read = convert(half.T, convention).flatten()
    basis = _plane_waves(order_of(len(covariance)))
    return ((read - basis @ (basis.T @ read)).norm() / read.norm()).item()


def misfits(covariance: torch.Tensor) -> dict[str, float]:
    """``misfit`` of every named convention."""
    return {name: misfit(covariance, convention) for name, convention in CONVENTIONS.items()}


@cache
def _plane_waves(order: int) -> torch.Tensor:
    """Orthonormal basis ``(channels ** 2, n)`` of the covariances that plane waves from everywhere have."""
    harmonics = harmonics_of(unit_vectors(*picture_grid(20)).flatten(0, 1), order)
    waves = (harmonics[:, :, None] * harmonics[:, None, :]).flatten(1).T
    basis, _, _ = torch.linalg.svd(waves, full_matrices=False)
    # Products of harmonics of order N are harmonics of order 2N.
    return basis[:, : (2 * order + 1) ** 2]
