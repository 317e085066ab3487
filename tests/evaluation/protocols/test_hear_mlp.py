"""HEAR's probe: who trains, who validates, and which network is taken."""

import numpy as np
import pytest
import torch
from torch import nn

from avssl_hub.errors import InvalidValueError
from avssl_hub.evaluation.protocols import HearMLP, PooledProbe, hear_mlp
from avssl_hub.evaluation.protocols.protocol import Clips
from avssl_hub.evaluation.shallow_mlp import Stopped

LABELS = np.arange(30) % 3
VALID = np.arange(30) < 10


def clips(valid=VALID, groups=LABELS):
    """Return recordings that say their own number in the mean over their two clips."""
    numbers = np.arange(30, dtype=np.float32)[:, None, None]
    return Clips(np.concatenate([numbers - 1, numbers + 1], 1), LABELS, groups, valid)


@pytest.fixture
def trained(monkeypatch):
    """Record what networks are trained on; the one of two layers and rate 0.1 does best, and names classes 2, 1, 0."""
    calls = []

    def fit(fit, held, classes, *, hidden_layers, learning_rate, **options):
        calls.append((fit, held, classes, options))
        network = nn.Linear(1, 3)
        best = (hidden_layers, learning_rate) == (2, 0.1)
        with torch.no_grad():
            network.weight.zero_()
            network.bias.copy_(torch.tensor([0.0, 1.0, 2.0] if best else [2.0, 1.0, 0.0]))
        return Stopped(nn.Sequential(network), 0.9 if best else 0.8, 42)

    monkeypatch.setattr(hear_mlp, "fit_shallow_mlp", fit)
    return calls


def test_the_network_that_does_best_on_the_validation_fold_answers(trained):
    protocol = HearMLP(learning_rates=(1.0, 0.1, 0.01), patience=7, epochs=8)
    answer = protocol.answer(clips(), np.zeros((4, 2, 1), np.float32), 5)
    assert answer.ranked.tolist() == [[[2, 1, 0]] * 4]
    assert answer.clips is None
    assert answer.notes == {"hidden_layers": 2, "learning_rate": 0.1, "epoch": 42, "validation": 0.9}
    assert len(trained) == 6
    (fit, held, classes, options) = trained[0]
    assert held[0].flatten().tolist() == list(range(10))
    assert fit[0].flatten().tolist() == list(range(10, 30))
    assert fit[1].tolist() == LABELS[10:].tolist()
    assert (classes, options) == (3, {"dropout": 0.1, "patience": 7, "epochs": 8, "seed": 5})


def test_without_folds_a_fifth_of_the_groups_validates(trained):
    groups = np.arange(30) // 6
    HearMLP().answer(clips(None, groups), np.zeros((4, 2, 1), np.float32), 0)
    (fit, held, *_) = trained[0]
    held_rows = held[0].flatten().int().tolist()
    assert len(held_rows) == 6
    assert len(set(groups[held_rows])) == 1
    assert sorted(held_rows + fit[0].flatten().int().tolist()) == list(range(30))


def test_the_default_grid_is_hears(trained):
    HearMLP().answer(clips(), np.zeros((4, 2, 1), np.float32), 0)
    assert len(trained) == 8
    assert trained[0][3] == {"dropout": 0.1, "patience": 20, "epochs": 500, "seed": 0}


def test_folds_that_leave_one_class_are_refused():
    with pytest.raises(InvalidValueError, match="classes to train on: got 1; expected two or more, in the folds"):
        HearMLP().answer(clips(np.arange(30) % 3 > 0), np.zeros((4, 2, 1), np.float32), 0)


def test_it_reads_the_features_of_the_linear_probe():
    assert HearMLP().feature_settings() == PooledProbe().feature_settings()
