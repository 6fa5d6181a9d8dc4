"""Listpacks: a sequence of strings and integers in one piece of memory, from Redis 5 on.

    <total bytes, 4> <number of elements, 2> <element> ... 0xff

An element is a head that tells its type, its data, and the length of both for who walks backwards. Rules: listpack.c.
"""

import struct
from collections.abc import Iterable
from typing import Final

from respstore.keyspace.listpack_sizes import LISTPACK_FRAME, backward_size
from respstore.numbers import parse_integer

Element = bytes | int

_END: Final = 0xFF
_UNKNOWN_COUNT: Final = 0xFFFF
_HEAD: Final = struct.Struct("<IH")
_LONGEST_INTEGER: Final = 20
_WIDTHS: Final = {0xF1: 2, 0xF2: 3, 0xF3: 4, 0xF4: 8}
_DO_NOT_FILL: Final = "a listpack whose elements do not fill it"
_WRONG_LENGTH: Final = "a listpack with an element whose length behind it is not that before it"
_SMALL: Final = tuple(bytes([number, 1]) for number in range(128))


def encode(elements: Iterable[Element]) -> bytes:
    """A listpack of some elements; a string that is written as an integer is kept as one."""
    parts = []
    for element in elements:
        if type(element) is int:
            number: int | None = element
        else:
            assert isinstance(element, bytes)
            number = parse_integer(element) if len(element) <= _LONGEST_INTEGER else None
            if number is None:
                parts.append(_encode_text(element))
                continue
        assert number is not None
        parts.append(_SMALL[number] if 0 <= number < 128 else _encode_integer(number))
    body = b"".join(parts)
    return _HEAD.pack(LISTPACK_FRAME + len(body), min(len(parts), _UNKNOWN_COUNT)) + body + b"\xff"


def decode(data: bytes) -> list[Element]:
    """The elements of a listpack.

    Raises:
        ValueError: it is none.
    """
    end = len(data) - 1
    if len(data) < LISTPACK_FRAME or data[end] != _END or _HEAD.unpack_from(data)[0] != len(data):
        raise ValueError("a listpack of a wrong length")
    try:
        elements, at = _decode_elements(data, end)
    except IndexError:
        raise ValueError(_DO_NOT_FILL) from None
    if at != end or _HEAD.unpack_from(data)[1] not in (len(elements), _UNKNOWN_COUNT):
        raise ValueError(_DO_NOT_FILL)
    return elements


def _decode_elements(data: bytes, end: int) -> tuple[list[Element], int]:
    """The elements, and where the last of them ends; raises IndexError if that is not within the data."""
    elements: list[Element] = []
    at = LISTPACK_FRAME - 1
    while at < end:
        head = data[at]
        if head < 0x80:
            if data[at + 1] != 1:
                raise ValueError(_WRONG_LENGTH)
            elements.append(head)
            at += 2
            continue
        if head < 0xC0:
            start, size = at + 1, 1 + (head & 0x3F)
        elif head < 0xE0:
            start, size = at, 2
        elif head < 0xF0:
            start, size = at + 2, 2 + ((head & 0x0F) << 8 | data[at + 1])
        elif head == 0xF0:
            start, size = at + 5, 5 + int.from_bytes(data[at + 1 : at + 5], "little")
        elif head in _WIDTHS:
            start, size = at + 1, 1 + _WIDTHS[head]
        else:
            raise ValueError("a listpack with an element of an unknown type")
        content = data[start : at + size]
        if 0xC0 <= head < 0xE0:
            number = (head & 0x1F) << 8 | content[1]
            elements.append(number - (1 << 13) if number >= 1 << 12 else number)
        elif head in _WIDTHS:
            elements.append(int.from_bytes(content, "little", signed=True))
        else:
            elements.append(content)
        at += size
        if size < 1 << 7:
            behind, is_right = 1, data[at] == size
        else:
            behind = backward_size(size)
            is_right = data[at : at + behind] == _backward(size)
        if not is_right:
            raise ValueError(_WRONG_LENGTH)
        at += behind
    return elements, at


def _encode_text(text: bytes) -> bytes:
    length = len(text)
    if length < 1 << 6:
        return b"%c%b%c" % (0x80 | length, text, length + 1)
    head = bytes((0xE0 | length >> 8, length & 0xFF)) if length < 1 << 12 else b"\xf0" + length.to_bytes(4, "little")
    return head + text + _backward(len(head) + length)


def _encode_integer(number: int) -> bytes:
    if -(1 << 12) <= number < 1 << 12:
        return bytes((0xC0 | number >> 8 & 0x1F, number & 0xFF, 2))
    head, width = next(
        (head, width) for head, width in _WIDTHS.items() if -(1 << 8 * width - 1) <= number < 1 << 8 * width - 1
    )
    return bytes((head, *number.to_bytes(width, "little", signed=True), width + 1))


def _backward(size: int) -> bytes:
    """The length of an element for who comes from behind: seven bits in a byte, all but the first byte marked."""
    count = backward_size(size)
    return bytes([size >> 7 * at & 0x7F | (0x80 if at < count - 1 else 0) for at in reversed(range(count))])
