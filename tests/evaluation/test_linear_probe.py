"""The linear probe on data whose answer is known."""

import numpy as np
import pytest

from avssl_hub.errors import InvalidValueError
from avssl_hub.evaluation.linear_probe import fit_probe, linear_probe


def clouds(rng, per_class, spread, scale):
    """Three classes around the corners of a triangle; one axis is on another scale, one says nothing."""
    centres = np.array([[0, 0], [4, 0], [0, 4]])
    labels = np.repeat(np.arange(3), per_class)
    points = centres[labels] + spread * rng.normal(size=(len(labels), 2))
    noise = rng.normal(size=(len(labels), 1))
    return np.concatenate([points * [1, scale], noise], axis=1), labels


def test_separable_classes_are_told_apart_whatever_the_scale_of_a_feature():
    rng = np.random.default_rng(0)
    result = linear_probe(*clouds(rng, 60, 0.4, 1e-4), *clouds(rng, 60, 0.4, 1e-4))
    assert result.accuracy == 1.0


def test_features_that_say_nothing_score_at_chance():
    rng = np.random.default_rng(0)
    features, labels = rng.normal(size=(600, 5)), np.arange(600) % 3
    result = linear_probe(features[:300], labels[:300], features[300:], labels[300:])
    # Chance is 1/3; 300 tests have a standard deviation of 0.027.
    assert result.accuracy == pytest.approx(1 / 3, abs=0.09)


def test_the_cost_is_chosen_on_the_training_set_alone():
    rng = np.random.default_rng(1)
    train, test = clouds(rng, 40, 1.5, 1.0), clouds(rng, 40, 1.5, 1.0)
    honest = linear_probe(*train, *test)
    scrambled = linear_probe(*train, test[0], rng.permutation(test[1]))
    assert honest.cost == scrambled.cost
    assert honest.accuracy > scrambled.accuracy


def test_copies_do_not_vouch_for_each_other():
    rng = np.random.default_rng(0)
    # Thirty recordings that say nothing, four equal clips of each: what knows the clips by heart knows their copies.
    features, labels, groups = rng.normal(size=(30, 40)), np.arange(30) % 2, np.arange(30)
    copies = [values.repeat(4, 0) for values in (features, labels, groups)]
    scores = {"by heart": [], "by group": []}
    for cost in (0.01, 10.0):
        for name, given in (("by heart", None), ("by group", copies[2])):
            scores[name].append(fit_probe(*copies[:2], costs=(1e-6, cost), seed=1, groups=given)[1])
    assert scores["by heart"] == [0.01, 10.0]
    assert scores["by group"] == [1e-6, 1e-6]


def test_too_few_groups_are_refused():
    features, labels = np.eye(4), np.array([0, 0, 1, 1])
    with pytest.raises(InvalidValueError, match="choose settings with: got 1; expected enough to hold some out"):
        fit_probe(features, labels, groups=np.zeros(4, int))
    with pytest.raises(InvalidValueError, match="groups to choose settings with: got 2"):
        fit_probe(features, labels, groups=labels)
