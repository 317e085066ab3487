"""How loud an ambisonic scene (ACN, SN3D) is towards each direction of a grid."""

import torch

from .conventions import order_of
from .covariance import window_covariance
from .decode import decoding_matrix
from .directions import unit_vectors


def power_map(
    ambisonics: torch.Tensor,
    azimuth: torch.Tensor,
    elevation: torch.Tensor,
    window: int | None = None,
    method: str = "projection",
) -> torch.Tensor:
    """Root mean square of what each direction hears, over windows that touch.

    Where nothing at all is heard it has no gradient, as the square root of 0.

    Args:
        ambisonics: ``(..., channels, samples)`` of a full sphere of order 1 to 3.
        azimuth: Grid of any shape, such as ``(rows, columns)`` of ``picture_grid``, in radians.
        elevation: The same.
        window: Samples a map; those that fill no window at the end are left out. None is one map of all, and drops
            the axis of windows.
        method: How to decode, see ``decode``; the authors' maps are projections.

    Returns:
        ``(..., windows, *grid)``, or ``(..., *grid)`` without a window.

    Raises:
        InvalidValueError: The number of channels is none of 4, 9 and 16, or there are fewer samples than a window.
        UnknownNameError: There is no such method.
    """
    maps = map_of_covariance(window_covariance(ambisonics, window), azimuth, elevation, method)
    return maps.to(ambisonics.dtype)


def map_of_covariance(
    covariance: torch.Tensor, azimuth: torch.Tensor, elevation: torch.Tensor, method: str = "projection"
) -> torch.Tensor:
    """Map ``(..., *grid)`` of what ``window_covariance`` gave, ``(..., channels, channels)``; see ``power_map``."""
    vectors = unit_vectors(torch.as_tensor(azimuth), torch.as_tensor(elevation))
    matrix = decoding_matrix(vectors.flatten(0, -2), order_of(covariance.shape[-1]), method).to(covariance)
    power = ((matrix @ covariance) * matrix).sum(-1)
    return power.clamp_min(0).sqrt().unflatten(-1, vectors.shape[:-1])
