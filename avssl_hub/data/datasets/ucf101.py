"""UCF-101 (Soomro et al., 2012): 13,320 videos of 101 actions, with three official splits."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from ...errors import explain, unknown_name
from ..manifest import Manifest, ManifestError
from ._lists import read_words
from ._match import Found, match
from ._three_splits import NUMBERS, SplitLine, folder_of_lists, listed


def build(root: str | Path | Manifest, listing: str | Path, split: str | None = None) -> Found:
    """Find the videos of the official lists.

    The class is the folder of a list's entry: files of ``HandstandPushups`` are called ``v_HandStandPushups_...``.
    The column ``group`` is the scene a video was cut from, of 25 a class: its name up to ``_g01`` and so on.

    Args:
        root: Folder of the videos, in any folders below it and with any suffix.
        listing: The folder ``ucfTrainTestlist`` of ``classInd.txt``, ``trainlist01.txt`` and the five others.
        split: "1", "2" or "3" gives a column ``split``; None gives ``split1`` to ``split3``.

    Raises:
        NoMediaError: ``root`` is no folder.
        ManifestError: A list is missing or has a bad line.
        UnknownNameError: There is no such split, or a class is not in ``classInd.txt``.
    """
    return match(listed(_lines(Path(listing)), split), root)


def _lines(folder: Path) -> Iterator[SplitLine]:
    folder = folder_of_lists(folder, "classInd.txt", "classInd.txt, trainlist01.txt, testlist01.txt and so on")
    classes, places = _classes(folder / "classInd.txt")
    for number in NUMBERS:
        for part, words, rule in (("train", 2, "a video and its class number"), ("test", 1, "a video")):
            for place, (video, *rest) in read_words(folder / f"{part}list0{number}.txt", words, rule):
                label, stem = PurePosixPath(video).parent.name, PurePosixPath(video).stem
                places.pop(label, None)
                if label not in classes:
                    raise unknown_name(f"class in {place}", label, classes)
                if rest and rest[0] != classes[label]:
                    raise ManifestError(explain(place, f"class number {rest[0]}", f"{classes[label]}, that of {label}"))
                yield SplitLine(place, stem, label, stem.rpartition("_c")[0] or stem, number, part)
    for label, place in places.items():
        raise ManifestError(explain(place, f"class {label!r} without a video in any list", "some of every class"))


def _classes(path: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Read the number of each class, and what messages call its line."""
    numbers: dict[str, str] = {}
    places: dict[str, str] = {}
    for place, (number, name) in read_words(path, 2, "a number and a class"):
        if name in numbers or number in numbers.values():
            raise ManifestError(explain(place, f"{number} {name}", "each number and class once"))
        numbers[name], places[name] = number, place
    return numbers, places
