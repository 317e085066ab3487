"""A process's share of each step's clips as worker processes read them: raw frames, raw sound, and what went wrong."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.data import Dataset

from ..data.clips import NoWindowError
from ..data.manifest import Manifest
from ..media import MediaError
from ..video.augment import ClipAugmentation, ClipChanges
from ..video.transforms import repeat_to_length
from .clip_reader import ClipReader, PictureReader
from .order import items_of_step, mixed_seed
from .run_settings import RunSettings

# Items tried in place of one that cannot be used.
MOST_REPLACEMENTS = 16


class RawClips(NamedTuple):
    """B clips, packed into few tensors, since each one travels between processes as an open file.

    Attributes:
        frames: All frames of all clips one after another, uint8, flat.
        shapes: Frames, height and width of each clip.
        samples: Sound, ``(B, n)``, or ``(B, 2, n)`` with the sound out of time; ``(B, 0)`` where none was read.
        items: The items that were read, B of them; fewer if no usable one was found.
        changes: What is to happen to the frames of each clip.
        volumes: Factors for the sounds, ``(B,)``.
        broken: Items that could not be used, and why.
        labels: All label maps that came with the clips one after another, uint8, flat.
        label_shapes: Height and width of each clip's map; empty where there are none.
    """

    frames: Tensor
    shapes: list[tuple[int, int, int]]
    samples: Tensor
    items: list[int]
    changes: list[ClipChanges]
    volumes: Tensor
    broken: list[tuple[int, str]]
    labels: Tensor
    label_shapes: list[tuple[int, int]]

    def unpacked_frames(self, device: torch.device) -> list[Tensor]:
        """Move all frames at once; return those of each clip, ``(T, H, W, 3)``."""
        sizes = [frames * height * width * 3 for frames, height, width in self.shapes]
        parts = self.frames.to(device, non_blocking=True).split(sizes)
        return [part.view(*shape, 3) for part, shape in zip(parts, self.shapes)]

    def unpacked_labels(self, device: torch.device) -> list[Tensor]:
        """Move all label maps at once; return that of each clip, ``(H, W)``."""
        parts = self.labels.to(device, non_blocking=True).split([height * width for height, width in self.label_shapes])
        return [part.view(shape) for part, shape in zip(parts, self.label_shapes)]

    def pixels(self, augmentation: ClipAugmentation, num_frames: int, device: torch.device) -> Tensor:
        """Change each clip as was drawn for it, on ``device``; return float ``(B, num_frames, 3, H, W)``."""
        pixels = augmentation.apply_all(self.unpacked_frames(device), self.changes)
        return torch.stack([repeat_to_length(clip, num_frames) for clip in pixels])


class ClipDataset(Dataset):
    """Raw clips by number of the step.

    Every random number is a function of the run's seed, the step and a clip's place in it, whatever the number of
    processes and of workers. An item that cannot be used is replaced by the next one of the manifest, as the authors'
    loader does; which one was read is told.

    Args:
        recipe: The training run.
        manifest: The recordings.
        reader: Reads a random clip, and its label map if it has one.
        augmentation: Draws what is to happen to a clip.
        share: Places of a step that are this process's.
        volume: Largest relative change of the sound's level.
    """

    def __init__(
        self,
        recipe: RunSettings,
        manifest: Manifest,
        reader: ClipReader | PictureReader,
        augmentation: ClipAugmentation,
        share: slice,
        volume: float = 0.0,
    ):
        self.recipe = recipe
        self.manifest = manifest
        self.reader = reader
        self.augmentation = augmentation
        self.share = share
        self.volume = volume

    @property
    def num_items(self) -> int:
        """How many recordings there are."""
        return len(self.manifest)

    def planned_items(self, step: int) -> Tensor:
        """Items of all processes' clips, ``(batch_size,)``, before any is replaced."""
        recipe = self.recipe
        size, clips = recipe.loop.batch_size, recipe.data.clips_per_item
        return items_of_step(recipe.seed, step, len(self.manifest), size, clips)

    def __getitem__(self, step: int) -> RawClips:
        clips, broken = [], []
        places = list(enumerate(self.planned_items(step).tolist()))[self.share]
        for place, item in places:
            generator = torch.Generator().manual_seed(mixed_seed(self.recipe.seed, 2, step, place))
            clip = self._read(item, generator, broken)
            if clip is not None:
                clips.append(clip)
        frames, sounds, maps, items, changes, volumes = zip(*clips) if clips else [()] * 6
        labels = [own for each in maps for own in each]
        return RawClips(
            _packed(frames),
            [tuple(clip.shape[:3]) for clip in frames],
            torch.stack(sounds).squeeze(1) if clips else torch.empty(0),
            list(items),
            list(changes),
            torch.tensor(volumes),
            broken,
            _packed(labels),
            [tuple(own.shape) for own in labels],
        )

    def _read(
        self, item: int, generator: torch.Generator, broken: list[tuple[int, str]]
    ) -> tuple[Tensor, Tensor, list[Tensor], int, ClipChanges, float] | None:
        """Read a clip of ``item`` or of the next usable one; note the unusable ones."""
        for other in range(min(MOST_REPLACEMENTS + 1, len(self.manifest))):
            chosen = (item + other) % len(self.manifest)
            try:
                frames, sounds, *labels = self.reader.read(self.manifest[chosen], generator)
            except (MediaError, NoWindowError) as error:
                broken.append((chosen, str(error)))
                continue
            changes = self.augmentation.sample(*frames.shape[1:3], generator)
            volume = 1 + self.volume * (2 * torch.rand((), generator=generator).item() - 1)
            return frames, sounds, labels, chosen, changes, volume
        return None


def _packed(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([tensor.flatten() for tensor in tensors]) if tensors else torch.empty(0, dtype=torch.uint8)
