"""AudioSet (Gemmeke et al., 2017)."""

import re
from collections.abc import Iterator
from pathlib import Path

from ...errors import explain
from ..manifest import Manifest, ManifestError
from ._lists import read_rows
from ._match import Found, Listed, match

_SEGMENTS = ("YTID", "start_seconds", "end_seconds", "positive_labels")


def build(root: str | Path | Manifest, listing: str | Path, split: str | None = None) -> Found:
    """Find the clips of an official list of segments, or of one of AVID's lists.

    An official list begins with lines of comment and goes on with ``YTID, start_seconds, end_seconds,
    "labels"``; the labels, identifiers with commas between them, become one label as they are. A list of AVID's is
    one name ``<id>_<start>_<end>.mp4`` a line. A clip lies anywhere below ``root`` under that name, the times in
    milliseconds without padding; that name is AVID's, the data set itself gives none.

    Args:
        root: Folder of the clips.
        listing: The list.
        split: Not taken: each list is a split of its own.

    Raises:
        NoMediaError: ``root`` is no folder.
        ManifestError: The list cannot be read or has a bad row, or a split is given.
    """
    if split is not None:
        step = "Name the list of that split, such as eval_segments.csv."
        raise ManifestError(explain("split of a list of AudioSet", repr(split), "none", step))
    path = Path(listing)
    return match(_segments(path) if _is_official(path) else _names(path), root)


def _is_official(path: Path) -> bool:
    try:
        with open(path, encoding="utf-8-sig", errors="replace") as file:
            first = file.readline()
    except OSError:
        return True  # and reading it says why not
    return first.startswith("#") or "," in first


def _segments(path: Path) -> Iterator[Listed]:
    for row in read_rows(path, _SEGMENTS):
        start, end = (row.parse(name, _milliseconds, "seconds") for name in ("start_seconds", "end_seconds"))
        yield Listed(row.place, f"{row.text('YTID')}_{start}_{end}", row.text("positive_labels"))


def _milliseconds(seconds: str) -> int:
    return round(float(seconds) * 1000)


def _names(path: Path) -> Iterator[Listed]:
    for row in read_rows(path, ["name"]):
        yield Listed(row.place, row.parse("name", _stem, "<id>_<start ms>_<end ms>.mp4"))


def _stem(name: str) -> str:
    # An id may hold underscores: what is behind the last two are the times.
    found = re.fullmatch(r"(.+_\d+_\d+)\.\w+", name)
    if not found:
        raise ValueError
    return found[1]
