"""Scores of AVSA's networks on held-out AVWorld in 360 degrees: do they tell which view a sound belongs to?

Run ``python -m avssl_hub.evaluation.avworld_alignment RUN_DIR`` to print those of a finished run as JSON; of a
pretraining run beside those of a random copy of its network.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..errors import InvalidValueError, explain
from ..models.avsa import AvsaForPreTraining, AvsaForSpatialAlignment, AvsaProcessor
from ..training import noted_recipe
from ..training.views.augmentation import ViewAugmentation
from ..training.views.batch import ViewBatch
from ..training.views.recipe import ViewRecipe
from ..training.views.sources import WorldViews
from .intervals import mean_interval

CLIPS = 2000


def held_out_views(recipe: ViewRecipe, processor: AvsaProcessor, clips: int = CLIPS) -> Iterator[ViewBatch]:
    """Give clips of test scenes, each another's, with views and changes drawn by the recipe's rules.

    Raises:
        InvalidValueError: The recipe lists fewer scenes than clips.
    """
    source, batches = WorldViews(recipe, "test"), -(-clips // recipe.loop.batch_size)
    if batches * recipe.loop.batch_size > source.num_items:
        raise InvalidValueError(explain("test clips", clips, f"at most data.items={source.num_items}, one of a scene"))
    augmentation = ViewAugmentation(recipe, processor)
    return (source.batch(augmentation, step, torch.device("cpu"), slice(None)) for step in range(batches))


@torch.inference_mode()
def matched_views(model: AvsaForPreTraining, batches: Iterator[ViewBatch]) -> Tensor:
    """Share of each clip's views for which a translation is nearest to the own one of all the clip's.

    Returns:
        ``(N,)``, mean of both directions; chance is one by the number of views.
    """
    model.eval()
    found = []
    for batch in batches:
        output = model(batch.pixels, batch.log_mels)
        pairs = (
            (output.predicted_audio_embeds, output.audio_embeds),
            (output.predicted_video_embeds, output.video_embeds),
        )
        own = torch.arange(batch.pixels.shape[1])
        hits = [(predicted @ target.mT).argmax(2) == own for predicted, target in pairs]
        found.append(torch.stack(hits).float().mean((0, 2)))
    return torch.cat(found)


@torch.inference_mode()
def judged_rightly(model: AvsaForSpatialAlignment, batches: Iterator[ViewBatch]) -> Tensor:
    """Whether it was told of each clip if its sound had been turned, ``(N,)``; chance is a half."""
    model.eval()
    logits = ((model(batch.pixels, batch.log_mels).logits, batch.turned) for batch in batches)
    return torch.cat([(found.argmax(1) == turned).float() for found, turned in logits])


def score(folder: Path, clips: int = CLIPS, random: bool = False) -> dict[str, float | list[float]]:
    """Score a finished run on its own kind of world, in percent.

    Args:
        folder: A finished run of a recipe of AVWorld: pretraining, or a probe of spatial alignment.
        clips: Test clips.
        random: Whether to score fresh weights of the run's seed instead of the trained ones.

    Returns:
        ``matched_views`` of pretraining or ``alignment`` of a probe, and its 95 % interval as ``..._interval``.
    """
    recipe = noted_recipe(folder)
    model, processor = recipe.network.from_pretrained(folder), AvsaProcessor.from_pretrained(folder)
    if random:
        torch.manual_seed(recipe.seed)
        model = recipe.network(model.config)
    probes = recipe.network is AvsaForSpatialAlignment
    if not probes and model.config.objective == "instdisc":
        step = "Score what goes on from it."
        raise InvalidValueError(explain(f"objective of {folder}", "'instdisc'", "one with translations", step))
    rate, name = (judged_rightly, "alignment") if probes else (matched_views, "matched_views")
    values = 100 * rate(model, held_out_views(recipe, processor, clips)).double().numpy()
    return {name: values.mean().item(), f"{name}_interval": mean_interval([(values, np.arange(len(values)))])}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of a finished run, with its recipe.yaml")
    parser.add_argument("--clips", type=int, default=CLIPS, help="test clips")
    options = parser.parse_args(arguments)
    folder, clips = options.run, options.clips
    print(json.dumps({"trained": score(folder, clips), "random": score(folder, clips, random=True)}, indent=2))


if __name__ == "__main__":
    main()
