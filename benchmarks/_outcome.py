"""Scores of all splits and layers, from frozen features or from training on each split, and what they took."""

import itertools
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from avssl_hub.evaluation.answers import SplitScore, judge
from avssl_hub.evaluation.cross_validation import Recordings, score_layer
from avssl_hub.evaluation.encoder import Encoder
from avssl_hub.evaluation.features import FeatureStore, content_key, extract, feature_settings
from avssl_hub.evaluation.measured import measure_all
from avssl_hub.evaluation.protocols.recognition import HEARD, PROBABILITIES, places_of
from avssl_hub.evaluation.scored_model import ScoredModel
from avssl_hub.evaluation.trained import Job, score_trained
from avssl_hub.evaluation.trained.job import Bar
from avssl_hub.jobs.ranks import Ranks

from ._data import TaskData

if TYPE_CHECKING:
    from ._run import Choices

ANSWER = "answer"  # the only layer where nothing is trained


@dataclass(frozen=True)
class Outcome:
    """What a protocol found.

    Attributes:
        model: It as it was used.
        data: What of the data was scored.
        keys: The content of each recording.
        layers: Scores of each layer, a split each.
        clips: Clips that went through the network.
        passes: The same, those of which gradients went through it counted three times.
        run: Times, and what was there before.
    """

    model: ScoredModel
    data: TaskData
    keys: list[str]
    layers: dict[str, list[SplitScore]]
    clips: int
    passes: int
    run: dict[str, Any]


def score_features(
    choices: "Choices", data: TaskData, encoder: Encoder, cache: Path, bar: Bar, ranks: Ranks
) -> Outcome | None:
    """Extract features and classify them, in the first process; see :func:`benchmarks._run.run`."""
    protocol, modality = choices.protocol, choices.modality
    store = FeatureStore(cache, feature_settings(encoder.fingerprint(), protocol, modality))
    start = time.perf_counter()
    with bar("features", "recordings") as move:
        keys, reused = extract(data.manifest, encoder, protocol, modality, store, progress=move, ranks=ranks)
    extracted = time.perf_counter()
    if not ranks.first:
        return None
    layers = _score_layers(choices, data, store, keys, bar)
    layer = next(iter(layers))
    clips = len(keys) * sum(store.load(keys[:1], f"{part}.{layer}").shape[1] for part in protocol.parts)
    seconds = {"feature_seconds": extracted - start, "classifier_seconds": time.perf_counter() - extracted}
    return Outcome(encoder, data, keys, layers, clips, clips, {**seconds, "reused_recordings": reused})


def score_by_training(
    choices: "Choices", data: TaskData, encoder: Encoder, cache: Path, bar: Bar, ranks: Ranks
) -> Outcome:
    """Train on each split and test; see :func:`benchmarks._run.run`."""
    encoder = choices.protocol.encoder(encoder)
    keys = ranks.from_first([content_key(item) for item in data.manifest] if ranks.first else [])
    job = Job(choices.protocol, encoder, cache, bar, choices.seed, ranks)
    recordings = Recordings(keys, data.labels, data.groups)
    shuffled = choices.control == "shuffled-labels"
    scores = score_trained(job, data.manifest, recordings, data.splits, shuffled)
    seconds = {"training_seconds": scores.training_seconds, "test_seconds": scores.test_seconds}
    return Outcome(encoder, data, keys, scores.layers, scores.clips, scores.passes, seconds)


def score_answers(
    choices: "Choices", data: TaskData, model: ScoredModel, cache: Path, bar: Bar, ranks: Ranks
) -> Outcome | None:
    """Measure answers, in the first process; see :func:`benchmarks._run.run`."""
    start = time.perf_counter()
    with bar("answers", "trials") as move:
        found = measure_all(choices.protocol, model, data.manifest, cache, move, ranks)
    if not ranks.first:
        return None
    split = replace(data.splits[0], test=np.array(found.rows))
    further = {name: float(np.mean(values)) for name, values in found.figures.items()}
    del further[choices.protocol.metric]
    hits = np.array(found.figures[choices.protocol.metric])
    scores = {ANSWER: [SplitScore(split, hits[None], hits, None, further, {"left_out": found.left_out})]}
    run = {"answer_seconds": time.perf_counter() - start, "reused_trials": found.reused}
    return Outcome(model, replace(data, splits=[split]), found.keys, scores, len(hits), len(hits), run)


def score_recognition(
    choices: "Choices", data: TaskData, encoder: Encoder, cache: Path, bar: Bar, ranks: Ranks
) -> Outcome | None:
    """Compare a fine-tuned model's own classes with the truth, in the first process; see :func:`benchmarks._run.run`.

    Where sound may have a part, figures tell in how many recordings it had, and how well these are recognised.
    """
    protocol, modality = choices.protocol, choices.modality
    places = places_of(encoder, type(encoder.model).__name__, data.classes)
    (split,) = protocol.scored(data.splits)
    store = FeatureStore(cache, feature_settings(encoder.fingerprint(), protocol, modality))
    start = time.perf_counter()
    tested = data.manifest.only(np.isin(np.arange(len(data.manifest)), split.test))
    with bar("answers", "recordings") as move:
        keys, reused = extract(tested, encoder, protocol, modality, store, progress=move, ranks=ranks)
    if not ranks.first:
        return None
    values = {name.partition(".")[2]: store.load(keys, name) for name in store.names(keys[0])}
    answer = protocol.answer(None, values[PROBABILITIES][..., places], choices.seed)
    score = judge(split, answer, data.labels[split.test], protocol.cutoffs)
    if HEARD in values:
        score = score._replace(further={**score.further, **_of_sound(score, values[HEARD])})
    # Those that were trained on are told by their contents too.
    known = dict(zip(split.test.tolist(), keys))
    keys = [known.get(row) or content_key(item) for row, item in enumerate(data.manifest)]
    run = {"answer_seconds": time.perf_counter() - start, "reused_trials": reused}
    clips = len(known) * protocol.clips
    return Outcome(encoder, data, keys, {ANSWER: [score]}, clips, clips, run)


def _of_sound(score: SplitScore, heard: np.ndarray) -> dict[str, float]:
    had_sound = heard.any(1)
    told = {"heard": float(had_sound.mean())}
    return {**told, "top-1 of heard": float(score.hits[had_sound].mean())} if had_sound.any() else told


def _score_layers(
    choices: "Choices", data: TaskData, store: FeatureStore, keys: list[str], bar: Bar
) -> dict[str, list[SplitScore]]:
    front = f"{choices.protocol.parts[-1]}."
    names = sorted(name.removeprefix(front) for name in store.names(keys[0]) if name.startswith(front))
    shuffled, scored = choices.control == "shuffled-labels", {}
    with bar("classifiers", "trained") as move:
        done = itertools.count(1)
        splits = choices.protocol.scored(data.splits)
        total = len(names) * len(splits)
        move(0, total)
        for name in names:
            scored[name] = score_layer(
                choices.protocol,
                store,
                Recordings(keys, data.labels, data.groups),
                name,
                splits,
                shuffled=shuffled,
                seed=choices.seed,
                progress=lambda: move(next(done), total),
            )
    return scored
