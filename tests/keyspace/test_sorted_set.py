"""Sorted sets beside a sorted list of pairs: every position, whatever came and went, in blocks of every size."""

from copy import copy
from math import inf
from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from respstore.keyspace import sorted_set
from respstore.keyspace.sorted_set import SortedSet

MEMBERS = st.integers(0, 60).map(lambda number: b"%d" % number if number else b"")
SCORES = st.sampled_from([-inf, -1.5, 0.0, 1.0, 1.0, 2.0, 1e300, inf])
FRACTIONS = st.floats(0, 1)


def in_order(scores: dict[bytes, float]) -> list[tuple[float, bytes]]:
    return sorted((score, member) for member, score in scores.items())


class Beside(RuleBasedStateMachine):
    """A sorted set, and a dict that is sorted anew each time. Blocks have four members, so that there are many."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(sorted_set, "_BLOCK", 4)
        self.patch.setattr(sorted_set, "_SMALL_BLOCK", 1)
        self.value = SortedSet(is_skiplist=True)
        self.model: dict[bytes, float] = {}

    def teardown(self) -> None:
        self.patch.undo()

    def pairs(self, low: int, high: int) -> list[tuple[float, bytes]]:
        members, scores = self.value.slice(low, high)
        return list(zip(scores, members, strict=True))

    @rule(member=MEMBERS, score=SCORES)
    def put(self, member: bytes, score: float) -> None:
        if member in self.model:
            self.value.update(member, score)
        else:
            self.value.add(member, score)
        self.model[member] = score

    @rule(member=MEMBERS)
    def discard(self, member: bytes) -> None:
        assert self.value.discard(member) is (self.model.pop(member, None) is not None)

    @rule(first=FRACTIONS, second=FRACTIONS)
    def pop(self, first: float, second: float) -> None:
        low, high = sorted([int(first * len(self.model)), int(second * len(self.model))])
        if low < high:
            expected = in_order(self.model)[low:high]
            members, scores = self.value.pop(low, high)
            assert list(zip(scores, members, strict=True)) == expected
            for member in members:
                del self.model[member]

    @rule(end=st.sampled_from([0, -1]))
    def pop_end(self, end: int) -> None:
        if self.model:
            score, member = in_order(self.model)[end]
            assert self.value.pop_end(end) == (member, score)
            del self.model[member]

    @rule(more=st.dictionaries(MEMBERS, SCORES))
    def make_anew(self, more: dict[bytes, float]) -> None:
        self.model |= more
        self.value = SortedSet(self.model.copy(), is_skiplist=True)

    @rule()
    def go_on_with_a_copy(self) -> None:
        before, self.value = self.value, copy(self.value)
        for member in self.model:
            before.discard(member)

    @rule(member=MEMBERS, score=SCORES)
    def find(self, member: bytes, score: float) -> None:
        pairs = in_order(self.model)
        assert self.value.before(score, member) == sum(pair < (score, member) for pair in pairs)
        assert self.value.before(score) == sum(other < score for other, _ in pairs)
        expected = pairs.index((self.model[member], member)) if member in self.model else None
        assert self.value.rank(member) == expected

    @rule(low=st.integers(0, 70), high=st.integers(0, 70))
    def look_at_a_part(self, low: int, high: int) -> None:
        assert self.pairs(low, high) == in_order(self.model)[low:high]

    @rule()
    def look_at_each(self) -> None:
        assert [self.value.at(place)[::-1] for place in range(len(self.model))] == in_order(self.model)

    @invariant()
    def all_is_there(self) -> None:
        assert len(self.value) == len(self.model)
        assert self.value.scores == self.model
        assert self.pairs(0, 100) == in_order(self.model)

    @invariant()
    def blocks_are_separated(self) -> None:
        blocks = [
            list(zip(scores, members, strict=True))
            for scores, members in zip(self.value._score_blocks, self.value._member_blocks, strict=True)
        ]
        assert all(blocks) or len(blocks) == 1
        assert len(self.value._separators) == len(blocks) - 1
        for block, separator, following in zip(blocks, self.value._separators, blocks[1:], strict=False):
            assert block[-1] <= separator < following[0]


Beside.TestCase.settings = settings(max_examples=30, stateful_step_count=50)
TestBeside = pytest.mark.slow(Beside.TestCase)


def test_members_are_kept_once() -> None:
    value = SortedSet()
    kept = b"member" * 10
    value.add(kept, 1.0)
    value.add(b"other", 2.0)
    value.update(bytes(bytearray(kept)), 3.0)  # equal, but another object
    assert value.at(1)[0] is kept
    assert value.at(1)[1] is value.scores[kept]


def test_a_listpack_knows_no_negative_zero() -> None:
    packed, linked = SortedSet({b"a": -0.0}), SortedSet({b"a": -0.0}, is_skiplist=True)
    for value in (packed, linked):
        value.add(b"b", -0.0)
        value.add(b"c", 1.0)
        value.update(b"c", -0.0)
    assert [str(score) for score in packed.slice(0, 3)[1]] == ["0.0", "0.0", "0.0"]
    assert [str(score) for score in linked.slice(0, 3)[1]] == ["-0.0", "-0.0", "-0.0"]
    assert [str(score) for score in packed.scores.values()] == ["0.0", "0.0", "0.0"]


def test_equal_scores_are_one_object_but_0_and_minus_0_are_not_equal() -> None:
    value = SortedSet(is_skiplist=True)
    for member, score in {b"a": "1.5", b"b": "2", b"c": "1.5", b"d": "0", b"e": "-0"}.items():
        value.add(member, float(score))
    value.update(b"b", float("1.5"))
    assert value.scores[b"a"] is value.scores[b"b"] is value.scores[b"c"]
    assert [*map(str, value.slice(0, 5)[1])] == ["0.0", "-0.0", "1.5", "1.5", "1.5"]
    assert str(value.scores[b"e"]) == "-0.0"


def test_a_copy_is_kept_as_the_original_is() -> None:
    assert copy(SortedSet({b"a": 1.0}, is_skiplist=True)).is_skiplist
    assert not copy(SortedSet({b"a": 1.0})).is_skiplist


def test_a_scan_of_a_listpack_gives_all_in_order() -> None:
    value = SortedSet({b"b": 1.0, b"a": 2.0})
    assert value.scan(0, 1) == (0, [b"b", b"a"])
    assert value.scan(77, 1) == (0, [b"b", b"a"])


def test_a_scan_misses_nothing_that_stays() -> None:
    rng = Random(1)
    staying = [b"stays:%d" % number for number in range(300)]
    value = SortedSet({member: rng.random() for member in staying}, is_skiplist=True)
    cursor, seen = value.scan(0, 7)
    while cursor:
        for member in staying:  # those that stay move about, others come and go
            value.update(member, rng.random())
        for number in range(20):
            value.add(b"new:%d:%d" % (cursor, number), 2.0)
        length = len(value)
        assert all(member.startswith(b"new") for member in value.pop(length - 15, length)[0])
        for member in seen:
            if member.startswith(b"new"):
                value.discard(member)
        cursor, more = value.scan(cursor, 7)
        seen += more
    assert set(staying) <= set(seen)


def test_a_finished_scan_leaves_nothing_behind() -> None:
    value = SortedSet({b"%d" % number: 1.0 for number in range(100)}, is_skiplist=True)
    cursor, _ = value.scan(0, 10)
    assert value.order is not None
    while cursor:
        cursor, _ = value.scan(cursor, 10)
    assert value.order is None


@pytest.mark.parametrize("scores", ["random", "equal", "ascending"])
def test_blocks_stay_of_a_good_size(scores: str) -> None:
    rng = Random(2)
    count = 20_000
    members = [b"%d" % number for number in range(count)]
    value = SortedSet()
    for number, member in enumerate(members):
        value.add(member, {"random": rng.random(), "equal": 1.0, "ascending": float(number)}[scores])
    lengths = [len(block) for block in value._member_blocks]
    assert max(lengths) < 2 * sorted_set._BLOCK
    assert len(lengths) <= count / sorted_set._BLOCK + 1
    for member in rng.sample(members, count - 500):
        value.discard(member)
    assert len(value._member_blocks) < 20
    assert value.rank(value.at(400)[0]) == 400


class CountedScore(float):
    """A score that counts how often it is compared."""

    compared = 0

    def __lt__(self, other: float) -> bool:
        CountedScore.compared += 1
        return float(self) < float(other)

    def __eq__(self, other: object) -> bool:
        CountedScore.compared += 1
        return float(self) == other

    __hash__ = float.__hash__


@pytest.mark.slow
def test_costs_do_not_grow_with_the_size() -> None:
    """Finding a place takes two bisections: some 30 comparisons of some 40,000 scores."""
    rng = Random(3)
    scores = {b"%d" % number: CountedScore(rng.random()) for number in range(40_000)}
    value = SortedSet(scores, is_skiplist=True)
    members = rng.sample(list(scores), 100)
    for operation in (
        value.rank,
        lambda member: value.before(CountedScore(rng.random())),
        lambda member: value.update(member, CountedScore(rng.random())),
        lambda member: value.at(rng.randrange(len(value))),
        lambda member: value.slice(20_000, 20_100),
        lambda member: value.pop(20_000, 20_001),
        lambda member: value.add(b"new:" + member, CountedScore(rng.random())),
        lambda member: value.discard(b"new:" + member),
    ):
        CountedScore.compared = 0
        for member in members:
            if member in value.scores:
                operation(member)
        assert CountedScore.compared / len(members) < 150


def test_a_part_of_a_large_set_is_cut_out_of_few_blocks() -> None:
    value = SortedSet({b"%06d" % number: float(number) for number in range(20_000)}, is_skiplist=True)
    for low, high in ((0, 3), (9_999, 10_002), (500, 1_600), (19_998, 20_000), (0, 20_000), (19_999, 50_000), (5, 5)):
        members, scores = value.slice(low, high)
        assert members == [b"%06d" % number for number in range(low, min(high, 20_000))]
        assert scores == [float(number) for number in range(low, min(high, 20_000))]
