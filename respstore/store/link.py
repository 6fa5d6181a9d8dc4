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
from typing import Any, Final

from hiredis import ReplyError

from respstore import errors
from respstore.errors import StoreConnectionError, StoreError, StoreTimeoutError
from respstore.store.connection import Connection, LostError, NotSentError, StrangerError, connect, describe, pack
from respstore.store.operations import Name
from respstore.store.target import Target

FRESH_SECONDS: Final = 0.01
"""A connection that was used so short a time ago is taken to be there still; another one is looked at first."""

FIRST_PAUSE: Final = 0.02
LONGEST_PAUSE: Final = 1.0
"""Seconds between two attempts to connect: they double, and are cut at random so that a job does not come in step."""

PASSING: Final = ("LOADING ", "MASTERDOWN ", "CLUSTERDOWN ", "TRYAGAIN ", errors.MAX_CLIENTS, errors.SHUTTING_DOWN)
"""How error replies begin that say: not now, nothing was done."""


def grace(limit: float) -> float:
    """How much later than after `limit` seconds a silent server is given up; who answers in time is heard."""
    return 0.025 + min(limit * 0.05, 1.0)


class Link:
    """The connections of one store to one server.

    Args:
        target: where it is.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self._idle: list[Connection] = []
        self._all: set[Connection] = set()
        self._pid = os.getpid()
        self._is_closed = False
        self._tls = target.tls_context()

    def call(
        self,
        request: bytes,
        limit: float,
        *,
        repeatable: bool,
        repack: Callable[[float, bool], bytes] | None = None,
        key: Name | None = None,
        commands: int = 1,
    ) -> Any:
        """Send a request, and wait for its reply.

        Args:
            request: packed.
            limit: seconds, infinity for ever. A server that is silent is given up some 5 % later.
            repeatable: whether the server may execute it twice.
            repack: makes the request anew for the seconds that are left; for requests that name their time limit. It
                is told whether the server may have executed the request before.
            key: the key that it is about; in a cluster it decides where the request goes.
            commands: of how many commands it consists.

        Returns:
            The reply, as hiredis reads it, or a list of replies if there are several commands; an error reply is
            returned as a hiredis.ReplyError.

        Raises:
            StoreConnectionError: the server could not be reached, or was lost in the middle of what is not repeatable.
            StoreTimeoutError: no reply came in time.
            StoreError: the store is closed.
        """
        start = monotonic()
        deadline = start + limit + grace(limit)
        pause = 0.0
        was_executed = False
        while True:
            connection = self._take(deadline, limit)
            try:
                if commands == 1:
                    reply = first = connection.exchange(request, deadline)
                else:
                    reply = connection.exchange_all(request, commands, deadline)
                    first = reply[0]
            except (NotSentError, LostError, StrangerError, TimeoutError) as error:
                self._drop(connection)
                cause = self._judge(error, limit, repeatable)
                was_executed |= isinstance(error, LostError)
            except BaseException:
                self._drop(connection)
                raise
            else:
                if self._is_closed:
                    self._drop(connection)
                    return reply
                if first.__class__ is not ReplyError or not str(first).startswith(PASSING):
                    self._idle.append(connection)
                    return reply
                self._drop(connection)
                cause = str(first)
            now = monotonic()
            if now + pause >= deadline:
                raise self._unreachable(limit, cause)
            sleep(pause)
            pause = next_pause(pause)
            if repack is not None:
                request = repack(max(start + limit - monotonic(), 0.001), was_executed)

    def groups(self, names: list[Name]) -> list[list[Name]]:
        """The keys, those together that one request can be about: here all of them."""
        return [names]

    def close(self) -> None:
        """Close all connections; who waits on one gets a StoreError."""
        self._is_closed = True
        connections = list(self._all)
        if os.getpid() == self._pid:
            for connection in connections:
                connection.interrupt()
        while self._idle:
            self._drop(self._idle.pop())

    def _take(self, deadline: float, limit: float) -> Connection:
        if os.getpid() != self._pid:
            self._forget()
        now = monotonic()
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread was faster
                break
            if now - connection.used_at < FRESH_SECONDS or not connection.is_stale():
                connection.used_at = now
                return connection
            self._drop(connection)
        return self._connect(deadline, limit)

    def _connect(self, deadline: float, limit: float) -> Connection:
        pause = FIRST_PAUSE
        while True:
            if self._is_closed:
                raise StoreError("the store is closed")
            try:
                return self._open(deadline)
            except ssl.SSLCertVerificationError as error:  # which no waiting will cure
                raise StoreConnectionError(f"cannot trust {self.target.node}: {error.verify_message}") from None
            except StrangerError as error:
                raise self._stranger(error) from None
            except (OSError, NotSentError, LostError) as error:
                cause = describe(error) if isinstance(error, OSError) else str(error)
            left = deadline - monotonic()
            if left <= 0:
                raise self._unreachable(limit, cause)
            sleep(min(pause, left))
            if monotonic() >= deadline:
                raise self._unreachable(limit, cause)
            pause = next_pause(pause)

    def _open(self, deadline: float) -> Connection:
        """A new connection, past its greeting."""
        connection = connect(self.target.node, self._tls, deadline)
        try:
            greeting = self.target.greeting()
            if greeting:
                request = b"".join(map(pack, greeting))
                for reply in connection.exchange_all(request, len(greeting), deadline):
                    self._check_greeting(reply)
        except BaseException:
            connection.close()
            raise
        self._all.add(connection)
        if self._is_closed:  # by another thread, which has not seen this connection
            connection.interrupt()
        return connection

    def _check_greeting(self, reply: Any) -> None:
        if isinstance(reply, ReplyError):
            if str(reply).startswith(PASSING):
                raise LostError(str(reply))
            raise StoreError(f"{self.target.node} refuses us: {reply}")

    def _judge(self, error: Exception, limit: float, repeatable: bool) -> str:
        """Raises what ends the call because of an error of an exchange.

        Returns:
            The cause, where the request may be sent again.
        """
        if self._is_closed:
            raise StoreError("the store is closed") from None
        if isinstance(error, TimeoutError):
            raise StoreTimeoutError(f"{self.target.node} did not answer within {limit:g} s", waited=limit) from None
        if isinstance(error, StrangerError):
            raise self._stranger(error) from None
        if isinstance(error, LostError) and not repeatable:
            raise StoreConnectionError(
                f"lost {self.target.node} before its reply: {error}; the request may or may not have been executed"
            ) from None
        return str(error)

    def _unreachable(self, limit: float, cause: str) -> StoreConnectionError:
        return StoreConnectionError(f"cannot reach {self.target.node} within {limit:g} s: {cause}")

    def _stranger(self, error: StrangerError) -> StoreConnectionError:
        return StoreConnectionError(f"{self.target.node} does not speak Redis's protocol: {error}")

    def _drop(self, connection: Connection) -> None:
        self._all.discard(connection)
        connection.close()

    def _forget(self) -> None:
        """Begin anew in a forked process. Closing a socket here takes nothing from the parent, who has it still."""
        self._pid = os.getpid()
        inherited, self._all, self._idle = self._all, set(), []
        for connection in inherited:
            connection.close()


def next_pause(pause: float) -> float:
    """The pause after one of so many seconds."""
    return min(max(pause * 2, FIRST_PAUSE), LONGEST_PAUSE) * random.uniform(0.75, 1.0)
