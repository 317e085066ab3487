"""Lists that divide the same videos into training and test set three times."""

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from ...errors import explain, unknown_name
from ..manifest import ManifestError
from ._match import Listed

NUMBERS = ("1", "2", "3")


class SplitLine(NamedTuple):
    """A line of one of the lists.

    Attributes:
        place: What messages call the line.
        stem: The video's name without folder and suffix.
        label: Its class, if it has one.
        group: The recording it was cut from, if it was; the clips of one look alike.
        number: Which split the list is of.
        part: "train" or "test", or None for a video that this split leaves out.
    """

    place: str
    stem: str
    label: str | None
    group: str | None
    number: str
    part: str | None


def folder_of_lists(folder: str | Path, pattern: str, rule: str) -> Path:
    """Return the folder if it holds lists.

    Args:
        folder: Where they should be.
        pattern: The names of some of them, as a glob.
        rule: What they are called, for messages.

    Raises:
        ManifestError: There is none; the text names a folder near that has them.
    """
    folder = Path(folder)
    if any(folder.glob(pattern)):
        return folder
    near = next(chain(folder.glob(f"*/{pattern}"), folder.glob(f"*/*/{pattern}"), folder.parent.glob(pattern)), None)
    step = f"Did you mean {near.parent}?" if near else "Is this the folder of the official lists of this data set?"
    raise ManifestError(explain(f"reading lists in {folder}", f"no {pattern}", rule, step))


def listed(lines: Iterable[SplitLine], split: str | None) -> Iterator[Listed]:
    """Bring the lines of all lists together, a row a video.

    Args:
        lines: The lines.
        split: "1", "2" or "3" gives a column ``split`` with the parts of that one; None gives ``split1`` to ``split3``.

    Raises:
        ManifestError: A line contradicts another about a video.
        UnknownNameError: There is no such split.
    """
    if split is not None and split not in NUMBERS:
        raise unknown_name("official split", split, NUMBERS)
    rows: dict[str, tuple[SplitLine, dict[str, SplitLine]]] = {}
    for line in lines:
        first, parts = rows.setdefault(line.stem, (line, {}))
        before = parts.setdefault(line.number, line)
        if first.label != line.label or before.part != line.part:
            other = before if before.part != line.part else first
            got = f"{line.stem!r} of class {line.label!r} in {line.part or 'no part'}"
            rule = f"class {other.label!r} in {other.part or 'no part'}, as {other.place} says"
            raise ManifestError(explain(line.place, got, rule, "Is one the list of another class or split?"))
    for stem, (line, parts) in rows.items():
        if split is None:
            sides = {f"split{number}": parts[number].part if number in parts else None for number in NUMBERS}
            yield Listed(line.place, stem, line.label, columns={"group": line.group, **sides})
        elif split in parts and parts[split].part:
            yield Listed(line.place, stem, line.label, parts[split].part, {"group": line.group})
