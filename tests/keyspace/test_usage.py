"""Notes of the use of keys: when, and how often."""

from itertools import chain
from random import Random

import pytest

from respstore.keyspace import Database, Keyspace
from respstore.keyspace.usage import MOST_FREQUENT, NEW_KEY_FREQUENCY, CountedKeys, TimedKeys, Usage, UsedKeys
from respstore.keyspace.weighing import weigh

NOW = 1_700_000_000_000
MINUTE = 60_000


def keyspace_of(kind: type[UsedKeys], log_factor: int = 0, decay_time: int = 1) -> Keyspace:
    keyspace = Keyspace(2)
    keyspace.now = NOW
    usage = Usage(keyspace, Random(0), log_factor, decay_time)
    keyspace.databases[0].put(b"old", b"v", "set")
    weigh(keyspace, lambda keys: kind(usage, keys))
    return keyspace


@pytest.fixture
def timed() -> Database:
    return keyspace_of(TimedKeys).databases[0]


@pytest.fixture
def counted() -> Database:
    return keyspace_of(CountedKeys).databases[0]


def idle(db: Database, key: bytes) -> int:
    assert isinstance(db.data, TimedKeys)
    return db.data.idle_ms(key)


def frequency(db: Database, key: bytes) -> int:
    assert isinstance(db.data, CountedKeys)
    return db.data.frequency(key)


def test_what_was_there_before_counts_as_just_used(timed: Database, counted: Database) -> None:
    assert idle(timed, b"old") == 0
    assert frequency(counted, b"old") == NEW_KEY_FREQUENCY


@pytest.mark.parametrize("use", ["get", "read", "put"])
def test_a_use_is_noted(timed: Database, counted: Database, use: str) -> None:
    for db in (timed, counted):
        db.keyspace.now += 500
        getattr(db, use)(b"old", *[b"w", "set"] * (use == "put"))
    assert idle(timed, b"old") == 0
    assert frequency(counted, b"old") == NEW_KEY_FREQUENCY + 1


@pytest.mark.parametrize("look", ["peek", "look", "inspect", "is_live", "deadline"])
def test_to_look_is_no_use(timed: Database, counted: Database, look: str) -> None:
    for db in (timed, counted):
        db.keyspace.now += 500
        assert getattr(db, look)(b"old") in (b"v", True, None)
        assert list(db.keys()) == [b"old"]
        db.replace(b"old", b"w", "set")
    assert idle(timed, b"old") == 500
    assert frequency(counted, b"old") == NEW_KEY_FREQUENCY


def test_a_missing_key_is_not_noted(timed: Database, counted: Database) -> None:
    for db in (timed, counted):
        assert db.get(b"missing") is None
        assert db.data.get(b"missing", b"default") == b"default"
        db.put(b"missing", b"v", "set")
        db.delete(b"missing")
        with pytest.raises(KeyError):
            db.data.note_of(b"missing")  # type: ignore[attr-defined]


def test_a_new_key_begins_anew(timed: Database, counted: Database) -> None:
    for db in (timed, counted):
        for _ in range(3):
            db.get(b"old")
        db.delete(b"old")
        db.keyspace.now += 500
        db.put(b"old", b"v", "set")
    assert idle(timed, b"old") == 0
    assert frequency(counted, b"old") == NEW_KEY_FREQUENCY


def test_a_key_that_takes_the_place_of_another_begins_anew(timed: Database, counted: Database) -> None:
    for db in (timed, counted):
        db.get(b"old")
        db.keyspace.now += 500
        db.place(b"old", b"v", None, "restore")
    assert idle(timed, b"old") == 0
    assert frequency(counted, b"old") == NEW_KEY_FREQUENCY


def test_a_clock_that_is_set_back_makes_nothing_younger_than_new(timed: Database, counted: Database) -> None:
    timed.keyspace.now -= 10 * MINUTE
    counted.keyspace.now -= 10 * MINUTE
    assert idle(timed, b"old") == 0
    assert frequency(counted, b"old") == NEW_KEY_FREQUENCY


def test_a_frequency_decays() -> None:
    keyspace = keyspace_of(CountedKeys, decay_time=2)
    db = keyspace.databases[0]
    for _ in range(5):
        db.get(b"old")
    assert frequency(db, b"old") == 10
    keyspace.now += 2 * MINUTE
    assert frequency(db, b"old") == 9
    keyspace.now += 8 * MINUTE
    db.get(b"old")
    assert frequency(db, b"old") == 6
    keyspace.now += 1000 * MINUTE
    assert frequency(db, b"old") == 0


def test_without_a_decay_time_nothing_decays() -> None:
    keyspace = keyspace_of(CountedKeys, decay_time=0)
    keyspace.now += 10_000 * MINUTE
    assert frequency(keyspace.databases[0], b"old") == NEW_KEY_FREQUENCY


def test_there_is_a_most_frequent() -> None:
    db = keyspace_of(CountedKeys).databases[0]
    for _ in range(300):
        db.get(b"old")
    assert frequency(db, b"old") == MOST_FREQUENT


def test_the_more_was_counted_the_less_counts_one_more() -> None:
    db = keyspace_of(CountedKeys, log_factor=10).databases[0]
    seen = []
    for uses in (1, 100, 1000, 10_000):
        for _ in range(uses):
            db.get(b"old")
        seen.append(frequency(db, b"old"))
    assert seen[0] == NEW_KEY_FREQUENCY + 1
    assert 8 <= seen[1] <= 14  # Redis's documentation: 10 after 100 uses, 18 after 1,000, 142 after 100,000
    assert 16 <= seen[2] <= 26
    assert 40 <= seen[3] <= 60


def test_who_is_used_least_is_evicted_first(timed: Database, counted: Database) -> None:
    for db in (timed, counted):
        db.keyspace.now += 500
        db.put(b"new", b"v", "set")
        db.get(b"new")
        assert isinstance(db.data, UsedKeys)
        assert db.data.evictability(b"old") > db.data.evictability(b"new")


def test_notes_weigh_something(timed: Database) -> None:
    keys = {b"key:%d" % number: b"v" for number in range(10_000)}
    data = timed.data
    assert isinstance(data, UsedKeys)
    before = data.weight
    timed.put_several(list(chain.from_iterable(keys.items())), "set")
    assert data.weight - before > 9_990 * (48 + 32) + 2 * keys.__sizeof__()
    for key in keys:
        timed.delete(key)
    assert data.weight - before < 3 * keys.__sizeof__()


def test_a_database_that_was_emptied_goes_on_noting(timed: Database, counted: Database) -> None:
    for db in (timed, counted):
        db.clear()
        db.put(b"k", b"v", "set")
        db.keyspace.now += 500
        db.get(b"k")
    assert idle(timed, b"k") == 0
    assert frequency(counted, b"k") == NEW_KEY_FREQUENCY + 1


def test_a_note_may_be_given_to_another_key(timed: Database) -> None:
    timed.keyspace.now += 500
    timed.put(b"new", b"v", "set")
    assert isinstance(timed.data, TimedKeys)
    timed.data.set_note(b"new", timed.data.note_of(b"old"))
    assert idle(timed, b"new") == 500
