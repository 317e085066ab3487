"""TensorFlow checkpoints damaged at random: an error of ours or the true values, in bounded memory."""

import tracemalloc
from random import Random

import numpy as np
import pytest

from avssl_hub.errors import CheckpointError
from conversion._tensorflow import TensorBundle
from conversion._tensorflow.errors import ChecksumError, CorruptError, TruncatedError
from conversion._tensorflow.table import read_table

from ._tensorflow_files import ARRAYS, RECORDED, snappy, table, write


def damaged(content: bytes, random: Random) -> bytes:
    out = bytearray(content)
    for _ in range(random.randint(1, 3)):
        place, kind = random.randrange(len(out) + 1), random.randrange(10)
        if kind < 6:
            out[place : place + 1] = random.choice([b"\0", b"\x7f", b"\x80", b"\xff", random.randbytes(1)])
        elif kind < 7:
            out[place : place + 1] = bytes([(out[place - 1] if out else 0) ^ 1 << random.randrange(8)])
        elif kind < 8:
            out[place:place] = random.randbytes(random.randint(1, 20))
        elif kind < 9:
            del out[place : place + random.randint(1, 20)]
        else:
            del out[place:]
    return bytes(out)


def values(path):
    bundle = TensorBundle(path)
    return {name: bundle.read(name) for name, found in bundle.variables.items() if found.dtype != "string"}


@pytest.mark.parametrize("source", ["recorded", "snappy"])
def test_files_damaged_anywhere(tmp_path, source):
    written = {"pack": snappy, "shards": 2, "per_block": 9}
    prefix = RECORDED if source == "recorded" else write(tmp_path / "whole", ARRAYS, **written)
    expected, random = values(prefix), Random(source)
    files = {path.name: path.read_bytes() for path in prefix.parent.glob(f"{prefix.name}.*")}
    work = tmp_path / "work"
    work.mkdir()
    refused = []
    for _ in range(300):
        victim = random.choice(sorted(files))
        for name, content in files.items():
            (work / name).write_bytes(damaged(content, random) if name == victim else content)
        try:
            found = values(work / prefix.name)
        except CheckpointError as error:
            refused.append(type(error))
            continue
        assert sorted(found) == sorted(expected)
        for name, value in found.items():
            np.testing.assert_array_equal(value, expected[name])
    assert len(refused) > 200
    assert {ChecksumError, TruncatedError} <= set(refused)


@pytest.mark.parametrize("source", ["recorded", "plain", "snappy"])
def test_an_index_damaged_before_its_checksums_were_taken(tmp_path, source):
    """Checksums stop chance, not intent: here they are right, and what they guard is not."""
    prefix = RECORDED if source == "recorded" else write(tmp_path / "model", ARRAYS)
    items = list(read_table(prefix.with_name(f"{prefix.name}.index")).items())
    data = prefix.with_name(f"{prefix.name}.data-00000-of-00001").read_bytes()
    (tmp_path / "model.data-00000-of-00001").write_bytes(data)
    random, index, refused = Random(source), tmp_path / "model.index", []

    def change(content):
        return damaged(content, random) if random.random() < 0.4 else content

    for _ in range(200):
        pack = (lambda content: change(snappy(content))) if source == "snappy" else None
        index.write_bytes(table([items[:18], items[18:]], pack=pack, change=change))
        tracemalloc.start()
        try:
            found = values(tmp_path / "model")
            assert sum(value.nbytes for value in found.values()) <= 2 * len(data)  # bfloat16 doubles
        except CheckpointError as error:
            refused.append(type(error))
        finally:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert peak < 1_000_000
    assert len(refused) > 80
    assert CorruptError in refused
