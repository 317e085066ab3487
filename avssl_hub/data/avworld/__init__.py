"""AVWorld: a procedural world of sounding, moving objects with ground truth.

For recipes, tests and miniatures of published claims; numbers measured on it carry its name and stand in for no real
benchmark. ``avworld.export`` writes its clips as media files.
"""

from .config import AVWorldConfig
from .masks import sounding_masks
from .scenes import SPLITS, Scenes, draw_scenes
from .world import AVWorld, AVWorldClips

__all__ = ["SPLITS", "AVWorld", "AVWorldClips", "AVWorldConfig", "Scenes", "draw_scenes", "sounding_masks"]
