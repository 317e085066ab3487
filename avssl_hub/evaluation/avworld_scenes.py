"""Scores of the multisensory networks on held-out AVWorld: its scenes tell what sounds, when, where and of what class.

Run ``python -m avssl_hub.evaluation.avworld_scenes MODEL_DIR`` to print those of an alignment network as JSON, beside
those of a random copy of it.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..data.avworld import AVWorld
from ..data.avworld.masks import sounding_masks
from ..data.avworld.scenes import Scenes
from ..data.avworld.sound import play
from ..models.multisensory import MultisensoryForAlignment, MultisensoryForVideoClassification, MultisensoryProcessor
from ..training import noted_recipe
from ..training.scenes.windows import AlignedWindows, ShiftedWindows
from .alignment import AlignmentScore, alignment_score
from .intervals import mean_interval
from .localization import LocalizationScore, consensus_iou, localization_score

CLIPS = 1000


class MapScores(NamedTuple):
    """What activation maps are worth.

    Attributes:
        localization: Their consensus IoU with masks of what sounds.
        mean_iou: Its mean, 0 to 1.
        pointing: Share of the strongest place that what sounds covers, on average, 0 to 1.
        chance: The same of any place.
    """

    localization: LocalizationScore
    mean_iou: float
    pointing: float
    chance: float


class Clip(NamedTuple):
    """A batch of B test clips.

    Attributes:
        pixels: ``(B, T, 3, H, W)``.
        sounds: ``(B, K, channels, n)``, the picture's own sound first.
        times: Of each picture in its scene, in seconds, ``(B, T)``.
        scenes: What happens.
    """

    pixels: Tensor
    sounds: Tensor
    times: Tensor
    scenes: Scenes


def held_out_clips(
    processor: MultisensoryProcessor,
    world: AVWorld,
    windows: AlignedWindows | ShiftedWindows,
    clips: int = CLIPS,
    batch_size: int = 25,
) -> Iterator[Clip]:
    """Render a clip from anywhere in each of the first scenes of the test split, prepared as any clip is."""
    config = world.config
    generator = torch.Generator().manual_seed(0)
    for first in range(0, clips, batch_size):
        indices = range(first, min(first + batch_size, clips))
        moments = [windows.draw(int(config.duration * processor.fps), generator) for _ in indices]
        starts = [chosen.picture / processor.fps for chosen in moments]
        shown = world.render("test", indices, starts, processor.video_duration, processor.fps)
        heard = torch.tensor([chosen.sounds for chosen in moments]) / processor.fps
        sounds = [play(shown.scenes, start, processor.num_samples, config) for start in heard.unbind(1)]
        yield Clip(
            torch.stack([processor.pixels(frames) for frames in shown.frames]),
            torch.stack([torch.stack([processor.waveform(own[None]) for own in sound]) for sound in sounds], 1),
            shown.times,
            shown.scenes,
        )


@torch.inference_mode()
def score_alignment(
    model: MultisensoryForAlignment,
    processor: MultisensoryProcessor,
    world: AVWorld,
    least_shift: int,
    clips: int = CLIPS,
) -> AlignmentScore:
    """Judge each test clip's own sound, and the same scene's sound from at least ``least_shift`` frames away."""
    model.eval()
    windows = ShiftedWindows(processor.num_frames, least_shift)
    parts = [model(clip.pixels, clip.sounds).logits for clip in held_out_clips(processor, world, windows, clips)]
    aligned, shifted = torch.cat(parts).double().numpy().T
    return alignment_score(aligned, shifted)


@torch.inference_mode()
def score_localization(
    model: MultisensoryForAlignment, processor: MultisensoryProcessor, world: AVWorld, clips: int = CLIPS
) -> MapScores:
    """Hold the activation maps' size against masks of what sounds.

    Each time step of a map counts by itself, where something sounds in the middle of it; steps of a clip are one piece
    of evidence. As in the field a map's answer is what lies above its median, half of the picture: sources that cover
    less than a quarter of it cannot reach a cIoU of 0.5.
    """
    model.eval()
    ious, groups, pointed, anywhere, seen = [], [], [], [], 0
    for clip in held_out_clips(processor, world, AlignedWindows(processor.num_frames), clips):
        maps = model(clip.pixels, clip.sounds[:, 0]).activation_maps.abs()
        clips_here, steps = maps.shape[:2]
        middles = (2 * torch.arange(steps) + 1) * clip.times.shape[1] // (2 * steps)
        masks = sounding_masks(clip.scenes, clip.times[:, middles], world.config)
        masks = _as_the_network_sees(masks, processor).flatten(0, 1)
        sounding = (masks > 0).flatten(1).any(1)
        maps, masks = maps.flatten(0, 1)[sounding], masks[sounding]
        ious.append(consensus_iou(maps, masks))
        groups.append((seen + torch.arange(clips_here)).repeat_interleave(steps)[sounding])
        seen += clips_here
        covered = F.adaptive_avg_pool2d(masks, maps.shape[1:]).flatten(1)
        pointed.append(covered.gather(1, maps.flatten(1).argmax(1, keepdim=True)))
        anywhere.append(covered.mean(1))
    ious = torch.cat(ious).numpy()
    found = localization_score(ious, torch.cat(groups).numpy())
    return MapScores(found, float(ious.mean()), torch.cat(pointed).mean().item(), torch.cat(anywhere).mean().item())


@torch.inference_mode()
def score_recognition(
    model: MultisensoryForVideoClassification, processor: MultisensoryProcessor, world: AVWorld, clips: int = CLIPS
) -> tuple[float, tuple[float, float]]:
    """Return the accuracy, 0 to 1, at the class of each test scene's first object, and its 95 % interval."""
    model.eval()
    right = []
    for clip in held_out_clips(processor, world, AlignedWindows(processor.num_frames), clips):
        logits = model(clip.pixels, clip.sounds[:, 0]).logits
        right.append(logits.argmax(1) == clip.scenes.classes[:, 0])
    right = torch.cat(right).numpy().astype(float)
    return float(right.mean()), mean_interval([(right, np.arange(len(right)))])


def _as_the_network_sees(masks: Tensor, processor: MultisensoryProcessor) -> Tensor:
    """Squeeze and crop masks ``(B, T, H, W)`` as the processor does pictures, at their own resolution."""
    size = processor.crop_size if processor.legacy_resize else processor.resize_size
    squeezed = F.interpolate(masks, (size, size), mode="area")
    margin = (size - processor.crop_size) // 2
    return squeezed[..., margin : margin + processor.crop_size, margin : margin + processor.crop_size].clamp(0, 1)


def score(folder: Path, clips: int = CLIPS, random: bool = False) -> dict[str, float | list[float]]:
    """Score the alignment network of a finished run on its own kind of world, in percent.

    Args:
        folder: A finished run of a recipe of AVWorld.
        clips: Test clips.
        random: Whether to score fresh weights of the run's seed instead of the trained ones.
    """
    recipe = noted_recipe(folder)
    model, processor = MultisensoryForAlignment.from_pretrained(folder), MultisensoryProcessor.from_pretrained(folder)
    if random:
        torch.manual_seed(recipe.seed)
        model = MultisensoryForAlignment(model.config)
    world = AVWorld(recipe.data.world)
    alignment = asdict(score_alignment(model, processor, world, recipe.least_shift, clips))
    maps = score_localization(model, processor, world, clips)
    figures = {
        **{key: alignment[key] for key in ("accuracy", "interval", "choice", "choice_interval")},
        "ciou": maps.localization.success,
        "ciou_interval": maps.localization.interval,
        "mean_ciou": maps.mean_iou,
        "auc": maps.localization.auc,
        "pointing": maps.pointing,
        "pointing_chance": maps.chance,
    }
    return {key: (100 * np.asarray(value)).tolist() for key, value in figures.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="folder of a finished run, with its recipe.yaml")
    parser.add_argument("--clips", type=int, default=CLIPS, help="test clips")
    options = parser.parse_args(arguments)
    folder, clips = options.model, options.clips
    print(json.dumps({"trained": score(folder, clips), "random": score(folder, clips, random=True)}, indent=2))


if __name__ == "__main__":
    main()
