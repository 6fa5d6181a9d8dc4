"""How many bytes an element takes in a listpack, Redis's packed form of small collections and of a stream's nodes.

Rules: listpack.c.
"""

from typing import Final

from respstore.numbers import parse_integer

LISTPACK_FRAME: Final = 7
"""Bytes of a listpack without elements."""
NINE: Final = ord("9")
"""What begins with a greater character is no number."""
_BACKWARD_LENGTHS: Final = ((1, 1 << 7), (2, (1 << 14) - 1), (3, (1 << 21) - 1), (4, (1 << 28) - 1), (5, 1 << 35))
"""By how many bytes an element's length is repeated behind it, for the lengths below."""
_LARGEST_WHOLE_SCORE: Final = 2.0**62


def integer_size(number: int) -> int:
    """Bytes of a signed 64-bit integer as an element of a listpack."""
    if 0 <= number < 1 << 7:
        return 2
    if -(1 << 12) <= number < 1 << 12:
        return 3
    if -(1 << 15) <= number < 1 << 15:
        return 4
    if -(1 << 23) <= number < 1 << 23:
        return 5
    return 6 if -(1 << 31) <= number < 1 << 31 else 10


def whole_score(score: float) -> int | None:
    """The integer that a score of a sorted set is in a listpack; None if it stands there in digits."""
    return int(score) if abs(score) <= _LARGEST_WHOLE_SCORE and score.is_integer() else None


def text_size(text: bytes) -> int:
    """Bytes of a string as an element of a listpack; one that is written as an integer is kept as one."""
    length = len(text)
    if 0 < length <= 20 and text[0] <= NINE and (number := parse_integer(text)) is not None:
        return integer_size(number)
    if length < 1 << 6:
        return length + 2
    length += 2 if length < 1 << 12 else 5
    return length + (1 if length < 1 << 7 else backward_size(length))


def backward_size(length: int) -> int:
    """Bytes in which an element's length is repeated behind it, for who walks backwards."""
    return next(size for size, limit in _BACKWARD_LENGTHS if length < limit)
