"""Rows of official lists, read so that a bad one is named by file, line and value."""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

from ...errors import explain, unknown_name
from ..manifest import Manifest, ManifestError

Value = TypeVar("Value")


class ListRow:
    """One row of a list, its values by the names of their columns; ``place`` is what messages call it."""

    def __init__(self, place: str, values: dict[str, str]):
        self.place = place
        self._values = values

    def text(self, name: str) -> str:
        """Return a value that may not be empty."""
        return self.parse(name, str, "some text")

    def get(self, name: str) -> str | None:
        """Return a value, or None where the list has no such column or leaves it empty."""
        return self._values.get(name, "").strip() or None

    def parse(self, name: str, read: Callable[[str], Value], rule: str) -> Value:
        """Return a value as ``read`` makes it of the text; ``rule`` words what that takes.

        Raises:
            ManifestError: It is empty, or cannot be read so.
        """
        value = self._values[name].strip()
        try:
            if not value:
                raise ValueError
            return read(value)
        except (ValueError, OverflowError):
            raise ManifestError(explain(f"{self.place}, {name}", repr(value), rule)) from None


def of_split(rows: Iterable[ListRow], split: str | None, column: str = "split") -> Iterator[ListRow]:
    """Keep the rows whose ``column`` has this value; all where it is None.

    Raises:
        UnknownNameError: None has, and there are rows.
    """
    others = set()
    kept = False
    for row in rows:
        if split is None or row.get(column) == split:
            kept = True
            yield row
        else:
            others.add(row.get(column) or "")
    if others and not kept:
        raise unknown_name(f"{column} of the list", split, others)


def read_rows(
    path: str | Path | Manifest, columns: Sequence[str] | None = None, needed: Sequence[str] = ()
) -> Iterator[ListRow]:
    """Read a list of comma-separated values; blank lines and those that begin with ``#`` are passed over.

    Args:
        path: The list, in UTF-8; or a data set whose own columns are those of the list.
        columns: Names of its columns; None takes them from a header.
        needed: Columns that a header must have.

    Raises:
        ManifestError: The list cannot be read, a column is missing, or a row has another number of values.
    """
    if isinstance(path, Manifest):
        yield from _own_rows(path, needed)
        return
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, skipinitialspace=True)
            for values in reader:
                if not values or values[0].startswith("#"):
                    continue
                if columns is None:
                    columns = [name.strip() for name in values]
                    _check_header(path, columns, needed)
                    continue
                if len(values) != len(columns):
                    what, got = f"list {path}, line {reader.line_num}", f"{len(values)} values ({', '.join(values)})"
                    raise ManifestError(explain(what, got, f"{len(columns)}: {', '.join(columns)}"))
                yield ListRow(f"list {path}, line {reader.line_num}", dict(zip(columns, values)))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        got = getattr(error, "strerror", None) or str(error)
        raise ManifestError(explain(f"reading list {path}", got, "a readable list in UTF-8")) from error


def read_words(path: Path, count: int, rule: str) -> Iterator[tuple[str, list[str]]]:
    """Read a list of words with blanks between them; gives for each line the words, and how messages call it.

    Args:
        path: The list, in UTF-8, its lines ended in any way.
        count: Number of words of a line.
        rule: What a line is, for messages.

    Raises:
        ManifestError: The list cannot be read, or a line has another number of words.
    """
    for number, line in enumerate(read_lines(path), 1):
        if words := line.split():
            place = f"list {path}, line {number}"
            if len(words) != count:
                raise ManifestError(explain(place, repr(line), rule))
            yield place, words


def read_lines(path: Path) -> list[str]:
    """Read the lines of a list.

    Raises:
        ManifestError: It cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        got = getattr(error, "strerror", None) or str(error)
        raise ManifestError(explain(f"reading list {path}", got, "a readable list in UTF-8")) from error


def _own_rows(manifest: Manifest, needed: Sequence[str]) -> Iterator[ListRow]:
    _check_header(manifest.root, manifest.columns, needed)
    for number, row in enumerate(manifest.table.to_pylist(), 1):
        values = {name: "" if value is None else str(value) for name, value in row.items()}
        yield ListRow(f"data set {manifest.root}, row {number}", values)


def _check_header(path: str | Path, columns: Sequence[str], needed: Sequence[str]) -> None:
    for name in needed:
        if name not in columns:
            close = get_close_matches(name, columns, 1)
            step = f"Did you mean {close[0]!r}?" if close else "Is this the official list?"
            raise ManifestError(explain(f"header of list {path}", ", ".join(columns), f"a column {name!r}", step))
