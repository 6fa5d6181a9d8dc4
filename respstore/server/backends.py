"""Who serves the connections of a server: the poller those that it can, streams all others."""

import select
import socket
from typing import Final

import trio

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from respstore.server.accepting import Door
from respstore.server.poller import Poller
from respstore.server.streams import Streams

HAS_POLLER: Final = hasattr(select, "epoll")


class Backends:
    """All connections of a server.

    Args:
        engine: what runs the requests.
        use_poller: whether plain connections are served by the poller.
        dedicated: see `Poller`.

    Attributes:
        plain: who serves the plain connections.
    """

    def __init__(self, engine: Engine, *, use_poller: bool, dedicated: bool) -> None:
        self._engine = engine
        self._streams = Streams(engine, self.flush_touched)
        self._all: list[Poller | Streams] = [self._streams]
        self.plain: Poller | Streams = self._streams
        if use_poller:
            self.plain = Poller(engine, self.flush_touched, dedicated=dedicated)
            self._all.append(self.plain)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until `drain` or `close`, whoever is cancelled meanwhile; `started` when connections may be added."""
        async with trio.open_nursery() as nursery:
            for backend in self._all:
                await nursery.start(backend.run)
            task_status.started()

    def __len__(self) -> int:
        """How many connections there are, those included whose session is over."""
        return sum(map(len, self._all))

    def accept(self, door: Door) -> None:
        """Let in who comes, until `stop_accepting`."""
        self.plain.accept(door)

    def stop_accepting(self, listener: socket.socket) -> None:
        """Let nobody in any more; to be called before the listening socket is closed."""
        self.plain.stop_accepting(listener)

    def add(self, sock: socket.socket, session: Session) -> None:
        """Take over an accepted, non-blocking socket."""
        self.plain.add(sock, session)

    def add_stream(self, stream: trio.abc.Stream, session: Session) -> None:
        """Serve a session on a stream, which is closed at the end."""
        self._streams.add_stream(stream, session)

    def flush_touched(self) -> None:
        """Send what sessions have to say that were not fed: released waiters, pushes, farewells."""
        touched = self._engine.take_touched()
        for backend in self._all:
            backend.flush(touched)

    def drop_stuck(self) -> None:
        """Close the connections whose peers do not take what is sent; to be called several times a second."""
        for backend in self._all:
            backend.drop_stuck()

    async def drain(self) -> None:
        """Run no further requests, send what is unsent, and part with the peers; returns when all is delivered."""
        async with trio.open_nursery() as nursery:
            for backend in self._all:
                nursery.start_soon(backend.drain)

    def close(self) -> None:
        """Close all connections at once, and serve no more."""
        for backend in self._all:
            backend.close()
