"""Alignment counted by hand, and intervals that hold what they promise."""

import math

import numpy as np
import pytest

from avssl_hub.errors import InvalidValueError
from avssl_hub.evaluation.alignment import alignment_score


def test_sounds_are_judged_by_sign_and_pairs_by_order():
    # Right: 1, 1, 0, 0 of the aligned and 1, 0, 0, 1 of the shifted; 0 is not above 0.
    score = alignment_score([2.0, 0.5, -1.0, 0.0], [-1.0, 0.5, 3.0, -2.0])
    assert score.clips == 4
    assert score.accuracy == 4 / 8
    # Higher, equal, lower, higher.
    assert score.choice == 2.5 / 4


def test_a_model_that_calls_all_aligned_is_at_chance_but_may_still_order_pairs():
    score = alignment_score([5.0, 6.0, 7.0], [1.0, 2.0, 3.0])
    assert score.accuracy == 0.5
    assert score.interval == (0.5, 0.5)
    assert score.choice == 1


def test_the_interval_is_that_of_a_binomial_share():
    random = np.random.default_rng(3)
    shifted = np.where(random.random(400) < 0.7, -1.0, 1.0)
    score = alignment_score(np.zeros(400) + 0.1, shifted)
    share = (shifted < 0).mean()
    # Aligned sounds are all right, so the spread is half of that of the shifted ones.
    half_width = 1.96 * math.sqrt(share * (1 - share) / 400) / 2
    assert score.accuracy == pytest.approx((1 + share) / 2)
    assert score.interval == pytest.approx((score.accuracy - half_width, score.accuracy + half_width), abs=0.005)
    assert score.choice_interval == pytest.approx((share - 2 * half_width, share + 2 * half_width), abs=0.01)


def test_clips_of_one_video_are_drawn_together():
    aligned = np.repeat([1.0, -1.0, 1.0, 1.0], 25)
    alone = alignment_score(aligned, -aligned)
    together = alignment_score(aligned, -aligned, np.repeat([0, 1, 2, 3], 25))
    assert alone.accuracy == together.accuracy == 0.75
    assert np.ptp(together.interval) > 3 * np.ptp(alone.interval)


@pytest.mark.parametrize(
    ("aligned", "shifted", "match"),
    [([], [], "shapes"), ([1.0], [1.0, 2.0], "shapes"), ([math.nan], [0.0], "not finite"), ([0.0], [math.inf], "not")],
)
def test_what_cannot_be_scored_is_refused(aligned, shifted, match):
    with pytest.raises(InvalidValueError, match=match):
        alignment_score(aligned, shifted)
