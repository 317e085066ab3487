"""Few-shot classification: what is drawn, and what the spread over draws is."""

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from avssl_hub.errors import InvalidValueError
from avssl_hub.evaluation.answers import Answer, Split, judge
from avssl_hub.evaluation.protocols import FewShot
from avssl_hub.evaluation.protocols.protocol import Clips

LABELS = np.arange(24) % 3


def noisy(seed):
    """Return two clips of 24 recordings, their classes hardly told apart."""
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(3, 6))[LABELS][:, None] + 2 * rng.normal(size=(24, 2, 6))).astype(np.float32)


def clips_of(features):
    return Clips(features, LABELS, np.arange(24))


def test_with_all_recordings_it_is_the_linear_machine():
    train, test = noisy(0), noisy(1)
    answer = FewShot(shots=8, draws=2).answer(clips_of(train), test, 0)
    scaler = StandardScaler().fit(train.reshape(-1, 6))
    machine = LinearSVC(C=0.1, random_state=0).fit(scaler.transform(train.reshape(-1, 6)), LABELS.repeat(2))
    expected = machine.predict(scaler.transform(test.reshape(-1, 6))).reshape(24, 2)
    assert (answer.clips == expected).all()


def test_draws_differ_and_depend_on_the_seed_alone():
    train, test = noisy(0), noisy(1)
    first, again, other = (FewShot(shots=2, draws=5).answer(clips_of(train), test, seed) for seed in (0, 0, 1))
    assert first.ranked.shape == (5, 24, 3)
    assert len({draw.tobytes() for draw in first.ranked}) == 5
    assert (first.ranked == again.ranked).all()
    assert (first.ranked != other.ranked).any()


def test_only_so_many_recordings_of_a_class_are_seen():
    # The right class lies 1 or 3 off; a draw of one recording a class knows one of the two places.
    train = np.array([-1, 1, -3, 3], np.float32)[:, None, None]
    clips = Clips(train, np.array([0, 1, 0, 1]), np.arange(4))
    answers = FewShot(shots=1, draws=20).answer(clips, np.array([-0.5, 0.6], np.float32)[:, None, None], 0)
    # Between -1 and 3, or -3 and 1, the border is at 1 or -1: both test points then lie on one side.
    guesses = {tuple(draw) for draw in answers.ranked[..., 0].tolist()}
    assert guesses == {(0, 1), (0, 0), (1, 1)}


def test_the_spread_over_draws_is_noted():
    ranked = np.array([[[0], [0]], [[0], [1]]])
    score = judge(Split("x", np.array([]), np.arange(2)), Answer(ranked), np.array([0, 1]), {})
    assert score.accuracy == 0.75
    # Of 0.5 and 1: 0.25 * sqrt(2)
    assert score.notes == {"draws": 2, "deviation": pytest.approx(0.353553, abs=1e-6)}


def test_too_few_recordings_are_refused():
    with pytest.raises(InvalidValueError, match="got 8 to train on in the smallest class; expected 9 or more"):
        FewShot(shots=9).answer(clips_of(noisy(0)), noisy(1), 0)
    with pytest.raises(InvalidValueError, match="setting draws of few_shot: got 0; expected 1 or more"):
        FewShot(draws=0)
