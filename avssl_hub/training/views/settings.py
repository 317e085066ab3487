"""Sections of the recipes of this kind that others do not have."""

from dataclasses import dataclass
from typing import ClassVar

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

    # Whether ``mirror`` is for whole clips with their sound, and not for the picture of single views.
    mirrors_clips: ClassVar[bool] = False

    volume: float = 0.1

    def __post_init__(self):
        super().__post_init__()
        require(0 <= self.volume < 1, "augment.volume", self.volume, "0 <= volume < 1")


@dataclass(frozen=True)
class LabelledDataSettings(ViewDataSettings):
    """What is looked at, with what is to be seen there.

    Attributes:
        labels: Folder of the films' label maps, a folder of each; see :mod:`avssl_hub.data.segmentation360`. A part of
            a film is called as YT-360 calls its clips, ``<film>-<whole seconds of its start>``. AVWorld draws its own.
    """

    labels: str = ""

    def __post_init__(self):
        super().__post_init__()
        if self.manifest:
            require(bool(self.labels), "data.labels", repr(self.labels), "the folder of label maps")
        else:
            require(not self.labels, "data.labels", repr(self.labels), "nothing without data.manifest")


@dataclass(frozen=True)
class LabelledAugmentSettings(ViewAugmentSettings):
    """How clips and views are changed: ``mirror`` mirrors whole clips, their sound and their labels too."""

    mirrors_clips: ClassVar[bool] = True
