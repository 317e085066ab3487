"""TensorFlow checkpoints that are cut, changed or made to mislead: one typed error for each, and nothing else."""

import numpy as np
import pytest

from conversion._tensorflow import TensorBundle
from conversion._tensorflow.errors import (
    ChecksumError,
    CorruptError,
    MissingShardError,
    TruncatedError,
    UnsupportedDtypeError,
)

from ._tensorflow_files import entry, header, number, part, shape_of, table, write_raw

DATA = bytes(range(24))
ONE = (b"", header())  # of a checkpoint with one data file


def made(folder, *items, files=(DATA,)):
    return write_raw(folder / "model", table([list(items)]), list(files))


def f4(name, length, offset, **changes):
    """The item of a row of float32 in ``DATA``."""
    return name, entry(1, [length], DATA[offset : offset + 4 * length], offset, **changes)


def sliced(name, lengths, *extents):
    """The entry of a partitioned variable; an extent is (start, length) for each dimension."""
    parts = [b"".join(part(1, number(1, start) + number(2, size)) for start, size in one) for one in extents]
    return name, number(1, 1) + shape_of(lengths) + b"".join(part(7, one) for one in parts)


# The order-preserving code of the extents 0 to 1 and 1 to 2 of one dimension.
SLICES = [b"\0p\0\1\1\1\x80\x81", b"\0p\0\1\1\1\x81\x81"]


def test_slices_made_by_hand_are_put_together(tmp_path):
    items = [ONE, f4(SLICES[0], 1, 4), f4(SLICES[1], 1, 0), sliced(b"p", [2], [(0, 1)], [(1, 1)])]
    expected = np.frombuffer(DATA, "<f4")[[1, 0]]
    np.testing.assert_array_equal(TensorBundle(made(tmp_path, *items)).read("p"), expected)


BROKEN = {
    "a table without header": ([f4(b"a", 2, 0)], "a table without header"),
    "no data files": ([(b"", header(0))], "0 data files"),
    "byte order": ([(b"", header(1, 2))], "in byte order 2"),
    "two variables at one place": ([ONE, f4(b"a", 2, 0), f4(b"b", 2, 4)], "'b' beginning within 'a'"),
    "a size of another shape": ([ONE, f4(b"a", 2, 0, size=4)], "4 bytes for 'a'; expected 8 for shape (2,)"),
    "a negative offset": ([ONE, (b"a", entry(1, [2], DATA[:8], -8))], "offset -8"),
    "a negative length": ([ONE, (b"a", entry(1, [-1], b"", 0))], "1 dimensions, the shortest -1"),
    "an endless empty shape": ([ONE, (b"a", entry(1, [0, 1 << 62, 1 << 62], b"", 0))], "values"),
    "too many dimensions": ([ONE, (b"a", entry(1, [1] * 33, DATA[:4], 0))], "got 33 dimensions"),
    "a data file beyond": ([ONE, (b"a", entry(1, [1], DATA[:4], 0, 1))], "'a' in data file 1; expected one of 1"),
    "a name that is no text": ([ONE, f4(b"\xff", 1, 0)], "expected a name in UTF-8"),
    "keys out of order": ([ONE, f4(b"b", 1, 0), f4(b"a", 1, 4)], "key b'a' after b'b'"),
    "a key twice": ([ONE, f4(b"a", 1, 0), f4(b"a", 1, 4)], "key b'a' after b'a'"),
    "an entry cut": ([ONE, (b"a", entry(1, [1], DATA[:4], 0)[:-2])], "a part of 4 bytes where 2 are left"),
    "a group in an entry": ([ONE, (b"a", b"\x0b\x0c")], "wire type 3"),
    "a shape that is a number": ([ONE, (b"a", number(2, 5))], "a number as field 2"),
    "a type that is a message": ([ONE, (b"a", part(1, b"\x01"))], "1 bytes as field 1"),
    "a slice without entry": ([ONE, sliced(b"p", [2], [(0, 1)], [(1, 1)])], "((0, 1),) of 'p' without an entry"),
    "a slice of nothing": ([ONE, f4(SLICES[0], 1, 0)], "of no variable"),
    "a slice twice": ([ONE, f4(SLICES[0], 1, 0), sliced(b"p", [2], [(0, 1)], [(0, 1)])], "listed twice"),
    "a gap": ([ONE, f4(SLICES[0], 1, 0), sliced(b"p", [2], [(0, 1)])], "with 1 values; expected 2"),
    "a slice outside": ([ONE, f4(SLICES[1], 1, 0), sliced(b"p", [1], [(1, 1)])], "expected slices inside"),
    "a slice of another shape": ([ONE, f4(SLICES[0], 2, 0), sliced(b"p", [1], [(0, 1)])], "of another kind"),
    "a slice of another type": ([ONE, (SLICES[0], entry(3, [1], DATA[:4], 0)), sliced(b"p", [1], [(0, 1)])], "kind"),
    "a slice of other rank": (
        [ONE, f4(SLICES[0], 1, 0), sliced(b"p", [1, 1], [(0, 1)])],
        "a slice of 1 dimensions; expected 2",
    ),
}


@pytest.mark.parametrize(("items", "got"), BROKEN.values(), ids=list(BROKEN))
def test_contradictions_are_found_when_the_index_is_read(tmp_path, items, got):
    with pytest.raises(CorruptError) as caught:
        TensorBundle(made(tmp_path, *items))
    assert got in str(caught.value)
    assert str(caught.value).startswith(f"reading {tmp_path / 'model.index'}: got ")


def test_slices_that_overlap(tmp_path):
    # Of the extents 0 to 2 and 1 to 3 of four values: as many as the shape has, but not all of them.
    keys = [b"\0p\0\1\1\1\x80\x82", b"\0p\0\1\1\1\x81\x82"]
    items = [ONE, f4(keys[0], 2, 0), f4(keys[1], 2, 8), sliced(b"p", [4], [(0, 2)], [(1, 2)])]
    with pytest.raises(CorruptError, match=r"variable 'p' of .*: got slices that overlap"):
        TensorBundle(made(tmp_path, *items)).read("p")


@pytest.mark.parametrize(("code", "name"), [(7, "string"), (11, "qint8"), (20, "resource"), (99, "unknown type 99")])
def test_types_without_arrays_are_listed_but_not_read(tmp_path, code, name):
    bundle = TensorBundle(made(tmp_path, ONE, (b"a", entry(code, [1], DATA[:3], 0)), f4(b"b", 1, 4)))
    assert bundle.variables["a"].dtype == name
    assert bundle.read("b").shape == (1,)
    with pytest.raises(UnsupportedDtypeError, match=f"variable 'a' of .*: got {name}; expected"):
        bundle.read("a")


def test_a_data_file_that_is_cut_is_named_with_the_variable(tmp_path):
    prefix = made(tmp_path, ONE, f4(b"a", 2, 0), f4(b"b", 4, 8), files=[DATA[:20]])
    with pytest.raises(TruncatedError, match=r"data-00000-of-00001: got 20 bytes; expected 'b' to end at 24"):
        TensorBundle(prefix)


def test_a_data_file_cut_after_the_index_was_read(tmp_path):
    bundle = TensorBundle(made(tmp_path, ONE, f4(b"a", 6, 0)))
    bundle.files[0].write_bytes(DATA[:20])
    with pytest.raises(TruncatedError, match=r"variable 'a' in .*data-00000-of-00001: got 20 bytes; expected 24 at 0"):
        bundle.read("a")


def test_changed_data_is_named_and_the_rest_is_read(tmp_path):
    bundle = TensorBundle(made(tmp_path, ONE, f4(b"a", 2, 0), f4(b"b", 4, 8)))
    bundle.files[0].write_bytes(bytes([1]) + DATA[1:])
    with pytest.raises(
        ChecksumError, match=r"variable 'a' in .*data-00000-of-00001: got CRC-32C \w{8}; expected \w{8}"
    ):
        bundle.read("a")
    assert bundle.read("b").tobytes() == DATA[8:]


def test_a_changed_index_is_told_by_the_place_of_the_block(tmp_path):
    index = made(tmp_path, ONE, f4(b"a", 2, 0)).with_name("model.index")
    content = bytearray(index.read_bytes())
    content[5] ^= 1
    index.write_bytes(content)
    with pytest.raises(ChecksumError, match=r"model\.index: got CRC-32C \w{8} for the block at 0; expected"):
        TensorBundle(index)


def test_a_missing_data_file_is_named(tmp_path):
    prefix = made(tmp_path, (b"", header(3)), files=[DATA] * 3)
    prefix.with_name("model.data-00001-of-00003").unlink()
    with pytest.raises(MissingShardError, match=r"got no file model\.data-00001-of-00003; expected 3 data files"):
        TensorBundle(prefix)


def test_a_count_of_data_files_without_end(tmp_path):
    with pytest.raises(MissingShardError, match="expected 2147483647 data files"):
        TensorBundle(made(tmp_path, (b"", header(2**31 - 1))))
