"""What Redis would call a value's representation, and how long it would be in a dump."""

from collections import deque

import pytest

from respstore.keyspace import Hash, Set, SortedSet
from respstore.keyspace.encodings import SHARED_REFCOUNT, encoding_of, refcount_of, serialized_length_of
from respstore.keyspace.list import LongList
from respstore.keyspace.stream import Stream


@pytest.mark.parametrize(
    ("value", "encoding"),
    [
        (b"0", "int"),
        (b"-1", "int"),
        (b"9223372036854775807", "int"),
        (b"-9223372036854775808", "int"),
        (b"9223372036854775808", "embstr"),
        (b"007", "embstr"),
        (b"-0", "embstr"),
        (b"+1", "embstr"),
        (b"1.0", "embstr"),
        (b"", "embstr"),
        (b"x" * 44, "embstr"),
        (b"x" * 45, "raw"),
        (b"1" * 45, "raw"),
        (bytearray(b"1"), "raw"),
        (deque([b"a"]), "quicklist"),
        (LongList([b"a"]), "quicklist"),
        (Hash({b"f": b"v"}), "listpack"),
        (Hash({b"f": b"v"}, is_table=True), "hashtable"),
        (Set({b"1": None}), "intset"),
        (Set({b"1": None}, is_table=True), "hashtable"),
        (SortedSet({b"a": 1.0}), "listpack"),
        (SortedSet({b"a": 1.0}, is_skiplist=True), "skiplist"),
        (Stream(), "stream"),
    ],
)
def test_encoding(value: bytes, encoding: str) -> None:
    assert encoding_of(value) == encoding


@pytest.mark.parametrize("value", [b"0", b"9999"])
def test_small_integers_are_shared(value: bytes) -> None:
    assert refcount_of(value) == SHARED_REFCOUNT


@pytest.mark.parametrize("value", [b"10000", b"-1", b"01", b"text", bytearray(b"5"), deque([b"5"])])
def test_everything_else_is_referred_to_once(value: bytes) -> None:
    assert refcount_of(value) == 1


@pytest.mark.parametrize(
    ("value", "length"),
    [
        (b"", 1),
        (SortedSet({b"hello": 1.0, b"1": 2.0}), 1 + 6 + 2 + 16),
        (b"hello", 6),
        (b"127", 2),
        (b"-128", 2),
        (b"128", 3),
        (b"-129", 3),
        (b"32768", 5),
        (b"-2147483648", 5),
        (b"2147483648", 11),
        (b"007", 4),
        (bytearray(b"5"), 2),
        (b"x" * 63, 64),
        (b"x" * 64, 66),
        (b"x" * 16383, 16385),
        (b"x" * 16384, 16389),
        (deque([b"abc", b"1"]), 1 + 4 + 2),
        (deque([b"1"] * 64), 2 + 128),
        (LongList([b"1"] * 5000), 2 + 10_000),
        (Hash({b"f": b"hello"}), 1 + 2 + 6),
        (Set({b"abc": None, b"1": None}), 1 + 4 + 2),
    ],
)
def test_serialized_length(value: bytes, length: int) -> None:
    assert serialized_length_of(value) == length
