"""Scores of networks that give sound its directions on held-out AVWorld in 360 degrees, beside what needs no network.

Run ``python -m avssl_hub.evaluation.avworld_spatial MODEL_DIR`` to print them as JSON, beside those of a random
copy of the network.
"""

import argparse
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..audio.ambisonics import angle_between, arrival, unit_vectors
from ..audio.stft_distance import stft_distance
from ..data.avworld360 import AVWorld360
from ..models.spatial_audio_gen import SpatialAudioGenConfig, SpatialAudioGenModel
from ..training import noted_recipe
from ..video.equirectangular import roll
from .intervals import mean_interval
from .spatial import envelope_distance
from .spatial.direction_distance import direction_distance
from .spatial.steering import mean_steering

CHUNKS = 1000
BATCH_SIZE = 50
TURN = math.pi / 2


class Chunks(NamedTuple):
    """A batch of B test chunks.

    Attributes:
        ambisonics: ``(B, 4, samples)`` with all that is heard around the chunk.
        pixels: ``(B, 1, 3, H, W)``.
        directions: Unit vectors to what sounds, where one object does all the while, else NaN: ``(B, 3)``.
    """

    ambisonics: Tensor
    pixels: Tensor
    directions: Tensor


def held_out_chunks(
    config: SpatialAudioGenConfig, world: AVWorld360, split: str = "test", chunks: int = CHUNKS
) -> Iterator[Chunks]:
    """Render a chunk from anywhere in each of the first scenes of a split."""
    generator = torch.Generator().manual_seed(0)
    length = config.window_samples / config.sampling_rate
    middle = (config.chunk_start + config.chunk_samples / 2) / config.sampling_rate
    for first in range(0, chunks, BATCH_SIZE):
        indices = range(first, min(first + BATCH_SIZE, chunks))
        room = world.config.duration - length
        starts = room * torch.rand(len(indices), generator=generator, dtype=torch.float64)
        begins = starts + config.chunk_start / config.sampling_rate
        clips = world.render(split, indices, starts, length, begins[:, None])
        azimuth, elevation = (angle[..., 0] for angle in clips.scenes.directions(starts[:, None] + middle))
        vectors = unit_vectors(azimuth, elevation)
        alone = clips.scenes.sounding & (clips.scenes.sounding.sum(1, keepdim=True) == 1)
        directions = torch.where(alone[..., None], vectors, 0).sum(1)
        directions[~alone.any(1)] = math.nan
        yield Chunks(clips.ambisonics, clips.frames.float() / 255 - 0.5, directions)


class Rated(NamedTuple):
    """Figures of single chunks, ``(N,)`` each; lower is better.

    Attributes:
        stft: Distance of spectra.
        env: Distance of envelopes.
        emd: Earth mover's distance, which minds energy.
        degrees: From the intensity vector's direction to that of what sounds; NaN where it is not one object.
    """

    stft: Tensor
    env: Tensor
    emd: Tensor
    degrees: Tensor


def rate(predicted: Tensor, target: Tensor, directions: Tensor, window: int) -> Rated:
    """Compare predictions of Y, Z and X with the recording.

    Args:
        predicted: ``(B, 3, samples)``.
        target: ``(B, 4, samples)``.
        directions: ``(B, 3)``.
        window: Samples of a window of spectra.
    """
    heard = torch.cat([target[:, :1], predicted], 1)
    return Rated(
        stft_distance(predicted.double(), target[:, 1:].double(), window).mean(1),
        envelope_distance(predicted, target[:, 1:]).mean(1),
        direction_distance(heard, target).energy,
        angle_between(_arrival(heard), directions).rad2deg(),
    )


def _arrival(ambisonics: Tensor) -> Tensor:
    """Unit vectors ``(B, 3)`` that a chunk's energy comes from."""
    found = arrival(ambisonics, ambisonics.shape[-1])
    return unit_vectors(found.azimuth[:, 0], found.elevation[:, 0])


@torch.inference_mode()
def score_spatialization(model: SpatialAudioGenModel, world: AVWorld360, chunks: int = CHUNKS) -> dict[str, Rated]:
    """Rate a model, silence in Y, Z and X (``"mono"``), and W times the train split's mean steering (``"prior"``)."""
    model.eval()
    config = model.config
    own = slice(config.chunk_start, config.chunk_start + config.chunk_samples)
    train = held_out_chunks(config, world, "train", chunks)
    layout = torch.ones(4)
    steering = mean_steering((sound[:, own], layout) for batch in train for sound in batch.ambisonics).float()
    parts: dict[str, list[Rated]] = {"model": [], "mono": [], "prior": []}
    for batch in held_out_chunks(config, world, chunks=chunks):
        target = batch.ambisonics[..., own]
        predictions = {
            "model": predict(model, batch.ambisonics, batch.pixels),
            "mono": torch.zeros_like(target[:, 1:]),
            "prior": steering[:, None] * target[:, :1],
        }
        for name, predicted in predictions.items():
            parts[name].append(rate(predicted, target, batch.directions, config.loss_window))
    return {name: Rated(*map(torch.cat, zip(*rated))) for name, rated in parts.items()}


@torch.inference_mode()
def score_turned_pictures(model: SpatialAudioGenModel, world: AVWorld360, chunks: int = CHUNKS) -> Tensor:
    """Turn pictures by a quarter to the left under the same mono sound.

    Returns:
        Degrees between the azimuth that the sound then comes from, and the one before, turned as much, ``(N,)``: 90 for
        sound that stays where it was, even if nearly all of it comes from above.
    """
    model.eval()
    config = model.config
    own = slice(config.chunk_start, config.chunk_start + config.chunk_samples)
    found = []
    for batch in held_out_chunks(config, world, chunks=chunks):
        mono, pictures = batch.ambisonics[:, :1, own], (batch.pixels, roll(batch.pixels, TURN))
        heard = (torch.cat([mono, predict(model, batch.ambisonics, pixels)], 1) for pixels in pictures)
        before, after = (arrival(sound, sound.shape[-1]).azimuth[:, 0] for sound in heard)
        off = (after - before - TURN + math.pi).remainder(math.tau) - math.pi
        found.append(off.abs().rad2deg())
    return torch.cat(found)


def predict(model: SpatialAudioGenModel, ambisonics: Tensor, pixels: Tensor) -> Tensor:
    """Predict ``(B, 3, samples)`` of chunks, of which the network takes W and, if it sees, the picture."""
    sees = "video" in model.config.encoders
    return model(ambisonics[:, :1], pixel_values_videos=pixels if sees else None).ambisonics


def score(folder: Path, chunks: int = CHUNKS, random: bool = False) -> dict:
    """Score the network of a finished run on its own kind of world.

    Args:
        folder: A finished run of a recipe of AVWorld.
        chunks: Chunks, one of a scene each.
        random: Whether to score fresh weights of the run's seed instead of the trained ones.

    Returns:
        For ``model``, ``mono`` and ``prior``: mean and 95 % interval of ``stft``, ``env`` and ``emd``, and
        ``median_degrees``; for the model ``follows_median_degrees`` too, see :func:`score_turned_pictures`.
    """
    model, recipe = SpatialAudioGenModel.from_pretrained(folder), noted_recipe(folder)
    if random:
        torch.manual_seed(recipe.seed)
        model = SpatialAudioGenModel(model.config)
    world = AVWorld360(recipe.data.world)
    found = {name: _summary(rated) for name, rated in score_spatialization(model, world, chunks).items()}
    found["model"]["follows_median_degrees"] = score_turned_pictures(model, world, chunks).median().item()
    return {"chunks": chunks, **found}


def _summary(rated: Rated) -> dict:
    figures = {}
    for name in ("stft", "env", "emd"):
        values = getattr(rated, name).double().numpy()
        low, high = mean_interval([(values, np.arange(len(values)))])
        figures[name] = {"mean": values.mean().item(), "low": low, "high": high}
    return figures | {"median_degrees": rated.degrees.nanmedian().item()}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="folder of a finished run, with its recipe.yaml")
    parser.add_argument("--chunks", type=int, default=CHUNKS, help="chunks, one of a scene each")
    options = parser.parse_args(arguments)
    folder, chunks = options.model, options.chunks
    print(json.dumps({"trained": score(folder, chunks), "random": score(folder, chunks, random=True)}, indent=2))


if __name__ == "__main__":
    main()
