"""TensorFlow's types of numbers, and bytes of them as arrays."""

import numpy as np

# The numbers and names of types.proto; None where a value is no number or needs more than its bytes to be one.
_TYPES: dict[int, tuple[str, str | None]] = {
    1: ("float32", "f4"),
    2: ("float64", "f8"),
    3: ("int32", "i4"),
    4: ("uint8", "u1"),
    5: ("int16", "i2"),
    6: ("int8", "i1"),
    7: ("string", None),
    8: ("complex64", "c8"),
    9: ("int64", "i8"),
    10: ("bool", "?"),
    11: ("qint8", None),
    12: ("quint8", None),
    13: ("qint32", None),
    14: ("bfloat16", "u2"),
    15: ("qint16", None),
    16: ("quint16", None),
    17: ("uint16", "u2"),
    18: ("complex128", "c16"),
    19: ("float16", "f2"),
    20: ("resource", None),
    21: ("variant", None),
    22: ("uint32", "u4"),
    23: ("uint64", "u8"),
}


def name_of(number: int) -> str:
    """TensorFlow's name of a type."""
    return _TYPES.get(number, (f"unknown type {number}", None))[0]


def stored_as(number: int) -> np.dtype | None:
    """The form of one value in a file of little-endian bytes; None for types that have no array."""
    code = _TYPES.get(number, ("", None))[1]
    return np.dtype(code).newbyteorder("<") if code else None


def to_array(octets: np.ndarray, number: int, big_endian: bool) -> np.ndarray:
    """Bytes as a row of values in the machine's order; bfloat16, which NumPy lacks, becomes float32 without loss."""
    values = octets.view(stored_as(number).newbyteorder(">" if big_endian else "<"))
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    return (values.astype("u4") << 16).view("f4") if name_of(number) == "bfloat16" else values
