"""The ports of torch jobs: listening sockets that belong to a namespace (engine/namespaces.py), opened at any time."""

import errno
import socket
from collections.abc import Callable
from functools import partial

import trio

from respstore.config import Config
from respstore.engine.namespaces import Namespace
from respstore.ports import listen_tcp
from respstore.server.accepting import accept_connections
from respstore.server.listeners import backlog, close_listener


class TCPStorePorts:
    """The listening sockets of all namespaces.

    Args:
        config: `bind` and `tcp-backlog` hold for them, too.
        admit: what to do with each accepted, non-blocking socket that came to a namespace.
    """

    def __init__(self, config: Config, admit: Callable[[Namespace, socket.socket], None]) -> None:
        self._config = config
        self._admit = admit
        self._sockets: dict[Namespace, list[socket.socket]] = {}
        self._nursery: trio.Nursery | None = None

    def open(self, namespace: Namespace, port: int) -> int:
        """Listen; before `accept` connections wait in the backlog.

        Returns:
            The port.

        Raises:
            PortInUseError: somebody else holds it.
            OSError: it cannot be had for another reason.
        """
        sockets = listen_tcp(self._config.bind, port, backlog(self._config))
        if not sockets:
            raise OSError(errno.EADDRNOTAVAIL, "there is no address to listen on: see 'bind'")
        self._sockets[namespace] = sockets
        self._accept_from(namespace)
        return int(sockets[0].getsockname()[1])

    def close(self, namespace: Namespace) -> None:
        """Listen no more."""
        for sock in self._sockets.pop(namespace, []):
            close_listener(sock, in_use=self._nursery is not None)

    def close_all(self) -> None:
        """Close the ports of all namespaces."""
        for namespace in list(self._sockets):
            self.close(namespace)

    async def accept(self) -> None:
        """Accept connections until cancelled."""
        try:
            async with trio.open_nursery() as self._nursery:
                for namespace in self._sockets:
                    self._accept_from(namespace)
                await trio.sleep_forever()
        finally:
            self._nursery = None

    def _accept_from(self, namespace: Namespace) -> None:
        if self._nursery is not None:
            for sock in self._sockets[namespace]:
                self._nursery.start_soon(accept_connections, sock, partial(self._admit, namespace))
