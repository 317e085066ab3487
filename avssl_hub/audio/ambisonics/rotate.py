"""Rotation of a whole ambisonic scene (ACN, SN3D), exact for every order."""

import torch

from .conventions import order_of
from .designs import t_design
from .harmonics import harmonics_of


def rotation_matrix(
    yaw: torch.Tensor | float, pitch: torch.Tensor | float = 0.0, roll: torch.Tensor | float = 0.0
) -> torch.Tensor:
    """Turn by ``roll`` about the forward axis, then by ``pitch`` about the left one, by ``yaw`` about the vertical.

    Args:
        yaw: ``(...)`` in radians; positive takes forward to the left.
        pitch: ``(...)`` in radians; positive takes forward upwards.
        roll: ``(...)`` in radians; positive takes left upwards.

    Returns:
        ``(..., 3, 3)``, float64, for column vectors.
    """
    yaw = torch.as_tensor(yaw, dtype=torch.float64)
    pitch, roll = (torch.as_tensor(angle, dtype=torch.float64, device=yaw.device) for angle in (pitch, roll))
    yaw, pitch, roll = torch.broadcast_tensors(yaw, pitch, roll)
    # The axes run x, y, z; a pitch upwards is a negative turn about y.
    return _turn(yaw, 0, 1) @ _turn(pitch, 0, 2) @ _turn(roll, 1, 2)


def rotate(
    ambisonics: torch.Tensor,
    yaw: torch.Tensor | float,
    pitch: torch.Tensor | float = 0.0,
    roll: torch.Tensor | float = 0.0,
) -> torch.Tensor:
    """Rotate all sources: what lay at azimuth ``a`` lies at ``a + yaw``; see ``rotation_matrix`` for the others.

    A head that turns by ``yaw`` hears the scene rotated by ``-yaw``.

    Args:
        ambisonics: ``(..., channels, samples)`` of a full sphere of order 1 to 3.
        yaw: One angle in radians, or ``(...)``, one for each sound of the batch.
        pitch: The same.
        roll: The same.

    Returns:
        The same shape.

    Raises:
        InvalidValueError: The number of channels is none of 4, 9 and 16.
    """
    return turn(ambisonics, rotation_matrix(yaw, pitch, roll))


def turn(ambisonics: torch.Tensor, rotation: torch.Tensor) -> torch.Tensor:
    """Rotate all sources of sounds ``(..., channels, samples)`` by a matrix ``(..., 3, 3)``; see ``rotate``."""
    return harmonics_rotation(rotation, order_of(ambisonics.shape[-2])).to(ambisonics) @ ambisonics


def harmonics_rotation(rotation: torch.Tensor, order: int) -> torch.Tensor:
    """Matrix ``(..., channels, channels)`` that turns a direction's harmonics into those of the rotated direction.

    Args:
        rotation: ``(..., 3, 3)``.
        order: Ambisonic order, 1 to 3.
    """
    # Harmonics up to an order span a space that rotation does not leave, so a few points determine the matrix.
    points = t_design(2 * order).to(rotation.device)
    rotated = harmonics_of(points @ rotation.transpose(-1, -2), order)
    return (torch.linalg.pinv(harmonics_of(points, order)) @ rotated).transpose(-1, -2)


def _turn(angle: torch.Tensor, first: int, second: int) -> torch.Tensor:
    """Rotation that takes one axis towards another."""
    matrix = torch.eye(3, dtype=angle.dtype, device=angle.device).expand(*angle.shape, 3, 3).clone()
    matrix[..., first, first] = matrix[..., second, second] = torch.cos(angle)
    matrix[..., second, first] = torch.sin(angle)
    matrix[..., first, second] = -torch.sin(angle)
    return matrix
