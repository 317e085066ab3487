"""A copy of a task's data: what of it is here, and what the whole of it would be."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from avssl_hub.data.dataset_tables import is_dataset
from avssl_hub.data.datasets import build
from avssl_hub.data.labelled import present, read_labelled
from avssl_hub.data.manifest import Manifest
from avssl_hub.errors import InvalidValueError, explain, some_of
from avssl_hub.evaluation.answers import Split
from avssl_hub.evaluation.cross_validation import splits_of

from ._tasks import MANIFEST, Task


class IncompleteDataError(InvalidValueError):
    """Recordings that the official list names are not here, or classes are."""


@dataclass(frozen=True)
class TaskData:
    """The recordings of a task that are here.

    Attributes:
        manifest: Them, all with a label.
        splits: Which of them train and test.
        missing: Names of those that the list names and that are not here.
        name: Of one's own data, after its manifest.
    """

    manifest: Manifest
    splits: list[Split]
    missing: list[str]
    name: str | None = None

    @property
    def labels(self) -> np.ndarray:
        """(recordings,) the class of each by its place among the manifest's classes."""
        return np.searchsorted(self.manifest.classes, self.manifest.column("label").to_pylist())

    @property
    def groups(self) -> np.ndarray:
        """(recordings,) integers; near copies of each other share one, each recording has its own by default."""
        if "group" not in self.manifest.columns:
            return np.arange(len(self.manifest))
        return np.unique(np.array(self.manifest.column("group").to_pylist(), str), return_inverse=True)[1]


def load_data(task: Task, place: Path, listing: Path | None, allow_missing: bool) -> TaskData:
    """Match a copy with its official list.

    Args:
        task: The task.
        place: Folder of the copy, or a data set as :func:`read_dataset` takes it; for one's own data a manifest, or a
            data set, with labels and splits or folds.
        listing: The official list, if it does not lie in one of the task's usual places. A data set needs none if it
            has the list's columns.
        allow_missing: Whether to go on without recordings that the list names.

    Raises:
        InvalidValueError: One's own data came with a list besides.
        ManifestError: The list is not there or is wrong, or a recording has no label.
        IncompleteDataError: Recordings are missing, or whole classes.
    """
    if task.dataset == MANIFEST:
        if listing:
            raise InvalidValueError(
                explain(f"list of task {task.name}", listing, "none", "Pass the manifest as --data.")
            )
        manifest, missing = present(read_labelled(place))
    else:
        found = build(task.dataset, place, listing or _listing(task, place))
        manifest, missing = found.manifest, found.missing
    if missing and (manifest is None or not allow_missing):
        what, got = f"recordings of {task.title} in {place}", f"{len(missing)} missing ({some_of(missing)})"
        step = "Complete the copy, or pass --allow-missing: the result then says that it is of a part."
        raise IncompleteDataError(explain(what, got, "every one that the list names", step))
    unlabelled = manifest.column("label").to_pylist().count(None)
    if unlabelled:
        raise IncompleteDataError(explain(f"labels of {place}", f"{unlabelled} rows without", "one in every row"))
    if task.classes and len(manifest.classes) != task.classes:
        step = "Score it by task 'own', under its own name."
        what, got = f"classes of {task.title} in {place}", len(manifest.classes)
        raise IncompleteDataError(explain(what, got, f"{task.classes}: with fewer it is another task", step))
    manifest, splits = _used(manifest, task.test_on)
    return TaskData(manifest, splits, missing, place.stem if task.dataset == MANIFEST else None)


def describe(task: Task, data: TaskData, keys: Sequence[str]) -> dict[str, Any]:
    """Tell which recordings were scored, beside the counts of the whole data set.

    Args:
        task: The task.
        data: The copy.
        keys: What names each recording's content.
    """
    here = {split.name: split for split in data.splits}
    official = {split.name: split for split in task.splits}
    splits = []
    for name in official | here:
        counts = {part: len(getattr(here[name], part)) if name in here else 0 for part in ("train", "test")}
        whole = {f"official_{part}": getattr(official.get(name), part, None) for part in ("train", "test")}
        splits.append({"name": name, **counts, **whole})
    return {
        "name": data.name,
        "manifest_sha256": data.manifest.fingerprint(),
        "contents_sha256": hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest(),
        "recordings": len(data.manifest),
        "official_recordings": task.recordings,
        "distinct_contents": len(set(keys)),
        "classes": data.manifest.classes,
        "missing": data.missing,
        "splits": splits,
    }


def part_of(described: dict[str, Any]) -> str | None:
    """Say in words which part of the whole was scored; None where it was the whole."""
    notes = []
    here, whole = described["recordings"], described["official_recordings"]
    if described["missing"] or (whole and here != whole):
        notes.append(f"{here} of {whole or here + len(described['missing'])} recordings")
    for split in described["splits"]:
        test, official = split["test"], split["official_test"]
        if official and test != official:
            notes.append(f"{split['name']}: {f'{test} of {official}' if test else 'none'} to test")
    return "; ".join(notes) or None


def _used(manifest: Manifest, test_on: str) -> tuple[Manifest, list[Split]]:
    """Leave out what no split trains or tests on."""
    used = np.zeros(len(manifest), bool)
    for split in splits_of(manifest, test_on):
        used[np.concatenate([split.train, split.test])] = True
    if not used.all():
        manifest = manifest.only(used)
    return manifest, splits_of(manifest, test_on)


def _listing(task: Task, place: Path) -> Path | None:
    if not task.lists or is_dataset(place):
        return None
    usual = [place / name for name in task.lists]
    for path in usual:
        if path.exists():
            return path
    got, step = f"none at {' or '.join(map(str, usual))}", "Pass it with --list."
    raise IncompleteDataError(explain(f"official list of {task.title}", got, "the one that comes with it", step))
