"""The ports of torch jobs: listening sockets that belong to a namespace (engine/namespaces.py), opened at any time."""

import errno
import socket
from collections.abc import Callable
from functools import partial
from typing import Any

from respstore.config import Config
from respstore.engine.namespaces import Namespace
from respstore.server.accepting import Door
from respstore.server.backends import Backends
from respstore.server.listeners import close_listener, listen


class TCPStorePorts:
    """The listening sockets of all namespaces.

    Args:
        config: `bind` and `tcp-backlog` hold for them, too.
        admit: what to do with each accepted, non-blocking socket that came to a namespace, and its peer's address.
    """

    def __init__(self, config: Config, admit: Callable[[Namespace, socket.socket, Any], None]) -> None:
        self._config = config
        self._admit = admit
        self._sockets: dict[Namespace, list[socket.socket]] = {}
        self._backend: Backends | None = None

    def open(self, namespace: Namespace, port: int) -> int:
        """Listen; before `accept` connections wait in the backlog.

        Returns:
            The port.

        Raises:
            PortInUseError: somebody else holds it.
            OSError: it cannot be had for another reason.
        """
        sockets = listen(self._config.bind, port, self._config)
        if not sockets:
            raise OSError(errno.EADDRNOTAVAIL, "there is no address to listen on: see 'bind'")
        self._sockets[namespace] = sockets
        self._accept_from(namespace)
        return int(sockets[0].getsockname()[1])

    def close(self, namespace: Namespace) -> None:
        """Listen no more."""
        for sock in self._sockets.pop(namespace, []):
            close_listener(sock, self._backend)

    def close_all(self) -> None:
        """Close the ports of all namespaces."""
        for namespace in list(self._sockets):
            self.close(namespace)

    def accept(self, backend: Backends) -> None:
        """Accept connections from now on."""
        self._backend = backend
        for namespace in self._sockets:
            self._accept_from(namespace)

    def _accept_from(self, namespace: Namespace) -> None:
        if self._backend is not None:
            for sock in self._sockets[namespace]:
                self._backend.accept(Door(sock, partial(self._admit, namespace), self._config))
