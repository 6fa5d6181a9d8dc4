"""MEMORY USAGE: the figures are those of a redis-server 7.0.15 for the same data."""

from collections import deque
from collections.abc import Iterable

import pytest

from respstore.keyspace import Database, Hash, Keyspace, Set, SortedSet, Value
from respstore.keyspace.list import LongList
from respstore.keyspace.sizes import allocated, size_of_key
from respstore.keyspace.stream import Stream
from respstore.keyspace.stream_group import Consumer, Group


@pytest.fixture
def db() -> Database:
    return Keyspace(1).databases[0]


def size(db: Database, value: Value, samples: int | None = None, key: bytes = b"k", **nodes: int) -> int:
    db.put(key, value, "set")
    result = size_of_key(db, key, samples, **nodes)
    assert result is not None
    return result


def stream_of(entries: Iterable[tuple[int, bytes]]) -> Stream:
    stream = Stream()
    for number, text in entries:
        stream.append(((number, 0), (b"f",), (text,)), 1 + len(text), 4096, 100)
    return stream


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        *((0, 8), (8, 8), (9, 16), (17, 32), (33, 48), (112, 112), (128, 128), (129, 160), (160, 160), (161, 192)),
        *((256, 256), (257, 320), (513, 640), (4096, 4096), (4097, 5120), (5 << 20, 5 << 20), ((5 << 20) + 1, 6 << 20)),
    ],
)
def test_what_jemalloc_gives(asked: int, given: int) -> None:
    assert allocated(asked) == given


def test_no_key(db: Database) -> None:
    assert size_of_key(db, b"missing", 5) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"5", 48),
        (5, 48),
        (b"", 64),
        (b"x" * 44, 96),
        (b"x" * 45, 112),
        (b"x" * 1000, 1072),
        (bytearray(b"x"), 56),
        (deque([b"a", b"b"]), 144),
        (Set({b"1": None, b"2": None, b"3": None}), 64),
        (Set({b"1": None, b"-32768": None, b"32767": None}), 64),
        (Set({b"%d" % (1 << number): None for number in range(40)}), 432),
        (Set({b"a": None, b"b": None, b"c": None}, is_table=True), 232),
        (Hash({b"a": b"1", b"b": b"xyz"}), 80),
        (Hash({b"a": b"x" * 65}, is_table=True), 248),
        (SortedSet({b"a": 1.0, b"b": 2.5}), 80),
        (SortedSet({b"x" * 65: 1.0}, is_skiplist=True), 981),  # 976 in most cases, 992 and more in others
        (stream_of([(1, b"v")]), 4728),
    ],
)
def test_sizes_are_those_of_redis(db: Database, value: Value, expected: int) -> None:
    assert size(db, value) == expected


def test_the_name_of_the_key_counts_and_its_time_to_live_does_not(db: Database) -> None:
    assert size(db, b"v", key=b"k" * 40) == 104
    db.expire_at(b"k" * 40, 10**13)
    assert size_of_key(db, b"k" * 40, 5) == 104


def test_a_key_whose_time_is_over_costs_memory_until_it_is_deleted(db: Database) -> None:
    before = size(db, b"v")
    db.expire_at(b"k", 10)
    db.keyspace.now = 10
    assert size_of_key(db, b"k", 5) == before
    db.get(b"k")
    assert size_of_key(db, b"k", 5) is None


def test_a_list_is_split_into_nodes(db: Database) -> None:
    value = deque(b"element%d" % number for number in range(1000))
    assert size(db, value, key=b"bl") == 12456
    assert size(db, value, list_node=1) == size(db, deque([b"element1"])) + 999 * (40 + 32)
    assert size(db, value, list_node=-1) > size(db, value, list_node=-5)


def test_the_first_elements_stand_for_all(db: Database) -> None:
    fields = {b"f%d" % number: b"x" * (10 if number < 5 else 1000) for number in range(100)}
    value = Hash(fields, is_table=True)
    assert size(db, value, 5) < 10_000
    assert size(db, value, 100) == size(db, value, 10**18) == size(db, value) > 100_000


def test_a_stream_with_groups(db: Database) -> None:
    stream = stream_of([(1, b"v")])
    group = stream.groups[b"g"] = Group((0, 0))
    assert size(db, stream) == 5012
    consumer = group.consumers[b"consumer"] = Consumer(b"consumer", 0)
    group.deliver([1], [0], consumer, 0)
    assert size(db, stream) == 5832


def test_the_last_node_of_a_stream_has_room(db: Database) -> None:
    stream = stream_of([(1, b"v")])
    assert size(db, stream, stream_node=100) == 744
    assert size(db, stream, stream_node=40) == 680


def test_the_first_nodes_of_a_stream_stand_for_all_but_the_last(db: Database) -> None:
    stream = stream_of((number, b"x" * (1 if number < 200 else 30)) for number in range(1, 1001))
    assert size(db, stream, 1) < size(db, stream)
    assert size(db, stream, 10**6) == size(db, stream)


def test_a_long_list_costs_what_a_deque_of_its_elements_would(db: Database) -> None:
    elements = [b"element:%07d" % number for number in range(10_000)]
    assert size(db, LongList(elements)) == size(db, deque(elements)) > 100_000
