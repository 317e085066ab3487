"""Training batches of real recordings: decoded by workers, cropped, coloured and made spectrograms on the device."""

from collections.abc import Iterator

import torch
from torch import Tensor

from ..data.manifest import Manifest
from ..models.avid import AvidProcessor
from ..objectives import Objective
from .batch import Batch
from .broken import BrokenItems
from .clip_dataset import ClipDataset, RawClips
from .clip_reader import ClipReader
from .order import mixed_seed
from .read_ahead import read_ahead
from .recipe import Recipe


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
        volume = recipe.augment.volume
        self.dataset = ClipDataset(recipe, manifest, reader, self.augmentation, self.share, volume)

    def from_step(self, step: int) -> Iterator[Batch]:
        """Make the batches of ``step`` and of all after it, read ahead by the workers.

        Raises:
            TooManyBrokenError: Nothing usable was found for a clip.
            DecodingCrashedError: A worker died.
        """
        for number, items, clips in read_ahead(self.dataset, step, self.broken, self.device):
            yield self._on_device(number, items, clips)

    def _on_device(self, step: int, indices: Tensor, clips: RawClips) -> Batch:
        generator = torch.Generator().manual_seed(mixed_seed(self.recipe.seed, 1, step))
        negatives = self.objective.draw_negatives(indices, generator)
        if negatives is not None:
            negatives = negatives[self.share].to(self.device)

        pixels = clips.pixels(self.augmentation, self.processor.num_frames, self.device)
        samples = clips.samples.to(self.device, non_blocking=True)
        volumes = clips.volumes.to(self.device).view(-1, *[1] * (samples.ndim - 1))
        features = self.processor.spectrogram(samples * volumes)
        if self.objective.wants_shifted_audio:
            # All sounds in time come first.
            features = features.transpose(0, 1).flatten(0, 1)
        return Batch(pixels, features.unsqueeze(1), indices[self.share].to(self.device), negatives)
