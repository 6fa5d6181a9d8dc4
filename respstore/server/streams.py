"""The portable way: one trio task per connection, on any trio Stream.

For what the shared poller cannot do: TLS, systems without epoll, and `USE_LIBUV=0`. It drives the same sessions and
the same turn; only the price differs, about twice the time per request. Of each connection's two tasks one reads and
runs requests, the other sends, so that a peer that does not read holds up nobody, itself included: its replies pile up
in the `OutputBuffer` until they are sent or too many.

The reading task ends when the peer sends no more, when the session is over, or when the server stops; the writing task
when, besides, all is sent. Then the connection is closed.
"""

import logging
import socket
from collections.abc import Callable, Iterable
from typing import Final

import trio

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from respstore.engine.tcpstore_session import take_over
from respstore.server.accepting import Door, accept_connections
from respstore.server.output import BLOCK_BYTES, QUIET_SECONDS, OutputBuffer, is_delivered, is_too_much

logger = logging.getLogger("respstore")

READ_BYTES: Final = 64 * 1024
WRITE_BYTES: Final = 64 * 1024
"""How much is sent at a time: a peer that takes less for long is stuck."""


class _Connection:
    """A stream, its session, and what the peer did not take yet.

    Attributes:
        wake: set when the writing task has something to do.
        reading: cancelled to end the reading task, once nothing more shall be read.
        scope: cancelled to end both tasks at once.
    """

    __slots__ = ("reading", "scope", "session", "stream", "unsent", "wake")

    def __init__(self, stream: trio.abc.Stream, session: Session) -> None:
        self.stream = stream
        self.session = session
        self.unsent = OutputBuffer(session)
        self.wake = trio.Event()
        self.reading = trio.CancelScope()
        self.scope = trio.CancelScope()


class Streams:
    """All connections of a server, a task or two each.

    Args:
        engine: what runs the requests.
        flush_touched: sends what all sessions have to say that were not fed, whoever serves them.
    """

    def __init__(self, engine: Engine, flush_touched: Callable[[], None]) -> None:
        self._engine = engine
        self._flush_touched = flush_touched
        self._connections: dict[Session, _Connection] = {}
        self._slow: dict[_Connection, OutputBuffer] = {}
        self._deserted: trio.Event | None = None
        self._serving = trio.CancelScope(shield=True)
        self._nursery: trio.Nursery | None = None

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until `close`, whoever is cancelled meanwhile; `started` when connections may be added."""
        with self._serving:
            async with trio.open_nursery() as self._nursery:
                task_status.started()
                await trio.sleep_forever()

    def __len__(self) -> int:
        """How many connections there are, those included whose session is over."""
        return len(self._connections)

    def accept(self, door: Door) -> None:
        """Let in who comes, until `stop_accepting`."""
        self._running().start_soon(accept_connections, door)

    def stop_accepting(self, listener: socket.socket) -> None:
        """Let nobody in any more; to be called before the listening socket is closed."""
        trio.lowlevel.notify_closing(listener)

    def add(self, sock: socket.socket, session: Session) -> None:
        """Take over an accepted, non-blocking socket."""
        self.add_stream(trio.SocketStream(trio.socket.from_stdlib_socket(sock)), session)

    def add_stream(self, stream: trio.abc.Stream, session: Session) -> None:
        """Serve a session on a stream, which is closed at the end."""
        nursery = self._running()
        connection = self._connections[session] = _Connection(stream, session)
        nursery.start_soon(self._serve, connection)

    def flush(self, sessions: Iterable[Session]) -> None:
        """Send what those of the sessions have to say that are ours."""
        for connection in filter(None, map(self._connections.get, sessions)):
            self._flush(connection)

    def drop_stuck(self) -> None:
        """Close the connections whose peers do not take what is sent; to be called several times a second."""
        for connection, unsent in self._slow.items():
            if unsent.must_go():
                connection.scope.cancel()

    async def drain(self) -> None:
        """Run no further requests, send what is unsent, and part with the peers; returns when all is delivered."""
        self._deserted = trio.Event()
        for connection in self._connections.values():
            connection.wake.set()
        if self._connections:
            await self._deserted.wait()

    def close(self) -> None:
        """Close all connections at once, and serve no more."""
        self._serving.cancel()

    def _running(self) -> trio.Nursery:
        if self._nursery is None:
            raise RuntimeError("the backend does not run yet")
        return self._nursery

    async def _serve(self, connection: _Connection) -> None:
        try:
            with connection.scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._write, connection)
                    with connection.reading:
                        await self._read(connection)
                if self._deserted is not None:
                    await self._say_farewell(connection)
                if not connection.session.is_aborted:
                    with trio.move_on_after(QUIET_SECONDS):  # TLS has a last word
                        await connection.stream.aclose()
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # the connection broke, which is the peer's right
        except* Exception:
            logger.exception("bug: the connection of client %s ends", connection.session.describe())
        finally:
            connection.session.receive_eof()
            del self._connections[connection.session]
            self._slow.pop(connection, None)
            if self._deserted is not None and not self._connections:
                self._deserted.set()
            with trio.CancelScope(shield=True):
                await trio.aclose_forcefully(connection.stream)

    async def _read(self, connection: _Connection) -> None:
        session, engine = connection.session, self._engine
        while not session.is_closing:
            data = await connection.stream.receive_some(READ_BYTES)
            if data and self._deserted is not None:
                continue  # the server stops; but the peer may read its replies only when it got rid of its requests
            if data:
                engine.begin_turn()
                engine.statistics.reads += 1
                if not data[0] and not session.received:
                    session = self._change_protocol(connection)
                session.receive_data(bytes(data))
                engine.end_of_turn()
            else:
                session.receive_eof()
            self._flush(connection)
            self._flush_touched()

    def _change_protocol(self, connection: _Connection) -> Session:
        """The first byte is 0, with which no RESP client starts: a torch client."""
        del self._connections[connection.session]
        session = connection.session = connection.unsent.session = take_over(connection.session)
        self._connections[session] = connection
        return session

    async def _write(self, connection: _Connection) -> None:
        unsent = connection.unsent
        while True:
            while unsent.size:
                piece = unsent.first()[:WRITE_BYTES]
                await connection.stream.send_all(piece)
                self._engine.statistics.bytes_out += len(piece)
                self._engine.statistics.writes += 1
                unsent.sent(len(piece))
            self._slow.pop(connection, None)
            if connection.session.is_closing or self._deserted is not None:
                connection.reading.cancel()
                return
            await connection.wake.wait()
            connection.wake = trio.Event()

    def _flush(self, connection: _Connection) -> None:
        session, unsent = connection.session, connection.unsent
        was_behind = unsent.size
        data = session.data_to_send()
        if data:
            unsent.append(data)
            self._slow[connection] = unsent
        # What has just come may still be sent at once; only who is behind already is a slow reader.
        if (
            session.is_aborted
            or (len(data) > BLOCK_BYTES and is_too_much(session, len(data)))
            or (was_behind and unsent.must_go())
        ):
            connection.scope.cancel()
        if session.is_closing:
            connection.reading.cancel()
        connection.wake.set()

    async def _say_farewell(self, connection: _Connection) -> None:
        """Close the sending half, and read the rest: what is left unread would reset the connection."""
        if not isinstance(connection.stream, trio.abc.HalfCloseableStream):
            return
        await connection.stream.send_eof()
        while True:
            with trio.move_on_after(QUIET_SECONDS) as quiet:
                if not await connection.stream.receive_some(READ_BYTES):
                    return
            if quiet.cancelled_caught and is_delivered(connection.session.fd):
                return
