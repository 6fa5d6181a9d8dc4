"""`respstore.Server`: a server inside a program that has no trio loop of its own, in a thread or in a child process.

A thread is there at once, and shares the interpreter: it serves only while the program computes nothing in Python. A
child (`cli/child.py`) takes a third of a second to start, serves whatever the program does, and ends with it.

Both are stopped by `close`, when the object is garbage, and at exit; never by a process that the program forked, where
the object is a mere copy.
"""

import os
import pickle
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from concurrent.futures import Future
from typing import Final, Self

import trio

from respstore.config import Config
from respstore.server import serve
from respstore.server.listeners import Address

START_SECONDS: Final = 60.0
"""How long a child may take to start: a hundred times what it needs, for machines that are very busy."""
STOP_SECONDS: Final = 5.0
"""How long a child may take to stop, which it does within about a second; then it is killed."""
LOOK_SECONDS: Final = 0.05


class Server:
    """A server that runs until `close`, or until the end of the `with` block.

    Args:
        arguments: what `redis-server` takes on its command line: `"--requirepass", "secret"`, or a file first. The data
            is only kept on disk if they say where (`"--dbfilename", "dump.rdb"`) and when (`"--save", "60 1"`).
        port: the TCP port, 0 for any that is free. By default what the arguments say, else 0. With a unix socket
            (`"--unixsocket", path`), 0 means no TCP, as for redis-server.
        process: whether it runs in a child process rather than in a thread. The child ends when this process dies,
            however it dies. It ignores Ctrl-C, logs warnings (or what `--loglevel` says) to standard error or
            `--logfile`, and may have as many files open as its clients need. A thread logs to the logger `respstore`.

    Attributes:
        host: the first IP address that it listens on, empty if there is none.
        port: its TCP port, 0 if there is none.
        url: what a client on this machine connects to: `redis://127.0.0.1:6379`, `unix:///run/respstore.sock`.
        pid: the child process, None for a thread.

    Raises:
        ConfigError: an argument is wrong or not supported.
        PortInUseError: somebody else holds the port.
        OSError: the address cannot be bound for another reason.
        RuntimeError: the child ended, or did nothing for a minute, before it served.

    Example:
        with respstore.Server() as server:
            redis.Redis.from_url(server.url).set("greeting", "hello")
    """

    def __init__(self, *arguments: str, port: int | None = None, process: bool = False) -> None:
        config = Config.from_arguments(arguments, port=0, loglevel="warning", **serve.IN_MEMORY)
        if port is not None:
            config.port = port
        runner = _Child(config) if process else _Thread(config)
        self.host = runner.address.host
        self.port = runner.address.port
        self.url = runner.address.url
        self.pid = runner.pid
        self._finalizer = weakref.finalize(self, runner.stop)

    def close(self) -> None:
        """Stop it gracefully: who waits for something is told so, the port is free afterwards. Once is enough."""
        self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        where = "in a thread" if self.pid is None else f"pid {self.pid}"
        return f"<respstore.Server {self.url} ({where if self._finalizer.alive else 'closed'})>"


class _Thread:
    """A server in a thread of this process."""

    pid: int | None = None

    def __init__(self, config: Config) -> None:
        self._owner = os.getpid()
        self._server = serve.Server(config, dedicated=True)
        started: Future[tuple[Address, trio.lowlevel.TrioToken]] = Future()
        self._thread = threading.Thread(target=self._run, args=(started,), name="respstore", daemon=True)
        self._thread.start()
        self.address, self._token = started.result()

    def _run(self, started: "Future[tuple[Address, trio.lowlevel.TrioToken]]") -> None:
        async def main() -> None:
            started.set_result((self._server.listen(), trio.lowlevel.current_trio_token()))
            await self._server.run()

        try:
            trio.run(main)
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)

    def stop(self) -> None:
        """Stop it, and wait for that."""
        if os.getpid() != self._owner:
            return
        try:
            self._token.run_sync_soon(self._server.stopping.set)
        except trio.RunFinishedError:
            pass  # a client's SHUTDOWN was first
        if threading.current_thread() is not self._thread:  # where the garbage collector may run, too
            self._thread.join()


class _Child:
    """A server in a child process."""

    def __init__(self, config: Config) -> None:
        self._owner = os.getpid()
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                self._process = _start(theirs.fileno())
            try:
                answer = _ask(ours, config, self._process)
                if isinstance(answer, Exception):
                    raise answer
            except BaseException:
                self._process.kill()
                self._process.wait()
                raise
        self.address = answer
        self.pid: int | None = self._process.pid

    def stop(self) -> None:
        """Stop it, and wait for that."""
        if os.getpid() != self._owner:
            self._process.poll()  # finds that it is no child of this process, or subprocess would complain of it
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _start(descriptor: int) -> "subprocess.Popen[bytes]":
    """A child that finds its modules where this process does, and hears nothing of the terminal's Ctrl-C."""
    path = os.pathsep.join(sys.path)
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "respstore.cli.child", str(descriptor), str(os.getpid())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=[descriptor],
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": path},
    )


def _ask(channel: socket.socket, config: Config, process: "subprocess.Popen[bytes]") -> Address | Exception:
    """Tell the child what to serve, and return its answer."""
    deadline = time.monotonic() + START_SECONDS
    readable = select.poll()
    readable.register(channel, select.POLLIN)
    try:
        channel.sendall(pickle.dumps(config))
        # Its end may be held open by another child, forked by another thread just now: so its end alone is no news.
        while not readable.poll(LOOK_SECONDS * 1000) and process.poll() is None:
            if time.monotonic() > deadline:
                raise RuntimeError(f"the server's process did not serve within {START_SECONDS:.0f} s")
        channel.settimeout(LOOK_SECONDS)  # for the last words of one that ended, if there are any
        with channel.makefile("rb") as stream:
            answer: Address | Exception = pickle.load(stream)  # noqa: S301 - from nobody but the child
    except (EOFError, OSError):
        raise RuntimeError(f"the server's process ended with status {process.wait()} before it served") from None
    return answer
