"""Putting spatial metadata into mp4 and mov files, with all else in them as it was."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

import numpy as np

from avssl_hub.errors import InvalidValueError, explain
from avssl_hub.media._boxes import Box, Span, handler, is_boxed, sample_entries
from avssl_hub.media._source import MediaSource, Source, View
from avssl_hub.media._spherical_boxes import SPHERICAL_UUID, can_say, encode_sa3d, encode_sv3d, encode_xml
from avssl_hub.media.errors import MediaWriteError, SpatialMetadataError
from avssl_hub.media.spherical import EQUIRECTANGULAR, STEREO, SpatialAudio, SphericalVideo
from avssl_hub.media.spherical_read import open_index
from avssl_hub.outputs import replacing

_BLOCK = 1 << 20

# Where the tables of a track lie that say where its samples are.
_TABLES = (b"trak", b"mdia", b"minf", b"stbl")

# How chunks' places are stored there.
_CHUNKS = {b"stco": ">u4", b"co64": ">u8"}

# These hold places in the file too, in ways that are not mended here.
_OTHER_PLACES = {b"moof", b"mfra", b"meta"}

# Boxes of a picture's sample entry: those of version 2, and those that it has to stand before.
_VERSION_2 = (b"st3d", b"sv3d")
_LATE = (b"clap", b"pasp")


def write_spatial_metadata(
    source: str | os.PathLike,
    destination: str | os.PathLike,
    video: SphericalVideo | None = None,
    audio: SpatialAudio | None = None,
    *,
    like: MediaSource | None = None,
    overwrite: bool = False,
) -> Path:
    """Copy an mp4 or mov file, its spatial metadata replaced; pictures, sounds and all other boxes stay as they are.

    ``video`` goes to the first picture track, in Google's version 2 and, where that can say it, in version 1, for
    players of old; ``audio`` to the first sound track as an ``SA3D`` box. Memory does not grow with the file.

    Args:
        source: The file.
        destination: Where to write; appears when complete. It may be the file itself, if ``overwrite``.
        video: How the picture covers the sphere; None leaves what is said of it.
        audio: What the channels of the sound are; None leaves what is said of it.
        like: An mp4 or mov file whose own words on its picture are said again, byte for byte, in place of ``video``.
        overwrite: Replace a file that is there.

    Returns:
        The path written.

    Raises:
        InvalidValueError: Something is to be said that the boxes have no words for.
        MediaOpenError: There is no such file, or it is empty.
        SpatialMetadataError: It is no mp4 or mov file, its index is missing, cut or damaged, it lacks the track,
            or it is stored in fragments.
        MediaWriteError: The destination exists already.
        OutputError: It cannot be written.
    """
    _check(video, audio)
    destination = Path(destination)
    if destination.exists() and not overwrite:
        step = "Choose another name, or pass overwrite=True to replace it."
        raise MediaWriteError(
            explain(f"cannot write {str(destination)!r}", "a file that exists already", "a new name", step),
            str(destination),
        )
    with closing(Source(source)) as opened:
        file = opened.view()
        if not is_boxed(file):
            raise _refused(opened.name, "a file of another kind", "an mp4 or mov file", "prepare_media() makes one.")
        index = open_index(file, opened.name)
        moov, span = index.moov, index.span
        if video or like:
            version_1, version_2 = _said(like) if like else _words(video)
            _describe(_first_track(moov, b"vide", opened.name), version_1, version_2, opened.name)
        if audio:
            _name_channels(_first_track(moov, b"soun", opened.name), audio, opened.name)
        elsewhere = index.kinds & _OTHER_PLACES or any(moov.find(*_TABLES, b"saio"))
        if span.end < file.size and elsewhere:
            got, step = "fragments or encrypted samples behind its index", "prepare_media() makes one without."
            raise _refused(opened.name, got, "a file without either", step)
        _move_chunks(moov, span, opened.name)
        with replacing(destination) as partial, open(partial, "wb") as out:
            _copy(file, 0, span.begin, out)
            out.write(moov.encode())
            _copy(file, span.end, file.size, out)
    return destination


def _check(video: SphericalVideo | None, audio: SpatialAudio | None) -> None:
    if video and video.stereo not in STEREO:
        raise InvalidValueError(explain("stereo", repr(video.stereo), f"one of {', '.join(STEREO)}"))
    if video and not can_say(video):
        got = f"{video.projection!r} with {len(video.details)} bytes of details"
        raise InvalidValueError(explain("projection", got, "equirectangular, or one with its own box as details"))
    if audio and (audio.ordering, audio.normalization) != ("acn", "sn3d"):
        got = f"{audio.ordering} and {audio.normalization}"
        raise InvalidValueError(explain("spatial audio", got, "acn and sn3d", "Convert the sound first."))
    if audio and len(audio.channel_map) != (audio.order + 1) ** 2 + 2 * audio.head_locked:
        got = f"{len(audio.channel_map)} channels of order {audio.order}"
        raise InvalidValueError(explain("spatial audio", got, "(order + 1)² channels, and two if head_locked"))


def _first_track(moov: Box, kind: bytes, name: str) -> Box:
    track = next((track for track in moov.find(b"trak") if handler(track) == kind), None)
    if track is None or not any(sample_entries(track)):
        what = "picture" if kind == b"vide" else "sound"
        raise _refused(name, f"no {what} track", f"one with a {what} track", "Leave out what is said of it.")
    return track


def _words(video: SphericalVideo) -> tuple[list[Box], list[Box]]:
    """Say how a picture covers the sphere in version 1, if that can, and in version 2."""
    in_both = video.projection == EQUIRECTANGULAR and not any(video.bounds)
    return [encode_xml(video)] if in_both else [], encode_sv3d(video)


def _said(source: MediaSource) -> tuple[list[Box], list[Box]]:
    """Give the boxes in which a file says that."""
    with closing(Source(source)) as opened:
        track = _first_track(open_index(opened.view(), opened.name).moov, b"vide", opened.name)
    entry = next(_entries(track, opened.name))
    return list(filter(_is_version_1, track.children)), [box for box in entry.children if box.kind in _VERSION_2]


def _is_version_1(box: Box) -> bool:
    return box.kind == b"uuid" and box.head[:16] == SPHERICAL_UUID


def _describe(track: Box, version_1: list[Box], version_2: list[Box], name: str) -> None:
    track.children = [*(box for box in track.children if not _is_version_1(box)), *version_1]
    for entry in _entries(track, name):
        kept = [box for box in entry.children if box.kind not in _VERSION_2]
        place = next((number for number, box in enumerate(kept) if box.kind in _LATE), len(kept))
        entry.children = [*kept[:place], *version_2, *kept[place:]]


def _name_channels(track: Box, audio: SpatialAudio, name: str) -> None:
    for entry in _entries(track, name):
        entry.children = [*(box for box in entry.children if box.kind != b"SA3D"), encode_sa3d(audio)]


def _entries(track: Box, name: str) -> Iterator[Box]:
    for entry in sample_entries(track):
        if entry.children is None:
            raise _refused(name, "a sample entry that is cut", "whole ones", "prepare_media() makes such a file.")
        yield entry


def _move_chunks(moov: Box, index: Span, name: str) -> None:
    """Mend the places of what lies behind the index by how much that grew."""
    tables = [box for kind in _CHUNKS for box in moov.find(*_TABLES, kind)]
    places = [_read_places(box, name) for box in tables]
    growth = len(moov.encode()) - (index.end - index.begin)
    narrow = sum(len(found) for box, found in zip(tables, places) if box.kind == b"stco")
    last = max(
        (int(found.max()) for box, found in zip(tables, places) if box.kind == b"stco" and len(found)), default=0
    )
    if narrow and last + growth + 4 * narrow >= 1 << 32:
        # Wider numbers make the index grow once more.
        growth += 4 * narrow
        for box in tables:
            box.kind = b"co64"
    for box, found in zip(tables, places):
        moved = np.where(found >= index.end, found + growth, found)
        box.head = bytes(box.head[:8]) + moved.astype(_CHUNKS[box.kind]).tobytes()


def _read_places(box: Box, name: str) -> np.ndarray:
    number = np.dtype(_CHUNKS[box.kind])
    count = int.from_bytes(box.head[4:8], "big")
    if len(box.head) != 8 + count * number.itemsize:
        got = f"a table of {count} chunks in {len(box.head)} bytes"
        raise _refused(name, got, "whole tables", "Fetch or export the file again.")
    return np.frombuffer(box.head, number, count, 8).astype(np.int64)


def _copy(file: View, begin: int, end: int, out: BinaryIO) -> None:
    file.seek(begin)
    while begin < end and (block := file.read(min(_BLOCK, end - begin))):
        out.write(block)
        begin += len(block)


def _refused(name: str, got: str, expected: str, step: str) -> SpatialMetadataError:
    return SpatialMetadataError(explain(f"putting spatial metadata into {name!r}", got, expected, step), name)
