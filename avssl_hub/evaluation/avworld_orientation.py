"""How well an imposed turn of the sound is found again on held-out AVWorld in 360 degrees, beside chance.

Run ``python -m avssl_hub.evaluation.avworld_orientation MODEL_DIR`` to print it as JSON, beside that of a random copy
of the network.
"""

import argparse
import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..audio.ambisonics import rotate
from ..data.avworld360 import AVWorld360
from ..pipelines.orient import OrientationPipeline
from ..pipelines.orientation import NEAR
from ..training import noted_recipe
from ..zoo import load, load_processor
from .intervals import mean_interval

SCENES = 200
WINDOWS = 8
STEP = math.radians(15)
CHANCE_MEDIAN_DEGREES = 90.0


@torch.inference_mode()
def imposed_errors(
    orient: OrientationPipeline, world: AVWorld360, scenes: int = SCENES, windows: int = WINDOWS, step: float = STEP
) -> Tensor:
    """Turn the sound of each of the first test scenes by any angle, and find the turn that makes it fit again.

    Args:
        orient: The network.
        world: The world, at the network's sampling rate.
        scenes: Number of scenes.
        windows: Clips of a scene, evenly from its start to its end, whose scores are averaged.
        step: Radians between the angles that are tried.

    Returns:
        Radians ``(scenes,)`` by which the sound is off its place after the turn that was found, -pi to pi.
    """
    yaws, scorer = orient.scorer(step)
    rules, config = orient.processor, world.config
    generator = torch.Generator().manual_seed(0)
    imposed = (torch.rand(scenes, generator=generator, dtype=torch.float64) - 0.5) * math.tau
    starts = torch.linspace(0, config.duration - rules.audio_duration, windows, dtype=torch.float64)
    lead = (rules.audio_duration - rules.video_duration) / 2
    times = starts[:, None] + lead + torch.arange(rules.num_frames) / rules.fps
    left = []
    for index, error in enumerate(imposed):
        clips = world.render("test", [index] * windows, starts, rules.audio_duration, times)
        turned = rotate(clips.ambisonics, error)
        scores = torch.stack([scorer(*clip) for clip in zip(clips.frames, turned)]).mean(0)
        left.append((error + yaws[scores.argmax()] + math.pi).remainder(math.tau) - math.pi)
    return torch.stack(left)


def summary(errors: Tensor) -> dict:
    """Describe errors in radians: median of their size in degrees, its histogram, and the share within 30 degrees.

    ``within_30`` has a 95 % interval; ``opposite_within_30`` is the share that is as near to half a turn.
    """
    size = errors.abs()
    near = (size <= NEAR).double().numpy()
    low, high = mean_interval([(near, np.arange(len(near)))])
    edges = torch.arange(0, 181, 30)
    counts = torch.histogram(size.rad2deg().clamp(max=180), edges.double()).hist
    return {
        "median_degrees": size.median().rad2deg().item(),
        "within_30": {"mean": near.mean().item(), "low": low, "high": high},
        "opposite_within_30": (size >= math.pi - NEAR).double().mean().item(),
        "by_30_degrees": (counts / len(size)).tolist(),
    }


def score(folder: Path, scenes: int = SCENES, windows: int = WINDOWS, random: bool = False) -> dict:
    """Score the network of a finished run on its own kind of world.

    Args:
        folder: A finished run of a recipe of AVSA on AVWorld.
        scenes: Test scenes.
        windows: Clips of each.
        random: Whether to score fresh weights of the run's seed instead of the trained ones.

    Raises:
        InvalidValueError: The network cannot tell whether sound fits a view.
    """
    model, recipe = load(Path(folder)), noted_recipe(folder)
    if random:
        torch.manual_seed(recipe.seed)
        model = type(model)(model.config)
    orient = OrientationPipeline(model, load_processor(Path(folder)))
    return summary(imposed_errors(orient, AVWorld360(recipe.data.world), scenes, windows))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="folder of a finished run, with its recipe.yaml")
    parser.add_argument("--scenes", type=int, default=SCENES, help="test scenes")
    parser.add_argument("--windows", type=int, default=WINDOWS, help="clips of each")
    options = parser.parse_args(arguments)
    settings = options.scenes, options.windows
    chance = {"median_degrees": CHANCE_MEDIAN_DEGREES, "within_30": NEAR / math.pi}
    found = {name: score(options.model, *settings, random=name == "random") for name in ("trained", "random")}
    print(json.dumps({"scenes": options.scenes, "windows": options.windows, **found, "chance": chance}, indent=2))


if __name__ == "__main__":
    main()
