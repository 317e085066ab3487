"""Scores over official splits: who is trained on and tested, accuracy of clips and recordings, and its interval."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np

from ..data.manifest import Manifest
from ..errors import InvalidValueError, explain
from .features import FeatureStore
from .protocols import Protocol
from .protocols.protocol import Clips

DRAWS = 2_000


@dataclass(frozen=True)
class Recordings:
    """What splits are made of.

    Attributes:
        keys: Where the feature store keeps each.
        labels: (recordings,) integers.
        groups: (recordings,) integers; near copies of each other share one.
    """

    keys: Sequence[str]
    labels: np.ndarray
    groups: np.ndarray


@dataclass(frozen=True)
class Split:
    """Rows of a manifest to train on and to test on."""

    name: str
    train: np.ndarray
    test: np.ndarray


@dataclass(frozen=True)
class SplitScore:
    """What became of one layer on one split.

    Attributes:
        split: The split.
        predicted: (recordings,) the class of each test recording, by the mean of its clips' decision values.
        hits: (recordings,) bool.
        clip_accuracy: Share of single clips classified rightly, 0 to 1.
        notes: What the protocol notes of the training.
    """

    split: Split
    predicted: np.ndarray
    hits: np.ndarray
    clip_accuracy: float
    notes: dict[str, Any]

    @property
    def accuracy(self) -> float:
        """Share of recordings classified rightly, 0 to 1."""
        return float(self.hits.mean())


def splits_of(manifest: Manifest) -> list[Split]:
    """Read the splits off a manifest's columns.

    ``split1``, ``split2`` … hold "train", "test" or nothing; else each ``fold`` is tested by the others; else
    ``split`` holds "train" and "test".

    Raises:
        InvalidValueError: There is none of these columns, or a split has nobody to train or to test on.
    """
    numbered = sorted(name for name in manifest.columns if name.startswith("split") and name[5:].isdigit())
    if not numbered and "fold" in manifest.columns:
        folds = np.array(manifest.column("fold").to_pylist(), object)
        names = sorted({fold for fold in folds if fold is not None}, key=lambda fold: (len(fold), fold))
        placed = folds != np.array(None)
        splits = [
            Split(f"fold {name}", *map(np.flatnonzero, (placed & (folds != name), folds == name))) for name in names
        ]
    else:
        splits = []
        for name in numbered or ["split"]:
            parts = np.array(manifest.column(name).to_pylist(), object)
            splits.append(Split(name, np.flatnonzero(parts == "train"), np.flatnonzero(parts == "test")))
    for split in splits:
        if not len(split.train) or not len(split.test):
            got = f"{len(split.train)} recordings to train and {len(split.test)} to test on"
            raise InvalidValueError(explain(f"split {split.name!r}", got, "some of each"))
    return splits


def score_layer(
    protocol: Protocol,
    store: FeatureStore,
    recordings: Recordings,
    layer: str,
    splits: Sequence[Split],
    *,
    shuffled: bool = False,
    seed: int = 0,
    progress: Callable[[], object] = lambda: None,
) -> list[SplitScore]:
    """Train and test on every split; what ``store`` has noted of an earlier run is not done again.

    Args:
        protocol: The protocol.
        store: Holds the features.
        recordings: The recordings.
        layer: Whose features.
        splits: The splits.
        shuffled: Deal the training labels out among the recordings at random, which leaves nothing to learn.
        seed: Seed of the shuffling, the solver and hold-outs.
        progress: Called after each split.

    Raises:
        InvalidValueError: A split trains on fewer than two classes, or tests one it does not train on.
    """
    scores = []
    for split in splits:
        _check_classes(split, recordings.labels)
        labels = recordings.labels[split.train]
        if shuffled:
            labels = np.random.default_rng(seed).permutation(labels)
        deciding = {
            "layer": layer,
            "train": [recordings.keys[row] for row in split.train],
            "test": [recordings.keys[row] for row in split.test],
            "labels": labels.tolist(),
            "groups": recordings.groups[split.train].tolist(),
            "seed": seed,
            "scikit-learn": version("scikit-learn"),
        }
        found = store.noted(deciding)
        if found is None:
            train = store.load(deciding["train"], f"{protocol.parts[0]}.{layer}")
            test = store.load(deciding["test"], f"{protocol.parts[-1]}.{layer}")
            classes, learnt = np.unique(labels, return_inverse=True)
            values, notes = protocol.classify(Clips(train, learnt, recordings.groups[split.train]), test, seed)
            of_clips, whole = classes[values.argmax(2)], classes[values.mean(1).argmax(1)]
            found = {"clips": of_clips.tolist(), "recordings": whole.tolist(), "notes": notes}
            store.note(deciding, found)
        truth, predicted = recordings.labels[split.test], np.array(found["recordings"])
        clip_accuracy = float((np.array(found["clips"]) == truth[:, None]).mean())
        scores.append(SplitScore(split, predicted, predicted == truth, clip_accuracy, found["notes"]))
        progress()
    return scores


def _check_classes(split: Split, labels: np.ndarray) -> None:
    learnt = set(labels[split.train])
    strangers = len(set(labels[split.test]) - learnt)
    if strangers or len(learnt) < 2:
        got = f"{len(learnt)} classes to train on, and {strangers} only to test on"
        raise InvalidValueError(explain(f"split {split.name!r}", got, "at least two, with all that are tested"))


def mean_accuracy(scores: Sequence[SplitScore]) -> float:
    """Return the mean over the splits of the recordings' accuracy."""
    return float(np.mean([score.accuracy for score in scores]))


def bootstrap_interval(scores: Sequence[SplitScore], groups: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % interval of :func:`mean_accuracy` when the groups of test recordings are drawn anew.

    A group is drawn with all its recordings, in all splits that test them, so near copies do not count as evidence of
    their own. The spread of training is no part of it.
    """
    _, groups = np.unique(groups, return_inverse=True)
    size = groups.max() + 1
    tested = np.unique(np.concatenate([groups[score.split.test] for score in scores]))
    draws = np.zeros((DRAWS, size))
    draws[:, tested] = np.random.default_rng(seed).multinomial(
        len(tested), np.full(len(tested), 1 / len(tested)), DRAWS
    )
    total = np.zeros(DRAWS)
    for score in scores:
        of_test = groups[score.split.test]
        right = np.bincount(of_test, score.hits, size)
        drawn = draws @ np.bincount(of_test, minlength=size)
        # A small split may not be drawn at all.
        total += np.divide(draws @ right, drawn, out=np.full(DRAWS, np.nan), where=drawn > 0)
    low, high = np.nanpercentile(total / len(scores), [2.5, 97.5])
    return float(low), float(high)


def confusion_matrix(scores: Sequence[SplitScore], labels: np.ndarray, classes: int) -> np.ndarray:
    """Count test recordings of all splits, (class, predicted class)."""
    counts = np.zeros((classes, classes), int)
    for score in scores:
        np.add.at(counts, (labels[score.split.test], score.predicted), 1)
    return counts
