"""Databases that tell what happens to them, and those that forget nothing while they get back what they had."""

from respstore.keyspace import Keyspace
from respstore.keyspace.propagating import keep_dead, propagate_effects


def test_effects_and_dead_keys_are_told_while_somebody_listens() -> None:
    keyspace = Keyspace(2)
    db = keyspace.databases[1]
    effects: list[object] = []
    db.propagate(b"INCR", b"k")
    propagate_effects(keyspace, lambda *effect: effects.append(effect), lambda *dead: effects.append(dead))
    assert db.propagates
    db.propagate(b"INCR", b"k")
    db.put(b"k", b"v", "set")
    db.set_deadline(b"k", 5)
    keyspace.now = 5
    assert db.get(b"k") is None
    propagate_effects(keyspace, None, None)
    db.propagate(b"INCR", b"k")
    assert not db.propagates
    assert effects == [(1, (b"INCR", b"k")), (1, b"k")]


def test_nothing_expires_while_the_past_is_repeated() -> None:
    keyspace = Keyspace(1)
    (db,) = keyspace.databases
    keyspace.now = 10
    keep_dead(keyspace, on=True)
    db.put(b"k", b"v", "set")
    assert db.expire_at(b"k", 5)
    assert db.get(b"k") == b"v"
    assert not db.is_over(b"k")
    keep_dead(keyspace, on=False)
    assert db.is_over(b"k")
    assert db.get(b"k") is None
