"""Tables of LevelDB's format: blocks made by hand, and such as should cost memory or time without end."""

import struct
import tracemalloc

import pytest

from conversion._tensorflow.errors import CorruptError, TruncatedError, UnsupportedError
from conversion._tensorflow.table import read_table

from ._tensorflow_files import block, sealed, table, varint


def file_of(folder, content, handles, index=None):
    """A file with this content, and an index of places in it: last key, offset, size."""
    index = block([(key, varint(offset) + varint(size)) for key, offset, size in handles]) if index is None else index
    footer = varint(0) + varint(0) + varint(len(content)) + varint(len(index))
    path = folder / "model.index"
    path.write_bytes(content + sealed(index) + footer.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57))
    return path


def test_keys_that_share_prefixes(tmp_path):
    # Shared length, own length, length of the value, key, value; then the one place of a full key, and their number.
    content = b"\0\4\2" + b"neta" + b"v0" + b"\3\1\1" + b"b" + b"1" + b"\1\2\0" + b"ow" + struct.pack("<II", 0, 1)
    path = file_of(tmp_path, sealed(content), [(b"now", 0, len(content))])
    assert read_table(path) == {b"neta": b"v0", b"netb": b"1", b"now": b""}


def test_several_blocks(tmp_path):
    items = [(f"layer/{i:03d}".encode(), bytes([i])) for i in range(100)]
    path = tmp_path / "model.index"
    path.write_bytes(table([items[:33], items[33:34], items[34:]]))
    assert read_table(path) == dict(items)


BLOCK = block([(b"a", b"")])


@pytest.mark.parametrize(
    ("content", "size", "got"),
    [
        (BLOCK, 1 << 40, f"a block of {1 << 40} bytes at 0"),
        (BLOCK, len(BLOCK) + 100, f"a block of {len(BLOCK) + 100} bytes at 0"),
        (b"", 0, "a block of 0 bytes"),
        (b"\0\0\0", 3, "a block of 3 bytes"),
        (b"\xff\xff\xff\xff", 4, "a block of 4 bytes"),
        (b"\2\1\0" + b"a" + BLOCK[-8:], 12, "a key sharing 2 bytes with one of 0"),
        (b"\0\x7f\0" + b"a" + BLOCK[-8:], 12, "a part of 127 bytes where 1 are left"),
        (b"\0\1\x7f" + b"a" + BLOCK[-8:], 12, "a part of 127 bytes where 0 are left"),
        (b"\0\1\xff" + BLOCK[-8:], 11, "a part of 1 bytes where 0 are left"),
    ],
)
def test_blocks_that_cannot_be(tmp_path, content, size, got):
    with pytest.raises(CorruptError) as caught:
        read_table(file_of(tmp_path, sealed(content), [(b"a", 0, size)]))
    assert got in str(caught.value)


def test_a_place_that_is_cut(tmp_path):
    with pytest.raises(CorruptError, match="a part of 1 bytes where 0 are left"):
        read_table(file_of(tmp_path, sealed(BLOCK), [], block([(b"a", b"\x80")])))


def test_another_compression(tmp_path):
    path = file_of(tmp_path, sealed(BLOCK, 2), [(b"a", 0, len(BLOCK))])
    with pytest.raises(UnsupportedError, match=r"got compression 2 in the block at 0; expected none \(0\) or Snappy"):
        read_table(path)


def test_a_file_cut_anywhere(tmp_path):
    path = tmp_path / "model.index"
    whole = table([[(b"a", b"1"), (b"b", b"2")]])
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(TruncatedError, match=f"got {size} bytes that do not end as an index does"):
            read_table(path)


def test_a_block_is_not_read_again_and_again(tmp_path):
    # Without keys, so that their order could not tell.
    content = b"\0" * 40_000 + struct.pack("<I", 10_000)
    path = file_of(tmp_path, sealed(content), [(b"%05d" % i, 0, len(content)) for i in range(10_000)])
    with pytest.raises(CorruptError, match=r"a block at 0 before 40009; expected blocks one after the other"):
        read_table(path)


def test_shared_prefixes_do_not_make_gigabytes(tmp_path):
    # Each key is the one before and a byte more: 60 kB would become 200 MB.
    keys = b"".join(varint(i) + b"\1\0a" for i in range(20_000))
    content = keys + struct.pack("<II", 0, 1)
    path = file_of(tmp_path, sealed(content), [(b"b", 0, len(content))])
    tracemalloc.start()
    try:
        with pytest.raises(CorruptError, match="keys 64 times as long as the file"):
            read_table(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 80 * path.stat().st_size
