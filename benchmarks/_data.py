"""A copy of a task's data: what of it is here, and what the whole of it would be."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from avssl_hub.data.datasets import Found
from avssl_hub.data.folds import groups_of
from avssl_hub.data.manifest import Manifest
from avssl_hub.data.media_files import content_sha256
from avssl_hub.errors import explain, some_of
from avssl_hub.evaluation.answers import Split
from avssl_hub.evaluation.cross_validation import check_classes, splits_of

from ._copies import IncompleteDataError, advice, find_copy, listing_of
from ._tasks import MANIFEST, Task

ALL = "all"  # the only split of one's own data that nothing is trained on


@dataclass(frozen=True)
class TaskData:
    """The recordings of a task that are here.

    Attributes:
        manifest: Them, all with a label.
        splits: Which of them train and test.
        missing: Names of those that the list names and that are not here.
        name: Of one's own data, after its manifest.
        group_by: Column of what recordings have in common.
        measured: Whether models' answers are measured, so that labels are no classes to tell apart.
        list_sha256: Of the official list, or of the names and contents of its files; None where none was hashed.
    """

    manifest: Manifest
    splits: list[Split]
    missing: list[str]
    name: str | None = None
    group_by: str = "group"
    measured: bool = False
    list_sha256: str | None = None

    @property
    def classes(self) -> list[str]:
        """The classes that are told apart."""
        return [] if self.measured else self.manifest.classes

    @property
    def labels(self) -> np.ndarray:
        """(recordings,) the class of each by its place among the manifest's classes."""
        return np.searchsorted(self.manifest.classes, self.manifest.column("label").to_pylist())

    @property
    def groups(self) -> np.ndarray:
        """(recordings,) integers; near copies of each other share one, each recording has its own by default."""
        if self.group_by not in self.manifest.columns:
            return np.arange(len(self.manifest))
        if self.group_by == "group":
            return np.unique(groups_of(self.manifest), return_inverse=True)[1]
        return np.unique(self.manifest.column(self.group_by).to_pylist(), return_inverse=True)[1]


def load_data(task: Task, place: Path, listing: Path | None, allow_missing: bool) -> TaskData:
    """Match a copy with its official list.

    Args:
        task: The task.
        place: As :func:`find_copy` takes it.
        listing: Likewise.
        allow_missing: Whether to go on without recordings that the list names.

    Raises:
        InvalidValueError: One's own data came with a list besides, or a split tests what it does not train on.
        ManifestError: The list is wrong.
        IncompleteDataError: The list, recordings or labels are missing, or whole classes.
    """
    found = find_copy(task, place, listing)
    if task.measured and task.splits:
        found = _tested(task, found)
    manifest, missing = found.manifest, found.missing
    if missing and (manifest is None or not allow_missing):
        what = f"recordings of {task.title} in {place}"
        got = f"{len(missing)} of {found.listed} missing ({some_of(missing)})"
        step = "Complete the copy, or pass --allow-missing: the result then says that it is of a part."
        step = " ".join(filter(None, [advice(place, found), step]))
        raise IncompleteDataError(explain(what, got, "every one that the list names", step))
    if manifest is None:
        raise IncompleteDataError(explain(f"recordings of {task.title} in {place}", "none", "at least one"))
    if task.measured:
        return _to_measure(task, manifest, missing, place, listing)
    if "label" not in manifest.columns:
        got, step = f"columns {', '.join(manifest.columns)}", "Rename one with avssl data table --column label=NAME."
        raise IncompleteDataError(explain(f"labels of {place}", got, "a column 'label'", step))
    unlabelled = np.flatnonzero(manifest.column("label").is_null().to_numpy())
    if len(unlabelled):
        got = f"{len(unlabelled)} recordings without ({some_of([manifest[int(row)].name for row in unlabelled])})"
        raise IncompleteDataError(explain(f"labels of {place}", got, "one for every recording"))
    if task.classes and len(manifest.classes) != task.classes:
        step = "Score it by task 'own', under its own name."
        what, got = f"classes of {task.title} in {place}", len(manifest.classes)
        raise IncompleteDataError(explain(what, got, f"{task.classes}: with fewer it is another task", step))
    manifest, splits = _used(manifest, task.test_on)
    data = TaskData(manifest, splits, missing, place.stem if task.dataset == MANIFEST else None)
    for split in splits:
        check_classes(split, data.labels, manifest.classes)
    _check_counts(task, splits)
    return data


def describe(task: Task, data: TaskData, keys: Sequence[str]) -> dict[str, Any]:
    """Tell which recordings were scored, beside the counts of the whole data set.

    Args:
        task: The task.
        data: The copy.
        keys: What names each recording's content.
    """
    return {
        "name": data.name,
        "manifest_sha256": data.manifest.fingerprint(),
        "contents_sha256": hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest(),
        "recordings": len(data.manifest),
        "official_recordings": task.recordings,
        "distinct_contents": len(set(keys)),
        "classes": data.classes,
        "list_sha256": data.list_sha256,
        "missing": data.missing,
        "splits": count_splits(task, data.splits),
    }


def count_splits(task: Task, splits: Sequence[Split]) -> list[dict[str, Any]]:
    """Tell how many recordings each split trains and tests on, beside the official numbers, which may be None."""
    here = {split.name: split for split in splits}
    official = {split.name: split for split in task.splits}
    counted = []
    for name in official | here:
        counts = {part: len(getattr(here[name], part)) if name in here else 0 for part in ("train", "test")}
        whole = {f"official_{part}": getattr(official.get(name), part, None) for part in ("train", "test")}
        counted.append({"name": name, **counts, **whole})
    return counted


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


def _tested(task: Task, found: Found) -> Found:
    """Keep what the task's split tests on; of a list of several, the others and training recordings do not matter."""
    manifest, name = found.manifest, task.splits[0].name
    if manifest is None or name not in manifest.columns:
        return found
    tested = [part == task.test_on for part in manifest.column(name).to_pylist()]
    missing = [row.stem for row in found.absent if row.columns[name] == task.test_on]
    return replace(
        found,
        manifest=manifest.only(tested) if any(tested) else None,
        listed=sum(tested) + len(missing),
        missing=missing,
    )


def _to_measure(task: Task, manifest: Manifest, missing: list[str], place: Path, listing: Path | None) -> TaskData:
    own = task.dataset == MANIFEST
    listing = None if own else listing or listing_of(task, place)
    split = Split(ALL if own else task.splits[0].name, np.array([], int), np.arange(len(manifest)))
    name, digest = place.stem if own else None, content_sha256(listing) if listing else None
    data = TaskData(manifest, [split], missing, name, task.group_by, True, digest)
    _check_counts(task, data.splits)
    return data


def _check_counts(task: Task, splits: Sequence[Split]) -> None:
    """Refuse more than a part of an official split can have."""
    for split in count_splits(task, splits):
        for part in ("train", "test"):
            here, official = split[part], split[f"official_{part}"]
            if official is not None and here > official:
                step = "Is the list that of another split or data set?"
                raise IncompleteDataError(
                    explain(f"{split['name']} of {task.title}, {part}", here, f"at most {official}", step)
                )


def _used(manifest: Manifest, test_on: str) -> tuple[Manifest, list[Split]]:
    """Leave out what no split trains or tests on."""
    used = np.zeros(len(manifest), bool)
    for split in splits_of(manifest, test_on):
        used[np.concatenate([split.train, split.test])] = True
    if not used.all():
        manifest = manifest.only(used)
    return manifest, splits_of(manifest, test_on)
