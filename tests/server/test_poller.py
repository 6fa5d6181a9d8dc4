"""What is the poller's own: turns over one epoll object. How peers are treated is shown for all in test_backends.py."""

import contextlib
import errno
import logging
import os
import socket
from collections.abc import AsyncIterator, Iterator

import pytest
import trio
import trio.testing

from respstore.config import Config
from respstore.engine.engine import Engine
from respstore.engine.session import Session
from respstore.server import poller as poller_module
from respstore.server.accepting import Door
from respstore.server.backends import Backends
from respstore.server.poller import AWAKE_SECONDS, LINGER_SECONDS, TURN_EVENTS, VAIN_TURNS, Poller
from tests.server.serving import MB, settled
from tests.talk import make_engine, request


@pytest.fixture
async def poller(engine: Engine, nursery: trio.Nursery) -> AsyncIterator[Poller]:
    backends = Backends(engine, use_poller=True, dedicated=False)
    await nursery.start(backends.run)
    assert isinstance(backends.plain, Poller)
    yield backends.plain
    backends.close()


@pytest.fixture
def sockets() -> Iterator[contextlib.ExitStack]:
    with contextlib.ExitStack() as stack:
        yield stack


def connect(poller: Poller, sockets: contextlib.ExitStack) -> tuple[socket.socket, Session]:
    near, far = socket.socketpair()
    sockets.enter_context(near)
    near.setblocking(False)
    far.setblocking(False)
    session = Session(poller._engine, fd=far.fileno())
    poller.add(far, session)
    return near, session


async def test_a_turn_serves_all_that_are_ready_before_it_sends(poller, sockets, engine):
    """So that whoever is served last in a turn has its effects on disk, too, before anybody has a reply."""
    nears = [connect(poller, sockets)[0] for _ in range(3)]
    ends = []
    end_of_turn = engine.end_of_turn

    def note():
        ends.append([socket_is_empty(near) for near in nears])
        end_of_turn()

    engine.end_of_turn = note
    nears[0].send(request(b"BLPOP q 0"))
    await settled()
    for near in nears[1:]:
        near.send(request(b"RPUSH q 1"))
    await settled()

    assert ends == [[True, True, True]]
    assert nears[0].recv(100) == b"*2\r\n$1\r\nq\r\n$1\r\n1\r\n"


def socket_is_empty(sock: socket.socket) -> bool:
    try:
        return not sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True


async def test_more_ready_connections_than_a_turn_takes_are_all_served(poller, sockets):
    nears = [connect(poller, sockets)[0] for _ in range(2 * TURN_EVENTS + 1)]
    for near in nears:
        near.send(request(b"PING"))
    await settled()

    assert [near.recv(100) for near in nears] == [b"+PONG\r\n"] * len(nears)


async def test_others_get_in_however_busy_the_clients_are(poller, sockets, monkeypatch):
    monkeypatch.setattr(poller_module, "BUSY_SECONDS", 0.0)
    near, _ = connect(poller, sockets)
    receive_data = Session.receive_data
    turns = 0

    def receive_and_ask_again(self, data):
        nonlocal turns
        turns += 1
        receive_data(self, data)
        near.send(request(b"PING"))

    monkeypatch.setattr(Session, "receive_data", receive_and_ask_again)
    near.send(request(b"PING"))
    for _ in range(10):
        await trio.lowlevel.checkpoint()
    assert 1 <= turns <= 10
    near.close()


async def test_a_bug_between_the_clients_cuts_one_turn_short(poller, sockets, engine, monkeypatch, caplog):
    (near, _), (other, _) = connect(poller, sockets), connect(poller, sockets)

    begin_turn, bugs = engine.begin_turn, [ZeroDivisionError]

    def fail_once():
        if bugs:
            raise bugs.pop()
        return begin_turn()

    monkeypatch.setattr(poller_module, "BUG_SECONDS", 0.0)
    monkeypatch.setattr(engine, "begin_turn", fail_once)
    near.send(request(b"PING"))
    other.send(request(b"PING"))
    await settled()

    assert near.recv(100) == other.recv(100) == b"+PONG\r\n"
    assert [record.message for record in caplog.records] == ["bug: a turn was cut short"]


async def test_a_bug_while_sending_what_was_released_ends_one_connection(poller, sockets, engine, monkeypatch, caplog):
    (near, session), (other, _) = connect(poller, sockets), connect(poller, sockets)
    data_to_send = Session.data_to_send

    def fail(self):
        if self is session:
            raise ZeroDivisionError
        return data_to_send(self)

    near.send(request(b"BLPOP q 0"))
    await settled()
    monkeypatch.setattr(Session, "data_to_send", fail)
    other.send(request(b"RPUSH q 1"))
    await settled()

    assert near.recv(100) == b""
    assert other.recv(100) == b":1\r\n"
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


async def test_a_connection_that_cannot_be_watched_is_not_added(poller, sockets):
    near, far = socket.socketpair()
    sockets.enter_context(near)
    session = Session(poller._engine)
    poller.add(far, session)

    with pytest.raises(FileExistsError):
        poller.add(far, Session(poller._engine))

    assert len(poller) == 1


async def test_closing_ends_all_sessions_and_the_run(engine, sockets):
    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            poller = Poller(engine, lambda: None, dedicated=False)
            await nursery.start(poller.run)
            near, session = connect(poller, sockets)

            poller.close()

    assert session.is_closing
    assert engine.sessions == {}
    assert near.recv(1) == b""


async def test_a_cancelled_run_goes_on_until_it_is_closed(engine, sockets):
    async with trio.open_nursery() as nursery:
        poller = Poller(engine, lambda: None, dedicated=False)
        await nursery.start(poller.run)
        near, _ = connect(poller, sockets)
        near.send(request(b"PING"))

        nursery.cancel_scope.cancel()
        with trio.CancelScope(shield=True):
            await settled()
            assert near.recv(100) == b"+PONG\r\n"
            poller.close()


async def test_a_dedicated_loop_waits_in_epoll_for_a_moment(engine, nursery, sockets):
    poller = Poller(engine, lambda: None, dedicated=True)
    await nursery.start(poller.run)
    near, _ = connect(poller, sockets)

    for _ in range(3):
        near.send(request(b"PING"))
        await settled()
        assert near.recv(100) == b"+PONG\r\n"
    poller.close()


class ScriptedEpoll:
    """What becomes ready at each look, by the descriptors; each look takes so many seconds of a clock of its own."""

    def __init__(self, *ready: tuple[int, ...], seconds: float = AWAKE_SECONDS / 4) -> None:
        self.timeouts: list[float] = []
        self.now = 0.0
        self._ready = list(ready)
        self._seconds = seconds

    def poll(self, timeout: float, most: int) -> list[tuple[int, int]]:
        self.timeouts.append(timeout)
        self.now += self._seconds
        return [(fd, 1) for fd in self._ready.pop(0)]


def take_turns(monkeypatch, engine, epoll, turns, *, dedicated=True):
    """Look for events so many times."""
    poller = Poller(engine, lambda: None, dedicated=dedicated)
    poller.close()
    poller._epoll = epoll
    monkeypatch.setattr(poller_module, "monotonic", lambda: epoll.now)
    for _ in range(turns):
        poller._next_events()


def timeouts(monkeypatch, engine, epoll, turns, *, dedicated=True):
    """Those with which events were looked for in so many turns."""
    take_turns(monkeypatch, engine, epoll, turns, dedicated=dedicated)
    return epoll.timeouts


def test_a_dedicated_loop_does_not_sleep_while_one_client_talks(monkeypatch, engine):
    epoll = ScriptedEpoll((7,), (7,), (), (), (7,), (7,))
    assert timeouts(monkeypatch, engine, epoll, 4) == [LINGER_SECONDS] * 2 + [0] * 4


@pytest.mark.parametrize("other", [(8,), (7, 8), ()], ids=["another", "both", "nobody"])
def test_it_sleeps_where_many_talk_or_nobody_does(monkeypatch, engine, other):
    epoll = ScriptedEpoll(*[(7,), other] * 5)
    assert timeouts(monkeypatch, engine, epoll, 10) == [LINGER_SECONDS] * 10


def test_a_loop_that_was_awake_in_vain_sleeps_at_once_for_some_turns(monkeypatch, engine):
    in_vain = [(), (), (7,)]
    epoll = ScriptedEpoll((7,), (7,), *in_vain, *[(7,)] * VAIN_TURNS, *in_vain, seconds=AWAKE_SECONDS / 2)
    awake_and_then_not = [0, 0, LINGER_SECONDS]
    assert timeouts(monkeypatch, engine, epoll, 2 + 1 + VAIN_TURNS + 1) == (
        [LINGER_SECONDS] * 2 + awake_and_then_not + [LINGER_SECONDS] * VAIN_TURNS + awake_and_then_not
    )


class PunctualEpoll:
    """A client that asks again so many seconds after its last request was seen, on a clock of its own."""

    def __init__(self, pause: float) -> None:
        self.now = self.asks_at = 0.0
        self.awake = 0.0  # for how long it was looked for without sleep
        self.slept = 0  # how often it was found by one who slept
        self._pause = pause

    def poll(self, timeout: float, most: int) -> list[tuple[int, int]]:
        before = self.now
        self.now = min(self.asks_at, before + timeout) if timeout else before + 1e-6
        if not timeout:
            self.awake += self.now - before
        elif self.now > before:
            self.slept += 1
        if self.now < self.asks_at:
            return []
        self.asks_at = self.now + self._pause
        return [(7, 1)]


def test_who_must_be_woken_by_the_reply_before_it_asks_again_is_met_awake(monkeypatch, engine):
    epoll = PunctualEpoll(100e-6)
    take_turns(monkeypatch, engine, epoll, 1000)
    assert epoll.slept == 1  # when it was not known yet that one client talks


@pytest.mark.parametrize(("pause", "share"), [(0.16e-3, 0.016), (0.9e-3, 0.0027), (1.1e-3, 0.0)])
def test_a_client_that_is_slow_costs_little_time_in_vain(monkeypatch, engine, pause, share):
    epoll = PunctualEpoll(pause)
    take_turns(monkeypatch, engine, epoll, 1000)
    assert epoll.awake <= share * epoll.now


def test_a_loop_with_other_work_neither_sleeps_nor_waits(monkeypatch, engine):
    epoll = ScriptedEpoll((7,), (7,), (7,), (), ())
    assert timeouts(monkeypatch, engine, epoll, 5, dedicated=False) == [0] * 5


async def leave_unread(near: socket.socket) -> None:
    """Ask for more than the system holds."""
    near.send(request(b"SETRANGE", b"k", b"%d" % (MB - 1), b"x"))
    await settled()
    assert near.recv(100) == b":%d\r\n" % MB
    near.send(request(b"GET k") * 20)
    await settled()


async def test_drains_who_sent_the_end_while_replies_are_unsent(poller, sockets):
    near, session = connect(poller, sockets)
    await leave_unread(near)
    near.shutdown(socket.SHUT_WR)
    await settled()
    assert session.unsent

    received = 0
    async with trio.open_nursery() as nursery:
        nursery.start_soon(poller.drain)
        stream = trio.SocketStream(trio.socket.from_stdlib_socket(near.dup()))
        while data := await stream.receive_some(MB):
            received += len(data)
        await stream.aclose()

    assert received == 20 * (MB + 12)
    assert len(poller) == 0


async def test_drains_although_somebody_breaks_off(poller, sockets):
    near, session = connect(poller, sockets)
    await leave_unread(near)
    assert session.unsent

    async with trio.open_nursery() as nursery:
        nursery.start_soon(poller.drain)
        await trio.testing.wait_all_tasks_blocked()
        near.close()

    assert len(poller) == 0


async def test_draining_nobody_takes_no_time():
    poller = Poller(make_engine(), lambda: None, dedicated=False)
    with trio.fail_after(0):
        await poller.drain()
    poller.close()


# Who comes


class Listener(socket.socket):
    """A listening socket on which accept() finds no room for so many times."""

    failures = 0

    def accept(self):
        if self.failures:
            self.failures -= 1
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return super().accept()


@pytest.fixture
def listener(sockets) -> Listener:
    sock = sockets.enter_context(Listener())
    sock.bind(("127.0.0.1", 0))
    sock.listen()
    sock.setblocking(False)
    return sock


@pytest.fixture
def peers(poller, listener) -> list[object]:
    """The addresses of those who were let in."""
    addresses: list[object] = []

    def admit(sock: socket.socket, peer: object) -> None:
        addresses.append(peer)
        sock.close()

    poller.accept(Door(listener, admit, Config()))
    return addresses


def come(listener: socket.socket, sockets: contextlib.ExitStack) -> object:
    return sockets.enter_context(socket.create_connection(listener.getsockname())).getsockname()


async def test_lets_in_who_comes_until_it_shall_not(poller, sockets, listener, peers):
    first = come(listener, sockets)
    await settled()
    assert peers == [first]

    poller.stop_accepting(listener)
    come(listener, sockets)
    await settled()
    assert peers == [first]


async def test_waits_for_room_and_says_so_once(sockets, listener, peers, caplog, autojump_clock):
    listener.failures = 50
    last = come(listener, sockets)
    await trio.sleep(60)

    assert peers == [last]
    assert caplog.messages == [f"cannot accept connections: {os.strerror(errno.EMFILE)}; trying again until it works"]


async def test_does_not_wait_for_room_at_a_closed_door(poller, sockets, listener, peers, autojump_clock):
    listener.failures = 1
    come(listener, sockets)
    await trio.testing.wait_all_tasks_blocked()
    assert not listener.failures

    poller.stop_accepting(listener)
    await trio.sleep(1)
    assert not peers


async def test_a_client_may_close_the_door_at_which_another_one_waits(poller, sockets, listener, peers, monkeypatch):
    near, _ = connect(poller, sockets)

    def close(self, data):
        poller.stop_accepting(listener)
        listener.close()

    monkeypatch.setattr(Session, "receive_data", close)
    near.send(b"x")
    come(listener, sockets)  # both are ready in one turn
    await settled()

    assert not peers
