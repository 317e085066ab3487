"""What to look at: a list of media files, or of spans of them, with their labels.

A manifest is a table, one row an instance. ``path`` is required; ``start`` and ``end`` in seconds, ``label``,
``split`` and ``fold`` are known by name, as are ``member``, ``offset`` and ``size`` of files inside tar shards. Any
other column is kept. Nothing here opens media.
"""

import hashlib
import os
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from ..errors import explain, unknown_name
from ._manifest_files import check_suffix, read_table, write_table
from ._manifest_rules import COLUMNS, ManifestError, Rules
from .file_slice import FileSlice

if TYPE_CHECKING:
    import datasets
    import numpy as np

__all__ = ["Manifest", "ManifestError", "ManifestItem", "check_suffix"]


@dataclass(frozen=True)
class ManifestItem:
    """One row.

    Attributes:
        path: The media file, or the shard that holds it.
        start: Where to begin, in seconds from the file's beginning; None is the beginning.
        end: Where to stop; None is the end.
        label: Class, or several with commas between them.
        split: Such as "train".
        fold: Of a cross-validation.
        member: Name of the media file within the shard.
        offset: First byte of the media file within the shard; None where ``path`` itself is it.
        size: Bytes of the media file within the shard.
    """

    path: Path
    start: float | None = None
    end: float | None = None
    label: str | None = None
    split: str | None = None
    fold: str | None = None
    member: str | None = None
    offset: int | None = None
    size: int | None = None

    @property
    def name(self) -> str:
        """What messages call the media file."""
        if self.offset is None:
            return str(self.path)
        return f"{self.path}/{self.member}" if self.member else f"{self.path} at byte {self.offset}"

    def open(self) -> BinaryIO:
        """Open the media file, wherever it lies, for :class:`avssl_hub.MediaReader`.

        Raises:
            MediaOpenError: It is missing or cannot be read, or its shard is too short.

        Example:
            >>> with item.open() as file, MediaReader(file) as reader:  # doctest: +SKIP
            ...     reader.info
        """
        try:
            if self.offset is None:
                return open(self.path, "rb", buffering=0)
            return FileSlice(self.path, self.offset, self.size, self.name)
        # A null byte in the path is a ValueError.
        except (OSError, EOFError, ValueError) as error:
            from ..media import MediaOpenError

            got, step = getattr(error, "strerror", None) or str(error), "Check the path, and fetch the file again."
            text = explain(f"cannot open {self.name!r}", got, "a readable file that is complete", step)
            raise MediaOpenError(text, self.name) from error


class Manifest(Sequence[ManifestItem]):
    """A list of what to look at, held as an Arrow table.

    Args:
        table: The rows; see the module for the columns. Checked here.
        root: Folder that relative paths start from.
        rules: What messages call the table and its rows.

    Raises:
        ManifestError: A column is missing or of a wrong type, or a row breaks a rule.

    Example:
        >>> manifest = Manifest.read("clips.csv").where(split="train")  # doctest: +SKIP
        >>> manifest[0].path
    """

    def __init__(self, table: pa.Table, root: str | Path = ".", rules: Rules | None = None):
        self.table = (rules or Rules("table")).conform(table)
        self.root = Path(root)

    @classmethod
    def read(cls, source: "str | Path | datasets.Dataset", root: str | Path | None = None) -> "Manifest":
        """Read a manifest.

        Args:
            source: A .csv, .tsv (UTF-8, with a header) or .parquet file, or a ``datasets.Dataset`` of plain columns.
            root: Folder that relative paths start from; the file's own by default, for a data set the current one.

        Raises:
            ManifestError: The source cannot be read, or a column or row breaks a rule, which the text names.
            UnknownNameError: The file's suffix is of no known format.
        """
        table, rules = read_table(source)
        if root is None:
            root = Path(source).parent if isinstance(source, (str, os.PathLike)) else "."
        return cls(table, root, rules)

    def write(self, path: str | Path) -> None:
        """Write a .csv, .tsv or .parquet file, whole or not at all, which reads back as the same list.

        Relative paths stay relative where the files lie below the new file's folder, and become absolute otherwise.

        Raises:
            UnknownNameError: The suffix is of no known format.
            OutputError: The file cannot be written.
        """
        path = Path(path)
        table = self.table.set_column(0, "path", self._paths_from(path.parent))
        write_table(table, path)

    def __len__(self) -> int:
        return len(self.table)

    def __getitem__(self, index: int) -> ManifestItem:
        if not -len(self) <= index < len(self):
            raise IndexError(f"row {index} of a manifest of {len(self)} rows")
        row = {name: self.table[name][index].as_py() for name in self._known}
        return ManifestItem(**{**row, "path": self.root / row["path"]})

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return self.table.column_names

    @property
    def classes(self) -> list[str]:
        """The labels there are, each once, sorted."""
        return sorted(pc.unique(self.column("label")).drop_null().to_pylist())

    def column(self, name: str) -> pa.ChunkedArray:
        """Return the values of a column.

        Raises:
            UnknownNameError: There is none of that name.
        """
        if name not in self.columns:
            raise unknown_name("column of a manifest", name, self.columns)
        return self.table[name]

    def where(self, **values: object) -> "Manifest":
        """Keep the rows whose columns have these values, as in ``where(split="train", fold=1)``.

        Raises:
            UnknownNameError: There is no such column, or no row has the value.
            ManifestError: No row has all of the values.
        """
        table = self.table
        for name, value in values.items():
            column = pc.cast(self.column(name), pa.string())
            if not pc.any(pc.equal(column, str(value))).as_py():
                raise unknown_name(f"value of column {name!r}", str(value), pc.unique(column).drop_null().to_pylist())
            table = table.filter(pc.equal(pc.cast(table[name], pa.string()), str(value)))
        if not len(table):
            got = " and ".join(f"{name}={value!r}" for name, value in values.items())
            raise ManifestError(explain("rows of a manifest", f"none with {got}", "at least one"))
        return self._part(table)

    def only(self, kept: "np.ndarray | Sequence[bool]") -> "Manifest":
        """Keep the rows for which ``kept``, one value a row, is true.

        Raises:
            ManifestError: There is none.
        """
        if not any(kept):
            raise ManifestError(explain("rows of a manifest", "none chosen", "at least one"))
        return self._part(self.table.filter(pa.array(kept)))

    def fingerprint(self) -> str:
        """Return the sha256 over what decides the clips, their order included, as hexadecimal digits.

        Paths count as they are written, so a list that moves along with its files keeps its fingerprint, and
        columns that are not known by name do not count.
        """
        digest = hashlib.sha256()
        for name in self._known:
            column = self.table[name]
            valid = pc.is_valid(column)
            if not pc.any(valid).as_py():
                continue
            digest.update(f"{name} {len(column)} ".encode())
            digest.update(valid.to_numpy().tobytes())
            if column.type != pa.string():
                digest.update(pc.fill_null(column, 0).to_numpy().tobytes())
                continue
            digest.update(pc.fill_null(pc.binary_length(column), 0).to_numpy().tobytes())
            for batch in self.table.select([name]).to_batches(max_chunksize=65536):
                digest.update("".join(batch[name].drop_null().to_pylist()).encode())
        return digest.hexdigest()

    def _part(self, table: pa.Table) -> "Manifest":
        # Part of what was checked needs no check.
        part = copy(self)
        part.table = table.combine_chunks()
        return part

    @property
    def _known(self) -> list[str]:
        return [name for name in COLUMNS if name in self.columns]

    def _paths_from(self, folder: Path) -> pa.Array:
        root, folder = self.root.absolute(), folder.absolute()
        if root == folder:
            return self.table["path"]
        front = root.relative_to(folder) if root.is_relative_to(folder) else root
        return pa.array((str(front / path) for path in self.table["path"].to_pylist()), pa.string())
