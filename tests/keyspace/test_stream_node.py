"""A node of a stream: what is packed comes back as it was, and the listpack's length is Redis's."""

from bisect import bisect_left
from copy import copy
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respstore.keyspace.stream_node import CLOSABLE_BYTES, Columns, Entry, Node, StreamId, entries_of, runs_of

FIELDS = st.sampled_from([(b"f",), (b"f", b"g"), (b"", b"f"), (b"\x00",)])
HALVES = st.integers(0, 2**64 - 1) | st.integers(0, 300)
NUMBERS = st.integers(0, 5)
ENTRIES = st.tuples(st.tuples(HALVES, HALVES), FIELDS).flatmap(
    lambda start: st.tuples(
        st.just(start[0]),
        st.just(start[1]),
        st.tuples(*[st.binary(max_size=70) for _ in start[1]]),
    )
)


def node_of(entries: list[Entry]) -> Node:
    node = Node(entries[0][0], entries[0][1])
    for entry in entries:
        node.append(entry)
    return node


@given(st.lists(ENTRIES, min_size=1, unique_by=lambda entry: entry[0]).map(sorted))
def test_what_is_packed_comes_back(entries: list[Entry]) -> None:
    node = node_of(entries)
    node.close()
    assert node.columns is None
    assert node.open().entries() == entries
    assert (node.live, node.total, node.first, node.last) == (len(entries), len(entries), entries[0][0], entries[-1][0])


@given(st.lists(ENTRIES))
def test_runs_are_all_entries_in_their_order(entries: list[Entry]) -> None:
    runs = runs_of(entries)
    assert entries_of(runs) == entries
    assert all(run[2] != following[2] for run, following in pairwise(runs))


@given(st.lists(ENTRIES, min_size=1, unique_by=lambda entry: entry[0]).map(sorted), st.data())
def test_a_part_of_a_node_is_a_few_runs(entries: list[Entry], data: st.DataObject) -> None:
    columns = node_of(entries).open()
    start = data.draw(st.integers(0, len(entries) - 1))
    stop = data.draw(st.integers(start + 1, len(entries)))
    assert columns.runs(start, stop) == runs_of(entries[start:stop])
    assert columns.entry(start) == entries[start]


@given(st.lists(st.tuples(NUMBERS, NUMBERS), unique=True).map(sorted), st.tuples(NUMBERS, NUMBERS))
def test_an_id_has_a_place_among_others(ids: list[StreamId], id_: StreamId) -> None:
    columns = Columns(())
    columns.times, columns.sequences = [ms for ms, _ in ids], [sequence for _, sequence in ids]
    assert columns.place_of(id_) == bisect_left(ids, id_)
    assert columns.find(id_) == (ids.index(id_) if id_ in ids else -1)


def test_fields_are_kept_once() -> None:
    node = node_of([((1, n), (b"field",), (b"value%d" % n,)) for n in range(10)])
    node.close()
    entries = node.open().entries()
    assert all(entry[1] is node.fields for entry in entries)


def test_a_node_packs_closer_than_a_listpack() -> None:
    node = node_of([((1_700_000_000_000 + n, 0), (b"field",), (b"value%d" % n,)) for n in range(100)])
    node.close()
    assert node.packed_size() < node.size


def test_deleted_entries_count_but_are_gone() -> None:
    entries: list[Entry] = [((1, n), (b"f",), (b"v",)) for n in range(4)]
    node = node_of(entries)
    size = node.size
    node.close()
    node.open()
    node.delete(2, 4)
    node.close()
    assert node.open().entries() == entries[:2]
    assert (node.live, node.total, node.size, node.last) == (2, 4, size, (1, 3))
    node.delete(0, 2)
    node.close()
    assert node.open().entries() == []


def test_entries_are_kept_twice_only_as_long_as_they_are_the_same() -> None:
    node = node_of([((1, n), (b"f",), (b"v",)) for n in range(4)])
    node.close()
    packed = node.packed_size()
    node.open()
    assert node.packed_size() == packed
    node.delete(0, 1)
    assert not node.packed_size()


def test_a_node_with_much_data_stays_open() -> None:
    node = node_of([((1, 1), (b"f",), (b"x" * CLOSABLE_BYTES,))])
    node.close()
    assert node.columns is not None


def test_a_copy_is_another_node() -> None:
    node = node_of([((1, 1), (b"f",), (b"v",))])
    for prepare in (node.open, node.close):
        prepare()
        other = copy(node)
        other.open()
        other.append(((2, 0), (b"g",), (b"w",)))
        assert len(node.open().values) == node.live == node.total == 1
        assert other.open().entries() == [((1, 1), (b"f",), (b"v",)), ((2, 0), (b"g",), (b"w",))]


# The listpack


@pytest.mark.parametrize(("max_entries", "room"), [(0, True), (3, True), (2, False), (1, False)])
def test_a_node_has_room_for_so_many_entries(max_entries: int, room: bool) -> None:
    node = node_of([((1, n), (b"f",), (b"v",)) for n in range(2)])
    assert node.has_room(2, 0, max_entries) is room
    node.delete(0, 1)
    assert node.has_room(2, 0, max_entries) is room


def test_a_node_has_room_for_so_many_bytes() -> None:
    node = node_of([((1, 1), (b"f",), (b"v",))])
    # the frame, two counters, the number of fields, a field, a zero; flags, id, value and the entry's length
    assert node.size == 7 + 2 + 3 + 2 + 2 + 4 + 3 + 2
    assert node.has_room(10, node.size + 4 + 11, 100)
    assert not node.has_room(10, node.size + 4 + 10, 100)
    assert node.has_room(2**29, 0, 100)
    assert not node.has_room(2**30, 0, 100)
    assert not node.has_room(2**30, 2**31, 100)
