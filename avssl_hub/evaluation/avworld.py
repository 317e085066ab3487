"""Scores of a model on held-out AVWorld: cross-modal retrieval and linear probes, beside a random copy of it.

Run ``python -m avssl_hub.evaluation.avworld MODEL_DIR`` to print them as JSON.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from ..data.avworld import AVWorld
from ..models.avid import AvidModel, AvidProcessor
from .linear_probe import linear_probe
from .retrieval import cross_modal_recall

GALLERY_SIZE = 100
TEST_CLIPS = 1000
PROBE_TRAINING_CLIPS = 2000


class ClipFeatures(NamedTuple):
    """Embeddings (N, D), pooled features (N, C) and class of the first object (N,) of N clips."""

    video_embeds: Tensor
    audio_embeds: Tensor
    video_pooled: Tensor
    audio_pooled: Tensor
    labels: Tensor


@torch.inference_mode()
def embed_scenes(
    model: AvidModel,
    processor: AvidProcessor,
    world: AVWorld,
    split: str,
    indices: Sequence[int],
    batch_size: int = 50,
) -> ClipFeatures:
    """Embed the middle of each scene, prepared as the processor prepares any clip."""
    model.eval()
    sound, picture = processor.audio_duration, processor.video_duration
    parts = []
    for first in range(0, len(indices), batch_size):
        chosen = indices[first : first + batch_size]
        clips = world.render(
            split,
            chosen,
            torch.full([len(chosen)], (world.config.duration - sound) / 2),
            sound,
            processor.fps,
            picture_start=torch.full([len(chosen)], (world.config.duration - picture) / 2),
            picture_duration=picture,
        )
        inputs = processor(list(clips.frames), list(clips.samples), clips.sampling_rate)
        output = model(**inputs.to(model.device))
        parts.append(
            ClipFeatures(
                output.video_embeds.cpu(),
                output.audio_embeds.cpu(),
                output.video_pooled.cpu(),
                output.audio_pooled.cpu(),
                clips.scenes.classes[:, 0],
            )
        )
    return ClipFeatures(*map(torch.cat, zip(*parts)))


def score(
    model: AvidModel,
    processor: AvidProcessor,
    world: AVWorld | None = None,
    test_clips: int | None = None,
    probe_clips: int | None = None,
) -> dict[str, float]:
    """Score a model on AVWorld's test split.

    Retrieval is recall at 1 among 100, averaged over ten disjoint galleries; the probes read the class off each tower's
    pooled features and are trained on scenes of the train split.

    Args:
        model: Model to score.
        processor: Its processor.
        world: The world; the default one if left out.
        test_clips: Test scenes, a multiple of 100; 1000 if left out.
        probe_clips: Training scenes of the probes; 2000 if left out.

    Returns:
        ``video_to_audio_r1``, ``audio_to_video_r1``, ``video_probe`` and ``audio_probe``, in percent.
    """
    world = world or AVWorld()
    test = embed_scenes(model, processor, world, "test", range(test_clips or TEST_CLIPS))
    train = embed_scenes(model, processor, world, "train", range(probe_clips or PROBE_TRAINING_CLIPS))
    recall = cross_modal_recall(test.video_embeds, test.audio_embeds, GALLERY_SIZE, ks=(1,))
    scores = {f"{direction}_r1": 100 * at_k[1] for direction, at_k in recall.items()}
    for tower in ("video", "audio"):
        features, held_out = getattr(train, f"{tower}_pooled"), getattr(test, f"{tower}_pooled")
        result = linear_probe(features.numpy(), train.labels.numpy(), held_out.numpy(), test.labels.numpy())
        scores[f"{tower}_probe"] = 100 * result.accuracy
    return scores


def random_copy(model: AvidModel, seed: int) -> AvidModel:
    """Build a model of the same configuration with fresh weights: those a training run of this seed starts from."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return AvidModel(model.config)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="folder with config.json, model.safetensors, preprocessor_config.json")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random copy")
    options = parser.parse_args(arguments)
    model = AvidModel.from_pretrained(options.model)
    processor = AvidProcessor.from_pretrained(options.model)
    result = {
        "trained": score(model, processor),
        "random": score(random_copy(model, options.seed), processor),
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
