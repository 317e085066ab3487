"""Training batches of real recordings: decoded by workers, cropped, coloured and made spectrograms on the device."""

from collections.abc import Iterator
from itertools import count

import torch
from torch.utils.data import DataLoader

from ..data.manifest import Manifest
from ..errors import AvsslError, explain
from ..models.avid import AvidProcessor
from ..objectives import Objective
from ..video.transforms import repeat_to_length
from .batch import Batch
from .broken import BrokenItems
from .clip_dataset import ClipDataset, RawClips, as_read, leave_signals_to_the_parent
from .clip_reader import ClipReader
from .order import mixed_seed
from .recipe import Recipe


class DecodingCrashedError(AvsslError):
    """A process that decodes died, as a damaged file or a lack of memory can make it."""


class ClipBatches:
    """Batches as a function of (seed, step), whatever the number of processes and workers.

    Args:
        recipe: The training run.
        manifest: The recordings.
        processor: Turns clips into inputs.
        objective: Draws the negatives, and says whether it wants sound out of time.
        broken: Takes note of recordings that cannot be used.
        device: Where batches go.
        rank: Number of this process.
        processes: Number of processes.
    """

    def __init__(
        self,
        recipe: Recipe,
        manifest: Manifest,
        processor: AvidProcessor,
        objective: Objective,
        broken: BrokenItems,
        device: torch.device,
        rank: int = 0,
        processes: int = 1,
    ):
        self.recipe = recipe
        self.processor = processor
        self.objective = objective
        self.broken = broken
        self.device = device
        self.share = slice(rank, None, processes)
        self.augmentation = recipe.augment.build(processor)
        reader = ClipReader(processor, recipe.augment.misalignment, objective.wants_shifted_audio)
        self.dataset = ClipDataset(recipe, manifest, reader, self.augmentation, self.share)

    def from_step(self, step: int) -> Iterator[Batch]:
        """Make the batches of ``step`` and of all after it, read ahead by the workers.

        Raises:
            TooManyBrokenError: Nothing usable was found for a clip.
            DecodingCrashedError: A worker died.
        """
        loader = DataLoader(
            self.dataset,
            batch_size=None,
            sampler=range(step, self.recipe.num_steps(len(self.dataset.manifest))),
            num_workers=self.recipe.data.workers,
            collate_fn=as_read,
            worker_init_fn=leave_signals_to_the_parent,
            pin_memory=self.device.type == "cuda",
        )
        for number, clips in zip(count(step), _surviving(loader)):
            self.broken.add(clips.broken)
            yield self._on_device(number, clips)

    def _on_device(self, step: int, clips: RawClips) -> Batch:
        planned = self.dataset.planned_items(step)
        if len(clips.items) < len(planned[self.share]):
            raise self.broken.nothing_left()
        indices = planned.clone()
        indices[self.share] = torch.tensor(clips.items)
        generator = torch.Generator().manual_seed(mixed_seed(self.recipe.seed, 1, step))
        negatives = self.objective.draw_negatives(indices, generator)
        if negatives is not None:
            negatives = negatives[self.share].to(self.device)

        pixels = self.augmentation.apply_all(clips.unpacked_frames(self.device), clips.changes)
        pixels = [repeat_to_length(clip, self.processor.num_frames) for clip in pixels]
        samples = clips.samples.to(self.device, non_blocking=True)
        volumes = clips.volumes.to(self.device).view(-1, *[1] * (samples.ndim - 1))
        features = self.processor.spectrogram(samples * volumes)
        if self.objective.wants_shifted_audio:
            # All sounds in time come first.
            features = features.transpose(0, 1).flatten(0, 1)
        return Batch(torch.stack(pixels), features.unsqueeze(1), indices[self.share].to(self.device), negatives)


def _surviving(loader: DataLoader) -> Iterator[RawClips]:
    try:
        yield from loader
    except RuntimeError as error:
        # What PyTorch raises for a worker that is gone.
        if "DataLoader worker" not in str(error):
            raise
        step = "Find a file that ends its reader with avssl data check, or take fewer data.workers; then resume."
        got = " ".join(str(error).split())
        raise DecodingCrashedError(explain("reading clips", got, "workers that live", step)) from error
