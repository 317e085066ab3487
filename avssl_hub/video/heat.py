"""Heat over pictures, by the rule of the multisensory paper's demonstration (section 4 of the paper)."""

from functools import cache

import numpy as np
import torch
from matplotlib import colormaps
from torch.nn import functional as F

_PERCENTILE = 97
_MOST_OPAQUE = 0.35
_LEAST_RANGE = 0.001  # a map flatter than this is not shown


def heat_range(heat: torch.Tensor) -> tuple[float, float]:
    """Choose where the colours begin and end: half the 97th percentile, and a thousandth above it.

    Args:
        heat: All maps of a clip, of any shape; NaN does not count.
    """
    percentile = float(np.nanpercentile(heat.numpy(), _PERCENTILE))
    return 0.5 * percentile, percentile + _LEAST_RANGE


def overlay_heat(frame: torch.Tensor, heat: torch.Tensor, low: float, high: float, view: float = 1.0) -> torch.Tensor:
    """Lay a map over a frame in the colours of "jet", the more opaque the hotter, up to 35 %.

    Args:
        frame: uint8 ``(H, W, 3)``.
        heat: float ``(h, w)``, resized bilinearly to what it covers of the frame.
        low: Heat at which the colours begin.
        high: Heat at which they end.
        view: The centred share of the frame's height and width that the map covers.

    Returns:
        uint8 ``(H, W, 3)``; the frame itself if the map is flat or has NaN.
    """
    if not heat.max() - heat.min() > _LEAST_RANGE:
        return frame
    height, width = (max(1, round(side * view)) for side in frame.shape[:2])
    top, left = (frame.shape[0] - height) // 2, (frame.shape[1] - width) // 2
    resized = F.interpolate(heat[None, None], (height, width), mode="bilinear", align_corners=False)[0, 0]
    share = (resized - low) / (high - low)
    colours = _jet()[(share * 256).long().clamp(0, 255)]
    painted = frame.clone()
    seen = painted[top : top + height, left : left + width]
    seen.copy_(torch.lerp(seen.float(), colours, share.clamp(0, _MOST_OPAQUE)[..., None]).round())
    return painted


@cache
def _jet() -> torch.Tensor:
    return torch.from_numpy(colormaps["jet"](np.arange(256))[:, :3] * 255).float()
