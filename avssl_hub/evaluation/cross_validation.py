"""Frozen features over official splits: who is trained on and tested, and what comes of it."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version

import numpy as np

from ..data.manifest import Manifest
from ..errors import InvalidValueError, explain, some_of
from .answers import Answer, Split, SplitScore, judge
from .features import FeatureStore
from .protocols import Protocol
from .protocols.protocol import Clips

_SAME = {"validate": "validation", "val": "validation"}


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


def splits_of(manifest: Manifest, test_on: str = "test") -> list[Split]:
    """Read the splits off a manifest's columns.

    ``split1``, ``split2`` … hold "train", "test" or nothing; else each ``fold`` is tested by the others, and where
    these are two or more the fold after it, the first after the last, is the one to choose settings on; else
    ``split`` holds "train" and "test".

    Args:
        manifest: The recordings.
        test_on: What the columns call those to test on; "validation" goes by the names "validate" and "val" too.

    Raises:
        InvalidValueError: There is none of these columns, or a split has nobody to train or to test on.
    """
    splits = parts_of(manifest, test_on)
    for split in splits:
        if not len(split.train) or not len(split.test):
            got = f"{len(split.train)} recordings to train and {len(split.test)} to test on"
            rule = f"some of each, told by 'train' and {test_on!r} or by folds"
            raise InvalidValueError(explain(f"split {split.name!r}", got, rule))
    return splits


def parts_of(manifest: Manifest, test_on: str = "test") -> list[Split]:
    """Read splits as :func:`splits_of`, also where one lacks recordings to train or to test on.

    Raises:
        InvalidValueError: There is none of the columns.
    """
    numbered = sorted(name for name in manifest.columns if name.startswith("split") and name[5:].isdigit())
    if not numbered and "fold" in manifest.columns:
        folds = np.array(manifest.column("fold").to_pylist(), object)
        names = sorted({fold for fold in folds if fold is not None}, key=lambda fold: (len(fold), fold))
        placed = folds != np.array(None)
        splits = []
        for name, following in zip(names, names[1:] + names[:1]):
            train, test = np.flatnonzero(placed & (folds != name)), np.flatnonzero(folds == name)
            valid = np.flatnonzero(folds == following) if len(names) > 2 else None
            splits.append(Split(f"fold {name}", train, test, valid))
    else:
        splits = []
        if not numbered and "split" not in manifest.columns:
            rule, step = (
                "a column 'split', 'fold', or 'split1' and so on",
                "Deal folds out with avssl data table --folds.",
            )
            raise InvalidValueError(
                explain("splits of a manifest", f"columns {', '.join(manifest.columns)}", rule, step)
            )
        for name in numbered or ["split"]:
            parts = np.array([_SAME.get(part, part) for part in manifest.column(name).to_pylist()], object)
            splits.append(Split(name, np.flatnonzero(parts == "train"), np.flatnonzero(parts == test_on)))
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

    The features of one layer and one split are in memory at once, 4 bytes a number: for ESC-50 and ``conv2x`` of
    ``avid_sound``, 2,000 recordings × 10 clips × 9,216 numbers, 0.74 GB. A support vector machine holds those to train
    on as doubles and as nodes of 16 bytes besides, six times as much.

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
        check_classes(split, recordings.labels)
        labels = recordings.labels[split.train]
        if shuffled:
            labels = np.random.default_rng(seed).permutation(labels)
        valid = None if split.valid is None else np.isin(split.train, split.valid)
        deciding = {
            "protocol": [protocol.name, protocol.version, asdict(protocol)],
            "layer": layer,
            "train": [recordings.keys[row] for row in split.train],
            "test": [recordings.keys[row] for row in split.test],
            "valid": None if valid is None else valid.tolist(),
            "labels": labels.tolist(),
            "groups": recordings.groups[split.train].tolist(),
            "seed": seed,
            "software": [version(package) for package in ("scikit-learn", "torch")],
        }
        found = store.noted(deciding)
        if found is None:
            train = store.load(deciding["train"], f"{protocol.parts[0]}.{layer}")
            test = store.load(deciding["test"], f"{protocol.parts[-1]}.{layer}")
            classes, learnt = np.unique(labels, return_inverse=True)
            clips = Clips(train, learnt, recordings.groups[split.train], valid)
            answer = protocol.answer(clips, test, seed).renamed(classes)
            store.note(deciding, _plain(answer))
        else:
            answer = _from_plain(found)
        scores.append(judge(split, answer, recordings.labels[split.test], protocol.cutoffs))
        progress()
    return scores


def _plain(answer: Answer) -> dict:
    clips = None if answer.clips is None else answer.clips.tolist()
    return {"ranked": answer.ranked.tolist(), "clips": clips, "notes": answer.notes}


def _from_plain(found: dict) -> Answer:
    clips = None if found["clips"] is None else np.array(found["clips"])
    return Answer(np.array(found["ranked"]), clips, found["notes"])


def check_classes(split: Split, labels: np.ndarray, names: Sequence[str] | None = None) -> None:
    """Refuse a split that cannot be scored.

    Args:
        split: The split.
        labels: (recordings,) integers.
        names: What messages call the classes.

    Raises:
        InvalidValueError: It trains on fewer than two classes, or tests one it does not train on.
    """
    learnt = set(labels[split.train])
    strangers = sorted(set(labels[split.test]) - learnt)
    if strangers or len(learnt) < 2:
        which = f" ({some_of([names[label] for label in strangers])})" if names and strangers else ""
        got = f"{len(learnt)} classes to train on, and {len(strangers)} only to test on{which}"
        raise InvalidValueError(explain(f"split {split.name!r}", got, "at least two, with all that are tested"))
