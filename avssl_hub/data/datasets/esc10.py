"""ESC-10 (Piczak, 2015): the 400 recordings of ESC-50 in ten easily told classes, in the same five folds."""

from pathlib import Path

from ..manifest import Manifest
from ._lists import of_split, read_rows
from ._match import Found, match
from .esc50 import COLUMNS, listed


def build(root: str | Path | Manifest, listing: str | Path | Manifest, split: str | None = None) -> Found:
    """Find the recordings of ESC-10; the columns are those of ESC-50.

    Args:
        root: Folder of the recordings, with any suffix.
        listing: ``meta/esc50.csv`` of ESC-50, or a list of ESC-10 alone with the same columns ``filename``, ``fold``,
            ``category`` and ``src_file``; or a data set that has them.
        split: Keep this fold only.

    Raises:
        NoMediaError: ``root`` is no folder.
        ManifestError: The list cannot be read, or has a bad row.
        UnknownNameError: It has no such fold.
    """
    rows = (row for row in read_rows(listing, needed=COLUMNS) if row.get("esc10") in (None, "True"))
    return match(map(listed, of_split(rows, split, "fold")), root)
