"""What a manifest's columns and rows must be; a breach is named by file, column, row and value."""

from collections.abc import Callable
from difflib import get_close_matches
from reprlib import Repr

import pyarrow as pa
import pyarrow.compute as pc

from ..errors import InvalidValueError, explain

# The columns that decide what is looked at, in their order. All others are kept as they are.
COLUMNS = {
    "path": pa.string(),
    "start": pa.float64(),
    "end": pa.float64(),
    "label": pa.string(),
    "split": pa.string(),
    "fold": pa.string(),
    "member": pa.string(),
    "offset": pa.int64(),
    "size": pa.int64(),
}
_IDENTITY = ("path", "start", "end", "offset")
# A quotation mark without its partner makes one value of a whole file.
_SHORTENED = Repr()
_SHORTENED.maxstring = 200
_NAMES_OF_PATH = ("file", "filename", "file_name", "filepath", "file_path", "video", "audio", "clip", "name")


class ManifestError(InvalidValueError):
    """A manifest cannot be read, or one of its columns or rows breaks a rule."""


class Rules:
    """Checks one table.

    Args:
        name: What messages call the table.
        place: Names a row by its index, such as "line 3".
    """

    def __init__(self, name: str, place: Callable[[int], str] = lambda row: f"row {row + 1}"):
        self.name = name
        self.place = place

    def conform(self, table: pa.Table) -> pa.Table:
        """Bring a table into the types of :data:`COLUMNS`, these first, after checking every row.

        Raises:
            ManifestError: A rule is broken.
        """
        table = table.rename_columns([name.strip() for name in table.column_names])
        self._check_names(table.column_names)
        if not len(table):
            raise ManifestError(explain(f"manifest {self.name}", "no rows", "at least one"))
        known = {name: self._cast(name, table[name]) for name in COLUMNS if name in table.column_names}
        self._check_rows(known)
        rest = {name: self._plain(name, table[name]) for name in table.column_names if name not in COLUMNS}
        return pa.table({**known, **rest}).combine_chunks()

    def _check_names(self, names: list[str]) -> None:
        for name in names:
            if names.count(name) > 1:
                raise self._wrong(name, "it twice", "each column once")
            if name not in COLUMNS and name.lower() in COLUMNS:
                raise self._wrong(name, repr(name), f"lower case, {name.lower()!r}", "Rename it.")
        if "path" not in names:
            close = [name for name in names if name.lower() in _NAMES_OF_PATH] or get_close_matches("path", names, 1)
            step = f"Did you mean {close[0]!r}? Rename it to 'path'." if close else "Add the files' paths."
            raise self._wrong("path", f"columns {', '.join(map(repr, names))}", "a column 'path'", step)

    def _cast(self, name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
        kind = COLUMNS[name]
        column = _decoded(column)
        is_text, whole = _is_text(column.type), pa.types.is_integer(column.type)
        if kind == pa.string():
            if not (is_text or whole or pa.types.is_null(column.type)):
                raise self._wrong(name, f"type {column.type}", "text, or whole numbers")
            column = pc.cast(column, kind)
            # CSV does not tell an empty cell from none.
            return pc.if_else(pc.equal(column, ""), pa.scalar(None, kind), column)
        if is_text:
            column = pc.utf8_trim_whitespace(column)
            column = pc.if_else(pc.equal(column, ""), pa.scalar(None, column.type), column)
        elif not (whole or pa.types.is_null(column.type) or pa.types.is_floating(column.type)):
            raise self._wrong(name, f"type {column.type}", "numbers")
        try:
            return pc.cast(column, kind)
        except pa.ArrowInvalid:
            row, rule = _first_bad(column, kind), "seconds" if kind == pa.float64() else "a whole number of bytes"
            raise self._wrong_row(row, name, repr(column[row].as_py()), f"{rule}, such as 12") from None

    def _plain(self, name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
        if pa.types.is_nested(column.type) or pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
            raise self._wrong(name, f"type {column.type}", "plain values, such as text or numbers", "Leave it out.")
        return _decoded(column)

    def _check_rows(self, columns: dict[str, pa.ChunkedArray]) -> None:
        self._forbid("path", columns["path"], pc.is_null(columns["path"]), "a path", got="nothing")
        for name, column in columns.items():
            if COLUMNS[name] == pa.string():
                # A quotation mark without its partner makes one value of all lines up to the next.
                rule = "one line; is a quotation mark missing, or one too many?"
                self._forbid(name, column, pc.match_substring(column, "\n"), rule)
        for name in ("start", "end"):
            if name in columns:
                bad = pc.or_(pc.invert(pc.is_finite(columns[name])), pc.less(columns[name], 0))
                self._forbid(name, columns[name], bad, "seconds from 0 on")
        if "end" in columns:
            starts = pc.fill_null(columns["start"], 0.0) if "start" in columns else 0.0
            self._forbid("end", columns["end"], pc.less_equal(columns["end"], starts), "a time after the start")
        self._check_members(columns)
        self._check_duplicates(columns)

    def _check_members(self, columns: dict[str, pa.ChunkedArray]) -> None:
        if ("offset" in columns) != ("size" in columns):
            raise self._wrong("offset", "only one of 'offset' and 'size'", "both, or neither")
        if "offset" not in columns:
            return
        offset, size = columns["offset"], columns["size"]
        lonely = pc.xor(pc.is_null(offset), pc.is_null(size))
        self._forbid("offset", offset, lonely, "both an offset and a size, or neither")
        self._forbid("offset", offset, pc.less(offset, 0), "bytes from 0 on")
        self._forbid("size", size, pc.less(size, 1), "at least 1 byte")

    def _check_duplicates(self, columns: dict[str, pa.ChunkedArray]) -> None:
        keys = {name: columns[name] for name in _IDENTITY if name in columns}
        rows = pa.table({**keys, "row": pa.array(range(len(columns["path"])), pa.int64())})
        groups = rows.group_by(list(keys)).aggregate([("row", "min"), ("row", "max")])
        twice = groups.filter(pc.not_equal(groups["row_min"], groups["row_max"]))
        if len(twice):
            first = twice.sort_by("row_min").slice(0, 1).to_pylist()[0]
            got = f"{first['path']!r} there and in {self.place(first['row_max'])}, with the same times"
            raise self._wrong_row(first["row_min"], "path", got, "each clip once", "Remove one of the rows.")

    def _forbid(self, name: str, column: pa.ChunkedArray, bad: pa.ChunkedArray, rule: str, got: str = "") -> None:
        row = pc.index(pc.fill_null(bad, False), True).as_py()
        if row >= 0:
            raise self._wrong_row(row, name, got or _SHORTENED.repr(column[row].as_py()), rule)

    def _wrong(self, name: str, got: str, rule: str, step: str = "") -> ManifestError:
        return ManifestError(explain(f"manifest {self.name}, column {name!r}", got, rule, step))

    def _wrong_row(self, row: int, name: str, got: object, rule: str, step: str = "") -> ManifestError:
        return ManifestError(explain(f"manifest {self.name}, {self.place(row)}, column {name!r}", got, rule, step))


def _decoded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.cast(column, column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def _first_bad(column: pa.ChunkedArray, kind: pa.DataType) -> int:
    for row, value in enumerate(column):
        try:
            value.cast(kind)
        except pa.ArrowInvalid:
            return row
    raise AssertionError("a column whose every value can be cast, can be")
