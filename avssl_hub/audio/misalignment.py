"""Sound turned away from its picture: the negatives of spatial alignment (AVSA section 4.2, "AVSA-Bin")."""

import math
from collections.abc import Callable, Sequence

import torch

from ..errors import unknown_name
from .ambisonics.rotate import rotation_matrix


def quaternion_matrix(quaternion: torch.Tensor) -> torch.Tensor:
    """Rotation matrices ``(..., 3, 3)`` for vectors forward, left, up, of quaternions as the released code has them.

    Args:
        quaternion: ``(..., 4)`` of any length but 0: the scalar part, and that along left, up and forward, the
            channels Y, Z and X.
    """
    w, left, up, forward = (quaternion.double() / quaternion.double().norm(dim=-1, keepdim=True)).unbind(-1)
    x, y, z = forward, left, up
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return torch.stack([torch.stack(row, -1) for row in rows], -2)


def _angle(shape: Sequence[int], most: float, generator: torch.Generator | None) -> torch.Tensor:
    return most * (2 * torch.rand(shape, dtype=torch.float64, generator=generator) - 1)


def _yaw(shape: Sequence[int], generator: torch.Generator | None) -> torch.Tensor:
    return rotation_matrix(_angle(shape, math.pi, generator))


def _quaternion(shape: Sequence[int], generator: torch.Generator | None) -> torch.Tensor:
    return quaternion_matrix(torch.randn((*shape, 4), dtype=torch.float64, generator=generator))


def _pitch_yaw(shape: Sequence[int], generator: torch.Generator | None) -> torch.Tensor:
    pitch = _angle(shape, math.pi / 2, generator)
    return rotation_matrix(_angle(shape, math.pi, generator), pitch)


def _yaw_pitch(shape: Sequence[int], generator: torch.Generator | None) -> torch.Tensor:
    # The inverse of a pitch after a yaw; both angles are as likely as their negatives.
    return _pitch_yaw(shape, generator).transpose(-1, -2)


MISALIGNMENTS: dict[str, Callable[[Sequence[int], torch.Generator | None], torch.Tensor]] = {
    "yaw": _yaw,
    "quaternion": _quaternion,
    "pitch_yaw": _pitch_yaw,
    "yaw_pitch": _yaw_pitch,
}


def draw_misalignment(
    mode: str = "yaw", shape: Sequence[int] = (), generator: torch.Generator | None = None
) -> torch.Tensor:
    """Draw rotations, for ``avssl_hub.audio.ambisonics.turn``.

    Args:
        mode: ``"yaw"`` turns about the vertical by any angle, as the published task does; ``"quaternion"`` is any
            rotation, all equally likely; ``"pitch_yaw"`` turns about the left axis by up to 90 degrees and then about
            the vertical by any angle, ``"yaw_pitch"`` the other way round.
        shape: Shape of the batch.
        generator: Source of randomness, on the CPU.

    Returns:
        ``(*shape, 3, 3)``, float64.

    Raises:
        UnknownNameError: There is no such mode.
    """
    if mode not in MISALIGNMENTS:
        raise unknown_name("misalignment", mode, MISALIGNMENTS)
    return MISALIGNMENTS[mode](shape, generator)
