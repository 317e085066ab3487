"""VGG-Sound (Chen et al., 2020)."""

from pathlib import Path

from ..manifest import Manifest
from ._lists import ListRow, of_split, read_rows
from ._match import Found, Listed, match


def build(root: str | Path | Manifest, listing: str | Path, split: str | None = None) -> Found:
    """Find the clips of ``vggsound.csv``.

    The list has no header: YouTube id, start in seconds, label, split ("train" or "test"). A clip of 10 s lies
    anywhere below ``root`` as ``<id>_<start>.mp4``, the start in six digits; that name is customary, not official.

    Args:
        root: Folder of the clips.
        listing: The official CSV file.
        split: Keep this split only.

    Raises:
        NoMediaError: ``root`` is no folder.
        ManifestError: The list cannot be read, or has a bad row.
        UnknownNameError: It has no such split.
    """
    rows = of_split(read_rows(Path(listing), columns=("id", "start", "label", "split")), split)
    return match(map(_listed, rows), root)


def _listed(row: ListRow) -> Listed:
    start = row.parse("start", int, "whole seconds")
    return Listed(row.place, f"{row.text('id')}_{start:06d}", row.text("label"), row.text("split"))
