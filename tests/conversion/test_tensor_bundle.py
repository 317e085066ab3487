"""TensorFlow checkpoints: what TensorFlow wrote, and what a writer from the formats' descriptions makes."""

import tracemalloc

import numpy as np
import pytest

from avssl_hub.errors import UnknownNameError
from conversion._tensorflow import TensorBundle, Variable
from conversion._tensorflow.entries import slice_key
from conversion._tensorflow.errors import UnsupportedDtypeError

from ..parity._rules import fixture_files
from ._tensorflow_files import ARRAYS, RECORDED, snappy, write


def assert_holds(bundle, arrays):
    assert sorted(bundle.variables) == sorted(arrays)
    for name, expected in arrays.items():
        assert bundle.variables[name] == Variable(expected.dtype.name, expected.shape)
        value = bundle.read(name)
        assert (value.dtype, value.shape, value.flags.writeable) == (expected.dtype, expected.shape, True)
        np.testing.assert_array_equal(value, expected)


@pytest.mark.parametrize("index", fixture_files("multisensory", "net.tf-650000.index"))
def test_checkpoints_of_tensorflow_1_8(index):
    with np.load(index.with_name("contents.npz")) as contents:
        assert_holds(TensorBundle(index), dict(contents))


def test_partitioned_variables_and_rarer_types_of_tensorflow_2_21():
    # The values are the rules by which recorded/ was made, see its README.
    bundle = TensorBundle(RECORDED)
    assert bundle.variables == {
        "net/columns": Variable("int16", (2, 300)),
        "net/half": Variable("bfloat16", (2, 3)),
        "net/rows": Variable("float32", (7, 3)),
        "net/wave": Variable("complex64", (4,)),
        "note": Variable("string", ()),
    }
    columns, half, wave = bundle.read("net/columns"), bundle.read("net/half"), bundle.read("net/wave")
    np.testing.assert_array_equal(columns, (np.arange(600) % 100).reshape(2, 300))
    np.testing.assert_array_equal(half, [[0, 0.125, 0.25], [0.375, 0.5, 0.625]])
    np.testing.assert_array_equal(bundle.read("net/rows"), np.arange(21).reshape(7, 3) / 4)
    np.testing.assert_array_equal(wave, [3j, 1 + 2j, 2 + 1j, 3])
    assert (columns.dtype, half.dtype, wave.dtype) == (np.int16, np.float32, np.complex64)


@pytest.mark.parametrize(
    ("name", "part", "key"),
    # Keys that TensorFlow 2.21 wrote; the last one in format 1, for a variable in one part.
    [
        ("p/rows", ((0, 34), (0, 5)), b"\0p/rows\0\1\1\2\x80\xa2\x80\x85"),
        ("p/rows", ((67, 33), (0, 5)), b"\0p/rows\0\1\1\2\xc0C\xa1\x80\x85"),
        ("q/columns", ((0, 3), (10_000, 10_000)), b"\0q/columns\0\1\1\2\x80\x83\xe0'\x10\xe0'\x10"),
        ("a", ((0, -1),), b"\0a\0\1\1\1\x80\x7f"),
    ],
)
def test_keys_of_slices(name, part, key):
    assert slice_key(name, part) == key


def test_a_type_without_an_array_is_refused_when_it_is_read():
    with pytest.raises(UnsupportedDtypeError, match=r"variable 'note' of .*model\.ckpt: got string; expected real"):
        TensorBundle(RECORDED).read("note")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("pack", [None, snappy])
@pytest.mark.parametrize("shards", [1, 3])
def test_files_written_from_the_description(tmp_path, order, pack, shards):
    write(tmp_path / "model", ARRAYS, order=order, pack=pack, shards=shards, per_block=7)
    bundle = TensorBundle(tmp_path / "model")
    assert_holds(bundle, ARRAYS)
    assert [file.name for file in bundle.files] == [f"model.data-{i:05d}-of-{shards:05d}" for i in range(shards)]


def test_a_data_file_without_bytes(tmp_path):
    write(tmp_path / "model", {"empty": ARRAYS["empty"]})
    assert_holds(TensorBundle(tmp_path / "model"), {"empty": ARRAYS["empty"]})


def test_an_unknown_name_is_told_with_close_ones(tmp_path):
    bundle = TensorBundle(write(tmp_path / "model", ARRAYS))
    with pytest.raises(UnknownNameError, match="Did you mean 'step'"):
        bundle.read("stop")


def test_only_the_variable_that_is_read_takes_memory(tmp_path):
    write(tmp_path / "model", {"bank": np.zeros(60_000, np.float32), "bias": np.ones(10, np.float32)})
    tracemalloc.start()
    try:
        bundle = TensorBundle(tmp_path / "model")
        bundle.read("bias")
        small = tracemalloc.get_traced_memory()[1]
        bundle.read("bank")
        large = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert small < 100_000 < 240_000 < large
