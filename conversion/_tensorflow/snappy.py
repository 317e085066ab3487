"""Decompression of Snappy, in which the blocks of an index may be written."""

from .errors import Malformed
from .wire import Cursor


def decompress(data: bytes) -> bytes:
    """Decompress a raw block, as https://github.com/google/snappy/blob/main/format_description.txt has it.

    Raises:
        Malformed: The block is damaged, or does not hold what it announces.
    """
    cursor = Cursor(data)
    length = cursor.varint()
    # Room is not made for what is announced; three bytes can say no more than a copy of 64.
    out = bytearray()
    while cursor:
        high, kind = divmod(cursor.number(1), 4)
        if kind == 0:
            # 60 to 63 stand for one to four bytes with the size.
            size = high if high < 60 else cursor.number(high - 59)
            out += cursor.take(size + 1)
        elif kind == 1:
            _copy(out, cursor.number(1) | high >> 3 << 8, (high & 7) + 4)
        else:
            _copy(out, cursor.number(2 if kind == 2 else 4), high + 1)
    if len(out) != length:
        raise Malformed(f"{len(out)} bytes from Snappy", f"{length}, as announced")
    return bytes(out)


def _copy(out: bytearray, distance: int, size: int) -> None:
    begin = len(out) - distance
    if begin < 0 or not distance:
        raise Malformed(f"a copy from {distance} bytes back where {len(out)} are written", "one of written bytes")
    written = out[begin : begin + size]
    # A copy longer than its distance repeats what it has just written.
    out += (written * -(-size // len(written)))[:size]
