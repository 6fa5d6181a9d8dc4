"""MIGRATE: what the other server is sent, and which keys are gone then."""

import pytest

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from respstore.persistence.rdb.dump import encode_dump
from tests.talk import NOT_AN_INTEGER, OK, SYNTAX, FakePeer, FakeSystem, array, make_engine, talk

NOKEY = b"+NOKEY\r\n"


def filled(*lines: bytes) -> tuple[Engine, Session, FakePeer]:
    """An engine with two keys, and another server that answers these lines."""
    engine = make_engine()
    session = Session(engine)
    talk(session, b"MSET a 1 b x")
    peer = FakePeer(*lines)
    assert isinstance(engine.system, FakeSystem)
    engine.system.peer = peer
    return engine, session, peer


def restore(key: bytes, ttl: bytes, value: bytes, *options: bytes) -> bytes:
    return array(b"RESTORE", key, ttl, encode_dump(value, make_engine().config), *options)


def left(session: Session) -> bytes:
    return talk(session, b"MGET a b")


BOTH, ONLY_A, ONLY_B, NEITHER = (
    b"*2\r\n" + a + b
    for a, b in (
        (b"$1\r\n1\r\n", b"$1\r\nx\r\n"),
        (b"$1\r\n1\r\n", b"$-1\r\n"),
        (b"$-1\r\n", b"$1\r\nx\r\n"),
        (b"$-1\r\n", b"$-1\r\n"),
    )
)


def test_a_key_is_moved() -> None:
    engine, session, peer = filled(b"+OK", b"+OK")
    assert talk(session, b"MIGRATE host 6380 a 3 500") == OK
    assert peer.received == array(b"SELECT", b"3") + restore(b"a", b"0", b"1")
    assert isinstance(engine.system, FakeSystem)
    assert engine.system.connected == [("host", "6380", 0.5)]
    assert peer.is_closed
    assert left(session) == ONLY_B


def test_several_keys_are_copied_with_all_options() -> None:
    engine, session, peer = filled(b"+OK", b"+OK", b"+OK", b"+OK")
    talk(session, b"PEXPIRE b 7000")
    assert talk(session, b"MIGRATE", b"h", b"1", b"", b"0", b"-1", *b"copy replace auth2 u p KEYS a b z".split()) == OK
    assert peer.received == (
        array(b"AUTH", b"u", b"p")
        + array(b"SELECT", b"0")
        + restore(b"a", b"0", b"1", b"REPLACE")
        + restore(b"b", b"7000", b"x", b"REPLACE")
    )
    assert isinstance(engine.system, FakeSystem)
    assert engine.system.connected == [("h", "1", 1.0)]
    assert left(session) == BOTH


@pytest.mark.parametrize(
    ("lines", "error", "expected"),
    [
        ([b"+OK", b"-BUSYKEY x", b"+OK"], b"-ERR Target instance replied with error: BUSYKEY x\r\n", ONLY_A),
        ([b"-ERR DB", b"+OK", b"+OK"], b"-ERR Target instance replied with error: ERR DB\r\n", BOTH),
        ([b"+OK", b"+OK"], b"-IOERR error or timeout reading to target instance\r\n", ONLY_B),
        ([], b"-IOERR error or timeout reading to target instance\r\n", BOTH),
    ],
)
def test_what_has_not_arrived_stays(lines: list[bytes], error: bytes, expected: bytes) -> None:
    _, session, peer = filled(*lines)
    assert talk(session, b"MIGRATE", b"h", b"1", b"", b"0", b"9", b"KEYS", b"a", b"b") == error
    assert peer.is_closed
    assert left(session) == expected


@pytest.mark.parametrize(
    ("problem", "error"),
    [
        (ConnectionRefusedError(), b"-IOERR error or timeout writing to target instance\r\n"),
        (TimeoutError(), b"-IOERR error or timeout connecting to the client\r\n"),
    ],
)
def test_a_server_that_is_not_there(problem: OSError, error: bytes) -> None:
    engine, session, _ = filled()
    assert isinstance(engine.system, FakeSystem)
    engine.system.peer = problem
    assert talk(session, b"MIGRATE h 1 a 0 9") == error
    assert left(session) == BOTH


def test_a_server_that_does_not_take_anything() -> None:
    _, session, peer = filled()
    peer.problem = BrokenPipeError()
    assert talk(session, b"MIGRATE h 1 a 0 9") == b"-IOERR error or timeout writing to target instance\r\n"
    assert left(session) == BOTH


@pytest.mark.parametrize(
    ("words", "reply"),
    [
        (b"h 1 z 0 9", NOKEY),
        (b"h 1 a 0 x", NOT_AN_INTEGER),
        (b"h 1 a x 9", NOT_AN_INTEGER),
        (b"h 1 a 0 9 what", SYNTAX),
        (b"h 1 a 0 9 AUTH", SYNTAX),
        (b"h 1 a 0 9 AUTH2 u", SYNTAX),
        (
            b"h 1 a 0 9 KEYS b",
            b"-ERR When using MIGRATE KEYS option, the key argument must be set to the empty string\r\n",
        ),
    ],
)
def test_it_does_not_even_connect(words: bytes, reply: bytes) -> None:
    _, session, _ = filled()
    assert talk(session, b"MIGRATE " + words) == reply


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        ([b"a", b"0", b"9"], array(b"a")),
        ([b"", b"0", b"9", b"KEYS", b"b", b"c"], array(b"b", b"c")),
        ([b"", b"0", b"9", b"AUTH", b"KEYS", b"KEYS", b"c"], array(b"c")),
        ([b"a", b"0", b"9", b"KEYS", b"c"], b"-ERR Invalid arguments specified for command\r\n"),
    ],
)
def test_its_keys_are_found(words: list[bytes], keys: bytes) -> None:
    _, session, _ = filled()
    assert talk(session, b"COMMAND", b"GETKEYS", b"MIGRATE", b"h", b"1", *words) == keys


def test_what_is_written_down_is_that_keys_are_gone() -> None:
    engine, session, _ = filled(b"+OK", b"+OK")
    engine.effects.listen(on=True)
    talk(session, b"MIGRATE h 1 a 0 9")
    assert isinstance(engine.system, FakeSystem)
    assert engine.system.append_files.data == array(b"SELECT", b"0") + array(b"DEL", b"a")
