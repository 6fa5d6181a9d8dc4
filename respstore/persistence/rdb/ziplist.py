"""The packed forms that Redis wrote before the listpack, to be read only; and intsets, which it still writes.

A ziplist (Redis 2.2 to 6.2) held lists, hashes and sorted sets, a zipmap hashes before 2.6, an intset sets of whole
numbers to this day. Rules: ziplist.c, zipmap.c, intset.c.
"""

from collections.abc import Iterable
from typing import Final

from respstore.persistence.rdb.primitives import Reader

_END: Final = 0xFF
_LONG: Final = 0xFE
"""A length of one byte ends below this; here, the length stands in the next four."""
_ZIPLIST_INTEGERS: Final = {0xC0: 2, 0xD0: 4, 0xE0: 8, 0xF0: 3, 0xFE: 1}
_IMMEDIATE: Final = range(0xF1, 0xFE)
_WIDTHS: Final = (2, 4, 8)


def decode_ziplist(data: bytes) -> list[bytes]:
    """The elements of a ziplist.

    Raises:
        CorruptError: it is none.
    """
    reader = Reader(data)
    length, tail, count = reader.integer(4), reader.integer(4), reader.integer(2)
    if length != len(data):
        raise reader.corrupt("a ziplist of a wrong length")
    elements, start, size = [], reader.at, 0
    while (head := reader.byte()) != _END:
        start = reader.at - 1
        before = reader.integer(4) if head == _LONG else head
        if before != size:
            raise reader.corrupt("a ziplist with an element that does not know where the one before it begins")
        elements.append(_ziplist_element(reader))
        size = reader.at - start
    if start != tail or reader.at != len(data) or count not in (len(elements), 0xFFFF):
        raise reader.corrupt("a ziplist whose elements do not fill it")
    return elements


def decode_zipmap(data: bytes) -> list[bytes]:
    """The fields and values of a zipmap in turn.

    Raises:
        CorruptError: it is none.
    """
    reader = Reader(data)
    reader.byte()
    elements = []
    while (length := reader.byte()) != _END:
        elements.append(reader.take(_zipmap_length(reader, length)))
        length = _zipmap_length(reader, reader.byte())
        free = reader.byte()
        elements.append(reader.take(length))
        reader.take(free)
    if reader.at != len(data):
        raise reader.corrupt("a zipmap whose elements do not fill it")
    return elements


def decode_intset(data: bytes) -> list[bytes]:
    """The members of an intset.

    Raises:
        CorruptError: it is none.
    """
    reader = Reader(data)
    width, count = reader.integer(4), reader.integer(4)
    if width not in _WIDTHS or count * width != len(data) - reader.at:
        raise reader.corrupt("an intset of a wrong length")
    return [b"%d" % reader.integer(width, signed=True) for _ in range(count)]


def encode_intset(numbers: Iterable[int]) -> bytes:
    """An intset of some numbers of 64 bits, in ascending order."""
    members = list(numbers)
    largest = max(members[-1], ~members[0]) if members else 0
    width = next(width for width in _WIDTHS if largest < 1 << 8 * width - 1)
    head = width.to_bytes(4, "little") + len(members).to_bytes(4, "little")
    return head + b"".join(number.to_bytes(width, "little", signed=True) for number in members)


def _ziplist_element(reader: Reader) -> bytes:
    head = reader.byte()
    if head < 0x40:
        return reader.take(head)
    if head < 0x80:
        return reader.take((head & 0x3F) << 8 | reader.byte())
    if head == 0x80:
        return reader.take(int.from_bytes(reader.take(4), "big"))
    if head in _ZIPLIST_INTEGERS:
        return b"%d" % reader.integer(_ZIPLIST_INTEGERS[head], signed=True)
    if head in _IMMEDIATE:
        return b"%d" % (head - _IMMEDIATE.start)
    raise reader.corrupt("a ziplist with an element of an unknown type")


def _zipmap_length(reader: Reader, head: int) -> int:
    if head >= _END:
        raise reader.corrupt("a zipmap that ends within a field")
    if head < _LONG:
        return head
    length = reader.integer(4)
    if length < _LONG:
        raise reader.corrupt("a zipmap with a length that takes more room than it needs")
    return length
