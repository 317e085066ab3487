"""What the index says of a checkpoint and of each of its variables (TensorFlow's ``tensor_bundle.proto``)."""

import math
from dataclasses import dataclass

from .errors import Malformed
from .wire import Message

_WHOLE = -1  # stands for the length of a slice that takes a dimension whole
_MOST_DIMENSIONS = 32  # of NumPy before version 2
_MOST_VALUES = 1 << 58

Slice = tuple[tuple[int, int], ...]  # start and length of every dimension


@dataclass(frozen=True)
class Header:
    """Number of data files, and the order of bytes in them."""

    shards: int
    big_endian: bool

    @classmethod
    def parse(cls, data: bytes) -> "Header":
        """Parse the value of the empty key.

        Raises:
            Malformed: The header cannot be.
        """
        message = Message(data)
        shards, order = message.integer(1), message.integer(2)
        if shards < 1 or order not in (0, 1):
            raise Malformed(f"{shards} data files in byte order {order}", "at least one, in order 0 or 1")
        return cls(shards, order == 1)


@dataclass(frozen=True)
class Entry:
    """Type and shape of a variable or of a slice of one, and where its bytes lie.

    Attributes:
        dtype: TensorFlow's number of the type.
        checksum: As stored, which is masked.
        slices: The parts of a partitioned variable, each with an entry of its own; the place then says nothing.
    """

    dtype: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    checksum: int
    slices: tuple[Slice, ...]

    @classmethod
    def parse(cls, data: bytes) -> "Entry":
        """Parse the value of a variable's or a slice's key.

        Raises:
            Malformed: The entry cannot be.
        """
        message = Message(data)
        shape = [dim.integer(1) for part in message.messages(2) for dim in part.messages(2)]
        if len(shape) > _MOST_DIMENSIONS or any(length < 0 for length in shape):
            got = f"{len(shape)} dimensions, the shortest {min(shape)}"
            raise Malformed(got, f"at most {_MOST_DIMENSIONS} dimensions, none negative")
        # NumPy counts like this too, so that empty arrays cannot be arbitrarily long in other dimensions.
        if math.prod(length or 1 for length in shape) > _MOST_VALUES:
            raise Malformed(f"shape {tuple(shape)}", f"at most {_MOST_VALUES} values")
        slices = [tuple(_extent(extent) for extent in part.messages(1)) for part in message.messages(7)]
        for part in slices:
            if len(part) != len(shape):
                raise Malformed(f"a slice of {len(part)} dimensions", f"{len(shape)}, as the variable has")
        numbers = [message.integer(field) for field in (3, 4, 5)]
        if min(numbers) < 0:
            raise Malformed("data file {}, offset {}, size {}".format(*numbers), "numbers from 0")
        return cls(message.integer(1), tuple(shape), *numbers, message.integer(6), tuple(slices))


def _extent(message: Message) -> tuple[int, int]:
    return message.integer(1), message.integer(2) if 2 in message else _WHOLE


def is_slice_key(key: bytes) -> bool:
    """Whether a key is of a slice; names of variables do not begin with a zero byte."""
    return key.startswith(b"\0")


def slice_key(name: str, part: Slice) -> bytes:
    """The key of a slice's own entry: TensorFlow's order-preserving code of name and extents."""
    text = name.encode().replace(b"\0", b"\0\xff")
    return b"\0" + text + b"\0\1" + _natural(len(part)) + b"".join(_signed(number) for pair in part for number in pair)


def _natural(value: int) -> bytes:
    size = -(-value.bit_length() // 8)
    return bytes([size]) + value.to_bytes(size, "big")


def _signed(value: int) -> bytes:
    # Seven bits a byte; as many leading bits as there are bytes are the opposite of the sign.
    size = (~value if value < 0 else value).bit_length() // 7 + 1
    mark = (1 << size) - 1 << 7 * size
    return (value % (1 << 8 * size) ^ mark).to_bytes(size, "big")
