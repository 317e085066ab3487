"""Reading spatial metadata off mp4 and mov files."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

from avssl_hub.errors import explain
from avssl_hub.media._boxes import BadBoxesError, Box, Span, handler, is_boxed, outermost, read_index, sample_entries
from avssl_hub.media._source import MediaSource, Source, View
from avssl_hub.media._spherical_boxes import (
    SPHERICAL_UUID,
    NotUnderstoodError,
    decode_sa3d,
    decode_sv3d,
    decode_xml,
)
from avssl_hub.media.errors import SpatialMetadataError
from avssl_hub.media.spherical import SpatialMetadata

FoundT = TypeVar("FoundT")


def read_spatial_metadata(source: MediaSource) -> SpatialMetadata:
    """Read how a film's picture covers the sphere, and whether its sound is ambisonic.

    Of Google's two versions of spherical metadata the second counts where both are there. A file that is no mp4 or
    mov, or has none, gives an empty answer. Only the file's index is read.

    Args:
        source: Path, bytes, or a seekable binary file object (left open).

    Raises:
        MediaOpenError: There is no such file, or it is empty.
        SpatialMetadataError: It is an mp4 or mov file whose index is missing, cut or damaged.

    Example:
        >>> read_spatial_metadata("street360.mp4").video.projection  # doctest: +SKIP
        'equirectangular'
    """
    with closing(Source(source)) as opened:
        file = opened.view()
        if not is_boxed(file):
            return SpatialMetadata(notes=("no mp4 or mov file: spatial metadata of others is not read",))
        moov = open_index(file, opened.name).moov
    notes: list[str] = []
    tracks = list(moov.find(b"trak"))
    return SpatialMetadata(
        next((found for track in tracks if handler(track) == b"vide" for found in _spherical(track, notes)), None),
        next((found for track in tracks if handler(track) == b"soun" for found in _ambisonic(track, notes)), None),
        tuple(notes),
    )


@dataclass(frozen=True)
class Index:
    """A file's index.

    Attributes:
        span: Where it lies.
        moov: What it holds.
        kinds: Kinds of the file's outermost boxes.
    """

    span: Span
    moov: Box
    kinds: frozenset[bytes]


def open_index(file: View, name: str) -> Index:
    """Read a file's index.

    Raises:
        SpatialMetadataError: It is missing, cut or damaged.
    """
    span, kinds, got = None, set(), "no index"
    try:
        for found in outermost(file, file.size):
            kinds.add(found.kind)
            if found.kind == b"moov" and span is None:
                span = found
    except BadBoxesError as error:
        # What lies behind the index does not matter for reading it.
        got = str(error)
    try:
        if span:
            return Index(span, read_index(file, span, file.size), frozenset(kinds))
    except BadBoxesError as error:
        got = str(error)
    what, step = f"reading the boxes of {name!r}", "Fetch or export the file again, or prepare_media() it, if it plays."
    raise SpatialMetadataError(explain(what, got, "an index, moov, of whole boxes", step), name)


def _spherical(track: Box, notes: list[str]) -> Iterator:
    for entry in sample_entries(track):
        yield from _understood(decode_sv3d, entry, notes)
    for box in track.find(b"uuid"):
        if box.head[:16] == SPHERICAL_UUID:
            yield from _understood(decode_xml, box, notes)


def _ambisonic(track: Box, notes: list[str]) -> Iterator:
    for entry in sample_entries(track):
        for box in entry.find(b"SA3D"):
            yield from _understood(decode_sa3d, box, notes)


def _understood(decode: Callable[[Box], FoundT | None], box: Box, notes: list[str]) -> Iterator[FoundT]:
    """Give what a box says, if it says something; note it, if it cannot be understood."""
    try:
        found = decode(box)
    except NotUnderstoodError as error:
        notes.append(f"{error}, taken for none")
        return
    if found is not None:
        yield found
