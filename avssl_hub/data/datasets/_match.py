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

    ``columns`` are further columns of the manifest, the same ones in every row.
    """

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
        ManifestError: Two files have the same name, or the list names none.
    """
    files = list(media_below(root))
    there, twice = _by_stem(files)
    found: dict[str, list[str | None]] = defaultdict(list)
    seen, missing, repeated = set(), [], 0
    for row in rows:
        if row.stem in seen:
            repeated += 1
            continue
        seen.add(row.stem)
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


def _by_stem(files: list[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Map the names that lists use to files, and those that several files have to another of them."""
    there, twice = {}, {}
    for name in files:
        stem = PurePath(name).stem
        (twice if stem in there else there)[stem] = name
    return there, twice
