"""Where a run's items come from: AVWorld, or recordings that a manifest lists."""

from collections.abc import Iterator
from typing import Protocol

import torch

from ..errors import InvalidValueError
from ..models.avid import AvidProcessor
from ..objectives import Objective
from .batch import Batch
from .broken import BrokenItems
from .clip_batches import ClipBatches
from .item_lists import ListedItems, WorldItems
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


class WorldSource(WorldItems):
    """Scenes of AVWorld's train split."""

    def __init__(self, recipe: Recipe):
        super().__init__(recipe.data)
        self.recipe = recipe

    def processor(self) -> AvidProcessor:
        return AvidProcessor(**self.recipe.processor, **measure_scenes(self.recipe))

    def batches(self, processor, objective, broken, device, rank, processes) -> AVWorldBatches:
        return AVWorldBatches(self.recipe, processor, objective, device, rank, processes)


class ManifestSource(ListedItems):
    """Recordings that a manifest lists."""

    def __init__(self, recipe: Recipe):
        super().__init__(recipe.data)
        self.recipe = recipe

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
