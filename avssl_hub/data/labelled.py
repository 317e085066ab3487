"""Manifests from tables of labels in other people's columns."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from ..errors import InvalidValueError, explain, unknown_name
from ._manifest_files import read_table
from .dataset_tables import is_dataset, read_dataset
from .manifest import Manifest

_JOINT = "/"


def read_labelled(
    source: str | Path, columns: Mapping[str, Iterable[str]] | None = None, root: str | Path | None = None
) -> Manifest:
    """Read a table of labels whose columns have names of their own.

    Args:
        source: A .csv, .tsv or .parquet file, or a data set as :func:`read_dataset` takes it.
        columns: The manifest's columns by name, each with that of the table it is taken from, or with several that
            are put together with a stroke between them; others are left out. None keeps all under their own names.
            Where the media of a data set lie need not be said.
        root: Folder that relative paths start from; the file's own by default, and not for data sets.

    Raises:
        UnknownNameError: The table has no such column.
        ManifestError: It cannot be read, or breaks a rule of manifests.

    Example:
        >>> read_labelled("labels.csv", {"path": ["filename"], "label": ["category"]})  # doctest: +SKIP
    """
    if is_dataset(source):
        return _of_dataset(source, columns, root)
    table, rules = read_table(source)
    if columns is not None:
        table = renamed(table, columns, str(source))
    return Manifest(table, Path(source).parent if root is None else root, rules)


def _of_dataset(source: str | Path, columns: Mapping[str, Iterable[str]] | None, root: str | Path | None) -> Manifest:
    if root is not None:
        raise InvalidValueError(explain(f"root of data set {source}", root, "none: its media are inside", "Drop it."))
    found = read_dataset(source)
    if columns is None:
        return found
    places = {name: [name] for name in ("path", "member", "offset", "size") if name in found.columns}
    return Manifest(renamed(found.table, {**columns, **places}, str(source)), found.root)


def renamed(table: pa.Table, columns: Mapping[str, Iterable[str]], where: str) -> pa.Table:
    """Take the columns of a table under other names; several become one, with a stroke between their values.

    Args:
        table: The table.
        columns: New names, each with the old ones.
        where: What messages call the table.

    Raises:
        UnknownNameError: The table has no such column.
    """
    taken = {}
    for name, sources in columns.items():
        parts = [_column(table, source.strip(), where) for source in sources]
        joint = [pc.cast(part, pa.string()) for part in parts]
        taken[name] = parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*joint, _JOINT)
    return pa.table(taken)


def present(manifest: Manifest) -> tuple[Manifest | None, list[str]]:
    """Part a manifest into the rows whose files are here, None where none is, and the names of the others."""
    there = [item.path.exists() for item in manifest]
    missing = [item.name for item, found in zip(manifest, there) if not found]
    if not missing:
        return manifest, []
    return (manifest.only(there) if any(there) else None), missing


def column_choices(words: Iterable[str]) -> dict[str, list[str]] | None:
    """Read ``label=category`` and ``group=category,take`` as :func:`read_labelled` takes them; None without any.

    Raises:
        InvalidValueError: A word is not of that form, or a column is given twice.
    """
    chosen: dict[str, list[str]] = {}
    for word in words:
        name, _, sources = word.partition("=")
        if not (name.strip() and sources.strip()) or name.strip() in chosen:
            rule = "NAME=COLUMN, or NAME=COLUMN,COLUMN for several put together, each name once"
            raise InvalidValueError(explain("--column", repr(word), rule, "For example: --column label=category"))
        chosen[name.strip()] = sources.split(",")
    return chosen or None


def _column(table: pa.Table, name: str, where: str) -> pa.ChunkedArray:
    names = [known.strip() for known in table.column_names]
    if name not in names:
        raise unknown_name(f"column of {where}", name, names)
    return table.column(names.index(name))
