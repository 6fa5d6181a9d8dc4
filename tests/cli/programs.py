"""respstore as a user runs it, in a process of its own; and servers in a thread, for what only needs one to talk to."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import trio

from respstore.server.listeners import Address
from respstore.server.serve import Server
from tests.server.serving import make_config

COMMAND = (sys.executable, "-m", "respstore")
ROOT = Path(__file__).parents[2]
PATIENCE = 30.0
"""Seconds for what takes half a second on an idle machine."""


class Program:
    """A running `respstore serve`.

    Attributes:
        url: what it printed.
    """

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        assert process.stdout is not None
        self.url = process.stdout.readline().strip()
        assert self.url, self.errors()

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def ask(self, line: bytes) -> bytes:
        """All that the server says to an inline request; it hangs up afterwards."""
        with self.connect() as client:
            client.sendall(line + b"\r\nQUIT\r\n")
            return b"".join(iter(lambda: client.recv(65536), b""))

    def errors(self) -> str:
        """What it wrote to standard error until its end."""
        assert self.process.stderr is not None
        return self.process.stderr.read()

    def ends(self, number: int | None = None) -> int:
        """The exit status, after a signal if one is given."""
        if number is not None:
            self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@contextlib.contextmanager
def serving(*arguments: str, text: str = "", **options: Any) -> Iterator[Program]:
    """Run `respstore serve` on a free port of 127.0.0.1, with a text as standard input; `options` are Popen's."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **options.pop("env", {})}
    command = [*COMMAND, "serve", *arguments]
    if "--port" not in arguments and not text:
        command += ["--port", "0", "--bind", "127.0.0.1"]
    if not text:
        command += ["--save", "", "--dbfilename", ""]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment, **options
    ) as process:
        try:
            assert process.stdin is not None
            process.stdin.write(text)
            process.stdin.close()
            yield Program(process)
        finally:
            process.kill()


@contextlib.contextmanager
def served(*, starts: threading.Event | None = None, **options: Any) -> Iterator[Address]:
    """A server in a thread of this process; it listens at once, and answers when it `starts`."""
    server = Server(make_config(**options))
    address = server.listen()
    stop: list[Any] = []
    running = threading.Event()

    async def main() -> None:
        token = trio.lowlevel.current_trio_token()
        stop.append(lambda: token.run_sync_soon(server.stopping.set))
        running.set()
        await server.run()

    def run() -> None:
        if starts is not None:
            starts.wait(PATIENCE)
        trio.run(main)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        if starts is None:
            running.wait(PATIENCE)
        yield address
    finally:
        if starts is not None:
            starts.set()
        running.wait(PATIENCE)
        stop[0]()
        thread.join(PATIENCE)
