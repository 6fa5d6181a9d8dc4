"""Peers that misbehave, and calls in threads.

A store blocks its thread, so that nothing here runs in the loop of the test. Nobody sleeps either: threads meet by
events and by the store's own waits, with limits that only a hanging program reaches.
"""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import hiredis

from respstore import Store

PATIENCE = 20.0
"""Seconds for what happens at once on an idle machine."""


@contextlib.contextmanager
def peer(*answers: bytes | None, backlog: int = 16) -> Iterator[int]:
    """A listening socket that gives each connection in turn one of the answers, when it has heard something.

    After its answer it hangs up. None stands for a peer that reads and never answers; when the answers are used up,
    nobody is accepted any more.

    Yields:
        The port.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=backlog) as listener:
        held: list[socket.socket] = []

        def run() -> None:
            for given in answers:
                try:
                    connection, _ = listener.accept()
                    held.append(connection)
                    connection.recv(1 << 16)
                    if given is not None:
                        connection.sendall(given)
                        connection.shutdown(socket.SHUT_RDWR)
                except OSError:  # the test is over
                    return

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for connection in held:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            thread.join(PATIENCE)
            for connection in held:
                connection.close()


@contextlib.contextmanager
def fake_server(answer: Callable[[list[bytes]], bytes]) -> Iterator[int]:
    """A server that answers every request on every connection with what a function gives, in a thread for each.

    Yields:
        The port.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connections: list[socket.socket] = []

        def serve(connection: socket.socket) -> None:
            reader = hiredis.Reader()
            with contextlib.suppress(OSError):
                while data := connection.recv(1 << 16):
                    reader.feed(data)
                    while (request := reader.gets()) is not False:
                        connection.sendall(answer(request))

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    connections.append(connection)
                    threading.Thread(target=serve, args=(connection,), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(PATIENCE)
            for connection in connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
                connection.close()


class Background:
    """A call in a thread of its own; `result` waits for its end and gives what it returned or raised."""

    def __init__(self, function: Callable[..., Any], *args: Any, **options: Any) -> None:
        self._outcome: list[tuple[bool, Any]] = []

        def run() -> None:
            try:
                self._outcome.append((True, function(*args, **options)))
            except BaseException as error:  # noqa: BLE001 - handed on
                self._outcome.append((False, error))

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()

    def is_over(self) -> bool:
        return not self._thread.is_alive()

    def result(self, patience: float = PATIENCE) -> Any:
        self._thread.join(patience)
        assert self._outcome, "still running"
        succeeded, value = self._outcome[0]
        if not succeeded:
            raise value
        return value


def until_blocked(store: Store, count: int) -> None:
    """Until so many clients of the store's server wait there."""
    while b"blocked_clients:%d\r\n" % count not in store._ask("INFO", "clients"):
        pass
