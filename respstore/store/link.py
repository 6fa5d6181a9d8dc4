"""The way to a server, kept up: a request gets its reply, or an error within its time.

Each call takes a connection for itself, an idle one or a new one, so that who waits holds up nobody. There are at most
as many as calls were ever under way at once.

A connection that breaks is made anew, with growing pauses, as long as the time of the call lasts. Whether the request
is sent again depends on what is known of it: before it has left completely, and after an error reply that says so, it
was not executed; else only what is `repeatable` is sent twice, and the rest is a StoreConnectionError.

Threads share a link without a lock: `list.append` and `list.pop` are atomic. After a fork the child lets go of its
copies of the connections and makes its own.
"""

import os
import random
import ssl
from collections.abc import Callable
from time import monotonic, sleep
from typing import Any, ClassVar, Final, TypeVar
from weakref import WeakSet

from hiredis import ReplyError

from respstore import errors
from respstore.exceptions import StoreConnectionError, StoreError, StoreTimeoutError
from respstore.store.connection import Connection, LostError, NotSentError, StrangerError, connect, describe, pack
from respstore.store.operations import UNKNOWN_COMMAND, Name
from respstore.store.target import Node, Target

Item = TypeVar("Item")

FRESH_SECONDS: Final = 0.01
"""A connection that was used so short a time ago is taken to be there still; another one is looked at first."""

FIRST_PAUSE: Final = 0.02
LONGEST_PAUSE: Final = 1.0
"""Seconds between two attempts to connect: they double, and are cut at random so that a job does not come in step."""

PASSING: Final = ("LOADING ", "MASTERDOWN ", "CLUSTERDOWN ", "TRYAGAIN ", errors.MAX_CLIENTS, errors.SHUTTING_DOWN)
"""How error replies begin that say: not now, nothing was done."""


GRACE_SECONDS: Final = 0.04
"""How much later than its time limit, and 5 % of it, a silent server is given up: one that answers in time is heard."""


class Link:
    """The connections of one store to its server.

    Args:
        target: where it is.
    """

    passing: ClassVar[tuple[str, ...]] = PASSING

    def __init__(self, target: Target) -> None:
        self.target = target
        self._idle: dict[Node | None, list[Connection]] = {node: [] for node in target.nodes}
        self._home: list[Connection] | None = self._idle[target.nodes[0]]
        """The idle connections; None where there is more than one server."""
        self._all: set[Connection] = set()
        self._is_closed = False
        self._tls = target.tls_context()
        _links.add(self)

    def call(
        self,
        request: bytes,
        limit: float,
        *,
        repeatable: bool,
        repack: Callable[[float, bool], bytes] | None = None,
        key: Name | Node | None = None,
        commands: int = 1,
    ) -> Any:
        """Send a request, and wait for its reply.

        Args:
            request: packed.
            limit: seconds, infinity for ever. A server that is silent is given up some 5 % later.
            repeatable: whether the server may execute it twice.
            repack: makes the request anew for the seconds that are left; for requests that name their time limit. It
                is told whether the server may have executed the request before.
            key: what decides in a cluster where the request goes: the key that it is about, or a node.
            commands: of how many commands it consists; in a cluster, of one.

        Returns:
            The reply, as hiredis reads it, or a list of replies if there are several commands; an error reply is
            returned as a hiredis.ReplyError.

        Raises:
            StoreConnectionError: the server could not be reached, or was lost in the middle of what is not repeatable.
            StoreTimeoutError: no reply came in time.
            StoreError: the store is closed.
        """
        start = now = monotonic()
        deadline = start + limit + (GRACE_SECONDS + (limit * 0.05 if limit < 20.0 else 1.0))
        pause = 0.0
        was_executed = False
        while True:
            idle = self._idle.get(self._node_of(key)) if self._home is None else self._home
            connection = self._pop(idle, now) or self._connect(deadline, limit, key)
            try:
                if commands == 1:
                    reply = first = connection.exchange(request, deadline)
                    if reply.__class__ is ReplyError:
                        reply = first = self._follow(reply, connection, request, deadline)
                else:
                    reply = connection.exchange_all(request, commands, deadline)
                    first = reply[0]
            except (NotSentError, LostError, StrangerError, TimeoutError) as error:
                self._drop(connection)
                cause = self._judge(error, connection.node, limit, repeatable)
                was_executed |= isinstance(error, LostError)
            except BaseException:
                self._drop(connection)
                raise
            else:
                if self._is_closed:
                    self._drop(connection)
                    return reply
                if first.__class__ is not ReplyError or not str(first).startswith(self.passing):
                    (self._idle[connection.node] if self._home is None else self._home).append(connection)
                    return reply
                self._drop(connection)
                cause = str(first)
            self._doubt(cause)
            now = monotonic()
            if now - connection.used_at > LONGEST_PAUSE:
                pause = 0.0  # it was fine for a while
            if now + pause >= deadline:
                raise self._unreachable(limit, cause)
            sleep(pause)
            now = monotonic()
            pause = next_pause(pause)
            if repack is not None:
                request = repack(max(start + limit - now, 0.001), was_executed)

    def groups(self, items: list[Item], name_of: Callable[[Item], Name]) -> list[list[Item]]:
        """Keys, or what is with them, those together that one request can be about: here all of them."""
        return [items]

    def masters(self, limit: float) -> list[Node]:
        """The nodes that have the keys together, found within so many seconds."""
        return [self.target.nodes[0]]

    def close(self) -> None:
        """Close all connections; who waits on one gets a StoreError."""
        self._is_closed = True
        for connection in list(self._all):
            connection.interrupt()
        for idle in list(self._idle.values()):
            while idle:
                self._drop(idle.pop())

    # How servers are found; sentinels and clusters have their own ways

    def _node_of(self, key: Name | Node | None) -> Node | None:
        """Where a request goes, as far as is known now, where there is more than one server."""
        return None

    def _find(self, key: Name | Node | None, deadline: float) -> Node:
        """Where a request goes; those who know may be asked.

        Raises:
            OSError, NotSentError, LostError: they could not be asked.
        """
        return self.target.nodes[0]

    def _doubt(self, cause: str) -> None:
        """A server did not do what it should; perhaps another one does now."""

    def _follow(self, reply: ReplyError, connection: Connection, request: bytes, deadline: float) -> Any:
        """What a request is answered that an error reply may have directed to another server."""
        return reply

    def _open(self, node: Node, deadline: float) -> Connection:
        """A new connection, past its greeting."""
        return self._greet(connect(node, self._tls, deadline), self.target.greeting(), deadline)

    # Connections

    def _pop(self, idle: list[Connection] | None, now: float) -> Connection | None:
        """One of the idle connections that is there still, if there is one."""
        while idle:
            try:
                connection = idle.pop()
            except IndexError:  # another thread was faster
                break
            if now - connection.used_at < FRESH_SECONDS or not connection.is_stale():
                connection.used_at = now
                return connection
            self._drop(connection)
        return None

    def _connect(self, deadline: float, limit: float, key: Name | Node | None) -> Connection:
        pause = FIRST_PAUSE
        while True:
            if self._is_closed:
                raise StoreError("the store is closed")
            try:
                return self._adopt(self._open(self._find(key, deadline), deadline))
            except ssl.SSLCertVerificationError as error:  # which no waiting will cure
                raise StoreConnectionError(f"cannot trust {self}: {error.verify_message}") from None
            except StrangerError as error:
                raise self._stranger(error) from None
            except (OSError, NotSentError, LostError) as error:
                cause = describe(error) if isinstance(error, OSError) else str(error)
            self._doubt(cause)
            left = deadline - monotonic()
            if left > 0:
                sleep(min(pause, left))
                pause = next_pause(pause)
            if monotonic() >= deadline:
                raise self._unreachable(limit, cause)

    def _greet(self, connection: Connection, greeting: list[tuple[str, ...]], deadline: float) -> Connection:
        if not greeting:
            return connection
        try:
            replies = connection.exchange_all(b"".join(map(pack, greeting)), len(greeting), deadline)
            for command, reply in zip(greeting, replies, strict=True):
                if isinstance(reply, ReplyError):
                    if command[0] == "C10D" and str(reply).startswith(UNKNOWN_COMMAND):
                        continue
                    if str(reply).startswith(self.passing):
                        raise LostError(str(reply))
                    raise StoreError(f"{connection.node} refuses us: {reply}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _adopt(self, connection: Connection) -> Connection:
        self._all.add(connection)
        self._idle.setdefault(connection.node, [])
        if self._is_closed:  # by another thread, which has not seen this connection
            connection.interrupt()
        return connection

    def _drop(self, connection: Connection) -> None:
        self._all.discard(connection)
        connection.close()

    def forget(self) -> None:
        """Begin anew in a forked process. Closing a socket here takes nothing from the parent, who has it still."""
        inherited, self._all = self._all, set()
        for idle in self._idle.values():
            idle.clear()
        for connection in inherited:
            connection.close()

    # Errors

    def _judge(self, error: Exception, node: Node, limit: float, repeatable: bool) -> str:
        """Raises what ends the call because of an error of an exchange.

        Returns:
            The cause, where the request may be sent again.
        """
        if self._is_closed:
            raise StoreError("the store is closed") from None
        if isinstance(error, TimeoutError):
            raise StoreTimeoutError(f"{node} did not answer within {shown(limit)}", waited=limit) from None
        if isinstance(error, StrangerError):
            raise self._stranger(error) from None
        if isinstance(error, LostError) and not repeatable:
            raise StoreConnectionError(
                f"lost {node} before its reply: {error}; the request may or may not have been executed"
            ) from None
        return str(error)

    def _unreachable(self, limit: float, cause: str) -> StoreConnectionError:
        return StoreConnectionError(f"cannot reach {self} within {shown(limit)}: {cause}")

    def _stranger(self, error: StrangerError) -> StoreConnectionError:
        return StoreConnectionError(f"{self} does not speak Redis's protocol: {error}")

    def __str__(self) -> str:
        """Where it leads, for an error."""
        return str(self.target.nodes[0])


_links: Final[WeakSet[Link]] = WeakSet()  # all that this process has


def _forget_all() -> None:
    for link in list(_links):
        link.forget()


os.register_at_fork(after_in_child=_forget_all)


def shown(limit: float) -> str:
    """A time limit for an error, not so exactly that what is left of it a moment later was another one."""
    return f"{round(limit, 2 if limit > 0.1 else 3):.10g} s"


def next_pause(pause: float) -> float:
    """The pause after one of so many seconds."""
    return min(max(pause * 2, FIRST_PAUSE), LONGEST_PAUSE) * random.uniform(0.75, 1.0)
