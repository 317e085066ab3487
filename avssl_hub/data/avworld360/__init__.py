"""AVWorld in 360°: sounding objects on a sphere around the listener, in equirectangular frames and ambisonic sound.

Looks, notes and flashes are those of :mod:`avssl_hub.data.avworld`. Numbers measured on it carry its name and stand in
for no real benchmark.
"""

from .classes import class_maps, class_names
from .config import AVWorld360Config
from .masks import sounding_masks
from .scenes import Scenes360, draw_scenes
from .world import AVWorld360, AVWorld360Clips

__all__ = [
    "AVWorld360",
    "AVWorld360Clips",
    "AVWorld360Config",
    "Scenes360",
    "class_maps",
    "class_names",
    "draw_scenes",
    "sounding_masks",
]
