"""A run that starts from a finished one: its weights, banks and statistics, and refusals where they do not fit."""

import re
import shutil

import pytest
import torch
from safetensors.torch import load_file

from avssl_hub.errors import CheckpointError
from avssl_hub.objectives import BANKS_FILE, find_positive_sets
from avssl_hub.training import RecipeError, load_recipe, train
from avssl_hub.training.sources import open_source
from avssl_hub.training.start import start
from tests.training.runs import train_until

from .test_trainer import SMALL

CMA = ["objective={name: avid_cma, num_positives: 3, num_negatives: 4, num_negatives_within: 2, refresh_epochs: 1}"]
ROBUST = ["objective={name: robust_xid, num_negatives: 4, warmup_epochs: 0.6}"]
AVC = ["objective={name: avc, hidden_size: 6}"]
AVTS = ["objective={name: avts, easy_epochs: 0.6}"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return train(load_recipe("avid/tiny_avworld", SMALL), tmp_path_factory.mktemp("finished"))


def continued(finished, *overrides):
    return load_recipe("avid/tiny_avworld", [*SMALL, f"start_from={finished}", *overrides])


def begun(recipe):
    return start(recipe, open_source(recipe))


def test_weights_banks_and_statistics_are_those_of_the_finished_run(finished):
    model, processor, objective = begun(continued(finished, *CMA, "seed=5"))
    weights = load_file(finished / "model.safetensors")
    assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())
    banks = load_file(finished / BANKS_FILE)
    assert torch.equal(objective.video_bank.rows, banks["video_bank"])
    assert torch.equal(objective.audio_bank.rows, banks["audio_bank"])
    assert objective.criterion.partition == banks["partition_constant"] > 0
    assert processor.spectrogram_mean == begun(load_recipe("avid/tiny_avworld", SMALL))[1].spectrogram_mean
    objective.before_step(0, epoch_steps=3)
    expected = find_positive_sets(banks["video_bank"], banks["audio_bank"], 3)
    assert torch.equal(objective.positive_sets, expected)


def test_robust_xid_trusts_the_banks_it_starts_from(finished):
    _, _, objective = begun(continued(finished, *ROBUST))
    banks = load_file(finished / BANKS_FILE)
    assert objective.seen.all()
    torch.testing.assert_close(objective.agreement, (banks["video_bank"] * banks["audio_bank"]).sum(1))


def test_a_run_is_resumed_without_the_one_it_started_from(finished, tmp_path):
    base = shutil.copytree(finished, tmp_path / "base")
    recipe = continued(base, *CMA)
    whole = train(recipe, tmp_path / "whole")
    train_until(5, recipe, tmp_path / "cut")
    shutil.rmtree(base)
    cut = train(recipe, tmp_path / "cut", resume=True)
    assert (cut / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert (cut / "preprocessor_config.json").read_bytes() == (finished / "preprocessor_config.json").read_bytes()


def test_a_damaged_start_is_named(finished, tmp_path):
    for name in ("config.json", "preprocessor_config.json"):
        base = shutil.copytree(finished, tmp_path / name)
        (base / name).write_text("{")
        with pytest.raises(CheckpointError, match=re.escape(str(base))):
            train(continued(base), tmp_path / "run")


def test_the_search_for_positives_tells_how_far_it_is(finished, tmp_path):
    told = []
    recipe = continued(finished, *CMA, "loop.steps=5")
    train(recipe, tmp_path, preparing=lambda *state: told.append(state))
    # An epoch of twelve items has three steps: the search runs before steps 0 and 3.
    assert told == [(12, 12), (12, 12)]


@pytest.mark.parametrize("overrides", [CMA, ROBUST, AVC, AVTS], ids=["cma", "robust", "avc", "avts"])
def test_a_killed_and_resumed_run_equals_an_uninterrupted_one(finished, overrides, tmp_path):
    recipe = continued(finished, *overrides)
    whole = train(recipe, tmp_path / "whole")
    train_until(5, recipe, tmp_path / "cut")
    train(recipe, tmp_path / "cut", resume=True)
    assert (whole / BANKS_FILE).exists() == (overrides in (CMA, ROBUST))
    for name in {"model.safetensors", BANKS_FILE} & {path.name for path in whole.iterdir()}:
        assert (whole / name).read_bytes() == (tmp_path / "cut" / name).read_bytes()
    assert (whole / "model.safetensors").read_bytes() != (finished / "model.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("override", "error", "text"),
    [
        (
            "model.projection_sizes=4",
            RecipeError,
            r"recipe key 'model.projection_sizes': got 4; expected 8, as in .*finished",
        ),
        ("processor.hop_length=240", RecipeError, r"recipe key 'processor.hop_length': got 240; expected 480, as in"),
        (
            "data.items=13",
            CheckpointError,
            r"memory_banks.safetensors: got rows of other items; expected rows of the recipe's. Start from",
        ),
        (
            "start_from=nowhere",
            CheckpointError,
            r"start_from nowhere: got no config.json; expected the folder of a fin",
        ),
    ],
)
def test_a_start_that_does_not_fit_is_refused(finished, override, error, text, tmp_path):
    with pytest.raises(error, match=text):
        train(continued(finished, override), tmp_path)
