"""Values of every type in the bytes of redis-server 7.0.15, and those that older and newer versions wrote."""

from collections import deque
from math import inf

import pytest

from respstore.config import Config
from respstore.keyspace import Hash, Set, SortedSet, Value
from respstore.keyspace.encodings import encoding_of
from respstore.persistence.rdb import listpack
from respstore.persistence.rdb.primitives import CorruptError, Reader, encode_length, encode_string
from respstore.persistence.rdb.values import EmptyError, decode_value, encode_value
from tests.persistence.rdb.test_ziplist import ziplist

CONFIG = Config()


def blob(data: bytes) -> bytes:
    return encode_length(len(data)) + data


def strings(*texts: bytes) -> bytes:
    return b"".join(map(encode_string, texts))


def decode(kind: int, data: bytes, config: Config = CONFIG) -> Value:
    reader = Reader(data)
    value = decode_value(kind, reader, config)
    assert reader.at == len(data)
    return value


def encoded(value: Value) -> tuple[int, bytes]:
    kind, pieces = encode_value(value, encode_string)
    return kind, b"".join(pieces)


def contents(value: Value) -> object:
    """What is in a value, in a form that compares."""
    return value.scores if isinstance(value, SortedSet) else value


@pytest.mark.parametrize(
    ("value", "kind", "data"),
    [
        (b"hello", 0, b"\x05hello"),
        (2**40, 0, b"\r1099511627776"),
        (bytearray(b"ab"), 0, b"\x02ab"),
        (
            deque([b"a", b"-1", b"x" * 20]),
            18,
            b"\x01\x02\x23\x23\x00\x00\x00\x03\x00\x81a\x02\xdf\xff\x02\x94" + b"x" * 20 + b"\x15\xff",
        ),
        (Set({b"1": None, b"-300": None}), 11, b"\x0c\x02\x00\x00\x00\x02\x00\x00\x00\xd4\xfe\x01\x00"),
        (Set({b"a": None}, is_table=True), 2, b"\x01\x01a"),
        (
            Hash({b"f": b"v", b"n": b"5000"}),
            16,
            b"\x14\x14\x00\x00\x00\x04\x00\x81f\x02\x81v\x02\x81n\x02\xf1\x88\x13\x03\xff",
        ),
        (Hash({b"f": b"v"}, is_table=True), 4, b"\x01\x01f\x01v"),
        (
            SortedSet({b"a": 1.5, b"b": -inf, b"c": 3.0}),
            17,
            b"\x1d\x1d\x00\x00\x00\x06\x00\x81b\x02\x84-inf\x05\x81a\x02\x831.5\x04\x81c\x02\x03\x01\xff",
        ),
        (  # a whole score has all its digits, which it would not have in print
            SortedSet({b"a": 123456789012345680.0}),
            17,
            b"\x14\x14\x00\x00\x00\x02\x00\x81a\x02\xf4\x50\xf3\x30\xa6\x4b\x9b\xb6\x01\x09\xff",
        ),
        (
            SortedSet({b"a": 1.5, b"b": -inf}, is_skiplist=True),
            5,
            b"\x02\x01a\x00\x00\x00\x00\x00\x00\xf8\x3f\x01b\x00\x00\x00\x00\x00\x00\xf0\xff",
        ),
    ],
)
def test_bytes(value: Value, kind: int, data: bytes) -> None:
    assert encoded(value) == (kind, data)
    expected = bytes(value) if isinstance(value, bytearray) else b"%d" % value if isinstance(value, int) else value
    assert contents(decode(kind, data)) == contents(expected)


def test_a_long_list_is_several_nodes() -> None:
    value = deque([b"x" * 3000, b"y" * 3000, b"z" * 3000, b"w" * 20_000, b"1"])
    kind, data = encoded(value)
    assert data[0] == 4  # two in the first, one each in the others
    assert decode(kind, data) == value


OF_OTHER_VERSIONS = [
    (1, b"\x02" + strings(b"a", b"1"), deque([b"a", b"1"])),
    (10, blob(ziplist(b"\x01a", b"\xf2")), deque([b"a", b"1"])),
    (14, b"\x02" + blob(ziplist(b"\x01a")) + blob(ziplist(b"\xf2")), deque([b"a", b"1"])),
    (18, b"\x02\x01\x01a\x02" + blob(listpack.encode([1])), deque([b"a", b"1"])),
    (20, blob(listpack.encode([b"a", 1])), Set({b"a": None, b"1": None})),
    (9, blob(b"\x01\x01f\x01\x00v\xff"), Hash({b"f": b"v"})),
    (13, blob(ziplist(b"\x01f", b"\xf2")), Hash({b"f": b"1"})),
    (12, blob(ziplist(b"\x01a", b"\x031.5", b"\x01b", b"\xf2")), {b"a": 1.5, b"b": 1.0}),
    (3, b"\x02" + encode_string(b"a") + b"\x031.5" + encode_string(b"b") + b"\xfe", {b"a": 1.5, b"b": inf}),
]


@pytest.mark.parametrize(("kind", "data", "expected"), OF_OTHER_VERSIONS)
def test_what_other_versions_wrote(kind: int, data: bytes, expected: object) -> None:
    assert contents(decode(kind, data)) == expected


def test_the_configuration_says_what_is_packed() -> None:
    def encodings(config: Config) -> list[str]:
        return [encoding_of(decode(kind, data, config)) for kind, data in map(encoded, values)]

    values = (Hash({b"f": b"v", b"g": b"w"}), Set({b"1": None, b"2": None}), SortedSet({b"a": 1.0, b"b": 2.0}))
    config = Config()
    assert encodings(config) == ["listpack", "intset", "listpack"]
    config.hash_max_listpack_entries = config.set_max_intset_entries = config.zset_max_listpack_entries = 1
    assert encodings(config) == ["hashtable", "hashtable", "skiplist"]


def test_what_is_packed_stays_so_however_long_its_elements_are() -> None:
    config = Config()
    config.hash_max_listpack_value = config.zset_max_listpack_value = 0
    packed, tables = (
        [Hash({b"f": b"v"}, is_table=is_table), SortedSet({b"a": 1.0}, is_skiplist=is_table)]
        for is_table in (False, True)
    )
    assert [encoding_of(decode(*encoded(value), config)) for value in packed] == ["listpack", "listpack"]
    assert [encoding_of(decode(*encoded(value), config)) for value in tables] == ["hashtable", "skiplist"]


@pytest.mark.parametrize(
    ("kind", "data", "error"),
    [
        (8, b"", "a value of the unknown type 8 at byte 0"),
        (22, b"", "a value of the unknown type 22 at byte 0"),
        (7, b"\x81\x24\x55\xd0\xac\x53\x91\x2e\x04", "a value of the module type JFXQrFORL at byte 0"),
        (2, b"\x02" + strings(b"a", b"a"), "a set that has a member twice at byte 0"),
        (4, b"\x02" + strings(b"f", b"1", b"f", b"2"), "a hash that has a field twice at byte 0"),
        (13, blob(ziplist(b"\x01f")), "a hash with a field that has no value at byte 0"),
        (3, b"\x02\x01a\x011\x01a\x012", "a sorted set that has a member twice at byte 0"),
        (3, b"\x01\x01a\xfd", "a sorted set with a score that is no number at byte 0"),
        (17, blob(listpack.encode([b"a", b"b"])), "a sorted set with a score that is no number at byte 0"),
        (17, blob(listpack.encode([b"a", 1, b"b"])), "a sorted set with a member that has no score at byte 0"),
        (18, b"\x01\x03\x01a", "a node of a list of the unknown kind 3 at byte 2"),
        (18, b"\x01\x01\x00", "a node of a list for one large element that is empty at byte 3"),
        (16, blob(b"no listpack"), "a listpack of a wrong length at byte 0"),
        (1, b"\x81" + b"\x7f" * 8, "the data ends too soon at byte 9"),
    ],
)
def test_broken_values(kind: int, data: bytes, error: str) -> None:
    with pytest.raises(CorruptError) as caught:
        decode_value(kind, Reader(data), CONFIG)
    assert str(caught.value) == error


@pytest.mark.parametrize(
    ("kind", "data"),
    [(1, b"\x00"), (2, b"\x00"), (4, b"\x00"), (5, b"\x00"), (18, b"\x00"), (16, blob(listpack.encode([])))],
)
def test_an_empty_collection_is_no_value(kind: int, data: bytes) -> None:
    with pytest.raises(EmptyError):
        decode_value(kind, Reader(data), CONFIG)


@pytest.mark.parametrize(
    "value",
    [
        Hash(((b"%d" % number, b"value") for number in range(20_000)), is_table=True),
        Set.of([b"%d" % number for number in range(20_000)], 512),
        SortedSet({b"%d" % number: number / 3 for number in range(20_000)}, is_skiplist=True),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_large_collection_comes_in_small_pieces(value: Value) -> None:
    kind, pieces = encode_value(value, encode_string)
    parts = list(pieces)
    assert max(map(len, parts)) < 20_000
    assert contents(decode(kind, b"".join(parts))) == contents(value)
