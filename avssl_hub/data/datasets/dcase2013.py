"""Scene classification of the DCASE 2013 challenge (Stowell et al., 2015), which papers call DCASE2014."""

import re
from collections import defaultdict
from pathlib import Path, PurePosixPath

import pyarrow as pa

from ...errors import explain
from ..manifest import Manifest, ManifestError
from ..media_files import media_below
from ._match import Found

CLASSES = (
    "bus",
    "busystreet",
    "office",
    "openairmarket",
    "park",
    "quietstreet",
    "restaurant",
    "supermarket",
    "tube",
    "tubestation",
)
_PARTS = {"scenes_stereo": "train", "scenes_stereo_testset": "test"}
_EACH = 10  # recordings of a class in either part


def build(root: str | Path) -> Found:
    """Find the recordings by their places, since no list comes with them.

    The public development set, folder ``scenes_stereo``, is what papers train on, and ``scenes_stereo_testset`` what
    they test on. The class is a file's name without its two digits.

    Args:
        root: Folder that holds the two, anywhere below it.

    Raises:
        NoMediaError: ``root`` is no folder.
        ManifestError: Neither of the two is there, or a recording is there twice.
    """
    rows, numbers = [], defaultdict(dict)
    files = list(media_below(root))
    for path in map(PurePosixPath, files):
        part, named = _PARTS.get(path.parent.name), re.fullmatch(r"([a-z]+)(\d\d)", path.stem)
        if part is None or named is None or named[1] not in CLASSES:
            continue
        before = numbers[part, named[1]].setdefault(named[2], path)
        if before != path:
            got, step = f"both {before} and {path}", "Keep one of them, or name a narrower folder."
            raise ManifestError(explain(f"files in {root}", got, "one of each name", step))
        rows.append({"path": str(path), "label": named[1], "split": part})
    if not rows:
        got, rule = f"none (media files: {len(files)})", " and ".join(f"{name}/bus01.wav" for name in _PARTS)
        step = "Pass the folder that holds both folders."
        raise ManifestError(explain(f"recordings of DCASE 2013 in {root}", got, f"files such as {rule}", step))
    missing = [
        f"{folder}/{label}{number}"
        for folder, part in _PARTS.items()
        for label in CLASSES
        for number in _absent(numbers[part, label])
    ]
    return Found(
        Manifest(pa.Table.from_pylist(rows), root), len(rows) + len(missing), missing, 0, len(files) - len(rows)
    )


def _absent(there: dict[str, PurePosixPath]) -> list[str]:
    """Name as many of the numbers 01 to 10 as recordings lack, whatever the numbers of those that are there."""
    free = [f"{number:02d}" for number in range(1, _EACH + 1) if f"{number:02d}" not in there]
    return free[: max(0, _EACH - len(there))]
