"""Views cut out of a picture of the whole sphere, as a camera sees them (AVSA section 3; its supplement)."""

import math
from dataclasses import dataclass

import torch

from ..errors import InvalidValueError, explain
from .equirectangular import camera_directions, direction_pixels, sample


@dataclass(frozen=True)
class Views:
    """Where views lie in an equirectangular picture, as shares of it.

    Attributes:
        rows: float64 ``(..., K, 4)``: of each view the centre from the left and from the top, and how much of the
            picture's width and height it covers in its own plane. A share of ``h`` of the width ends at the
            tangent ``pi * h``, and one of ``v`` of the height at ``pi / 2 * v``.

    Raises:
        InvalidValueError: The rows are no floats of four.
    """

    rows: torch.Tensor

    def __post_init__(self) -> None:
        if self.rows.ndim < 2 or self.rows.shape[-1] != 4 or not self.rows.is_floating_point():
            got = f"{str(self.rows.dtype).removeprefix('torch.')} of shape {tuple(self.rows.shape)}"
            raise InvalidValueError(explain("rows of views", got, "floats of shape (..., views, 4)"))

    @classmethod
    def facing(
        cls, azimuth: torch.Tensor, elevation: torch.Tensor, half_width: torch.Tensor, half_height: torch.Tensor
    ) -> "Views":
        """Make views of the properties below, all ``(..., K)``."""
        x, y = (1 - azimuth / math.pi) / 2, (1 - elevation / (math.pi / 2)) / 2
        return cls(torch.stack([x, y, half_width / math.pi, half_height / (math.pi / 2)], -1))

    @property
    def azimuth(self) -> torch.Tensor:
        """Azimuths of the centres ``(..., K)`` in radians, left positive."""
        return (1 - 2 * self.rows[..., 0]) * math.pi

    @property
    def elevation(self) -> torch.Tensor:
        """Elevations of the centres ``(..., K)`` in radians, up positive."""
        return (1 - 2 * self.rows[..., 1]) * (math.pi / 2)

    @property
    def half_width(self) -> torch.Tensor:
        """Tangents ``(..., K)`` of half the angle from the left to the right edge."""
        return self.rows[..., 2] * math.pi

    @property
    def half_height(self) -> torch.Tensor:
        """Tangents ``(..., K)`` of half the angle from the upper to the lower edge."""
        return self.rows[..., 3] * (math.pi / 2)

    def directions(self, size: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
        """Azimuth and elevation in radians of the centres of the views' pixels, each ``(..., K, *size)``."""
        return camera_directions(self.azimuth, self.elevation, 0.0, self.half_width, self.half_height, size)


def cut_pictures(frames: torch.Tensor, views: Views, size: tuple[int, int] = (112, 112)) -> torch.Tensor:
    """Cut views out of clips, bilinearly between pixel centres, without a seam; differentiable in pictures and views.

    Args:
        frames: Floats ``(..., T, channels, H, W)``.
        views: K views of each clip, ``(..., K, 4)``, on the device of the frames.
        size: Height and width of a view.

    Returns:
        ``(..., K, T, channels, *size)``.
    """
    *batch, times, channels, _, _ = frames.shape
    # The views of a clip, one below the other, are looked up as one picture whose channels are those of all frames.
    azimuth, elevation = (angle.flatten(-3, -2) for angle in views.directions(size))
    seen = sample(frames.flatten(-4, -3), azimuth, elevation)
    return seen.reshape(*batch, times, channels, -1, *size).movedim(-3, -5)


def cut_labels(labels: torch.Tensor, views: Views, size: tuple[int, int] = (112, 112)) -> torch.Tensor:
    """Cut views out of label maps; every pixel takes the label of the one nearest to its centre.

    Args:
        labels: ``(..., H, W)`` of any type.
        views: ``(..., K, 4)``.
        size: Height and width of a view.

    Returns:
        ``(..., K, *size)``.
    """
    height, width = labels.shape[-2:]
    rows, columns = direction_pixels(*views.directions(size), height, width)
    rows = rows.round().long().clamp(0, height - 1)
    return pick(labels, rows, columns.round().long().remainder(width))


def pick(labels: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """Take values of maps ``(..., H, W)`` at whole rows and columns ``(..., K, h, w)`` of each."""
    places = rows * labels.shape[-1] + columns
    return labels.flatten(-2).gather(-1, places.flatten(-3)).reshape(places.shape)
