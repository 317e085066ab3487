"""Scores over splits, on features whose answer is known."""

import numpy as np
import pyarrow as pa
import pytest
import torch

from avssl_hub.data.manifest import Manifest
from avssl_hub.errors import InvalidValueError
from avssl_hub.evaluation.answers import (
    Answer,
    Split,
    SplitScore,
    bootstrap_interval,
    confusion_matrix,
    judge,
    mean_accuracy,
)
from avssl_hub.evaluation.cross_validation import Recordings, score_layer, splits_of
from avssl_hub.evaluation.features import FeatureStore
from avssl_hub.evaluation.protocols import PooledProbe

RECORDINGS, CLASSES = 60, 3
PROBE = PooledProbe()


def manifest(**columns):
    size = len(next(iter(columns.values())))
    return Manifest(pa.table({"path": [f"{row}.wav" for row in range(size)], **columns}))


def scored(hits, test=None):
    hits = np.array(hits, bool)
    test = np.arange(len(hits)) if test is None else test
    return SplitScore(Split("x", np.array([]), test), np.where(hits, 0, 1)[None], hits, 0.5, {}, {})


@pytest.fixture
def store(tmp_path):
    """Return a store in which the class of recording k is k % 3, at one corner of a triangle, in two clips."""
    store, rng = FeatureStore(tmp_path, {}), np.random.default_rng(0)
    corners = np.array([[0, 0], [8, 0], [0, 8]])
    for row in range(RECORDINGS):
        clips = corners[row % CLASSES] + rng.normal(size=(2, 2))
        store.save(str(row), {"clips.pooled": torch.from_numpy(clips.astype(np.float32))})
    return store


def run(store, labels, protocol=PROBE, **options):
    rows = np.arange(RECORDINGS)
    recordings = Recordings([str(row) for row in rows], labels, rows)
    splits = [Split("a", rows[:30], rows[30:]), Split("b", rows[30:], rows[:30])]
    return score_layer(protocol, store, recordings, "pooled", splits, **options)


def test_classes_that_lie_apart_are_told_apart(store):
    scores = run(store, np.arange(RECORDINGS) % CLASSES)
    assert [score.accuracy for score in scores] == [1.0, 1.0]
    assert scores[0].clip_accuracy == 1.0


def test_shuffled_labels_score_at_chance(store):
    labels = np.arange(RECORDINGS) % CLASSES
    chance = [mean_accuracy(run(store, labels, shuffled=True, seed=seed)) for seed in range(6)]
    # Recordings of a class hit or miss together, so single runs lie far from 1/3.
    assert np.mean(chance) == pytest.approx(1 / 3, abs=0.15)


def test_a_second_run_does_not_train_again(store, monkeypatch):
    labels = np.arange(RECORDINGS) % CLASSES
    first = run(store, labels)

    def fail(*arguments):
        raise AssertionError

    monkeypatch.setattr(PooledProbe, "answer", fail)
    assert [score.predicted.tolist() for score in run(store, labels)] == [score.predicted.tolist() for score in first]
    with pytest.raises(AssertionError):
        run(store, labels[::-1].copy())
    with pytest.raises(AssertionError):
        run(store, labels, PooledProbe(costs=(1.0,)))


def test_a_protocol_is_told_which_recordings_validate(store, monkeypatch):
    told = []

    def answer(self, train, test, seed):
        told.append(train.valid)
        return Answer.by_mean(np.zeros((len(test), 1, CLASSES)))

    monkeypatch.setattr(PooledProbe, "answer", answer)
    rows = np.arange(RECORDINGS)
    recordings = Recordings([str(row) for row in rows], rows % CLASSES, rows)
    splits = [Split("a", rows[10:], rows[:10], rows[10:20]), Split("b", rows[10:], rows[:10])]
    score_layer(PROBE, store, recordings, "pooled", splits)
    assert told[0].tolist() == [True] * 10 + [False] * 40
    assert told[1] is None


def test_a_class_that_is_only_tested_is_refused(store):
    labels = np.arange(RECORDINGS) % CLASSES
    labels[40] = 3
    with pytest.raises(InvalidValueError, match="split 'a': got 3 classes to train on, and 1 only to test on"):
        run(store, labels)


def test_folds_are_each_tested_by_the_others():
    splits = splits_of(manifest(fold=["10", "2", None, "2"]))
    assert [(split.name, split.train.tolist(), split.test.tolist()) for split in splits] == [
        ("fold 2", [0], [1, 3]),
        ("fold 10", [1, 3], [0]),
    ]
    # Two folds leave none to validate on.
    assert [split.valid for split in splits] == [None, None]


def test_the_fold_after_the_tested_one_validates():
    splits = splits_of(manifest(fold=["10", "2", "7", "2"]))
    assert [(split.name, split.valid.tolist()) for split in splits] == [
        ("fold 2", [2]),
        ("fold 7", [0]),
        ("fold 10", [1, 3]),
    ]
    assert all(set(split.valid) <= set(split.train) for split in splits)


def test_official_splits_leave_rows_out():
    splits = splits_of(
        manifest(split1=["train", "test", None], split2=["test", "train", "train"], fold=["1", "2", "3"])
    )
    assert [(split.name, split.train.tolist(), split.test.tolist()) for split in splits] == [
        ("split1", [0], [1]),
        ("split2", [1, 2], [0]),
    ]


def test_a_split_without_a_test_set_is_refused():
    with pytest.raises(InvalidValueError, match="split 'split': got 2 recordings to train and 0 to test on"):
        splits_of(manifest(split=["train", "train"]))


def test_the_interval_is_that_of_a_binomial():
    score = scored([True] * 80 + [False] * 20)
    low, high = bootstrap_interval([score], np.arange(100))
    # 0.8 ± 1.96 * sqrt(0.8 * 0.2 / 100)
    assert (low, high) == pytest.approx((0.7216, 0.8784), abs=0.015)


def test_copies_of_a_recording_do_not_narrow_the_interval():
    hits, groups = np.repeat([True] * 20 + [False] * 5, 4), np.repeat(np.arange(25), 4)
    low, high = bootstrap_interval([scored(hits)], groups)
    # 0.8 ± 1.96 * sqrt(0.8 * 0.2 / 25), in steps of 1/25
    assert (low, high) == pytest.approx((0.643, 0.957), abs=0.041)


def test_folds_count_alike_whatever_their_size():
    scores = [scored([True, True, True, False]), scored([False, False], np.array([4, 5]))]
    assert mean_accuracy(scores) == pytest.approx(0.375)
    assert confusion_matrix(scores, np.zeros(6, int), 2).tolist() == [[3, 3], [0, 0]]


def test_answers_of_several_draws_are_averaged_and_cut_off():
    ranked = np.array([[[2, 0], [1, 0]], [[0, 2], [2, 0]]])
    score = judge(Split("x", np.array([]), np.arange(2)), Answer(ranked), np.array([2, 1]), {"top-2": 2})
    assert score.hits.tolist() == [0.5, 0.5]
    # Both draws have the first among two guesses, one of them the second.
    assert score.further == {"top-2": 0.75}
    assert score.clip_accuracy is None
    assert confusion_matrix([score], np.array([2, 1]), 3).tolist() == [[0, 0, 0], [0, 1, 1], [1, 0, 1]]


def test_guesses_are_ranked_by_the_mean_over_clips():
    answer = Answer.by_mean(np.array([[[3.0, 0.0, 1.0], [0.0, 0.0, 4.0]]]), guesses=2)
    assert answer.ranked.tolist() == [[[2, 0]]]
    assert answer.clips.tolist() == [[[0, 2]]]
    named = answer.renamed(np.array([5, 6, 7]))
    assert named.ranked.tolist() == [[[7, 5]]]
