"""The whole sphere from views of it: where to look so that nothing is missed, and what was found there put together."""

import math

import torch
from torch.nn import functional as F

from ..audio.ambisonics.directions import unit_vectors
from ..audio.ambisonics.rotate import rotation_matrix
from .equirectangular import pixel_directions
from .views import Views

# Steps from view to view, as shares of the angle that one covers; the rest overlaps.
_STEP = 0.8

# Counts where no view has more of its own to say: at the corner of one.
_LEAST_WEIGHT = 1e-3


def covering_views(half: float) -> Views:
    """Square views ``(K, 4)`` that together see the whole sphere, in rows from pole to pole, each from the back on.

    Args:
        half: Tangent of half the angle from edge to edge.
    """
    step = _STEP * 2 * math.atan(half)
    rows = math.ceil(math.pi / step) + 1
    centres = []
    for elevation in torch.linspace(-math.pi / 2, math.pi / 2, rows, dtype=torch.float64).tolist():
        around = max(1, math.ceil(2 * math.pi * math.cos(elevation) / step))
        centres += [(2 * math.pi * (number + 0.5) / around - math.pi, elevation) for number in range(around)]
    azimuth, elevation = torch.tensor(centres, dtype=torch.float64).T
    return Views.facing(azimuth, elevation, torch.full_like(azimuth, half), torch.full_like(azimuth, half))


class ViewMosaic:
    """Puts what was found in views back onto the sphere, the more of a view the nearer to its middle.

    Args:
        views: K views, ``(K, 4)``.
        height: Height of the whole picture in pixels; it is twice as wide.

    Attributes:
        seen: Which pixels some view shows, bool ``(height, 2 * height)``.
    """

    def __init__(self, views: Views, height: int):
        self.size = height, 2 * height
        rays = unit_vectors(*pixel_directions(*self.size)).double().flatten(0, 1)
        turns = rotation_matrix(views.azimuth, views.elevation, torch.zeros_like(views.azimuth))
        self._parts = []
        total = torch.zeros(len(rays))
        for turn, width, tall in zip(turns, views.half_width.tolist(), views.half_height.tolist()):
            ahead, left, up = (rays @ turn).T
            across, down = -left / (ahead * width), -up / (ahead * tall)
            inside = ((ahead > 0) & (across.abs() <= 1) & (down.abs() <= 1)).nonzero()[:, 0]
            across, down = across[inside], down[inside]
            weight = ((1 - across.abs()) * (1 - down.abs())).clamp_min(_LEAST_WEIGHT).float()
            total.index_add_(0, inside, weight)
            self._parts.append((inside, torch.stack([across, down], -1).float()[None, None], weight))
        self.seen = (total > 0).view(self.size)
        self._total = total.clamp_min(_LEAST_WEIGHT)

    def __call__(self, values: torch.Tensor) -> torch.Tensor:
        """Join values of the views, ``(K, channels, h, w)`` on the CPU: ``(channels, height, 2 * height)``."""
        joined = values.new_zeros(values.shape[1], len(self._total))
        for own, (inside, places, weight) in zip(values, self._parts, strict=True):
            found = F.grid_sample(own[None], places, padding_mode="border", align_corners=False)[0, :, 0]
            joined.index_add_(1, inside, found * weight)
        return (joined / self._total).unflatten(1, self.size)
