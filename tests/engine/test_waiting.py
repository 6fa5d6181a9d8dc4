"""The waiting room by itself: sessions are parked by hand, on keys that are changed by hand."""

from collections import deque
from collections.abc import Callable
from typing import Any

import pytest

from respstore import errors
from respstore.engine.engine import Engine
from respstore.engine.session import Session
from respstore.engine.waiting import LEAVE, PENDING, Park, WaitingRoom
from respstore.errors import RespError
from tests.talk import array, bulk, received, talk

Retry = Callable[[bytes], Any]


@pytest.fixture
def room(engine: Engine) -> WaitingRoom:
    return engine.waiting


@pytest.fixture
def clients(engine: Engine) -> list[Session]:
    return [Session(engine) for _ in range(5)]


def taker(session: Session) -> Retry:
    """A retry that takes the first element of a list."""

    def take(key: bytes) -> Any:
        value = session.db.get(key)
        if type(value) is not deque:
            return PENDING
        element = value.popleft()
        if not value:
            session.db.delete(key)
        return element

    return take


def park(session: Session, keys: list[bytes], retry: Retry | None = None, timeout: float | None = None) -> None:
    engine = session.engine
    engine.waiting.park(session, Park(keys, retry or taker(session), timeout), engine.system.monotonic())


def fill(session: Session, key: bytes, *elements: bytes) -> None:
    session.db.put(key, deque(elements), "rpush")


def is_empty(room: WaitingRoom, engine: Engine) -> bool:
    """Whether nobody waits, and nothing that somebody waited for is kept."""
    observed = any(db.observed for db in engine.keyspace.databases)
    return not (room or observed or room.ready or room.next_deadline() is not None)


# Serving


def test_arrival_decides(clients: list[Session], room: WaitingRoom, engine: Engine) -> None:
    for client in clients:
        park(client, [b"k"])
    fill(clients[0], b"k", b"a", b"b", b"c")
    room.serve()
    assert [received(client) for client in clients] == [bulk(b"a"), bulk(b"b"), bulk(b"c"), b"", b""]
    fill(clients[0], b"k", b"d", b"e")
    room.serve()
    assert [received(client) for client in clients] == [b"", b"", b"", bulk(b"d"), bulk(b"e")]
    assert is_empty(room, engine)


def test_who_must_go_on_waiting_keeps_the_place(clients: list[Session], room: WaitingRoom) -> None:
    tried: list[int] = []

    def choosy(number: int, satisfied_by: bytes) -> Retry:
        def retry(key: bytes) -> Any:
            tried.append(number)
            value = clients[0].db.get(key)
            return b"%d" % number if type(value) is deque and satisfied_by in value else PENDING

        return retry

    for number, client in enumerate(clients):
        park(client, [b"k"], choosy(number, b"odd" if number % 2 else b"even"))
    fill(clients[0], b"k", b"odd")
    room.serve()
    assert tried == [0, 1, 2, 3, 4]
    assert [received(client) for client in clients] == [b"", bulk(b"1"), b"", bulk(b"3"), b""]

    tried.clear()
    fill(clients[0], b"k", b"even")
    room.serve()
    assert tried == [0, 2, 4]


def test_the_place_is_kept_even_if_the_key_goes_while_others_are_tried(
    clients: list[Session], room: WaitingRoom
) -> None:
    park(clients[0], [b"k"], lambda key: PENDING)
    for client in clients[1:4]:
        park(client, [b"k"])
    park(clients[4], [b"k"], lambda key: b"last")
    fill(clients[0], b"k", b"a")
    room.serve()
    assert [received(client) for client in clients] == [b"", bulk(b"a"), b"", b"", b""]
    fill(clients[0], b"k", b"b", b"c", b"d")
    room.serve()
    assert [received(client) for client in clients] == [b"", b"", bulk(b"b"), bulk(b"c"), bulk(b"last")]


def test_only_those_are_tried_for_whom_there_is_something(engine: Engine, room: WaitingRoom) -> None:
    tries = 0

    def counting(session: Session) -> Retry:
        take = taker(session)

        def retry(key: bytes) -> Any:
            nonlocal tries
            tries += 1
            return take(key)

        return retry

    crowd = [Session(engine) for _ in range(100)]
    for client in crowd:
        park(client, [b"k"], counting(client))
    for client in crowd:
        fill(client, b"k", b"x")
        room.serve()
        assert received(client) == bulk(b"x")
    assert tries == 100


def test_keys_are_served_in_the_order_in_which_they_changed(clients: list[Session], room: WaitingRoom) -> None:
    park(clients[0], [b"a", b"b"])
    park(clients[1], [b"a", b"b"])
    fill(clients[0], b"b", b"from b")
    fill(clients[0], b"a", b"from a")
    room.serve()
    assert [received(client) for client in clients[:2]] == [bulk(b"from b"), bulk(b"from a")]


def test_who_is_served_leaves_all_queues(clients: list[Session], room: WaitingRoom, engine: Engine) -> None:
    park(clients[0], [b"a", b"b", b"a", b"c"])
    assert clients[0].db.observed.keys() == {b"a", b"b", b"c"}
    fill(clients[0], b"b", b"x")
    room.serve()
    assert is_empty(room, engine)
    fill(clients[0], b"a", b"x")
    assert not room.ready


def test_what_a_retry_changes_is_served_too(clients: list[Session], room: WaitingRoom, engine: Engine) -> None:
    def passing_on(session: Session, target: bytes) -> Retry:
        take = taker(session)

        def retry(key: bytes) -> Any:
            element = take(key)
            fill(session, target, element)
            return element

        return retry

    park(clients[0], [b"c"])
    park(clients[1], [b"b"], passing_on(clients[1], b"c"))
    park(clients[2], [b"a"], passing_on(clients[2], b"b"))
    fill(clients[0], b"a", b"x")
    room.serve()
    assert [received(client) for client in clients[:3]] == [bulk(b"x")] * 3
    assert is_empty(room, engine)


def test_a_retry_may_leave_a_key_and_wait_on_for_the_others(
    clients: list[Session], room: WaitingRoom, engine: Engine
) -> None:
    tried: list[bytes] = []

    def retry(key: bytes) -> Any:
        tried.append(key)
        return key if len(tried) == 2 else LEAVE

    park(clients[0], [b"a", b"b"], retry)
    park(clients[1], [b"a"])
    for key in (b"a", b"a", b"b"):
        fill(clients[0], key, b"x")
        room.serve()
    assert tried == [b"a", b"b"]
    assert [received(client) for client in clients[:2]] == [bulk(b"b"), bulk(b"x")]
    assert is_empty(room, engine)


def test_a_retry_may_wait_on_for_other_keys_until_the_same_deadline(
    clients: list[Session], room: WaitingRoom, engine: Engine
) -> None:
    now = engine.system.monotonic()
    for client in clients[:2]:
        park(client, [b"a", b"b"], lambda key: Park([b"c"], lambda key: key, None, on_timeout=b"late"), timeout=5.0)
    fill(clients[0], b"a", b"x")
    room.serve()
    assert clients[0].db.observed.keys() == {b"c"}
    assert room.next_deadline() == now + 5.0
    room.withdraw(clients[1])
    fill(clients[0], b"b", b"x")
    fill(clients[0], b"c", b"x")
    room.serve()
    assert received(clients[0]) == bulk(b"c")
    assert is_empty(room, engine)


def test_an_error_is_a_reply(clients: list[Session], room: WaitingRoom) -> None:
    def fail(key: bytes) -> Any:
        raise RespError(errors.WRONG_TYPE)

    park(clients[0], [b"k"], fail)
    park(clients[1], [b"k"])
    fill(clients[0], b"k", b"x")
    room.serve()
    assert received(clients[0]).startswith(b"-WRONGTYPE ")
    assert received(clients[1]) == bulk(b"x")


def test_a_bug_in_one_retry_is_no_harm_to_others(
    clients: list[Session], room: WaitingRoom, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(key: bytes) -> Any:
        raise ZeroDivisionError

    park(clients[0], [b"k"], fail)
    park(clients[1], [b"k"])
    fill(clients[0], b"k", b"x")
    room.serve()
    assert received(clients[0]) == b"-ERR internal error; the server's log has the details\r\n"
    assert received(clients[1]) == bulk(b"x")
    assert "bug" in caplog.text


def test_the_same_key_of_another_database_is_another(clients: list[Session], room: WaitingRoom) -> None:
    talk(clients[1], b"SELECT 1")
    park(clients[0], [b"k"])
    park(clients[1], [b"k"])
    fill(clients[1], b"k", b"x")
    room.serve()
    assert [received(client) for client in clients[:2]] == [b"", bulk(b"x")]


# Time


def test_waits_end_in_the_order_of_their_deadlines(clients: list[Session], room: WaitingRoom) -> None:
    for client, timeout in zip(clients, (3.0, 1.0, None, 2.0, 2.0), strict=True):
        park(client, [b"k"], timeout=timeout)
    now = clients[0].engine.system.monotonic()
    assert room.next_deadline() == now + 1.0
    room.expire(now + 0.999)
    assert len(room) == 5
    room.expire(now + 2.0)
    assert [received(client) for client in clients] == [b"", b"*-1\r\n", b"", b"*-1\r\n", b"*-1\r\n"]
    assert room.next_deadline() == now + 3.0
    room.expire(now + 1e9)
    assert received(clients[0]) == b"*-1\r\n"
    assert room.next_deadline() is None
    assert len(room) == 1


def test_an_earlier_wait_has_no_deadline_any_more(clients: list[Session], room: WaitingRoom) -> None:
    now = clients[0].engine.system.monotonic()
    park(clients[0], [b"k"], timeout=1.0)
    fill(clients[0], b"k", b"x")
    room.serve()
    park(clients[0], [b"k"], timeout=5.0)
    assert room.next_deadline() == now + 5.0
    room.expire(now + 1.0)
    assert received(clients[0]) == bulk(b"x")
    assert len(room) == 1


def test_deadlines_of_waits_that_ended_early_do_not_pile_up(clients: list[Session], room: WaitingRoom) -> None:
    park(clients[1], [b"other"], timeout=50.0)
    for _ in range(5000):
        park(clients[0], [b"k"], timeout=100.0)
        room.withdraw(clients[0])
    assert len(room._deadlines) < 1100
    assert room.next_deadline() == clients[0].engine.system.monotonic() + 50.0


def test_whoever_keeps_the_time_hears_of_a_sooner_deadline_only(clients: list[Session], room: WaitingRoom) -> None:
    heard: list[float] = []
    room.rearm = heard.append
    now = clients[0].engine.system.monotonic()
    for client, timeout in zip(clients, (5.0, 9.0, None, 2.0, 2.0), strict=True):
        park(client, [b"k"], timeout=timeout)
    assert heard == [now + 5.0, now + 2.0]


def test_who_waits_for_what_and_since_when(clients: list[Session], room: WaitingRoom) -> None:
    now = clients[0].engine.system.monotonic()
    park(clients[1], [b"a", b"b", b"a"], lambda key: LEAVE)
    park(clients[0], [b"c"])
    fill(clients[0], b"a", b"x")
    room.serve()
    waits = list(room.waits())
    assert [session for session, _ in waits] == [clients[1], clients[0]]
    assert [room.keys_of(*each) for each in waits] == [[b"b"], [b"c"]]
    assert [(wait.db, wait.since) for _, wait in waits] == [(clients[0].db, now)] * 2


# Keys that are gone


def test_some_do_not_wait_for_a_key_that_is_gone(clients: list[Session], room: WaitingRoom, engine: Engine) -> None:
    park(clients[0], [b"k"], lambda key: PENDING)
    room.park(clients[1], Park([b"k", b"j"], lambda key: PENDING, None, on_gone=7), 0)
    fill(clients[2], b"k", b"x")
    room.serve()
    assert received(clients[1]) == b""
    clients[2].db.delete(b"k")
    room.serve()
    assert (received(clients[0]), received(clients[1])) == (b"", b":7\r\n")
    room.withdraw(clients[0])
    assert is_empty(room, engine)


def test_who_waits_is_told_to_look_again_though_nothing_changed(clients: list[Session], room: WaitingRoom) -> None:
    fill(clients[1], b"k", b"x")
    park(clients[0], [b"k"], lambda key: 7)
    room.notice(clients[1].db, b"j")
    room.serve()
    assert received(clients[0]) == b""
    room.notice(clients[1].db, b"k")
    room.serve()
    assert received(clients[0]) == b":7\r\n"


# Leaving in other ways


def test_withdrawing(clients: list[Session], room: WaitingRoom, engine: Engine) -> None:
    park(clients[0], [b"k"], timeout=5.0)
    assert room.withdraw(clients[0])
    assert not room.withdraw(clients[0])
    assert is_empty(room, engine)
    assert received(clients[0]) == b""


def test_unblocking(clients: list[Session], room: WaitingRoom, engine: Engine) -> None:
    park(clients[0], [b"k"])
    park(clients[1], [b"k"])
    assert room.unblock(clients[0], None)
    assert received(clients[0]) == b"*-1\r\n"
    assert room.unblock(clients[1], RespError(errors.UNBLOCKED))
    assert received(clients[1]) == b"-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n"
    assert not room.unblock(clients[1], None)
    assert is_empty(room, engine)


def test_a_session_that_ends_leaves_the_room(clients: list[Session], room: WaitingRoom, engine: Engine) -> None:
    park(clients[0], [b"k"])
    park(clients[1], [b"k"], timeout=5.0)
    clients[0].receive_eof()
    clients[1].close()
    assert is_empty(room, engine)


def test_a_watched_key_may_be_waited_for_too(clients: list[Session], engine: Engine) -> None:
    talk(clients[0], b"WATCH k")
    talk(clients[1], b"BLPOP k 0")
    assert talk(clients[2], b"RPUSH k x") == b":1\r\n"
    assert received(clients[1]) == array(b"k", b"x")
    talk(clients[0], b"MULTI")
    assert talk(clients[0], b"EXEC") == b"*-1\r\n"
    assert is_empty(engine.waiting, engine)
