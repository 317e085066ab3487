"""Optical flow as SpatialAudioGen sees it: two components and their length, and the maps its data sets keep it in."""

import math

import torch

from ..errors import InvalidValueError, explain

# The file beside the maps with the least and greatest length of each.
FLOW_LIMITS = "flow_limits.npy"


def flow_channels(motion: torch.Tensor, inverted: bool = True) -> torch.Tensor:
    """Put the length of motions ``(..., 2, H, W)`` behind their two components, ``(..., 3, H, W)``.

    Args:
        motion: To the right and down, in pixels from the frame before.
        inverted: Whether the components change their sign, as they do on the way through the released maps.
    """
    length = motion.square().sum(-3, keepdim=True).sqrt()
    return torch.cat([-motion if inverted else motion, length], -3)


def decode_flow_maps(maps: torch.Tensor, limits: torch.Tensor, inverted: bool = True) -> torch.Tensor:
    """Read motion out of pictures in whose red is its direction and in whose blue is its length.

    The authors' writer adds half a turn to the direction and their reader does not take it away, so that released
    networks saw all motion the other way round.

    Args:
        maps: uint8 ``(T, H, W, 3)``.
        limits: ``(T, 2)``, the lengths that 0 and 255 stand for, in pixels per frame.
        inverted: True is what released networks saw; False is the motion.

    Returns:
        ``(T, 3, H, W)``: to the right, down, and length.

    Raises:
        InvalidValueError: The shapes do not fit each other.
    """
    if maps.ndim != 4 or maps.shape[-1] != 3 or limits.shape != (len(maps), 2):
        got = f"shapes {tuple(maps.shape)} and {tuple(limits.shape)}"
        raise InvalidValueError(explain("flow maps and limits", got, "(time, height, width, 3) and (time, 2)"))
    red, _, blue = maps.float().unbind(-1)
    least, most = limits.float().to(maps.device)[:, :, None, None].unbind(1)
    length = blue * (most - least) / 255 + least
    angle = red * (2 * math.pi / 255) + (0.0 if inverted else math.pi)
    return torch.stack([length * angle.cos(), length * angle.sin(), length], 1)
