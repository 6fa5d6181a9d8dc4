"""The fast way: one trio task serves all plain TCP and unix connections, in turns.

An epoll object holds the connections; the task waits until it is readable and takes a **turn**: read each ready
connection once and run what arrived, end the engine's turn, then write each reply once. What a peer does not take stays
here until epoll says that there is room. A turn is bounded by the number of events and of bytes read from each; between
turns the task passes a trio checkpoint at least every `BUSY_SECONDS`, so that timers, signals and cancellation get in
however busy the clients are.

The listening sockets are in there, too: who comes is let in within a turn, and served in the next one. A task for each
of them would be scheduled for a few connections each time, and wait while the poller does so in epoll.

An await per request would cost more than the request: this is why the connections of a Python server are not tasks
here. Even waiting for the next turn in trio costs as much as three requests; so where the server has the trio loop to
itself (`respstore serve`), the poller waits for the clients' next requests in epoll, for a moment, before it does so;
and while one client talks with it, it does not even sleep there, for a shorter one, as long as that is worth while.
`streams.py` is the portable way, with the same sessions and the same turn.
"""

import logging
import select
import socket
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Final

import trio

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from respstore.engine.tcpstore_session import take_over
from respstore.server.accepting import RETRY_SECONDS, Door
from respstore.server.output import BLOCK_BYTES, QUIET_SECONDS, OutputBuffer, is_delivered, is_too_much

logger = logging.getLogger("respstore")

BUG: Final = "bug: the connection of client %s ends"
"""An exception that nobody expected ends one connection, and nothing else."""
BUG_SECONDS: Final = 0.1
"""A pause after a bug that no connection can be blamed for: should it come again and again, the log grows slowly."""

READ_BYTES: Final = 64 * 1024
"""How much is read from a connection in a turn."""
TURN_EVENTS: Final = 128
BUSY_SECONDS: Final = 0.004
LINGER_SECONDS: Final = 0.001
"""How long the poller of a dedicated loop waits for more, which is as long as epoll can do it for at least."""

AWAKE_SECONDS: Final = 0.00015
"""How long it looks for the next request of a client that sent the last two, without going to sleep. To be woken takes
a system as long as to serve some requests, in a virtual machine some 50 us; and so long the client, too, needs to learn
of its reply, before it does something with it and asks again. Where many ask, sleep lets their requests gather for one
turn, which costs less."""
VAIN_TURNS: Final = 64
"""For so many turns it goes to sleep at once after that was in vain: the client is slow, or short of processors. So a
client costs no more than 1.5 % of a processor in vain, and one that asks once a millisecond a quarter of a per cent."""
_NOBODY: Final = -1

# This file is imported, though not used, where the system has no epoll.
_READ: Final = getattr(select, "EPOLLIN", 0)
_WRITE: Final = getattr(select, "EPOLLOUT", 0)


class _Connection:
    """A socket, its session, and what the peer did not take yet."""

    __slots__ = ("fd", "recv", "send", "session", "socket", "unsent")

    def __init__(self, sock: socket.socket, session: Session) -> None:
        self.socket = sock
        self.fd = sock.fileno()
        self.recv = sock.recv
        self.send = sock.send
        self.session = session
        self.unsent: OutputBuffer | None = None


class Poller:
    """All connections of a server.

    Args:
        engine: what runs the requests.
        flush_touched: sends what all sessions have to say that were not fed, whoever serves them.
        dedicated: whether the trio loop runs nothing but this server, so that nobody minds if it stands still for
            `LINGER_SECONDS`.
    """

    def __init__(self, engine: Engine, flush_touched: Callable[[], None], *, dedicated: bool) -> None:
        self._engine = engine
        self._flush_touched = flush_touched
        self._unwritten = engine.effects.unwritten
        self._linger = LINGER_SECONDS if dedicated else 0
        self._sleepy = 0  # for so many turns it goes to sleep at once
        self._speaker = _NOBODY  # the descriptor of the client that alone had something to say in the last turn
        self._is_dialogue = False  # and in the one before
        self._epoll = select.epoll()
        self._connections: dict[int, _Connection] = {}
        self._of_session: dict[Session, _Connection] = {}
        self._slow: dict[_Connection, OutputBuffer] = {}
        self._doors: dict[int, Door] = {}
        self._nursery: trio.Nursery | None = None
        self._serving = trio.CancelScope(shield=True)
        self._at_rest: trio.Event | None = None

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until `drain` or `close`, whoever is cancelled meanwhile; `started` when connections may be added."""
        self._at_rest = trio.Event()
        fileno = self._epoll.fileno()
        try:
            with self._serving:
                async with trio.open_nursery() as self._nursery:
                    task_status.started()
                    while True:
                        await trio.lowlevel.wait_readable(fileno)
                        try:
                            self._take_turns()
                        except Exception:
                            logger.exception("bug: a turn was cut short")
                            await trio.sleep(BUG_SECONDS)
        finally:
            self._at_rest.set()

    def __len__(self) -> int:
        """How many connections there are, those included whose session is over."""
        return len(self._connections)

    def accept(self, door: Door) -> None:
        """Let in who comes, until `stop_accepting`."""
        fd = door.listener.fileno()
        self._epoll.register(fd, _READ)
        self._doors[fd] = door

    def stop_accepting(self, listener: socket.socket) -> None:
        """Let nobody in any more; to be called before the listening socket is closed."""
        del self._doors[listener.fileno()]
        try:
            self._epoll.unregister(listener)
        except FileNotFoundError:
            pass  # it rests

    def add(self, sock: socket.socket, session: Session) -> None:
        """Take over an accepted, non-blocking socket."""
        connection = _Connection(sock, session)
        self._epoll.register(connection.fd, _READ)
        self._connections[connection.fd] = self._of_session[session] = connection

    def flush(self, sessions: Iterable[Session]) -> None:
        """Send what those of the sessions have to say that are ours."""
        self._flush(filter(None, map(self._of_session.get, sessions)))

    def drop_stuck(self) -> None:
        """Close the connections whose peers do not take what is sent; to be called several times a second."""
        for connection in [connection for connection, unsent in self._slow.items() if unsent.must_go()]:
            self._close(connection)

    async def drain(self) -> None:
        """Run no further requests, send what is unsent, and part with the peers; returns when all is delivered.

        A socket that is closed while it has bytes unread resets the connection, and the peer may lose the end of a
        reply: so the sending half is closed first, and the rest is read.
        """
        self._serving.cancel()
        if self._at_rest is not None:
            await self._at_rest.wait()
        for connection in list(self._connections.values()):
            if connection.unsent is None:
                self._say_farewell(connection)
            else:
                self._epoll.modify(connection.fd, _READ | _WRITE)
        fileno = self._epoll.fileno()
        while self._connections:
            with trio.move_on_after(QUIET_SECONDS) as quiet:
                await trio.lowlevel.wait_readable(fileno)
            if quiet.cancelled_caught and not self._slow and all(map(is_delivered, self._connections)):
                return
            for fd, event in self._epoll.poll(0, TURN_EVENTS):
                self._drain_once(self._connections[fd], event)

    def close(self) -> None:
        """Close all connections at once, and serve no more."""
        self._serving.cancel()
        for connection in list(self._connections.values()):
            self._close(connection)
        self._epoll.close()

    def _take_turns(self) -> None:
        """Serve who is ready, until nobody is or others must be let in."""
        deadline = monotonic() + BUSY_SECONDS
        while self._turn() and monotonic() < deadline:
            pass

    def _turn(self) -> bool:
        """Serve what is ready now.

        Returns:
            Whether anything was.
        """
        events = self._next_events()
        self._engine.begin_turn()
        connections = self._connections
        fed: list[_Connection] = []
        unread = 0
        for fd, event in events:
            try:
                connection = connections[fd]
            except KeyError:
                unread += 1
                self._let_in(fd)
                continue
            if event & _READ:
                recv = connection.recv
                try:
                    data = recv(READ_BYTES)
                except BlockingIOError:
                    continue
                except OSError:
                    self._close(connection)
                    continue
                try:
                    if data:
                        if not data[0] and not connection.session.received:
                            self._change_protocol(connection)
                        connection.session.receive_data(data)
                    else:
                        connection.session.receive_eof()
                except Exception:
                    logger.exception(BUG, connection.session.describe())
                    self._close(connection)
                else:
                    fed.append(connection)
            elif event == _WRITE:
                unread += 1
                fed.append(connection)
            else:
                self._close(connection)
        engine = self._engine
        engine.statistics.reads += len(events) - unread
        if engine.resumed or self._unwritten:
            engine.end_of_turn()
        self._flush(fed)
        if engine.touched:
            self._flush_touched()
        return bool(events)

    def _next_events(self) -> list[tuple[int, int]]:
        """What is ready now or, in a dedicated loop, in a moment."""
        events = (self._is_dialogue and self._look_awake()) or self._epoll.poll(self._linger, TURN_EVENTS)
        speaker = events[0][0] if len(events) == 1 else _NOBODY
        self._is_dialogue = speaker == self._speaker != _NOBODY
        self._speaker = speaker
        return events

    def _look_awake(self) -> list[tuple[int, int]]:
        """What is ready in a short moment, for which the loop does not go to sleep; nothing if that seems in vain."""
        if not self._linger:
            return []
        if self._sleepy:
            self._sleepy -= 1
            return []
        until = monotonic() + AWAKE_SECONDS
        while not (events := self._epoll.poll(0, TURN_EVENTS)):
            if monotonic() >= until:
                self._sleepy = VAIN_TURNS
                break
        return events

    def _let_in(self, fd: int) -> None:
        door = self._doors.get(fd)  # None if it was closed in this turn
        if door is not None and not door.let_in() and self._nursery is not None:
            self._epoll.unregister(fd)
            self._nursery.start_soon(self._try_again, door)

    async def _try_again(self, door: Door) -> None:
        await trio.sleep(RETRY_SECONDS)
        fd = door.listener.fileno()
        if self._doors.get(fd) is door:
            self._epoll.register(fd, _READ)

    def _change_protocol(self, connection: _Connection) -> None:
        """The first byte is 0, with which no RESP client starts: a torch client."""
        del self._of_session[connection.session]
        connection.session = take_over(connection.session)
        self._of_session[connection.session] = connection

    def _flush(self, connections: Iterable[_Connection]) -> None:
        """Send what their sessions have to say, and close those that are over."""
        writes = written = 0
        for connection in connections:
            session = connection.session
            try:
                data = session.data_to_send()
                if connection.unsent is not None:
                    self._flush_unsent(connection, connection.unsent, data)
                    continue
                if data:
                    if len(data) > BLOCK_BYTES and is_too_much(session, len(data)):
                        self._close(connection)
                        continue
                    try:
                        sent = connection.send(data)
                    except BlockingIOError:
                        sent = 0
                    except OSError:
                        self._close(connection)
                        continue
                    writes += 1
                    written += sent
                    if sent < len(data):
                        self._keep_unsent(connection, data, sent)
                        continue
                if session.is_closing:
                    self._close(connection)
            except Exception:
                logger.exception(BUG, session.describe())
                self._close(connection)
        statistics = self._engine.statistics
        statistics.writes += writes
        statistics.bytes_out += written

    def _keep_unsent(self, connection: _Connection, data: bytes, sent: int) -> None:
        connection.unsent = self._slow[connection] = unsent = OutputBuffer(connection.session)
        unsent.append(data)
        if sent:
            unsent.sent(sent)
        self._wait_for_room(connection, unsent)

    def _flush_unsent(self, connection: _Connection, unsent: OutputBuffer, data: bytes) -> None:
        if data:
            unsent.append(data)
        if connection.session.is_aborted:
            self._close(connection)
            return
        try:
            while unsent.size:
                sent = connection.send(unsent.first())
                unsent.sent(sent)
                self._engine.statistics.bytes_out += sent
                self._engine.statistics.writes += 1
        except BlockingIOError:
            self._wait_for_room(connection, unsent)
            return
        except OSError:
            self._close(connection)
            return
        if connection.session.is_closing:
            self._close(connection)
        else:
            connection.unsent = None
            del self._slow[connection]
            self._epoll.modify(connection.fd, _READ)

    def _wait_for_room(self, connection: _Connection, unsent: OutputBuffer) -> None:
        if unsent.must_go():
            self._close(connection)
        else:
            # Nothing more is read from a peer whose session is over: it would pile up.
            self._epoll.modify(connection.fd, _WRITE if connection.session.is_closing else _READ | _WRITE)

    def _say_farewell(self, connection: _Connection) -> None:
        try:
            connection.socket.shutdown(socket.SHUT_WR)
            self._epoll.modify(connection.fd, _READ)
        except OSError:
            self._close(connection)

    def _drain_once(self, connection: _Connection, event: int) -> None:
        unsent = connection.unsent
        try:
            if event & _READ and not connection.recv(READ_BYTES):
                if unsent is None:
                    self._close(connection)
                    return
                self._epoll.modify(connection.fd, _WRITE)  # a peer that sends no more may still read
            if unsent is not None and event & _WRITE:
                unsent.sent(connection.send(unsent.first()))
                if not unsent.size:
                    connection.unsent = None
                    del self._slow[connection]
                    self._say_farewell(connection)
            elif not event & _READ:
                self._close(connection)  # it broke
        except BlockingIOError:
            pass
        except OSError:
            self._close(connection)

    def _close(self, connection: _Connection) -> None:
        if self._connections.pop(connection.fd, None) is not None:
            connection.session.receive_eof()
            del self._of_session[connection.session]
            self._slow.pop(connection, None)
            self._epoll.unregister(connection.fd)
            connection.socket.close()
