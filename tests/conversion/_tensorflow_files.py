"""Checkpoints for the tests: one of TensorFlow's own, and a writer after the formats' descriptions, not the reader."""

import struct
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pyarrow

RECORDED = Path(__file__).with_name("recorded") / "model.ckpt"
ARRAYS = {
    "beta1_power": np.array(0.9, np.float32),
    "empty": np.zeros((0, 3), np.float32),
    "flags": np.array([True, False, True]),
    "step": np.array(-7, np.int64),
    **{f"layer_{i}/weights/Adam": np.arange(i, dtype=np.float64) for i in range(20)},
    "über/half": np.array([[1.5, -2.0]], np.float16),
}

Change = Callable[[bytes], bytes]
CODES = {"f4": 1, "f8": 2, "i4": 3, "u1": 4, "i2": 5, "i1": 6, "c8": 8, "i8": 9, "b1": 10, "f2": 19}


def snappy(content: bytes) -> bytes:
    return pyarrow.compress(content, codec="snappy", asbytes=True)


def unchanged(content: bytes) -> bytes:
    return content


def _by_bits(octet: int) -> int:
    for _ in range(8):
        octet = octet >> 1 ^ (0x82F63B78 if octet & 1 else 0)
    return octet


REMAINDERS = [_by_bits(octet) for octet in range(256)]


def crc_by_bytes(data: bytes, crc: int = 0xFFFFFFFF) -> int:
    for octet in data:
        crc = crc >> 8 ^ REMAINDERS[crc & 255 ^ octet]
    return crc ^ 0xFFFFFFFF


def masked(data: bytes) -> bytes:
    crc = crc_by_bytes(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def varint(value: int) -> bytes:
    out = b""
    value %= 1 << 64
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def part(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content


def header(shards: int = 1, order: int = 0) -> bytes:
    return number(1, shards) + (number(2, order) if order else b"") + part(3, number(1, 1))


def shape_of(lengths: Iterable[int]) -> bytes:
    return part(2, b"".join(part(2, number(1, length)) for length in lengths))


def entry(code: int, lengths: Iterable[int], data: bytes, offset: int, shard: int = 0, **changes: int) -> bytes:
    size = changes.get("size", len(data))
    checksum = varint(6 << 3 | 5) + masked(data)
    return number(1, code) + shape_of(lengths) + number(3, shard) + number(4, offset) + number(5, size) + checksum


def block(items: Iterable[tuple[bytes, bytes]], every: int = 16) -> bytes:
    out, last, restarts = b"", b"", []
    for index, (key, value) in enumerate(items):
        shared = 0
        if index % every == 0:
            restarts.append(len(out))
        else:
            while shared < min(len(key), len(last)) and key[shared] == last[shared]:
                shared += 1
        out += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        last = key
    restarts = restarts or [0]
    return out + struct.pack(f"<{len(restarts) + 1}I", *restarts, len(restarts))


def sealed(content: bytes, compression: int = 0) -> bytes:
    content += bytes([compression])
    return content + masked(content)


def table(blocks: list[list[tuple[bytes, bytes]]], *, pack: Change | None = None, change: Change = unchanged) -> bytes:
    """A table of the items of each block; ``pack`` compresses blocks, ``change`` damages them before their checksum."""
    out, handles = b"", []
    for items in blocks:
        content = change(block(items))
        content = pack(content) if pack else content
        handles.append((items[-1][0] if items else b"", varint(len(out)) + varint(len(content))))
        out += sealed(content, 1 if pack else 0)
    places = []
    for content in (block([]), change(block(handles, every=1))):
        places.append(varint(len(out)) + varint(len(content)))
        out += sealed(content)
    return out + b"".join(places).ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)


def write(
    prefix: Path,
    arrays: dict[str, np.ndarray],
    *,
    shards: int = 1,
    per_block: int = 1000,
    order: str = "<",
    pack: Change | None = None,
    change: Change = unchanged,
) -> Path:
    """Write arrays in turn over the data files, and the index in blocks of ``per_block`` keys."""
    files = [b""] * shards
    items = [(b"", header(shards, int(order == ">")))]
    for index, (name, array) in enumerate(sorted(arrays.items())):
        data = array.astype(array.dtype.newbyteorder(order)).tobytes()
        shard = index % shards
        code = CODES[array.dtype.str[1:]]
        items.append((name.encode(), entry(code, array.shape, data, len(files[shard]), shard)))
        files[shard] += data
    blocks = [items[begin : begin + per_block] for begin in range(0, len(items), per_block)]
    return write_raw(prefix, table(blocks, pack=pack, change=change), files)


def write_raw(prefix: Path, index: bytes, files: list[bytes]) -> Path:
    prefix.with_name(f"{prefix.name}.index").write_bytes(index)
    for shard, data in enumerate(files):
        prefix.with_name(f"{prefix.name}.data-{shard:05d}-of-{len(files):05d}").write_bytes(data)
    return prefix
