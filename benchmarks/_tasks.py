"""The tasks: one folder each, told by its ``task.yaml``."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from avssl_hub._typed import SettingError, parse
from avssl_hub.data.datasets import DATASETS
from avssl_hub.errors import InvalidValueError, explain, unknown_name

ROOT = Path(__file__).parent
FILE = "task.yaml"
MANIFEST = "manifest"
_SAME_RUN = ("method", "backbone", "pretrain_data", "dataset", "protocol", "input", "metric", "source")


class TaskError(SettingError):
    """A task's file cannot be read, or one of its keys or values is wrong."""

    noun = "task"


@dataclass(frozen=True)
class OfficialSplit:
    """How many recordings a split of the whole data set trains and tests on; None where copies differ."""

    name: str
    train: int | None
    test: int | None


@dataclass(frozen=True)
class Task:
    """What is scored, on which data.

    Attributes:
        name: Name of the folder.
        title: What readers call it.
        paper: Where the data set comes from.
        version: Raised whenever a change moves scores.
        modality: What of a recording is looked at; "any" leaves it to the user, "both" is picture and sound at once.
        dataset: One of :data:`avssl_hub.data.datasets.DATASETS`, or "manifest" for the user's own list.
        folders_as: Of one's own data, one of the same that lists a folder given in place of a manifest.
        protocols: Names of protocols with their settings; the first is the default.
        lists: Where the official list lies in a copy; the first that is there counts.
        recordings: Number in the whole data set; None where there is no official one, since copies differ: results
            then tell how many of those that the list names were scored.
        classes: Number in the whole data set.
        splits: Those of the whole data set.
        test_on: What the list calls the recordings to test on.
        group_by: Column of what recordings have in common; those of a group count as one in the interval.
    """

    name: str
    title: str
    paper: str
    version: int
    modality: Literal["audio", "video", "any", "both"]
    dataset: str
    protocols: dict[str, Any]
    lists: tuple[str, ...] = ()
    recordings: int | None = None
    classes: int = 0
    splits: tuple[OfficialSplit, ...] = ()
    test_on: str = "test"
    folders_as: str | None = None
    group_by: str = "group"

    @property
    def measured(self) -> bool:
        """Whether models' answers are measured, so that there are no classes to tell apart."""
        return self.modality == "both" and not self.classes

    def __post_init__(self):
        if self.dataset not in (*DATASETS, MANIFEST):
            raise unknown_name("data set of a task", self.dataset, [*DATASETS, MANIFEST])
        if not self.protocols:
            raise InvalidValueError(explain("key 'protocols'", "none", "at least one"))
        if self.dataset == MANIFEST and (self.lists or self.recordings or self.classes or self.splits):
            raise InvalidValueError(explain("keys lists, recordings, classes and splits", "some", "none of one's own"))
        if self.dataset != MANIFEST and not (self.splits and (self.classes or self.measured)):
            raise InvalidValueError(explain("keys classes and splits", "none", "both, of an official data set"))


@dataclass(frozen=True)
class ExternalFigure:
    """A figure that others published, which is never one of our results.

    ``kind`` is the evidence: where the figure was read, from the paper's own table down to unrelated repositories.
    None means that the source does not say.
    """

    method: str
    backbone: str | None
    pretrain_data: str | None
    dataset: str
    protocol: str
    input: str | None
    metric: str
    value: float
    source: str
    kind: Literal[
        "primary-table",
        "author-readme",
        "author-poster",
        "slides",
        "secondary-table",
        "abstract",
        "leaderboard",
        "third-party-readme",
    ]
    higher_is_better: bool
    group: str
    note: str = ""


def list_tasks() -> list[str]:
    """Return the names of the tasks, sorted."""
    return sorted(path.parent.name for path in ROOT.glob(f"*/{FILE}"))


def load_task(name: str) -> Task:
    """Read a task.

    Raises:
        UnknownNameError: There is none of that name.
        TaskError: Its file is wrong; the text names file and key.
    """
    if name not in list_tasks():
        raise unknown_name("task", name, list_tasks())
    return _parsed(ROOT / name / FILE, lambda text: parse(Task, {"name": name, **yaml.safe_load(text)}, "", TaskError))


def external_figures(task: str) -> list[ExternalFigure]:
    """Read what others published on a task's data set.

    Raises:
        TaskError: The file is wrong, or a figure stands in it twice; the text names file and key.
    """
    path = ROOT / task / "external.json"
    if not path.exists():
        return []
    figures = _parsed(path, lambda text: parse(tuple[ExternalFigure, ...], json.loads(text), "rows", TaskError))
    seen: dict[tuple, ExternalFigure] = {}
    for figure in figures:
        # Also with two values: a source says one thing of one run.
        first = seen.setdefault(tuple(getattr(figure, name) for name in _SAME_RUN), figure)
        if first is not figure:
            got = f"{figure.method}, {figure.protocol}, twice: {first.value} and {figure.value} of {figure.source}"
            raise TaskError(explain(f"rows of {path}", got, "each figure once", "Tell them apart, or remove one."))
    return list(figures)


def _parsed(path: Path, read) -> Any:
    try:
        return read(path.read_text(encoding="utf-8"))
    except SettingError as error:
        raise TaskError(f"{path}: {error}") from error
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise TaskError(explain(f"reading {path}", error, "a mapping in YAML, or rows in JSON")) from error
