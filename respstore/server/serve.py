"""A server's life: bind, accept, serve, and stop so that nobody is left without an answer.

    outer nursery: the backend that serves connections (`poller.py` and `streams.py`)
        inner nursery: accepting, timers
            until somebody asks to stop: SHUTDOWN, a signal, or the caller's cancellation

To stop is to end the inner nursery (nobody new), answer those who wait, give the backend some time to send what is
unsent, and end the outer nursery. The port is free, and the unix socket's file gone, when all that is done: who starts
the next server waits for this one.
"""

import logging
import os
import random
import socket
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from functools import partial
from types import MappingProxyType
from typing import Any, Final

import trio

from respstore import __version__, errors, own_errors
from respstore.commands import TABLE
from respstore.config import Config
from respstore.engine.dispatch import LOADING
from respstore.engine.engine import Engine
from respstore.engine.namespaces import Namespace
from respstore.engine.session import Session
from respstore.engine.snapshots import describe
from respstore.engine.tcpstore_session import TCPStoreSession
from respstore.errors import RespError
from respstore.exceptions import ConfigError, display_address
from respstore.protocol.replies import encode_error
from respstore.server.accepting import refusal, refuse
from respstore.server.backends import HAS_POLLER, Backends
from respstore.server.listeners import Address, Listeners
from respstore.server.loading import LogReport, Report, load
from respstore.server.oom_score import Role
from respstore.server.output import GRACE_SECONDS
from respstore.server.process import Process
from respstore.server.tcpstore_ports import TCPStorePorts
from respstore.server.timers import run_timers
from respstore.server.tls import OPTIONS as TLS_OPTIONS
from respstore.server.tls import TLS, Stream

__all__ = ["Address", "Server", "serve"]

logger = logging.getLogger("respstore")

IN_MEMORY: Final = MappingProxyType({"save": (), "dbfilename": ""})
"""Options of a server inside another program: it reads and writes no file but those that it is told of."""


async def serve(*arguments: str, task_status: trio.TaskStatus[Address] = trio.TASK_STATUS_IGNORED) -> None:
    """Run a server until it is told to stop (SHUTDOWN) or cancelled.

    Args:
        arguments: what `redis-server` takes on its command line: `"--port", "7000"`, or a file first. The data is
            only kept on disk if they say where (`"--dbfilename", "dump.rdb"`) and when (`"--save", "60 1"`).
        task_status: for `nursery.start`, whose result is the server's `Address`.

    Raises:
        ConfigError: an argument is wrong or not supported.
        PortInUseError: somebody else holds the port.
        OSError: the address cannot be bound for another reason.

    Example:
        address = await nursery.start(respstore.serve, "--port", "0")
    """
    config = Config.from_arguments(arguments, **IN_MEMORY)
    await Server(config).run(task_status=task_status)


class Server:
    """A server that was configured but not started.

    Args:
        config: its options.
        use_poller: whether the shared poller serves connections, rather than a task each; by default where there is
            one, unless the environment says `USE_LIBUV=0`, as for torch's TCPStore.
        dedicated: whether the trio loop runs nothing else, see `Poller`.
        owns_process: whether the process does nothing else: then the data is saved in the background, see `Disk`.
        report: told how far loading is; the log by default.

    Attributes:
        engine: its state.
        stopping: set when it begins to stop.
    """

    def __init__(
        self,
        config: Config,
        use_poller: bool | None = None,
        *,
        dedicated: bool = False,
        owns_process: bool = False,
        report: Report | None = None,
    ) -> None:
        """Raises ConfigError if the users that the configuration declares make no sense."""
        self.config = config
        self.stopping = trio.Event()
        self._problem: OSError | None = None
        self._report = report or LogReport()
        self._process = Process(config, self.stopping.set, self._fail, is_own=owns_process)
        self.engine = Engine(config, TABLE, self._process, random.Random(os.urandom(32)))
        self.engine.acl.load_at_start()
        if use_poller is None:
            use_poller = HAS_POLLER and os.environ.get("USE_LIBUV", "1") == "1"
        self._process.io_backend = "poller" if use_poller else "streams"
        self._listeners = Listeners(config)
        self._tcpstore_ports = TCPStorePorts(config, self._admit_torch)
        self.engine.namespaces.ports = self._tcpstore_ports
        self._is_listening = False
        self._backend = Backends(self.engine, use_poller=use_poller, dedicated=dedicated)
        self._tls = TLS(config, self._serve_tls)

    def listen(self) -> Address:
        """Bind; connections wait in the backlog until `run`.

        Raises:
            PortInUseError: somebody else holds an address.
            OSError: an address cannot be bound for another reason.
            ConfigError: the namespaces of two `tcpstore-port` have keys in common, or TLS cannot be had.
        """
        self._tls.load()
        self._listeners.open()
        try:
            self._open_namespaces()
        except BaseException:
            self._close_listeners()
            self.engine.namespaces.named.clear()
            raise
        self._is_listening = True
        address = self._listeners.address
        self._process.tcp_port = address.port or address.tls_port
        return address

    async def run(self, *, task_status: trio.TaskStatus[Address] = trio.TASK_STATUS_IGNORED) -> None:
        """Listen, if that was not done before, load the data, serve until told to stop or cancelled, and stop.

        Raises:
            OSError: the data cannot be loaded, and the file is left as it is; or it could not be written any more.
        """
        if not self._is_listening:
            self.listen()
        for option in ("bind", "port", "tls-port"):
            self.config.on_change(option, partial(self._listen_anew, option))
        for option in TLS_OPTIONS:
            self.config.on_change(option, self._load_tls)
        if self._process.is_own:
            self._follow_oom_score()
        for warning in self.config.warnings:
            logger.warning(warning)
        with ExitStack() as stack:
            stack.callback(self._close_listeners)
            stack.enter_context(self._process.without_full_collections())
            async with trio.open_nursery() as outer:
                try:
                    await outer.start(self._backend.run)
                    async with trio.open_nursery() as inner:
                        await inner.start(self._tls.run)
                        self._listeners.accept(self._backend, self._admit, self._admit_tls)
                        self._tcpstore_ports.accept(self._backend)
                        inner.start_soon(run_timers, self.engine, self._backend)
                        inner.start_soon(self._process.run_syncs)
                        logger.info(
                            "respstore %s listens on %s (pid %d)", __version__, self._listeners, self._process.pid
                        )
                        try:
                            await load(self.engine, self.stopping, self._report)
                            task_status.started(self._listeners.address)
                            await self.stopping.wait()
                        except OSError as error:  # what is in memory must not take the place of what was not read
                            self._problem = error
                            self.engine.set_gates(LOADING, on=True)  # nor may anybody write to it until then
                            self.engine.snapshots.prepare_exit(["nosave"])
                        inner.cancel_scope.cancel()
                finally:
                    await self._stop()
        if self._problem is not None:
            raise self._problem
        logger.info("respstore is down")

    def _follow_oom_score(self) -> None:
        def change() -> None:
            try:
                self._process.oom_score.apply(Role.SERVER)
            except OSError as error:
                logger.warning("oom_score_adj cannot be set: %s", describe(error))
                raise ConfigError(errors.OOM_SCORE_FAILED) from None

        for option in ("oom-score-adj", "oom-score-adj-values"):
            self.config.on_change(option, change)
        with suppress(ConfigError):  # it is in the log
            change()

    def _fail(self, problem: OSError) -> None:
        self._problem = problem
        self.stopping.set()

    def stop(self, flags: Sequence[str] = ()) -> None:
        """Stop as a signal asks for it: not at all if the data is to be saved, and cannot be.

        Args:
            flags: what `shutdown-on-sigterm` and `shutdown-on-sigint` may say.
        """
        try:
            self.engine.snapshots.prepare_exit(flags)
        except RespError:
            logger.warning("the server goes on, for to end it would lose data; SHUTDOWN NOSAVE ends it all the same")
            return
        self.stopping.set()

    async def _stop(self) -> None:
        """Answer who waits, and part with all clients; who cancelled the server waits for it, too."""
        self.stopping.set()
        self._close_listeners()
        try:
            self.engine.stop()
            self._backend.flush_touched()
            with trio.CancelScope(shield=True), trio.move_on_after(GRACE_SECONDS):
                await self._backend.drain()
            self.engine.snapshots.finish_exit()
            self.engine.append_only.finish()
        finally:
            self._backend.close()

    def _load_tls(self) -> None:
        try:
            self._tls.load()
        except ConfigError as error:
            logger.warning("CONFIG SET of TLS is refused: %s", error.reason)
            raise ConfigError(f"{errors.TLS_FAILED} {error.reason}") from None

    def _listen_anew(self, option: str) -> None:
        self._load_tls()
        try:
            self._listeners.reopen()
        except OSError as error:
            logger.warning("CONFIG SET %s is refused: %s", option, error.strerror or error)
            raise ConfigError(errors.BIND_FAILED if option == "bind" else errors.LISTEN_FAILED) from None
        address = self._listeners.address
        self._process.tcp_port = address.port or address.tls_port

    def _open_namespaces(self) -> None:
        namespaces, now = self.engine.namespaces, self._process.monotonic()
        for port, name, trusts_all in self.config.tcpstore_port:
            if name in namespaces.named:
                raise ConfigError("two ports are for one namespace", "tcpstore-port", "tcpstore-port")
            try:
                namespaces.open(name, now, port=port, trusts_all=trusts_all, is_lasting=True)
            except RespError as error:
                raise ConfigError(error.text.removeprefix("ERR "), "tcpstore-port", "tcpstore-port") from None

    def _close_listeners(self) -> None:
        self._listeners.close()
        self._tcpstore_ports.close_all()

    def _admit_torch(self, namespace: Namespace, sock: socket.socket, peer: Any) -> None:
        """As `_admit`, for who comes to the port of a namespace and hears no reason if it is not served."""
        reason = self._refusal(peer, trusted=namespace.trusts_all)
        if reason is None and not namespace.trusts_all:
            reason = self._refusal_of_torch()
        if reason is None:
            self._add(sock, peer, namespace)
            return
        logger.info("a torch client on port %d is not served: %s", namespace.port, reason)
        self.engine.statistics.rejected_connections += 1
        sock.close()

    def _admit(self, sock: socket.socket, peer: Any) -> None:
        """Serve who has come, or say why not. Raises OSError if that is not possible."""
        reason = self._refusal(peer)
        if reason is None:
            self._add(sock, peer)
            return
        self.engine.statistics.rejected_connections += 1
        refuse(sock, encode_error(reason))

    def _admit_tls(self, sock: socket.socket, peer: Any) -> None:
        """As `_admit`, for who comes to the port of TLS and hears no reason: it would not understand it yet."""
        # Who is known by its certificate needs no password.
        reason = self._refusal(peer, trusted=self.config.tls_auth_clients == "yes")
        if reason is None:
            self._tls.welcome(sock)
            return
        logger.info("a TLS client is not served: %s", reason)
        self.engine.statistics.rejected_connections += 1
        sock.close()

    def _serve_tls(self, stream: Stream) -> None:
        sock = stream.transport_stream.socket
        try:
            session = Session(
                self.engine,
                display_address(*sock.getpeername()[:2]),
                display_address(*sock.getsockname()[:2]),
                sock.fileno(),
            )
        except OSError as error:
            logger.info("a connection ended before it began: %s", error.strerror)
            sock.close()
        else:
            self._backend.add_stream(stream, session)

    def _refusal(self, peer: Any, *, trusted: bool = False) -> str | None:
        """Why a new connection is not served; the arguments as of `refusal`."""
        trusted = trusted or not self.engine.acl.default.needs_no_password
        return refusal(peer, self.config, len(self._backend) + len(self._tls), trusted=trusted)

    def _refusal_of_torch(self) -> str | None:
        """Why a torch client, who can be nobody but the default user, is not served."""
        user = self.engine.acl.default
        if not user.is_let_in:
            return own_errors.TCPSTORE_HAS_NO_PASSWORD
        return own_errors.TCPSTORE_HAS_NO_USERS if user.is_restricted else None

    def _add(self, sock: socket.socket, peer: Any, namespace: Namespace | None = None) -> None:
        ends = self._name(peer), self._name(sock.getsockname())
        if namespace is None:
            session = Session(self.engine, *ends, sock.fileno())
        else:
            session = TCPStoreSession(self.engine, *ends, sock.fileno(), namespace=namespace)
        try:
            self._backend.add(sock, session)
        except OSError:
            session.receive_eof()
            raise

    def _name(self, name: Any) -> str:
        """An end of a connection as CLIENT LIST shows it."""
        return display_address(name[0], name[1]) if isinstance(name, tuple) else f"{self.config.unixsocket}:0"
