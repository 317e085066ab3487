"""Finished work of a run that may be cut: one small table a file content, in a folder beside the output."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import gethostname
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import explain
from ..outputs import OutputError, make_folder, replacing
from .tables import known_rows

_SETTINGS = "settings.json"
_MARK = ".reading"


class PartialWork:
    """The rows of finished files, found again by the sha256 of their content, so renamed files count as done.

    Processes on any machine that sees the folder may work in it at once: tables appear whole, and those of equal
    content are equal.

    Args:
        folder: Where to keep them.
        settings: What decides the rows; rows made under others are never mixed in.
        force: Whether work kept under other settings may be thrown away.
        made: Whether another process of the same job has made the folder; otherwise it is made here.

    Raises:
        OutputError: The folder holds work under other settings, cannot be made, or is not seen from this machine.
    """

    def __init__(self, folder: Path, settings: dict[str, Any], force: bool, made: bool = False):
        self.folder = folder
        noted = folder / _SETTINGS
        if noted.exists():
            before = json.loads(noted.read_text(encoding="utf-8"))
            changed = sorted(key for key in {*before, *settings} if before.get(key) != settings.get(key))
            if changed and (made or not force):
                got = ", ".join(f"{key}={before.get(key)!r} (now {settings.get(key)!r})" for key in changed)
                step = f"Run with those settings to go on, or pass --force to drop that work, or delete {folder}."
                raise OutputError(explain(f"going on with {folder}", f"work under {got}", "the same settings", step))
            if changed:
                self.remove()
        elif made:
            got = f"a machine, {gethostname()}, that does not see the folder another process has made"
            step = "Write to a file system that all machines share."
            raise OutputError(explain(f"keeping finished files in {folder}", got, "one that does", step))
        if not made:
            make_folder(folder)
            with replacing(noted) as partial:
                partial.write_text(json.dumps(settings, indent=2), encoding="utf-8")

    def __contains__(self, sha256: str) -> bool:
        return self._path(sha256).exists()

    def __len__(self) -> int:
        return sum(1 for _ in self.folder.glob("*.parquet"))

    def begun(self) -> frozenset[str]:
        """Return the sha256 of files at which a run was ended with no time to say so."""
        return frozenset(mark.stem for mark in self.folder.glob(f"*{_MARK}"))

    @contextmanager
    def reading(self, sha256: str) -> Iterator[None]:
        """Leave a mark if this block ends the process at once."""
        mark = self.folder / f"{sha256}{_MARK}"
        mark.touch()
        try:
            yield
        finally:
            mark.unlink(missing_ok=True)

    def save(self, sha256: str, rows: pa.Table) -> None:
        """Keep the rows of a finished file."""
        with replacing(self._path(sha256)) as partial:
            pq.write_table(rows, partial)

    def load(self, sha256: str) -> pa.Table:
        """Return the rows of a finished file."""
        with pq.ParquetFile(self._path(sha256)) as file:
            return known_rows(file.read())

    def remove(self) -> None:
        """Throw all of it away."""
        shutil.rmtree(self.folder)

    def _path(self, sha256: str) -> Path:
        return self.folder / f"{sha256}.parquet"
