"""Where the sound of a scene comes from: ground truth in pixels."""

from torch import Tensor

from ..avworld.masks import visible
from .config import AVWorld360Config
from .picture import place_sprites
from .scenes import Scenes360


def sounding_masks(scenes: Scenes360, times: Tensor, config: AVWorld360Config) -> Tensor:
    """Mark each object that sounds at ``times`` (B, T) in seconds: those of which a note still rings.

    Returns:
        Share of each pixel in which the object is what is seen, (B, O, T, height, width), 0 to 1; 0 for those that are
        silent then.
    """
    opacity, _ = place_sprites(scenes, times, config.height)
    return visible(opacity) * scenes.rings(times)[..., None, None]
