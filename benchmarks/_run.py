"""One run: a model, a task, a protocol; features, classifiers, and the result."""

import itertools
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch

from avssl_hub import __version__
from avssl_hub._typed import parse
from avssl_hub.errors import InvalidValueError, explain, unknown_name
from avssl_hub.evaluation.answers import SplitScore, bootstrap_interval, confusion_matrix, mean_accuracy
from avssl_hub.evaluation.cross_validation import Recordings, score_layer
from avssl_hub.evaluation.features import FeatureStore, extract, feature_settings
from avssl_hub.evaluation.protocols import PROTOCOLS, Protocol
from avssl_hub.pipelines.ranks import Ranks

from ._data import TaskData, describe, part_of
from ._machine import hardware, versions
from ._models import Subject
from ._tasks import Task, TaskError

PACKAGES = ("torch", "torchaudio", "torchvision", "transformers", "av", "numpy", "scikit-learn")
Bar = Callable[[str, str], AbstractContextManager[Callable[[int, int], object]]]


@dataclass(frozen=True)
class Choices:
    """What was asked for.

    Attributes:
        task: The task.
        protocol: One of the task's.
        modality: What of a recording is looked at.
        control: "random-weights" or "shuffled-labels", to see what chance scores; None leaves both as they are.
        seed: Of solvers, hold-outs and controls.
    """

    task: Task
    protocol: Protocol
    modality: str
    control: str | None = None
    seed: int = 0


def choose(task: Task, protocol: str | None, modality: str | None, control: str | None, seed: int) -> Choices:
    """Check what was asked for against the task.

    Raises:
        UnknownNameError: The task has no such protocol.
        InvalidValueError: The modality is not given or not the task's, the protocol cannot score it, or the seed is
            negative.
    """
    name = protocol or next(iter(task.protocols))
    if name not in task.protocols:
        raise unknown_name(f"protocol of task {task.name}", name, task.protocols)
    chosen = parse(PROTOCOLS[name], task.protocols[name], f"protocols.{name}", TaskError)
    if task.modality != "any" and modality not in (None, task.modality):
        raise InvalidValueError(explain(f"modality of task {task.name}", modality, task.modality))
    modality = modality or task.modality
    if modality not in chosen.modalities:
        got, expected = "none" if modality == "any" else modality, " or ".join(chosen.modalities)
        raise InvalidValueError(explain(f"modality for protocol {name}", got, expected, "Pass --modality."))
    if seed < 0:
        raise InvalidValueError(explain("--seed", seed, "an integer from 0 on"))
    return Choices(task, chosen, modality, control, seed)


def run(choices: Choices, data: TaskData, subject: Subject, cache: Path, bar: Bar, ranks: Ranks) -> dict | None:
    """Score a model.

    Args:
        choices: What was asked for.
        data: The copy of the data.
        subject: The model.
        cache: Folder that keeps features and classifiers' answers between runs.
        bar: ``bar(label, unit)`` shows progress.
        ranks: The processes of the job; features are shared out among them, the first one does the rest.

    Returns:
        The result, as ``result.schema.json`` describes it, in the first process; None in the others.

    Raises:
        InvalidValueError: The model does not look at that modality.
        AvsslError: A recording cannot be read, or the model does not fit the protocol. What is finished is kept.
    """
    protocol, modality, encoder = choices.protocol, choices.modality, subject.encoder
    if modality not in encoder.modalities:
        raise InvalidValueError(
            explain(f"modality for model {subject.name}", modality, " or ".join(encoder.modalities))
        )
    fingerprint = encoder.fingerprint()
    store = FeatureStore(cache, feature_settings(fingerprint, protocol, modality))
    start = time.perf_counter()
    with bar("features", "recordings") as move:
        keys, reused = extract(data.manifest, encoder, protocol, modality, store, progress=move, ranks=ranks)
    extracted = time.perf_counter()
    if not ranks.first:
        return None
    layers = _score_layers(choices, data, store, keys, bar)
    seconds = {"feature_seconds": extracted - start, "classifier_seconds": time.perf_counter() - extracted}
    best = max(layers, key=lambda name: mean_accuracy(layers[name]))
    told = {name: _told(scores, data.groups, choices.seed) for name, scores in layers.items()}
    described = describe(choices.task, data, keys)
    clip = encoder.describe_input(modality)
    gmacs = clip.pop("gmacs")
    clips = len(keys) * sum(store.load(keys[:1], f"{part}.{best}").shape[1] for part in protocol.parts)
    return {
        "schema": 1,
        "task": {
            "name": choices.task.name,
            "title": choices.task.title,
            "version": choices.task.version,
            "modality": modality,
            "part": part_of(described),
        },
        "model": {
            "name": subject.name,
            "revision": subject.revision,
            **fingerprint,
            "parameters": encoder.parameters,
            "pretrain_data": encoder.pretrain_data,
        },
        "input": clip,
        "control": choices.control,
        "metric": protocol.metric,
        "protocol": {
            "name": protocol.name,
            "version": protocol.version,
            "settings": asdict(protocol),
            "selection": protocol.selection,
        },
        "seed": choices.seed,
        "data": described,
        "score": {"layer": best, **{key: value for key, value in told[best].items() if key != "splits"}},
        "layers": told,
        "hits": [
            {"name": score.split.name, "groups": data.groups[score.split.test].tolist(), "hits": score.hits.tolist()}
            for score in layers[best]
        ],
        "confusion": confusion_matrix(layers[best], data.labels, len(data.manifest.classes)).tolist(),
        "software": {"avssl_hub": __version__, **versions(*PACKAGES)},
        "hardware": {**hardware(), "device": _device_name(encoder.device), "processes": ranks.size},
        "run": {
            "date": date.today().isoformat(),
            **seconds,
            "reused_recordings": reused,
        },
        "cost": {"gmacs_per_clip": gmacs, "clips": clips, "gmacs": gmacs * clips},
    }


def _score_layers(
    choices: Choices, data: TaskData, store: FeatureStore, keys: list[str], bar: Bar
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


def _told(scores: list[SplitScore], groups: np.ndarray, seed: int) -> dict[str, Any]:
    splits = [
        {
            "name": score.split.name,
            "accuracy": score.accuracy,
            "clip_accuracy": score.clip_accuracy,
            "further": score.further,
            "notes": score.notes,
        }
        for score in scores
    ]
    rates_clips = scores[0].clip_accuracy is not None
    return {
        "accuracy": mean_accuracy(scores),
        "interval": bootstrap_interval(scores, groups, seed),
        "clip_accuracy": float(np.mean([score.clip_accuracy for score in scores])) if rates_clips else None,
        "further": {name: float(np.mean([score.further[name] for score in scores])) for name in scores[0].further},
        "splits": splits,
    }


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
