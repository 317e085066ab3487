"""Kinetics (Kay et al., 2017, and its successors)."""

from collections.abc import Collection, Iterator
from pathlib import Path

from ...errors import explain, unknown_name
from ..manifest import Manifest, ManifestError
from ._lists import ListRow, of_split, read_rows
from ._match import Found, Listed, match

_VALIDATION = ("validate.csv", "val.csv")  # as different releases call it


def build(root: str | Path | Manifest, listing: str | Path | Manifest, split: str | None = None) -> Found:
    """Find the clips of an official list.

    A list has a header with ``youtube_id``, ``time_start`` and ``time_end`` in seconds and, but for lists that
    hold them back, ``label`` and ``split``. A clip lies anywhere below ``root`` as
    ``<youtube_id>_<start>_<end>.mp4``, both times in six digits, the name the customary download scripts give it.

    Args:
        root: Folder of the clips.
        listing: An official CSV file, or the folder of ``train.csv`` and ``validate.csv`` (or ``val.csv``), whose
            names then tell the splits; or a data set that has its columns.
        split: Keep this split only.

    Raises:
        NoMediaError: ``root`` is no folder.
        ManifestError: The list cannot be read, has a bad row, or names a clip twice in different ways.
        UnknownNameError: It has no such split.
    """
    return match(listed(listing, split), root)


def listed(
    listing: str | Path | Manifest, split: str | None = None, classes: Collection[str] | None = None
) -> Iterator[Listed]:
    """Read the rows of official lists, of one split or of some classes."""
    for row, part in _rows(listing, split, ["label"] if classes is not None else []):
        if classes is None or row.get("label") in classes:
            start, end = (row.parse(name, int, "whole seconds") for name in ("time_start", "time_end"))
            stem = f"{row.text('youtube_id')}_{start:06d}_{end:06d}"
            yield Listed(row.place, stem, row.get("label"), part)


def _rows(
    listing: str | Path | Manifest, split: str | None, further: list[str]
) -> Iterator[tuple[ListRow, str | None]]:
    """Give each row with its split."""
    needed = ["youtube_id", "time_start", "time_end", *further]
    if isinstance(listing, Manifest) or not Path(listing).is_dir():
        rows = read_rows(listing, needed=needed if split is None else [*needed, "split"])
        yield from ((row, row.get("split")) for row in of_split(rows, split))
        return
    there = [Path(listing, name) for name in _VALIDATION]
    validation = next(filter(Path.exists, there), there[0])
    files = {"train": Path(listing, "train.csv"), validation.stem: validation}
    if split is not None and split not in files:
        raise unknown_name(f"split of the lists in {listing}", split, files)
    for part in files if split is None else [split]:
        for row in read_rows(files[part], needed=needed):
            said = row.get("split")
            if said and said[:3] != part[:3]:
                step = "Is it the list of another split?"
                raise ManifestError(
                    explain(f"{row.place}, split", repr(said), f"{part!r}, as the list is called", step)
                )
            yield row, part
