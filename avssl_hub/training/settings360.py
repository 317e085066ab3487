"""What trainings on the whole sphere look at: recordings that a manifest lists, or AVWorld in 360 degrees."""

from dataclasses import dataclass, field

from ..data.avworld360 import AVWorld360Config
from ._recipe_error import require
from .settings import AVWORLD_ITEMS, ReadingSettings


@dataclass(frozen=True)
class Data360Settings(ReadingSettings):
    """What is looked at.

    Attributes:
        manifest: Table of recordings; see :class:`avssl_hub.data.manifest.Manifest`. AVWorld if empty.
        split: Rows of the manifest that are used, by their ``split``; all if empty.
        items: Scenes of AVWorld's train split.
        world: Settings of AVWorld in 360 degrees.
    """

    manifest: str = ""
    split: str = ""
    items: int = AVWORLD_ITEMS
    world: AVWorld360Config = field(default_factory=AVWorld360Config)

    def __post_init__(self):
        super().__post_init__()
        require(self.items >= 1, "data.items", self.items, "at least 1")
        if self.manifest:
            rule = "nothing beside data.manifest, whose rows are the items"
            require(self.items == AVWORLD_ITEMS, "data.items", self.items, rule)
            require(self.world == AVWorld360Config(), "data.world", "settings of AVWorld", "none beside data.manifest")
        else:
            require(not self.split, "data.split", repr(self.split), "a manifest to choose rows of, data.manifest=FILE")
