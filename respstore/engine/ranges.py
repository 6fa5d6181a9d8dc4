"""Ranges as arguments give them, of positions, of scores and of members, and where they lie in a sorted set.

A range of scores or members is kept as two **cuts**, places between elements: an element is in the range if it stands
behind the lower cut and before the upper one. So "included" or "excluded" is a matter of parsing only.
"""

from math import inf, nextafter
from typing import Final, NamedTuple

from respstore import errors
from respstore.errors import RespError
from respstore.keyspace import SortedSet
from respstore.numbers import parse_float_leniently

_BEHIND_ALL: Final = None
"""The cut behind all members, whatever their bytes."""


def positions_between(start: int, stop: int, length: int) -> tuple[int, int]:
    """Positions as clients give them, both included, negative ones from the end.

    Returns:
        The half-open range that they mean; (0, 0) if it is empty.
    """
    # No min() and max(): they would take longer than the rest of a short range.
    low = start if start >= 0 else start + length if start > -length else 0
    high = length if stop >= length else stop + 1 if stop >= 0 else stop + length + 1
    return (low, high) if low < high else (0, 0)


class ScoreRange(NamedTuple):
    """Scores from `low`, included, up to `high`, excluded unless None, which is behind all."""

    low: float | None
    high: float | None

    def within(self, value: SortedSet) -> tuple[int, int]:
        """The positions of its elements in a sorted set, as a half-open range."""
        length = len(value)
        low = length if self.low is None else value.before(self.low)
        high = length if self.high is None else value.before(self.high)
        return low, max(low, high)


def score_range(low: bytes, high: bytes) -> ScoreRange:
    """Read two scores such as `1.5`, `(1.5` (excluded), `-inf` or `+inf`.

    Raises:
        RespError: one of them is no number.
    """
    return ScoreRange(_score_cut(low, is_upper=False), _score_cut(high, is_upper=True))


def _score_cut(arg: bytes, *, is_upper: bool) -> float | None:
    is_open = arg[:1] == b"("
    score = parse_float_leniently(arg[1:] if is_open else arg)
    if score is None:
        raise RespError(errors.NOT_A_SCORE_RANGE)
    if is_open is is_upper:
        return score
    return None if score == inf else nextafter(score, inf)


class MemberRange(NamedTuple):
    """Members from `low`, included, up to `high`, excluded; None is behind all."""

    low: bytes | None
    high: bytes | None

    def within(self, value: SortedSet, *, reverse: bool = False) -> tuple[int, int]:
        """The positions of its elements in a sorted set whose scores are all equal, as a half-open range.

        Where they are not, what Redis answers depends on how it keeps the set. Through a listpack it goes element by
        element, from the front or in reverse, until one is beyond the range, and so it is done here. In a skiplist it
        is a matter of chance.
        """
        score = value.at(0)[1]
        if not value.is_skiplist and score != value.at(len(value) - 1)[1]:
            return self._walk(value.slice(0, len(value))[0], reverse=reverse)
        low = len(value) if self.low is None else value.before(score, self.low)
        high = len(value) if self.high is None else value.before(score, self.high)
        return low, max(low, high)

    def _walk(self, members: list[bytes], *, reverse: bool) -> tuple[int, int]:
        is_behind_low = [self.low is not None and member >= self.low for member in members]
        is_before_high = [self.high is None or member < self.high for member in members]
        if not is_behind_low[-1] or not is_before_high[0]:
            return 0, 0
        if reverse:
            above, below = is_before_high[::-1], is_behind_low[::-1]
            start, stop = _run(above, below)
            return len(members) - stop, len(members) - start
        return _run(is_behind_low, is_before_high)


def member_range(low: bytes, high: bytes) -> MemberRange:
    """Read two members, each behind `[` (included) or `(` (excluded), or `-` and `+` for the ends of all.

    Raises:
        RespError: one of them is neither.
    """
    return MemberRange(_member_cut(low, is_upper=False), _member_cut(high, is_upper=True))


def _member_cut(arg: bytes, *, is_upper: bool) -> bytes | None:
    sign, member = arg[:1], arg[1:]
    if sign in (b"[", b"("):
        # Behind a member stands, next of all bytes, the same with a zero more.
        return member if (sign == b"(") is is_upper else member + b"\0"
    if sign in (b"-", b"+") and member[:1] in (b"", b"\0"):
        return b"" if sign == b"-" else _BEHIND_ALL
    raise RespError(errors.NOT_A_MEMBER_RANGE)


def _run(begins: list[bool], goes_on: list[bool]) -> tuple[int, int]:
    """Where the first element stands that may begin a range, and how far it goes on from there."""
    start = begins.index(True)
    stop = start
    while stop < len(goes_on) and goes_on[stop]:
        stop += 1
    return start, stop
