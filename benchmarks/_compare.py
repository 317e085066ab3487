"""Results side by side, on the tasks that all of them have, and how sure their differences are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from avssl_hub.errors import InvalidValueError, explain, unknown_name
from avssl_hub.evaluation.answers import Split, SplitScore, bootstrap_interval

from ._board import Entry, collect, interval
from ._metrics import digits, is_share, number, scaled, unit
from ._results import check_file, protocol_label

# What has to be the same in both, or a difference of scores is not one of models.
_SAME = {
    "task version": ("task", "version"),
    "modality": ("task", "modality"),
    "metric": ("metric",),
    "protocol": ("protocol", "name"),
    "protocol version": ("protocol", "version"),
    "protocol settings": ("protocol", "settings"),
    "manifest_sha256 of the data": ("data", "manifest_sha256"),
    "contents_sha256 of the data": ("data", "contents_sha256"),
}


class ComparisonError(InvalidValueError):
    """Results cannot be compared."""


@dataclass(frozen=True)
class Subject:
    """What was named on the command line: a name, and results."""

    name: str
    entries: list[Entry]


@dataclass(frozen=True)
class Line:
    """One result of a comparison, in words; ``difference`` and its interval are from the first, which has none."""

    name: str
    score: str
    interval: str
    splits: dict[str, str]
    difference: tuple[str, str]


@dataclass(frozen=True)
class Comparison:
    """Results of one task, the first being what the others are compared with."""

    title: str
    metric: str
    lines: list[Line]
    remark: str


def find(name: str, folders: Sequence[Path] | None = None) -> Subject:
    """Find what a user names: a result file, a folder of results, or a model with results.

    A folder and a model stand for their scores; a control is compared by naming its file.

    Args:
        name: What the user names.
        folders: Where models' results lie, as for :func:`~benchmarks._board.collect`.

    Raises:
        ResultError: A result breaks a rule.
        ComparisonError: The folder has no result, or several of one run.
        UnknownNameError: It is none of these.
    """
    path = Path(name)
    if path.is_file():
        entry = Entry(check_file(path), path)
        return Subject(f"{entry.model}@{entry.result['model']['revision']}", [entry])
    if path.is_dir():
        held = [entry for entry in collect([path]) if entry.kind != "control"]
    else:
        known = [entry for entry in collect(folders) if entry.kind != "control"]
        held = [entry for entry in known if name in _names(entry)]
        if not held:
            step = "Or name a result file, or a folder of results."
            raise unknown_name("model with results", name, {entry.model for entry in known}, step)
    if not held:
        raise ComparisonError(explain(f"results in {name}", "none", "at least one that is no control"))
    runs: dict[tuple, Entry] = {}
    for entry in held:
        first = runs.setdefault(_run_of(entry), entry)
        if first is not entry:
            got = f"{first.place} and {entry.place}, of the same task and protocol"
            raise ComparisonError(
                explain(f"results of {name}", got, "one of each", "Name the file, or MODEL@REVISION.")
            )
    return Subject(name, held)


def compare(subjects: Sequence[Subject]) -> list[Comparison]:
    """Compare subjects on the tasks that all of them have.

    Raises:
        ComparisonError: There are fewer than two subjects, they share no task, or results of a task differ in more
            than the model; the text names what.
    """
    if len(subjects) < 2:
        raise ComparisonError(explain("results to compare", len(subjects), "two or more"))
    # Single files are set against each other whatever their protocols, so that what differs is told.
    of_files = all(len(subject.entries) == 1 for subject in subjects)
    runs = [{_run_of(entry)[: 2 if of_files else None]: entry for entry in subject.entries} for subject in subjects]
    shared = [key for key in runs[0] if all(key in held for held in runs)]
    if not shared:
        got = "; ".join(f"{s.name} has {', '.join(_title(entry) for entry in s.entries)}" for s in subjects)
        raise ComparisonError(explain("tasks that all have", f"none ({got})", "at least one"))
    return [_comparison([subject.name for subject in subjects], [held[key] for held in runs]) for key in shared]


def _comparison(names: Sequence[str], entries: Sequence[Entry]) -> Comparison:
    first = entries[0]
    for other in entries[1:]:
        _refuse_unlike(first, other)
    metric = first.result["metric"]
    lines = []
    for name, entry in zip(names, entries):
        splits = entry.result["layers"][entry.result["score"]["layer"]]["splits"]
        told = {split["name"]: number(metric, split["accuracy"]) for split in splits}
        control = f" ({entry.kind_in_words})" if entry.kind == "control" else ""
        score = number(metric, entry.result["score"]["accuracy"])
        change = ("", "") if entry is first else _change(first.result, entry.result)
        lines.append(Line(name + control, score, interval(entry), told, change))
    how = "Paired: both answers to each recording are drawn together."
    in_unit = ", in points" if is_share(metric) else f", in {unit(metric)}" if unit(metric) else ""
    return Comparison(_title(first), metric, lines, f"Differences are from {names[0]}{in_unit}. {how}")


def _change(first: dict[str, Any], other: dict[str, Any]) -> tuple[str, str]:
    difference = other["score"]["accuracy"] - first["score"]["accuracy"]
    ends = (scaled(first["metric"], value) for value in (difference, *_paired_interval(first, other)))
    change, low, high = (f"{value:+.{digits(first['metric'])}f}" for value in ends)
    return change, f"{low} to {high}"


def _paired_interval(first: dict[str, Any], other: dict[str, Any]) -> tuple[float, float]:
    """Return the bootstrap interval of the mean of recordings' differences, drawn by groups."""
    scores, groups = [], []
    for mine, yours in zip(first["hits"], other["hits"]):
        here = np.arange(len(mine["groups"])) + len(groups)
        groups += mine["groups"]
        gained = np.array(yours["hits"]) - np.array(mine["hits"])
        scores.append(SplitScore(Split(mine["name"], np.array([], int), here), here, gained, None, {}, {}))
    return bootstrap_interval(scores, np.array(groups))


def _refuse_unlike(first: Entry, other: Entry) -> None:
    unlike = []
    for what, way in _SAME.items():
        one, two = _at(first.result, way), _at(other.result, way)
        if one != two:
            unlike.append(f"{what} {_short(one)} and {_short(two)}")
    if unlike:
        step = "Run both again on the same copy, with the same version."
        what = f"comparing {first.place} with {other.place}"
        raise ComparisonError(explain(what, f"other {'; '.join(unlike)}", "the same in both", step))


def _at(result: Mapping[str, Any], way: Sequence[str]) -> Any:
    for step in way:
        result = result[step]
    return result


def _short(value: Any) -> str:
    text = str(value)
    return f"{text[:12]}…" if len(text) == 64 else text


def _names(entry: Entry) -> tuple[str, str]:
    return entry.model, f"{entry.model}@{entry.result['model']['revision']}"


def _run_of(entry: Entry) -> tuple:
    result = entry.result
    label = protocol_label(result["protocol"]["name"], result["protocol"]["settings"])
    return result["task"]["name"], result["data"]["name"], result["task"]["modality"], label


def _title(entry: Entry) -> str:
    return f"{entry.data}, {entry.protocol}"
