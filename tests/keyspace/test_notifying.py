"""Events of a database; in the order in which redis-server 7.0.15 tells them."""

from collections import deque
from collections.abc import Callable
from random import Random

import pytest

from respstore.keyspace import Database, Keyspace
from respstore.keyspace.notifying import CLASSES, NotifyingDatabase, TellingDatabase, notify_of_events, tell_of_changes

NOW = 1_700_000_000_000

Events = list[tuple[int, bytes, str]]


@pytest.fixture
def keyspace() -> Keyspace:
    keyspace = Keyspace(3)
    keyspace.now = NOW
    return keyspace


@pytest.fixture
def events(keyspace: Keyspace) -> Events:
    """What is told of, from here on."""
    told: Events = []
    notify_of_events(keyspace, lambda index, key, event: told.append((index, key, event)))
    return told


@pytest.fixture
def db(keyspace: Keyspace) -> Database:
    return keyspace.databases[1]


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (lambda db: db.put(b"new", b"v", "set"), "new set"),
        (lambda db: db.put(b"k", b"v", "set"), "set"),
        (lambda db: db.put(b"dead", b"v", "set"), "expired new set"),
        (lambda db: db.put_several([b"new", b"v", b"new", b"w"], "set"), "new set set"),
        (lambda db: db.replace(b"new", b"v", "append"), "new append"),
        (lambda db: db.replace(b"k", b"v", "append"), "append"),
        (lambda db: db.replace(b"dead", b"v", "append"), "expired new append"),
        (lambda db: db.hold(b"new", b"v"), "new"),
        (lambda db: db.hold(b"k", b"v"), ""),
        (lambda db: db.changed(b"k", "lpush"), "lpush"),
        (lambda db: db.changed(b"k", ""), ""),
        (lambda db: db.noted(b"k", "xgroup-create"), "xgroup-create"),
        (lambda db: db.shrunk(b"k", deque([b"a"]), "lpop"), "lpop"),
        (lambda db: db.shrunk(b"k", deque(), "lpop"), "lpop del"),
        (lambda db: db.delete(b"k"), "del"),
        (lambda db: db.delete(b"missing"), ""),
        (lambda db: db.delete(b"dead"), "expired"),
        (lambda db: db.take(b"k", ""), ""),
        (lambda db: db.place(b"k", b"v", None, "copy_to"), "new copy_to"),
        (lambda db: db.announce(b"k", "rename_from"), "rename_from"),
        (lambda db: db.expire_at(b"k", NOW + 1), "expire"),
        (lambda db: db.expire_at(b"k", NOW), "del"),
        (lambda db: db.persist(b"dying"), "persist"),
        (lambda db: db.expire_due(10), "expired"),
        (lambda db: db.read(b"k"), ""),
        (lambda db: db.read(b"missing"), "keymiss"),
        (lambda db: db.read(b"dead"), "expired keymiss"),
        (lambda db: db.look(b"missing"), "keymiss"),
        (lambda db: db.look(b"dead"), "expired keymiss"),
        (lambda db: db.peek(b"missing"), ""),
        (lambda db: db.get(b"missing"), ""),
        (lambda db: db.inspect(b"missing"), ""),
        (lambda db: db.clear(), ""),
        (lambda db: db.random_key(Random(0)), ""),
    ],
)
def test_events(keyspace: Keyspace, db: Database, change: Callable[[Database], object], names: str) -> None:
    db.put(b"k", b"v", "set")
    db.place(b"dying", b"v", NOW + 100, "set")
    db.place(b"dead", b"v", NOW - 1, "set")
    if "expired" not in names:
        db.delete(b"dead")
    told: Events = []
    notify_of_events(keyspace, lambda index, key, event: told.append((index, key, event)))
    change(db)

    assert " ".join(event for _, _, event in told) == names
    assert {index for index, _, _ in told} <= {1}


def test_observers_are_told_as_always(events: Events, db: Database) -> None:
    seen: list[bytes] = []
    db.observe(b"k", lambda db, key: seen.append(key))
    db.put(b"k", b"v", "set")
    db.replace(b"k", b"w", "append")
    db.changed(b"k", "lpush")
    db.noted(b"k", "xsetid")

    assert seen == [b"k"] * 3


def test_changes_are_counted_as_always(keyspace: Keyspace, db: Database) -> None:
    def change() -> int:
        before = keyspace.changes
        db.put(b"k", b"v", "set")
        db.put_several([b"k", b"v", b"l", b"w"], "set")
        db.replace(b"k", b"w", "append")
        db.delete(b"k")
        db.delete(b"l")
        return keyspace.changes - before

    plain = change()
    notify_of_events(keyspace, lambda index, key, event: None)
    assert change() == plain


def test_a_database_that_nobody_asks_is_a_plain_one(keyspace: Keyspace, events: Events, db: Database) -> None:
    assert {type(db) for db in keyspace.databases} == {NotifyingDatabase}
    notify_of_events(keyspace, None)
    db.put(b"k", b"v", "set")
    assert {type(db) for db in keyspace.databases} == {Database}
    assert events == []


def test_swapped_databases_tell_their_own_numbers(keyspace: Keyspace, events: Events, db: Database) -> None:
    db.put(b"k", b"v", "set")
    db.swap(keyspace.databases[2])
    keyspace.databases[2].delete(b"k")
    assert events == [(1, b"k", "new"), (1, b"k", "set"), (2, b"k", "del")]


# Of the keys alone


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda db: db.put(b"k", b"v", "set"), "k:set"),
        (lambda db: db.put_several([b"k", b"v", b"l", b"w"], "set"), "k:set l:set"),
        (lambda db: db.replace(b"k", b"v", "append"), "k:append"),
        (lambda db: db.changed(b"k", ""), "k:"),
        (lambda db: db.shrunk(b"k", deque(), "lpop"), "k:lpop k:del"),
        (lambda db: db.delete(b"k"), "k:del"),
        (lambda db: db.delete(b"missing"), ""),
        (lambda db: db.take(b"k", ""), "k:"),
        (lambda db: db.place(b"new", b"v", None, "copy_to"), "new:copy_to"),
        (lambda db: db.expire_at(b"k", NOW + 1), "k:expire"),
        (lambda db: db.read(b"dead"), "dead:expired"),
        (lambda db: db.expire_due(10), "dead:expired"),
        (lambda db: db.hold(b"k", b"w"), ""),
        (lambda db: db.noted(b"k", "xgroup-create"), ""),
        (lambda db: db.announce(b"k", "rename_from"), ""),
        (lambda db: db.read(b"missing"), ""),
        (lambda db: db.clear(), ""),
        (lambda db: db.swap(db.keyspace.databases[2]), ""),
    ],
)
@pytest.mark.parametrize("with_events", [False, True])
def test_changes(
    keyspace: Keyspace, db: Database, change: Callable[[Database], object], told: str, with_events: bool
) -> None:
    db.put(b"k", b"v", "set")
    db.place(b"dead", b"v", NOW - 1, "set")
    if with_events:
        notify_of_events(keyspace, lambda index, key, event: None)
    heard: list[str] = []
    tell_of_changes(keyspace, lambda key, event: heard.append(f"{key.decode()}:{event}"))
    change(db)

    assert " ".join(heard) == told


def test_a_change_is_told_before_its_event(keyspace: Keyspace, db: Database) -> None:
    told: list[str] = []
    tell_of_changes(keyspace, lambda key, event: told.append("changed"))
    notify_of_events(keyspace, lambda index, key, event: told.append(event))
    db.put(b"k", b"v", "set")
    assert told == ["changed", "new", "set"]


def test_each_who_wants_to_know_may_stop_alone(keyspace: Keyspace, db: Database) -> None:
    tell_of_changes(keyspace, lambda key, event: None)
    notify_of_events(keyspace, lambda index, key, event: None)
    tell_of_changes(keyspace, None)
    assert type(db) is NotifyingDatabase
    tell_of_changes(keyspace, lambda key, event: None)
    notify_of_events(keyspace, None)
    assert type(db) is TellingDatabase
    tell_of_changes(keyspace, None)
    assert type(db) is Database


def test_every_class_has_events() -> None:
    assert set(CLASSES.values()) == set("g$lshzxetmn")
