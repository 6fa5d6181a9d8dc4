"""Ranges: as Redis reads their bounds, and what they hold of a sorted set, beside a plain filter."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respstore import errors
from respstore.engine.ranges import member_range, positions_between, score_range
from respstore.errors import RespError
from respstore.keyspace import SortedSet

SCORES = st.sampled_from([-inf, -1.0, 0.0, 1.0, 1.5, 2.0, inf])
MEMBERS = st.binary(max_size=2)


@given(st.integers(-9, 9), st.integers(-9, 9), st.integers(0, 6))
def test_positions_are_those_of_a_slice(start: int, stop: int, length: int) -> None:
    low, high = positions_between(start, stop, length)
    assert 0 <= low <= high <= length
    items = list(range(length))
    first = max(start + length, 0) if start < 0 else start
    last = stop + length if stop < 0 else stop
    assert items[low:high] == [item for item in items if first <= item <= last]


@given(st.lists(SCORES), SCORES, SCORES, st.booleans(), st.booleans())
def test_scores_within(scores: list[float], low: float, high: float, low_open: bool, high_open: bool) -> None:
    value = SortedSet({b"%d" % number: score for number, score in enumerate(scores)})
    bounds = score_range(b"(" * low_open + b"%f" % low, b"(" * high_open + b"%f" % high)
    start, stop = bounds.within(value)
    expected = [
        score
        for score in sorted(scores)
        if (score > low if low_open else score >= low) and (score < high if high_open else score <= high)
    ]
    assert value.slice(start, stop)[1] == expected


@given(st.sets(MEMBERS, min_size=1), MEMBERS, MEMBERS, st.booleans(), st.booleans())
def test_members_within(members: set[bytes], low: bytes, high: bytes, low_open: bool, high_open: bool) -> None:
    bounds = member_range((b"(" if low_open else b"[") + low, (b"(" if high_open else b"[") + high)
    expected = [
        member
        for member in sorted(members)
        if (member > low if low_open else member >= low) and (member < high if high_open else member <= high)
    ]
    for is_skiplist in (False, True):
        value = SortedSet(dict.fromkeys(members, 3.0), is_skiplist=is_skiplist)
        for reverse in (False, True):
            start, stop = bounds.within(value, reverse=reverse)
            assert start <= stop
            assert value.slice(start, stop)[0] == expected


@pytest.mark.parametrize(
    ("low", "high", "found"),
    [
        (b"-", b"+", b"abc"),
        (b"+", b"-", b""),
        (b"-", b"-", b""),
        (b"+", b"+", b""),
        (b"-", b"(b", b"a"),
        (b"[b", b"+", b"bc"),
        (b"+", b"[a", b""),
        (b"(c", b"+", b""),
        (b"[", b"(", b""),
        (b"-\0x", b"+\0x", b"abc"),
    ],
)
def test_the_ends_of_all_members(low: bytes, high: bytes, found: bytes) -> None:
    value = SortedSet(dict.fromkeys((b"a", b"b", b"c"), 0.0))
    start, stop = member_range(low, high).within(value)
    assert b"".join(value.slice(start, stop)[0]) == found


@pytest.mark.parametrize(
    ("low", "high", "forward", "backward"),
    [
        (b"-", b"+", b"dbcae", b"dbcae"),
        (b"[b", b"+", b"dbcae", b"e"),
        (b"[b", b"[d", b"dbca", b""),
        (b"-", b"[d", b"dbca", b"dbca"),
        (b"[c", b"[d", b"dbca", b""),
        (b"-", b"[a", b"", b""),
        (b"(e", b"+", b"", b""),
    ],
)
def test_members_of_a_listpack_are_walked_through_where_scores_differ(
    low: bytes, high: bytes, forward: bytes, backward: bytes
) -> None:
    """As redis-server 7.0.15 answers ZRANGEBYLEX and ZREVRANGEBYLEX."""
    value = SortedSet({b"d": 1.0, b"b": 2.0, b"c": 3.0, b"a": 4.0, b"e": 5.0})
    bounds = member_range(low, high)
    assert b"".join(value.slice(*bounds.within(value))[0]) == forward
    assert b"".join(value.slice(*bounds.within(value, reverse=True))[0]) == backward


@pytest.mark.parametrize("bound", [b"junk", b"nan", b"((1", b"1 ", b"[1", b"-", b"+", b" "])
def test_no_score(bound: bytes) -> None:
    for bounds in ((bound, b"1"), (b"1", bound)):
        with pytest.raises(RespError) as caught:
            score_range(*bounds)
        assert caught.value.text == errors.NOT_A_SCORE_RANGE


@pytest.mark.parametrize("bound", [b"", b"a", b"--", b"+x", b"\0", b"1"])
def test_no_member(bound: bytes) -> None:
    for bounds in ((bound, b"+"), (b"-", bound)):
        with pytest.raises(RespError) as caught:
            member_range(*bounds)
        assert caught.value.text == errors.NOT_A_MEMBER_RANGE
