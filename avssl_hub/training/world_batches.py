"""Training batches of AVWorld: which windows of its scenes a step sees."""

from collections.abc import Iterator
from itertools import count

import torch
from torch import Tensor

from ..data.avworld import AVWorld, draw_scenes
from ..data.avworld.sound import play
from ..models.avid import AvidProcessor
from ..objectives import Objective
from .batch import Batch
from .order import items_of_step, mixed_seed
from .recipe import Recipe
from .statistics import STATISTICS_CLIPS, row_statistics


class AVWorldBatches:
    """Batches as a function of (seed, step): a run taken up at any step sees what it would have seen.

    Every random number of a step is drawn for the whole batch and then shared out, so the batch does not depend on
    the number of processes.

    Args:
        recipe: The training run.
        processor: Turns clips into inputs.
        objective: Draws the negatives, and says whether it wants sound out of time.
        device: Where batches are rendered.
        rank: Number of this process.
        processes: Number of processes.
    """

    def __init__(
        self,
        recipe: Recipe,
        processor: AvidProcessor,
        objective: Objective,
        device: torch.device,
        rank: int = 0,
        processes: int = 1,
    ):
        self.recipe = recipe
        self.processor = processor
        self.objective = objective
        self.device = device
        self.share = slice(rank, None, processes)
        self.world = AVWorld(recipe.data.world)
        self.augmentation = recipe.augment.build(processor)

    def from_step(self, step: int) -> Iterator[Batch]:
        """Make the batches of ``step`` and of all after it."""
        return map(self, count(step))

    def __call__(self, step: int) -> Batch:
        """Make the batch of ``step``."""
        recipe, processor, world = self.recipe, self.processor, self.world.config
        size, data = recipe.loop.batch_size, recipe.data
        indices = items_of_step(recipe.seed, step, data.items, size, data.clips_per_item)
        generator = torch.Generator().manual_seed(mixed_seed(recipe.seed, 1, step))
        draws = torch.rand(len(indices), 3, generator=generator, dtype=torch.float64)
        negatives = self.objective.draw_negatives(indices, generator)
        changes = [self.augmentation.sample(world.height, world.width, generator) for _ in indices]
        indices, draws, changes = (x[self.share] for x in (indices, draws, changes))
        if negatives is not None:
            negatives = negatives[self.share].to(self.device)

        # The picture lies anywhere within the sound: section 5.1 of the paper without its misalignment.
        room = world.duration - processor.audio_duration
        start = room * draws[:, 0]
        clips = self.world.render(
            "train",
            indices.tolist(),
            start,
            processor.audio_duration,
            processor.fps,
            picture_start=start + (processor.audio_duration - processor.video_duration) * draws[:, 1],
            picture_duration=processor.video_duration,
            device=self.device,
        )
        pixels = torch.stack(self.augmentation.apply_all(clips.frames, changes))
        volume = 1 + recipe.augment.volume * (2 * draws[:, 2:] - 1)
        volume = volume.float().to(self.device)
        features = processor.spectrogram(clips.samples * volume)
        if self.objective.wants_shifted_audio:
            # As far from its picture as every scene allows.
            shifted = (start + room / 2) % room
            samples = play(clips.scenes, shifted.to(self.device), clips.samples.shape[1], world)
            features = torch.cat([features, processor.spectrogram(samples * volume)])
        return Batch(pixels, features.unsqueeze(1), indices.to(self.device), negatives)


def measure_scenes(recipe: Recipe) -> dict[str, list[float]]:
    """Measure the spectrogram's rows on the first training scenes; see :func:`row_statistics`."""
    processor, world = recipe.processor_in_decibels(), recipe.data.world
    count = min(STATISTICS_CLIPS, recipe.data.items)
    samples = round(processor.audio_duration * processor.sampling_rate)

    def sounds() -> Iterator[Tensor]:
        for chosen in torch.arange(count).split(64):
            # Windows spread over the scenes, since a scene's start has no echo of an earlier bounce.
            start = (world.duration - processor.audio_duration) * chosen.double() / count
            yield play(draw_scenes(world, "train", chosen.tolist()), start, samples, world)

    return row_statistics(sounds(), processor)
