"""CRC-32C against published values and the plain way, a byte at a time."""

import numpy as np
import pytest

from conversion._tensorflow.crc32c import crc32c, unmask

from ._tensorflow_files import crc_by_bytes, masked

READ_COMMAND = bytes.fromhex(
    "01c00000 00000000 00000000 00000000 14000000 00000400 00000014 00000018 28000000 00000000 02000000 00000000"
)


@pytest.mark.parametrize(
    ("message", "value"),
    # RFC 3720 appendix B.4, which lists the lowest byte first, and the check value of the catalogues of checksums.
    [
        (bytes(32), "aa36918a"),
        (b"\xff" * 32, "43aba862"),
        (bytes(range(32)), "4e79dd46"),
        (bytes(range(31, -1, -1)), "5cdb3f11"),
        (READ_COMMAND, "563a96d9"),
        (b"123456789", "839206e3"),
    ],
)
def test_published_values(message, value):
    assert crc32c(message).to_bytes(4, "little").hex() == value


# Below a word, around the smallest and the next distance of folding, and odd ends.
@pytest.mark.parametrize("size", [0, 1, 3, 4, 7, 296, 300, 301, 304, 2399, 2400, 2410, 30_001])
def test_every_size_agrees_with_the_plain_way(size):
    message = np.random.default_rng(size).integers(0, 256, size, dtype=np.uint8)
    assert crc32c(message) == crc_by_bytes(message.tobytes())


def test_a_message_of_several_chunks():
    message = np.random.default_rng(0).integers(0, 256, 9_000_001, dtype=np.uint8)
    assert crc32c(message) == crc_by_bytes(message.tobytes())


def test_unmasking_undoes_masking():
    for message in (b"", b"a", bytes(1000)):
        assert unmask(int.from_bytes(masked(message), "little")) == crc_by_bytes(message)
