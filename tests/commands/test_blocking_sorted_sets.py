"""Sorted set commands that wait; every text as redis-server 7.0.15 sends it."""

import pytest

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from tests.talk import NULL_ARRAY, SYNTAX, WRONG_TYPE, array, bulk, pass_time, received, talk


@pytest.fixture
def other(engine: Engine) -> Session:
    return Session(engine)


def test_what_is_there_is_taken_at_once(session: Session) -> None:
    talk(session, b"ZADD z 1 a 2 b 3 c 4 d")
    assert talk(session, b"BZPOPMIN missing z 0") == array(b"z", b"a", b"1")
    assert talk(session, b"BZPOPMAX missing z 0") == array(b"z", b"d", b"4")
    pairs = array(b"c", b"3") + array(b"b", b"2")
    assert talk(session, b"BZMPOP 0 2 missing z MAX COUNT 5") == b"*2\r\n" + bulk(b"z") + b"*2\r\n" + pairs
    assert talk(session, b"EXISTS z") == b":0\r\n"


def test_scores_are_doubles_in_resp3(session: Session) -> None:
    session.protocol = 3
    talk(session, b"ZADD z 1.5 a 2 b")
    assert talk(session, b"BZPOPMIN z 0") == b"*3\r\n$1\r\nz\r\n$1\r\na\r\n,1.5\r\n"
    assert talk(session, b"BZMPOP 0 1 z MIN") == b"*2\r\n$1\r\nz\r\n*1\r\n*2\r\n$1\r\nb\r\n,2\r\n"


@pytest.mark.parametrize(
    ("request_", "reply"),
    [
        (b"BZPOPMIN y z 0", array(b"z", b"a", b"1")),
        (b"BZPOPMAX z y 0", array(b"z", b"b", b"2")),
        (b"BZMPOP 0 2 y z MIN", b"*2\r\n" + bulk(b"z") + b"*1\r\n" + array(b"a", b"1")),
    ],
)
def test_who_waits_is_served(session: Session, other: Session, request_: bytes, reply: bytes) -> None:
    assert talk(session, request_) == b""
    assert talk(other, b"ZADD z 1 a 2 b") == b":2\r\n"
    assert received(session) == reply
    assert talk(other, b"ZCARD z") == b":1\r\n"


@pytest.mark.parametrize(
    "requests",
    [
        [b"ZINCRBY z 1 a"],
        [b"ZADD y 1 a", b"RENAME y z"],
        [b"ZADD y 1 a", b"COPY y z"],
        [b"ZADD y 1 a", b"ZUNIONSTORE z 1 y"],
        [b"ZADD y 1 a", b"ZRANGESTORE z y 0 -1"],
        [b"SET z x", b"DEL z", b"ZADD z 1 a"],
    ],
)
def test_a_sorted_set_may_come_in_any_way(session: Session, other: Session, requests: list[bytes]) -> None:
    assert talk(session, b"BZPOPMIN z 0") == b""
    for request_ in requests:
        assert received(session) == b""
        talk(other, request_)
    assert received(session) == array(b"z", b"a", b"1")


def test_another_type_is_as_good_as_nothing_to_who_waits(session: Session, other: Session) -> None:
    assert talk(session, b"BZPOPMIN z 0") == b""
    talk(other, b"RPUSH z a")
    assert received(session) == b""
    assert talk(other, b"TYPE z") == b"+list\r\n"


def test_time_passes(engine: Engine, session: Session) -> None:
    assert talk(session, b"BZPOPMAX z 1.5") == b""
    pass_time(engine, 1.6)
    assert received(session) == NULL_ARRAY


def test_nothing_waits_in_a_transaction(session: Session) -> None:
    talk(session, b"MULTI")
    talk(session, b"BZPOPMIN z 0")
    talk(session, b"BZMPOP 0 1 z MIN")
    assert talk(session, b"EXEC") == b"*2\r\n" + NULL_ARRAY * 2


@pytest.mark.parametrize(
    ("request_", "reply"),
    [
        (b"BZPOPMIN s 0", WRONG_TYPE),
        (b"BZPOPMAX missing s 0", WRONG_TYPE),
        (b"BZMPOP 0 1 s MIN", WRONG_TYPE),
        (b"BZPOPMIN s x", b"-ERR timeout is not a float or out of range\r\n"),
        (b"BZPOPMIN s -1", b"-ERR timeout is negative\r\n"),
        (b"BZMPOP x 0 z MIN", b"-ERR numkeys should be greater than 0\r\n"),
        (b"BZMPOP x 1 z LEFT", SYNTAX),
        (b"BZMPOP x 1 z MIN COUNT 0", b"-ERR count should be greater than 0\r\n"),
        (b"BZMPOP x 1 z MIN", b"-ERR timeout is not a float or out of range\r\n"),
    ],
)
def test_refusals(session: Session, request_: bytes, reply: bytes) -> None:
    talk(session, b"SET s text")
    assert talk(session, request_) == reply
