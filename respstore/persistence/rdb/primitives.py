"""What everything in RDB is made of: lengths, strings, doubles, integers of fixed size.

A length is written in 1, 2, 5 or 9 bytes; the first two bits tell. Where they are 11, what follows is no length but a
string in a form of its own: an integer, or compressed.
"""

import struct
from collections.abc import Callable
from mmap import mmap
from typing import Final

from respstore.numbers import parse_integer
from respstore.persistence.rdb import lzf

Buffer = bytes | mmap
EncodeString = Callable[[bytes | bytearray], bytes]
"""`encode_string`, or `encode_compressed`."""

_LENGTH_BITS: Final = 0b1100_0000
LONGEST_INTEGER: Final = 11
"""Bytes of the longest string that is tried as an integer of 32 bits."""
NINE: Final = ord("9")
"""An integer begins with this or something less."""
_COMPRESSED: Final = 3
"""Forms 0, 1 and 2 are integers of 1, 2 and 4 bytes."""
_HEAD_OF_COMPRESSED: Final = bytes((_LENGTH_BITS | _COMPRESSED,))
LONGEST_AS_IT_IS: Final = 20
"""Bytes of the longest string that Redis does not try to compress."""
_INTEGERS: Final = (
    (b"\xc0", struct.Struct("<b"), 1 << 7),
    (b"\xc1", struct.Struct("<h"), 1 << 15),
    (b"\xc2", struct.Struct("<i"), 1 << 31),
)
_DOUBLE: Final = struct.Struct("<d")
SHORT_HEADS: Final = tuple(bytes([length]) for length in range(64))
"""What stands before a string that is written as it is, by its length."""
_WORDS_AS_DOUBLES: Final = {253: float("nan"), 254: float("inf"), 255: float("-inf")}


class CorruptError(Exception):
    """What was read is not RDB, or not whole.

    Attributes:
        at: offset of the byte at which it went wrong.
    """

    def __init__(self, text: str, at: int) -> None:
        super().__init__(f"{text} at byte {at}")
        self.at = at


# Writing


def encode_length(length: int) -> bytes:
    """A length, or any other unsigned integer of at most 64 bits."""
    if length < 1 << 6:
        return SHORT_HEADS[length]
    if length < 1 << 14:
        return (length | 1 << 14).to_bytes(2, "big")
    return b"\x80" + length.to_bytes(4, "big") if length < 1 << 32 else b"\x81" + length.to_bytes(8, "big")


def encode_string(text: bytes | bytearray) -> bytes:
    """A string; one that is written as an integer of 32 bits is kept as one."""
    length = len(text)
    if length > LONGEST_INTEGER:
        return encode_length(length) + text
    if text and text[0] <= NINE:  # most are no integers, which takes a call to find out
        number = parse_integer(bytes(text))
        if number is not None and -(1 << 31) <= number < 1 << 31:
            return encode_integer(number)
    return SHORT_HEADS[length] + text


def encode_compressed(text: bytes | bytearray) -> bytes:
    """As `encode_string`, but a long one is compressed if it gets shorter by that (rdbcompression yes)."""
    length = len(text)
    if length > LONGEST_AS_IT_IS:
        packed = lzf.compress(bytes(text))
        if packed is not None:
            return _HEAD_OF_COMPRESSED + encode_length(len(packed)) + encode_length(length) + packed
    elif length > LONGEST_INTEGER:  # most keys are so
        return SHORT_HEADS[length] + text
    return encode_string(text)


def encode_integer(number: int) -> bytes:
    """A whole number as a string."""
    for head, form, limit in _INTEGERS:
        if -limit <= number < limit:
            return head + form.pack(number)
    text = b"%d" % number
    return SHORT_HEADS[len(text)] + text


def encode_double(number: float) -> bytes:
    """A double in 8 bytes."""
    return _DOUBLE.pack(number)


# Reading


class Reader:
    """A place in a buffer, and what is read from there on.

    Args:
        data: the buffer.
        at: where to begin.
        end: where the buffer is taken to end, in bytes from its start; None for its own end.

    Attributes:
        at: offset of the next byte.

    Everything that reads raises `CorruptError` where the bytes make no sense, or end too soon.
    """

    __slots__ = ("at", "data", "end")

    def __init__(self, data: Buffer, at: int = 0, end: int | None = None) -> None:
        self.data = data
        self.at = at
        self.end = len(data) if end is None else end

    def take(self, count: int) -> bytes:
        """The next bytes, as many as that."""
        at, self.at = self.at, self.at + count
        if self.at > self.end:
            self.at = at
            raise self.corrupt("the data ends too soon")
        return self.data[at : at + count]

    def byte(self) -> int:
        """The next byte as a number."""
        at = self.at
        if at >= self.end:
            raise self.corrupt("the data ends too soon")
        self.at = at + 1
        return self.data[at]

    def integer(self, size: int, *, signed: bool = False) -> int:
        """A number of so many bytes, the lowest first."""
        return int.from_bytes(self.take(size), "little", signed=signed)

    def length(self) -> int:
        """A length, or any other unsigned integer."""
        head = self.byte()
        if head & _LENGTH_BITS == _LENGTH_BITS:
            self.at -= 1
            raise self.corrupt("a length was expected")
        return self._length(head)

    def string(self) -> bytes:
        """A string, in whatever form."""
        head = self.byte()
        if head < 1 << 6:
            return self.take(head)
        if head & _LENGTH_BITS != _LENGTH_BITS:
            return self.take(self._length(head))
        form = head & ~_LENGTH_BITS
        if form < _COMPRESSED:
            return b"%d" % self.integer(1 << form, signed=True)
        if form != _COMPRESSED:
            self.at -= 1
            raise self.corrupt(f"a string of the unknown form {form}")
        return self._compressed()

    def double(self) -> float:
        """A double in 8 bytes."""
        number: float = _DOUBLE.unpack(self.take(8))[0]
        return number

    def double_as_text(self) -> float:
        """A double as old versions wrote it: in decimal digits."""
        length = self.byte()
        if length in _WORDS_AS_DOUBLES:
            return _WORDS_AS_DOUBLES[length]
        try:
            return float(self.take(length))
        except ValueError:
            raise self.corrupt("no number") from None

    def corrupt(self, text: str) -> CorruptError:
        """An error about what stands here."""
        return CorruptError(text, self.at)

    def _length(self, head: int) -> int:
        kind = head >> 6
        if kind == 0:
            return head
        if kind == 1:
            return (head & 0x3F) << 8 | self.byte()
        if head not in (0x80, 0x81):
            self.at -= 1
            raise self.corrupt(f"a length of the unknown form {head}")
        return int.from_bytes(self.take(4 if head == 0x80 else 8), "big")

    def _compressed(self) -> bytes:
        size, length = self.length(), self.length()
        packed = self.take(size)
        try:
            return lzf.decompress(packed, length)
        except ValueError as error:
            raise self.corrupt(str(error)) from None
