"""Training batches of AVWorld: which windows a step sees, and their random numbers."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..audio.spectrogram import log_spectrogram
from ..data.avworld import AVWorld, draw_scenes
from ..data.avworld.sound import play
from ..models.avid import AvidProcessor
from ..objectives import Objective
from ..video.augment import ClipAugmentation
from .recipe import Recipe

STATISTICS_CLIPS = 512


class Batch(NamedTuple):
    """One process's share of a step, on its device.

    Attributes:
        pixel_values_videos: ``(B, T, 3, H, W)``.
        input_features: ``(B, 1, time, rows)``; ``(2 B, …)`` where the objective wants sound out of time as well.
        indices: Item of each clip, ``(B,)``.
        negatives: Items to tell each clip from, ``(B, K)``, if the objective draws any.
    """

    pixel_values_videos: Tensor
    input_features: Tensor
    indices: Tensor
    negatives: Tensor | None


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
        augment = recipe.augment
        self.augmentation = ClipAugmentation(
            size=processor.crop_size,
            area=augment.crop_area,
            mirror=augment.mirror,
            brightness=augment.brightness,
            contrast=augment.contrast,
            saturation=augment.saturation,
            hue=augment.hue,
            mean=processor.image_mean,
            std=processor.image_std,
        )

    def __call__(self, step: int) -> Batch:
        """Make the batch of ``step``."""
        processor, world = self.processor, self.world.config
        indices = self._indices(step)
        generator = torch.Generator().manual_seed(_mix(self.recipe.seed, 1, step))
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
        pixels = torch.stack([self.augmentation.apply(*pair) for pair in zip(clips.frames, changes)])
        volume = 1 + self.recipe.augment.volume * (2 * draws[:, 2:] - 1)
        volume = volume.float().to(self.device)
        features = processor.spectrogram(clips.samples * volume)
        if self.objective.wants_shifted_audio:
            # As far from its picture as every scene allows.
            shifted = (start + room / 2) % room
            samples = play(clips.scenes, shifted.to(self.device), clips.samples.shape[1], world)
            features = torch.cat([features, processor.spectrogram(samples * volume)])
        return Batch(pixels, features.unsqueeze(1), indices.to(self.device), negatives)

    def _indices(self, step: int) -> Tensor:
        """Pick the scenes of a step: each epoch is a new order of all, its incomplete last batch dropped."""
        size, items = self.recipe.loop.batch_size, self.recipe.data.items
        epoch, position = divmod(step, items // size)
        order = np.random.default_rng([self.recipe.seed, 0, epoch]).permutation(items)
        return torch.from_numpy(order[position * size : (position + 1) * size])


def measure_spectrogram(recipe: Recipe) -> dict[str, list[float]]:
    """Measure mean and standard deviation of each spectrogram row on the first training scenes.

    Returns:
        ``spectrogram_mean`` and ``spectrogram_std``, in decibels.
    """
    processor, world = recipe.processor_in_decibels(), recipe.data.world
    count = min(STATISTICS_CLIPS, recipe.data.items)
    samples = round(processor.audio_duration * processor.sampling_rate)
    decibels = []
    for chosen in torch.arange(count).split(64):
        # Windows spread over the scenes, since a scene's start has no echo of an earlier bounce.
        start = (world.duration - processor.audio_duration) * chosen.double() / count
        sound = play(draw_scenes(world, "train", chosen.tolist()), start, samples, world)
        size, hop, frames = processor.fft_size, processor.hop_length, processor.num_spectrogram_frames
        decibels.append(log_spectrogram(sound, size, hop, frames, processor.top_db))
    rows = torch.cat(decibels).flatten(0, 1).double()
    return {"spectrogram_mean": rows.mean(0).tolist(), "spectrogram_std": rows.std(0).tolist()}


def _mix(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)
