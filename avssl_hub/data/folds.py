"""Folds for a cross-validation of data that come without."""

import numpy as np
import pyarrow as pa

from ..errors import InvalidValueError, explain
from .manifest import Manifest


def deal_folds(manifest: Manifest, folds: int) -> Manifest:
    """Deal a manifest's rows out into folds, each with its share of every class and no group in two of them.

    Groups, the largest first, go each to the fold that has the least of their classes so far, to the smallest where
    several do. Nothing is drawn: the same rows give the same folds on every machine, in whatever order they come.

    Args:
        manifest: The rows, with a column ``label``; where ``group`` is empty or not there, the spans of one recording
            are a group.
        folds: Number of folds, at least two.

    Returns:
        The same rows with a column ``fold`` of "1" and so on.

    Raises:
        InvalidValueError: There are folds already, a row has no label, or a class has but one group, so that the fold
            that tests it could not be trained for.
        UnknownNameError: There is no column ``label``.
    """
    if folds < 2:
        raise InvalidValueError(explain("number of folds", folds, "at least 2"))
    if "fold" in manifest.columns:
        raise InvalidValueError(explain("dealing rows out into folds", "rows with a column 'fold'", "rows without"))
    labels, groups = _labels(manifest), groups_of(manifest)
    classes, label = np.unique(labels, return_inverse=True)
    names, group = np.unique(groups, return_inverse=True)
    counts = np.zeros((len(names), len(classes)), int)
    np.add.at(counts, (group, label), 1)
    lonely = np.flatnonzero((counts > 0).sum(0) < 2)
    if len(lonely):
        what, rule = f"groups of class '{classes[lonely[0]]}'", "at least 2, one to test and another to train on"
        raise InvalidValueError(explain(what, 1, rule, "Leave the class out, or bring more of it."))
    fold = _deal(counts, folds)[group]
    if len(set(fold)) < folds:
        raise InvalidValueError(explain("number of folds", folds, f"at most the {len(names)} groups there are"))
    return Manifest(manifest.table.append_column("fold", pa.array(map(str, fold + 1), pa.string())), manifest.root)


def groups_of(manifest: Manifest) -> list[str]:
    """Name the group of each row; where ``group`` is empty or not there, the spans of one recording are one."""
    rows = len(manifest)
    offsets = manifest.column("offset").to_pylist() if "offset" in manifest.columns else [None] * rows
    groups = manifest.column("group").to_pylist() if "group" in manifest.columns else [None] * rows
    places = zip(manifest.column("path").to_pylist(), offsets)
    # No group is called so: names hold no null byte.
    return [f"{path}\0{offset}" if group in (None, "") else str(group) for group, (path, offset) in zip(groups, places)]


def _deal(counts: np.ndarray, folds: int) -> np.ndarray:
    """Return the fold of each group, from its rows of each class, (groups, classes)."""
    of_class = counts.sum(0)
    placed, chosen = np.zeros((folds, counts.shape[1]), int), np.zeros(len(counts), int)
    for group in np.argsort(-counts.sum(1), kind="stable"):
        has = counts[group] > 0
        load = (placed[:, has] / of_class[has]).sum(1)
        chosen[group] = min(range(folds), key=lambda fold: (load[fold], placed[fold].sum()))
        placed[chosen[group]] += counts[group]
    return chosen


def _labels(manifest: Manifest) -> list[str]:
    labels = manifest.column("label").to_pylist()
    if None in labels:
        got, row = "nothing", labels.index(None)
        raise InvalidValueError(explain(f"label of {manifest[row].name}", got, "one for every row"))
    return labels
