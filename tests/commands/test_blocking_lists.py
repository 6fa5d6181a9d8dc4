"""What list commands make of waiting; what the waiting room does by itself is shown in tests/engine/test_waiting.py."""

import pytest

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from tests.talk import NULL, NULL_ARRAY, WRONG_TYPE, array, pass_time, received, talk

NOT_A_FLOAT = b"-ERR timeout is not a float or out of range\r\n"
NEGATIVE = b"-ERR timeout is negative\r\n"
PARKED = b""

WAITS = [
    b"BLPOP k 9",
    b"BRPOP j k 9",
    b"BRPOPLPUSH k dst 9",
    b"BLMOVE k dst LEFT RIGHT 9",
    b"BLMPOP 9 2 j k LEFT COUNT 2",
]
"""One of each, all for the list at k, for nine seconds."""


@pytest.fixture
def clients(engine: Engine) -> list[Session]:
    return [Session(engine) for _ in range(3)]


def popped(key: bytes, *elements: bytes) -> bytes:
    """BLMPOP's reply."""
    return b"*2\r\n$%d\r\n%b\r\n" % (len(key), key) + array(*elements)


def transact(session: Session, *requests: bytes) -> bytes:
    """What EXEC answers to these."""
    talk(session, b"MULTI")
    for each in requests:
        talk(session, each)
    return talk(session, b"EXEC")


# Where there is something to take


@pytest.mark.parametrize(
    ("request_", "reply", "left"),
    [
        (b"BLPOP k 0", array(b"k", b"1"), b"2 3"),
        (b"BRPOP k 0", array(b"k", b"3"), b"1 2"),
        (b"BLPOP missing k other 0", array(b"k", b"1"), b"2 3"),
        (b"BRPOPLPUSH k k 0", b"$1\r\n3\r\n", b"3 1 2"),
        (b"BLMOVE k k left RIGHT 0", b"$1\r\n1\r\n", b"2 3 1"),
        (b"BLMPOP 0 2 missing k RIGHT COUNT 2", popped(b"k", b"3", b"2"), b"1"),
        (b"BLPOP k s 0", array(b"k", b"1"), b"2 3"),
    ],
)
def test_nobody_waits_for_what_is_there(session: Session, request_: bytes, reply: bytes, left: bytes) -> None:
    talk(session, b"SET s text")
    talk(session, b"RPUSH k 1 2 3")
    assert talk(session, request_) == reply
    assert talk(session, b"LRANGE k 0 -1") == array(*left.split())


@pytest.mark.parametrize(
    "request_",
    [
        b"BLPOP s 0",
        b"BRPOP missing s k 0",
        b"BRPOPLPUSH s k 0",
        b"BLMOVE s k LEFT LEFT 0",
        b"BRPOPLPUSH k s 0",
        b"BLMPOP 0 2 s k LEFT",
    ],
)
def test_a_string_is_no_list(session: Session, request_: bytes) -> None:
    talk(session, b"SET s text")
    talk(session, b"RPUSH k 1")
    assert talk(session, request_) == WRONG_TYPE
    assert talk(session, b"LLEN k") == b":1\r\n"


@pytest.mark.parametrize(
    ("timeout", "reply"),
    [
        (b"x", NOT_A_FLOAT),
        (b"", NOT_A_FLOAT),
        (b"nan", NOT_A_FLOAT),
        (b" 1", NOT_A_FLOAT),
        (b"1e5000", NOT_A_FLOAT),
        (b"-1", NEGATIVE),
        (b"-0.0011", NEGATIVE),
        (b"inf", NEGATIVE),
        (b"-inf", NEGATIVE),
        (b"1e400", NEGATIVE),
        (b"9223372036854775.808", NEGATIVE),
    ],
)
def test_a_timeout_is_judged_before_any_key(session: Session, timeout: bytes, reply: bytes) -> None:
    talk(session, b"SET s text")
    assert talk(session, b"BLPOP", b"s", timeout) == reply
    assert talk(session, b"BRPOP", b"k", b"s", timeout) == reply
    assert talk(session, b"BRPOPLPUSH", b"s", b"k", timeout) == reply
    assert talk(session, b"BLMOVE", b"s", b"k", b"LEFT", b"LEFT", timeout) == reply
    assert talk(session, b"BLMPOP", timeout, b"1", b"s", b"LEFT") == reply


def test_other_arguments_are_judged_before_the_timeout(session: Session) -> None:
    assert talk(session, b"BLMPOP x 0 k LEFT") == b"-ERR numkeys should be greater than 0\r\n"
    assert talk(session, b"BLMPOP x 1 k UP") == b"-ERR syntax error\r\n"
    assert talk(session, b"BLMOVE k j LEFT UP x") == b"-ERR syntax error\r\n"


# Time


@pytest.mark.parametrize("request_", WAITS)
def test_a_wait_ends_when_its_time_is_over(session: Session, engine: Engine, request_: bytes) -> None:
    assert talk(session, request_) == PARKED
    pass_time(engine, 8.999)
    assert received(session) == b""
    pass_time(engine, 0.001)
    assert received(session) == NULL_ARRAY
    assert talk(session, b"RPUSH k 1") == b":1\r\n"
    assert talk(session, b"LLEN k") == b":1\r\n"


def test_the_null_of_a_timeout_in_resp3(session: Session, engine: Engine) -> None:
    session.protocol = 3
    talk(session, b"BLMOVE k dst LEFT LEFT 9")
    pass_time(engine, 9)
    assert received(session) == b"_\r\n"


@pytest.mark.parametrize("timeout", [b"0.0001", b"1e-10", b".0005", b"0x1p-11"])
def test_a_short_timeout_is_rounded_up(session: Session, engine: Engine, timeout: bytes) -> None:
    assert talk(session, b"BLPOP k " + timeout) == PARKED
    pass_time(engine, 0.0009)
    assert received(session) == b""
    pass_time(engine, 0.0001)
    assert received(session) == NULL_ARRAY


@pytest.mark.parametrize("timeout", [b"0", b"0.0", b"-0", b"-0.0009", b"-0.001", b"9223372036854775.807"])
def test_some_wait_for_ever(session: Session, engine: Engine, timeout: bytes) -> None:
    assert talk(session, b"BLPOP k " + timeout) == PARKED
    pass_time(engine, 1e9)
    assert received(session) == b""


def test_a_client_served_in_time_has_no_timeout(clients: list[Session], engine: Engine) -> None:
    waiter, pusher, _ = clients
    talk(waiter, b"BLPOP k 9")
    pass_time(engine, 5)
    talk(pusher, b"RPUSH k 1")
    assert received(waiter) == array(b"k", b"1")
    assert talk(waiter, b"BLPOP k 9") == PARKED
    pass_time(engine, 5)  # the first deadline is over, the second is not
    assert received(waiter) == b""
    pass_time(engine, 4)
    assert received(waiter) == NULL_ARRAY


# Who is served, and with what


@pytest.mark.parametrize(
    ("request_", "reply", "left"),
    [
        (WAITS[0], array(b"k", b"1"), b"2 3"),
        (WAITS[1], array(b"k", b"3"), b"1 2"),
        (WAITS[2], b"$1\r\n3\r\n", b"1 2"),
        (WAITS[3], b"$1\r\n1\r\n", b"2 3"),
        (WAITS[4], popped(b"k", b"1", b"2"), b"3"),
    ],
)
def test_a_push_as_a_whole_serves(clients: list[Session], request_: bytes, reply: bytes, left: bytes) -> None:
    waiter, pusher, _ = clients
    assert talk(waiter, request_) == PARKED
    assert talk(pusher, b"RPUSH k 1 2 3") == b":3\r\n"  # the length before anybody takes
    assert received(waiter) == reply
    assert talk(pusher, b"LRANGE k 0 -1") == array(*left.split())


def test_lpush_serves_its_last_element_first(clients: list[Session]) -> None:
    first, second, pusher = clients
    talk(first, b"BLPOP k 0")
    talk(second, b"BRPOP k 0")
    assert talk(pusher, b"LPUSH k a b c") == b":3\r\n"
    assert received(first) == array(b"k", b"c")
    assert received(second) == array(b"k", b"a")


def test_clients_are_served_in_the_order_of_arrival(clients: list[Session]) -> None:
    first, second, pusher = clients
    talk(first, b"BLPOP j k 0")
    talk(second, b"BLPOP k 0")
    talk(pusher, b"RPUSH k 1")
    assert (received(first), received(second)) == (array(b"k", b"1"), b"")
    talk(first, b"BLPOP k 0")  # must queue up again
    talk(pusher, b"RPUSH k 2")
    assert (received(first), received(second)) == (b"", array(b"k", b"2"))
    talk(pusher, b"RPUSH k 3 4")
    assert received(first) == array(b"k", b"3")
    assert talk(pusher, b"LRANGE k 0 -1") == array(b"4")


def test_the_key_that_was_filled_first_decides(clients: list[Session]) -> None:
    waiter, pusher, _ = clients
    talk(waiter, b"BLPOP a b c 0")
    transact(pusher, b"RPUSH c 3", b"RPUSH b 2", b"RPUSH a 1")
    assert received(waiter) == array(b"c", b"3")
    assert talk(pusher, b"EXISTS a b c") == b":2\r\n"


def test_the_same_key_twice(clients: list[Session]) -> None:
    waiter, pusher, _ = clients
    talk(waiter, b"BLPOP k k 0")
    talk(pusher, b"RPUSH k 1 2")
    assert received(waiter) == array(b"k", b"1")
    assert talk(pusher, b"LRANGE k 0 -1") == array(b"2")


def test_a_move_serves_who_waits_for_its_destination(clients: list[Session], engine: Engine) -> None:
    last, mover, pusher = clients
    talk(last, b"BLPOP c 0")
    talk(mover, b"BLMOVE b c LEFT LEFT 0")
    other = Session(engine)
    talk(other, b"BRPOPLPUSH a b 0")
    talk(pusher, b"RPUSH a x")
    assert received(last) == array(b"c", b"x")
    assert received(mover) == received(other) == b"$1\r\nx\r\n"
    assert talk(pusher, b"EXISTS a b c") == b":0\r\n"


def test_moves_in_a_circle_end(clients: list[Session]) -> None:
    there, back, pusher = clients
    talk(there, b"BLMOVE a b LEFT LEFT 0")
    talk(back, b"BLMOVE b a LEFT LEFT 0")
    talk(pusher, b"RPUSH a x")
    assert received(there) == received(back) == b"$1\r\nx\r\n"
    assert talk(pusher, b"LRANGE a 0 -1") == array(b"x")


def test_a_parked_move_to_a_string_fails_and_the_next_is_served(clients: list[Session]) -> None:
    mover, waiter, pusher = clients
    talk(pusher, b"SET s text")
    assert talk(mover, b"BRPOPLPUSH k s 0") == PARKED
    talk(waiter, b"BLPOP k 0")
    assert talk(pusher, b"RPUSH k 1") == b":1\r\n"
    assert received(mover) == WRONG_TYPE
    assert received(waiter) == array(b"k", b"1")


def test_a_destination_that_expires_meanwhile_is_none(clients: list[Session], engine: Engine) -> None:
    mover, pusher, _ = clients
    engine.active_expiry = False
    talk(pusher, b"SET s text EX 5")
    talk(mover, b"BRPOPLPUSH k s 0")
    pass_time(engine, 5)
    talk(pusher, b"RPUSH k 1")
    assert received(mover) == b"$1\r\n1\r\n"
    assert talk(pusher, b"LRANGE s 0 -1") == array(b"1")


# How keys come to be, and what does not matter


@pytest.mark.parametrize(
    "requests",
    [
        [b"RENAME src k"],
        [b"RENAMENX src k"],
        [b"COPY src k"],
        [b"SET k text", b"RENAME src k"],
        [b"SET k text", b"COPY src k REPLACE"],
        [b"RPOPLPUSH src k"],
        [b"LMOVE src k RIGHT LEFT"],
        [b"MOVE src 1", b"SELECT 1", b"RENAME src k", b"MOVE k 0"],
        [b"SELECT 1", b"RPUSH k 1", b"SWAPDB 0 1"],
        [b"SELECT 2", b"RPUSH k 1", b"COPY k k DB 0"],
        [b"SET k text", b"DEL k", b"RPUSH k 1"],
    ],
)
def test_a_list_may_appear_in_any_way(clients: list[Session], requests: list[bytes]) -> None:
    waiter, doer, _ = clients
    talk(doer, b"RPUSH src 1")
    talk(waiter, b"BLPOP k 0")
    for each in requests[:-1]:
        talk(doer, each)
    assert received(waiter) == b""
    assert not talk(doer, requests[-1]).startswith(b"-")
    assert received(waiter) == array(b"k", b"1")


@pytest.mark.parametrize(
    "request_",
    [
        b"SET k text",
        b"SET k text EX 1",
        b"APPEND k text",
        b"DEL k",
        b"EXPIRE k 1",
        b"FLUSHDB",
        b"FLUSHALL",
        b"LPUSHX k 1",
        b"RPUSHX k 1",
        b"LINSERT k BEFORE a b",
        b"RPUSH other 1",
        b"SWAPDB 0 1",
    ],
)
def test_what_makes_no_list_wakes_nobody(clients: list[Session], engine: Engine, request_: bytes) -> None:
    waiter, doer, _ = clients
    talk(waiter, b"BLPOP k 0")
    talk(doer, request_)
    pass_time(engine, 1)
    assert received(waiter) == b""
    talk(doer, b"DEL k")
    talk(doer, b"RPUSH k 1")
    assert received(waiter) == array(b"k", b"1")


def test_a_list_whose_time_is_over_is_none(clients: list[Session], engine: Engine) -> None:
    waiter, pusher, _ = clients
    engine.active_expiry = False
    talk(pusher, b"RPUSH k old")
    talk(pusher, b"EXPIRE k 5")
    pass_time(engine, 5)
    assert talk(waiter, b"BLPOP k 0") == PARKED
    talk(pusher, b"RPUSH k new")
    assert received(waiter) == array(b"k", b"new")


def test_a_client_waits_in_its_own_database(clients: list[Session]) -> None:
    one, zero, pusher = clients
    talk(one, b"SELECT 1")
    talk(one, b"BLPOP k 0")
    talk(zero, b"BLPOP k 0")
    talk(pusher, b"SELECT 1")
    talk(pusher, b"RPUSH k x")
    assert (received(one), received(zero)) == (array(b"k", b"x"), b"")
    talk(pusher, b"RPUSH k y")
    talk(pusher, b"SWAPDB 0 1")
    assert received(zero) == array(b"k", b"y")


# Transactions


def test_nothing_waits_in_a_transaction(session: Session) -> None:
    replies = transact(session, *WAITS)
    assert replies == b"*5\r\n" + NULL_ARRAY + NULL_ARRAY + NULL + NULL + NULL_ARRAY
    assert transact(session, b"RPUSH k 1", b"BLPOP k 0", b"BLPOP k 0") == (
        b"*3\r\n:1\r\n" + array(b"k", b"1") + NULL_ARRAY
    )


def test_what_a_transaction_takes_itself_serves_nobody_else(clients: list[Session]) -> None:
    waiter, pusher, _ = clients
    talk(waiter, b"BLPOP k 0")
    transact(pusher, b"RPUSH k 1", b"BLPOP k 0")
    assert received(waiter) == b""


def test_being_served_changes_watched_keys(clients: list[Session]) -> None:
    mover, watcher, pusher = clients
    talk(mover, b"BRPOPLPUSH k dst 0")
    talk(watcher, b"WATCH dst")
    talk(pusher, b"RPUSH k 1")
    assert transact(watcher, b"PING") == NULL_ARRAY
