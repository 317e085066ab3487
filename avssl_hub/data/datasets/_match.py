"""Recordings that are here matched with the rows of an official list, by their names."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath

import pyarrow as pa

from ...errors import explain
from ..manifest import Manifest, ManifestError
from ..media_files import media_below


@dataclass(frozen=True)
class Listed:
    """A row of a list: the file's name without folder and suffix, and what the list says of it.

    ``columns`` are further columns of the manifest, the same ones in every row; ``place`` is what messages call the
    row.
    """

    place: str
    stem: str
    label: str | None = None
    split: str | None = None
    columns: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """What became of a list.

    Attributes:
        manifest: The files found, in the list's order; None where none was.
        listed: Number of files the list names.
        missing: Names, without suffix, of those that are not there.
        repeated: Rows of the list that name a file named before; they count once.
        extra: Names of media that are there and that the list does not name.
        absent: What the list says of those in ``missing``.
        notes: What else is to be known of the list or of the files; empty if nothing is.
    """

    manifest: Manifest | None
    listed: int
    missing: list[str]
    repeated: int
    extra: list[str]
    absent: tuple[Listed, ...] = ()
    notes: tuple[str, ...] = ()


def match(rows: Iterable[Listed], root: str | Path | Manifest) -> Found:
    """Look for the files of a list in a folder and those below it, whatever folder each lies in, or in a manifest.

    Raises:
        NoMediaError: ``root`` is no folder.
        ManifestError: Two files have the same name, the list names none, or it contradicts itself.
    """
    places, names = copy_of(root)
    there, twice = _by_stem(names)
    kept: list[tuple[int, Listed]] = []
    seen: dict[str, Listed] = {}
    absent: list[Listed] = []
    repeated = 0
    for row in rows:
        before = seen.setdefault(row.stem, row)
        if before is not row:
            _check_same(before, row)
            repeated += 1
            continue
        if row.stem in twice:
            one, other = names[there[row.stem]], names[twice[row.stem]]
            got, step = f"both {one} and {other}", "Keep one of them, or name a narrower folder."
            raise ManifestError(explain(f"files in {folder_of(root)}", got, "one of each name", step))
        if row.stem in there:
            kept.append((there[row.stem], row))
        else:
            absent.append(row)
    if not seen:
        raise ManifestError(explain("list of files", "no rows of that kind", "at least one"))
    manifest = joined(places, kept, folder_of(root)) if kept else None
    used = {place for place, _ in kept}
    extra = [name for row, name in enumerate(names) if row not in used]
    return Found(manifest, len(seen), [row.stem for row in absent], repeated, extra, tuple(absent))


def copy_of(root: str | Path | Manifest) -> tuple[pa.Table, list[str]]:
    """Tell where the recordings that are here lie, and their names."""
    if not isinstance(root, Manifest):
        names = list(media_below(root))
        return pa.table({"path": pa.array(names, pa.string())}), names
    places = root.table.select([name for name in ("path", "member", "offset", "size") if name in root.columns])
    return places, root.column("member" if "member" in root.columns else "path").to_pylist()


def joined(places: pa.Table, kept: list[tuple[int, Listed]], root: str | Path) -> Manifest:
    """Put beside each place what the list says of it, but for what it says of none."""
    rows = [{"label": row.label, "split": row.split, **row.columns} for _, row in kept]
    told = {name: [row[name] for row in rows] for name in rows[0]}
    table = places.take([place for place, _ in kept])
    for name, values in told.items():
        if any(value is not None for value in values):
            table = table.append_column(name, pa.array(values, pa.string()))
    return Manifest(table, root)


def folder_of(root: str | Path | Manifest) -> str | Path:
    """Return the folder of a copy, for messages and for the paths in it."""
    return root.root if isinstance(root, Manifest) else root


def _check_same(before: Listed, row: Listed) -> None:
    def said(listed: Listed) -> str:
        told = {"label": listed.label, "split": listed.split, **listed.columns}
        return ", ".join(f"{name} {value!r}" for name, value in told.items() if value is not None) or "nothing"

    if said(before) != said(row):
        got, rule = f"{row.stem!r} with {said(row)}", f"{said(before)}, as {before.place} says"
        raise ManifestError(explain(row.place, got, rule, "Remove one of the two rows."))


def _by_stem(names: list[str]) -> tuple[dict[str, int], dict[str, int]]:
    """Map the names that lists use to rows, and those that several rows have to another of them."""
    there, twice = {}, {}
    for row, name in enumerate(names):
        stem = PurePath(name).stem
        (twice if stem in there else there)[stem] = row
    return there, twice
