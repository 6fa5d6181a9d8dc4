"""Estimates of memory: what is larger costs more."""

from collections import deque
from collections.abc import Callable
from itertools import pairwise
from sys import getsizeof

import pytest

from respstore.keyspace import Database, Hash, Keyspace, Set, SortedSet, Value
from respstore.keyspace.sizes import DICT_ENTRY, size_of_key
from respstore.keyspace.stream import Stream
from respstore.keyspace.stream_group import Consumer, Group


@pytest.fixture
def db() -> Database:
    return Keyspace(1).databases[0]


def size(db: Database, value: Value, samples: int | None = 5, key: bytes = b"key") -> int:
    db.put(key, value, "set")
    result = size_of_key(db, key, samples)
    assert result is not None
    return result


def test_no_key(db: Database) -> None:
    assert size_of_key(db, b"missing", 5) is None


def test_a_string_is_its_entry_its_name_and_itself(db: Database) -> None:
    key, value = b"k" * 100, b"v" * 1000
    parts = DICT_ENTRY + getsizeof(key) + getsizeof(value)
    assert parts <= size(db, value, key=key) < parts + 32


@pytest.mark.parametrize(
    "make",
    [
        bytes,
        bytearray,
        lambda text: deque([text]),
        lambda text: deque([b"a", text]),
        lambda text: Set({text: None}),
        lambda text: SortedSet({text: 1.0}),
        lambda text: Hash({b"f": text}),
        lambda text: Hash({text: b"v"}),
    ],
)
def test_what_is_longer_is_larger(db: Database, make: Callable[[bytes], Value]) -> None:
    sizes = [size(db, make(b"x" * length)) for length in (10, 100, 1000, 10_000)]
    assert all(small < large for small, large in pairwise(sizes))
    assert 8_900 < sizes[-1] - sizes[-2] < 9_100


def test_a_longer_name_costs_more(db: Database) -> None:
    assert size(db, b"v", key=b"k" * 100) > size(db, b"v", key=b"k")


def test_expiry_costs_something(db: Database) -> None:
    lasting = size(db, b"v")
    db.expire_at(b"key", 10**13)
    assert lasting + 100 < size_of_key(db, b"key", 5) < lasting + 200


def test_a_key_whose_time_is_over_costs_memory_until_it_is_deleted(db: Database) -> None:
    db.put(b"key", b"v", "set")
    db.expire_at(b"key", 10)
    size = size_of_key(db, b"key", 5)
    db.keyspace.now = 10
    assert size_of_key(db, b"key", 5) == size
    db.get(b"key")
    assert size_of_key(db, b"key", 5) is None


def test_the_first_elements_stand_for_all(db: Database) -> None:
    even = deque([b"x" * 100] * 1000)
    assert size(db, even, 5) == size(db, even, None) > 100_000
    uneven = deque([b"x" * 100] * 5 + [b"x" * 10_000] * 5)
    assert size(db, uneven, 5) < 5_000
    assert size(db, uneven, None) > 50_000
    assert size(db, uneven, 10) == size(db, uneven, 10**18) == size(db, uneven, None)


def test_a_list_that_grows_in_place(db: Database) -> None:
    value = deque([b"element"])
    before = size(db, value)
    value.extend([b"element"] * 999)
    assert size(db, value) > before + 999 * getsizeof(b"element")


def test_the_order_of_a_container_costs_memory(db: Database) -> None:
    members = [b"member:%d" % number for number in range(1000)]
    set_ = Set()
    set_.add(members, 512)
    for value in (set_, SortedSet(dict.fromkeys(members, 1.0), is_skiplist=True)):
        before = size(db, value)
        value.scan(0, 1)
        assert before + 8_000 < size(db, value) < before + 9_000


def test_a_stream(db: Database) -> None:
    stream = Stream()
    empty = size(db, stream)
    for number in range(1, 2001):
        stream.append(((number, 0), (b"field",), (b"value%d" % number,)), 14, 4096, 100)
    assert empty + 20_000 < size(db, stream) < empty + 200_000
    assert size(db, stream, 5) < size(db, stream, None)
    group = stream.groups[b"g"] = Group((0, 0))
    before = size(db, stream)
    consumer = group.consumers[b"c"] = Consumer(b"c", 0)
    group.deliver([(number, 0) for number in range(1, 101)], consumer, 0)
    assert size(db, stream) > before + 100 * 100
