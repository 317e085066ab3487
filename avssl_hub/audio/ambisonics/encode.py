"""From sounds and their directions to ambisonics (ACN, SN3D)."""

import torch

from .harmonics import harmonics_of, spherical_harmonics

SPEED_OF_SOUND = 343.0  # m/s


def encode(signals: torch.Tensor, azimuth: torch.Tensor, elevation: torch.Tensor, order: int = 1) -> torch.Tensor:
    """Place sounds in directions that stay as they are.

    Args:
        signals: ``(..., sources, samples)``.
        azimuth: ``(sources)`` or ``(..., sources)`` in radians, left positive.
        elevation: The same, up positive.
        order: Ambisonic order, 0 to 3.

    Returns:
        ``(..., channels, samples)``: the sum of all sources, ``(order + 1) ** 2`` channels in ACN and SN3D.

    Raises:
        InvalidValueError: ``order`` is out of range.
    """
    harmonics = spherical_harmonics(_like(signals, azimuth), _like(signals, elevation), order)
    return harmonics.transpose(-1, -2) @ signals


def encode_moving(
    signals: torch.Tensor, azimuth: torch.Tensor, elevation: torch.Tensor, order: int = 1
) -> torch.Tensor:
    """Place sounds in directions that change: as ``encode``, with an angle a sample, ``(..., sources, samples)``."""
    harmonics = spherical_harmonics(_like(signals, azimuth), _like(signals, elevation), order)
    return torch.einsum("...sn,...snc->...cn", signals, harmonics)


def encode_at_distance(
    signals: torch.Tensor, positions: torch.Tensor, sampling_rate: int, order: int = 1, near: float = 1.0
) -> torch.Tensor:
    """Place sounds at points, with delay and loss for what lies beyond a radius (the authors' second encoder).

    A source ``d`` metres beyond ``near`` comes ``int(d / 343 * sampling_rate)`` samples later, at ``1 / (1 + d)``.

    Args:
        signals: ``(..., sources, samples)``.
        positions: ``(sources, 3)`` in metres: forward, left, up.
        sampling_rate: Samples per second.
        order: Ambisonic order, 0 to 3.
        near: Radius in metres within which nothing is changed.

    Returns:
        ``(..., channels, samples)`` in ACN and SN3D; what a delay moves beyond the end is cut.
    """
    positions = _like(signals, positions)
    radius = positions.norm(dim=-1)
    arrived = travelled(signals, (radius - near).clamp_min(0), sampling_rate)
    return harmonics_of(positions / radius[:, None], order).transpose(-1, -2) @ arrived


def travelled(signals: torch.Tensor, distance: torch.Tensor, sampling_rate: int) -> torch.Tensor:
    """Delay ``(..., sources, samples)`` by whole samples and weaken them, for distances ``(sources)`` in metres."""
    arrived = torch.zeros_like(signals)
    samples = signals.shape[-1]
    for source, metres in enumerate(distance.tolist()):
        delay = min(int(metres / SPEED_OF_SOUND * sampling_rate), samples)
        arrived[..., source, delay:] = signals[..., source, : samples - delay] / (1 + metres)
    return arrived


def _like(signals: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    return torch.as_tensor(values, dtype=signals.dtype, device=signals.device)
