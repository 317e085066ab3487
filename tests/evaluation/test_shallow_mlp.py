"""The shallow network: what it can learn, when it stops, and that a seed fixes it."""

import pytest
import torch

from avssl_hub.evaluation.shallow_mlp import fit_shallow_mlp

OPTIONS = {"hidden_layers": 1, "learning_rate": 1e-3, "dropout": 0.1, "patience": 2, "epochs": 60, "seed": 0}


def quadrants(count, seed):
    """Return points of the plane and whether their coordinates differ in sign, which no linear rule tells."""
    points = torch.randn(count, 2, generator=torch.Generator().manual_seed(seed))
    return points, (points.prod(1) < 0).long()


@pytest.mark.parametrize("hidden_layers", [1, 2])
def test_what_is_not_linear_is_learnt(hidden_layers):
    test = quadrants(500, 2)
    stopped = fit_shallow_mlp(
        quadrants(200, 0), quadrants(200, 1), 2, **{**OPTIONS, "hidden_layers": hidden_layers, "patience": 5}
    )
    with torch.inference_mode():
        accuracy = (stopped.network.eval()(test[0]).argmax(1) == test[1]).double().mean().item()
    assert accuracy > 0.9
    assert stopped.accuracy == pytest.approx(accuracy, abs=0.05)


def test_training_ends_when_checks_bring_no_gain(monkeypatch):
    steps, step = [], torch.optim.Adam.step
    monkeypatch.setattr(torch.optim.Adam, "step", lambda self: (steps.append(1), step(self)))
    points, labels = quadrants(50, 0)
    # A third class that nothing trains is never right: the first check stays the best.
    stopped = fit_shallow_mlp((points, labels), (points, torch.full((50,), 2)), 3, **OPTIONS)
    assert (stopped.accuracy, stopped.epoch) == (0.0, 3)
    # One batch an epoch, a check every third, and two checks in vain.
    assert len(steps) == 9


def test_the_weights_of_the_best_check_are_kept():
    fit, held = quadrants(40, 0), quadrants(40, 1)
    stopped = fit_shallow_mlp(fit, held, 2, **{**OPTIONS, "patience": 100})
    with torch.inference_mode():
        accuracy = (stopped.network.eval()(held[0]).argmax(1) == held[1]).double().mean().item()
    assert accuracy == stopped.accuracy


def test_a_seed_fixes_the_network_and_leaves_other_draws_alone():
    state = torch.get_rng_state()
    first, again, other = (
        fit_shallow_mlp(quadrants(40, 0), quadrants(40, 1), 2, **{**OPTIONS, "seed": seed}).network
        for seed in (0, 0, 1)
    )
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first[0].weight, again[0].weight)
    assert not torch.equal(first[0].weight, other[0].weight)


def test_a_last_row_alone_is_no_batch():
    rows = torch.randn(1025, 2), torch.arange(1025) % 2
    assert fit_shallow_mlp(rows, rows, 2, **{**OPTIONS, "epochs": 1}).epoch == 1
