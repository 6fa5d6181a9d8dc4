"""DUMP and RESTORE. Errors and their order are those of redis-server 7.0.15."""

import pytest

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from respstore.persistence.rdb.checksum import checksum
from tests.talk import NOT_AN_INTEGER, NULL, OK, SYNTAX, WRONG_TYPE, bulk, talk

HELLO = b"\x00\x05hello\n\x00cr\xdfve4 \n"
BAD_TTL = b"-ERR Invalid TTL value, must be >= 0\r\n"


def sealed(data: bytes) -> bytes:
    payload = data + b"\x0a\x00"
    return payload + checksum(payload)


def test_restore_takes_over_the_use(session: Session) -> None:
    talk(session, b"CONFIG SET maxmemory-policy allkeys-lru")
    assert talk(session, b"RESTORE", b"a", b"0", HELLO, b"IDLETIME", b"1000") == OK
    assert talk(session, b"RESTORE", b"b", b"0", HELLO, b"FREQ", b"100") == OK
    assert talk(session, b"OBJECT IDLETIME a") == b":1000\r\n"
    assert talk(session, b"OBJECT IDLETIME b") == b":0\r\n"
    talk(session, b"CONFIG SET maxmemory-policy allkeys-lfu")
    assert talk(session, b"RESTORE", b"c", b"0", HELLO, b"FREQ", b"0") == OK
    assert talk(session, b"RESTORE", b"d", b"0", HELLO, b"IDLETIME", b"1000") == OK
    assert talk(session, b"OBJECT FREQ c") == b":0\r\n"
    assert talk(session, b"OBJECT FREQ d") == b":5\r\n"


def test_dump(session: Session) -> None:
    assert talk(session, b"DUMP a") == NULL
    talk(session, b"SET a hello")
    assert talk(session, b"DUMP a") == bulk(HELLO)


@pytest.mark.parametrize(
    "request_", [b"SET k 12", b"RPUSH k a b", b"SADD k 1 2", b"HSET k f v", b"ZADD k 1 a 2 b", b"XADD k 1-1 f v"]
)
def test_what_is_dumped_is_restored(session: Session, request_: bytes) -> None:
    talk(session, request_)
    payload = talk(session, b"DUMP k").split(b"\r\n", 1)[1][:-2]
    assert talk(session, b"RESTORE", b"copy", b"0", payload) == OK
    assert talk(session, b"TYPE copy") == talk(session, b"TYPE k")
    assert talk(session, b"DUMP copy") == bulk(payload)
    assert talk(session, b"RESTORE-ASKING", b"another", b"0", payload) == OK


def test_restore_with_a_time_to_live(session: Session, engine: Engine) -> None:
    now = engine.keyspace.now
    assert talk(session, b"RESTORE", b"a", b"5000", HELLO) == OK
    assert talk(session, b"PTTL a") == b":5000\r\n"
    assert talk(session, b"RESTORE", b"b", b"%d" % (now + 7), HELLO, b"ABSTTL") == OK
    assert talk(session, b"PEXPIRETIME b") == b":%d\r\n" % (now + 7)


def test_restore_what_is_over_deletes(session: Session, engine: Engine) -> None:
    talk(session, b"SET a x")
    assert talk(session, b"RESTORE", b"a", b"5", HELLO, b"ABSTTL", b"REPLACE") == OK
    assert talk(session, b"RESTORE", b"b", b"%d" % (2**63 - 1), HELLO) == OK  # overflows in Redis
    assert talk(session, b"EXISTS a b") == b":0\r\n"


def test_restore_replaces_if_told_to(session: Session) -> None:
    talk(session, b"RPUSH a x")
    assert talk(session, b"RESTORE", b"a", b"0", HELLO) == b"-BUSYKEY Target key name already exists.\r\n"
    assert talk(session, b"LPUSH a y") == b":2\r\n"
    assert talk(session, b"RESTORE", b"a", b"0", HELLO, b"replace", b"IDLETIME", b"5") == OK
    assert talk(session, b"LPUSH a y") == WRONG_TYPE
    assert talk(session, b"GET a") == bulk(b"hello")


@pytest.mark.parametrize(
    ("ttl", "payload", "options", "reply"),
    [
        (b"-1", b"junk", (), BAD_TTL),
        (b"x", b"junk", (), NOT_AN_INTEGER),
        (b"0", b"junk", (), b"-ERR DUMP payload version or checksum are wrong\r\n"),
        (b"0", HELLO[:-1] + b"x", (), b"-ERR DUMP payload version or checksum are wrong\r\n"),
        (b"0", sealed(b"\x00\x09hello"), (), b"-ERR Bad data format\r\n"),
        (b"0", sealed(b"\x04\x00"), (), b"-ERR Bad data format\r\n"),
        (b"0", HELLO, (b"junk",), SYNTAX),
        (b"0", HELLO, (b"IDLETIME",), SYNTAX),
        (b"0", HELLO, (b"IDLETIME", b"x"), NOT_AN_INTEGER),
        (b"0", HELLO, (b"IDLETIME", b"-1"), b"-ERR Invalid IDLETIME value, must be >= 0\r\n"),
        (b"0", HELLO, (b"FREQ", b"256"), b"-ERR Invalid FREQ value, must be >= 0 and <= 255\r\n"),
        (b"0", HELLO, (b"FREQ", b"1", b"IDLETIME", b"1"), SYNTAX),
    ],
)
def test_errors(session: Session, ttl: bytes, payload: bytes, options: tuple[bytes, ...], reply: bytes) -> None:
    assert talk(session, b"RESTORE", b"a", ttl, payload, *options) == reply
    assert talk(session, b"EXISTS a") == b":0\r\n"


def test_a_client_that_waits_for_the_key_is_served(session: Session, engine: Engine) -> None:
    waiting = Session(engine)
    assert talk(waiting, b"BLPOP l 0") == b""
    assert talk(session, b"RESTORE", b"l", b"0", sealed(b"\x01\x01\x01x")) == OK
    assert waiting.data_to_send() == b"*2\r\n$1\r\nl\r\n$1\r\nx\r\n"
