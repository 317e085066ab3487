"""Where a sound comes from, by the flow of its energy (first order, ACN, SN3D)."""

from typing import NamedTuple

import torch

from .covariance import window_covariance
from .directions import angles_of


class Arrival(NamedTuple):
    """Directions that sound comes from, one a window.

    Attributes:
        azimuth: Radians, left positive; 0 where no energy flows.
        elevation: Radians, up positive; 0 where no energy flows.
        level: Root mean square of W.
        diffuseness: 0 for one plane wave, 1 for sound that comes from everywhere, and for silence.
    """

    azimuth: torch.Tensor
    elevation: torch.Tensor
    level: torch.Tensor
    diffuseness: torch.Tensor


def arrival(ambisonics: torch.Tensor, window: int) -> Arrival:
    """Estimate directions by the intensity vector: the mean of W times (X, Y, Z), over windows that touch.

    Args:
        ambisonics: ``(..., channels, samples)`` of a full sphere of order 1 to 3; only the first order is used.
        window: Samples an estimate; those that fill no window at the end are left out.

    Returns:
        Fields of shape ``(..., windows)``, float64.

    Raises:
        InvalidValueError: The number of channels is none of 4, 9 and 16, or there are fewer samples than a window.
    """
    return arrival_of_covariance(window_covariance(ambisonics, window))


def arrival_of_covariance(covariance: torch.Tensor) -> Arrival:
    """As ``arrival``, of what ``window_covariance`` gave."""
    flow, energy = flow_and_energy(covariance)
    flowing = torch.where(energy > 0, flow.norm(dim=-1) / energy, 0)
    return Arrival(*angles_of(flow), covariance[..., 0, 0].sqrt(), 1 - flowing)


def flow_and_energy(covariance: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Intensity vectors ``(..., 3)``, which point at where sound comes from, and its energy ``(...)``.

    A plane wave has as much energy in X, Y and Z together as in W, and its intensity is as long as its energy is large.
    """
    energy = covariance.diagonal(dim1=-2, dim2=-1)[..., :4].sum(-1) / 2
    return covariance[..., 0, [3, 1, 2]], energy
