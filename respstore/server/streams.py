"""The portable way: one trio task per connection, on any trio Stream.

For what the shared poller cannot do: TLS, systems without epoll, and `USE_LIBUV=0`. It drives the same sessions and
the same turn; only the price differs, about twice the time per request. Of each connection's two tasks one reads and
runs requests, the other sends, so that a peer that does not read holds up nobody, itself included: its replies pile up
in the `OutputBuffer` until they are sent or too many.
"""

import logging
import socket
from typing import Final

import trio

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from respstore.server.output import OutputBuffer

logger = logging.getLogger("respstore")

READ_BYTES: Final = 64 * 1024


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
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connections: dict[Session, _Connection] = {}
        self._draining = False
        self._deserted = trio.Event()
        self._nursery: trio.Nursery | None = None

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled; `started` when connections may be added."""
        async with trio.open_nursery() as self._nursery:
            task_status.started()
            await trio.sleep_forever()

    def add(self, sock: socket.socket, session: Session) -> None:
        """Take over an accepted, non-blocking socket."""
        self.add_stream(trio.SocketStream(trio.socket.from_stdlib_socket(sock)), session)

    def add_stream(self, stream: trio.abc.Stream, session: Session) -> None:
        """Serve a session on a stream."""
        if self._nursery is None:
            raise RuntimeError("the backend does not run yet")
        self._nursery.start_soon(self._serve, stream, session)

    def flush_touched(self) -> None:
        """Send what sessions have to say that were not fed: released waiters, pushes, farewells."""
        for session in self._engine.take_touched():
            connection = self._connections.get(session)
            if connection is not None:
                self._flush(connection)

    async def drain(self) -> None:
        """Send what is unsent and say farewell to every peer; returns when all of them have closed their end."""
        self._draining = True
        for connection in self._connections.values():
            connection.reading.cancel()
            connection.wake.set()
        if self._connections:
            await self._deserted.wait()

    def close(self) -> None:
        """Nothing to do: the end of `run` ended every connection."""

    async def _serve(self, stream: trio.abc.Stream, session: Session) -> None:
        connection = _Connection(stream, session)
        self._connections[session] = connection
        try:
            with connection.scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._write, connection)
                    with connection.reading:
                        await self._read(connection)
                if self._draining:
                    await self._say_farewell(stream)
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # the connection broke, which is the peer's right
        except* Exception:
            logger.exception("bug: the connection of client %s ends", session.describe())
        finally:
            session.receive_eof()
            del self._connections[session]
            with trio.CancelScope(shield=True):
                await trio.aclose_forcefully(stream)
            if not self._connections:
                self._deserted.set()

    async def _read(self, connection: _Connection) -> None:
        session, engine = connection.session, self._engine
        while True:
            data = await connection.stream.receive_some(READ_BYTES)
            if not data:
                connection.scope.cancel()
                return
            engine.read_clock()
            engine.statistics.reads += 1
            session.receive_data(bytes(data))
            engine.end_of_turn()
            self._flush(connection)
            self.flush_touched()

    async def _write(self, connection: _Connection) -> None:
        unsent = connection.unsent
        while True:
            while unsent.size:
                piece = unsent.first()
                await connection.stream.send_all(piece)
                self._engine.statistics.bytes_out += len(piece)
                self._engine.statistics.writes += 1
                unsent.sent(len(piece))
            if connection.session.is_closing or self._draining:
                return
            await connection.wake.wait()
            connection.wake = trio.Event()

    def _flush(self, connection: _Connection) -> None:
        data = connection.session.data_to_send()
        if data:
            connection.unsent.append(memoryview(data))
            if connection.unsent.is_too_long():
                connection.scope.cancel()
        if connection.session.is_aborted:
            connection.scope.cancel()
        elif connection.session.is_closing:
            connection.reading.cancel()
        connection.wake.set()

    async def _say_farewell(self, stream: trio.abc.Stream) -> None:
        """Close the sending half, and read the rest: what is left unread would reset the connection."""
        if isinstance(stream, trio.abc.HalfCloseableStream):
            await stream.send_eof()
            while await stream.receive_some(READ_BYTES):
                pass
