"""Namespaces: one server carries many torch jobs, each on a port of its own and with its own prefix to all keys.

torch's TCPStore protocol knows no databases and no prefixes, so the port that a client comes to says whose keys it
sees: those of the namespace `job` are `job/k` to everybody else, in database 0. A namespace is opened by the directive
`tcpstore-port` for as long as the server runs, or by C10D OPEN. A client that speaks RESP and puts the prefix there by
itself becomes one of its clients by C10D JOIN, which needs no port.

A job leaves its keys behind. They go `tcpstore-namespace-ttl` seconds (3600; 0: they stay) after its last client has
left, however it left, and with them a port that C10D OPEN has opened, or when C10D CLOSE says so. Whoever comes
meanwhile keeps them.

What must stay true: no namespace with a port lies within another one that is known, nor another one within it, for the
keys of both would be those of one. Without ports they may; the keys of the inner one do not go with the outer one's.
"""

import logging
from typing import TYPE_CHECKING, Final, Protocol

from respstore import errors, own_errors
from respstore.errors import RespError
from respstore.wording import escaped

if TYPE_CHECKING:
    from respstore.config import Config
    from respstore.engine.session import Session
    from respstore.keyspace import Database

logger = logging.getLogger("respstore")

LONGEST_NAME: Final = 200


class Namespace:
    """A namespace that is open, or whose keys are still to go.

    Attributes:
        name: empty for the one that has no prefix, whose keys never go.
        prefix: what its keys begin with.
        port: where torch clients reach it, 0 if they do not, or not any more.
        trusts_all: it serves who knows no password though the server requires one, and comes from anywhere.
        is_lasting: the configuration has opened it.
        clients: who is connected, in order of arrival.
        expires: when its keys go (monotonic clock, seconds), None while somebody is there.
    """

    __slots__ = ("clients", "expires", "is_lasting", "name", "port", "prefix", "trusts_all")

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.prefix = name + b"/" if name else b""
        self.port = 0
        self.trusts_all = False
        self.is_lasting = False
        self.clients: dict[Session, None] = {}
        self.expires: float | None = None


class Ports(Protocol):
    """What opens and closes ports; `server/` does."""

    def open(self, namespace: Namespace, port: int) -> int:
        """Listen on a port, 0 for a free one, and give its number; raises OSError."""

    def close(self, namespace: Namespace) -> None:
        """Listen no more."""


class Namespaces:
    """All namespaces of a server.

    Args:
        config: its options.
        db: where the keys are.

    Attributes:
        named: by name, those whose keys are still to go included.
        ports: given by the server before it opens the first.
    """

    __slots__ = ("_config", "_db", "named", "ports")

    def __init__(self, config: "Config", db: "Database") -> None:
        self._config = config
        self._db = db
        self.named: dict[bytes, Namespace] = {}
        self.ports: Ports | None = None

    def open(
        self, name: bytes, now: float, *, port: int = 0, trusts_all: bool = False, is_lasting: bool = False
    ) -> Namespace:
        """Open a namespace; one that is open already in the same way is given as it is.

        Args:
            name: what `check_name` lets pass, or empty.
            now: the monotonic clock, in seconds.
            port: where, 0 for a free port.
            trusts_all, is_lasting: as of the Namespace.

        Raises:
            RespError: it is open in another way, or lies within another one.
            OSError: the port cannot be had.
        """
        namespace = self.find(name, for_port=True)
        if namespace.port:
            if port not in (0, namespace.port) or trusts_all != namespace.trusts_all:
                raise own_errors.namespace_open(name, namespace.port)
            return namespace
        if self.ports is None:
            raise RespError(errors.SHUTTING_DOWN)
        namespace.port = self.ports.open(namespace, port)
        namespace.trusts_all = trusts_all
        namespace.is_lasting = is_lasting
        self.named[name] = namespace
        if not is_lasting and not namespace.clients:
            self._wait_for_expiry(namespace, now)
        logger.info("torch clients are served on port %d (%s)", namespace.port, _described(namespace))
        return namespace

    def close(self, name: bytes, now: float, *, delete: bool, caller: "Session | None" = None) -> None:
        """Close a namespace and the connections of its clients; with `delete`, its keys go at once.

        The caller is to hear of it: if it is one of the clients, it is none any more, and stays connected.

        Raises:
            RespError: there is none of that name.
        """
        namespace = self.named.get(name)
        if namespace is None:
            raise own_errors.no_such_namespace(name)
        self._stop_listening(namespace)
        for client in list(namespace.clients):
            if client is caller:
                client.join(None)
            else:
                client.abort()
        if delete:
            self._delete_keys(namespace)
        if delete or not self._wait_for_expiry(namespace, now):
            self._forget(namespace)

    def find(self, name: bytes, *, for_port: bool = False) -> Namespace:
        """The namespace of a name, or a new one, which is known when it is opened or has a client.

        Args:
            name: as of `open`.
            for_port: whether it has, or is to have, a port.

        Raises:
            RespError: it would lie within another one, or another one within it, though one of them has a port.
        """
        namespace = self.named.get(name) or Namespace(name)
        for other in self.named.values():
            if (
                (for_port or other.port)
                and other is not namespace
                and name
                and other.name
                and _overlap(namespace.prefix, other.prefix)
            ):
                raise own_errors.namespaces_overlap(name, other.name)
        return namespace

    def join(self, namespace: Namespace, client: "Session") -> None:
        """A client has come."""
        self.named[namespace.name] = namespace
        namespace.clients[client] = None
        namespace.expires = None

    def leave(self, namespace: Namespace, client: "Session", now: float) -> None:
        """A client has gone, at `now` on the monotonic clock in seconds."""
        del namespace.clients[client]
        if not namespace.clients and not self._wait_for_expiry(namespace, now) and not namespace.port:
            self._forget(namespace)

    def expire(self, now: float) -> None:
        """Delete the keys whose time is over; to be called now and then."""
        for namespace in list(self.named.values()):
            if namespace.expires is None or now < namespace.expires:
                continue
            namespace.expires = None
            self._delete_keys(namespace)
            if not namespace.is_lasting:
                self._stop_listening(namespace)
            if not namespace.port:
                self._forget(namespace)

    def _wait_for_expiry(self, namespace: Namespace, now: float) -> bool:
        """Let the keys of a namespace without clients go later on, if they are to go at all."""
        seconds = self._config.tcpstore_namespace_ttl
        if not seconds or not namespace.name:
            return False
        namespace.expires = now + seconds
        return True

    def _forget(self, namespace: Namespace) -> None:
        if self.named.get(namespace.name) is namespace:
            del self.named[namespace.name]

    def _stop_listening(self, namespace: Namespace) -> None:
        if namespace.port and self.ports is not None:
            self.ports.close(namespace)
            logger.info("port %d is closed (%s)", namespace.port, _described(namespace))
        namespace.port = 0

    def _delete_keys(self, namespace: Namespace) -> None:
        db, prefix = self._db, namespace.prefix
        inner = tuple(
            other.prefix for other in self.named.values() if other is not namespace and other.prefix.startswith(prefix)
        )
        doomed = [key for key in db.data if key.startswith(prefix) and not key.startswith(inner)]
        for key in doomed:
            db.delete(key)
            db.propagate(b"DEL", key)
        logger.info("%d keys are deleted (%s)", len(doomed), _described(namespace))


def check_name(name: bytes) -> bytes:
    """A name for a namespace, as it is.

    Raises:
        RespError: it is empty or too long, or has spaces or control characters, or a slash at an end.
    """
    if not name or len(name) > LONGEST_NAME or not all(33 <= byte < 127 for byte in name) or name.strip(b"/") != name:
        raise RespError(own_errors.NAMESPACE_NAME)
    return name


def _overlap(one: bytes, other: bytes) -> bool:
    return one.startswith(other) or other.startswith(one)


def _described(namespace: Namespace) -> str:
    return f"namespace '{escaped(namespace.name)}'" if namespace.name else "no namespace"
