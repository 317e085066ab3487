"""Numbers and messages as Protocol Buffers lay them out; nothing is believed before it is there."""

from .errors import Malformed


class Cursor:
    """A place in bytes that only moves forward, and never past the end."""

    def __init__(self, data: bytes):
        self._data, self._at = data, 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes.

        Raises:
            Malformed: There are fewer.
        """
        begin, left = self._at, len(self._data) - self._at
        if size > left:
            raise Malformed(f"a part of {size} bytes where {left} are left", "parts that lie within the whole")
        self._at += size
        return self._data[begin : self._at]

    def number(self, size: int) -> int:
        """The next ``size`` bytes as an unsigned number, lowest byte first."""
        return int.from_bytes(self.take(size), "little")

    def varint(self) -> int:
        """The next number in groups of seven bits, lowest first, as 64 bits without sign.

        Raises:
            Malformed: It ends nowhere, or has more than ten bytes.
        """
        value = 0
        for shift in range(0, 70, 7):
            octet = self.number(1)
            value |= (octet & 0x7F) << shift
            if octet < 0x80:
                return value & 0xFFFF_FFFF_FFFF_FFFF
        raise Malformed("a number of more than ten bytes", "at most ten")


class Message:
    """A parsed message whose fields are asked for by number; fields nobody asks for are passed over."""

    def __init__(self, data: bytes):
        """
        Raises:
            Malformed: The bytes are no message.
        """
        self._fields: dict[int, list[int | bytes]] = {}
        cursor = Cursor(data)
        while cursor:
            number, kind = divmod(cursor.varint(), 8)
            if kind == 0:
                value = cursor.varint()
            elif kind == 2:
                value = cursor.take(cursor.varint())
            elif kind in (1, 5):
                value = cursor.number(8 if kind == 1 else 4)
            else:
                raise Malformed(f"a field of wire type {kind}", "type 0, 1, 2 or 5")
            self._fields.setdefault(number, []).append(value)

    def __contains__(self, number: int) -> bool:
        return number in self._fields

    def integer(self, number: int) -> int:
        """A signed number, 0 where the field is absent.

        Raises:
            Malformed: The field is none.
        """
        value = self._fields.get(number, [0])[-1]
        if not isinstance(value, int):
            raise Malformed(f"{len(value)} bytes as field {number}", "a number")
        return value - (1 << 64) if value >> 63 else value

    def messages(self, number: int) -> list["Message"]:
        """The messages of a repeated field.

        Raises:
            Malformed: One of them is none.
        """
        values = self._fields.get(number, [])
        if any(isinstance(value, int) for value in values):
            raise Malformed(f"a number as field {number}", "a message")
        return [Message(value) for value in values]
