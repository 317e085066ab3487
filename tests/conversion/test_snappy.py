"""Snappy against blocks made by hand and against pyarrow's compressor."""

from random import Random

import pyarrow
import pytest

from conversion._tensorflow.errors import Malformed
from conversion._tensorflow.snappy import decompress


@pytest.mark.parametrize(
    ("block", "content"),
    [
        ("00", b""),
        ("03 08 616263", b"abc"),
        # A copy of 4 from 3 back with an offset in one byte; it repeats itself.
        ("07 08 616263 01 03", b"abcabca"),
        # The same with two and four bytes of offset, lengths 2 and 64.
        ("05 08 616263 06 0300", b"abcab"),
        ("41 00 61 ff 01000000", b"a" * 65),
        # Eleven bits of offset, the upper three in the tag: 256 literal bytes, then 5 from 256 back.
        ("8502 f0ff" + bytes(range(256)).hex() + "25 00", bytes(range(256)) + bytes(range(5))),
        # Literal lengths in two, three and four bytes.
        ("03 f4 0200 616263", b"abc"),
        ("03 f8 020000 616263", b"abc"),
        ("03 fc 02000000 616263", b"abc"),
    ],
)
def test_blocks_made_by_hand(block, content):
    assert decompress(bytes.fromhex(block)) == content


def texts():
    random = Random(0)
    words = [random.randbytes(random.randint(1, 12)) for _ in range(50)]
    yield b""
    yield b"x" * 100_000
    yield random.randbytes(70_000)
    yield b"".join(random.choice(words) for _ in range(30_000))


@pytest.mark.parametrize("content", list(texts()), ids=len)
def test_what_pyarrow_compresses(content):
    assert decompress(pyarrow.compress(content, codec="snappy", asbytes=True)) == content


@pytest.mark.parametrize(
    ("block", "got"),
    [
        ("", "a part of 1 bytes where 0 are left"),
        ("ffffffff0f 00 61", "1 bytes from Snappy"),
        ("04 08 616263", "3 bytes from Snappy"),
        ("02 08 616263", "3 bytes from Snappy"),
        ("05 1c 6162", "a part of 8 bytes where 2 are left"),
        ("05 f4 02", "a part of 2 bytes where 1 are left"),
        ("07 08 616263 01 04", "a copy from 4 bytes back where 3 are written"),
        ("07 08 616263 01 00", "a copy from 0 bytes back"),
        ("808080808080808080808000", "more than ten bytes"),
    ],
)
def test_broken_blocks_are_refused(block, got):
    with pytest.raises(Malformed) as caught:
        decompress(bytes.fromhex(block))
    assert got in caught.value.got


def test_damage_is_refused_or_keeps_to_the_announced_length():
    random, refused = Random(1), 0
    whole = pyarrow.compress(
        b"".join(random.choice([b"weights", b"bias", b"/"]) for _ in range(300)), codec="snappy", asbytes=True
    )
    for _ in range(500):
        damaged = bytearray(whole)
        for _ in range(random.randint(1, 3)):
            damaged[random.randrange(len(damaged))] = random.randrange(256)
        try:
            assert len(decompress(bytes(damaged))) <= len(damaged) * 64 / 3
        except Malformed:
            refused += 1
    assert refused > 200
