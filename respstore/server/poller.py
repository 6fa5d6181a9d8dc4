"""The fast way: one trio task serves all plain TCP and unix connections, in turns.

An epoll object holds the connections; the task waits until it is readable and takes a **turn**: read each ready
connection once and run what arrived, end the engine's turn, then write each reply once. What a peer does not take stays
here until epoll says that there is room. A turn is bounded by the number of events and of bytes read from each; between
turns the task passes a trio checkpoint at least every `BUSY_SECONDS`, so that timers, signals and cancellation get in
however busy the clients are.

An await per request would cost more than the request: this is why the connections of a Python server are not tasks
here. `streams.py` is the portable way, with the same sessions and the same turn.
"""

import select
import socket
from time import monotonic
from typing import Final

import trio

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from respstore.server.output import OutputBuffer

READ_BYTES: Final = 64 * 1024
"""How much is read from a connection in a turn."""
TURN_EVENTS: Final = 128
BUSY_SECONDS: Final = 0.002

_READ: Final = select.EPOLLIN
_WRITE: Final = select.EPOLLOUT


class _Connection:
    """A socket, its session, and what the peer did not take yet."""

    __slots__ = ("fd", "recv", "session", "socket", "unsent")

    def __init__(self, sock: socket.socket, session: Session) -> None:
        self.socket = sock
        self.fd = sock.fileno()
        self.recv = sock.recv
        self.session = session
        self.unsent: OutputBuffer | None = None


class Poller:
    """All connections of a server.

    Args:
        engine: what runs the requests.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._epoll = select.epoll()
        self._connections: dict[int, _Connection] = {}
        self._of_session: dict[Session, _Connection] = {}
        self._draining = False
        self._deserted = trio.Event()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled; `started` when connections may be added."""
        task_status.started()
        fileno = self._epoll.fileno()
        while True:
            await trio.lowlevel.wait_readable(fileno)
            deadline = monotonic() + BUSY_SECONDS
            while self._turn() and not self._draining and monotonic() < deadline:
                pass

    def add(self, sock: socket.socket, session: Session) -> None:
        """Take over an accepted, non-blocking socket."""
        connection = _Connection(sock, session)
        self._connections[connection.fd] = self._of_session[session] = connection
        self._epoll.register(connection.fd, _READ)

    def flush_touched(self) -> None:
        """Send what sessions have to say that were not fed: released waiters, pushes, farewells."""
        for session in self._engine.take_touched():
            connection = self._of_session.get(session)
            if connection is not None:
                if session.is_aborted:
                    self._close(connection)
                else:
                    self._flush(connection)

    async def drain(self) -> None:
        """Send what is unsent and say farewell to every peer; returns when all of them have closed their end.

        Requests that arrive meanwhile are not run. A socket that is closed with bytes unread resets the connection,
        and the peer may lose the end of a reply: so the sending half is closed first, and the rest is read.
        """
        self._draining = True
        for connection in list(self._connections.values()):
            if connection.unsent is not None:
                self._epoll.modify(connection.fd, _WRITE)
            else:
                self._say_farewell(connection)
        if self._connections:
            await self._deserted.wait()

    def close(self) -> None:
        """Close all connections at once."""
        for connection in list(self._connections.values()):
            connection.session.receive_eof()
            self._close(connection)
        self._epoll.close()

    def _turn(self) -> bool:
        """Serve what is ready now.

        Returns:
            Whether anything was.
        """
        events = self._epoll.poll(0, TURN_EVENTS)
        if self._draining:
            for fd, _ in events:
                self._drain_once(self._connections[fd])
            return False
        self._engine.read_clock()
        connections = self._connections
        fed: list[_Connection] = []
        for fd, event in events:
            connection = connections[fd]
            if event & _READ:
                try:
                    data = connection.recv(READ_BYTES)
                except BlockingIOError:
                    continue
                except OSError:
                    data = b""
                if data:
                    connection.session.receive_data(data)
                    fed.append(connection)
                    continue
            elif event == _WRITE:
                fed.append(connection)
                continue
            connection.session.receive_eof()
            self._close(connection)
        engine = self._engine
        if engine.resumed:
            engine.end_of_turn()
        for connection in fed:
            self._flush(connection)
        if engine.touched:
            self.flush_touched()
        return bool(events)

    def _flush(self, connection: _Connection) -> None:
        session = connection.session
        data = session.data_to_send()
        if connection.unsent is None:
            if data:
                try:
                    sent = connection.socket.send(data)
                except BlockingIOError:
                    sent = 0
                except OSError:
                    session.receive_eof()
                    self._close(connection)
                    return
                self._engine.statistics.bytes_out += sent
                if sent < len(data):
                    connection.unsent = unsent = OutputBuffer(session)
                    unsent.append(memoryview(data)[sent:])
                    self._epoll.modify(connection.fd, _READ | _WRITE)
                    self._drop_if_too_long(connection, unsent)
                    return
            if session.is_closing:
                self._close(connection)
        else:
            self._flush_unsent(connection, connection.unsent, data)

    def _flush_unsent(self, connection: _Connection, unsent: OutputBuffer, data: bytes) -> None:
        if data:
            unsent.append(memoryview(data))
        try:
            while unsent.size:
                sent = connection.socket.send(unsent.first())
                unsent.sent(sent)
                self._engine.statistics.bytes_out += sent
        except BlockingIOError:
            self._drop_if_too_long(connection, unsent)
            return
        except OSError:
            connection.session.receive_eof()
        if connection.session.is_closing:
            self._close(connection)
        else:
            connection.unsent = None
            self._epoll.modify(connection.fd, _READ)

    def _drop_if_too_long(self, connection: _Connection, unsent: OutputBuffer) -> None:
        if unsent.is_too_long():
            connection.session.receive_eof()
            self._close(connection)

    def _say_farewell(self, connection: _Connection) -> None:
        try:
            connection.socket.shutdown(socket.SHUT_WR)
            self._epoll.modify(connection.fd, _READ)
        except OSError:
            self._close(connection)

    def _drain_once(self, connection: _Connection) -> None:
        unsent = connection.unsent
        try:
            if unsent is not None and unsent.size:
                unsent.sent(connection.socket.send(unsent.first()))
                if not unsent.size:
                    self._say_farewell(connection)
            elif not connection.recv(READ_BYTES):
                self._close(connection)
        except BlockingIOError:
            pass
        except OSError:
            self._close(connection)

    def _close(self, connection: _Connection) -> None:
        if self._connections.pop(connection.fd, None) is not None:
            del self._of_session[connection.session]
            self._epoll.unregister(connection.fd)
            connection.socket.close()
            if self._draining and not self._connections:
                self._deserted.set()
