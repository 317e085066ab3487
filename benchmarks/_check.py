"""A copy compared with what its task says of the whole, for ``avssl data check --task``."""

from dataclasses import dataclass
from pathlib import Path

from avssl_hub.data.datasets import Found
from avssl_hub.evaluation.cross_validation import parts_of

from ._copies import advice, find_copy
from ._data import count_splits
from ._tasks import load_task


@dataclass(frozen=True)
class CopyReport:
    """How a copy differs from the whole.

    Attributes:
        title: What readers call the data set.
        found: What became of its list.
        counts: Rows of (what, number here, number in the whole or None), of recordings, classes and parts of splits.
        advice: What may be wrong where most of it is missing.
    """

    title: str
    found: Found
    counts: list[tuple[str, int, int | None]]
    advice: str

    @property
    def unlabelled(self) -> int:
        """Number of recordings that are here and have no label."""
        manifest = self.found.manifest
        return manifest.column("label").null_count if manifest and "label" in manifest.columns else 0

    @property
    def whole(self) -> bool:
        """Whether nothing is missing, and all numbers are those of the whole."""
        same = all(official in (None, here) for _, here, official in self.counts)
        return same and not self.found.missing and not self.unlabelled


def check_copy(name: str, place: Path, listing: Path | None = None) -> CopyReport:
    """Compare a copy with its official list and its task's numbers.

    Args:
        name: The task.
        place: As :func:`find_copy` takes it.
        listing: Likewise.

    Raises:
        UnknownNameError: There is no such task, or one's own data have no labels, or neither splits nor folds.
        ManifestError: The list is wrong.
        IncompleteDataError: It is not there.
    """
    task = load_task(name)
    found = find_copy(task, place, listing)
    manifest = found.manifest
    counts = [
        ("recordings", len(manifest or ()), task.recordings),
        ("classes", len(manifest.classes) if manifest and "label" in manifest.columns else 0, task.classes or None),
    ]
    for split in count_splits(task, parts_of(manifest, task.test_on) if manifest else []):
        counts += [(f"{split['name']}, {part}", split[part], split[f"official_{part}"]) for part in ("train", "test")]
    return CopyReport(task.title, found, counts, advice(place, found))
