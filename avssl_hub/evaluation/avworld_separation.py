"""Scores of the separation networks on held-out AVWorld: the sounds of two scenes are mixed, and one is seen.

Run ``python -m avssl_hub.evaluation.avworld_separation MODEL_DIR`` to print them as JSON, beside those of a random copy
of the network.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import torch

from ..data.avworld import AVWorld
from ..models.multisensory import (
    MultisensoryForSourceSeparation,
    MultisensoryProcessor,
    SpectrogramUNetForSeparation,
)
from ..training import noted_recipe
from ..training.scenes.mixing import mixed_pairs
from ..training.scenes.windows import AlignedWindows
from .avworld_scenes import held_out_clips
from .separation import SeparatedClip, SeparationScore, score_clip, summarize

MIXTURES = 500
BATCH_SIZE = 50


@torch.inference_mode()
def score_separation(
    model: MultisensoryForSourceSeparation | SpectrogramUNetForSeparation,
    processor: MultisensoryProcessor,
    world: AVWorld,
    mixtures: int = MIXTURES,
) -> SeparationScore:
    """Separate mixtures of two test scenes each, no scene being in two of them.

    The first scene of a mixture is the one that is seen, where the model sees; its sound is to come first. A blind
    model is scored under the better of both assignments. The ends of a clip, where fewer frames overlap than
    elsewhere, do not count.
    """
    model.eval()
    blind = isinstance(model, SpectrogramUNetForSeparation)
    windows = AlignedWindows(processor.num_frames)
    scores = []
    for clip in held_out_clips(processor, world, windows, 2 * mixtures, BATCH_SIZE):
        pairs = mixed_pairs(clip.sounds[:, 0], blind=True)
        inputs = {} if blind else {"pixel_values_videos": clip.pixels[: len(pairs)]}
        output = model(input_values=pairs.sum(1), **inputs)
        # AVWorld is mono: any channel will do.
        sources = pairs[:, :, 0]
        levels, _ = model.spectrogram(sources)
        inner = slice(model.config.frame_length, output.waveforms.shape[-1] - model.config.frame_length)
        references, estimates = sources[..., inner], output.waveforms[..., inner]
        clips = zip(references, estimates, references.sum(1), levels, output.levels)
        scores += [score_clip(SeparatedClip(*parts), "best" if blind else "fixed") for parts in clips]
    return summarize(scores)


def score(folder: Path, mixtures: int = MIXTURES, random: bool = False) -> dict:
    """Score the separation network of a finished run on its own kind of world.

    Args:
        folder: A finished run of a recipe of AVWorld.
        mixtures: Mixtures of two test scenes.
        random: Whether to score fresh weights of the run's seed instead of the trained ones.

    Returns:
        ``clips``, ``silent_references``, and the mean and 95 % interval of each figure of
        :class:`avssl_hub.evaluation.separation.ClipScore` by name.
    """
    recipe = noted_recipe(folder)
    kind = SpectrogramUNetForSeparation if recipe.blind else MultisensoryForSourceSeparation
    model, processor = kind.from_pretrained(folder), MultisensoryProcessor.from_pretrained(folder)
    if random:
        torch.manual_seed(recipe.seed)
        model = kind(model.config)
    found = score_separation(model, processor, AVWorld(recipe.data.world), mixtures)
    figures = {name: figure._asdict() for name, figure in found.figures.items()}
    return {"clips": found.clips, "silent_references": found.silent_references, **figures}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="folder of a finished run, with its recipe.yaml")
    parser.add_argument("--mixtures", type=int, default=MIXTURES, help="mixtures of two test scenes")
    options = parser.parse_args(arguments)
    folder, mixtures = options.model, options.mixtures
    print(json.dumps({"trained": score(folder, mixtures), "random": score(folder, mixtures, random=True)}, indent=2))


if __name__ == "__main__":
    main()
