"""Trained protocols over official splits: train, test, and what comes of it."""

import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ...data.manifest import Manifest
from ..answers import Split, SplitScore, judge
from ..cross_validation import Recordings, check_classes
from .job import Job
from .source import LabelledSource
from .testing import check_pictures, test_split
from .training import train_split


class TrainedScores(NamedTuple):
    """What became of all splits.

    Attributes:
        layers: Scores of each layer, a split each; in the first process only.
        clips: Clips trained and tested on.
        passes: The same, those of which gradients went through the network counted three times.
        training_seconds: Time of all training steps, those before an interruption included.
        test_seconds: Time of this run's testing.
    """

    layers: dict[str, list[SplitScore]]
    clips: int
    passes: int
    training_seconds: float
    test_seconds: float


def score_trained(
    job: Job, manifest: Manifest, recordings: Recordings, splits: Sequence[Split], shuffled: bool = False
) -> TrainedScores:
    """Train and test on every split; go on with what the job's folder holds of an earlier run.

    Args:
        job: Model, protocol, and where and how they work.
        manifest: The recordings.
        recordings: What splits are made of.
        splits: The splits.
        shuffled: Deal the training labels out among the recordings at random, which leaves nothing to learn.

    Raises:
        InvalidValueError: A split trains on fewer than two classes, or tests one it does not train on; or the model
            does not fit the protocol.
        MediaError: A test recording cannot be read.
        AvsslError: As :func:`avssl_hub.training.train` raises.
    """
    for split in splits:
        check_classes(split, recordings.labels)
    # Now, not after hours of training.
    check_pictures(_rows(manifest, np.unique(np.concatenate([split.test for split in splits]))), job.ranks)
    layers: dict[str, list[SplitScore]] = {}
    clips = passes = 0
    training = testing = 0.0
    for split in splits:
        labels = recordings.labels[split.train]
        if shuffled:
            labels = np.random.default_rng(job.seed).permutation(labels)
        classes, learnt = np.unique(labels, return_inverse=True)
        source = LabelledSource(_rows(manifest, split.train), [recordings.keys[row] for row in split.train], learnt)
        trained = train_split(job, source, split.name)
        begun = time.perf_counter()
        answers = test_split(job, trained, _rows(manifest, split.test), split.name)
        testing += time.perf_counter() - begun
        tested = len(split.test) * (job.protocol.test.dense_clips + job.protocol.test.random_clips)
        clips += tested + sum(record.clips for record in trained.records.values())
        passes += tested + sum(record.passes for record in trained.records.values())
        training += sum(record.seconds for record in trained.records.values())
        for layer, answer in answers.items():
            truth = recordings.labels[split.test]
            layers.setdefault(layer, []).append(judge(split, answer.renamed(classes), truth, job.protocol.cutoffs))
    return TrainedScores(layers, clips, passes, training, testing)


def _rows(manifest: Manifest, rows: np.ndarray) -> Manifest:
    return manifest.only(np.isin(np.arange(len(manifest)), rows))
