"""Ambisonics as they are heard by one who faces a view (AVSA section 3)."""

import torch

from ...errors import unknown_name
from .conventions import order_of
from .harmonics import spherical_harmonics
from .rotate import rotation_matrix, turn

TURNS = ("yaw_first", "pitch_first")


def face(
    ambisonics: torch.Tensor, azimuth: torch.Tensor | float, elevation: torch.Tensor | float, order: str = "yaw_first"
) -> torch.Tensor:
    """Rotate sounds so that what lay at a direction lies in front; differentiable.

    Args:
        ambisonics: ``(..., channels, samples)`` of a full sphere of order 1 to 3.
        azimuth: One angle in radians, or ``(..., K)``, of K directions for each sound of the batch.
        elevation: The same.
        order: ``"yaw_first"`` turns about the vertical axis and then about the left one, which brings the direction
            to the front. ``"pitch_first"`` takes the two turns the other way round, as the released code does: the
            direction ends up in front only if one of its angles is 0.

    Returns:
        The same shape; with K directions ``(..., K, channels, samples)``.

    Raises:
        InvalidValueError: The number of channels is none of 4, 9 and 16.
        UnknownNameError: There is no such order of turns.
    """
    rotation = facing_rotation(azimuth, elevation, order)
    return turn(ambisonics[..., None, :, :] if rotation.ndim > 2 else ambisonics, rotation)


def facing_rotation(
    azimuth: torch.Tensor | float, elevation: torch.Tensor | float, order: str = "yaw_first"
) -> torch.Tensor:
    """Matrices ``(..., 3, 3)`` by which ``face``, whose arguments these are, rotates; float64.

    Raises:
        UnknownNameError: There is no such order of turns.
    """
    azimuth, elevation = (torch.as_tensor(angle, dtype=torch.float64) for angle in (azimuth, elevation))
    if order == "yaw_first":
        return rotation_matrix(azimuth, elevation).transpose(-1, -2)
    if order == "pitch_first":
        return rotation_matrix(-azimuth, -elevation)
    raise unknown_name("order of turns", order, TURNS)


def mono_towards(ambisonics: torch.Tensor, azimuth: torch.Tensor, elevation: torch.Tensor) -> torch.Tensor:
    """Hear K directions ``(..., K)`` of sounds ``(..., channels, samples)``, one channel each, with the weights of
    the harmonics, which scale nothing: ``(..., K, 1, samples)``."""
    weights = spherical_harmonics(azimuth, elevation, order_of(ambisonics.shape[-2]))
    return (weights.to(ambisonics) @ ambisonics)[..., None, :]


def mirrored(ambisonics: torch.Tensor) -> torch.Tensor:
    """Exchange left and right of sounds ``(..., channels, samples)``, as a mirror image does with a picture."""
    order = order_of(ambisonics.shape[-2])
    # Harmonics of the azimuth's sine change their sign.
    signs = [-1.0 if m < 0 else 1.0 for n in range(order + 1) for m in range(-n, n + 1)]
    return ambisonics * ambisonics.new_tensor(signs)[:, None]
