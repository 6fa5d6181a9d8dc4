"""A database is a dictionary with times: compared with one, then expiry, observers and whole databases one by one."""

from collections import deque
from collections.abc import Callable
from itertools import chain
from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from respstore.keyspace import Database, Keyspace

NOW = 1_700_000_000_000
KEYS = st.sampled_from([b"key:%d" % number for number in range(40)])


@pytest.fixture
def keyspace() -> Keyspace:
    keyspace = Keyspace(4)
    keyspace.now = NOW
    return keyspace


@pytest.fixture
def db(keyspace: Keyspace) -> Database:
    return keyspace.databases[0]


class Witness:
    """An observer that notes what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[int, bytes]] = []

    def __call__(self, db: Database, key: bytes) -> None:
        self.told.append((db.index, key))


class Model(RuleBasedStateMachine):
    """A database is a dictionary whose entries may carry a time, whatever is done to it and however it is looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.keyspace = Keyspace(2)
        self.keyspace.now = NOW
        self.dbs = self.keyspace.databases
        self.models: list[dict[bytes, tuple[bytes, int | None]]] = [{}, {}]
        self.cursor = 0
        self.throughout: set[bytes] = set()
        self.seen: set[bytes] = set()

    def expected(self, key: bytes) -> tuple[bytes, int | None] | None:
        return self.models[0].get(key)

    def note(self, key: bytes, value: bytes, deadline: int | None) -> None:
        self.models[0][key] = value, deadline

    @rule(key=KEYS, value=st.binary(max_size=2))
    def put(self, key: bytes, value: bytes) -> None:
        self.dbs[0].put(key, value, "set")
        self.note(key, value, None)

    @rule(keys=st.lists(KEYS), value=st.binary(max_size=2))
    def put_several(self, keys: list[bytes], value: bytes) -> None:
        changes = self.keyspace.changes
        values = [b"%b%d" % (value, number) for number in range(len(keys))]
        self.dbs[0].put_several(list(chain.from_iterable(zip(keys, values, strict=True))), "set")
        for key, text in zip(keys, values, strict=True):
            self.note(key, text, None)
        assert self.keyspace.changes == changes + len(keys)

    @rule(key=KEYS, value=st.binary(max_size=2))
    def replace(self, key: bytes, value: bytes) -> None:
        expected = self.expected(key)
        assert (self.dbs[0].get(key) is not None) == (expected is not None)
        self.dbs[0].replace(key, value, "set")
        self.note(key, value, expected[1] if expected else None)

    @rule(key=KEYS)
    def delete(self, key: bytes) -> None:
        assert self.dbs[0].delete(key) == (self.models[0].pop(key, None) is not None)

    @rule(key=KEYS, newkey=KEYS)
    def rename(self, key: bytes, newkey: bytes) -> None:
        taken = self.dbs[0].take(key, "rename_from")
        assert taken == self.models[0].pop(key, None)
        if taken is not None:
            self.dbs[0].place(newkey, *taken, "rename_to")
            self.models[0][newkey] = taken

    @rule(key=KEYS, after=st.integers(-1, 60))
    def expire(self, key: bytes, after: int) -> None:
        expected = self.expected(key)
        if self.dbs[0].get(key) is not None:
            assert expected is not None
            assert self.dbs[0].expire_at(key, self.keyspace.now + after) == (after > 0)
            self.note(key, expected[0], self.keyspace.now + after)
            self.forget_dead()

    @rule(key=KEYS)
    def persist(self, key: bytes) -> None:
        expected = self.expected(key)
        if self.dbs[0].get(key) is not None:
            assert expected is not None
            assert self.dbs[0].persist(key) == (expected[1] is not None)
            self.note(key, expected[0], None)

    @rule(ms=st.integers(1, 50))
    def pass_time(self, ms: int) -> None:
        self.keyspace.now += ms
        self.forget_dead()

    @rule(limit=st.integers(1, 20))
    def expire_due(self, limit: int) -> None:
        before = len(self.dbs[0].data)
        done = self.dbs[0].expire_due(limit)
        assert before - len(self.dbs[0].data) <= done <= limit
        if done < limit:
            assert self.dbs[0].data.keys() == self.models[0].keys()

    @rule(count=st.integers(1, 20))
    def scan(self, count: int) -> None:
        if self.cursor == 0:
            self.throughout, self.seen = set(self.models[0]), set()
        self.cursor, keys = self.dbs[0].scan(self.cursor, count)
        self.seen.update(keys)
        if self.cursor == 0:
            assert self.seen >= self.throughout

    @rule(seed=st.integers())
    def random_key(self, seed: int) -> None:
        key = self.dbs[0].random_key(Random(seed))
        assert key in self.models[0] if self.models[0] else key is None

    @rule()
    def forget_the_order(self) -> None:
        self.keyspace.generation += 2
        self.dbs[0].forget_unused_order(self.keyspace.generation)

    @rule()
    def swap(self) -> None:
        self.dbs[0].swap(self.dbs[1])
        self.models.reverse()
        self.cursor = 0

    @rule()
    def clear(self) -> None:
        assert self.dbs[0].clear() >= len(self.models[0])
        self.models[0].clear()
        self.throughout.clear()

    @invariant()
    def has_what_the_model_has(self) -> None:
        for db, model in zip(self.dbs, self.models, strict=True):
            live = list(db.keys())
            assert {key: (db.data[key], db.deadline(key)) for key in live} == model
            assert db.expires.keys() <= db.data.keys()
        self.throughout &= self.models[0].keys()

    def forget_dead(self) -> None:
        now = self.keyspace.now
        for model in self.models:
            for key in [key for key, (_, deadline) in model.items() if deadline is not None and deadline <= now]:
                del model[key]


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=60, stateful_step_count=30)


# Expiry


def test_a_new_value_discards_the_time_to_live_and_a_changed_one_keeps_it(db: Database) -> None:
    db.place(b"k", b"v", NOW + 10, "set")
    db.replace(b"k", b"w", "append")
    assert db.deadline(b"k") == NOW + 10
    db.put(b"k", b"x", "set")
    assert db.deadline(b"k") is None


@pytest.mark.parametrize(
    "look",
    [
        lambda db: db.get(b"k") is None,
        lambda db: db.read(b"k") is None,
        lambda db: not db.delete(b"k"),
        lambda db: db.take(b"k", "rename_from") is None,
        lambda db: db.random_key(Random(0)) is None,
        lambda db: db.expire_due(10) == 1,
    ],
    ids=["get", "read", "delete", "take", "random_key", "expire_due"],
)
def test_a_key_is_gone_when_its_time_comes(db: Database, look: Callable[[Database], bool]) -> None:
    witness = Witness()
    db.place(b"k", b"v", NOW + 10, "set")
    db.observe(b"k", witness)
    db.keyspace.now = NOW + 9
    assert db.get(b"k") == b"v"
    db.keyspace.now = NOW + 10
    changes = db.keyspace.changes
    assert look(db)
    assert (db.data, db.expires, db.keyspace.expired) == ({}, {}, 1)
    assert witness.told == [(0, b"k")]
    assert db.keyspace.changes == changes  # rdb_changes_since_last_save, in redis-server 7.0.15, too


def test_listing_keys_leaves_out_the_dead_and_deletes_nothing(db: Database) -> None:
    db.put(b"stays", b"v", "set")
    db.place(b"dead", b"v", NOW, "set")
    assert list(db.keys()) == [b"stays"]
    assert len(db.data) == 2


def test_reads_count_as_hits_and_misses(db: Database) -> None:
    db.put(b"k", b"v", "set")
    db.place(b"dead", b"v", NOW, "set")
    for key in (b"k", b"k", b"dead", b"missing"):
        db.read(key)
        db.get(key)
    assert (db.hits, db.misses) == (2, 2)


def test_active_expiry_goes_soonest_first_and_stops_at_its_limit(db: Database) -> None:
    for after in (30, 10, 50, 20, 40):
        db.place(b"%d" % after, b"v", NOW + after, "set")
    db.keyspace.now = NOW + 45
    assert db.expire_due(3) == 3
    assert list(db.data) == [b"50", b"40"]
    assert db.expire_due(3) == 1
    assert list(db.data) == [b"50"]
    assert db.expire_due(3) == 0


def test_active_expiry_heeds_the_last_word(db: Database) -> None:
    for key in (b"later", b"persisted", b"new value", b"deleted", b"sooner"):
        db.place(key, b"v", NOW + 10, "set")
    db.expire_at(b"later", NOW + 100)
    db.persist(b"persisted")
    db.put(b"new value", b"w", "set")
    db.delete(b"deleted")
    db.put(b"deleted", b"again", "set")
    db.expire_at(b"sooner", NOW + 5)
    db.keyspace.now = NOW + 7
    db.expire_due(100)
    assert b"sooner" not in db.data
    db.keyspace.now = NOW + 50
    db.expire_due(100)
    assert set(db.data) == {b"later", b"persisted", b"new value", b"deleted"}
    db.keyspace.now = NOW + 100
    db.expire_due(100)
    assert b"later" not in db.data


def test_a_time_that_is_past_deletes_at_once(db: Database) -> None:
    db.put(b"k", b"v", "set")
    assert not db.expire_at(b"k", NOW)
    assert not db.data
    assert db.keyspace.expired == 0


def test_deadlines_do_not_pile_up(db: Database) -> None:
    for key in (b"a", b"b", b"c"):
        db.put(key, b"v", "set")
    for number in range(20_000):
        db.expire_at(b"a", NOW + 1 + number % 1000)
    for number in range(20_000):
        db.expire_at(b"b", NOW + 1 + number)
        db.persist(b"b")
    assert len(db._deadlines) < 100
    db.keyspace.now = NOW + 100_000
    while db.expire_due(1000):
        pass
    assert set(db.data) == {b"b", b"c"}
    assert not db._deadlines


# Observers

CHANGES: dict[str, Callable[[Database], object]] = {
    "put": lambda db: db.put(b"k", b"w", "set"),
    "put a new key": lambda db: db.put(b"new", b"w", "set"),
    "put several": lambda db: db.put_several([b"k", b"w"], "set"),
    "put several new keys": lambda db: db.put_several([b"new", b"w"], "set"),
    "replace": lambda db: db.replace(b"k", b"w", "incrby"),
    "changed": lambda db: db.changed(b"k", "lpush"),
    "delete": lambda db: db.delete(b"k"),
    "take": lambda db: db.take(b"k", "rename_from"),
    "place": lambda db: db.place(b"new", b"w", NOW + 1, "rename_to"),
    "place over another": lambda db: db.place(b"k", b"w", None, "copy_to"),
    "expire": lambda db: db.expire_at(b"k", NOW + 50),
    "expire in the past": lambda db: db.expire_at(b"k", NOW - 1),
    "persist": lambda db: db.persist(b"k"),
    "clear": lambda db: db.clear(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_each_change_is_told_once(db: Database, change: str) -> None:
    witness = Witness()
    db.place(b"k", b"v", NOW + 100, "set")
    for key in (b"k", b"new", b"other"):
        db.observe(key, witness)
    before = db.keyspace.changes
    CHANGES[change](db)
    assert witness.told == [(0, b"new" if b"new" in db.data else b"k")]
    assert db.keyspace.changes == before + 1


def test_what_changes_nothing_is_not_told(db: Database) -> None:
    witness = Witness()
    db.put(b"k", b"v", "set")
    for key in (b"k", b"missing"):
        db.observe(key, witness)
    db.get(b"k")
    db.read(b"k")
    db.persist(b"k")
    db.delete(b"missing")
    db.take(b"missing", "rename_from")
    db.scan(0, 10)
    db.random_key(Random(0))
    db.keyspace.databases[1].put(b"k", b"v", "set")
    db.keyspace.databases[1].clear()
    assert witness.told == []


def test_observers_are_told_in_the_order_in_which_they_came(db: Database) -> None:
    told: list[str] = []
    observers = [lambda db, key, name=name: told.append(name) for name in ("first", "second", "third")]
    for observer in observers:
        db.observe(b"k", observer)
    db.observe(b"k", observers[0])  # already there
    db.put(b"k", b"v", "set")
    assert told == ["first", "second", "third"]


def test_an_observer_may_leave_while_it_is_told(db: Database) -> None:
    told: list[bytes] = []

    def once(db: Database, key: bytes) -> None:
        told.append(key)
        db.unobserve(key, once)

    witness = Witness()
    db.observe(b"k", once)
    db.observe(b"k", witness)
    db.put(b"k", b"v", "set")
    db.put(b"k", b"v", "set")
    assert told == [b"k"]
    assert len(witness.told) == 2
    db.unobserve(b"k", witness)
    db.unobserve(b"k", witness)
    db.unobserve(b"another", witness)
    assert not db.observed


# Whole databases


def test_swapped_databases_exchange_values_times_and_places_in_a_scan(keyspace: Keyspace) -> None:
    one, two = keyspace.databases[:2]
    one.place(b"k", b"one", NOW + 10, "set")
    two.put(b"k", b"two", "set")
    two.put(b"l", deque([b"a"]), "rpush")
    for db in (one, two):
        db.scan(0, 10)
    one.swap(two)
    assert (one.data, one.expires) == ({b"k": b"two", b"l": deque([b"a"])}, {})
    assert (two.data, two.expires) == ({b"k": b"one"}, {b"k": NOW + 10})
    one.put(b"m", b"v", "set")
    assert sorted(one.scan(0, 10)[1]) == [b"k", b"l", b"m"]
    assert two.scan(0, 10) == (0, [b"k"])
    keyspace.now = NOW + 10
    assert (one.expire_due(10), two.expire_due(10)) == (0, 1)


def test_swapping_tells_who_observes_a_key_that_either_side_has(keyspace: Keyspace) -> None:
    one, two, three = keyspace.databases[:3]
    witness = Witness()
    one.put(b"gone", b"v", "set")
    two.put(b"comes", b"v", "set")
    two.place(b"dead", b"v", NOW, "set")
    for key in (b"gone", b"comes", b"dead", b"in neither"):
        one.observe(key, witness)
    three.observe(b"gone", witness)
    one.swap(two)
    assert witness.told == [(0, b"gone"), (0, b"comes")]
    one.swap(one)
    assert len(witness.told) == 2


def test_clearing_forgets_values_times_and_order(db: Database) -> None:
    witness = Witness()
    db.put(b"a", b"v", "set")
    db.place(b"b", b"v", NOW + 10, "set")
    db.observe(b"a", witness)
    db.observe(b"missing", witness)
    db.scan(0, 1)
    assert db.clear() == 2
    assert witness.told == [(0, b"a")]
    assert db.scan(0, 10) == (0, [])
    assert db.random_key(Random(0)) is None
    db.put(b"b", b"w", "set")
    db.keyspace.now = NOW + 10
    assert db.expire_due(10) == 0
    assert db.get(b"b") == b"w"


def test_what_is_held_is_told_to_nobody_and_yet_scanned(db: Database) -> None:
    db.put(b"a", b"1", "set")
    db.expire_at(b"a", NOW + 1000)
    witness = Witness()
    for key in (b"a", b"b"):
        db.observe(key, witness)
    db.scan(0, 10)
    before = db.keyspace.changes

    db.hold(b"a", bytearray(b"1"))
    db.hold(b"b", bytearray(1))

    assert sorted(db.scan(0, 10)[1]) == [b"a", b"b"]
    assert db.deadline(b"a") == NOW + 1000
    assert (db.keyspace.changes, witness.told) == (before, [])


def test_to_flush_databases_is_one_event() -> None:
    keyspace = Keyspace(3)
    flushed: list[int] = []
    keyspace.flushed = lambda: flushed.append(len(keyspace.databases[0].data))
    for db in keyspace.databases:
        db.put(b"k", b"v", "set")
    keyspace.flush(keyspace.databases[:2])
    assert [len(db.data) for db in keyspace.databases] == [0, 0, 1]
    assert flushed == [0]


# Looking, and drawing


def test_a_dead_key_can_be_seen_until_somebody_asks_for_it(db: Database) -> None:
    db.place(b"k", b"v", 10, "set")
    db.keyspace.now = 10
    assert db.is_over(b"k")
    assert db.peek_even_dead(b"k") == b"v"
    assert db.get(b"k") is None
    assert db.peek_even_dead(b"k") is None
    assert not db.is_over(b"k")


def test_a_dead_key_may_be_deleted_as_if_it_lived(db: Database) -> None:
    db.place(b"k", b"v", 10, "set")
    db.keyspace.now = 10
    db.delete_even_dead(b"k")
    db.delete_even_dead(b"missing")
    assert not db.data
    assert db.keyspace.expired == 0


def test_to_look_counts_as_a_read_and_to_peek_does_not(db: Database) -> None:
    db.put(b"k", b"v", "set")
    db.put(b"dead", b"v", "set")
    db.set_deadline(b"dead", NOW)
    assert (db.peek(b"k"), db.peek(b"missing")) == (b"v", None)
    assert (db.hits, db.misses) == (0, 0)
    assert (db.look(b"k"), db.look(b"missing"), db.look(b"dead")) == (b"v", None, None)
    assert (db.inspect(b"k"), db.inspect(b"missing")) == (b"v", None)
    assert (db.hits, db.misses) == (2, 3)
    assert b"dead" not in db.data


def test_keys_that_expire_are_drawn_alike(db: Database) -> None:
    random = Random(1)
    assert db.random_expiring_key(random) is None
    for number in range(20):
        db.put(b"%d" % number, b"v", "set")
        if number % 2:
            for minutes in range(number):  # the more often a time was changed the more of it lies about
                db.expire_at(b"%d" % number, NOW + 1_000_000 + minutes)
    drawn = [db.random_expiring_key(random) for _ in range(2000)]
    assert set(drawn) == set(db.expires)
    assert all(130 < drawn.count(key) < 270 for key in db.expires)


def test_the_last_key_that_expires_is_drawn_from_however_many_times_that_count_no_more(db: Database) -> None:
    for number in range(1000):
        db.put(b"%d" % number, b"v", "set")
        db.expire_at(b"%d" % number, NOW + 1000 + number)
    for number in range(999):
        db.delete(b"%d" % number)
    assert db.random_expiring_key(Random(1)) == b"999"
    db.persist(b"999")
    assert db.random_expiring_key(Random(1)) is None


def test_the_next_to_expire(db: Database) -> None:
    assert db.next_to_expire() is None
    for key, deadline in ((b"a", NOW + 30), (b"b", NOW + 10), (b"c", NOW + 20), (b"b", NOW + 40)):
        db.put(key, b"v", "set")
        db.expire_at(key, deadline)
    assert db.next_to_expire() == (NOW + 20, b"c")
    db.delete(b"c")
    assert db.next_to_expire() == (NOW + 30, b"a")
    db.persist(b"a")
    db.persist(b"b")
    assert db.next_to_expire() is None


def test_the_order_of_keys_takes_memory_once_somebody_uses_it(db: Database) -> None:
    db.put_several([word for number in range(100) for word in (b"%d" % number, b"v")], "set")
    assert db.order_size() == 0
    db.scan(0, 1)
    assert db.order_size() > 800


def test_keys_whose_time_is_over_may_have_to_stay() -> None:
    keyspace = Keyspace(1)
    db = keyspace.databases[0]
    for key in (b"dead", b"live"):
        db.put(key, b"v", "set")
    db.set_deadline(b"dead", 1)
    keyspace.now, keyspace.keeps_expired = 2, True
    assert db.get(b"dead") is None
    assert {db.random_key(Random(number)) for number in range(20)} == {b"live"}
    assert not db.delete(b"dead")
    assert len(db.data) == 2
    db.delete(b"live")
    assert db.random_key(Random(0)) is None
    keyspace.keeps_expired = False
    assert db.get(b"dead") is None
    assert not db.data
