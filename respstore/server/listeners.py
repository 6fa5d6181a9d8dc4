"""The sockets that a server listens on: what `bind`, `port`, `tls-port` and `unixsocket` say, at the start and later.

`port 0` means no plain TCP where there is a unix socket or a port for TLS, as in Redis. Where there is none Redis would
end at once, so there it may mean what it means everywhere else: any free port. No address in `bind` means no TCP.
"""

import errno
import logging
import os
import socket
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

import attrs

from respstore.config import Config
from respstore.exceptions import display_address
from respstore.ports import listen_tcp, listen_unix
from respstore.server.accepting import Admit, Door, set_options
from respstore.server.backends import Backends

logger = logging.getLogger("respstore")

_LOOPBACK_OF = {"0.0.0.0": "127.0.0.1", "::": "::1"}


@attrs.frozen
class Address:
    """Where a server is to be reached.

    Attributes:
        host: the first IP address that it listens on, empty if there is none.
        port: the TCP port, 0 if there is none.
        unix_socket: path of the unix socket, or None.
        tls_port: the TCP port for TLS, 0 if there is none.
    """

    host: str
    port: int
    unix_socket: str | None = None
    tls_port: int = 0

    def __str__(self) -> str:
        port = self.port or self.tls_port
        return display_address(self.host, port) if port else f"unix:{self.unix_socket}"

    @property
    def url(self) -> str:
        """What a client on this machine connects to: `redis://127.0.0.1:6379`, `rediss://...`, `unix:///...`."""
        if not self.port and not self.tls_port:
            return f"unix://{self.unix_socket}"
        scheme, port = ("redis", self.port) if self.port else ("rediss", self.tls_port)
        return f"{scheme}://{display_address(_LOOPBACK_OF.get(self.host, self.host), port)}"


LEAST_BACKLOG: Final = 4096
"""How many connections may wait to be accepted, even if `tcp-backlog` says less: the ranks of a job come all at once,
and whoever finds no room is let in seconds later, when TCP tries again."""


def backlog(config: Config) -> int:
    """How many connections may wait to be accepted; the system may have a limit of its own (somaxconn)."""
    return max(config.tcp_backlog, LEAST_BACKLOG)


def listen(hosts: Sequence[str], port: int, config: Config) -> list[socket.socket]:
    """As `listen_tcp`, with the options of a server for who will connect."""
    return listen_tcp(hosts, port, backlog(config), partial(set_options, config=config))


class Listeners:
    """The listening sockets of a server.

    Args:
        config: its options.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._tcp: list[socket.socket] = []
        self._tls: list[socket.socket] = []
        self._unix: socket.socket | None = None
        self._unix_path = Path()
        self._unix_file = (0, 0)
        self._asked: tuple[Sequence[str], int, int] = ((), 0, 0)
        self._backend: Backends | None = None
        self._admit: Admit | None = None
        self._admit_tls: Admit | None = None

    def open(self) -> None:
        """Listen; connections wait in the backlog until `accept`.

        Raises:
            PortInUseError: somebody else holds an address.
            OSError: an address cannot be bound for another reason, or there is none.
        """
        config = self._config
        try:
            self._asked = config.bind, config.port, config.tls_port
            self._open_tcp(*self._asked)
            if config.unixsocket:
                self._unix_path = Path(config.dir, config.unixsocket)
                permissions = config.unixsocketperm or None
                self._unix = listen_unix(str(self._unix_path), permissions, backlog(config))
                self._unix_file = _identity(self._unix_path)
            if not self._tcp and not self._tls and self._unix is None:
                raise OSError(errno.EADDRNOTAVAIL, "there is no address to listen on: see 'bind', 'port', 'unixsocket'")
        except BaseException:
            self.close()
            raise

    def reopen(self) -> None:
        """Listen where `bind`, `port` and `tls-port` say now; connections that were made already stay.

        Raises:
            OSError: that is not possible; all is as it was.
        """
        config = self._config
        asked = config.bind, config.port, config.tls_port
        if asked == self._asked:
            return
        hosts, port, tls_port = self._asked
        free_port = self.address.port if port == 0 else 0  # a port that was free to choose is kept
        self._close_tcp()
        try:
            self._open_tcp(asked[0], asked[1] or free_port, asked[2])
        except OSError:
            self._close_tcp()
            self._open_tcp(hosts, port or free_port, tls_port)
            raise
        self._asked = asked
        logger.info("listening on %s from now on", self)

    def close(self) -> None:
        """Listen no more. The file of the unix socket is deleted, unless another server took its place."""
        self._close_tcp()
        if self._unix is not None:
            if _identity(self._unix_path) == self._unix_file:
                self._unix_path.unlink(missing_ok=True)
            close_listener(self._unix, self._backend)
            self._unix = None

    def accept(self, backend: Backends, admit: Admit, admit_tls: Admit) -> None:
        """Accept connections from now on: by `admit`, or by `admit_tls` those that come to the port of TLS."""
        self._backend, self._admit, self._admit_tls = backend, admit, admit_tls
        self._accept_from(self._tls, admit_tls)
        self._accept_from(self._sockets(), admit)

    @property
    def address(self) -> Address:
        """The first address."""
        host, port = self._tcp[0].getsockname()[:2] if self._tcp else ("", 0)
        tls_host, tls_port = self._tls[0].getsockname()[:2] if self._tls else ("", 0)
        return Address(host or tls_host, port, None if self._unix is None else self._unix.getsockname(), tls_port)

    def __str__(self) -> str:
        """All addresses, for the log."""
        names = [display_address(*sock.getsockname()[:2]) for sock in self._tcp]
        names += [f"{display_address(*sock.getsockname()[:2])} (TLS)" for sock in self._tls]
        if self._unix is not None:
            names.append(self._unix.getsockname())
        return " and ".join(names)

    def _sockets(self) -> list[socket.socket]:
        """Those of plain connections."""
        return self._tcp if self._unix is None else [*self._tcp, self._unix]

    def _open_tcp(self, hosts: Sequence[str], port: int, tls_port: int) -> None:
        if hosts and (port or not (self._config.unixsocket or tls_port)):
            self._tcp = listen(hosts, port, self._config)
        if hosts and tls_port:
            self._tls = listen(hosts, tls_port, self._config)
        self._accept_from(self._tcp, self._admit)
        self._accept_from(self._tls, self._admit_tls)

    def _accept_from(self, sockets: Sequence[socket.socket], admit: Admit | None) -> None:
        if self._backend is not None and admit is not None:
            for sock in sockets:
                self._backend.accept(Door(sock, admit, self._config))

    def _close_tcp(self) -> None:
        for sock in [*self._tcp, *self._tls]:
            close_listener(sock, self._backend)
        self._tcp, self._tls = [], []


def close_listener(sock: socket.socket, backend: Backends | None) -> None:
    """Close a listening socket; the backend is the one that accepts from it."""
    if backend is not None:
        backend.stop_accepting(sock)
    try:
        sock.shutdown(socket.SHUT_RDWR)  # or a process that was forked off us would go on listening
    except OSError:
        pass  # Linux only
    sock.close()


def _identity(path: Path) -> tuple[int, int]:
    """What tells a file from another of the same name; zeros if there is none."""
    try:
        status = os.lstat(path)
    except OSError:
        return 0, 0
    return status.st_dev, status.st_ino
