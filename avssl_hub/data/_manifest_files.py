"""Manifests as files and as data sets of the ``datasets`` library."""

import csv
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from ..errors import explain, unknown_name
from ..outputs import replacing
from ._manifest_rules import ManifestError, Rules

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
SUFFIXES = (*_DELIMITERS, ".parquet")
_ROWS = 65536  # written at a time


def read_table(source: Any) -> tuple[pa.Table, Rules]:
    """Read a file or a ``datasets.Dataset``; gives the rules that name its rows, not applied yet.

    Raises:
        ManifestError: It cannot be read.
    """
    if not isinstance(source, (str, os.PathLike)):
        return _read_dataset(source)
    path = Path(source)
    if check_suffix(path) == ".parquet":
        return _read(path, _read_parquet), Rules(str(path))
    return _read(path, _read_text), Rules(str(path), lambda row: f"line {_line(path, row)}")


def write_table(table: pa.Table, path: Path) -> None:
    """Write a table in the format of the suffix; the file appears whole or not at all.

    Raises:
        ManifestError: The suffix is of no known format.
        OutputError: The file cannot be written.
    """
    suffix = check_suffix(path)
    with replacing(path) as partial:
        if suffix == ".parquet":
            pq.write_table(table, partial)
            return
        with open(partial, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, delimiter=_DELIMITERS[suffix], lineterminator="\n")
            writer.writerow(table.column_names)
            for batch in table.to_batches(max_chunksize=_ROWS):
                writer.writerows(zip(*(column.to_pylist() for column in batch.columns)))


def class_names(column: pa.ChunkedArray, feature: Any) -> pa.ChunkedArray | pa.Array:
    """Replace the numbers of a column of ``datasets.ClassLabel`` by names; others stay as they are."""
    import datasets

    if not isinstance(feature, datasets.ClassLabel):
        return column
    return pa.array([None if value is None else feature.int2str(value) for value in column.to_pylist()], pa.string())


def check_suffix(path: Path) -> str:
    """Return the suffix that names a manifest's format.

    Raises:
        UnknownNameError: It names none.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise unknown_name(f"suffix of manifest {path}", suffix, SUFFIXES)
    return suffix


def _read(path: Path, reader) -> pa.Table:
    try:
        return reader(path)
    except (OSError, pa.ArrowInvalid, UnicodeDecodeError, csv.Error) as error:
        got = getattr(error, "strerror", None) or str(error)
        rule = f"a readable {path.suffix[1:].upper()} file" + (" in UTF-8" if path.suffix != ".parquet" else "")
        raise ManifestError(explain(f"reading manifest {path}", got, rule, "Check the path and the file.")) from error


def _read_parquet(path: Path) -> pa.Table:
    # Folders called split=train, say, would become columns.
    return pq.read_table(path, partitioning=None)


def _read_text(path: Path) -> pa.Table:
    delimiter = _DELIMITERS[path.suffix.lower()]
    with open(path, newline="", encoding="utf-8-sig") as file:
        names = next(csv.reader(file, delimiter=delimiter), [])
    uneven = []

    def note(row) -> str:
        uneven.append(row)
        return "error"

    try:
        return pa.csv.read_csv(
            path,
            # Rows are numbered only where one thread reads.
            read_options=pa.csv.ReadOptions(use_threads=False),
            parse_options=pa.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=note),
            # Guessed types would turn the group "08" into 8.
            convert_options=pa.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
            ),
        )
    except pa.ArrowInvalid:
        if not uneven:
            raise
        (row,) = uneven
        what = f"manifest {path}, line {_line(path, row.number - 2)}"
        got, rule = f"{row.actual_columns} values in {row.text!r}", f"{row.expected_columns}, one for each column"
        raise ManifestError(explain(what, got, rule, "Put values with a comma between double quotes.")) from None


def _line(path: Path, row: int) -> int:
    """Count lines as an editor does up to the end of a row; row 0 follows the header."""
    with open(path, newline="", encoding="utf-8-sig") as file:
        lines = csv.reader(file, delimiter=_DELIMITERS[path.suffix.lower()])
        numbers = (lines.line_num for values in lines if values)
        try:
            return next((number for index, number in enumerate(numbers, -1) if index == row), row + 2)
        except csv.Error:
            # A quotation mark without its partner made a value of more lines than csv takes.
            return row + 2


def _read_dataset(source: Any) -> tuple[pa.Table, Rules]:
    import datasets

    if not isinstance(source, datasets.Dataset):
        kinds = f"the path of a file ({', '.join(SUFFIXES)}) or a datasets.Dataset"
        raise ManifestError(explain("source of a manifest", type(source).__name__, kinds))
    table = source.with_format("arrow")[:]
    columns = {name: class_names(table[name], feature) for name, feature in source.features.items()}
    return pa.table(columns), Rules("datasets.Dataset")
