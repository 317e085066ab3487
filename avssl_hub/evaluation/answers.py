"""What a protocol answers for the test recordings of a split, and how good that is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from .intervals import mean_interval


@dataclass(frozen=True)
class Split:
    """Rows of a manifest to train on and to test on.

    ``valid`` are those among the first that the data set's protocol holds out to choose settings on, if it says so.
    """

    name: str
    train: np.ndarray
    test: np.ndarray
    valid: np.ndarray | None = None


@dataclass(frozen=True)
class Answer:
    """Classes for the test recordings, the best guess first.

    Attributes:
        ranked: (draws, recordings, K) integers; one draw but for protocols that train several times.
        clips: (draws, recordings, clips) the class of each clip alone; None where only recordings are rated.
        notes: What is worth noting of the training.
    """

    ranked: np.ndarray
    clips: np.ndarray | None = None
    notes: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def by_value(cls, values: np.ndarray, notes: dict[str, Any] | None = None, guesses: int = 5) -> "Answer":
        """Rank classes by (recordings, classes) values."""
        return cls(np.argsort(-values, axis=1, kind="stable")[None, :, :guesses], None, notes or {})

    @classmethod
    def by_mean(cls, values: np.ndarray, notes: dict[str, Any] | None = None, guesses: int = 5) -> "Answer":
        """Rank classes by the mean over a recording's clips of (recordings, clips, classes) values."""
        return replace(cls.by_value(values.mean(1), notes, guesses), clips=values.argmax(2)[None])

    @classmethod
    def of_draws(cls, answers: Sequence["Answer"]) -> "Answer":
        """Put the answers of several draws, which all rate clips, into one."""
        ranked, clips = (np.concatenate(each) for each in zip(*((answer.ranked, answer.clips) for answer in answers)))
        return cls(ranked, clips)

    def renamed(self, classes: np.ndarray) -> "Answer":
        """Replace each class by its entry in ``classes``."""
        return Answer(classes[self.ranked], None if self.clips is None else classes[self.clips], self.notes)


class SplitScore(NamedTuple):
    """What became of one layer on one split.

    Attributes:
        split: The split.
        predicted: (draws, recordings) the class of each test recording.
        hits: (recordings,) how often that was right, 0 to 1.
        clip_accuracy: Share of single clips classified rightly, 0 to 1; None where only recordings are rated.
        further: Other figures by name, 0 to 1.
        notes: What the protocol notes of the training.
    """

    split: Split
    predicted: np.ndarray
    hits: np.ndarray
    clip_accuracy: float | None
    further: dict[str, float]
    notes: dict[str, Any]

    @property
    def accuracy(self) -> float:
        """Share of recordings classified rightly, 0 to 1."""
        return float(self.hits.mean())


def judge(split: Split, answer: Answer, truth: np.ndarray, cutoffs: Mapping[str, int]) -> SplitScore:
    """Compare answers with the truth.

    Args:
        split: The split.
        answer: For its test recordings.
        truth: (recordings,) their classes.
        cutoffs: Further figures: the share of recordings whose class is among the first so many of the ranked.

    Returns:
        The score; of several draws the notes have the standard deviation of the accuracy over them.
    """
    right = answer.ranked == truth[:, None]
    further = {name: float(right[..., :count].any(2).mean()) for name, count in cutoffs.items()}
    clips = None if answer.clips is None else float((answer.clips == truth[:, None]).mean())
    notes = answer.notes
    if len(right) > 1:
        notes = {**notes, "draws": len(right), "deviation": float(right[..., 0].mean(1).std(ddof=1))}
    return SplitScore(split, answer.ranked[..., 0], right[..., 0].mean(0), clips, further, notes)


def mean_accuracy(scores: Sequence[SplitScore]) -> float:
    """Return the mean over the splits of the recordings' accuracy."""
    return float(np.mean([score.accuracy for score in scores]))


def bootstrap_interval(scores: Sequence[SplitScore], groups: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % interval of :func:`mean_accuracy` when the groups of test recordings are drawn anew.

    The spread of training is no part of it.
    """
    return mean_interval([(score.hits, groups[score.split.test]) for score in scores], seed)


def confusion_matrix(scores: Sequence[SplitScore], labels: np.ndarray, classes: int) -> np.ndarray:
    """Count test recordings of all splits and draws, (class, predicted class)."""
    counts = np.zeros((classes, classes), int)
    for score in scores:
        for predicted in score.predicted:
            np.add.at(counts, (labels[score.split.test], predicted), 1)
    return counts
