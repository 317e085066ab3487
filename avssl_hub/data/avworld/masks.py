"""Where the sound of a scene comes from: ground truth for localisation."""

import torch
from torch import Tensor

from .config import AVWorldConfig
from .picture import place_sprites
from .scenes import Scenes
from .sound import NOTE_SECONDS


def sounding_masks(scenes: Scenes, times: Tensor, config: AVWorldConfig) -> Tensor:
    """Mark what sounds at ``times`` (B, T) in seconds: the objects of which a note still rings.

    An object counts as far as it is seen: where one lies over another, only the upper one. Scenes that sound like
    another one have no source in the picture, and nothing is marked.

    Returns:
        Share of each pixel that sounding objects cover, (B, T, height, width), 0 to 1.
    """
    opacity, _ = place_sprites(scenes, times, config.height, config.width)
    # Objects are drawn one over the other, the last on top.
    above = (1 - opacity).flip(1).cumprod(1).flip(1)
    seen = opacity * torch.cat([above[:, 1:], torch.ones_like(above[:, :1])], 1)
    return (seen * _rings(scenes, times)[..., None, None]).sum(1)


def _rings(scenes: Scenes, times: Tensor) -> Tensor:
    """Tell which objects are heard at ``times`` (B, T), as (B, O, T)."""
    since = times[:, None, :, None] - scenes.event_times[:, :, None, :]
    ringing = ((since >= 0) & (since < NOTE_SECONDS)).any(-1)
    return ringing & ~scenes.off_screen[:, None, None]
