"""respstore.Store beside torch's TCPStore, and how fast respstore lets go those who wait.

Both stores are used by the same program (store_program.py), in turn, each against a server started for it. TCPStore
looks its peers' names up four times per connection, and stands still for seconds where no name server answers: here
both run where names are looked up in files only, in a mount namespace of their own.

Who waits is connections of this process, which sends and counts bytes, so that the server is measured and no client.
"""

import contextlib
import json
import os
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from compat.bench.figures import BARRIER_BAR, JOIN_BARS, KEY_BAR, STORE_BARS, Bar, Figure, Measure
from compat.bench.limits import allow_open_files
from compat.bench.pipeline import pack
from compat.servers import REPOSITORY, RunningServer, ServerError, free_port, respstore_server

TIME_LIMIT = 180.0
"""Seconds after which a program is given up."""
MEMBERS = 1024
WAITERS = 10_000
NAME_SERVICE = "passwd: files\nhosts: files\n"
KINDS = ("tcpstore", "respstore")


def compare_stores(rounds: int, step: Callable[[], None]) -> tuple[Figure, ...]:
    """Latencies in microseconds and times to join in seconds, `rounds` times each, in turn.

    `step` is called after each round. Raises ServerError when something does not run.
    """
    latencies: dict[str, dict[str, list[float]]] = {kind: {name: [] for name in STORE_BARS} for kind in KINDS}
    joins: dict[str, dict[int, list[float]]] = {kind: {count: [] for count in JOIN_BARS} for kind in KINDS}
    with without_name_servers() as wrapper:
        for _ in range(rounds):
            for kind in KINDS:
                with store_server(kind, wrapper) as port:
                    for name, value in run_program(wrapper, kind, port, "latency").items():
                        latencies[kind][name].append(value)
            step()
            for count in JOIN_BARS:
                for kind in KINDS:
                    with store_server(kind, wrapper) as port:
                        joins[kind][count].append(run_program(wrapper, kind, port, "join", str(count)))
            step()

    def figure(name: str, values: Callable[[str], list[float]], bar: Bar | None) -> Figure:
        return Figure(name, *(tuple(values(kind)) for kind in KINDS), bar)

    return (
        *(figure(f"{name}, us", lambda kind, n=name: latencies[kind][n], bar) for name, bar in STORE_BARS.items()),
        *(
            figure(f"{count:,} clients join, add, wait, read, s", lambda kind, n=count: joins[kind][n], bar)
            for count, bar in JOIN_BARS.items()
        ),
    )


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
    if shutil.which("unshare") is None:
        raise ServerError("unshare is not in PATH (util-linux): TCPStore cannot be kept from asking name servers")
    with tempfile.TemporaryDirectory(prefix="respstore-bench-") as folder:
        file = Path(folder) / "nsswitch.conf"
        file.write_text(NAME_SERVICE)
        script = 'mount --bind "$0" /etc/nsswitch.conf && exec "$@"'
        as_root = () if os.geteuid() == 0 else ("--map-root-user",)
        yield ("unshare", "--mount", *as_root, "sh", "-c", script, str(file))


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
