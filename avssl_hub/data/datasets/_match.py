"""Files on the disk matched with the rows of an official list, by their names."""

from collections import defaultdict
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
        unlisted: Number of media files in the folder that the list does not name.
    """

    manifest: Manifest | None
    listed: int
    missing: list[str]
    repeated: int
    unlisted: int


def match(rows: Iterable[Listed], root: str | Path) -> Found:
    """Look for the files of a list in a folder and those below it, whatever folder each lies in.

    Raises:
        NoMediaError: ``root`` is no folder.
        ManifestError: Two files have the same name, the list names none, or it contradicts itself.
    """
    files = list(media_below(root))
    there, twice = _by_stem(files)
    found: dict[str, list[str | None]] = defaultdict(list)
    seen: dict[str, Listed] = {}
    missing, repeated = [], 0
    for row in rows:
        before = seen.setdefault(row.stem, row)
        if before is not row:
            _check_same(before, row)
            repeated += 1
            continue
        if row.stem in twice:
            got, step = f"both {there[row.stem]} and {twice[row.stem]}", "Keep one of them, or name a narrower folder."
            raise ManifestError(explain(f"files in {root}", got, "one of each name", step))
        if row.stem in there:
            known = {"path": there[row.stem], "label": row.label, "split": row.split}
            for name, value in (known | row.columns).items():
                found[name].append(value)
        else:
            missing.append(row.stem)
    if not seen:
        raise ManifestError(explain("list of files", "no rows of that kind", "at least one"))
    columns = {name: values for name, values in found.items() if any(value is not None for value in values)}
    manifest = Manifest(pa.table(columns), root) if columns else None
    return Found(manifest, len(seen), missing, repeated, len(files) - len(found["path"]))


def _check_same(before: Listed, row: Listed) -> None:
    def said(listed: Listed) -> str:
        told = {"label": listed.label, "split": listed.split, **listed.columns}
        return ", ".join(f"{name} {value!r}" for name, value in told.items() if value is not None) or "nothing"

    if said(before) != said(row):
        got, rule = f"{row.stem!r} with {said(row)}", f"{said(before)}, as {before.place} says"
        raise ManifestError(explain(row.place, got, rule, "Remove one of the two rows."))


def _by_stem(files: list[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Map the names that lists use to files, and those that several files have to another of them."""
    there, twice = {}, {}
    for name in files:
        stem = PurePath(name).stem
        (twice if stem in there else there)[stem] = name
    return there, twice
