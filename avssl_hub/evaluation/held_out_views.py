"""Views of clips that a training on views has not seen, drawn by its recipe: what such runs are scored on."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from itertools import islice
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch

from ..data.avworld360 import AVWorld360Config
from ..errors import InvalidValueError, explain
from ..models.avsa import AvsaProcessor
from ..training.broken import BrokenItems
from ..training.settings import AVWORLD_ITEMS
from ..training.tasks import TASKS
from ..training.views.recipe import ViewRecipe

BROKEN_FILE = "broken_test.csv"

Batch = TypeVar("Batch")


@dataclass(frozen=True)
class HeldOut:
    """What to score on.

    Attributes:
        manifest: Table of films; AVWorld's test split if empty.
        split: Rows of it that are used, by their ``split``; all if empty.
        labels: Folder of their label maps, for segmentation.
        scenes: Scenes of AVWorld.
        passes: Clips of each film or scene on average, each with views of its own.
        augmented: Whether colours, levels and sides are changed as in training.
        device: Where the network runs.
    """

    manifest: str = ""
    split: str = ""
    labels: str = ""
    scenes: int = 1000
    passes: int = 1
    augmented: bool = False
    device: str = "cpu"


class HeldOutViews(Generic[Batch]):
    """Batches of the recipe's size, as a training's are; of an incomplete last one nothing is scored.

    Args:
        recipe: That of the run.
        chosen: What to score on.
        folder: Takes a table of films that cannot be used, if there are any.

    Attributes:
        clips: Clips in all batches.
        left_out: Clips that the last batch would have had.
        broken: Films that could not be used, and in whose place the next ones were.

    Raises:
        InvalidValueError: The run was trained on films, and there is no list of others.
        AvsslError: The list or its labels cannot be read.
    """

    def __init__(self, recipe: ViewRecipe, chosen: HeldOut, folder: Path):
        if recipe.data.manifest and not chosen.manifest:
            got, step = "none, for a run on films", "Pass --manifest FILE, as avssl data manifest makes it."
            raise InvalidValueError(explain("films to score on", got, "a list of them", step))
        recipe = replace(recipe, data=_data(recipe, chosen), loop=replace(recipe.loop, steps=0, epochs=1))
        if not chosen.augmented:
            recipe = replace(recipe, augment=_still(recipe.augment))
        number = self._opened(recipe).num_items * chosen.passes
        self.recipe = replace(recipe, loop=replace(recipe.loop, batch_size=min(recipe.loop.batch_size, number)))
        self.source, self.device = self._opened(self.recipe), torch.device(chosen.device)
        self.steps = self.recipe.epoch_steps(self.source.num_items)
        self.clips = self.steps * self.recipe.loop.batch_size
        self.left_out = number - self.clips
        allowed = self.recipe.data.max_broken
        self.broken = BrokenItems(self.source.name, self.source.num_items, allowed, folder / BROKEN_FILE)

    @staticmethod
    def _opened(recipe: ViewRecipe) -> Any:
        opened = TASKS[recipe.task].open_source
        return opened(recipe) if recipe.data.manifest else opened(recipe, "test")

    def batches(self, processor: AvsaProcessor) -> Iterator[Batch]:
        """Make the batches of the run's task.

        Raises:
            TooManyBrokenError: More films than allowed cannot be used.
        """
        for batch in islice(self.source.batches(processor, 0, self.broken, self.device, slice(None)), self.steps):
            self.broken.settle()
            yield batch

    def told(self) -> dict[str, Any]:
        """Say what was scored on, for the report."""
        broken = {self.source.name(item): reason for item, reason in self.broken.reasons.items()}
        on = self.recipe.data.manifest or "AVWorld 360, test split"
        return {"scored_on": on, "clips": self.clips, "clips_left_out": self.left_out, "broken": broken}


def add_arguments(parser: argparse.ArgumentParser, labels: bool = False) -> None:
    """Add what chooses a :class:`HeldOut`, but for passes and changes."""
    parser.add_argument("run", type=Path, help="folder of a finished run, with its recipe.yaml")
    parser.add_argument("--manifest", default="", help="table of films; by default AVWorld's test split")
    parser.add_argument("--split", default="", help="rows of the table that are used, by their column 'split'")
    if labels:
        parser.add_argument("--labels", default="", help="folder of the films' label maps; by default the recipe's")
    parser.add_argument("--scenes", type=int, default=1000, help="scenes of AVWorld")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")


def _data(recipe: ViewRecipe, chosen: HeldOut) -> Any:
    if not chosen.manifest:
        return replace(recipe.data, items=chosen.scenes, clips_per_item=chosen.passes)
    changes = {"manifest": chosen.manifest, "split": chosen.split, "clips_per_item": chosen.passes}
    if any(field.name == "labels" for field in fields(recipe.data)):
        changes["labels"] = chosen.labels or recipe.data.labels
    return replace(recipe.data, items=AVWORLD_ITEMS, world=AVWorld360Config(), **changes)


def _still(augment: Any) -> Any:
    return replace(augment, **{field.name: 0.0 for field in fields(augment)})
