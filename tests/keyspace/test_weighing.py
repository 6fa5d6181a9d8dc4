"""Weighed keys: what is added up change by change is what weighing all at once finds."""

from collections import deque
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respstore.keyspace import Database, Hash, Keyspace, Set, Value
from respstore.keyspace.notifying import NotifyingDatabase, notify_of_events
from respstore.keyspace.weighing import Scale, WeighedDatabase, WeighedKeys, weigh


def weighed(scale: Scale, count: int = 2) -> Keyspace:
    keyspace = Keyspace(count)
    weigh(keyspace, lambda keys: WeighedKeys(scale, keys))
    return keyspace


def contents(keys: dict[bytes, Value]) -> int:
    """The weight of what is in a dictionary, weighed from scratch."""
    fresh = WeighedKeys(Scale(), dict(keys))
    return fresh.weight - fresh.__sizeof__()


@pytest.fixture
def scale() -> Scale:
    return Scale()


@pytest.fixture
def db(scale: Scale) -> Iterator[Database]:
    keyspace = weighed(scale)
    yield keyspace.databases[0]
    assert scale.total == sum(each.data.weight for each in keyspace.databases if isinstance(each.data, WeighedKeys))


VALUES = st.one_of(
    st.binary(max_size=600),
    st.integers(min_value=-(2**63), max_value=2**63 - 1),
    st.binary(max_size=600).map(bytearray),
)
CHANGES = st.lists(st.tuples(st.sampled_from([b"", b"a", b"key", b"k" * 100]), VALUES | st.none()), max_size=40)


@given(CHANGES)
def test_strings_weigh_what_they_weigh_whatever_came_before(changes: list[tuple[bytes, Value | None]]) -> None:
    scale = Scale()
    db = weighed(scale).databases[0]
    nothing = scale.total
    for key, value in changes:
        if value is None:
            db.delete(key)
        else:
            db.replace(key, value, "set")
            if isinstance(value, bytearray):
                value += b"more"
                db.replace(key, value, "append")
        assert scale.total == contents(db.data) + sum(each.data.__sizeof__() for each in db.keyspace.databases)
    db.clear()
    assert scale.total == nothing


def test_all_that_was_there_before_is_weighed(scale: Scale) -> None:
    keyspace = Keyspace(2)
    first, second = keyspace.databases
    first.put_several([b"a", b"x" * 100, b"b", b"1000000"], "set")
    second.put(b"l", deque([b"element"] * 100), "rpush")
    weigh(keyspace, lambda keys: WeighedKeys(scale, keys))
    tables = first.data.__sizeof__() + second.data.__sizeof__()
    assert scale.total == contents(first.data) + contents(second.data) + tables > 6000
    assert first.get(b"a") == b"x" * 100


def test_several_keys_at_once(db: Database, scale: Scale) -> None:
    before = scale.total
    db.put_several([b"a", b"x" * 1000, b"b", b"y" * 1000, b"a", b"z" * 2000], "set")
    assert 3000 < scale.total - before < 3500
    assert contents(db.data) <= scale.total - before


def grow(value: Value, number: int) -> None:
    if isinstance(value, Hash):
        value.put([b"field:%d" % number, b"x" * (number % 100)], 512, 64)
    elif isinstance(value, Set):
        value.add([b"member:%d" % number], 512)
    elif isinstance(value, deque):
        value.append(b"x" * (number % 100))
    elif isinstance(value, bytearray):
        value += b"x" * 10


@pytest.mark.parametrize("kind", [Hash, Set, deque, bytearray], ids=lambda kind: kind.__name__)
def test_a_value_that_grows_and_shrinks_in_place_is_never_far_off(kind: type, db: Database, scale: Scale) -> None:
    value = kind()
    grow(value, 0)
    db.put(b"k", value, "set")
    tables = scale.total - contents(db.data)

    def is_about_right() -> bool:
        truth = contents(db.data)
        return abs(scale.total - tables - truth) < 0.15 * truth

    for number in range(1, 2000):
        grow(value, number)
        db.changed(b"k", "grown")
        assert number % 17 or is_about_right()
    while len(value) > 1:
        if isinstance(value, Hash | Set):
            value.remove(next(iter(value)))
        else:
            value.pop()
        db.changed(b"k", "shrunk")
        assert len(value) % 17 or is_about_right()


def test_a_large_value_in_the_place_of_a_small_one_is_found_by_what_was_sent(db: Database, scale: Scale) -> None:
    value = Hash({b"field:%d" % number: b"v" for number in range(10_000)})
    db.put(b"h", value, "hset")
    before = scale.total
    scale.written = 1_000_000
    value.put([b"field:5", b"x" * 1_000_000], 512, 64)
    db.changed(b"h", "hset")
    assert 1_000_000 < scale.total - before < 1_001_000
    assert scale.written == 0


def test_to_weigh_a_large_value_at_each_change_is_avoided(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    value = deque(b"element:%d" % number for number in range(10_000))
    db.put(b"l", value, "rpush")
    weighed_whole = []
    monkeypatch.setattr(
        "respstore.keyspace.weighing.elements_size", lambda value: weighed_whole.append(len(value)) or 10**6
    )
    for _ in range(10_000):
        value.append(b"more")
        db.changed(b"l", "rpush")
    assert 2 <= len(weighed_whole) <= 4


def test_what_happens_beside_the_data_is_weighed_too(db: Database, scale: Scale) -> None:
    value = bytearray(b"x")
    db.put(b"k", value, "set")
    before = scale.total
    value += b"x" * 1000
    db.noted(b"k", "")
    assert scale.total - before >= 1000


def test_databases_that_change_places_keep_their_weight(scale: Scale) -> None:
    keyspace = weighed(scale)
    first, second = keyspace.databases
    first.put(b"k", b"x" * 1000, "set")
    before = scale.total
    first.swap(second)
    assert scale.total == before
    second.clear()
    assert before - scale.total > 1000
    assert isinstance(second.data, WeighedKeys)


def test_renamed_and_expired_keys_count_once(db: Database, scale: Scale) -> None:
    db.put(b"k", b"x" * 1000, "set")
    before = scale.total
    taken = db.take(b"k", "")
    assert taken is not None
    assert before - scale.total > 1000
    db.place(b"l", *taken, "")
    assert scale.total == before
    db.expire_at(b"l", 10)
    db.keyspace.now = 10
    assert db.get(b"l") is None
    assert before - scale.total > 1000


def test_who_weighs_no_more_has_plain_databases(scale: Scale) -> None:
    keyspace = weighed(scale)
    (first, _) = keyspace.databases
    first.put(b"k", b"v", "set")
    weigh(keyspace, None)
    assert type(first) is Database
    assert type(first.data) is dict
    assert first.get(b"k") == b"v"
    assert scale.total == 0


def test_to_weigh_and_to_tell_of_events_go_together(scale: Scale) -> None:
    events: list[str] = []
    keyspace = Keyspace(1)
    (db,) = keyspace.databases
    notify_of_events(keyspace, lambda index, key, event: events.append(event))
    weigh(keyspace, lambda keys: WeighedKeys(scale, keys))
    before = scale.total
    db.put(b"k", b"x" * 1000, "set")
    assert scale.total - before > 1000
    notify_of_events(keyspace, None)
    assert type(db) is WeighedDatabase
    db.delete(b"k")
    notify_of_events(keyspace, lambda index, key, event: events.append(event))
    weigh(keyspace, None)
    assert type(db) is NotifyingDatabase
    db.put(b"k", b"v", "set")
    assert events == ["new", "set", "new", "set"]
