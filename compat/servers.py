"""Server processes that the harnesses in compat/ start, watch and end.

What must stay true: a server is ready when its context is entered (it answered a PING, nothing slept for it), it
listens on loopback alone, its files go to a folder of its own, and it is gone when the context is left, however that
happens.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs
import psutil
import redis

REPOSITORY = Path(__file__).resolve().parent.parent

START_DEADLINE = 20.0
"""Seconds in which a server must answer its first PING; a busy machine starts a Python process in about one."""

STOP_DEADLINE = 10.0
"""Seconds that a server has to end after SIGTERM; then it is killed, and that is an error."""

# Nothing on disk: what is compared is commands. The same directives go to both servers.
IN_MEMORY = ("--bind", "127.0.0.1", "--save", "", "--appendonly", "no")


class ServerError(Exception):
    """A server that the harness needs is not installed, or did not start."""


@attrs.frozen
class RunningServer:
    """A server process of ours that answers on 127.0.0.1:port; it writes to the file `log`."""

    name: str
    port: int
    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def client(self, **options: object) -> redis.Redis:
        """A redis-py client of this server; `options` are redis.Redis's."""
        return redis.Redis(host="127.0.0.1", port=self.port, **options)  # type: ignore[arg-type]

    def connect(self, timeout: float | None = 10.0) -> socket.socket:
        """A bare connection, for those who count bytes; `timeout` in seconds holds for each later call on it."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)

    def cpu_seconds(self) -> float:
        """User and system time that the process has used so far; Linux knows it to the nanosecond."""
        if sys.platform == "linux":
            return time.clock_gettime(~self.pid << 3 | 2)  # clock_getcpuclockid(), which Python does not have
        times = psutil.Process(self.pid).cpu_times()
        return float(times.user + times.system)

    def resident_bytes(self) -> int:
        """Memory of the process that is in RAM now."""
        return int(psutil.Process(self.pid).memory_info().rss)


@contextlib.contextmanager
def redis_server(*args: str) -> Iterator[RunningServer]:
    """Runs a real redis-server, in memory alone, with directives `args` as on its command line, or a file first.

    Raises ServerError when redis-server is not in PATH or does not start.
    """
    with _running("redis-server", [find_program("redis-server")], args) as server:
        yield server


@contextlib.contextmanager
def sentinel_server(*directives: str) -> Iterator[RunningServer]:
    """Runs a redis-server as a sentinel, with directives as in its file: `"monitor main 127.0.0.1 6379 1"`.

    Raises ServerError when redis-server is not in PATH or does not start.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.writelines(f"sentinel {directive}\n" for directive in directives)
        file.flush()
        with _running("sentinel", [find_program("redis-server"), file.name], ["--sentinel"]) as server:
            yield server


@contextlib.contextmanager
def respstore_server(*args: str) -> Iterator[RunningServer]:
    """Runs respstore from this checkout, in memory alone, with further directives `args` as on its command line.

    Raises ServerError when it does not start.
    """
    with _running("respstore", [sys.executable, "-m", "respstore", "serve"], args) as server:
        yield server


def find_program(name: str) -> str:
    """The path of a program of Redis's. Raises ServerError, which says how to get it, when there is none."""
    path = shutil.which(name)
    if path is None:
        raise ServerError(f"{name} is not in PATH. Debian and Ubuntu have it: apt-get install redis-server")
    return path


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now. Another process may take it before you do."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def on_core(number: int) -> Iterator[None]:
    """Keeps this process, and those that are started meanwhile for good, on one of the cores it may use, if it can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(cores)[number % len(cores)]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


@contextlib.contextmanager
def side_by_side(*args: str) -> Iterator[tuple[RunningServer, RunningServer]]:
    """redis-server and respstore with these arguments on one core; this process, and what it starts, on another."""
    with contextlib.ExitStack() as stack:
        with on_core(0):
            servers = stack.enter_context(redis_server(*args)), stack.enter_context(respstore_server(*args))
        stack.enter_context(on_core(1))
        yield servers


def redis_version() -> str:
    """That of the redis-server here, such as 7.0.15."""
    told = subprocess.check_output([find_program("redis-server"), "--version"], text=True)
    return told.partition(" v=")[2].partition(" ")[0]


@contextlib.contextmanager
def _running(name: str, command: Sequence[str], args: Sequence[str]) -> Iterator[RunningServer]:
    with tempfile.TemporaryDirectory(prefix="respstore-compat-") as folder, (Path(folder) / "log").open("w+b") as log:
        port = free_port()
        file = args[:1] if args and not args[0].startswith("-") else []  # of the configuration, which comes first
        process = subprocess.Popen(
            [*command, *file, "--port", str(port), *IN_MEMORY, *args[len(file) :]],
            cwd=folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        server = RunningServer(name, port, process, Path(log.name))
        try:
            _wait_until_ready(server, Path(log.name))
            yield server
        finally:
            _stop(server)


def _environment() -> dict[str, str]:
    """Our own, and this checkout first among the packages: the server must be the one that lies beside this file."""
    return {**os.environ, "PYTHONPATH": str(REPOSITORY)}


def _wait_until_ready(server: RunningServer, log: Path) -> None:
    deadline = time.monotonic() + START_DEADLINE
    while time.monotonic() < deadline:
        try:
            server.process.wait(timeout=0.02)  # the pause between two attempts, cut short if the process dies
        except subprocess.TimeoutExpired:
            pass
        else:
            raise ServerError(
                f"{server.name} ended at once with status {server.process.returncode}:\n{log.read_text()}"
            )
        if _answers(server):
            return
    raise ServerError(f"{server.name} did not answer within {START_DEADLINE:g} s:\n{log.read_text()}")


def _answers(server: RunningServer) -> bool:
    """Whether a PING is answered by anything but -LOADING; -NOAUTH counts: a server with a password is ready too."""
    try:
        with server.connect(timeout=1.0) as connection:
            connection.sendall(b"*1\r\n$4\r\nPING\r\n")
            reply = connection.recv(64)
    except OSError:
        return False
    return reply.startswith((b"+PONG", b"-NOAUTH"))


def _stop(server: RunningServer) -> None:
    server.process.send_signal(signal.SIGTERM)
    try:
        server.process.wait(STOP_DEADLINE)
    except subprocess.TimeoutExpired:
        server.process.kill()
        server.process.wait()
        raise ServerError(f"{server.name} was still there {STOP_DEADLINE:g} s after SIGTERM") from None
