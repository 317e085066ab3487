"""What is seen where: a class for every pixel, of the objects' own and of what is behind them."""

import torch
from torch import Tensor

from ..avworld.masks import visible
from .config import AVWorld360Config
from .picture import place_sprites
from .scenes import Scenes360

# In the order of the classes, by their looks.
_OBJECTS = (
    "disc",
    "striped triangle",
    "checked square",
    "flower",
    "striped ring",
    "cross",
    "dotted disc",
    "striped bar",
    "crescent",
    "target flower",
)


def class_names(config: AVWorld360Config) -> list[str]:
    """Name the classes of :func:`class_maps`: those of objects, and the backdrop."""
    return [*_OBJECTS[: config.num_classes], "backdrop"]


def class_maps(scenes: Scenes360, times: Tensor, config: AVWorld360Config) -> Tensor:
    """Tell the class of what is seen most in each pixel at ``times`` (B, T) in seconds.

    Returns:
        uint8 (B, T, height, width): the class of an object, or ``num_classes`` where the backdrop is seen.
    """
    opacity, _ = place_sprites(scenes, times, config.height)
    seen = visible(opacity)
    shares = torch.cat([seen, 1 - seen.sum(1, keepdim=True)], 1)
    behind = torch.full_like(scenes.classes[:, :1], config.num_classes)
    classes = torch.cat([scenes.classes, behind], 1)[:, :, None, None, None].expand_as(shares)
    return classes.gather(1, shares.argmax(1, keepdim=True))[:, 0].to(torch.uint8)
