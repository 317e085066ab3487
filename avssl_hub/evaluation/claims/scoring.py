"""What a finished run of a claim is worth: scores on clean AVWorld, and how far it trusts off-screen sound."""

import dataclasses
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from ...data.avworld import AVWorld, draw_scenes
from ...models.avid import AvidModel, AvidProcessor
from ...objectives import BANKS_FILE, RobustXidObjective, find_positive_sets
from ...training import Recipe, noted_recipe
from ..avworld import score

POSITIVES = 16


def score_run(folder: Path, test_clips: int | None = None, probe_clips: int | None = None) -> dict[str, float]:
    """Score the run in ``folder``.

    Args:
        folder: A finished run with memory banks.
        test_clips: As :func:`avssl_hub.evaluation.avworld.score` takes them.
        probe_clips: Likewise.

    Returns:
        In percent: retrieval and probes of :func:`avssl_hub.evaluation.avworld.score` on the run's world without
        off-screen sound; ``probe``, the mean of both probes; what :func:`score_banks` reads off the memory banks.
    """
    recipe = noted_recipe(folder)
    model, processor = AvidModel.from_pretrained(folder), AvidProcessor.from_pretrained(folder)
    clean = dataclasses.replace(recipe.data.world, off_screen_share=0.0)
    scores = score(model, processor, AVWorld(clean), test_clips, probe_clips)
    scores["probe"] = (scores["video_probe"] + scores["audio_probe"]) / 2
    return scores | score_banks(recipe, load_file(folder / BANKS_FILE))


def score_banks(recipe: Recipe, banks: dict[str, Tensor]) -> dict[str, float]:
    """Hold memory banks against the ground truth of the scenes they are of.

    Returns:
        ``positive_kinds``: of the positives that AVID-CMA would find, those of the item's own kind, in percent.
        With off-screen sound: ``agreement_auc``, how often a clean item's two rows agree better than those of an
        off-screen one, in percent, and ``off_screen_share``, the share of the loss's weights that lies on off-screen
        items, in percent.
    """
    video, audio = banks["video_bank"], banks["audio_bank"]
    scenes = draw_scenes(recipe.data.world, "train", range(recipe.data.items))
    kinds, off_screen = scenes.kinds[:, 0], scenes.off_screen
    found = find_positive_sets(video, audio, min(POSITIVES, len(video) - 1)).long()
    scores = {"positive_kinds": 100 * (kinds[found] == kinds[:, None]).double().mean().item()}
    if off_screen.any() and not off_screen.all():
        # Where scikit-learn is missing, the probe's module has said so before.
        from sklearn.metrics import roc_auc_score

        agreement = (video * audio).sum(1)
        scores["agreement_auc"] = 100 * float(roc_auc_score(~off_screen, agreement))
        weights = torch.ones(len(video))
        objective = recipe.build_objective(*video.shape)
        if isinstance(objective, RobustXidObjective):
            objective.load_bank_tensors(banks)
            weights = objective.weights(torch.arange(len(video)))
        scores["off_screen_share"] = 100 * (weights[off_screen].sum() / weights.sum()).item()
    return scores
