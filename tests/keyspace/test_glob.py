"""Glob patterns, compared with a plain matcher that looks at every byte."""

import time
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from respstore.keyspace.glob import compile_glob

STAR = None
Element = Callable[[int], bool] | None


def reference(pattern: bytes, key: bytes, ignore_case: bool) -> bool:
    """What compile_glob must say, written down plainly: every element at every position of the key."""
    if pattern == b"*":
        return True
    if not key:
        return not pattern
    reached = {0}
    for element in elements(pattern, ignore_case):
        if element is STAR:
            reached = set(range(min(reached), len(key) + 1)) if reached else set()
        else:
            reached = {at + 1 for at in reached if at < len(key) and element(key[at])}
    return len(key) in reached


def elements(pattern: bytes, ignore_case: bool) -> list[Element]:
    found: list[Element] = []
    at = 0
    while at < len(pattern):
        byte = pattern[at]
        at += 1
        if byte == ord("*"):
            found.append(STAR)
        elif byte == ord("?"):
            found.append(lambda _: True)
        elif byte == ord("["):
            element, at = bracket(pattern, at, ignore_case)
            found.append(element)
        else:
            if byte == ord("\\") and at < len(pattern):
                byte = pattern[at]
                at += 1
            found.append(same(byte, ignore_case))
    return found


def bracket(pattern: bytes, at: int, ignore_case: bool) -> tuple[Element, int]:
    negated = pattern[at : at + 1] == b"^"
    at += negated
    members: list[Callable[[int], bool]] = []
    while at < len(pattern):
        left = len(pattern) - at
        if pattern[at] == ord("\\") and left >= 2:
            members.append(same(pattern[at + 1], ignore_case=False))
            at += 2
        elif pattern[at] == ord("]"):
            at += 1
            break
        elif left >= 3 and pattern[at + 1] == ord("-"):
            members.append(between(pattern[at], pattern[at + 2], ignore_case))
            at += 3
        else:
            members.append(same(pattern[at], ignore_case))
            at += 1
    return (lambda byte: any(member(byte) for member in members) != negated), at


def same(wanted: int, ignore_case: bool) -> Callable[[int], bool]:
    return lambda byte: fold(byte, ignore_case) == fold(wanted, ignore_case)


def between(first: int, last: int, ignore_case: bool) -> Callable[[int], bool]:
    low, high = (fold(end, ignore_case) for end in sorted((signed(first), signed(last))))
    return lambda byte: low <= fold(signed(byte), ignore_case) <= high


def signed(byte: int) -> int:
    return byte - 256 if byte > 127 else byte


def fold(byte: int, ignore_case: bool) -> int:
    return byte + 32 if ignore_case and ord("A") <= byte <= ord("Z") else byte


SYNTAX = [b"*", b"?", b"[", b"]", b"^", b"-", b"\\", b"a", b"b", b"c", b"A", b"Z", b"_", b"\n", b"\x00", b"\xff"]
patterns = st.lists(st.sampled_from(SYNTAX), max_size=12).map(b"".join)
keys = st.lists(st.sampled_from(SYNTAX), max_size=8).map(b"".join)
# Few letters and many stars: what matches, and in more than one way.
starry = st.lists(st.sampled_from([b"*", b"?", b"a", b"b", b"[ab]"]), max_size=12).map(b"".join)
monotonous = st.lists(st.sampled_from([b"a", b"b"]), max_size=12).map(b"".join)


@given(pattern=patterns | starry, key=keys | monotonous, ignore_case=st.booleans())
@example(pattern=b"*ab*b", key=b"ab", ignore_case=False)
@example(pattern=b"*?[ab]", key=b"a", ignore_case=False)
@example(pattern=b"[\xff-a]?", key=b"\x00b", ignore_case=False)
@example(pattern=b"[\\M]*", key=b"M", ignore_case=True)
def test_agrees_with_the_reference(*, pattern: bytes, key: bytes, ignore_case: bool) -> None:
    assert compile_glob(pattern, ignore_case)(key) is reference(pattern, key, ignore_case)


@given(st.binary(max_size=20), st.binary(max_size=20))
def test_any_bytes_are_a_pattern(pattern: bytes, key: bytes) -> None:
    assert compile_glob(pattern)(key) is reference(pattern, key, ignore_case=False)


@given(st.binary(max_size=20))
def test_every_key_can_be_escaped(key: bytes) -> None:
    matches = compile_glob(b"".join(b"\\%c" % byte for byte in key))
    assert matches(key)
    assert not matches(key + b"x")


CORNERS = {  # each asked of redis-server 7.0.15; compat/redis/test_glob.py asks for many more
    b"*": [b"", b"a", b"]", b"ab"],
    b"**": [b"a", b"]", b"ab"],
    b"": [b""],
    b"[": [],
    b"[^": [b"a", b"]"],
    b"[]": [],
    b"[]a]": [],
    b"[^]": [b"a", b"]"],
    b"[a-]": [b"a", b"]"],
    b"[]-a]": [],
    b"[z-a]": [b"a"],
    b"[-a": [b"a"],
    b"[\\]]": [b"]"],
    b"a?": [b"ab"],
    b"\\a\\b": [b"ab"],
    b"a\\": [],
}


@pytest.mark.parametrize(("pattern", "expected"), CORNERS.items())
def test_corners_of_the_syntax(pattern: bytes, expected: list[bytes]) -> None:
    assert [key for key in (b"", b"a", b"]", b"ab") if compile_glob(pattern)(key)] == expected


@pytest.mark.parametrize(
    "pattern",
    [
        b"a*" * 1000 + b"b",
        b"*?a" * 1000 + b"b",
        b"[ab]*" * 1000 + b"[c]",
        b"*" + b"a" * 50_000 + b"b*",
        b"*" + b"?" * 50_000 + b"b*",
        b"[ab]" * 250_000,
        b"*" * 1_000_000 + b"b",
        b"[" + b"a-z" * 300_000,
    ],
    ids=lambda pattern: f"{pattern[:8].decode()}_{len(pattern)}",
)
def test_hostile_patterns_do_not_take_long(pattern: bytes) -> None:
    start = time.process_time()
    assert not compile_glob(pattern)(b"a" * 100_000)
    # Milliseconds, where a matcher that goes back to earlier stars takes longer than a life.
    assert time.process_time() - start < 5
