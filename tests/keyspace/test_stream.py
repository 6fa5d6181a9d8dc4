"""A stream beside a plain list of entries; and what must not depend on its length."""

from collections.abc import Callable
from copy import copy
from time import process_time

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from respstore.keyspace.radix_tree import count_nodes
from respstore.keyspace.stream import MAX_HALF, MAX_ID, MIN_ID, PACKABLE_GROUPS, Stream, next_id, previous_id
from respstore.keyspace.stream_group import Consumer, Group
from respstore.keyspace.stream_node import Entry, StreamId, entries_of, id_bytes

IDS = st.tuples(st.integers(0, 60), st.integers(0, 2))
COUNTS = st.none() | st.integers(1, 12)


def stream_of(count: int, per_node: int = 100) -> Stream:
    stream = Stream()
    for number in range(1, count + 1):
        stream.append(((number, 0), (b"field",), (b"value%d" % number,)), 12, 4096, per_node)
    return stream


def ids_of(entries: list[Entry]) -> list[int]:
    return [entry[0][0] for entry in entries]


@pytest.mark.parametrize(
    ("id_", "following"),
    [((0, 0), (0, 1)), ((1, MAX_HALF), (2, 0)), ((MAX_HALF, MAX_HALF - 1), MAX_ID)],
)
def test_neighbours(id_: StreamId, following: StreamId) -> None:
    assert next_id(id_) == following
    assert previous_id(following) == id_


def test_the_ends_have_one_neighbour() -> None:
    assert previous_id(MIN_ID) is None
    assert next_id(MAX_ID) is None


# Nodes


def test_nodes_are_full_before_there_is_another() -> None:
    stream = stream_of(250)
    assert stream.node_count() == 3
    assert [node.live for node in stream.nodes()] == [100, 100, 50]


@pytest.mark.parametrize("count", [PACKABLE_GROUPS, PACKABLE_GROUPS + 1])
def test_what_few_groups_have_read_is_packed_with_the_nodes(count: int) -> None:
    stream = stream_of(3)
    for number in range(count):
        group = stream.groups[b"%d" % number] = Group(MIN_ID)
        consumer = group.consumers[b"a"] = Consumer(b"a", 0)
        group.deliver([1, 2], [0, 0], consumer, 7)
    lists = [group.pending for group in stream.groups.values()]
    stream.pack()
    again = [group.pending for group in stream.groups.values()]
    assert all((new is old) == (count > PACKABLE_GROUPS) for new, old in zip(again, lists, strict=True))
    assert [[id_ for id_, _ in each.items(MIN_ID)] for each in again] == [[(1, 0), (2, 0)]] * count


def test_few_nodes_are_open() -> None:
    stream = stream_of(1000)
    for number in range(0, 1000, 50):
        stream.get((number, 0))
    assert sum(node.columns is not None for node in stream.nodes()) <= 3
    assert ids_of(list(stream)) == list(range(1, 1001))


def test_whole_nodes_go_when_trimming_is_approximate() -> None:
    stream = stream_of(250)
    assert stream.trim_to_length(160, limit=0) == 0
    assert stream.trim_to_length(140, limit=99) == 0
    assert stream.trim_to_length(140, limit=100) == 100
    assert stream.trim_to_id((200, 0), limit=0) == 0
    assert stream.trim_to_id((201, 0), limit=0) == 100
    assert (stream.length, stream.first_id) == (50, (201, 0))


def test_a_node_whose_last_entry_is_deleted_ends_there_all_the_same() -> None:
    stream = stream_of(6, per_node=3)
    stream.delete([(3, 0)])
    assert stream.trim_to_id((3, 0)) == 2
    assert stream.node_count() == 2  # as in Redis, where nothing is left of the first
    assert ids_of(entries_of(stream.runs(MIN_ID, MAX_ID))) == [4, 5, 6]
    assert ids_of(entries_of(stream.reversed_runs(MIN_ID, MAX_ID, 9))) == [6, 5, 4]
    assert stream.trim_to_length(2, limit=0) == 0
    assert stream.node_count() == 1


def test_the_last_node_goes_and_the_one_before_takes_on() -> None:
    stream = stream_of(4, per_node=3)
    stream.delete([(4, 0), (3, 0)])
    stream.append(((5, 0), (b"field",), (b"x",)), 6, 4096, 100)
    assert stream.node_count() == 1
    assert ids_of(list(stream)) == [1, 2, 5]


def test_a_copy_is_another_stream() -> None:
    stream = stream_of(250)
    stream.groups[b"g"] = Group((5, 0), 5)
    other = copy(stream)
    other.trim_to_length(3)
    other.append(((999, 0), (b"f",), (b"v",)), 2, 4096, 100)
    other.groups[b"g"].last_id = (7, 0)
    assert stream.length == 250
    assert ids_of(list(stream)) == list(range(1, 251))
    assert stream.groups[b"g"].last_id == (5, 0)
    assert ids_of(list(other)) == [248, 249, 250, 999]
    assert (other.last_id, other.first_id, other.entries_added) == ((999, 0), (248, 0), 251)


# What groups have read


def test_a_group_counts_what_it_reads() -> None:
    stream = stream_of(10)
    group = Group(MIN_ID, 0)
    assert stream.lag_of(group) == 10
    stream.advance(group, stream.runs((1, 0), (2, 0)))
    assert (group.last_id, group.entries_read, stream.lag_of(group)) == ((2, 0), 2, 8)
    stream.delete([(5, 0)])  # from here on, nobody knows
    assert stream.lag_of(group) is None
    stream.advance(group, stream.runs((3, 0), (3, 0)))
    assert group.entries_read is None
    stream.advance(group, stream.runs((4, 0), (10, 0)))
    assert (group.entries_read, stream.lag_of(group)) == (10, 0)


def test_what_was_trimmed_is_known_to_be_missing() -> None:
    stream = stream_of(10)
    stream.trim_to_length(4)
    assert [stream.count_up_to((number, 0)) for number in (1, 6, 7, 8, 10, 11)] == [6, 6, 7, None, 10, None]
    stream.trim_to_length(0)
    assert stream.count_up_to((3, 0)) == 10
    assert stream.lag_of(Group((3, 0))) == 0
    assert Stream().lag_of(Group((3, 0))) == 0


def test_what_was_deleted_before_the_first_entry_does_not_matter() -> None:
    stream = stream_of(5)
    stream.delete([(2, 0)])
    group = Group((1, 0), 1)
    assert stream.lag_of(group) is None
    stream.trim_to_length(2)
    assert stream.lag_of(group) == 4
    stream.advance(group, stream.runs((4, 0), (4, 0)))
    assert (group.entries_read, stream.lag_of(group)) == (2, 3)


class Streams(RuleBasedStateMachine):
    """A stream beside a list of its entries."""

    @initialize(per_node=st.integers(1, 6))
    def begin(self, per_node: int) -> None:
        self.stream = Stream()
        self.model: list[Entry] = []
        self.per_node = per_node

    @rule(step=st.integers(0, 3), fields=st.sampled_from([(b"f",), (b"f", b"g")]))
    def append(self, step: int, fields: tuple[bytes, ...]) -> None:
        ms, sequence = self.stream.last_id
        id_ = (ms + step, 0) if step else (ms, sequence + 1)
        values = tuple(b"%d" % (ms + place) for place in range(len(fields)))
        self.stream.append((id_, fields, values), 9, 4096, self.per_node)
        self.model.append((id_, fields, values))

    @rule(start=IDS, end=IDS, count=COUNTS)
    def look(self, start: StreamId, end: StreamId, count: int | None) -> None:
        between = [entry for entry in self.model if start <= entry[0] <= end]
        assert entries_of(self.stream.runs(start, end, count)) == between[:count]
        assert entries_of(self.stream.reversed_runs(start, end, count)) == between[::-1][:count]

    @rule(id_=IDS)
    def look_for_one(self, id_: StreamId) -> None:
        assert self.stream.get(id_) == next((entry for entry in self.model if entry[0] == id_), None)

    @rule(ids=st.lists(IDS, max_size=5))
    def delete(self, ids: list[StreamId]) -> None:
        kept = [entry for entry in self.model if entry[0] not in ids]
        assert self.stream.delete(ids) == len(self.model) - len(kept)
        self.model = kept

    @rule(length=st.integers(0, 20))
    def trim_to_length(self, length: int) -> None:
        excess = max(len(self.model) - length, 0)
        assert self.stream.trim_to_length(length) == excess
        self.model = self.model[excess:]

    @rule(id_=IDS)
    def trim_to_id(self, id_: StreamId) -> None:
        kept = [entry for entry in self.model if entry[0] >= id_]
        assert self.stream.trim_to_id(id_) == len(self.model) - len(kept)
        self.model = kept

    @rule(length=st.integers(0, 20), limit=st.integers(0, 9))
    def trim_approximately(self, length: int, limit: int) -> None:
        deleted = self.stream.trim_to_length(length, limit)
        assert deleted <= max(len(self.model) - length, 0)
        assert not limit or deleted <= limit
        self.model = self.model[deleted:]

    @rule()
    def copy(self) -> None:
        self.stream = copy(self.stream)

    @rule()
    def pack(self) -> None:
        self.stream.pack()
        assert all(node.columns is None for node in self.stream.nodes())

    @invariant()
    def same(self) -> None:
        assert self.stream.length == len(self.model)
        assert self.stream.first_id == (self.model[0][0] if self.model else MIN_ID)
        assert self.stream.last_entry_id() == (self.model[-1][0] if self.model else MIN_ID)
        assert list(self.stream) == self.model
        firsts = [id_bytes(node.first) for node in self.stream.nodes()]
        assert self.stream.radix_tree_nodes() == count_nodes(firsts)


TestStreams = Streams.TestCase
TestStreams.settings = settings(max_examples=60, deadline=None)


# Costs


@pytest.mark.slow
@pytest.mark.parametrize(
    "work",
    [
        lambda stream, number: stream.get((number * 7 % stream.length + 1, 0)),
        lambda stream, number: stream.runs((number * 7 % stream.length + 1, 0), MAX_ID, 10),
        lambda stream, number: stream.reversed_runs(MIN_ID, (number * 7 % stream.length + 1, 0), 10),
        lambda stream, _: stream.radix_tree_nodes(),
        lambda stream, number: stream.delete([(number * 7 % stream.length + 1, 0)]),
        lambda stream, _: stream.trim_to_length(stream.length - 1),
        lambda stream, _: stream.append(((stream.last_id[0] + 1, 0), (b"f",), (b"v",)), 2, 4096, 100),
    ],
    ids=["get", "runs", "reversed_runs", "nodes", "delete", "trim", "append"],
)
def test_nothing_is_linear(work: Callable[[Stream, int], object]) -> None:
    times = []
    for count in (2_000, 64_000):
        stream = stream_of(count)
        stream.radix_tree_nodes()  # counted once, kept up to date from then on
        began = process_time()
        for number in range(500):
            work(stream, number)
        times.append(process_time() - began)
    assert times[1] < 8 * times[0]  # 32 if it were
