"""Bits of a string: counting, searching, combining, and the integers that BITFIELD sees in them.

Bit 0 is the highest one of the first byte. Behind the end of a string there are zeros. Long stretches are handled as
one integer: Python's arithmetic is in C, a loop over bytes is not.
"""

from collections.abc import Sequence
from enum import Enum
from typing import Final, NamedTuple

from respstore.numbers import MAX_INTEGER

Bytes = bytes | bytearray

CHUNK: Final = 4096
"""Bytes that a search looks at in one go: it ends at the first bit that it finds, however long the string is."""

_INVERTED: Final = bytes(range(255, -1, -1))
_EMPTY: Final = (bytes(CHUNK), b"\xff" * CHUNK)


def get_bit(data: Bytes, offset: int) -> int:
    """One bit."""
    byte = offset >> 3
    return data[byte] >> (7 - (offset & 7)) & 1 if byte < len(data) else 0


def set_bit(data: bytearray, offset: int, bit: int) -> None:
    """Set one bit, which must be within the string."""
    mask = 0x80 >> (offset & 7)
    if bit:
        data[offset >> 3] |= mask
    else:
        data[offset >> 3] &= ~mask


def count_bits(data: Bytes, start: int, end: int) -> int:
    """How many bits are set from `start` to `end`, counted in bits, both included and within the string."""
    return _bits(data, start, end).bit_count()


def find_bit(data: Bytes, bit: int, start: int, end: int) -> int | None:
    """The first bit that is `bit` from `start` to `end`, counted in bits, both included and within the string."""
    while start <= end:
        stop = min(end, (start & ~7) + 8 * CHUNK - 1)
        length = stop - start + 1
        if length < 8 * CHUNK or data[start >> 3 : (stop >> 3) + 1] != _EMPTY[1 - bit]:
            found = _bits(data, start, stop) if bit else ~_bits(data, start, stop) & (1 << length) - 1
            if found:
                return start + length - found.bit_length()
        start = stop + 1
    return None


def _bits(data: Bytes, start: int, end: int) -> int:
    """The bits from `start` to `end`, both included, as one number, the first bit the highest."""
    number = int.from_bytes(data[start >> 3 : (end >> 3) + 1], "big") >> (7 - (end & 7))
    return number & (1 << end - start + 1) - 1 if start & 7 else number


def combine(operation: str, strings: Sequence[Bytes]) -> bytearray:
    """BITOP: `and`, `or`, `xor` of all strings, or `not` of the only one; as long as the longest of them."""
    if operation == "not":
        return bytearray(strings[0].translate(_INVERTED))
    length = max(map(len, strings))
    total = int.from_bytes(strings[0], "little")  # so that zeros follow the end of a shorter string
    for string in strings[1:]:
        number = int.from_bytes(string, "little")
        if operation == "and":
            total &= number
        elif operation == "or":
            total |= number
        else:
            total ^= number
    return bytearray(total.to_bytes(length, "little"))


class FieldType(NamedTuple):
    """An integer of BITFIELD: `bits` wide, with a sign or without."""

    signed: bool
    bits: int

    @property
    def least(self) -> int:
        """The smallest integer of this type."""
        return -(1 << self.bits - 1) if self.signed else 0

    @property
    def greatest(self) -> int:
        """The largest."""
        return (1 << self.bits - self.signed) - 1

    def wrap(self, number: int) -> int:
        """What is left of a number in so many bits."""
        low = number & (1 << self.bits) - 1
        return low - (1 << self.bits) if self.signed and low >> self.bits - 1 else low


def get_field(data: Bytes, kind: FieldType, offset: int) -> int:
    """The integer that begins at bit `offset`."""
    end = offset + kind.bits - 1
    size = (end >> 3) - (offset >> 3) + 1
    piece = data[offset >> 3 : (end >> 3) + 1]
    number = int.from_bytes(piece, "big") << 8 * (size - len(piece))
    return kind.wrap(number >> (7 - (end & 7)))


def set_field(data: bytearray, kind: FieldType, offset: int, number: int) -> None:
    """Write an integer that its type can hold at bit `offset`; all of it must be within the string."""
    end = offset + kind.bits - 1
    first, last, shift = offset >> 3, end >> 3, 7 - (end & 7)
    mask = (1 << kind.bits) - 1
    around = int.from_bytes(data[first : last + 1], "big") & ~(mask << shift)
    data[first : last + 1] = (around | (number & mask) << shift).to_bytes(last + 1 - first, "big")


class Overflow(Enum):
    """What becomes of an integer that its field cannot hold."""

    WRAP = "its lower bits are kept"
    SAT = "it becomes the nearest integer that the field can hold"
    FAIL = "the field is left as it is"


def as_settable(number: int, kind: FieldType) -> int:
    """A number as BITFIELD's SET takes it: Redis calculates with 64 bits, and some negative numbers become large ones.

    Those are all where the field has no sign, else those so far below the field that the difference overflows.
    """
    if number < kind.least and (not kind.signed or kind.greatest - number > MAX_INTEGER):
        return number + 2**64
    return number


def fit(number: int, kind: FieldType, overflow: Overflow) -> int | None:
    """A number as its field can hold it; None for FAIL where it cannot."""
    if kind.least <= number <= kind.greatest:
        return number
    if overflow is Overflow.FAIL:
        return None
    if overflow is Overflow.WRAP:
        return kind.wrap(number)
    return kind.greatest if number > kind.greatest else kind.least
