"""Finished segmentations and probes on views they have not seen, by networks whose answers are known."""

import json

import pytest
import torch
from torch.nn import functional as F

from avssl_hub.errors import InvalidValueError
from avssl_hub.evaluation import probe_scores, segmentation_scores
from avssl_hub.evaluation.held_out_views import HeldOut, HeldOutViews
from avssl_hub.evaluation.probe_scores import judged_rightly
from avssl_hub.evaluation.segmentation_scores import score_segmentation
from avssl_hub.models.avsa import (
    AvsaForAudioVisualCorrespondence,
    AvsaForSemanticSegmentation,
    AvsaForSpatialAlignment,
    AvsaMatchOutput,
    AvsaProcessor,
)
from avssl_hub.models.avsa.segmentation_avsa import AvsaSegmentationOutput
from avssl_hub.training import load_recipe, train
from avssl_hub.training.broken import TooManyBrokenError
from tests.training.views.conftest import films, maps, of_films, small  # noqa: F401


@pytest.fixture(scope="module")
def run(small, tmp_path_factory):  # noqa: F811
    recipe = load_recipe(small, ["task=segmentation", "loop.steps=1"])
    return train(recipe, tmp_path_factory.mktemp("segmentation"))


def answers(model, outputs):
    """Make a model give these outputs, one after the other."""
    outputs = iter(outputs)
    model.forward = lambda *inputs, **more: next(outputs)
    return model


def segmented(recipe, run, chosen, answer):
    """Score the answers that ``answer`` makes of the labels of each batch."""
    processor, told = AvsaProcessor.from_pretrained(run), HeldOutViews(recipe, chosen, run)
    labels = [batch.labels for batch in told.batches(processor)]
    logits = [F.one_hot(answer(own), 11).movedim(-1, 2).float() for own in labels]
    model = AvsaForSemanticSegmentation.from_pretrained(run)
    model = answers(model, [AvsaSegmentationOutput(logits=own) for own in logits])
    return score_segmentation(model, processor, HeldOutViews(recipe, chosen, run)), torch.cat(labels)


def test_the_truth_is_right_everywhere(small, run):  # noqa: F811
    recipe, chosen = load_recipe(small, ["task=segmentation"]), HeldOut(scenes=9)
    scores, labels = segmented(recipe, run, chosen, lambda own: own)
    assert labels.shape == (8, 2, 16, 16)
    assert scores["pixel_accuracy"] == scores["mean_iou"] == scores["mean_class_iou"] == pytest.approx(100)
    names = AvsaForSemanticSegmentation.from_pretrained(run).config.id2label
    shown = {names[number] for number in labels.unique().tolist()}
    assert {name for name, share in scores["class_iou"].items() if share is not None} == shown


def test_one_class_everywhere_has_its_share(small, run):  # noqa: F811
    recipe, chosen = load_recipe(small, ["task=segmentation"]), HeldOut(scenes=8, passes=2)
    scores, labels = segmented(recipe, run, chosen, lambda own: torch.full_like(own, 10))
    assert labels.shape[0] == 16
    share = 100 * (labels == 10).float().mean().item()
    assert scores["pixel_accuracy"] == scores["commonest_class"] == pytest.approx(share)
    # In each image the backdrop overlaps by its share, and any other class that is there not at all.
    images = labels.flatten(0, 1)
    overlap = torch.tensor([(own == 10).float().mean().item() for own in images])
    pairs = torch.tensor([len(own.unique()) for own in images])
    batches = overlap.view(4, 8).sum(1) / pairs.view(4, 8).sum(1)
    assert scores["mean_iou"] == pytest.approx(100 * batches.mean().item())
    assert scores["class_iou"]["backdrop"] == pytest.approx(share)


def test_a_finished_run_is_scored_on_scenes_it_has_not_seen(run, capsys):
    segmentation_scores.main([str(run), "--scenes", "9", "--still"])
    told = json.loads(capsys.readouterr().out)
    assert (told["scored_on"], told["clips"], told["clips_left_out"]) == ("AVWorld 360, test split", 8, 1)
    assert (
        0 <= told["pixel_accuracy_interval"][0] <= told["pixel_accuracy"] <= told["pixel_accuracy_interval"][1] <= 100
    )
    assert told["broken"] == {}


def test_runs_on_films_are_scored_on_a_list_of_others(of_films, films, maps, tmp_path):  # noqa: F811
    run = train(load_recipe(of_films, ["task=segmentation", f"data.labels={maps}", "loop.steps=1"]), tmp_path / "run")
    with pytest.raises(InvalidValueError, match=r"films to score on: got none, for a run on films; .*--manifest FILE"):
        segmentation_scores.score(run, HeldOut())
    told = segmentation_scores.score(run, HeldOut(manifest=str(films), passes=2))
    assert (told["scored_on"], told["clips"], told["clips_left_out"]) == (str(films), 8, 0)
    assert {name for name, share in told["class_iou"].items() if share is not None} >= {"car", "sky"}
    listing = tmp_path / "list.csv"
    (tmp_path / "no.mp4").write_bytes(b"no film")
    (tmp_path / "none.mp4").write_bytes(b"no film")
    rows = [line.split(",") for line in films.read_text().splitlines()[1:]]
    lines = [f"{films.parent / path},test,{video}" for path, _, video in rows]
    listing.write_text("\n".join(["path,split,video", "no.mp4,test,z", *lines]))
    told = segmentation_scores.score(run, HeldOut(manifest=str(listing), split="test"))
    assert list(told["broken"]) == [str(tmp_path / "no.mp4")]
    listing.write_text("\n".join(["path,split,video", "no.mp4,test,z", "none.mp4,test,y", *lines]))
    with pytest.raises(TooManyBrokenError, match=f"2 of 6 that cannot be used, named in {run / 'broken_test.csv'}"):
        segmentation_scores.score(run, HeldOut(manifest=str(listing), passes=3))
    assert "no film" not in (run / "broken_test.csv").read_text()
    assert (run / "broken_test.csv").read_text().count(".mp4") >= 2


def probe(small, tmp_path, task, kind):  # noqa: F811
    recipe = load_recipe(small, [f"task={task}", "loop.steps=1"])
    run = train(recipe, tmp_path / task)
    return recipe, kind.from_pretrained(run), AvsaProcessor.from_pretrained(run), run


@pytest.mark.parametrize("turned", [False, True])
def test_turned_sounds_are_counted(turned, small, tmp_path):  # noqa: F811
    recipe, model, processor, run = probe(small, tmp_path, "spatial_alignment_probe", AvsaForSpatialAlignment)
    views = HeldOutViews(recipe, HeldOut(scenes=12, passes=2), run)
    truth = [batch.turned for batch in views.batches(processor)]
    outputs = [
        AvsaMatchOutput(logits=F.one_hot(own, 2).float() if turned else torch.tensor([[1.0, 0.0]] * 4), labels=own)
        for own in truth
    ]
    right = judged_rightly(answers(model, outputs), processor, HeldOutViews(recipe, HeldOut(scenes=12, passes=2), run))
    assert len(right) == 24
    assert right.mean().item() == pytest.approx(1 if turned else (torch.cat(truth) == 0).float().mean().item())
    assert 0 < torch.cat(truth).sum() < 24


def test_a_clip_s_own_sound_and_another_s_count_alike(small, tmp_path):  # noqa: F811
    recipe, model, processor, run = probe(small, tmp_path, "correspondence_probe", AvsaForAudioVisualCorrespondence)
    with torch.no_grad():
        model.classifier.output.weight.zero_()
        model.classifier.output.bias.copy_(torch.tensor([1.0, 0.0]))
    right = judged_rightly(model, processor, HeldOutViews(recipe, HeldOut(scenes=8), run))
    assert right.tolist() == [0.5] * 8


def test_probes_are_scored_from_the_shell(small, tmp_path, capsys):  # noqa: F811
    *_, run = probe(small, tmp_path, "spatial_alignment_probe", AvsaForSpatialAlignment)
    assert probe_scores.default_passes(run) == 10
    probe_scores.main([str(run), "--scenes", "8", "--passes", "1"])
    told = json.loads(capsys.readouterr().out)
    assert (told["task"], told["clips"]) == ("spatial_alignment_probe", 8)
    assert 0 <= told["accuracy"] <= 100
    with pytest.raises(InvalidValueError, match=r"task of .*: got 'spatial_alignment_probe'; expected 'segmentation'"):
        segmentation_scores.score(run, HeldOut())
