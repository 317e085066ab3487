"""Scene classification of the DCASE 2013 challenge (Stowell et al., 2015), which papers call DCASE2014."""

import re
from collections import defaultdict
from pathlib import Path, PurePosixPath

from ...errors import explain
from ..manifest import Manifest, ManifestError
from ._match import Found, Listed, copy_of, folder_of, joined

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


def build(root: str | Path | Manifest) -> Found:
    """Find the recordings by their places, since no list comes with them.

    The public development set, folder ``scenes_stereo``, is what papers train on, and ``scenes_stereo_testset`` what
    they test on. The class is a file's name without its two digits.

    Args:
        root: Folder that holds the two, anywhere below it; or a data set with splits "train" and "test".

    Raises:
        NoMediaError: ``root`` is no folder.
        ManifestError: Neither of the two is there, or a recording is there twice.
    """
    places, names = copy_of(root)
    rows, there = [], defaultdict(dict)
    for row, (name, part) in enumerate(zip(names, _parts(root, names))):
        named = re.fullmatch(r"([a-z]+)(\d\d)", PurePosixPath(name).stem)
        if part is None or named is None or named[1] not in CLASSES:
            continue
        before = there[part, named[1]].setdefault(named[2], name)
        if before is not name:
            got, step = f"both {before} and {name}", "Keep one of them, or name a narrower folder."
            raise ManifestError(explain(f"files in {folder_of(root)}", got, "one of each name", step))
        rows.append((row, Listed(name, name, named[1], part)))
    if not rows:
        rule = " and ".join(f"{folder}/bus01.wav" for folder in _PARTS)
        got, step = f"none (media files: {len(names)})", "Pass the folder that holds both folders."
        raise ManifestError(
            explain(f"recordings of DCASE 2013 in {folder_of(root)}", got, f"files such as {rule}", step)
        )
    missing = [
        f"{folder}/{label}{number}"
        for folder, part in _PARTS.items()
        for label in CLASSES
        for number in _absent(there[part, label])
    ]
    manifest = joined(places, rows, folder_of(root))
    used = {row for row, _ in rows}
    extra = [name for row, name in enumerate(names) if row not in used]
    return Found(manifest, len(rows) + len(missing), missing, 0, extra)


def _parts(root: str | Path | Manifest, names: list[str]) -> list[str | None]:
    if isinstance(root, Manifest):
        splits = root.column("split").to_pylist() if "split" in root.columns else [None] * len(root)
        return [split if split in _PARTS.values() else None for split in splits]
    return [_PARTS.get(PurePosixPath(name).parent.name) for name in names]


def _absent(there: dict[str, str]) -> list[str]:
    """Name as many of the numbers 01 to 10 as recordings lack, whatever the numbers of those that are there."""
    free = [f"{number:02d}" for number in range(1, _EACH + 1) if f"{number:02d}" not in there]
    return free[: max(0, _EACH - len(there))]
