"""The copy of a task's data that is here, matched with its official list."""

from itertools import chain, islice
from pathlib import Path

from avssl_hub.data.dataset_tables import is_dataset
from avssl_hub.data.datasets import Found, build
from avssl_hub.data.labelled import present, read_labelled
from avssl_hub.errors import InvalidValueError, explain

from ._tasks import MANIFEST, Task

_ARCHIVES = ("*.rar", "*.zip", "*.tar", "*.tar.gz", "*.tgz")


class IncompleteDataError(InvalidValueError):
    """Recordings that the official list names are not here, or classes are."""


def find_copy(task: Task, place: Path, listing: Path | None = None) -> Found:
    """Match a copy with its official list, whatever is missing.

    Args:
        task: The task.
        place: Folder of the copy, or a data set as :func:`read_dataset` takes it; for one's own data a manifest, or a
            data set, with labels and splits or folds, or a folder where the task says how it is listed.
        listing: The official list, if it does not lie in one of the task's usual places. A data set needs none if it
            has the list's columns.

    Raises:
        InvalidValueError: One's own data came with a list besides.
        ManifestError: The list is wrong.
        IncompleteDataError: The copy or its list is not there.
    """
    if not is_dataset(place) and not place.exists():
        raise IncompleteDataError(explain(f"data of task {task.name}", f"no {place}", "an existing file or folder"))
    if task.dataset != MANIFEST:
        return build(task.dataset, place, listing or listing_of(task, place))
    if task.folders_as and place.is_dir() and not is_dataset(place):
        return build(task.folders_as, place, listing)
    if listing:
        raise InvalidValueError(explain(f"list of task {task.name}", listing, "none", "Pass the manifest as --data."))
    listed = read_labelled(place)
    manifest, missing = present(listed)
    return Found(manifest, len(listed), missing, 0, [])


def advice(place: Path, found: Found) -> str:
    """Say what may be wrong with a folder in which most of the list is missing; nothing where it is less."""
    if 2 * len(found.missing) < found.listed or not place.is_dir():
        return ""
    archives = list(islice(chain.from_iterable(place.rglob(pattern) for pattern in _ARCHIVES), 100))
    if archives:
        return f"Unpack the archives in it first, such as {archives[0].relative_to(place)}."
    return "Is this the folder of the whole copy?"


def listing_of(task: Task, place: Path) -> Path | None:
    """Find the official list in one of the task's usual places; None where the copy needs none.

    Raises:
        IncompleteDataError: It is not there.
    """
    if not task.lists or is_dataset(place):
        return None
    usual = [place / name for name in task.lists]
    # One level too deep or too high is the common mistake; recordings are found from above just as well.
    near = [*(place.absolute().parent / name for name in task.lists)]
    near += chain.from_iterable(place.glob(f"{depth}{name}") for name in task.lists for depth in ("*/", "*/*/"))
    for path in usual:
        if path.exists():
            return path
    found = next((path for path in near if path.exists()), None)
    step = f"Pass it with --list{f': there is one at {found}' if found else ''}."
    got = f"none at {' or '.join(map(str, usual))}"
    raise IncompleteDataError(explain(f"official list of {task.title}", got, "the one that comes with it", step))
