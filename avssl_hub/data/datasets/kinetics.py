"""Kinetics (Kay et al., 2017, and its successors)."""

from collections.abc import Collection, Iterator
from pathlib import Path

from ._lists import of_split, read_rows
from ._match import Found, Listed, match


def build(root: str | Path, listing: str | Path, split: str | None = None) -> Found:
    """Find the clips of an official list.

    The list has a header with ``youtube_id``, ``time_start`` and ``time_end`` in seconds and, but for lists that
    hold them back, ``label`` and ``split``. A clip lies anywhere below ``root`` as
    ``<youtube_id>_<start>_<end>.mp4``, both times in six digits, the name the customary download scripts give it.

    Args:
        root: Folder of the clips.
        listing: The official CSV file.
        split: Keep this split only.

    Raises:
        NoMediaError: ``root`` is no folder.
        ManifestError: The list cannot be read, or has a bad row.
        UnknownNameError: It has no such split.
    """
    return match(listed(listing, split), root)


def listed(listing: str | Path, split: str | None = None, classes: Collection[str] | None = None) -> Iterator[Listed]:
    """Read the rows of an official list, of one split or of some classes."""
    needed = ["youtube_id", "time_start", "time_end"]
    needed += ["split"] if split is not None else []
    needed += ["label"] if classes is not None else []
    for row in of_split(read_rows(Path(listing), needed=needed), split):
        if classes is None or row.get("label") in classes:
            start, end = (row.parse(name, int, "whole seconds") for name in ("time_start", "time_end"))
            stem = f"{row.text('youtube_id')}_{start:06d}_{end:06d}"
            yield Listed(stem, row.get("label"), row.get("split"))
