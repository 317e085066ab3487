"""Where the items of a run come from, AVWorld or a manifest, and its batches of them."""

from collections.abc import Iterator
from itertools import count
from typing import Protocol

import torch
from torch import Tensor

from ...data.avworld import draw_scenes
from ...data.avworld.picture import draw_frames
from ...data.avworld.sound import play
from ..broken import BrokenItems
from ..clip_dataset import ClipDataset
from ..item_lists import ListedItems, WorldItems
from ..items import BatchedItems
from ..order import items_of_step, mixed_seed
from ..read_ahead import read_ahead
from .batch import SceneBatch
from .reader import SceneReader
from .recipe import SceneRecipe


class SceneSource(BatchedItems[SceneBatch], Protocol):
    """What a run needs to know of its items.

    Attributes:
        classes: Names of the classes, in the order of their numbers; empty where they are not known.
    """

    classes: list[str]


class WorldScenes(WorldItems):
    """Scenes of AVWorld's train split; a scene's class is that of its first object."""

    def __init__(self, recipe: SceneRecipe):
        super().__init__(recipe.data)
        self.recipe = recipe
        self.classes = [f"object {number}" for number in range(recipe.data.world.num_classes)]

    def batches(self, step: int, broken: BrokenItems, device: torch.device, share: slice) -> Iterator[SceneBatch]:
        for number in count(step):
            yield self._batch(number, device, share)

    def _batch(self, step: int, device: torch.device, share: slice) -> SceneBatch:
        recipe, processor = self.recipe, self.recipe.clip_processor()
        world, data = recipe.data.world, recipe.data
        augmentation, windows = recipe.augment.build(processor), recipe.windows()
        generator = torch.Generator().manual_seed(mixed_seed(recipe.seed, 1, step))
        items = items_of_step(recipe.seed, step, self.num_items, recipe.loop.batch_size, data.clips_per_item)
        available = min(data.piece_frames, int(world.duration * processor.fps))
        # Drawn for the whole batch, which so does not depend on the number of processes.
        moments = [windows.draw(available, generator) for _ in items]
        changes = [augmentation.sample(world.height, world.width, generator) for _ in items]
        items, moments, changes = items[share], moments[share], changes[share]

        scenes = draw_scenes(world, "train", items.tolist()).to(device)
        pixels = _no_pictures(len(items), device)
        if recipe.needs_picture:
            firsts = torch.tensor([chosen.picture for chosen in moments], dtype=torch.float64)
            times = (firsts[:, None] + torch.arange(0, processor.num_frames, data.frame_stride)) / processor.fps
            frames = draw_frames(scenes, times.to(device), world)
            pixels = torch.stack(augmentation.apply_all(frames, changes))
        starts = torch.tensor([chosen.sounds for chosen in moments], device=device) / processor.fps
        sounds = [play(scenes, start, processor.num_samples, world) for start in starts.unbind(1)]
        return SceneBatch(
            pixels,
            torch.stack([torch.stack([processor.waveform(own[None]) for own in sound]) for sound in sounds], 1),
            items.to(device),
            scenes.classes[:, 0],
            _draws(recipe, step)[share].to(device),
        )


class ManifestScenes(ListedItems):
    """Recordings that a manifest lists; their classes are its labels, in alphabetical order."""

    def __init__(self, recipe: SceneRecipe):
        super().__init__(recipe.data)
        self.recipe = recipe
        labels = [self.manifest[item].label for item in range(self.num_items)]
        self.classes = sorted(set(labels)) if None not in labels else []
        number = {label: place for place, label in enumerate(self.classes)}
        self.labels = torch.tensor([number.get(label, -1) for label in labels])

    def batches(self, step: int, broken: BrokenItems, device: torch.device, share: slice) -> Iterator[SceneBatch]:
        recipe, processor = self.recipe, self.recipe.clip_processor()
        augmentation = recipe.augment.build(processor)
        reader = SceneReader(processor, recipe.windows(), recipe.data, recipe.needs_sound, recipe.needs_picture)
        dataset = ClipDataset(recipe, self.manifest, reader, augmentation, share)
        wanted = -(-processor.num_frames // recipe.data.frame_stride)
        for number, items, clips in read_ahead(dataset, step, broken, device):
            mine = items[share]
            pixels = _no_pictures(len(mine), device)
            if recipe.needs_picture:
                pixels = clips.pixels(augmentation, wanted, device)
            yield SceneBatch(
                pixels,
                _sounds_of(clips.samples).to(device, non_blocking=True),
                mine.to(device),
                self.labels[mine].to(device),
                _draws(recipe, number)[share].to(device),
            )


def _draws(recipe: SceneRecipe, step: int) -> Tensor:
    """Draw a number for each clip of a step, whatever the number of processes."""
    generator = torch.Generator().manual_seed(mixed_seed(recipe.seed, 3, step))
    return torch.rand(recipe.loop.batch_size, generator=generator)


def _no_pictures(number: int, device: torch.device) -> Tensor:
    return torch.empty(number, 0, 3, 0, 0, device=device)


def _sounds_of(samples: Tensor) -> Tensor:
    """Undo that one sound a clip, ``(B, channels, n)``, travels without an axis of its own."""
    return samples if samples.ndim == 4 else samples.unsqueeze(1)


def open_scenes(recipe: SceneRecipe) -> WorldScenes | ManifestScenes:
    """Open what a recipe's ``data`` names.

    Raises:
        AvsslError: The manifest cannot be read.
    """
    return ManifestScenes(recipe) if recipe.data.manifest else WorldScenes(recipe)
