"""Lists that divide the same videos into training and test set three times."""

from collections.abc import Iterable, Iterator
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
        label: Its class.
        group: The recording it was cut from; the clips of one look alike.
        number: Which split the list is of.
        part: "train" or "test", or None for a video that this split leaves out.
    """

    place: str
    stem: str
    label: str
    group: str
    number: str
    part: str | None


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
    rows: dict[str, tuple[str, str, dict[str, str | None]]] = {}
    for line in lines:
        label, _, parts = rows.setdefault(line.stem, (line.label, line.group, {}))
        before = parts.setdefault(line.number, line.part)
        if (label, before) != (line.label, line.part):
            got = f"{line.stem!r} of class {line.label!r} in {line.part}, after {label!r} in {before} of the same split"
            raise ManifestError(explain(line.place, got, "one class, and one part of each split, for every video"))
    for stem, (label, group, parts) in rows.items():
        if split is None:
            yield Listed(stem, label, columns={"group": group, **{f"split{n}": parts.get(n) for n in NUMBERS}})
        elif parts.get(split):
            yield Listed(stem, label, parts[split], {"group": group})
