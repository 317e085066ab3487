"""Scores of AVSA's networks on held-out AVWorld: of networks whose answers are known, and of short runs."""

import json
from types import SimpleNamespace

import pytest
import torch
from torch.nn import functional as F

from avssl_hub.errors import InvalidValueError
from avssl_hub.evaluation.avworld_alignment import held_out_views, judged_rightly, main, matched_views, score
from avssl_hub.models.avsa import AvsaForPreTraining, AvsaProcessor
from avssl_hub.training import load_recipe, noted_recipe, train
from avssl_hub.training.views.sources import open_views

from ..training.views.conftest import LOOP, SMALL, WORLD

PROBE = ["task=spatial_alignment_probe"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alignment")
    (folder / "small.yaml").write_text(SMALL + WORLD + LOOP)
    return train(load_recipe(folder / "small.yaml", ["loop.steps=1"]), folder / "run")


def batches(run, clips=12, overrides=()):
    recipe = load_recipe(run.parent / "small.yaml", overrides)
    return recipe, list(held_out_views(recipe, AvsaProcessor.from_pretrained(run), clips))


class Embeds(torch.nn.Module):
    """Predicts each view's sound from its own picture, and the first view's picture from every sound."""

    def forward(self, pixels, log_mels):
        own = F.one_hot(torch.arange(pixels.shape[1])).float().expand(len(pixels), -1, -1)
        return SimpleNamespace(
            predicted_audio_embeds=own,
            audio_embeds=own,
            predicted_video_embeds=own[:, :1].expand_as(own),
            video_embeds=own,
        )


def test_one_direction_right_and_the_other_by_one_view_of_two(run):
    _, found = batches(run)
    assert matched_views(Embeds(), found).tolist() == [0.75] * 12


def test_scenes_are_those_of_the_test_split_and_each_comes_once(run):
    recipe, found = batches(run)
    assert sorted(torch.cat([batch.items for batch in found]).tolist()) == list(range(12))
    processor = AvsaProcessor.from_pretrained(run)
    trained = next(open_views(recipe).batches(processor, 0, None, torch.device("cpu"), slice(None)))
    assert trained.items.equal(found[0].items)
    assert not trained.pixels.equal(found[0].pixels)
    with pytest.raises(InvalidValueError, match=r"test clips: got 13; expected at most data\.items=12"):
        batches(run, 13)


def test_half_of_the_sounds_are_turned_and_who_says_never_is_right_of_the_rest(run):
    _, found = batches(run, overrides=PROBE)
    turned = torch.cat([batch.turned for batch in found])
    assert set(turned.tolist()) == {0, 1}

    class Never(torch.nn.Module):
        def forward(self, pixels, log_mels):
            return SimpleNamespace(logits=torch.tensor([[1.0, 0.0]]).expand(len(pixels), -1))

    assert judged_rightly(Never(), found).equal(1.0 - turned)


def test_a_run_is_scored_as_by_hand_and_beside_a_random_copy(run, capsys):
    main([str(run), "--clips", "12"])
    told = json.loads(capsys.readouterr().out)
    _, found = batches(run)
    model = AvsaForPreTraining.from_pretrained(run).eval()
    hits = []
    for batch in found:
        with torch.no_grad():
            made = model(batch.pixels, batch.log_mels)
        for predicted, target in (("predicted_audio", "audio"), ("predicted_video", "video")):
            for queries, keys in zip(made[f"{predicted}_embeds"], made[f"{target}_embeds"]):
                distances = torch.cdist(queries, keys)
                hits += [distances[view].argmin().item() == view for view in range(2)]
    assert told["trained"]["matched_views"] == pytest.approx(100 * sum(hits) / len(hits))
    low, high = told["trained"]["matched_views_interval"]
    assert low <= told["trained"]["matched_views"] <= high
    assert told["random"].keys() == told["trained"].keys()


def test_probes_are_scored_and_runs_without_translations_are_refused(run, tmp_path):
    small = run.parent / "small.yaml"
    probe = train(load_recipe(small, [*PROBE, "loop.steps=1", f"start_from={run}"]), tmp_path / "probe")
    assert noted_recipe(probe).task == "spatial_alignment_probe"
    assert 0 <= score(probe, 8)["alignment"] <= 100
    first = ["model.objective=instdisc", "model.translation_depth=0", "views.count=1", "loop.steps=1"]
    plain = train(load_recipe(small, first), tmp_path / "first")
    with pytest.raises(InvalidValueError, match="got 'instdisc'; expected one with translations"):
        score(plain, 8)
