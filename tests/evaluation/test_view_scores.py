"""AVSA's pretraining on views it has not seen: of answers that are known, and of a short run."""

import json

import pytest
import torch
from torch.nn import functional as F

from avssl_hub.errors import InvalidValueError
from avssl_hub.evaluation import view_scores
from avssl_hub.evaluation.held_out_views import HeldOut, HeldOutViews
from avssl_hub.evaluation.view_scores import matched_views, score
from avssl_hub.models.avsa import AvsaForPreTraining, AvsaForPreTrainingOutput, AvsaProcessor
from avssl_hub.training import load_recipe, train
from tests.training.views.conftest import small  # noqa: F401


@pytest.fixture(scope="module")
def run(small, tmp_path_factory):  # noqa: F811
    return train(load_recipe(small, ["loop.steps=1"]), tmp_path_factory.mktemp("pretraining"))


def test_one_direction_right_and_the_other_by_one_view_of_two(run, small):  # noqa: F811
    model, processor = AvsaForPreTraining.from_pretrained(run), AvsaProcessor.from_pretrained(run)
    own = F.one_hot(torch.arange(2)).float().expand(4, -1, -1)
    told = AvsaForPreTrainingOutput(
        predicted_audio_embeds=own,
        audio_embeds=own,
        # Every sound predicts the first view's picture.
        predicted_video_embeds=own[:, :1].expand_as(own),
        video_embeds=own,
    )
    model.forward = lambda *inputs: told
    views = HeldOutViews(load_recipe(small), HeldOut(scenes=12), run)
    assert matched_views(model, processor, views).tolist() == [0.75] * 12


def test_a_run_is_scored_as_by_hand_and_beside_a_random_copy(run, small, capsys):  # noqa: F811
    view_scores.main([str(run), "--scenes", "12"])
    told = json.loads(capsys.readouterr().out)
    model, processor = AvsaForPreTraining.from_pretrained(run).eval(), AvsaProcessor.from_pretrained(run)
    hits = []
    for batch in HeldOutViews(load_recipe(small), HeldOut(scenes=12), run).batches(processor):
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


def test_single_views_and_other_tasks_are_refused(small, tmp_path):  # noqa: F811
    single = train(load_recipe(small, ["views.count=1", "loop.steps=1"]), tmp_path / "single")
    with pytest.raises(InvalidValueError, match="got 'spatial_alignment' on 1 views; expected 'spatial_alignment' on"):
        score(single, HeldOut())
    probe = train(load_recipe(small, ["task=spatial_alignment_probe", "loop.steps=1"]), tmp_path / "probe")
    with pytest.raises(InvalidValueError, match="got 'spatial_alignment_probe' on 2 views"):
        score(probe, HeldOut())
