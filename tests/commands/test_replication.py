"""A primary without replicas; every text as redis-server 7.0.15 sends it, but for what cannot be had yet."""

import pytest

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from tests.talk import NOT_AN_INTEGER, OK, PONG, SYNTAX, bulk, pass_time, received, talk

NO_REPLICAS = b"-ERR FAILOVER requires connected replicas.\r\n"


# WAIT


@pytest.mark.parametrize(
    ("words", "reply"),
    [
        (b"WAIT 0 0", b":0\r\n"),
        (b"WAIT -5 100", b":0\r\n"),
        (b"WAIT x 0", NOT_AN_INTEGER),
        (b"WAIT 0 x", b"-ERR timeout is not an integer or out of range\r\n"),
        (b"WAIT 0 -1", b"-ERR timeout is negative\r\n"),
    ],
)
def test_wait_answers_at_once(session: Session, words: bytes, reply: bytes) -> None:
    assert talk(session, words) == reply


def test_wait_waits_for_replicas_that_never_come(session: Session, engine: Engine) -> None:
    assert talk(session, b"WAIT 1 1500") == b""
    pass_time(engine, 1)
    assert received(session) == b""
    pass_time(engine, 1)
    assert received(session) == b":0\r\n"
    assert talk(session, b"PING") == PONG


def test_wait_without_a_limit_is_ended_by_others(session: Session, engine: Engine) -> None:
    other = Session(engine)
    for reason, reply in ((b"TIMEOUT", b":0\r\n"), (b"ERROR", b"-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n")):
        talk(session, b"WAIT 2 0")
        pass_time(engine, 1e6)
        assert talk(other, b"CLIENT UNBLOCK %d %b" % (session.id, reason)) == b":1\r\n"
        assert received(session) == reply


def test_wait_in_a_transaction_does_not_wait(session: Session) -> None:
    talk(session, b"MULTI")
    talk(session, b"WAIT 1 0")
    assert talk(session, b"EXEC") == b"*1\r\n:0\r\n"


# ROLE, FAILOVER, REPLICAOF


def test_role(session: Session) -> None:
    assert talk(session, b"ROLE") == b"*3\r\n" + bulk(b"master") + b":0\r\n*0\r\n"
    told = talk(session, b"INFO replication")
    for field in (b"role:master", b"connected_slaves:0", b"second_repl_offset:-1"):
        assert field + b"\r\n" in told


@pytest.mark.parametrize(
    ("options", "reply"),
    [
        (b"", NO_REPLICAS),
        (b"TO host 6379 FORCE TIMEOUT 10", NO_REPLICAS),
        (b"timeout 10 to host 1", NO_REPLICAS),
        (b"ABORT", b"-ERR No failover in progress.\r\n"),
        (b"TIMEOUT 0", b"-ERR FAILOVER timeout must be greater than 0\r\n"),
        (b"TIMEOUT x", NOT_AN_INTEGER),
        (b"TO host x", NOT_AN_INTEGER),
        (b"TO host", SYNTAX),
        (b"TIMEOUT", SYNTAX),
        (b"ABORT FORCE", SYNTAX),
        (b"FORCE FORCE", SYNTAX),
        (b"TIMEOUT 1 TIMEOUT x", SYNTAX),
        (b"junk", SYNTAX),
    ],
)
def test_failover(session: Session, options: bytes, reply: bytes) -> None:
    assert talk(session, b"FAILOVER " + options) == reply


@pytest.mark.parametrize("name", [b"REPLICAOF", b"SLAVEOF"])
def test_replicaof(session: Session, name: bytes) -> None:
    assert talk(session, name + b" no ONE") == OK
    for port in (b"x", b"-1", b"65536"):
        assert talk(session, name + b" host " + port) == b"-ERR Invalid master port\r\n"
    assert talk(session, name + b" host 6379").startswith(b"-ERR this server cannot be a replica yet")
