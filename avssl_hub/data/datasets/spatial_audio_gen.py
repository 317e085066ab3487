"""The 360° videos of SpatialAudioGen (Morgado et al., 2018): REC-Street, YT-Clean, YT-Music and YT-All."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ...errors import explain
from ..manifest import Manifest, ManifestError
from ..spatial import layout_mask
from . import prepared_360
from ._lists import read_lines, read_words
from ._match import Found, Listed, match
from ._three_splits import NUMBERS, SplitLine, folder_of_lists, listed

# Official names, by the names of kinds.
NAMES = {"rec_street": "REC-Street", "yt_clean": "YT-Clean", "yt_music": "YT-Music", "yt_all": "YT-All"}

_LAYOUTS, _TAGS = "audio_layouts.txt", "tags.tsv"
# What the authors noted of a video, in the order of their columns.
_NOTES = ("place", "source", "comment", "difficulty", "disqualified")


def build(kind: str, root: str | Path | Manifest, listing: str | Path, split: str | None = None) -> Found:
    """Find the videos of one of the four sets.

    A video is a prepared folder that is called by its YouTube id, as ``avssl data prepare-360`` makes them and the
    authors released them; where ``root`` holds none, a media file of that name anywhere below it. The column
    ``layout`` is "WXYZ", or "WXY" for recordings without height; ``place`` and others are what the authors noted of a
    video, several notes with semicolons between them.

    Args:
        kind: One of :data:`NAMES`.
        root: Folder of the prepared folders, or of media files.
        listing: The authors' folder ``meta``, of ``subsets/``, ``audio_layouts.txt`` and, if wanted, ``tags.tsv``.
        split: "1", "2" or "3" gives a column ``split``; None gives ``split1`` to ``split3``.

    Raises:
        NoMediaError: ``root`` is no folder.
        ManifestError: A list is missing or has a bad line.
        UnknownNameError: There is no such split or channel layout.
    """
    folder = Path(listing)
    layouts = _layouts(folder)
    notes = _notes(folder / _TAGS) if (folder / _TAGS).exists() else {}
    rows = (_described(row, layouts, notes) for row in listed(_lines(folder, NAMES[kind]), split))
    prepared = None if isinstance(root, Manifest) else prepared_360.build(root).manifest
    return match(rows, prepared or root)


def read_ids(path: Path) -> list[str]:
    """Read a list of YouTube ids, one a line.

    Raises:
        ManifestError: It cannot be read or has a bad line.
    """
    return [video for _, (video,) in read_words(path, 1, "a YouTube id")]


def read_video_formats(path: Path) -> dict[str, tuple[str, str]]:
    """Read the authors' ``video_formats.txt``: of each id whether it is "MONO" or "STEREO", and "ER" or "EAC".

    Raises:
        ManifestError: It cannot be read or has a bad line.
    """
    rule = "a YouTube id, a number of its format, MONO or STEREO, and ER or EAC"
    formats = {}
    for place, (video, number, eyes, projection) in read_words(path, 4, rule):
        if eyes not in ("MONO", "STEREO") or projection not in ("ER", "EAC"):
            raise ManifestError(explain(place, f"{video} {number} {eyes} {projection}", rule))
        formats[video] = (eyes, projection)
    return formats


def _lines(folder: Path, name: str) -> Iterator[SplitLine]:
    folder = folder / "subsets" if (folder / "subsets").is_dir() else folder
    folder = folder_of_lists(folder, f"{name}.*.lst", f"{name}.train.1.lst, {name}.test.1.lst and so on")
    for number in NUMBERS:
        for part in ("train", "test"):
            for place, (video,) in read_words(folder / f"{name}.{part}.{number}.lst", 1, "a YouTube id"):
                yield SplitLine(place, video, None, None, number, part)


def _layouts(folder: Path) -> dict[str, str]:
    layouts: dict[str, str] = {}
    for place, (video, layout) in read_words(folder / _LAYOUTS, 2, "a YouTube id and its channels"):
        layout_mask(layout)
        if layouts.setdefault(video, layout) != layout:
            raise ManifestError(explain(place, f"{video} with {layout}", f"{layouts[video]}, as an earlier line says"))
    return layouts


def _notes(path: Path) -> dict[str, list[list[str]]]:
    """Read what is noted of each video: the different notes of each column, behind a line of headings."""
    notes: dict[str, list[list[str]]] = {}
    for line in read_lines(path)[1:]:
        video, *values = line.split("\t")
        for kept, value in zip(notes.setdefault(video, [[] for _ in _NOTES]), values):
            if value and value not in kept:
                kept.append(value)
    return notes


def _described(row: Listed, layouts: dict[str, str], notes: dict[str, list[list[str]]]) -> Listed:
    if row.stem not in layouts:
        raise ManifestError(explain(row.place, f"{row.stem}, which {_LAYOUTS} does not have", "a video with a layout"))
    noted = notes.get(row.stem, [[] for _ in _NOTES])
    columns = {name: "; ".join(values) or None for name, values in zip(_NOTES, noted)}
    return replace(row, columns={**row.columns, "layout": layouts[row.stem], **columns})
