"""The boxes of mp4 and mov files (ISO/IEC 14496-12): a file's index as a tree, to change and to write again.

Only boxes on the way to what is looked for are taken apart; all others stay the bytes they are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from struct import pack, unpack_from
from typing import BinaryIO

# An mp4 or mov file begins with one of these.
_FIRST = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"styp")

# What is in a box: the boxes that are taken apart, by the one they lie in.
_INSIDE = {
    b"": (b"moov",),
    b"moov": (b"trak",),
    b"trak": (b"mdia",),
    b"mdia": (b"minf",),
    b"minf": (b"stbl",),
    b"stbl": (b"stsd",),
    b"sv3d": (b"proj",),
}

# Bytes of a sample entry before its boxes, by the kind of its track; QuickTime's later sound entries have more.
_ENTRY_HEADS = {b"vide": 78, b"soun": 28}
_SOUND_HEADS_BY_VERSION = {1: 44, 2: 64}

# More than the index of a day of film needs; a file that says otherwise is damaged, or made to hurt.
LARGEST_INDEX = 256 << 20
_MOST_BOXES = 100_000

# A film in fragments has two for every few frames.
_MOST_OUTERMOST = 1_000_000


class BadBoxesError(Exception):
    """A file whose boxes do not fit in each other; the text says where, and is for an error to tell."""


@dataclass
class Box:
    """One box.

    Attributes:
        kind: Its four letters.
        head: What comes before the boxes in it; all there is, if it is not taken apart.
        children: The boxes in it; None if it is not taken apart.
        tail: What comes after them: padding, mostly.
    """

    kind: bytes
    head: bytes | memoryview = b""
    children: list["Box"] | None = None
    tail: bytes | memoryview = b""

    def encode(self) -> bytes:
        """Write the box."""
        body = b"".join((self.head, *(child.encode() for child in self.children or ()), self.tail))
        if len(body) + 8 < 1 << 32:
            return pack(">I4s", len(body) + 8, self.kind) + body
        return pack(">I4sQ", 1, self.kind, len(body) + 16) + body

    def find(self, *path: bytes) -> Iterator["Box"]:
        """Find the boxes at a path below this one."""
        for child in self.children or ():
            if child.kind == path[0]:
                if len(path) == 1:
                    yield child
                else:
                    yield from child.find(*path[1:])


@dataclass(frozen=True)
class Span:
    """Where a box of the outermost level lies in its file, in bytes; a cut file ends before ``end``."""

    kind: bytes
    begin: int
    head: int
    end: int


def is_boxed(file: BinaryIO) -> bool:
    """Whether a file looks like an mp4 or mov file."""
    file.seek(4)
    return file.read(4) in _FIRST


def outermost(file: BinaryIO, size: int) -> Iterator[Span]:
    """List the outermost boxes of a file of ``size`` bytes.

    Raises:
        BadBoxesError: There is something that cannot be one, or there are too many.
    """
    begin, budget = 0, _Budget(_MOST_OUTERMOST)
    while begin < size:
        budget.spend()
        file.seek(begin)
        head, length, kind = _header(file.read(16), size - begin, f"byte {begin}")
        yield Span(kind, begin, head, begin + length)
        begin += length


def read_index(file: BinaryIO, span: Span, size: int) -> Box:
    """Read the box ``moov``, and take it apart.

    Raises:
        BadBoxesError: It is cut, damaged, or too large to be true.
    """
    if span.end > size:
        raise BadBoxesError(f"an index cut {span.end - size} bytes before its end")
    if span.end - span.begin > LARGEST_INDEX:
        raise BadBoxesError(f"an index of {span.end - span.begin} bytes")
    file.seek(span.begin + span.head)
    budget = _Budget(_MOST_BOXES)
    content = memoryview(file.read(span.end - span.begin - span.head))
    moov = Box(b"moov", *_parse(content, b"moov", budget))
    for track in moov.find(b"trak"):
        kind = handler(track)
        for description in track.find(b"mdia", b"minf", b"stbl", b"stsd"):
            _open_entries(description, kind, budget)
    return moov


def handler(track: Box) -> bytes:
    """Tell what a track is of: ``b"vide"``, ``b"soun"`` or another kind."""
    return next((box.head[8:12] for box in track.find(b"mdia", b"hdlr")), b"")


def sample_entries(track: Box) -> Iterator[Box]:
    """List the sample entries of a track, which say how its samples are coded."""
    for description in track.find(b"mdia", b"minf", b"stbl", b"stsd"):
        yield from description.children


class _Budget:
    """How many boxes may be looked at."""

    def __init__(self, most: int):
        self._most = self._left = most

    def spend(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise BadBoxesError(f"more than {self._most} boxes")


def _header(start: bytes, room: int, place: str) -> tuple[int, int, bytes]:
    """Read a box's header: its length, that of the box, and the kind."""
    if len(start) < 8 or room < 8:
        raise BadBoxesError(f"{room} bytes at {place} that are too few for a box")
    length, kind = unpack_from(">I4s", start)
    head = 8
    if length == 1 and len(start) >= 16:
        length, head = unpack_from(">Q", start, 8)[0], 16
    elif length == 0:
        length = room
    if length < head:
        raise BadBoxesError(f"a box of {length} bytes at {place}")
    return head, length, kind


def _parse(content: memoryview, kind: bytes, budget: _Budget) -> tuple[bytes, list[Box], memoryview]:
    """Take apart what is in a box that holds nothing but boxes: head, children, tail."""
    children, at = [], 0
    # QuickTime ends some lists of boxes by four zeros.
    while len(content) - at >= 8:
        head, length, child = _header(content[at : at + 16], len(content) - at, f"byte {at} of {_word(kind)}")
        if length > len(content) - at:
            raise BadBoxesError(f"a box {_word(child)} of {length} bytes in {len(content) - at} of {_word(kind)}")
        budget.spend()
        body = content[at + head : at + length]
        if child == b"stsd" and kind == b"stbl":
            children.append(_descriptions(body, budget))
        elif child in _INSIDE.get(kind, ()):
            children.append(Box(child, *_parse(body, child, budget)))
        else:
            children.append(Box(child, body))
        at += length
    return b"", children, content[at:]


def _descriptions(body: memoryview, budget: _Budget) -> Box:
    _, entries, tail = _parse(body[8:], b"stsd", budget)
    return Box(b"stsd", body[:8], entries, tail)


def _open_entries(description: Box, kind: bytes, budget: _Budget) -> None:
    """Take apart sample entries; one that does not follow the rule stays as it is."""
    if kind not in _ENTRY_HEADS:
        return
    for entry in description.children:
        head = _ENTRY_HEADS[kind]
        if kind == b"soun" and len(entry.head) >= head and description.head[:1] == b"\0":
            (version,) = unpack_from(">H", entry.head, 8)
            head = _SOUND_HEADS_BY_VERSION.get(version, head)
        try:
            _, children, tail = _parse(entry.head[head:], entry.kind, budget)
            children = [
                Box(b"sv3d", *_parse(child.head, b"sv3d", budget)) if child.kind == b"sv3d" else child
                for child in children
            ]
        except BadBoxesError:
            continue
        if len(entry.head) >= head:
            entry.head, entry.children, entry.tail = entry.head[:head], children, tail


def _word(kind: bytes) -> str:
    return repr(kind.decode("latin-1"))
