"""What values cost, against what CPython says of their parts. That the process grows by as much: engine/test_memory."""

from collections import deque
from sys import getsizeof

import pytest

from respstore.keyspace import Hash, Keyspace, Set, SortedSet
from respstore.keyspace.database import TYPE_NAMES, Value
from respstore.keyspace.footprint import (
    allocated,
    count_of,
    elements_size,
    footprint_beside,
    of_integer,
    of_text,
    of_texts,
    own_size,
)
from respstore.keyspace.list import LongList
from respstore.keyspace.stream import Stream
from respstore.keyspace.stream_group import Consumer, Group, Pending


def stream_of(count: int) -> Stream:
    stream = Stream()
    for number in range(1, count + 1):
        stream.append(((number, 0), (b"field",), (b"value:%d" % number,)), 20, 4096, 100)
    return stream


MADE = {
    bytes: lambda count: b"x" * count,
    bytearray: lambda count: bytearray(b"x" * count),
    int: lambda count: 10**9 + count,
    deque: lambda count: deque(b"element:%d" % number for number in range(count)),
    LongList: lambda count: LongList(b"element:%d" % number for number in range(count)),
    Hash: lambda count: Hash({b"field:%d" % number: b"value:%d" % number for number in range(count)}),
    Set: lambda count: Set(dict.fromkeys(b"member:%d" % number for number in range(count))),
    SortedSet: lambda count: SortedSet({b"member:%d" % number: number + 0.5 for number in range(count)}),
    Stream: stream_of,
}


def test_all_types_are_made_here() -> None:
    assert MADE.keys() == TYPE_NAMES.keys()


@pytest.mark.parametrize("length", [*range(100), 511, 512, 513, 100_000])
def test_a_text(length: int) -> None:
    text = b"x" * length
    assert of_text(text) == (allocated(text) if length > 1 else 0)
    assert of_texts([text, text]) == 2 * of_text(text)


def test_an_integer() -> None:
    assert of_integer(0) == of_integer(256) == of_integer(-5) == 0
    assert of_integer(257) == of_integer(-6) == of_integer(2**62) == 32 == allocated(257)


@pytest.mark.parametrize("kind", TYPE_NAMES, ids=lambda kind: kind.__name__)
def test_what_has_ten_times_as_much_costs_ten_times_as_much(kind: type) -> None:
    def cost(value: Value) -> int:
        return own_size(value) + elements_size(value)

    small, large = MADE[kind](5000), MADE[kind](50_000)
    if kind is int:
        assert cost(small) == cost(large) == 32
    else:
        assert 5 < cost(large) / cost(small) < 15  # tables grow by leaps; the last nodes of a stream are not packed


@pytest.mark.parametrize("kind", TYPE_NAMES, ids=lambda kind: kind.__name__)
def test_elements_are_counted_by_themselves(kind: type) -> None:
    value = MADE[kind](1000)
    if count_of(value):
        assert count_of(value) == 1000
        assert elements_size(value) > 1000
        assert own_size(MADE[kind](1)) < 1000
    else:
        assert elements_size(value) == 0
        assert own_size(value) >= 32


def test_a_hash_is_its_table_its_fields_and_its_values() -> None:
    value = Hash({b"field:%d" % number: b"value" * number for number in range(10)})
    assert elements_size(value) == sum(map(allocated, [*value, *[text for text in value.values() if text]]))
    assert own_size(value) == allocated(value)


def test_an_order_for_scans_costs_something() -> None:
    value = MADE[Set](10_000)
    before = own_size(value)
    value.is_table = True
    value.scan(0, 1)
    assert own_size(value) - before == getsizeof(value.order)


def test_groups_of_a_stream_and_what_they_delivered() -> None:
    value = stream_of(100)
    before = own_size(value)
    group = value.groups[b"g"] = Group((0, 0))
    consumer = group.consumers[b"c"] = Consumer(b"c", 0)
    with_group = own_size(value)
    assert with_group - before > 500
    group.deliver([*range(1, 101)], [0] * 100, consumer, 0)
    assert 100 * 24 < own_size(value) - with_group < 100 * 24 + 200
    for number in range(1, 101):
        group.give((number, 0), Pending(consumer, number, 2))
    assert own_size(value) - with_group > 100 * 100


def test_times_to_live_and_the_order_of_keys_cost_something_beside() -> None:
    keyspace = Keyspace(1)
    (db,) = keyspace.databases
    assert footprint_beside(db) == 0
    for number in range(1000):
        db.put(b"key:%d" % number, b"v", "set")
    assert footprint_beside(db) == 0
    for number in range(1000):
        db.expire_at(b"key:%d" % number, 10**12)
    with_deadlines = footprint_beside(db)
    assert with_deadlines > 1000 * 112
    db.scan(0, 10)
    assert footprint_beside(db) - with_deadlines > 8000
