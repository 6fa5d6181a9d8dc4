"""Memory per small key and per idle connection: the growth of a fresh server's resident memory, divided.

A connection is idle once it has connected, had one PING answered, and then been quiet for long enough that the server
could give back what that PING needed: Redis shrinks the buffers of quiet clients a few seconds later.
"""

import socket
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack

import attrs

from compat.bench.figures import IDLE_CONNECTION_MEMORY_BAR, KEY_MEMORY_BAR, Bar, Figure
from compat.bench.limits import allow_open_files
from compat.bench.pipeline import pack, set_small_keys
from compat.servers import RunningServer, ServerError, redis_server, respstore_server

KEYS = 1_000_000
CONNECTIONS = 10_000

SPARE_FILES = 200
"""What each process may need open besides the idle connections; Redis alone asks for 32."""

QUIET = 5.0
"""Seconds without a change of more than a per cent after which memory counts as settled."""
SETTLE_DEADLINE = 40.0

Start = Callable[..., AbstractContextManager[RunningServer]]


@attrs.frozen
class Sample:
    """What one round showed of one server, in bytes."""

    per_key: float
    per_new_connection: float
    per_idle_connection: float


def compare_memory(rounds: int, step: Callable[[], None]) -> tuple[Figure, ...]:
    """Bytes per small key and per connection, `rounds` times in turn, each on servers started for it.

    `step` is called after each measurement of a server.
    """
    redis: list[Sample] = []
    respstore: list[Sample] = []
    for _ in range(rounds):
        for start, taken in ((redis_server, redis), (respstore_server, respstore)):
            taken.append(Sample(bytes_per_key(start), *bytes_per_connection(start)))
            step()

    def figure(name: str, value: Callable[[Sample], float], bar: Bar | None) -> Figure:
        return Figure(name, tuple(map(value, redis)), tuple(map(value, respstore)), bar)

    return (
        figure(f"small key ({KEYS:,} of them)", lambda sample: sample.per_key, KEY_MEMORY_BAR),
        figure(
            f"idle connection ({CONNECTIONS:,} of them)",
            lambda sample: sample.per_idle_connection,
            IDLE_CONNECTION_MEMORY_BAR,
        ),
        figure("the same, just after its first PING", lambda sample: sample.per_new_connection, None),
    )


def bytes_per_key(start: Start) -> float:
    """Fills a fresh server with KEYS keys of 16 bytes and values of 3."""
    with start() as server:
        before = server.resident_bytes()
        set_small_keys(server, KEYS)
        after = settled_memory(server)
        with server.client() as client:
            if client.dbsize() != KEYS:
                raise ServerError(f"{server.name} holds {client.dbsize()} keys instead of {KEYS}")
        return (after - before) / KEYS


def bytes_per_connection(start: Start) -> tuple[float, float]:
    """Opens CONNECTIONS connections to a fresh server: what one costs at first, and once it has been idle."""
    allow_open_files(CONNECTIONS + SPARE_FILES)  # the server inherits it
    with start("--maxclients", str(CONNECTIONS + 50)) as server, ExitStack() as opened:
        before = server.resident_bytes()
        for _ in range(CONNECTIONS):
            ping(server, opened.enter_context(server.connect()))
        at_first = server.resident_bytes()
        return (at_first - before) / CONNECTIONS, (settled_memory(server) - before) / CONNECTIONS


def ping(server: RunningServer, connection: socket.socket) -> None:
    """One round trip, which shows that the server has accepted the connection. Raises ServerError on another reply."""
    connection.sendall(pack(b"PING"))
    reply = connection.recv(64)
    if reply != b"+PONG\r\n":
        raise ServerError(f"{server.name} answered {reply!r} to a PING")


def settled_memory(server: RunningServer) -> int:
    """The resident memory once it has kept still for QUIET seconds, or after SETTLE_DEADLINE."""
    deadline = time.monotonic() + SETTLE_DEADLINE
    reference, since = server.resident_bytes(), time.monotonic()
    while (now := time.monotonic()) < min(deadline, since + QUIET):
        time.sleep(0.1)
        current = server.resident_bytes()
        if abs(current - reference) > reference / 100:
            reference, since = current, now
    return server.resident_bytes()
