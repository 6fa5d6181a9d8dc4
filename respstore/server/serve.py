"""A server's life: bind, accept, serve, and stop so that nobody is left without an answer.

    outer nursery: the backend that serves connections (`poller.py` or `streams.py`)
        inner nursery: accepting, timers
            until somebody asks to stop: SHUTDOWN, a signal, or the caller's cancellation

To stop is to end the inner nursery (nobody new), answer those who wait, give the backend some time to send what is
unsent, and cancel the outer nursery.
"""

import ipaddress
import logging
import os
import random
import select
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import attrs
import trio

from respstore import __version__, errors
from respstore.commands import TABLE
from respstore.config import Config
from respstore.engine.engine import Engine
from respstore.engine.session import Session
from respstore.errors import display_address
from respstore.ports import listen_tcp, listen_unix
from respstore.protocol.replies import encode_error
from respstore.server.accepting import accept_connections
from respstore.server.poller import Poller
from respstore.server.process import Process
from respstore.server.streams import Streams
from respstore.server.timers import run_timers

logger = logging.getLogger("respstore")

GRACE_SECONDS: Final = 1.0
"""How long clients may take to read their last replies when the server stops."""


@attrs.frozen
class Address:
    """Where a server is to be reached.

    Attributes:
        host: the first address of `bind`, or the first of the machine if it binds all.
        port: the TCP port that was bound, 0 if there is none.
        unix_socket: path of the unix socket, or None.
    """

    host: str
    port: int
    unix_socket: str | None = None

    def __str__(self) -> str:
        return display_address(self.host, self.port) if self.port else f"unix:{self.unix_socket}"


async def serve(*arguments: str, task_status: trio.TaskStatus[Address] = trio.TASK_STATUS_IGNORED) -> None:
    """Run a server until it is told to stop (SHUTDOWN) or cancelled.

    Args:
        arguments: what `redis-server` takes on its command line: `"--port", "7000"`, or a file first.
        task_status: for `nursery.start`, whose result is the server's `Address`.

    Raises:
        ConfigError: an argument is wrong or not supported.
        PortInUseError: somebody else holds the port.
        OSError: the address cannot be bound for another reason.

    Example:
        address = await nursery.start(respstore.serve, "--port", "0")
    """
    await Server(Config.from_arguments(arguments)).run(task_status=task_status)


class Server:
    """A server that was configured but not started.

    Args:
        config: its options.
        use_poller: whether the shared poller serves connections, rather than a task each; by default where there is
            one, unless the environment says `USE_LIBUV=0`, as for torch's TCPStore.
        dedicated: whether the trio loop runs nothing else, see `Poller`.

    Attributes:
        engine: its state.
        stopping: set when it begins to stop.
    """

    def __init__(self, config: Config, use_poller: bool | None = None, *, dedicated: bool = False) -> None:
        self.config = config
        self.stopping = trio.Event()
        self._process = Process(config.config_file, self.stopping.set)
        self.engine = Engine(config, TABLE, self._process, random.Random(os.urandom(32)))
        if use_poller is None:
            use_poller = hasattr(select, "epoll") and os.environ.get("USE_LIBUV", "1") == "1"
        self._listeners: list[socket.socket] = []
        self._bound = ExitStack()
        self._backend: Poller | Streams = Poller(self.engine, dedicated=dedicated) if use_poller else Streams(self.engine)

    def listen(self) -> Address:
        """Bind; connections wait in the backlog until `run`.

        Raises:
            PortInUseError: somebody else holds an address.
            OSError: an address cannot be bound for another reason.
        """
        with ExitStack() as stack:
            self._listeners = self._listen(stack)
            self._bound = stack.pop_all()
        address = _address(self._listeners)
        self._process.tcp_port = address.port
        return address

    async def run(self, *, task_status: trio.TaskStatus[Address] = trio.TASK_STATUS_IGNORED) -> None:
        """Listen, if that was not done before, serve until told to stop, and stop."""
        address = _address(self._listeners) if self._listeners else self.listen()
        with self._bound:
            async with trio.open_nursery() as connections:
                await connections.start(self._backend.run)
                async with trio.open_nursery() as accepting:
                    for listener in self._listeners:
                        accepting.start_soon(accept_connections, listener, self._admit)
                    accepting.start_soon(run_timers, self.engine, self._backend.flush_touched)
                    logger.info("respstore %s listens on %s (pid %d)", __version__, address, self._process.pid)
                    task_status.started(address)
                    await self.stopping.wait()
                    accepting.cancel_scope.cancel()
                self.engine.stop()
                self._backend.flush_touched()
                with trio.move_on_after(GRACE_SECONDS):
                    await self._backend.drain()
                self._backend.close()
                connections.cancel_scope.cancel()
        logger.info("respstore is down")

    def _listen(self, stack: ExitStack) -> list[socket.socket]:
        config = self.config
        listeners: list[socket.socket] = []
        if config.port or not config.unixsocket:
            # A listener is closed when the server is down, not before: its port is not free until then.
            hosts = config.bind or ("*", "-::*")
            listeners += map(stack.enter_context, listen_tcp(hosts, config.port, config.tcp_backlog))
        if config.unixsocket:
            permissions = config.unixsocketperm or None
            listeners.append(stack.enter_context(listen_unix(config.unixsocket, permissions, config.tcp_backlog)))
            stack.callback(Path(config.unixsocket).unlink, missing_ok=True)
        return listeners

    def _admit(self, sock: socket.socket) -> None:
        try:
            path = self.config.unixsocket
            peer, local = _name(sock, sock.getpeername(), path), _name(sock, sock.getsockname(), path)
            refusal = self._refusal(sock)
        except OSError:  # the peer is gone already
            sock.close()
            return
        if refusal is not None:
            self.engine.statistics.rejected_connections += 1
            try:
                sock.send(encode_error(refusal))
            except OSError:
                pass
            sock.close()
            return
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _keep_alive(sock, self.config.tcp_keepalive)
        self._backend.add(sock, Session(self.engine, peer, local, sock.fileno()))

    def _refusal(self, sock: socket.socket) -> str | None:
        if len(self.engine.sessions) >= self.config.maxclients:
            return errors.MAX_CLIENTS
        if self.config.protected_mode and not self.config.requirepass and not _is_local(sock):
            return errors.PROTECTED_MODE
        return None


def _address(listeners: list[socket.socket]) -> Address:
    host, port, path = "", 0, None
    for listener in listeners:
        name = listener.getsockname()
        if listener.family == socket.AF_UNIX:
            path = name
        elif not port:
            host, port = name[:2]
    return Address(host, port, path)


def _name(sock: socket.socket, name: Any, path: str | None) -> str:
    """An end of a connection as CLIENT LIST shows it."""
    if sock.family == socket.AF_UNIX:
        return f"{path}:0"
    return display_address(*name[:2])


def _is_local(sock: socket.socket) -> bool:
    if sock.family == socket.AF_UNIX:
        return True
    return ipaddress.ip_address(sock.getpeername()[0].partition("%")[0]).is_loopback


def _keep_alive(sock: socket.socket, seconds: int) -> None:
    """Let the system ask an idle peer whether it is still there (tcp-keepalive; 0: never)."""
    if not seconds:
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, seconds)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, max(seconds // 3, 1))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
