"""Views with a class for every pixel: of films with maps beside them, or of AVWorld, which knows what it shows."""

from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import NamedTuple

import torch
from torch import Tensor

from ...data.avworld360 import class_maps
from ...data.manifest import ManifestItem
from ...data.segmentation360 import read_labels
from ...errors import InvalidValueError
from ...media import DecodeError
from ...models.avsa import AvsaProcessor
from .._recipe_error import require
from ..clip_dataset import RawClips
from .augmentation import ViewAugmentation
from .batch import ViewBatch
from .reader import RandomClip360Reader
from .recipe import ViewRecipe
from .sources import ListedViews, WorldViews


class LabelledBatch(NamedTuple):
    """One process's share of a step, on its device.

    Attributes:
        views: What is seen and heard.
        labels: Class of each pixel, int64 ``(B, K, size, size)``.
    """

    views: ViewBatch
    labels: Tensor

    def parts(self, number: int) -> Iterator["LabelledBatch"]:
        """Cut the batch into ``number`` smaller ones, as equal as can be."""
        return map(LabelledBatch, self.views.parts(number), self.labels.tensor_split(number))


class RandomLabelledClip360Reader(RandomClip360Reader):
    """Reads random clips with the map of what is seen.

    The release draws a clip's time from 0 to the film's length, and this from where its picture starts; maps are
    counted from there.

    Args:
        processor: Length and rates of a clip.
        labels: Folder of the films' label maps, a folder of each.
        frame_height: As of :class:`RandomClip360Reader`.
    """

    def __init__(self, processor: AvsaProcessor, labels: Path, frame_height: int = 0):
        super().__init__(processor, frame_height)
        self.labels = labels

    def read(self, item: ManifestItem, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Read a clip, and its map, uint8 ``(H, W)``; see :meth:`RandomClip360Reader.read`.

        Raises:
            MediaError: Also if there is no map up to the clip's time, or a map cannot be read.
            NoWindowError: The film is too short.
        """
        seen, heard = self.durations
        with self.reader.open(item) as clip:
            start, sound_start = clip.random_starts(seen, heard, generator)
            labels = self._map(item, start - clip.picture.start)
            return clip.frames(start, seen).permute(0, 2, 3, 1), clip.samples(sound_start, heard), labels

    def _map(self, item: ManifestItem, start: float) -> Tensor:
        name = PurePath(item.member or item.path).stem
        folder = self.labels / (name if item.start is None else f"{name}-{int(item.start)}")
        try:
            return read_labels(folder, start)
        except InvalidValueError as error:
            raise DecodeError(str(error), str(folder), time=start) from error


class WorldLabelledViews(WorldViews):
    """Scenes of AVWorld in 360 degrees; what is seen in the middle of a clip counts."""

    def batch(self, augmentation: ViewAugmentation, step: int, device: torch.device, share: slice) -> LabelledBatch:
        clips, *inputs, changes, items = self.rendered(augmentation, step, device, share)
        middle = clips.times.shape[1] // 2
        maps = class_maps(clips.scenes, clips.times[:, middle : middle + 1], self.world.config)[:, 0]
        views = ViewBatch.of_clips(augmentation, *inputs, changes, items)
        return LabelledBatch(views, augmentation.labels(maps.unbind(), changes))


class ListedLabelledViews(ListedViews):
    """Films that a manifest lists, with maps in a folder for each.

    Raises:
        AvsslError: As of :class:`ListedViews`, or there is no folder of maps.
    """

    def __init__(self, recipe: ViewRecipe):
        super().__init__(recipe)
        self.labels = Path(recipe.data.labels)
        require(self.labels.is_dir(), "data.labels", repr(recipe.data.labels), "a folder that is there")

    def reader(self, processor: AvsaProcessor) -> RandomLabelledClip360Reader:
        return RandomLabelledClip360Reader(processor, self.labels, self.recipe.data.frame_height)

    def batch(
        self, augmentation: ViewAugmentation, clips: RawClips, items: Tensor, device: torch.device
    ) -> LabelledBatch:
        views = super().batch(augmentation, clips, items, device)
        return LabelledBatch(views, augmentation.labels(clips.unpacked_labels(device), clips.changes))


def open_labelled_views(recipe: ViewRecipe, split: str = "train") -> WorldLabelledViews | ListedLabelledViews:
    """Open what a recipe's ``data`` names; ``split`` is AVWorld's.

    Raises:
        AvsslError: The manifest cannot be read, or there are no labels.
    """
    return ListedLabelledViews(recipe) if recipe.data.manifest else WorldLabelledViews(recipe, split)
