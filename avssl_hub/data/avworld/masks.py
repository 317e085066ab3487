"""Where the sound of a scene comes from: ground truth for localisation."""

import torch
from torch import Tensor

from .config import AVWorldConfig
from .picture import place_sprites
from .scenes import Scenes


def sounding_masks(scenes: Scenes, times: Tensor, config: AVWorldConfig) -> Tensor:
    """Mark what sounds at ``times`` (B, T) in seconds: the objects of which a note still rings.

    An object counts as far as it is seen: where one lies over another, only the upper one. Scenes that sound like
    another one have no source in the picture, and nothing is marked.

    Returns:
        Share of each pixel that sounding objects cover, (B, T, height, width), 0 to 1.
    """
    opacity, _ = place_sprites(scenes, times, config.height, config.width)
    rings = scenes.rings(times) & ~scenes.off_screen[:, None, None]
    return (visible(opacity) * rings[..., None, None]).sum(1)


def visible(opacity: Tensor) -> Tensor:
    """Share of each pixel in which an object is what is seen, of opacities (B, O, ...): the last lies on top."""
    above = (1 - opacity).flip(1).cumprod(1).flip(1)
    return opacity * torch.cat([above[:, 1:], torch.ones_like(above[:, :1])], 1)
