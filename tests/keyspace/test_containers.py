"""Hashes and sets: what Redis would keep them in, scans that miss nothing, draws that are fair and cheap."""

from collections import Counter
from collections.abc import Iterator
from copy import copy
from itertools import pairwise
from random import Random
from sys import getsizeof

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from respstore.keyspace.containers import Container, Hash, Set, are_integers

NUMBERS = st.integers(0, 300)
MANY = st.tuples(NUMBERS, NUMBERS).map(lambda ends: range(min(ends), max(ends) + 1))


def name(number: int) -> bytes:
    return b"member:%d" % number


def set_of(numbers: range, most: int = 512) -> Set:
    value = Set()
    value.add([name(number) for number in numbers], most)
    return value


def hash_of(numbers: range) -> Hash:
    value = Hash()
    value.put([name(number) for number in numbers for _ in range(2)], 512, 64)
    return value


# What Redis would keep it in


def test_a_hash_becomes_a_table_when_it_has_too_many_or_too_long_ones() -> None:
    value = Hash()
    assert value.put([b"f", b"v", b"g", b"w"], 2, 5) == 2
    assert value.put([b"f", b"12345"], 2, 5) == 0
    assert value.put_one(b"f", b"54321", 2, 5) == 0
    assert not value.is_table
    for pairs, most in (([b"h", b"v"], 2), ([b"f", b"123456"], 3), ([b"123456", b"v"], 3)):
        grown, again = copy(value), copy(value)
        assert grown.put(pairs, most, 5) == again.put_one(pairs[0], pairs[1], most, 5)
        assert grown == again
        assert grown.is_table
        assert again.is_table
    assert not value.is_table


def test_a_table_stays_one_however_small_it_becomes() -> None:
    value = hash_of(range(600))
    for number in range(1, 600):
        assert value.remove(name(number))
    value.put([b"f", b"v"], 512, 64)
    assert value.is_table
    assert copy(value).is_table


@pytest.mark.parametrize(
    ("members", "is_table"),
    [
        ([b"1", b"-5", b"0", b"9223372036854775807", b"-9223372036854775808"], False),
        ([b"1", b"01"], True),
        ([b"9223372036854775808"], True),
        ([b""], True),
        ([b"-0"], True),
        ([b"%d" % number for number in range(10)], False),
        ([b"%d" % number for number in range(11)], True),
    ],
)
def test_a_set_of_few_whole_numbers_is_an_intset(members: list[bytes], is_table: bool) -> None:
    value = Set()
    assert value.add(members, 10) == len(members)
    assert value.is_table == is_table
    assert are_integers(members) or is_table


def test_members_that_are_there_change_nothing() -> None:
    value = Set()
    value.add([b"1", b"2"], 10)
    assert value.add([b"2", b"1"], 0) == 0
    assert not value.is_table
    assert value.add([b"3", b"3", b"2"], 0) == 1
    assert value.is_table


def test_an_intset_is_in_the_order_of_its_numbers() -> None:
    value = Set()
    value.add([b"10", b"-3", b"2"], 10)
    assert value.in_order() == [b"-3", b"2", b"10"]
    value.add([b"x", b"1"], 10)
    assert value.in_order() == [b"10", b"-3", b"2", b"x", b"1"]


def test_a_copy_is_another_container() -> None:
    value = hash_of(range(3))
    other = copy(value)
    other.remove(name(0))
    other.put([name(1), b"other"], 512, 64)
    assert value == hash_of(range(3))
    assert type(other) is Hash


# Removing


def test_remove_tells_whether_it_was_there() -> None:
    value = set_of(range(3))
    assert value.remove(name(1))
    assert not value.remove(name(1))
    assert list(value) == [name(0), name(2)]


@pytest.mark.parametrize("uses_order", [False, True])
def test_a_container_that_lost_most_of_its_members_gives_their_memory_back(uses_order: bool) -> None:
    value = set_of(range(20_000))
    if uses_order:
        value.draw(Random(0))
    full = getsizeof(value)
    for number in range(19_990):
        value.remove(name(number))
    assert getsizeof(value) < full / 50
    assert list(value) == [name(number) for number in range(19_990, 20_000)]
    assert value.draw(Random(0)) in value


# Scanning and drawing


class Using(RuleBasedStateMachine):
    """A container behaves as a dict, and a scan sees all that is there throughout, whatever happens meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.value = Set(is_table=True)
        self.model: dict[bytes, None] = {}
        self.random = Random(0)
        self.add(range(200))
        self.begin()

    def begin(self) -> None:
        self.cursor = 0
        self.throughout = set(self.model)
        self.seen: set[bytes] = set()

    @rule(numbers=MANY)
    def add(self, numbers: range) -> None:
        members = [name(number) for number in numbers]
        new = len(set(members) - set(self.model))
        assert self.value.add(members, 512) == new
        self.model.update(dict.fromkeys(members))

    @rule(numbers=MANY, step=st.integers(1, 3))
    def remove(self, numbers: range, step: int) -> None:
        for number in numbers[::step]:
            assert self.value.remove(name(number)) == (name(number) in self.model)
            self.model.pop(name(number), None)
            self.throughout.discard(name(number))

    @rule(count=st.integers(1, 100))
    def scan(self, count: int) -> None:
        self.cursor, members = self.value.scan(self.cursor, count)
        assert self.model.keys() >= set(members)
        self.seen.update(members)
        if self.cursor == 0:
            assert self.seen >= self.throughout
            self.begin()

    @rule(count=st.integers(0, 400))
    def draw(self, count: int) -> None:
        sample = self.value.sample(count, self.random)
        assert len(set(sample)) == len(sample) == min(count, len(self.model))
        assert self.model.keys() >= set(sample)
        if self.model:
            drawn = [self.value.draw(self.random), *self.value.draw_several(count, self.random)]
            assert len(drawn) == count + 1
            assert self.model.keys() >= set(drawn)

    @rule(count=st.integers(1, 100))
    def take(self, count: int) -> None:
        for _ in range(min(count, len(self.model))):
            member = self.value.take_one(self.random)
            del self.model[member]
            self.throughout.discard(member)

    @invariant()
    def same_members_in_the_same_order(self) -> None:
        assert list(self.value) == list(self.model)


TestUsing = Using.TestCase
TestUsing.settings = settings(max_examples=50, stateful_step_count=20)


def test_what_redis_keeps_packed_is_scanned_at_once() -> None:
    value = hash_of(range(100))
    assert value.scan(0, 10) == value.scan(77, 10) == (0, [name(number) for number in range(100)])
    numbers = Set()
    numbers.add([b"2", b"1"], 512)
    assert numbers.scan(0, 1) == (0, [b"1", b"2"])


def pages(value: Container[None], count: int) -> Iterator[list[bytes]]:
    cursor, page = value.scan(0, count)
    yield page
    while cursor:
        cursor, page = value.scan(cursor, count)
        yield page


def test_a_table_is_scanned_in_pages() -> None:
    assert [len(page) for page in pages(set_of(range(25)), 10)] == [10, 10, 5]


class CountingRandom(Random):
    """Counts how often it is asked."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.asked = 0

    def random(self) -> float:
        self.asked += 1
        return super().random()


def test_popping_a_large_set_asks_for_few_random_numbers_and_orders_it_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    make = Set._ordered

    def counted(self: Set) -> object:
        if self.order is None:
            made.append(len(self))
        return make(self)

    monkeypatch.setattr(Set, "_ordered", counted)
    value, random = set_of(range(20_000)), CountingRandom(1)
    while value:
        taken = value.take_one(random)
        assert taken not in value
    assert random.asked < 2 * 20_000
    assert sum(made) < 10 * 20_000  # each order is of 7/8 of what the one before was


@pytest.mark.parametrize("size", [20, 400, 2000])  # walked through, and in an order
@pytest.mark.parametrize("how", ["draw", "take_one", "draw_several", "sample few", "sample most"])
def test_all_members_are_drawn_equally_often(size: int, how: str) -> None:
    value, random = set_of(range(2 * size)), Random(11)
    value.draw(random)
    for number in range(0, 2 * size, 2):  # half of the members gone
        value.remove(name(number))
    drawn: Counter[bytes] = Counter()
    count = size // 10 if how == "sample few" else size // 2
    while drawn.total() < 20 * size:
        if how == "draw":
            drawn[value.draw(random)] += 1
        elif how == "take_one":
            taken = value.take_one(random)
            drawn[taken] += 1
            value.add([taken], 512)
        elif how == "draw_several":
            drawn.update(value.draw_several(count, random))
        else:
            drawn.update(value.sample(count, random))
    expected = drawn.total() / size
    chi_square = sum((drawn[member] - expected) ** 2 / expected for member in value)
    # size - 1 degrees of freedom (fewer where a sample has no member twice); the seed is fixed.
    assert drawn.keys() == value.keys()
    assert chi_square < size + 4 * (2 * size) ** 0.5


def test_each_pair_of_a_sample_is_equally_likely() -> None:
    value, random = set_of(range(6)), Random(3)
    drawn = Counter(frozenset(value.sample(2, random)) for _ in range(15_000))
    assert len(drawn) == 15
    assert sum((count - 1000) ** 2 / 1000 for count in drawn.values()) < 36  # 14 degrees of freedom, p = 0.001


def test_an_order_costs_memory_of_its_own() -> None:
    value = set_of(range(1000))
    value.scan(0, 1)
    assert value.order is not None
    assert all(small < large for small, large in pairwise([getsizeof(value.order), 8_500, getsizeof(value)]))
