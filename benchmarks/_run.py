"""One run: a model, a task, a protocol; features, classifiers, and the result."""

from collections.abc import Callable, Sequence
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
from avssl_hub.evaluation.measured import MEASURED, MeasuredProtocol
from avssl_hub.evaluation.protocols import PROTOCOLS, Protocol, Recognition
from avssl_hub.evaluation.trained import TRAINED, TrainedProtocol
from avssl_hub.evaluation.trained.job import Bar
from avssl_hub.jobs.ranks import Ranks

from ._data import TaskData, describe, part_of
from ._machine import hardware, versions
from ._models import Subject
from ._outcome import Outcome, score_answers, score_by_training, score_features, score_recognition
from ._tasks import Task, TaskError

PACKAGES = ("torch", "torchaudio", "torchvision", "transformers", "av", "numpy", "scikit-learn")
PACKAGES += ("mir_eval", "torchmetrics")


@dataclass(frozen=True)
class Choices:
    """What was asked for.

    Attributes:
        task: The task.
        protocol: One of the task's, with all its settings.
        modality: What of a recording is looked at.
        control: "random-weights" or "shuffled-labels", to see what chance scores; None leaves both as they are.
        seed: Of solvers, hold-outs and controls.
    """

    task: Task
    protocol: Protocol | TrainedProtocol | MeasuredProtocol
    modality: str
    control: str | None = None
    seed: int = 0


def choose(
    task: Task,
    protocol: str | None,
    modality: str | None,
    control: str | None,
    seed: int,
    recipe: str | None = None,
    overrides: Sequence[str] = (),
) -> Choices:
    """Check what was asked for against the task.

    Args:
        task: The task.
        protocol: Name of one of its protocols; by default the first.
        modality: What to look at, where the task leaves it open.
        control: As in :class:`Choices`.
        seed: Likewise.
        recipe: Of a protocol that trains; by default the task's.
        overrides: ``section.key=value``, to change the recipe.

    Raises:
        UnknownNameError: The task has no such protocol, or the protocol no such recipe.
        InvalidValueError: The modality is not given or not the task's, the protocol cannot score it, it has no recipes,
            the control has no meaning for it, or the seed is negative.
        RecipeError: An override does not fit.
    """
    name = protocol or next(iter(task.protocols))
    if name not in task.protocols:
        raise unknown_name(f"protocol of task {task.name}", name, task.protocols)
    if name in TRAINED:
        chosen = TRAINED[name].load(recipe or task.protocols[name]["recipe"], overrides)
    elif recipe or overrides:
        rule = f"none, as only {' and '.join(TRAINED)} have them"
        raise InvalidValueError(explain(f"recipe for protocol {name}", recipe or overrides[0], rule))
    else:
        chosen = parse((PROTOCOLS | MEASURED)[name], task.protocols[name], f"protocols.{name}", TaskError)
    trains_nothing = name in MEASURED or name == Recognition.name
    if trains_nothing and control == "shuffled-labels":
        rule = "random-weights, as there are no labels to learn"
        raise InvalidValueError(explain(f"control of protocol {name}", control, rule))
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
        cache: Folder that keeps features, training runs and answers between runs.
        bar: ``bar(label, unit)`` shows progress.
        ranks: The processes of the job; features and training are shared out among them, the first one does the rest.

    Returns:
        The result, as ``result.schema.json`` describes it, in the first process; None in the others.

    Raises:
        InvalidValueError: The model does not look at that modality.
        AvsslError: A recording cannot be read, or the model does not fit the protocol. What is finished is kept.
    """
    if choices.modality not in subject.model.modalities:
        rule = " or ".join(subject.model.modalities)
        raise InvalidValueError(explain(f"modality for model {subject.name}", choices.modality, rule))
    outcome = _way(choices.protocol)(choices, data, subject.model, cache, bar, ranks)
    if not ranks.first:
        return None
    protocol, modality, data = choices.protocol, choices.modality, outcome.data
    model, layers = outcome.model, outcome.layers
    best = max(layers, key=lambda name: mean_accuracy(layers[name]))
    told = {name: _told(scores, data.groups, choices.seed) for name, scores in layers.items()}
    described = describe(choices.task, data, outcome.keys)
    clip = model.describe_input(modality)
    gmacs = clip.pop("gmacs")
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
            **model.fingerprint(),
            "parameters": model.parameters,
            "pretrain_data": model.pretrain_data,
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
        "confusion": confusion_matrix(layers[best], data.labels, len(data.classes)).tolist() if data.classes else [],
        "software": {"avssl_hub": __version__, **versions(*PACKAGES)},
        "hardware": {**hardware(), "device": _device_name(model.device), "processes": ranks.size},
        "run": {
            "date": date.today().isoformat(),
            **outcome.run,
        },
        "cost": {"gmacs_per_clip": gmacs, "clips": outcome.clips, "gmacs": gmacs * outcome.passes},
    }


def _way(protocol: Protocol | TrainedProtocol | MeasuredProtocol) -> Callable[..., Outcome | None]:
    if isinstance(protocol, MeasuredProtocol):
        return score_answers
    if isinstance(protocol, Recognition):
        return score_recognition
    return score_by_training if isinstance(protocol, TrainedProtocol) else score_features


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
