"""YouTube-360 (Morgado et al., 2020): 360° videos with ambisonics, in clips of ten seconds."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePath

import pyarrow as pa

from ...errors import explain, unknown_name
from ..manifest import Manifest, ManifestError
from ..media_files import media_below
from ..sound_beside import SOUND_SUFFIX, sound_beside
from ._lists import read_words
from ._match import Found, Listed, match

CLIP_SECONDS = 10
SPLITS = ("train", "test")
_SEGMENTS = "segments.txt"


def build(root: str | Path | Manifest, listing: str | Path, split: str | None = None) -> Found:
    """Find the clips of the published lists.

    A clip lies anywhere below ``root`` as ``<YouTube id>-<start>.mp4``, or as a part of the whole video,
    ``<YouTube id>.mp4``; then the manifest tells its span. Its sound is the film's own, or a file of the same name that
    ends in ``.m4a``, beside it or in a folder ``audio`` beside the folder ``video``, as the authors have them; where
    there are such files, films without one do not count, as theirs do not. Columns: ``video``, the id, and
    ``segment_start``, whole seconds in the whole video. The notes say how much of each split is here.

    Args:
        root: Folder of the clips or videos.
        listing: The authors' folder ``yt360``, of ``train.txt``, ``test.txt`` and ``segments.txt``.
        split: Keep "train" or "test" only.

    Raises:
        NoMediaError: ``root`` is no folder.
        ManifestError: A list is missing or has a bad line, a video is in both splits, or two files have the same name.
        UnknownNameError: There is no such split.
    """
    rows, notes = _listed(Path(listing), split)
    if isinstance(root, Manifest):
        found = match(rows, root)
    else:
        films, alone = _films(Path(root))
        for what, names in alone.items():
            if names:
                notes.append(f"{what} do not count: {len(names)}, such as {names[0]}")
        found = _with_parts(_matched(rows, films, root), films, Path(root))
    return replace(found, notes=(*notes, *_attrition(rows, found)))


def _attrition(rows: list[Listed], found: Found) -> Iterator[str]:
    """Say of each split how many clips, of how many videos, are here of those that are listed."""
    absent = {row.stem for row in found.absent}
    here = [row for row in rows if row.stem not in absent]
    for part in SPLITS:
        all_of, kept = ([row for row in some if row.split == part] for some in (rows, here))
        if all_of:
            videos, all_videos = (len({row.columns["video"] for row in some}) for some in (kept, all_of))
            hours, all_hours = (len(some) * CLIP_SECONDS / 3600 for some in (kept, all_of))
            yield (
                f"{part}: {len(kept)} of {len(all_of)} clips are here, of {videos} of {all_videos} videos, "
                f"{hours:.1f} of {all_hours:.1f} hours"
            )


def _listed(folder: Path, split: str | None) -> tuple[list[Listed], list[str]]:
    """List the clips of the splits, and say what of the lists is in none."""
    if split is not None and split not in SPLITS:
        raise unknown_name("split of YT-360", split, SPLITS)
    splits: dict[str, str] = {}
    for part in SPLITS:
        for place, (video,) in read_words(folder / f"{part}.txt", 1, "a YouTube id"):
            if splits.setdefault(video, part) != part:
                raise ManifestError(explain(place, f"{video} in {part}", f"not in {splits[video]} as well"))
    rows, outside, clips = [], set(), 0
    for place, video, start in _segments(folder / _SEGMENTS):
        if video not in splits:
            outside.add(video)
            clips += 1
        elif split in (None, splits[video]):
            columns = {"video": video, "segment_start": str(start)}
            rows.append(Listed(place, f"{video}-{start}", split=splits[video], columns=columns))
    notes = [f"{clips} clips of {len(outside)} videos in neither split are left out"] if outside else []
    return rows, notes


def _segments(path: Path) -> Iterator[tuple[str, str, int]]:
    rule = "a YouTube id, and whole seconds that rise, with commas between them"
    for place, (video, starts) in read_words(path, 2, rule):
        before = -1
        for text in starts.split(","):
            if not text.isdecimal() or int(text) <= before:
                raise ManifestError(explain(place, f"{text!r} after {before}" if before >= 0 else repr(text), rule))
            before = int(text)
            yield place, video, before


def _films(root: Path) -> tuple[list[str], dict[str, list[str]]]:
    """Name the films below a folder; and, if there are sounds of their own, the films and sounds that are alone."""
    names = list(media_below(root))
    sounds = [name for name in names if PurePath(name).suffix.lower() == SOUND_SUFFIX]
    films = [name for name in names if PurePath(name).suffix.lower() != SOUND_SUFFIX]
    if not sounds:
        return films, {}
    beside = {name: sound_beside(root / name) for name in films}
    used = set(beside.values())
    silent = [name for name in films if beside[name] is None]
    unseen = [name for name in sounds if root / name not in used]
    paired = [name for name in films if beside[name] is not None]
    return paired, {f"films without their {SOUND_SUFFIX}": silent, f"{SOUND_SUFFIX} without their film": unseen}


def _matched(rows: list[Listed], films: list[str], root: str | Path) -> Found:
    if films:
        return match(rows, Manifest(pa.table({"path": films}), root))
    return Found(None, len(rows), [row.stem for row in rows], 0, [], tuple(rows))


def _with_parts(found: Found, films: list[str], root: Path) -> Found:
    """Look for clips that are missing in whole videos."""
    whole = {PurePath(name).stem: name for name in films}
    there = [row for row in found.absent if row.columns["video"] in whole]
    if not there:
        return found
    absent = tuple(row for row in found.absent if row.columns["video"] not in whole)
    starts = [int(row.columns["segment_start"]) for row in there]
    parts = pa.table(
        {
            "path": [whole[row.columns["video"]] for row in there],
            "start": pa.array(starts, pa.float64()),
            "end": pa.array([start + CLIP_SECONDS for start in starts], pa.float64()),
            "split": [row.split for row in there],
            **{name: [row.columns[name] for row in there] for name in there[0].columns},
        }
    )
    tables = [found.manifest.table, parts] if found.manifest else [parts]
    used = set(parts["path"].to_pylist())
    return replace(
        found,
        manifest=Manifest(pa.concat_tables(tables, promote_options="default"), root),
        missing=[row.stem for row in absent],
        extra=[name for name in found.extra if name not in used],
        absent=absent,
    )
