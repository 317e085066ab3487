"""Where the clips of a run come from: AVWorld in 360 degrees, or films that a manifest lists."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Protocol

import torch
from torch import Tensor

from ...data.avworld360 import AVWorld360, AVWorld360Clips
from ...errors import InvalidValueError
from ...models.avsa import AvsaProcessor
from ..broken import BrokenItems
from ..clip_dataset import RawClips
from ..item_lists import ListedItems, WorldItems
from ..items import Items
from ..order import items_of_step, mixed_seed
from ..read_ahead import read_ahead
from ..statistics import STATISTICS_CLIPS, sounds_of_recordings
from .augmentation import ViewAugmentation, ViewChanges
from .batch import ViewBatch
from .reader import RandomClip360Reader, ViewDataset
from .recipe import ViewRecipe
from .statistics import band_statistics


class ViewSource(Items, Protocol):
    """What a run needs to know of its items."""

    def sounds(self) -> Iterable[Tensor]:
        """Give sounds ``(B, n)``, every channel one of its own, to measure the bands on."""

    def batches(
        self, processor: AvsaProcessor, step: int, broken: BrokenItems, device: torch.device, share: slice
    ) -> Iterator[ViewBatch]:
        """Make batches as ``BatchedItems`` does, of inputs that ``processor`` makes of clips."""


class WorldViews(WorldItems):
    """Scenes of AVWorld in 360 degrees.

    Args:
        recipe: The training run.
        split: Split of the scenes.
    """

    def __init__(self, recipe: ViewRecipe, split: str = "train"):
        super().__init__(recipe.data)
        self.recipe, self.split = recipe, split
        self.world = AVWorld360(recipe.data.world)

    def sounds(self) -> Iterator[Tensor]:
        length, world = self.recipe.unscaled_processor().audio_duration, self.world.config
        number = min(STATISTICS_CLIPS, self.num_items)
        for chosen in torch.arange(number).split(64):
            starts = (world.duration - length) * chosen.double() / number
            clips = self.world.render(self.split, chosen.tolist(), starts, length, times=starts[:, None][:, :0])
            yield clips.ambisonics.flatten(0, 1)

    def batches(
        self, processor: AvsaProcessor, step: int, broken: BrokenItems, device: torch.device, share: slice
    ) -> Iterator[ViewBatch]:
        augmentation = ViewAugmentation(self.recipe, processor)
        for number in count(step):
            yield self.batch(augmentation, number, device, share)

    def batch(self, augmentation: ViewAugmentation, step: int, device: torch.device, share: slice) -> ViewBatch:
        """Render a process's batch of a step; see :meth:`ViewSource.batches`."""
        return ViewBatch.of_clips(augmentation, *self.rendered(augmentation, step, device, share)[1:])

    def rendered(
        self, augmentation: ViewAugmentation, step: int, device: torch.device, share: slice
    ) -> tuple[AVWorld360Clips, list[Tensor], Tensor, list[ViewChanges], Tensor]:
        """Render the clips of a process's batch; also return their frames, sounds, changes and items."""
        recipe, processor, world = self.recipe, augmentation.processor, self.world.config
        size = recipe.loop.batch_size
        items = items_of_step(recipe.seed, step, self.num_items, size, recipe.data.clips_per_item)[share]
        # A place of the step has numbers of its own, which so do not depend on how many processes there are.
        seeds = [mixed_seed(recipe.seed, 2, step, place) for place in range(size)[share]]
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        draws = torch.stack([torch.rand(2, generator=own, dtype=torch.float64) for own in generators])
        changes = [augmentation.sample(world.height, world.width, own) for own in generators]
        heard, seen = processor.audio_duration, processor.video_duration
        starts = (world.duration - heard) * draws[:, 0]
        first = starts + (heard - seen) * draws[:, 1]
        times = first[:, None] + torch.arange(processor.num_frames) / processor.fps
        clips = self.world.render(self.split, items.tolist(), starts, heard, times, device)
        return clips, list(clips.frames), clips.ambisonics, changes, items


class ListedViews(ListedItems):
    """Films that a manifest lists, with four channels of sound in them or beside them.

    Raises:
        AvsslError: The manifest cannot be read, lists less than two, or lacks the column ``data.evenly_by``.
    """

    def __init__(self, recipe: ViewRecipe):
        super().__init__(recipe.data)
        self.recipe, column = recipe, recipe.data.evenly_by
        values = self.manifest.column(column).to_pylist() if column else []
        numbers = {value: number for number, value in enumerate(dict.fromkeys(values))}
        owners = torch.tensor([numbers[value] for value in values])
        self.groups = [(owners == number).nonzero().flatten() for number in numbers.values()]
        if column:
            # The manifest's own does not know what the column says.
            told = json.dumps([self.fingerprint, owners.tolist()])
            self.fingerprint = hashlib.sha256(told.encode()).hexdigest()

    def reader(self, processor: AvsaProcessor) -> RandomClip360Reader:
        """Make what reads random clips."""
        return RandomClip360Reader(processor, self.recipe.data.frame_height)

    def sounds(self) -> Iterator[Tensor]:
        return sounds_of_recordings(self.manifest, self.reader(self.recipe.unscaled_processor()), self.recipe)

    def batches(
        self, processor: AvsaProcessor, step: int, broken: BrokenItems, device: torch.device, share: slice
    ) -> Iterator[ViewBatch]:
        augmentation = ViewAugmentation(self.recipe, processor)
        dataset = ViewDataset(self.recipe, self.manifest, self.reader(processor), augmentation, share, self.groups)
        for _, items, clips in read_ahead(dataset, step, broken, device):
            yield self.batch(augmentation, clips, items[share], device)

    def batch(self, augmentation: ViewAugmentation, clips: RawClips, items: Tensor, device: torch.device) -> ViewBatch:
        """Make a batch of clips as they were read."""
        frames = [clip.permute(0, 3, 1, 2) for clip in clips.unpacked_frames(device)]
        sounds = clips.samples.to(device, non_blocking=True)
        return ViewBatch.of_clips(augmentation, frames, sounds, clips.changes, items)


def open_views(recipe: ViewRecipe, split: str = "train") -> WorldViews | ListedViews:
    """Open what a recipe's ``data`` names; ``split`` is AVWorld's.

    Raises:
        AvsslError: The manifest cannot be read.
    """
    return ListedViews(recipe) if recipe.data.manifest else WorldViews(recipe, split)


def make_processor(recipe: ViewRecipe, source: ViewSource) -> AvsaProcessor:
    """Make the processor of a run, with the published statistics of its bands, or with those of the source."""
    settings = recipe.processor_settings()
    try:
        return AvsaProcessor(**settings)
    except InvalidValueError:
        # Statistics were all that the recipe's own check gave it, so they are what is missing: none are published.
        measured = band_statistics(source.sounds(), recipe.unscaled_processor())
        return AvsaProcessor(**settings, **measured)
