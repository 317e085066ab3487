"""The checksum of TensorFlow's files, CRC-32C (RFC 3720 appendix B.4), fast enough for whole checkpoints.

A byte at a time, Python would need half a minute for one. But a checksum is the remainder of the message, taken as a
polynomial, modulo P; and modulo P, x^75 equals the sum of x^t over the few t of ``_TERMS``. Squaring that five times
turns bits into words of 32 bits: a word has the same remainder as copies of it 75 - t words later, and likewise with
all distances doubled, again and again. So the head of a message can be added by plain XOR of arrays to what follows
it, until little is left to divide.
"""

import numpy as np

_POLYNOMIAL = 0x82F63B78  # bit-reversed, as the checksum takes the lowest bit of a byte first
_DISTANCE = 75
_TERMS = (0, 1, 12, 13, 18, 19, 26, 27, 28, 29, 30)
_SCALES = (1024, 64, 8, 1)
_CHUNK = 1 << 22  # bytes
_ONES = 0xFFFFFFFF
_START = bytes.fromhex("54641f64")  # takes a remainder from zero to all ones, where CRC-32C begins


def crc32c(data: bytes | memoryview | np.ndarray) -> int:
    """The CRC-32C of a contiguous buffer of bytes."""
    octets = memoryview(data)
    whole = len(octets) - len(octets) % 4
    rest = np.frombuffer(_START, np.uint32)
    for begin in range(0, whole, _CHUNK):
        rest = np.concatenate([rest, np.frombuffer(octets[begin : min(begin + _CHUNK, whole)], np.uint32)])
        for scale in _SCALES:
            rest = _fold(rest, scale)
    return _divide(rest.tobytes() + octets[whole:]) ^ _ONES


def unmask(stored: int) -> int:
    """Undo what TensorFlow does to checksums it stores: a rotation by 15 bits and a constant added."""
    rotated = (stored - 0xA282EAD8) & _ONES
    return (rotated >> 17 | rotated << 15) & _ONES


def _fold(words: np.ndarray, scale: int) -> np.ndarray:
    """Add the head of a message to its last ``_DISTANCE * scale`` words, in place, and return those."""
    end = words.size - _DISTANCE * scale
    step = (_DISTANCE - max(_TERMS)) * scale
    for begin in range(0, end, step):
        head = words[begin : min(begin + step, end)]
        for term in _TERMS:
            target = begin + (_DISTANCE - term) * scale
            words[target : target + head.size] ^= head
    return words[max(end, 0) :]


def _divide(octets: bytes) -> int:
    remainder = 0
    for octet in octets:
        remainder = _TABLE[(remainder ^ octet) & 0xFF] ^ remainder >> 8
    return remainder


def _remainder_of(octet: int) -> int:
    for _ in range(8):
        octet = octet >> 1 ^ _POLYNOMIAL * (octet & 1)
    return octet


_TABLE = [_remainder_of(octet) for octet in range(256)]
