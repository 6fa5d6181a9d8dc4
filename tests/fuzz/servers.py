"""A server survives what clients send it, however they come and go, answers others within 100 ms, and stays small.

A process of its own, on loopback, on one backend and on the other. Some clients never read what they are told. After
each step somebody else's PING is timed; at the end the clients go, the data is flushed, and the log is searched for
what the server calls a bug.
"""

import contextlib
import signal
import socket
import tempfile
import time
from pathlib import Path
from random import Random

import psutil

from respstore.commands import TABLE
from tests.cli.programs import Program, serving
from tests.fuzz.grammar import Grammar
from tests.fuzz.invariants import expect
from tests.fuzz.target import Failure, Step
from tests.talk import array

MB = 1024 * 1024
STEPS_PER_CASE = 5000
CLIENTS = 12
MOST_SECONDS = 0.1
"""Until a PING is answered. A busy machine may delay anybody: only time counts in which the server was working, ..."""
HANGING_SECONDS = 10.0
"""... up to this time, after which it hangs, whatever it does."""
MOST_GROWTH = 64 * MB
"""How much larger the process may be in the end, when there are no clients and no data."""
WITHOUT = ("shutdown", "client|kill", "client|pause", "config|set", "config|rewrite", "debug", "migrate")
"""Commands by which one client may end, close, stop or change what others depend on, or reach other hosts."""
PING = array(b"PING")


class Servers:
    """Steps: `("serve", backend)` first, `("open", client, reads)`, `("data", client, data)`, `("close", client)`.

    A client is a number; one that is not there hears nothing.
    """

    name = "servers"

    def __init__(self, steps_per_case: int = STEPS_PER_CASE) -> None:
        self._steps = steps_per_case

    def make_case(self, random: Random) -> list[Step]:
        grammar = Grammar(TABLE, random, without=WITHOUT)
        steps: list[Step] = [("serve", random.choice(["poller", "streams"]))]
        unsent: dict[int, bytes] = {}
        while len(steps) < self._steps:
            client = random.randrange(CLIENTS)
            if client not in unsent:
                unsent[client] = grammar.build(random.randrange(5))
                steps.append(("open", client, random.random() < 0.8))
            elif random.random() < 0.02:
                del unsent[client]
                steps.append(("close", client))
            else:
                data = unsent[client] or grammar.stream(random.choice([1, 1, 2, 10, 50]))
                size = random.choice([1, 20, 1000, *[65_536] * 7])
                steps.append(("data", client, data[:size]))
                unsent[client] = data[size:]
        return steps

    def run(self, steps: list[Step]) -> None:
        if not steps or steps[0][0] != "serve":
            return  # made smaller than it can be
        with tempfile.TemporaryDirectory(prefix="respstore-fuzz-") as folder:
            log = Path(folder) / "log"
            environment = {"USE_LIBUV": "1" if steps[0][1] == "poller" else "0"}
            limits = ("--proto-max-bulk-len", "1mb")
            with serving("--dir", folder, "--logfile", str(log), *limits, env=environment) as program:
                try:
                    _Siege(program).run(steps[1:])
                    expect(program.ends(signal.SIGTERM) == 0, "the server does not end well")
                except Failure as failure:
                    raise Failure(f"{failure}\nthe log ends:\n{log.read_text()[-2000:]}") from failure
            lines = log.read_text().splitlines()
            bugs = [number for number, line in enumerate(lines) if "bug: " in line]
            expect(not bugs, "a bug is logged", "\n".join(lines[bugs[0] : bugs[0] + 50]) if bugs else "")


class _Siege:
    """A server, its hostile clients, and one that asks whether it is there."""

    def __init__(self, program: Program) -> None:
        self._port = program.port
        self._process = psutil.Process(program.process.pid)
        self._clients: dict[int, tuple[socket.socket, bool]] = {}
        self._observer = self._connect()
        self._observer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._observer.settimeout(HANGING_SECONDS)

    def run(self, steps: list[Step]) -> None:
        try:
            self._ask(PING, b"+PONG\r\n")
            before = self._process.memory_info().rss
            for step in steps:
                self._do(step)
                self._ping()
            self._leave()
            self._ask(array(b"FLUSHALL"), b"+OK\r\n")
            growth = self._process.memory_info().rss - before
            expect(growth < MOST_GROWTH, "the server has grown", f"{growth / MB:.0f} MB")
        finally:
            self._leave()
            self._observer.close()

    def _leave(self) -> None:
        for client, _ in self._clients.values():
            client.close()
        self._clients.clear()

    def _connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self._port), HANGING_SECONDS)

    def _do(self, step: Step) -> None:
        match step:
            case ("open", int(number), bool(reads)):
                client = self._connect()
                client.setblocking(False)
                self._clients[number] = client, reads
            case ("data", int(number), bytes(data)) if number in self._clients:
                client, reads = self._clients[number]
                # What does not fit is lost, and a server that hangs up has its reasons.
                with contextlib.suppress(BlockingIOError, ConnectionError):
                    client.send(data)
                    while reads and client.recv(1 << 20):
                        pass
            case ("close", int(number)) if number in self._clients:
                self._clients.pop(number)[0].close()

    def _ping(self) -> None:
        start, used = time.monotonic(), self._cpu_seconds()
        self._ask(PING, b"+PONG\r\n")
        seconds = time.monotonic() - start
        if seconds > MOST_SECONDS:
            working = self._cpu_seconds() - used
            expect(working < MOST_SECONDS, "a PING is answered late", f"{seconds:.2f} s, {working:.2f} s of work")

    def _cpu_seconds(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def _ask(self, request: bytes, answer: bytes) -> None:
        try:
            self._observer.sendall(request)
            received = b""
            while len(received) < len(answer) and (data := self._observer.recv(100)):
                received += data
        except TimeoutError:
            raise Failure("the server hangs") from None
        except OSError as error:
            raise Failure(f"the server is gone\n{error}") from None
        expect(received == answer, "the server answers something else", received)
