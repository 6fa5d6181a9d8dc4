"""Consumer groups: who has which entries."""

from copy import copy

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from respstore.keyspace.stream_group import PACKABLE, Consumer, Group, Pending, PendingList
from respstore.keyspace.stream_node import StreamId

NUMBERS = st.integers(1, 30)


def group_of(names: bytes) -> Group:
    group = Group((0, 0))
    for name in names:
        group.consumers[bytes([name])] = Consumer(bytes([name]), 0)
    return group


def ids_of(pending: PendingList, start: StreamId = (0, 0), end: StreamId | None = None) -> list[StreamId]:
    return [id_ for id_, _ in pending.items(start, end)]


def test_ranges_and_ends() -> None:
    group = group_of(b"a")
    group.deliver([(1, 0), (2, 0), (3, 0), (5, 5)], group.consumers[b"a"], 7)
    assert ids_of(group.pending, (2, 0)) == [(2, 0), (3, 0), (5, 5)]
    assert ids_of(group.pending, (2, 1), (5, 4)) == [(3, 0)]
    assert ids_of(group.pending, (6, 0)) == []
    assert group.pending.ends() == ((1, 0), (5, 5))
    pending = group.pending.get((1, 0))
    assert pending is not None
    assert (pending.consumer.name, pending.delivered, pending.deliveries) == (b"a", 7, 1)


def test_an_entry_that_is_delivered_again_changes_hands() -> None:
    group = group_of(b"ab")
    group.deliver([(1, 0), (2, 0)], group.consumers[b"a"], 7)
    group.deliver([(2, 0), (3, 0)], group.consumers[b"b"], 8)
    assert ids_of(group.pending_of(group.consumers[b"a"])) == [(1, 0)]
    assert ids_of(group.pending_of(group.consumers[b"b"])) == [(2, 0), (3, 0)]
    assert ids_of(group.pending) == [(1, 0), (2, 0), (3, 0)]
    pending = group.pending.get((2, 0))
    assert pending is not None
    assert (pending.delivered, pending.deliveries) == (8, 1)


def test_a_list_may_change_while_one_goes_through_it() -> None:
    group = group_of(b"a")
    group.deliver([(n, 0) for n in range(1, 6)], group.consumers[b"a"], 7)
    passed = []
    for id_, _ in group.pending.items((0, 0)):
        passed.append(id_)
        group.settle(id_)
    assert passed == [(n, 0) for n in range(1, 6)]
    assert len(group.pending) == 0


def test_a_copy_is_another_group() -> None:
    group = group_of(b"ab")
    group.deliver([(1, 0)], group.consumers[b"a"], 7)
    other = copy(group)
    mine, theirs = group.pending.get((1, 0)), other.pending.get((1, 0))
    assert mine is not None
    assert theirs is not None
    assert theirs.consumer is other.consumers[b"a"] is not mine.consumer
    assert (theirs.delivered, theirs.deliveries) == (7, 1)
    other.settle((1, 0))
    assert len(group.pending) == group.consumers[b"a"].has == 1
    assert other.consumers.keys() == {b"a", b"b"}


def test_what_is_packed_is_the_same_when_somebody_looks() -> None:
    group = group_of(b"ab")
    ann, bob = group.consumers.values()
    group.deliver([(2, 2**64 - 1), (2**64 - 1, 0)], ann, 1_800_000_000_000)
    group.give((1, 300), Pending(bob, -5, 2**40))  # as a file may have it
    entries = [*group.pending.in_any_order()]
    group.pack()
    assert [*group.pending.in_any_order()] == entries
    assert group.pending.greatest == (2**64 - 1, 0)
    assert group.pending.get((2, 2**64 - 1)) is group.pending.get((2**64 - 1, 0))
    for id_, _ in entries:
        assert group.settle(id_)
    group.pack()
    assert [*group.pending.in_any_order()] == []
    assert group.pending.greatest == (2**64 - 1, 0)


def test_a_copy_of_what_is_packed_is_another_group() -> None:
    group = group_of(b"a")
    group.deliver([(1, 0)], group.consumers[b"a"], 7)
    group.pack()
    other = copy(group)
    other.settle((1, 0))
    assert (len(group.pending), len(other.pending)) == (1, 0)
    assert (group.consumers[b"a"].has, other.consumers[b"a"].has) == (1, 0)


@pytest.mark.parametrize("length", [PACKABLE, PACKABLE + 1])
def test_only_a_short_list_is_packed(length: int) -> None:
    group = group_of(b"a")
    group.deliver([(10**12 + number, 0) for number in range(length)], group.consumers[b"a"], 7)
    pending = group.pending
    assert len(pending.packed()) < 12 * length
    group.pack()
    assert (group.pending is pending) == (length > PACKABLE)


def test_lists_of_consumers_are_made_when_somebody_asks_and_last_until_nothing_is_pending() -> None:
    group = group_of(b"ab")
    ann, bob = group.consumers.values()
    group.deliver([(1, 0), (2, 0)], ann, 7)
    one_table = group.tables_size()
    assert (ann.has, bob.has) == (2, 0)
    assert ids_of(group.pending_of(ann)) == [(1, 0), (2, 0)]
    assert group.tables_size() > one_table
    cid = group.consumers[b"c"] = Consumer(b"c", 0)
    assert ids_of(group.pending_of(cid)) == []
    group.deliver([(3, 0)], cid, 8)
    assert ids_of(group.pending_of(cid)) == [(3, 0)]
    for number in (1, 2, 3):
        assert group.settle((number, 0))
    assert (ann.has, bob.has, cid.has) == (0, 0, 0)
    assert group.tables_size() <= one_table
    group.deliver([(4, 0)], bob, 9)
    assert ids_of(group.pending_of(bob)) == [(4, 0)]


class Groups(RuleBasedStateMachine):
    """A group beside a dictionary of who has what."""

    @initialize()
    def begin(self) -> None:
        self.group = group_of(b"abc")
        self.owners: dict[StreamId, bytes] = {}

    @rule(name=st.sampled_from([b"a", b"b", b"c"]), numbers=st.sets(NUMBERS, min_size=1))
    def deliver(self, name: bytes, numbers: set[int]) -> None:
        ids = [(number, 0) for number in sorted(numbers)]
        self.group.deliver(ids, self._consumer(name), 0)
        self.owners.update(dict.fromkeys(ids, name))

    @rule(name=st.sampled_from([b"a", b"b", b"c"]), number=NUMBERS)
    def claim(self, name: bytes, number: int) -> None:
        self.group.give((number, 0), Pending(self._consumer(name), 0, 2))
        self.owners[number, 0] = name

    @rule(number=NUMBERS)
    def settle(self, number: int) -> None:
        assert self.group.settle((number, 0)) == (self.owners.pop((number, 0), None) is not None)

    @rule(name=st.sampled_from([b"a", b"b", b"c"]))
    def remove_consumer(self, name: bytes) -> None:
        mine = [id_ for id_, owner in self.owners.items() if owner == name]
        assert self.group.remove_consumer(name) == len(mine)
        for id_ in mine:
            del self.owners[id_]

    @rule()
    def pack(self) -> None:
        self.group.pack()

    @rule(number=NUMBERS)
    def look_in_order(self, number: int) -> None:
        assert ids_of(self.group.pending, (number, 0)) == sorted(id_ for id_ in self.owners if id_ >= (number, 0))
        if self.owners:
            assert self.group.pending.ends() == (min(self.owners), max(self.owners))

    @rule(name=st.sampled_from([b"a", b"b", b"c"]), number=NUMBERS)
    def look_at_what_one_has(self, name: bytes, number: int) -> None:
        mine = self.group.pending_of(self._consumer(name))
        assert ids_of(mine, (number, 0)) == sorted(
            id_ for id_, owner in self.owners.items() if owner == name and id_ >= (number, 0)
        )
        for id_, pending in mine.in_any_order():
            assert self.group.pending.get(id_) is pending

    @invariant()
    def everybody_has_what_is_theirs(self) -> None:
        assert len(self.group.pending) == len(self.owners)
        for id_, owner in self.owners.items():
            pending = self.group.pending.get(id_)
            assert pending is not None
            assert pending.consumer.name == owner
        for name, consumer in self.group.consumers.items():
            assert consumer.has == [*self.owners.values()].count(name)

    def _consumer(self, name: bytes) -> Consumer:
        return self.group.consumers.setdefault(name, Consumer(name, 0))


TestGroups = Groups.TestCase
TestGroups.settings = settings(max_examples=50, deadline=None)
