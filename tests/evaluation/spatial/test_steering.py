"""Baselines without a network: where constants lie, and which of them fit best."""

import pytest
import torch

from avssl_hub.errors import InvalidValueError
from avssl_hub.evaluation.spatial.steering import ConstantSteering, mean_steering


def test_the_chunk_is_taken_from_the_middle_and_steered(tmp_path):
    sound = torch.arange(52799.0)[None, None]
    model = ConstantSteering([0.5, 0.0, -1.0])
    ambisonics = model(input_values=sound, pixel_values_videos=None, use_running_stats=True).ambisonics
    chunk = torch.arange(24000.0, 28800.0)
    assert torch.equal(ambisonics, torch.stack([0.5 * chunk, 0 * chunk, -chunk])[None])
    assert not ConstantSteering()(sound).ambisonics.any()
    model.save(tmp_path / "prior.json")
    assert ConstantSteering.load(tmp_path / "prior.json").steering.tolist() == [0.5, 0, -1]


def test_constants_fit_best_over_all_recordings_that_have_the_channel():
    loud, quiet = torch.zeros(4, 100), torch.zeros(4, 100)
    loud[0], loud[1], loud[3] = 1.0, 0.5, 0.2
    quiet[0], quiet[1], quiet[2] = 0.5, 1.0, 0.25
    flat, full = torch.tensor([1, 1, 0, 1]), torch.ones(4)
    # Y: (100 * 0.5 + 100 * 0.5) / (100 + 25); Z of the second alone: 0.25 / 0.5; X: 20 / 125.
    steering = mean_steering([(loud, flat), (quiet, full)])
    assert steering.tolist() == pytest.approx([0.8, 0.5, 0.16])
    assert mean_steering([(loud, flat)])[1] == 0
    assert not mean_steering([(torch.zeros(4, 10), full)]).any()
    assert not mean_steering([]).any()


@pytest.mark.parametrize(
    "text", ["", "[1, 2, 3]", '{"Y": 1, "Z": 2}', '{"Y": 1, "Z": "left", "X": 0}', '{"Y": NaN, "Z": 0, "X": 0}']
)
def test_other_files_are_refused(tmp_path, text):
    (tmp_path / "prior.json").write_text(text)
    with pytest.raises(InvalidValueError, match="expected a file such as"):
        ConstantSteering.load(tmp_path / "prior.json")


def test_constants_are_three():
    with pytest.raises(InvalidValueError, match="expected three finite numbers"):
        ConstantSteering([1.0])
