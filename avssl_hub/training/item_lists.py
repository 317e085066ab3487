"""The items that a recipe's ``data`` names, whatever is learned from them."""

import hashlib
import json
from dataclasses import asdict

from ..data.manifest import Manifest
from ._recipe_error import require
from .settings import DataSettings


class WorldItems:
    """Scenes of the train split of AVWorld, flat or in 360 degrees."""

    def __init__(self, data: DataSettings):
        self.num_items = data.items
        world = {"world": asdict(data.world), "items": self.num_items}
        self.fingerprint = hashlib.sha256(json.dumps(world, sort_keys=True).encode()).hexdigest()

    def name(self, item: int) -> str:
        return f"scene {item}"


class ListedItems:
    """Recordings that a manifest lists.

    Raises:
        AvsslError: The manifest cannot be read, or lists less than two.
    """

    def __init__(self, data: DataSettings):
        manifest = Manifest.read(data.manifest)
        self.manifest = manifest.where(split=data.split) if data.split else manifest
        self.num_items = len(self.manifest)
        require(self.num_items >= 2, "data.manifest", f"{self.num_items} rows", "at least 2, to tell one from another")
        self.fingerprint = self.manifest.fingerprint()

    def name(self, item: int) -> str:
        return self.manifest[item].name
