"""Sections of the recipes of this kind that others do not have."""

from dataclasses import dataclass

from .._recipe_error import require
from ..picture_settings import ColorSettings
from ..settings360 import Data360Settings


@dataclass(frozen=True)
class ViewDataSettings(Data360Settings):
    """What is looked at.

    Attributes:
        evenly_by: Column of the manifest each of whose values is visited as often as the others, however many rows have
            it: a random one of them at a time. The release so takes turns among videos ("video"). Rows alike if empty.
        frame_height: Pixels; frames are resized to this height and twice the width. As in the file if 0.
    """

    evenly_by: str = ""
    frame_height: int = 0

    def __post_init__(self):
        super().__post_init__()
        require(self.frame_height >= 0, "data.frame_height", self.frame_height, "pixels of at least 0")
        if not self.manifest:
            rule = "nothing without data.manifest"
            require(not self.evenly_by, "data.evenly_by", repr(self.evenly_by), rule)
            require(not self.frame_height, "data.frame_height", self.frame_height, rule)


@dataclass(frozen=True)
class ViewAugmentSettings(ColorSettings):
    """How views are changed, each by itself. The sound of a mirrored view is not mirrored, as released.

    Attributes:
        volume: Largest relative change of the sound's level.
    """

    volume: float = 0.1

    def __post_init__(self):
        super().__post_init__()
        require(0 <= self.volume < 1, "augment.volume", self.volume, "0 <= volume < 1")
