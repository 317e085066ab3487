"""ESC-50 (Piczak, 2015): 2,000 recordings of 50 environmental sounds, in five folds."""

import re
from pathlib import Path

from ..manifest import Manifest
from ._lists import ListRow, of_split, read_rows
from ._match import Found, Listed, match

COLUMNS = ("filename", "fold", "category")


def build(root: str | Path | Manifest, listing: str | Path | Manifest, split: str | None = None) -> Found:
    """Find the recordings of ``esc50.csv``.

    The column ``fold`` is the official one; ``group`` is the number of the source a recording was cut from.

    Args:
        root: Folder of the recordings, with any suffix.
        listing: ``meta/esc50.csv`` of the official copy, or a data set that has its columns.
        split: Keep this fold only.

    Raises:
        NoMediaError: ``root`` is no folder.
        ManifestError: The list cannot be read, or has a bad row.
        UnknownNameError: It has no such fold.
    """
    # The column keeps lists of ESC-10 alone from being taken for this one.
    rows = read_rows(listing, needed=(*COLUMNS, "esc10"))
    return match(map(listed, of_split(rows, split, "fold")), root)


def listed(row: ListRow) -> Listed:
    """Read a row of ``esc50.csv``."""
    stem = Path(row.text("filename")).stem
    # Copies as data sets leave it out; a name is <fold>-<source>-<take>-<class>.
    source = row.get("src_file") or row.parse("filename", _source, "a name as 1-100032-A-0.wav")
    return Listed(row.place, stem, row.text("category"), columns={"fold": row.text("fold"), "group": source})


def _source(name: str) -> str:
    found = re.fullmatch(r"\d-(\d+)-[A-Z](-\d+)?\.\w+", name)
    if not found:
        raise ValueError
    return found[1]
