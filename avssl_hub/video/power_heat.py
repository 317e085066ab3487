"""The loudness of directions laid over an equirectangular film, by the rule of SpatialAudioGen's demonstration."""

from functools import cache, lru_cache

import numpy as np
import torch
from matplotlib import colormaps
from torch.nn import functional as F

from .equirectangular import framed

_LEAST_RANGE = 0.005  # keeps maps of silence dark
_GAIN, _FLOOR = 2.0, 0.7
_MOST_OPAQUE = 0.6


def relative_power(maps: torch.Tensor) -> torch.Tensor:
    """Scale power maps ``(..., h, w)`` so that each runs from 0 to almost 1."""
    low, high = maps.amin((-2, -1), keepdim=True), maps.amax((-2, -1), keepdim=True)
    return (maps - low) / (high - low + _LEAST_RANGE)


def overlay_power(frame: torch.Tensor, power: torch.Tensor, released: bool = False) -> torch.Tensor:
    """Lay the loudest directions over a frame, from yellow to red, up to 60 % opaque.

    Args:
        frame: uint8 ``(H, W, 3)``, equirectangular.
        power: float ``(h, w)`` in 0 to 1, see ``relative_power``; a whole sphere of pixels as those of ``frame``.
        released: As the released tool resizes maps: colours fade out along the border, and nothing joins at the back.

    Returns:
        uint8 ``(H, W, 3)``.
    """
    heat = (_GAIN * power.float() - _FLOOR).clamp_min(0)
    colours = _colours()[(heat * 255).long().clamp_max(255)].movedim(-1, 0)
    layer = torch.cat([colours, _MOST_OPAQUE * heat[None]])
    *colour, alpha = _resized(layer if released else framed(layer), frame.shape[:2], 0 if released else 1)
    alpha = alpha[..., None]
    return (alpha * torch.stack(colour, -1) + (1 - alpha) * frame).clamp(0, 255).to(torch.uint8)


def _resized(layer: torch.Tensor, size: tuple[int, int], border: int) -> torch.Tensor:
    """Resize ``(channels, h, w)`` bilinearly to ``(channels, *size)``, without so many pixels of its border."""
    scales = tuple((side - 2 * border) / side for side in layer.shape[1:])
    return F.grid_sample(layer[None], _grid(tuple(size), scales), mode="bilinear", align_corners=False)[0]


@lru_cache(maxsize=2)
def _grid(size: tuple[int, int], scales: tuple[float, float]) -> torch.Tensor:
    theta = torch.tensor([[scales[1], 0.0, 0.0], [0.0, scales[0], 0.0]])
    return F.affine_grid(theta[None], [1, 1, *size], align_corners=False)


@cache
def _colours() -> torch.Tensor:
    return torch.from_numpy(colormaps["YlOrRd"](np.arange(256))[:, :3] * 255).float()
