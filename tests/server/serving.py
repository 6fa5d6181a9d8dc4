r"""A server and its clients in the loop of a test, over loopback or a unix socket.

    async with serving(use_poller, maxclients=2) as running:
        client = await running.connect()
        assert await client.ask(b"PING") == b"+PONG\r\n"

Nothing here waits for time to pass: loopback delivers at once, so that after `settled()` the server has done what it
can do with all that was sent. A server that does not get on ends the test by `DEADLINE`.
"""

import contextlib
import random
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Self

import trio
import trio.testing

from respstore.config import Config
from respstore.engine.session import Session
from respstore.server.listeners import Address
from respstore.server.serve import Server
from tests.talk import request

MB = 1 << 20

DEADLINE = 20.0
"""Seconds for a whole test; on an idle machine most need some milliseconds."""


class Client:
    """One end of a connection, in raw bytes."""

    def __init__(self, stream: trio.SocketStream | trio.SSLStream[trio.SocketStream]) -> None:
        self.stream = stream
        self._received = bytearray()

    async def send(self, *words: bytes) -> None:
        """Send a request, as `talk` takes it."""
        await self.stream.send_all(request(*words))

    async def read(self, length: int) -> bytes:
        """Exactly so many bytes."""
        while len(self._received) < length:
            data = await self.stream.receive_some(1 << 20)
            assert data, f"the server hung up after {bytes(self._received)!r}"
            self._received += data
        result = bytes(self._received[:length])
        del self._received[:length]
        return result

    async def line(self) -> bytes:
        """Up to the next CRLF, which is included."""
        while b"\r\n" not in self._received:
            data = await self.stream.receive_some(1 << 20)
            assert data, f"the server hung up after {bytes(self._received)!r}"
            self._received += data
        return await self.read(self._received.index(b"\r\n") + 2)

    async def ask(self, *words: bytes) -> bytes:
        """The reply to a request: its first line, and for a bulk string also what follows."""
        await self.send(*words)
        line = await self.line()
        if line[:1] == b"$" and line[1:2] != b"-":
            line += await self.read(int(line[1:]) + 2)
        return line

    async def rest(self) -> bytes:
        """All that comes until the server hangs up."""
        with contextlib.suppress(trio.BrokenResourceError):
            while data := await self.stream.receive_some(1 << 20):
                self._received += data
        return bytes(self._received)

    def reset(self) -> None:
        """Break the connection, without the usual farewell."""
        assert isinstance(self.stream, trio.SocketStream)
        self.stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.stream.socket.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.stream.aclose()


class Running:
    """A server that serves, by TLS if clients have a context for it."""

    def __init__(self, server: Server, address: Address, tls: ssl.SSLContext | None) -> None:
        self.server = server
        self.engine = server.engine
        self.address = address
        self.tls = tls
        self._clients = contextlib.AsyncExitStack()

    async def connect(self, port: int | None = None) -> Client:
        """A new client; it is closed with the server."""
        stream: trio.SocketStream | trio.SSLStream[trio.SocketStream]
        if port is None and self.address.port == self.address.tls_port == 0:
            assert self.address.unix_socket is not None
            stream = await trio.open_unix_socket(self.address.unix_socket)
        elif self.tls is not None and port is None:
            stream = await open_tls_stream(self.address.tls_port, self.tls)
        else:
            stream = await open_stream(port or self.address.port)
        return await self._clients.enter_async_context(Client(stream))

    async def connect_session(self) -> tuple[Client, Session]:
        """A new client, with the server's side of it."""
        client = await self.connect()
        number = int((await client.ask(b"CLIENT ID"))[1:])
        return client, self.engine.sessions[number]

    def pass_time(self, seconds: float) -> None:
        """Move the wall clock, and let the engine do at once what a second of ticks would have done."""
        clock = self.server.engine.system.wall_clock_us
        self.server.engine.system.wall_clock_us = lambda: clock() + round(seconds * 1_000_000)  # type: ignore[method-assign]
        for _ in range(10):
            self.engine.tick()
        self.server._backend.flush_touched()

    async def stop(self) -> None:
        """As a signal does."""
        self.server.stopping.set()


async def open_stream(port: int) -> trio.SocketStream:
    """A TCP connection, without the Happy Eyeballs that take most of the time of trio.open_tcp_stream."""
    sock = trio.socket.socket()
    try:
        await sock.connect(("127.0.0.1", port))
    except BaseException:
        sock.close()
        raise
    return trio.SocketStream(sock)


async def open_tls_stream(port: int, context: ssl.SSLContext) -> trio.SSLStream[trio.SocketStream]:
    """A TLS connection that is ready."""
    transport = await open_stream(port)
    stream = trio.SSLStream(transport, context, server_hostname="localhost", https_compatible=True)
    try:
        await stream.do_handshake()
    except BaseException:
        transport.socket.close()
        raise
    return stream


@contextlib.asynccontextmanager
async def serving(
    use_poller: bool | None = None, tls: ssl.SSLContext | None = None, **options: Any
) -> AsyncIterator[Running]:
    """Run a server, by default on a free port of 127.0.0.1; options by attribute of Config, `tls` is for clients."""
    config = make_config(**options)
    with trio.fail_after(DEADLINE):
        async with trio.open_nursery() as nursery:
            server = Server(config, use_poller)
            running = Running(server, await nursery.start(server.run), tls)
            async with running._clients:
                yield running
            server.stopping.set()


def make_config(**options: Any) -> Config:
    """A configuration for loopback and a free port."""
    config = Config()
    config.bind = ("127.0.0.1",)
    config.port = 0
    config.save, config.dbfilename = (), ""
    for name, value in options.items():
        assert hasattr(config, name)
        setattr(config, name, str(value) if isinstance(value, Path) else value)
    return config


def quiet_port() -> int:
    """A free port that no outgoing connection is given by chance, as one from `get_free_port` might be."""
    while True:
        port = random.SystemRandom().randrange(20_000, 30_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def noise(length: int) -> bytes:
    """Bytes that nothing can be said about, CR, LF and stars included; the same each time."""
    return random.Random(length).randbytes(length)


async def settled() -> None:
    """Until the server has done all that can be done with what was sent."""
    await trio.testing.wait_all_tasks_blocked(0.001)


async def until(condition: Any) -> None:
    """Until a condition holds, which the server brings about without further help."""
    while not condition():
        await trio.testing.wait_all_tasks_blocked()
