"""Long lists: whatever is done to one, it holds what a Python list would, and its middle is packed."""

from collections import deque
from collections.abc import Iterator
from copy import copy
from unittest import mock

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from respstore.keyspace import list as module
from respstore.keyspace import list_node
from respstore.keyspace.list import END_KEPT, END_LENGTH, LONG, LongList, delete, keep, list_of, part

ELEMENTS = st.sampled_from([b"a", b"b", b"", b"long" * 20]) | st.binary(max_size=8)
SIDES = st.booleans()
SMALL = {"END_KEPT": 3, "END_LENGTH": 7, "NODE_ELEMENTS": 4, "LONG": 7, "_FEW": 2}


class LongListMachine(RuleBasedStateMachine):
    """A long list with ends and nodes of a few elements, beside a Python list.

    The shortest runs of rules reach every boundary; an element of 80 bytes leaves its node unpacked.
    """

    def __init__(self) -> None:
        super().__init__()
        self.patches = [
            mock.patch.multiple(module, **SMALL),
            mock.patch.multiple(list_node, NODE_ELEMENTS=SMALL["NODE_ELEMENTS"], PACKED_BYTES=70),
        ]
        for patch in self.patches:
            patch.start()
        self.model: list[bytes] = []
        self.value = LongList()

    def teardown(self) -> None:
        for patch in self.patches:
            patch.stop()

    @initialize(elements=st.lists(ELEMENTS, max_size=60))
    def fill(self, elements: list[bytes]) -> None:
        self.model, self.value = elements.copy(), LongList(elements)

    @rule(element=ELEMENTS, is_left=SIDES)
    def push(self, element: bytes, is_left: bool) -> None:
        if is_left:
            self.value.appendleft(element)
            self.model.insert(0, element)
        else:
            self.value.append(element)
            self.model.append(element)

    @rule(elements=st.lists(ELEMENTS, min_size=1, max_size=30), is_left=SIDES)
    def push_several(self, elements: list[bytes], is_left: bool) -> None:
        if is_left:
            self.value.extendleft(elements)
            self.model[:0] = elements[::-1]
        else:
            self.value.extend(elements)
            self.model += elements

    @precondition(lambda self: self.model)
    @rule(is_left=SIDES)
    def pop(self, is_left: bool) -> None:
        popped = self.value.popleft() if is_left else self.value.pop()
        assert popped == self.model.pop(0 if is_left else -1)

    @rule(count=st.integers(1, 30), is_left=SIDES)
    def pop_several(self, count: int, is_left: bool) -> None:
        for _ in range(min(count, len(self.model))):
            self.pop(is_left)

    @rule(count=st.integers(1, 30), is_left=SIDES)
    def rotate(self, count: int, is_left: bool) -> None:
        for _ in range(count if self.model else 0):
            self.push(self.model[0 if is_left else -1], not is_left)
            self.pop(is_left)

    @rule(data=st.data())
    def read(self, data: st.DataObject) -> None:
        low, high = self.range(data)
        assert part(self.value, low, high) == self.model[low:high]

    @rule(data=st.data())
    def trim(self, data: st.DataObject) -> None:
        low, high = self.range(data)
        keep(self.value, low, high)
        self.model = self.model[low:high]

    @rule(index=st.integers(-70, 70))
    def look(self, index: int) -> None:
        if -len(self.model) <= index < len(self.model):
            assert self.value[index] == self.model[index]
        else:
            with pytest.raises(IndexError):
                self.value[index]

    @rule(index=st.integers(-70, 70), element=ELEMENTS)
    def change(self, index: int, element: bytes) -> None:
        if -len(self.model) <= index < len(self.model):
            self.value[index] = self.model[index] = element
        else:
            with pytest.raises(IndexError):
                self.value[index] = element

    @rule(data=st.data(), element=ELEMENTS)
    def insert(self, data: st.DataObject, element: bytes) -> None:
        index = data.draw(st.integers(0, len(self.model)))
        self.value.insert(index, element)
        self.model.insert(index, element)

    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        positions = data.draw(st.sets(st.integers(0, max(len(self.model) - 1, 0)))) if self.model else set()
        delete(self.value, sorted(positions))
        self.model = [element for index, element in enumerate(self.model) if index not in positions]

    @rule()
    def take_a_copy(self) -> None:
        other = copy(self.value)
        other.append(b"of the copy")
        if self.model:
            other.popleft()
            other[-1] = b"changed"
            keep(other, 0, len(other) // 2)
        self.holds_what_the_model_holds()

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        value, model = self.value, self.model
        assert list(value) == model
        assert list(reversed(value)) == model[::-1]
        assert len(value) == value.length == len(model)

    @invariant()
    def is_well_formed(self) -> None:
        value = self.value
        nodes = value.nodes()
        assert not nodes or value.head is not value.tail
        assert not value.length or (value.head and value.tail)
        assert all(0 < node.count <= SMALL["NODE_ELEMENTS"] for node in nodes)
        assert value.length <= value.limit
        assert max(len(value.head), len(value.tail)) < 2 * SMALL["END_LENGTH"]

    def range(self, data: st.DataObject) -> tuple[int, int]:
        low = data.draw(st.integers(0, len(self.model)))
        return low, data.draw(st.integers(low, len(self.model)))


TestLongList = LongListMachine.TestCase


def names(count: int) -> Iterator[bytes]:
    return (b"element:%07d" % number for number in range(count))


@pytest.mark.parametrize(("count", "kind"), [(0, deque), (LONG - 1, deque), (LONG, LongList)])
def test_a_list_is_of_either_kind(count: int, kind: type) -> None:
    value = list_of(names(count))
    assert type(value) is kind
    assert list(value) == list(names(count))


@pytest.mark.parametrize(("low", "high"), [(0, 0), (0, 3), (2, 5), (1, 9), (5, 10), (0, 10)])
def test_parts_of_a_short_list(low: int, high: int) -> None:
    elements = list(names(10))
    value = list_of(elements)
    assert part(value, low, high) == elements[low:high]
    assert list(value) == elements
    keep(value, low, high)
    assert list(value) == elements[low:high]


@pytest.mark.parametrize("positions", [[], [0], [9], [0, 4, 9], [*range(9)], [*range(10)]])
def test_deleting_from_a_short_list(positions: list[int]) -> None:
    value = list_of(names(10))
    delete(value, positions)
    assert list(value) == [element for index, element in enumerate(names(10)) if index not in positions]


@pytest.mark.parametrize("is_left", [True, False])
def test_most_of_a_long_list_is_packed(is_left: bool) -> None:
    """Whichever end is pushed to, and also if as many come as go at the other."""
    value = LongList()
    push, pop = (value.appendleft, value.pop) if is_left else (value.append, value.popleft)
    for name in names(20_000):
        push(name)
    for moved in names(30_000):
        push(moved)
        pop()
        assert len(value.head) + len(value.tail) <= 4 * END_LENGTH
    assert all(node.packed is not None for node in value.nodes())


def test_what_is_read_at_an_end_is_there_the_next_time() -> None:
    value = LongList(names(10_000))
    while len(value.head) > 1:
        value.popleft()
    expected = list(names(10_000))[END_KEPT - 1 : 2 * END_KEPT - 1]
    assert part(value, 0, END_KEPT) == expected
    assert len(value.head) >= END_KEPT
    while len(value.tail) > 1:
        value.pop()
    assert part(value, len(value) - END_KEPT, len(value))[-1] == value[-1]
    assert len(value.tail) >= END_KEPT


@pytest.mark.parametrize("is_left", [True, False])
def test_trimming_at_an_end_that_has_grown(is_left: bool) -> None:
    """As many came there as went at the other end, so that it was not packed: it is parted while it is trimmed."""
    value = LongList(names(2 * END_LENGTH))
    for moves, name in enumerate(names(3 * END_LENGTH)):
        if is_left:
            value.appendleft(name)
            value.pop()
        else:
            value.append(name)
            value.popleft()
        if moves % 50 == 0:
            trimmed = copy(value)
            trimmed.keep(*((0, 3) if is_left else (len(value) - 3, len(value))))
            assert list(trimmed) == (list(value)[:3] if is_left else list(value)[-3:])


def test_nodes_that_lost_elements_become_fewer() -> None:
    value = LongList(names(50_000))
    before = len(value.nodes())
    delete(value, [position for position in range(50_000) if position % 10])
    assert list(value) == list(names(50_000))[::10]
    assert len(value.nodes()) <= before // 10 + 1
