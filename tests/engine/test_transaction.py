"""Watching and running, from within; what clients see of it is shown in tests/commands/test_transactions.py."""

import pytest

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from respstore.engine.transaction import Watch
from respstore.keyspace import Keyspace
from tests.talk import received, talk


@pytest.fixture
def other(engine: Engine) -> Session:
    return Session(engine)


# Watch


def test_a_watch_is_dirty_once_one_of_its_keys_changed() -> None:
    one, two = Keyspace(2).databases
    watch = Watch()
    watch.add(one, b"k")
    watch.add(one, b"l")
    watch.add(two, b"m")
    one.put(b"m", b"v", "set")
    two.put(b"k", b"v", "set")
    assert not watch.is_dirty()
    two.put(b"m", b"v", "set")
    assert watch.is_dirty()


def test_a_closed_watch_leaves_nothing_behind() -> None:
    db = Keyspace(1).databases[0]
    watches = [Watch(), Watch()]
    for watch in watches:
        watch.add(db, b"k")
        watch.add(db, b"k")
    watches[0].close()
    db.put(b"k", b"v", "set")
    assert [watch.is_dirty() for watch in watches] == [False, True]
    watches[1].close()
    assert not db.observed


def test_time_alone_makes_a_watch_dirty() -> None:
    keyspace = Keyspace(1)
    db = keyspace.databases[0]
    db.place(b"k", b"v", 10, "set")
    watch = Watch()
    watch.add(db, b"k")
    keyspace.now = 9
    assert not watch.is_dirty()
    keyspace.now = 10
    assert watch.is_dirty()


def test_a_key_whose_time_was_over_may_vanish_but_not_come_back() -> None:
    keyspace = Keyspace(1)
    db = keyspace.databases[0]
    db.place(b"k", b"v", 10, "set")
    keyspace.now = 10
    watch = Watch()
    watch.add(db, b"k")
    assert not watch.is_dirty()
    assert b"k" in db.data  # to watch it is not to touch it
    assert db.get(b"k") is None
    assert not watch.is_dirty()
    db.put(b"k", b"v", "set")
    assert watch.is_dirty()


@pytest.mark.parametrize("end", [b"EXEC", b"DISCARD", b"RESET", b"QUIT", b"EXEC x", b""])
def test_no_end_of_a_transaction_leaves_a_watch_behind(session: Session, engine: Engine, end: bytes) -> None:
    for request in (b"WATCH k", b"MULTI", b"PING"):
        talk(session, request)
    assert engine.keyspace.databases[0].observed
    if end:
        talk(session, end)
    else:
        session.receive_eof()
    assert not engine.keyspace.databases[0].observed
    assert session.transaction is None


def test_a_client_that_hangs_up_changes_nothing(session: Session, other: Session) -> None:
    talk(session, b"MULTI")
    talk(session, b"SET k v")
    session.receive_eof()
    assert talk(other, b"EXISTS k") == b":0\r\n"


# Running


def test_who_waits_is_served_when_the_whole_is_done(session: Session, other: Session) -> None:
    assert talk(other, b"BLPOP l 0") == b""
    for request in (b"MULTI", b"RPUSH l a", b"LPUSH l b", b"LLEN l", b"RPUSH l c"):
        talk(session, request)
    assert received(other) == b""
    assert talk(session, b"EXEC") == b"*4\r\n:1\r\n:2\r\n:2\r\n:3\r\n"
    assert received(other) == b"*2\r\n$1\r\nl\r\n$1\r\nb\r\n"


def test_who_waits_goes_on_waiting_for_what_is_gone_again(session: Session, other: Session) -> None:
    assert talk(other, b"BLPOP l 0") == b""
    for request in (b"MULTI", b"RPUSH l a", b"DEL l", b"EXEC"):
        talk(session, request)
    assert received(other) == b""


def test_each_reply_is_in_the_protocol_of_its_moment(session: Session) -> None:
    for request in (b"MULTI", b"GET missing", b"HELLO 3", b"GET missing"):
        talk(session, request)
    reply = talk(session, b"EXEC")
    assert reply.startswith(b"*3\r\n$-1\r\n%")
    assert reply.endswith(b"\r\n_\r\n")


def test_a_client_silences_itself_in_a_transaction(session: Session) -> None:
    for request in (b"MULTI", b"CLIENT REPLY OFF", b"SET k v"):
        assert talk(session, request) != b""
    assert talk(session, b"EXEC") == b""
    assert talk(session, b"CLIENT REPLY ON") == b"+OK\r\n"
    assert talk(session, b"GET k") == b"$1\r\nv\r\n"


def test_commands_are_counted_where_they_run(session: Session, engine: Engine) -> None:
    talk(session, b"SET k text")
    for request in (b"MULTI", b"INCR k", b"GET", b"EXEC", b"MULTI", b"INCR k", b"GeT k", b"EXEC", b"EXEC x", b"EXEC"):
        talk(session, request)
    counts = {name: engine.entries[name] for name in (b"incr", b"get", b"exec")}
    assert {name: (entry.calls, entry.rejected, entry.failed) for name, entry in counts.items()} == {
        b"incr": (1, 0, 1),
        b"get": (1, 1, 0),
        b"exec": (3, 1, 2),
    }
