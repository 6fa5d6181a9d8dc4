"""Consumer groups: who has which entries."""

from copy import copy
from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from respstore.keyspace import stream_group
from respstore.keyspace.stream_group import BLOCK, PACKABLE, Consumer, Group, Pending, PendingList
from respstore.keyspace.stream_node import StreamId

NUMBERS = st.integers(1, 30)


def group_of(names: bytes) -> Group:
    group = Group((0, 0))
    for name in names:
        group.consumers[bytes([name])] = Consumer(bytes([name]), 0)
    return group


def deliver(group: Group, ids: list[StreamId], consumer: Consumer, now: int) -> None:
    group.deliver([ms for ms, _ in ids], [sequence for _, sequence in ids], consumer, now)


def ids_of(pending: PendingList, start: StreamId = (0, 0), end: StreamId | None = None) -> list[StreamId]:
    return [id_ for id_, _ in pending.items(start, end)]


def test_ranges_and_ends() -> None:
    group = group_of(b"a")
    deliver(group, [(1, 0), (2, 0), (3, 0), (5, 5)], group.consumers[b"a"], 7)
    assert ids_of(group.pending, (2, 0)) == [(2, 0), (3, 0), (5, 5)]
    assert ids_of(group.pending, (2, 1), (5, 4)) == [(3, 0)]
    assert ids_of(group.pending, (6, 0)) == []
    assert group.pending.ends() == ((1, 0), (5, 5))
    pending = group.pending.get((1, 0))
    assert pending is not None
    assert (pending.consumer.name, pending.delivered, pending.deliveries) == (b"a", 7, 1)


def test_an_entry_that_is_delivered_again_changes_hands() -> None:
    group = group_of(b"ab")
    deliver(group, [(1, 0), (2, 0)], group.consumers[b"a"], 7)
    deliver(group, [(2, 0), (3, 0)], group.consumers[b"b"], 8)
    assert ids_of(group.pending_of(group.consumers[b"a"])) == [(1, 0)]
    assert ids_of(group.pending_of(group.consumers[b"b"])) == [(2, 0), (3, 0)]
    assert ids_of(group.pending) == [(1, 0), (2, 0), (3, 0)]
    pending = group.pending.get((2, 0))
    assert pending is not None
    assert (pending.delivered, pending.deliveries) == (8, 1)


def test_a_list_may_change_while_one_goes_through_it() -> None:
    group = group_of(b"a")
    deliver(group, [(n, 0) for n in range(1, 6)], group.consumers[b"a"], 7)
    passed = []
    for id_, _ in group.pending.items((0, 0)):
        passed.append(id_)
        group.settle(id_)
    assert passed == [(n, 0) for n in range(1, 6)]
    assert len(group.pending) == 0


def test_a_copy_is_another_group() -> None:
    group = group_of(b"ab")
    deliver(group, [(1, 0)], group.consumers[b"a"], 7)
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
    deliver(group, [(2, 2**64 - 1), (2**64 - 1, 0)], ann, 1_800_000_000_000)
    group.give((1, 300), Pending(bob, -5, 2**40))  # as a file may have it
    entries = [*group.pending.items((0, 0))]
    group.pack()
    assert [*group.pending.items((0, 0))] == entries
    assert group.pending.greatest == (2**64 - 1, 0)
    assert group.pending.get((2, 2**64 - 1)) is group.pending.get((2**64 - 1, 0))
    for id_, _ in entries:
        assert group.settle(id_)
    group.pack()
    assert [*group.pending.items((0, 0))] == []
    assert group.pending.greatest == (2**64 - 1, 0)


def test_a_copy_of_what_is_packed_is_another_group() -> None:
    group = group_of(b"a")
    deliver(group, [(1, 0)], group.consumers[b"a"], 7)
    group.pack()
    other = copy(group)
    other.settle((1, 0))
    assert (len(group.pending), len(other.pending)) == (1, 0)
    assert (group.consumers[b"a"].has, other.consumers[b"a"].has) == (1, 0)


@pytest.mark.parametrize("length", [PACKABLE, PACKABLE + 1])
def test_only_a_short_list_is_packed(length: int) -> None:
    group = group_of(b"a")
    deliver(group, [(10**12 + number, 0) for number in range(length)], group.consumers[b"a"], 7)
    pending = group.pending
    assert len(pending.packed()) < 12 * length
    group.pack()
    assert (group.pending is pending) == (length > PACKABLE)


def test_lists_of_consumers_are_made_when_somebody_asks_and_last_until_nothing_is_pending() -> None:
    group = group_of(b"ab")
    ann, bob = group.consumers.values()
    deliver(group, [(1, 0), (2, 0)], ann, 7)
    one_list = group.pending_size()
    assert (ann.has, bob.has) == (2, 0)
    assert ids_of(group.pending_of(ann)) == [(1, 0), (2, 0)]
    assert group.pending_size() > one_list
    cid = group.consumers[b"c"] = Consumer(b"c", 0)
    assert ids_of(group.pending_of(cid)) == []
    deliver(group, [(3, 0)], cid, 8)
    assert ids_of(group.pending_of(cid)) == [(3, 0)]
    for number in (1, 2, 3):
        assert group.settle((number, 0))
    assert (ann.has, bob.has, cid.has) == (0, 0, 0)
    assert group.pending_size() <= one_list
    deliver(group, [(4, 0)], bob, 9)
    assert ids_of(group.pending_of(bob)) == [(4, 0)]


def test_blocks_hold_any_number_in_any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_group, "BLOCK", 8)
    monkeypatch.setattr(stream_group, "SMALL_BLOCK", 2)
    random = Random(0)
    group = group_of(b"a")
    consumer = group.consumers[b"a"]
    known: dict[StreamId, int] = {}
    for step in range(3000):
        number = random.randrange(400)
        id_ = (number // 20, number % 20)
        what = random.random()
        if what < 0.02:  # as many as may fill some blocks, behind all that ever was
            first = group.pending.greatest[0] + 1 if group.pending.greatest[0] >= 20 else 20
            ids = [(first, sequence) for sequence in range(random.randrange(1, 30))]
            deliver(group, ids, consumer, step)
            known.update(dict.fromkeys(ids, step))
        elif what < 0.45:
            group.give(id_, Pending(consumer, step, 1))
            known[id_] = step
        else:
            gone = random.choice([*known, id_])
            assert group.settle(gone) == (known.pop(gone, None) is not None)
        if step % 100 == 99:
            start, end = sorted((min(known), (number // 20, 0)))
            assert ids_of(group.pending, start, end) == [each for each in sorted(known) if start <= each <= end]
            other = copy(group)
            for pending in (group.pending, other.pending):
                assert {each: how.delivered for each, how in pending.items((0, 0))} == known
                assert ids_of(pending) == sorted(known)
                assert len(pending) == len(known) == consumer.has
                assert all(pending.get(each) for each in known)
                assert pending.get((0, 20)) is None
                assert pending.ends() == (min(known), max(known))
            assert ids_of(other.pending_of(other.consumers[b"a"])) == sorted(known)


def test_so_many_entries_may_be_delivered_at_once_as_a_node_without_limits_has() -> None:
    group = group_of(b"a")
    count = 1100 * BLOCK + 1
    group.deliver([7] * count, [*range(count)], group.consumers[b"a"], 7)
    assert len(group.pending) == count
    assert group.pending.ends() == ((7, 0), (7, count - 1))
    assert group.pending.get((7, BLOCK)) is not None


def test_to_ask_for_the_size_of_what_is_packed_does_not_unpack_it() -> None:
    group = group_of(b"a")
    deliver(group, [(number, 0) for number in range(50)], group.consumers[b"a"], 7)
    size = group.pending_size()
    group.pack()
    assert group.pending_size() == group.pending_size() < size / 5


def test_a_list_that_was_long_takes_little_when_little_is_left() -> None:
    group = group_of(b"a")
    ids = [(number, 0) for number in range(100 * BLOCK)]
    deliver(group, ids, group.consumers[b"a"], 7)
    long = group.pending_size()
    left = ids[:: BLOCK // 2]
    kept = set(left)
    for id_ in Random(0).sample(ids, len(ids)):
        if id_ not in kept:
            group.settle(id_)
    assert ids_of(group.pending) == left
    assert group.pending_size() < long / 50
    for id_ in left:
        group.settle(id_)
    assert ids_of(group.pending) == []
    assert group.pending.get((1, 0)) is None
    assert not group.settle((1, 0))


class Groups(RuleBasedStateMachine):
    """A group beside a dictionary of who has what."""

    @initialize()
    def begin(self) -> None:
        self.group = group_of(b"abc")
        self.owners: dict[StreamId, bytes] = {}

    @rule(name=st.sampled_from([b"a", b"b", b"c"]), numbers=st.sets(NUMBERS, min_size=1))
    def deliver(self, name: bytes, numbers: set[int]) -> None:
        ids = [(number, 0) for number in sorted(numbers)]
        deliver(self.group, ids, self._consumer(name), 0)
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
        for id_, pending in mine.items((0, 0)):
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
