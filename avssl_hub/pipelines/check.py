"""A copy of a data set checked: what is there, what opens, and what it holds."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..data.manifest import Manifest
from ..errors import InvalidValueError, explain
from ..jobs.interrupts import heard_interrupts
from ..jobs.processes import map_in_processes
from ._check_item import Checked, CheckTask, check_item

_BAD = ("missing", "broken", "changed")

_TYPES = {
    "status": pa.string(),
    "reason": pa.string(),
    "duration": pa.float64(),
    "width": pa.int64(),
    "height": pa.int64(),
    "fps": pa.float64(),
    "sampling_rate": pa.int64(),
    "channels": pa.int64(),
    "sha256": pa.string(),
}


@dataclass(frozen=True)
class CheckReport:
    """What was found.

    Attributes:
        manifest: The list that was checked with the columns of :class:`Checked`, in place of its own of these
            names but for ``sha256``; ``manifest.where(status="ok")`` is the list of what can be used.
        counts: Number of rows of each status.
        silent: Rows that open and have no sound.
        blind: Rows that open and have no picture.
    """

    manifest: Manifest
    counts: dict[str, int]
    silent: int
    blind: int

    @property
    def bad(self) -> int:
        """Number of rows that cannot be used."""
        return sum(self.counts.get(status, 0) for status in _BAD)

    def durations(self) -> np.ndarray:
        """Return the lengths in seconds of the files that open, float64 ``(n,)``."""
        return self.manifest.column("duration").drop_null().to_numpy()

    def duplicates(self) -> list[list[str]]:
        """Return the names of rows with the same content, those of each content together, if it was hashed."""
        if "sha256" not in self.manifest.columns:
            return []
        alike = defaultdict(dict)
        for row, digest in enumerate(self.manifest.column("sha256").to_pylist()):
            if digest:
                alike[digest][self.manifest[row].name] = None
        return [list(names) for names in alike.values() if len(names) > 1]

    def failures(self) -> Iterator[tuple[str, str, str]]:
        """Give name, status and reason of the rows that are not "ok", in their order."""
        bad = pc.not_equal(self.manifest.column("status"), "ok")
        for row in np.flatnonzero(bad.to_numpy()):
            status, reason = (self.manifest.column(name)[row].as_py() for name in ("status", "reason"))
            yield self.manifest[int(row)].name, status, reason


def check_media(
    manifest: Manifest,
    *,
    jobs: int | None = None,
    digest: bool = False,
    progress: Callable[[int, int], object] | None = None,
) -> CheckReport:
    """Open every row's file and decode a little at both ends of its span.

    Damage in between, and a cut of a file whose format states no length at its head (AVI, MPEG, Ogg), show in the
    content's hash only: a column ``sha256`` of the manifest is compared with it.

    Args:
        manifest: What to check.
        jobs: Processes that share the work, and that files which crash a decoder may end; None works in this one.
        digest: Hash the content even where the manifest has no hash.
        progress: Called with the number of rows done and of all rows.

    Raises:
        InvalidValueError: ``jobs`` is not positive.
    """
    if jobs is not None and jobs < 1:
        raise InvalidValueError(explain("jobs", jobs, "at least 1"))
    found: dict[str, list] = {name: [] for name in _TYPES}
    tasks = _tasks(manifest, digest)
    here = (check_item(task) for task in tasks)
    results = here if jobs is None else map_in_processes(check_item, tasks, jobs, _crashed)
    with heard_interrupts() as heard, closing(results):
        for number, checked in enumerate(results):
            heard()
            for name, values in found.items():
                values.append(getattr(checked, name))
            if progress:
                progress(number + 1, len(manifest))
    return _report(manifest, found)


def _tasks(manifest: Manifest, digest: bool) -> Iterator[CheckTask]:
    known = manifest.column("sha256") if "sha256" in manifest.columns else None
    for row, item in enumerate(manifest):
        yield CheckTask(item, None if known is None else known[row].as_py(), digest)


def _crashed(task: CheckTask) -> Checked:
    return Checked("broken", "reading it ends the process, by a crash of its decoder or for want of memory")


def _report(manifest: Manifest, found: dict[str, list]) -> CheckReport:
    columns = {name: pa.array(values, _TYPES[name]) for name, values in found.items()}
    if "sha256" in manifest.columns or columns["sha256"].null_count == len(manifest):
        del columns["sha256"]
    kept = {name: manifest.table[name] for name in manifest.columns if name not in columns}
    counts = {entry["values"]: entry["counts"] for entry in pc.value_counts(columns["status"]).to_pylist()}
    silent, blind = (pc.sum(pc.equal(columns[name], 0)).as_py() or 0 for name in ("channels", "width"))
    return CheckReport(Manifest(pa.table({**kept, **columns}), manifest.root), counts, silent, blind)
