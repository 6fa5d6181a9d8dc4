"""respstore.Store, and torch's C++ client on respstore, beside torch's TCPStore; how fast who waits is released.

All are used by the same program (store_program.py), in turn, each against a server started for it. TCPStore
looks its peers' names up four times per connection, and stands still for seconds where no name server answers: so all
run where names are looked up in files only, in a mount namespace of their own; and once more, a few clients, where a
name server takes 100 ms to know nothing.

Who waits is connections of this process, which sends and counts bytes, so that the server is measured and no client.
"""

import contextlib
import json
import os
import selectors
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from compat.bench.figures import (
    BARRIER_BAR,
    JOIN_BARS,
    KEY_BAR,
    STORE_BARS,
    WIRE_BARRIER_BAR,
    WIRE_BARS,
    Bar,
    Figure,
    Measure,
)
from compat.bench.limits import allow_open_files
from compat.bench.pipeline import pack
from compat.servers import REPOSITORY, RunningServer, ServerError, free_port, respstore_server

TIME_LIMIT = 180.0
"""Seconds after which a program is given up."""
MEMBERS = 1024
WAITERS = 10_000
FEW = 8
NAME_SERVICE = "passwd: files\nhosts: files\n"
NAME_SERVER = ("127.0.0.253", 53)
NAME_SECONDS = 0.1
NO_SUCH_NAME = 0x8183
"""Flags of a DNS reply (RFC 1035, 4.1.1): it is one, recursion was asked for and is there, the name does not exist."""
SLOW_NAMES = f"{FEW} clients join where a name server takes {NAME_SECONDS * 1000:.0f} ms, s"
BARRIER_NAME = f"{MEMBERS:,} clients pass a barrier, s"


@attrs.frozen
class Contestant:
    """A client on a server: each is `tcpstore` or `respstore`."""

    client: str
    server: str


THEIRS = Contestant("tcpstore", "tcpstore")
STORE = Contestant("respstore", "respstore")
WIRE = Contestant("tcpstore", "respstore")
CONTESTANTS = (THEIRS, STORE, WIRE)


@attrs.frozen
class Comparison:
    """Figures beside those of TCPStore's own: of respstore.Store, and of torch's C++ client on respstore."""

    store: tuple[Figure, ...]
    wire: tuple[Figure, ...]


def compare_stores(rounds: int, step: Callable[[], None]) -> Comparison:
    """Latencies in microseconds, and times to join and to pass a barrier in seconds, `rounds` times each, in turn.

    `step` is called twice in each round. Raises ServerError when something does not run.
    """
    taken: dict[tuple[Contestant, str], list[float]] = defaultdict(list)

    def measure(contestant: Contestant, *what: str) -> Any:
        with store_server(contestant.server, wrapper) as port:
            return run_program(wrapper, contestant.client, port, *what)

    with without_name_servers() as wrapper:
        for _ in range(rounds):
            for contestant in CONTESTANTS:
                for name, value in measure(contestant, "latency").items():
                    taken[contestant, name].append(value)
            step()
            for count in JOIN_BARS:
                for contestant in CONTESTANTS:
                    taken[contestant, join_name(count)].append(measure(contestant, "join", str(count)))
            for contestant in (THEIRS, WIRE):
                taken[contestant, BARRIER_NAME].append(measure(contestant, "barrier", str(MEMBERS)))
            step()
    with slow_name_server() as wrapper:
        for _ in range(rounds):
            for contestant in CONTESTANTS:
                taken[contestant, SLOW_NAMES].append(measure(contestant, "join", str(FEW)))

    def figures(contestant: Contestant, bars: Mapping[str, Bar | None]) -> tuple[Figure, ...]:
        names = {name: f"{name}, us" if name in STORE_BARS else name for name in bars}
        return tuple(
            Figure(names[name], tuple(taken[THEIRS, name]), tuple(taken[contestant, name]), bar)
            for name, bar in bars.items()
        )

    joins = {join_name(count): bar for count, bar in JOIN_BARS.items()}
    return Comparison(
        figures(STORE, STORE_BARS | joins | {SLOW_NAMES: None}),
        figures(WIRE, WIRE_BARS | joins | {BARRIER_NAME: WIRE_BARRIER_BAR, SLOW_NAMES: None}),
    )


def join_name(count: int) -> str:
    """What the page calls the time in which so many clients join."""
    return f"{count:,} clients join, add, wait, read, s"


def measure_releases(rounds: int, step: Callable[[], None]) -> tuple[Measure, ...]:
    """Milliseconds from what releases clients to the last of their replies, `rounds` times each."""
    barrier: list[float] = []
    key: list[float] = []
    for _ in range(rounds):
        with respstore_server("--maxclients", str(WAITERS + 100)) as server:
            barrier.append(release_barrier(server, MEMBERS))
            key.append(release_key(server, WAITERS))
        step()
    return (
        Measure(f"barrier of {MEMBERS:,}: last arrival to last reply, ms", tuple(barrier), BARRIER_BAR),
        Measure(f"{WAITERS:,} clients wait for one key: SET to last reply, ms", tuple(key), KEY_BAR),
    )


def release_barrier(server: RunningServer, members: int) -> float:
    """Milliseconds in which the last of the members sets all free, itself included."""
    requests = [pack(b"BARRIER", b"start", b"%d" % members, b"MEMBER", b"%d" % member) for member in range(members)]
    with parked(server, requests[:-1]) as crowd, server.connect() as last:
        crowd.register(last, selectors.EVENT_READ)
        return time_release(crowd, lambda: last.sendall(requests[-1]))


def release_key(server: RunningServer, waiters: int) -> float:
    """Milliseconds in which one SET sets all free who wait for its key."""
    with parked(server, [pack(b"BGET", b"key", b"0")] * waiters) as crowd, server.connect() as setter:
        return time_release(crowd, lambda: setter.sendall(pack(b"SET", b"key", b"value")))


@contextlib.contextmanager
def parked(server: RunningServer, requests: Sequence[bytes]) -> Iterator[selectors.BaseSelector]:
    """Connections that each sent one request and wait."""
    allow_open_files(len(requests) + 200)
    with contextlib.ExitStack() as opened, selectors.DefaultSelector() as crowd, server.client() as observer:
        for request in requests:
            connection = opened.enter_context(server.connect())
            connection.sendall(request)
            crowd.register(connection, selectors.EVENT_READ)
        deadline = time.monotonic() + TIME_LIMIT
        while (blocked := observer.info("clients")["blocked_clients"]) < len(requests):
            if time.monotonic() > deadline:
                raise ServerError(f"{blocked} of {len(requests)} clients wait after {TIME_LIMIT:g} s")
        yield crowd


def time_release(crowd: selectors.BaseSelector, release: Callable[[], None]) -> float:
    """Milliseconds until everybody in the crowd has got a reply."""
    waiting = len(crowd.get_map())
    start = time.perf_counter()
    release()
    while waiting:
        ready = crowd.select(TIME_LIMIT)
        if not ready:
            raise ServerError(f"{waiting} clients were not set free within {TIME_LIMIT:g} s")
        for key, _ in ready:
            reply = key.fileobj.recv(100)  # type: ignore[union-attr]
            if reply[:1] in {b"", b"-"}:
                raise ServerError(f"a client that waited was answered {reply!r}")
        waiting -= len(ready)
    return (time.perf_counter() - start) * 1000


@contextlib.contextmanager
def without_name_servers() -> Iterator[tuple[str, ...]]:
    """A command to put in front of another, which then looks names up in files only. Raises ServerError without one."""
    with _with_file("/etc/nsswitch.conf", NAME_SERVICE) as wrapper:
        yield wrapper


@contextlib.contextmanager
def slow_name_server() -> Iterator[tuple[str, ...]]:
    """The same, for a place where a name server of ours takes NAME_SECONDS to say that it knows no name."""

    def answer(query: bytes, client: Any) -> None:
        reply = query[:2] + struct.pack("!HHHHH", NO_SUCH_NAME, 1, 0, 0, 0) + query[12:]
        threading.Timer(NAME_SECONDS, server.sendto, (reply, client)).start()

    def serve() -> None:
        while (received := server.recvfrom(512))[0]:
            answer(*received)

    with socket.socket(type=socket.SOCK_DGRAM) as server:
        try:
            server.bind(NAME_SERVER)
        except OSError as error:
            raise ServerError(f"no name server can run on {NAME_SERVER}: {error}") from error
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            with _with_file("/etc/resolv.conf", f"nameserver {NAME_SERVER[0]}\n") as wrapper:
                yield wrapper
        finally:
            server.sendto(b"", NAME_SERVER)
            thread.join()


@contextlib.contextmanager
def _with_file(path: str, text: str) -> Iterator[tuple[str, ...]]:
    """A command to put in front of another, which then finds a file of this text there."""
    if shutil.which("unshare") is None:
        raise ServerError("unshare is not in PATH (util-linux): TCPStore cannot be kept from asking name servers")
    with tempfile.TemporaryDirectory(prefix="respstore-bench-") as folder:
        file = Path(folder) / "file"
        file.write_text(text)
        as_root = () if os.geteuid() == 0 else ("--map-root-user",)
        yield ("unshare", "--mount", *as_root, "sh", "-c", f'mount --bind "$0" {path} && exec "$@"', str(file))


@contextlib.contextmanager
def store_server(kind: str, wrapper: Sequence[str]) -> Iterator[int]:
    """A server of the kind on a port of its own, empty."""
    allow_open_files(max(JOIN_BARS) + 200)  # the server inherits it
    if kind == "respstore":
        with respstore_server() as server:
            yield server.port
        return
    port = free_port()
    process = subprocess.Popen(
        program(wrapper, kind, port, "serve"), cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        if process.stdout.readline() != b"ready\n":
            raise ServerError("TCPStore does not start; `make bench` installs torch (the extra `compat`)")
        yield port
    finally:
        process.communicate()


def run_program(wrapper: Sequence[str], kind: str, port: int, *arguments: str) -> Any:
    """What store_program.py printed. Raises ServerError when it fails."""
    try:
        run = subprocess.run(
            program(wrapper, kind, port, *arguments),
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ServerError(f"{' '.join(arguments)} on {kind} took longer than {TIME_LIMIT:g} s") from error
    if run.returncode:
        raise ServerError(f"{' '.join(arguments)} on {kind} failed:\n{run.stderr}")
    return json.loads(run.stdout)


def program(wrapper: Sequence[str], kind: str, port: int, *arguments: str) -> list[str]:
    """The command line of store_program.py."""
    return [*wrapper, sys.executable, "-m", "compat.bench.store_program", kind, str(port), *arguments]
