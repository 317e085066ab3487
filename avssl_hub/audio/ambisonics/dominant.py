"""The few directions from which most of a sound comes."""

from math import cos, pi
from typing import NamedTuple

import torch

from .directions import angles_of

_CELL = pi / 18


class Dominant(NamedTuple):
    """A direction that sound came from for some of the time.

    Attributes:
        azimuth: Radians, left positive.
        elevation: Radians, up positive.
        share: Of all that flowed, 0 to 1.
    """

    azimuth: float
    elevation: float
    share: float


def dominant_directions(
    flow: torch.Tensor, most: int = 5, spread: float = pi / 12, least_share: float = 0.05
) -> list[Dominant]:
    """Group what flowed in many windows by direction, the strongest group first.

    Args:
        flow: ``(windows, 3)`` intensity vectors of ``flow_and_energy``; what is longer counts more.
        most: Groups at most.
        spread: Radians around a direction that count as the same.
        least_share: Weaker groups are left out.

    Returns:
        Groups that together make at most the whole; none if nothing flowed.
    """
    total = flow.norm(dim=1).sum().item()
    cells, found = _gathered(flow), []
    while len(found) < most and len(cells):
        lengths = cells.norm(dim=1)
        near = cells @ cells.T >= cos(spread) * lengths[:, None] * lengths
        groups = near.to(cells) @ lengths
        members = near[groups.argmax()]
        share = groups.max().item() / total
        if share < least_share:
            break
        azimuth, elevation = angles_of(cells[members].sum(0))
        found.append(Dominant(azimuth.item(), elevation.item(), share))
        cells = cells[~members]
    return found


def _gathered(flow: torch.Tensor) -> torch.Tensor:
    """Sum up what flowed into each cell of a grid, so that the work does not grow with the length of the sound."""
    azimuth, elevation = angles_of(flow)
    rows, columns = (torch.round(angle / _CELL).long() for angle in (elevation, azimuth))
    around = round(2 * pi / _CELL)
    numbers = (rows + around // 4) * around + columns % around
    cells = flow.new_zeros(around**2, 3).index_add_(0, numbers, flow)
    return cells[cells.norm(dim=1) > 0]
