"""Sorted tables of LevelDB's format, the index of a checkpoint: blocks of keys that share prefixes, under checksums."""

from collections.abc import Iterator
from pathlib import Path

from avssl_hub.errors import explain

from .crc32c import crc32c, unmask
from .errors import AGAIN, ChecksumError, Malformed, TruncatedError, UnsupportedError, naming
from .snappy import decompress
from .wire import Cursor

_MARK = bytes.fromhex("57fb808b247547db")
_FOOTER = 48  # bytes: two handles, padding and the mark
_TRAILER = 5  # bytes after a block: its compression and its checksum
# TensorFlow writes every 16th key in full, so true keys share far less; without a limit few bytes would make gigabytes.
_MOST_SHARED = 64


def ends_as_table(path: Path) -> bool:
    """Whether a file ends with the mark of a table."""
    with naming(f"reading {path}"), open(path, "rb") as file:
        file.seek(max(path.stat().st_size - _FOOTER, 0))
        end = file.read()
    return len(end) == _FOOTER and end.endswith(_MARK)


def read_table(path: Path) -> dict[bytes, bytes]:
    """Read all keys and values of a table, every checksum verified.

    Raises:
        TruncatedError: The mark at the end of a table is not there.
        ChecksumError: A block is not what was written.
        CorruptError: The bytes are no table, or its keys are not in order.
        UnsupportedError: A block is compressed in another way than by Snappy.
    """
    if not ends_as_table(path):
        got = f"{path.stat().st_size} bytes that do not end as an index does"
        raise TruncatedError(explain(f"reading {path}", got, "a whole index of a TensorFlow checkpoint", AGAIN))
    with naming(f"reading {path}"):
        return _read(path.read_bytes(), path)


def _read(data: bytes, path: Path) -> dict[bytes, bytes]:
    footer = Cursor(data[-_FOOTER:])
    _handle(footer)  # of a block about blocks, which TensorFlow leaves empty
    index, _ = _block(data, *_handle(footer), path)
    table, last, room, free = {}, None, _MOST_SHARED * len(data), 0
    for _, handle in _entries(index):
        offset, size = _handle(Cursor(handle))
        if offset < free:
            raise Malformed(f"a block at {offset} before {free}", "blocks one after the other")
        block, free = _block(data, offset, size, path)
        for key, value in _entries(block):
            if last is not None and key <= last:
                raise Malformed(f"key {key[:80]!r} after {last[:80]!r}", "each key once, in rising order")
            room -= len(key)
            if room < 0:
                raise Malformed(f"keys {_MOST_SHARED} times as long as the file", "keys that share less")
            table[key] = value
            last = key
    return table


def _handle(cursor: Cursor) -> tuple[int, int]:
    return cursor.varint(), cursor.varint()


def _block(data: bytes, offset: int, size: int, path: Path) -> tuple[bytes, int]:
    """A block decompressed, and where the bytes after it begin."""
    end = offset + size + _TRAILER
    if end > len(data) - _FOOTER:
        raise Malformed(f"a block of {size} bytes at {offset}", f"blocks within {len(data) - _FOOTER} bytes")
    checked, stored = data[offset : end - 4], int.from_bytes(data[end - 4 : end], "little")
    if crc32c(checked) != unmask(stored):
        got = f"CRC-32C {crc32c(checked):08x} for the block at {offset}"
        raise ChecksumError(explain(f"reading {path}", got, f"{unmask(stored):08x}, as written", AGAIN))
    content, compression = checked[:-1], checked[-1]
    if compression > 1:
        got = f"compression {compression} in the block at {offset}"
        raise UnsupportedError(explain(f"reading {path}", got, "none (0) or Snappy (1)"))
    return (decompress(content) if compression else content), end


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    # The places where keys are written in full serve searching only; they end the block.
    restarts = int.from_bytes(block[-4:], "little")
    end = len(block) - 4 * (restarts + 1)
    if len(block) < 4 or end < 0:
        raise Malformed(f"a block of {len(block)} bytes", "room for the list at its end")
    cursor, key = Cursor(block[:end]), b""
    while cursor:
        shared, own, size = cursor.varint(), cursor.varint(), cursor.varint()
        if shared > len(key):
            raise Malformed(f"a key sharing {shared} bytes with one of {len(key)}", "at most those")
        key = key[:shared] + cursor.take(own)
        yield key, cursor.take(size)
