"""Splitting lines as Redis does; every line here was sent to redis-server 7.0.15 as an inline command."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respstore.protocol.inline import split_arguments, split_plain_lines


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        # Spaces
        (rb"", []),
        (b" \t\r\v\f ", []),
        (rb"PING", [b"PING"]),
        (b"  a \t b\rc  ", [b"a", b"b", b"c"]),
        (b"\va\fb", [b"a\fb"]),  # only in front of an argument are these two spaces,
        (b"a\v b", [b"a\v", b"b"]),
        (b"'a'\v'b'\f", [b"a", b"b"]),  # ... and behind a quoted one
        (b"\x1fa\x85\xa0b", [b"\x1fa\x85\xa0b"]),
        # Double quotes
        (rb'"a b"', [b"a b"]),
        (rb'""', [b""]),
        (rb'"" ""', [b"", b""]),
        (rb'"a\nb\r\t\b\a"', [b"a\nb\r\t\b\a"]),
        (rb'"\x41\xfF\x00"', [b"A\xff\x00"]),
        (rb'"\x4"', [b"x4"]),
        (rb'"\x4g\xg4\x"', [b"x4gxg4x"]),
        (rb'"\X41"', [b"X41"]),
        (rb'"\\\"\q\'\v\0"', [b"\\\"q'v0"]),
        (rb'''"it's"''', [b"it's"]),
        (b'"\xff\xfe"', [b"\xff\xfe"]),
        # Single quotes
        (rb"'a b'", [b"a b"]),
        (rb"''", [b""]),
        (rb"'it\'s'", [b"it's"]),
        (rb"'a\nb\\\x41'", [rb"a\nb\\\x41"]),
        (rb"""'say "x"'""", [b'say "x"']),
        # Quotes in the middle of a word
        (rb'a"b c"', [b"ab c"]),
        (rb"a'b c'", [b"ab c"]),
        (rb'a"b" c', [b"ab", b"c"]),
        # A backslash outside of quotes is one
        (rb"\x41\n\\", [rb"\x41\n\\"]),
        (rb"a\ b", [b"a\\", b"b"]),
        # All together
        (rb"""SET 'my key' "line 1\r\nline 2" EX 10""", [b"SET", b"my key", b"line 1\r\nline 2", b"EX", b"10"]),
    ],
)
def test_lines(line: bytes, arguments: list[bytes]) -> None:
    assert split_arguments(line) == arguments


@pytest.mark.parametrize(
    "line",
    [
        *[rb'"', rb"'", rb'"a', rb"'a", rb'a "b', rb'"a\"', rb"'a\'", b'"a\\', b"'a\\", rb""" "a' """],
        *[rb'"a"b', rb"'a'b", rb'"a""b"', rb"'a''b'", rb"""'a'"b" """, rb'a"b"c', rb"a'b'c"],
    ],
)
def test_quotes_must_balance_and_end_a_word(line: bytes) -> None:
    assert split_arguments(line) is None


def quoted(argument: bytes) -> bytes:
    return b'"%b"' % b"".join(b"\\x%02x" % byte for byte in argument)


@given(st.lists(st.binary(max_size=20), max_size=6))
def test_every_argument_can_be_written(arguments: list[bytes]) -> None:
    assert split_arguments(b" ".join(map(quoted, arguments))) == arguments


@given(st.binary(max_size=60) | st.text("ab\\x41\"' \t", max_size=60).map(str.encode))
def test_any_line_has_an_answer(line: bytes) -> None:
    arguments = split_arguments(line)

    assert arguments is None or sum(map(len, arguments)) <= len(line)


LINES = st.lists(
    st.sampled_from([b"SET k v", b" GET\tk ", b"a\rb", b"\xff\x80 caf\xc3\xa9", b"", b" ", b"$3", b"~ #", b"PING\r"])
)
SPECIAL = st.sampled_from([b"", b'"', b"'", b"*1", b"\0", b"a\vb", b"a\fb"])


@given(lines=LINES, special=SPECIAL, at=st.integers(0, 10), rest=st.sampled_from([b"", b"PI"]))
def test_plain_lines_are_split_as_any_others(lines: list[bytes], special: bytes, at: int, rest: bytes) -> None:
    lines.insert(at, special)
    expected = [arguments for line in lines if (arguments := split_arguments(line))]
    data = b"".join(line + b"\n" for line in lines) + rest
    assert split_plain_lines(data) == ([] if special or rest else expected)
