"""An order of keys: a scan misses nothing, a draw is fair, and what is removed does not pile up."""

from collections import Counter
from random import Random
from sys import getsizeof

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from respstore.keyspace.key_order import KeyOrder

NUMBERS = st.integers(0, 99)
MANY = st.tuples(NUMBERS, NUMBERS).map(lambda ends: range(min(ends), max(ends) + 1))


def key_of(number: int) -> bytes:
    return b"key:%d" % number


def dictionary(size: int) -> dict[bytes, None]:
    return dict.fromkeys(map(key_of, range(size)))


class Scanning(RuleBasedStateMachine):
    """A scan sees all that is there throughout, whatever its owner does meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self.keys = dictionary(50)
        self.order = KeyOrder(self.keys)
        self.begin()

    def begin(self) -> None:
        self.cursor = 0
        self.throughout = set(self.keys)
        self.seen: set[bytes] = set()

    @rule(numbers=MANY)
    def add(self, numbers: range) -> None:
        for key in map(key_of, numbers):
            if key not in self.keys:
                self.order.add(key)
                self.keys[key] = None

    @rule(numbers=MANY, step=st.integers(1, 3), told_first=st.booleans())
    def remove(self, numbers: range, step: int, *, told_first: bool) -> None:
        for key in map(key_of, numbers[::step]):
            if key in self.keys:
                if told_first:
                    is_good = self.order.discard(key)
                    del self.keys[key]
                else:
                    del self.keys[key]
                    is_good = self.order.discard(key)
                if not is_good:
                    self.order = KeyOrder(self.keys)
                self.throughout.discard(key)

    @rule()
    def forget_the_order(self) -> None:
        self.order = KeyOrder(self.keys)

    @rule(count=st.integers(1, 60))
    def scan(self, count: int) -> None:
        cursor, keys = self.order.scan(self.cursor, count)
        assert len(set(keys)) == len(keys) <= count
        assert self.keys.keys() >= set(keys)
        assert cursor < self.cursor or self.cursor == 0  # hence it ends
        self.cursor = cursor
        self.seen.update(keys)
        if cursor == 0:
            assert self.seen >= self.throughout
            self.begin()

    @rule(cursor=st.integers(1, 2**64), count=st.integers(1, 60))
    def scan_from_a_cursor_that_nobody_gave(self, cursor: int, count: int) -> None:
        following, keys = self.order.scan(cursor, count)
        assert 0 <= following < cursor
        assert self.keys.keys() >= set(keys)

    @rule(seed=st.integers())
    def draw(self, seed: int) -> None:
        if self.keys:
            assert self.order.random(Random(seed)) in self.keys

    def teardown(self) -> None:
        self.scan(1)
        while self.cursor:
            self.scan(1)


TestScanning = Scanning.TestCase
TestScanning.settings = settings(max_examples=50, stateful_step_count=20)


def test_a_page_has_as_many_keys_as_asked_for() -> None:
    order = KeyOrder(dictionary(25))
    pages = []
    cursor = 0
    while True:
        cursor, keys = order.scan(cursor, 10)
        pages.append(len(keys))
        if cursor == 0:
            break
    assert pages == [10, 10, 5]


def test_a_scan_of_nothing_ends_at_once() -> None:
    assert KeyOrder({}).scan(0, 10) == (0, [])
    assert KeyOrder({}).scan(123, 10) == (0, [])


def test_a_scan_ends_though_keys_are_added_faster_than_it_goes() -> None:
    keys = dictionary(100)
    order = KeyOrder(keys)
    cursor = calls = 0
    while calls == 0 or cursor:
        cursor, _ = order.scan(cursor, 10)
        calls += 1
        for number in range(20):
            key = b"late:%d:%d" % (calls, number)
            keys[key] = None
            order.add(key)
    assert calls == 10


def test_one_call_looks_at_a_bounded_number_of_entries_after_a_mass_deletion() -> None:
    keys = dictionary(1000)
    order = KeyOrder(keys)
    for number in range(900, 1000):  # too few for the list to be made anew
        del keys[key_of(number)]
        order.discard(key_of(number))
    assert order.scan(0, 5) == (950, [])
    cursor, found = order.scan(0, 20)
    assert (cursor, len(found)) == (880, 20)


def test_an_order_with_too_many_removed_keys_is_not_worth_keeping() -> None:
    order = KeyOrder(dictionary(800))
    worth_keeping = [order.discard(key_of(number)) for number in range(200)]
    assert worth_keeping == [True] * 116 + [False] * 84
    order = KeyOrder(dictionary(1))
    assert order.discard(key_of(0))


def test_the_memory_of_an_order_is_that_of_its_entries() -> None:
    assert 8_000 < getsizeof(KeyOrder(dictionary(1000))) < 9_000


def test_every_key_is_drawn_equally_often() -> None:
    keys = dictionary(200)
    order = KeyOrder(keys)
    for number in range(0, 200, 2):  # half of the keys gone, the last of these back again
        order.discard(key_of(number))
        del keys[key_of(number)]
    for number in range(160, 200, 2):
        keys[key_of(number)] = None
        order.add(key_of(number))
    random = Random(7)
    drawn = Counter(order.random(random) for _ in range(60_000))
    assert drawn.keys() == keys.keys()
    expected = drawn.total() / len(keys)
    chi_square = sum((count - expected) ** 2 / expected for count in drawn.values())
    # 119 degrees of freedom: mean 119, standard deviation 15. The seed is fixed and the order that of addition.
    assert chi_square < 200
