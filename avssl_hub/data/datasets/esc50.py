"""ESC-50 (Piczak, 2015): 2,000 recordings of 50 environmental sounds, in five folds."""

from pathlib import Path

from ._lists import ListRow, of_split, read_rows
from ._match import Found, Listed, match

COLUMNS = ("filename", "fold", "category", "src_file")


def build(root: str | Path, listing: str | Path, split: str | None = None) -> Found:
    """Find the recordings of ``esc50.csv``.

    The column ``fold`` is the official one; ``group`` is the number of the source a recording was cut from.

    Args:
        root: Folder of the recordings, with any suffix.
        listing: ``meta/esc50.csv`` of the official copy.
        split: Keep this fold only.

    Raises:
        NoMediaError: ``root`` is no folder.
        ManifestError: The list cannot be read, or has a bad row.
        UnknownNameError: It has no such fold.
    """
    # The column keeps lists of ESC-10 alone from being taken for this one.
    rows = read_rows(Path(listing), needed=(*COLUMNS, "esc10"))
    return match(map(listed, of_split(rows, split, "fold")), root)


def listed(row: ListRow) -> Listed:
    """Read a row of ``esc50.csv``."""
    columns = {"fold": row.text("fold"), "group": row.text("src_file")}
    return Listed(row.place, Path(row.text("filename")).stem, row.text("category"), columns=columns)
