"""HMDB-51 (Kuehne et al., 2011): 6,766 videos of 51 actions, with three official splits."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from ...errors import explain
from ..manifest import Manifest, ManifestError
from ._lists import read_words
from ._match import Found, match
from ._three_splits import NUMBERS, SplitLine, folder_of_lists, listed

_PARTS = {"0": None, "1": "train", "2": "test"}


def build(root: str | Path | Manifest, listing: str | Path, split: str | None = None) -> Found:
    """Find the videos of the official lists.

    The column ``group`` is the part of a video's name before its class, which is that of the film it was cut from.

    Args:
        root: Folder of the videos, in any folders below it and with any suffix.
        listing: The folder ``testTrainMulti_7030_splits`` of ``<class>_test_split<number>.txt``, three for each class.
        split: "1", "2" or "3" gives a column ``split`` and leaves out the videos it does not use; None gives
            ``split1`` to ``split3``, empty where a split does not use a video.

    Raises:
        NoMediaError: ``root`` is no folder.
        ManifestError: A list is missing or has a bad line.
        UnknownNameError: There is no such split.
    """
    return match(listed(_lines(Path(listing)), split), root)


def _lines(folder: Path) -> Iterator[SplitLine]:
    folder = folder_of_lists(folder, "*_test_split?.txt", "<class>_test_split1.txt to <class>_test_split3.txt")
    classes = sorted({path.name.rpartition("_test_split")[0] for path in folder.glob("*_test_split?.txt")})
    for label in classes:
        for number in NUMBERS:
            path, rule = folder / f"{label}_test_split{number}.txt", "a video and 0 (not used), 1 (train) or 2 (test)"
            lines = list(read_words(path, 2, rule))
            if not lines:
                raise ManifestError(explain(f"list {path}", "no line", f"the videos of class {label!r}"))
            for place, (video, code) in lines:
                if code not in _PARTS:
                    raise ManifestError(explain(place, f"code {code!r}", rule))
                stem = PurePosixPath(video).stem
                group = stem.rpartition(f"_{label}_")[0] or stem
                yield SplitLine(place, stem, label, group, number, _PARTS[code])
