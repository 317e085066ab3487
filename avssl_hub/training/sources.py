"""Where a run's items come from: AVWorld, or recordings that a manifest lists."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Protocol

import torch

from ..data.manifest import Manifest
from ..errors import InvalidValueError
from ..models.avid import AvidProcessor
from ..objectives import Objective
from ._recipe_error import require
from .batch import Batch
from .broken import BrokenItems
from .clip_batches import ClipBatches
from .items import Items
from .recipe import Recipe
from .statistics import measure_recordings
from .world_batches import AVWorldBatches, measure_scenes


class Batches(Protocol):
    """Batches as a function of (seed, step)."""

    def from_step(self, step: int) -> Iterator[Batch]:
        """Make the batches of ``step`` and of all after it."""


class Source(Items, Protocol):
    """What a pretraining run needs to know of its items."""

    def processor(self) -> AvidProcessor:
        """Make the processor of the run, with the spectrogram's statistics."""

    def batches(
        self,
        processor: AvidProcessor,
        objective: Objective,
        broken: BrokenItems,
        device: torch.device,
        rank: int,
        processes: int,
    ) -> Batches:
        """Make the batches of process ``rank`` of ``processes``, on ``device``."""


class WorldSource:
    """Scenes of AVWorld's train split."""

    def __init__(self, recipe: Recipe):
        self.recipe = recipe
        self.num_items = recipe.data.items
        world = {"world": asdict(recipe.data.world), "items": self.num_items}
        self.fingerprint = hashlib.sha256(json.dumps(world, sort_keys=True).encode()).hexdigest()

    def name(self, item: int) -> str:
        return f"scene {item}"

    def processor(self) -> AvidProcessor:
        return AvidProcessor(**self.recipe.processor, **measure_scenes(self.recipe))

    def batches(self, processor, objective, broken, device, rank, processes) -> AVWorldBatches:
        return AVWorldBatches(self.recipe, processor, objective, device, rank, processes)


class ManifestSource:
    """Recordings that a manifest lists."""

    def __init__(self, recipe: Recipe):
        self.recipe = recipe
        manifest = Manifest.read(recipe.data.manifest)
        self.manifest = manifest.where(split=recipe.data.split) if recipe.data.split else manifest
        self.num_items = len(self.manifest)
        require(self.num_items >= 2, "data.manifest", f"{self.num_items} rows", "at least 2, to tell one from another")
        self.fingerprint = self.manifest.fingerprint()

    def name(self, item: int) -> str:
        return self.manifest[item].name

    def processor(self) -> AvidProcessor:
        try:
            return AvidProcessor(**self.recipe.processor)
        except InvalidValueError:
            # Statistics were all that the recipe's own check gave it, so they are what is missing: none are published.
            return AvidProcessor(**self.recipe.processor, **measure_recordings(self.recipe, self.manifest))

    def batches(self, processor, objective, broken, device, rank, processes) -> ClipBatches:
        return ClipBatches(self.recipe, self.manifest, processor, objective, broken, device, rank, processes)


def open_source(recipe: Recipe) -> Source:
    """Open what a recipe's ``data`` names.

    Raises:
        AvsslError: The manifest cannot be read.
    """
    return ManifestSource(recipe) if recipe.data.manifest else WorldSource(recipe)
