"""The linear probe on data whose answer is known."""

import numpy as np
import pytest

from avssl_hub.evaluation.linear_probe import linear_probe


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
