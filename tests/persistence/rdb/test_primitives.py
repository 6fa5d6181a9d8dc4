"""Lengths, strings and doubles: in Redis's bytes there and back; what is broken is told with its place."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respstore.persistence.rdb.primitives import (
    CorruptError,
    Reader,
    encode_compressed,
    encode_double,
    encode_integer,
    encode_length,
    encode_string,
)


@pytest.mark.parametrize(
    ("length", "data"),
    [
        (0, b"\x00"),
        (63, b"\x3f"),
        (64, b"\x40\x40"),
        (16383, b"\x7f\xff"),
        (16384, b"\x80\x00\x00\x40\x00"),
        (2**32 - 1, b"\x80\xff\xff\xff\xff"),
        (2**32, b"\x81\x00\x00\x00\x01\x00\x00\x00\x00"),
        (2**64 - 1, b"\x81" + b"\xff" * 8),
    ],
)
def test_lengths(length: int, data: bytes) -> None:
    assert encode_length(length) == data
    assert Reader(data).length() == length


@pytest.mark.parametrize(
    ("text", "data"),
    [
        (b"", b"\x00"),
        (b"hello", b"\x05hello"),
        (b"-129", b"\xc1\x7f\xff"),
        (b"127", b"\xc0\x7f"),
        (b"2147483647", b"\xc2\xff\xff\xff\x7f"),
        (b"2147483648", b"\x0a2147483648"),
        (b"01", b"\x0201"),
        (b"x" * 64, b"\x40\x40" + b"x" * 64),
    ],
)
def test_strings(text: bytes, data: bytes) -> None:
    assert encode_string(text) == data
    assert Reader(data).string() == text


@given(st.integers(-(2**63), 2**63 - 1))
def test_an_integer_is_the_string_of_its_digits(number: int) -> None:
    assert encode_integer(number) == encode_string(b"%d" % number)


@given(st.binary(max_size=200), st.floats(allow_nan=False), st.integers(0, 2**64 - 1))
def test_what_is_written_comes_back(text: bytes, number: float, length: int) -> None:
    reader = Reader(encode_string(text) + encode_double(number) + encode_length(length))
    assert (reader.string(), reader.double(), reader.length()) == (text, number, length)
    assert reader.at == reader.end


@pytest.mark.parametrize(
    ("data", "number"),
    [(b"\x03-.5", -0.5), (b"\xfe", math.inf), (b"\xff", -math.inf), (b"\x171.1000000000000000888178", 1.1)],
)
def test_doubles_of_old_versions(data: bytes, number: float) -> None:
    assert Reader(data).double_as_text() == number


def test_a_double_of_an_old_version_may_be_no_number() -> None:
    assert math.isnan(Reader(b"\xfd").double_as_text())
    with pytest.raises(CorruptError, match="no number"):
        Reader(b"\x01x").double_as_text()


def test_a_compressed_string() -> None:
    data = b"\xc3\n<\x02aba\xe0.\x01\x01ab"  # from redis-server 7.0.15
    assert encode_compressed(b"ab" * 30) == encode_compressed(bytearray(b"ab" * 30)) == data
    assert Reader(data).string() == b"ab" * 30


@pytest.mark.parametrize("text", [b"", b"12", b"x" * 20, b"abcdefghijklmnopqrstuvwxyz"])
def test_what_would_gain_nothing_is_not_compressed(text: bytes) -> None:
    assert encode_compressed(text) == encode_string(text)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", "the data ends too soon at byte 0"),
        (b"\x05hell", "the data ends too soon at byte 1"),
        (b"\x40", "the data ends too soon at byte 1"),
        (b"\x81" + b"\xff" * 8, "the data ends too soon at byte 9"),
        (b"\xc4", "a string of the unknown form 4 at byte 0"),
        (b"\x82", "a length of the unknown form 130 at byte 0"),
        (b"\xc3\x02\x03\x00a", "compressed data of a wrong length at byte 5"),
        (b"\xc3\x01\x81" + b"\xff" * 8 + b"a", "compressed data that cannot be so long at byte 12"),
    ],
)
def test_what_is_broken_is_told_with_its_place(data: bytes, error: str) -> None:
    with pytest.raises(CorruptError) as caught:
        Reader(data).string()
    assert str(caught.value) == error


def test_a_string_is_no_length() -> None:
    with pytest.raises(CorruptError, match="a length was expected at byte 0"):
        Reader(b"\xc0\x01").length()


def test_what_stands_behind_the_end_is_not_read() -> None:
    with pytest.raises(CorruptError, match="ends too soon"):
        Reader(b"\x05hello", end=3).string()
