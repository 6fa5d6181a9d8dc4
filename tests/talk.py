r"""Talk to an engine without a socket: sessions fed whole requests, clocks that stand still until a test moves them.

    engine = make_engine()
    alice, bob = Session(engine), Session(engine)
    assert talk(alice, b"BLPOP queue 0") == b""             # waits
    assert talk(bob, b"RPUSH queue job") == b":1\r\n"
    assert received(alice) == b"*2\r\n$5\r\nqueue\r\n$3\r\njob\r\n"

The fixtures `engine` and `session` (conftest.py) give the usual one of each.
"""

from collections.abc import Iterator
from copy import copy
from random import Random
from typing import Any

from respstore.commands import TABLE
from respstore.config import Config
from respstore.engine.engine import Engine
from respstore.engine.session import Session
from respstore.engine.system import Facts, Run
from respstore.keyspace import Keyspace
from respstore.persistence.aof.reader import read_units
from respstore.persistence.aof.rewriting import write_commands
from respstore.persistence.rdb.file import FileReader, write_file


class FakeDisk:
    """A file that is bytes. A background save has ended when `ended` says how.

    Attributes:
        data: what was saved last; None if there is no file.
        problem: what saving raises, if anything.
        ended: what `poll_save` answers.
        stopped: how many saves were given up.
    """

    def __init__(self) -> None:
        self.data: bytes | None = None
        self.problem: OSError | None = None
        self.ended: str | None = None
        self.stopped = 0

    def save(self, keyspace: Keyspace, about: Facts) -> None:
        if self.problem is not None:
            raise copy(self.problem)  # the traceback of a kept one would keep sessions
        self.data = b"".join(write_file(keyspace, about, Config()))

    def start_save(self, keyspace: Keyspace, about: Facts) -> int:
        self.save(keyspace, about)
        return 4243

    def poll_save(self) -> str | None:
        ended, self.ended = self.ended, None
        return ended

    def stop_save(self) -> None:
        self.stopped += 1

    def load(self, keyspace: Keyspace) -> tuple[FileReader, Iterator[None]] | None:
        if self.data is None:
            return None
        reader = FileReader(self.data, keyspace, Config())
        return reader, reader.load()


class FakePeer:
    """Another server that answers what it was told to, then nothing more.

    Attributes:
        lines: its answers.
        received: what it was sent.
        problem: what sending raises, if anything.
        is_closed: whether the connection was given up.
    """

    def __init__(self, *lines: bytes) -> None:
        self.lines = list(lines)
        self.received = b""
        self.problem: OSError | None = None
        self.is_closed = False

    def send(self, data: bytes) -> None:
        if self.problem is not None:
            raise copy(self.problem)
        self.received += data

    def read_line(self) -> bytes:
        if not self.lines:
            raise TimeoutError
        return self.lines.pop(0)

    def close(self) -> None:
        self.is_closed = True


class FakeAppendFiles:
    """An append-only file that is bytes. What was begun has ended when `synced` and `rewritten` say how.

    Attributes:
        data: what was appended; `base` what a rewrite has written.
        problem: what writing raises, if anything.
        synced, rewritten: what the polls answer.
        calls: what was asked for, in order.
    """

    base_size = 0

    def __init__(self) -> None:
        self.data = b""
        self.base = b""
        self.problem: OSError | None = None
        self.synced: str | None = None
        self.rewritten: str | None = None
        self.calls: list[str] = []

    @property
    def size(self) -> int:
        return len(self.base) + len(self.data)

    def load(self, keyspace: Keyspace, run: Run) -> tuple[FileReader, Iterator[None]] | None:
        if not self.size:
            return None
        reader = FileReader(b"", keyspace, Config())
        return reader, self._steps(run)

    def _steps(self, run: Run) -> Iterator[None]:
        for unit in read_units(self.base + self.data):
            run(unit.commands)
            yield

    def open(self, keyspace: Keyspace, about: Facts) -> None:
        self._do("open")

    def close(self) -> None:
        self._do("close")

    def append(self, data: bytes) -> None:
        if self.problem is not None:
            raise copy(self.problem)
        self.data += data

    def sync(self) -> None:
        self._do("sync")

    def start_sync(self) -> None:
        self._do("start_sync")

    def poll_sync(self) -> str | None:
        return self.synced

    def start_rewrite(self, keyspace: Keyspace, about: Facts, *, anew: bool) -> int:
        self._do("start_rewrite anew" if anew else "start_rewrite")
        self.base, self.data = b"".join(write_commands(keyspace)), b""
        self.base_size = len(self.base)
        return 4244

    def poll_rewrite(self) -> str | None:
        rewritten, self.rewritten = self.rewritten, None
        return rewritten

    def stop_rewrite(self) -> None:
        self._do("stop_rewrite")

    def _do(self, name: str) -> None:
        self.calls.append(name)
        if self.problem is not None:
            raise copy(self.problem)


class FakeSystem:
    """A process whose clocks stand still and whose files are a dictionary. It notes what it is asked to do.

    Attributes:
        wall_us: the wall clock, in microseconds since 1970.
        seconds: the monotonic clock.
        files: texts by path.
        peer: whom it connects to, or why it cannot.
        connected: where it connected to.
        slept: seconds of all DEBUG SLEEPs.
        stopped: it was asked to shut down.
        failure: why it was.
        returned: how often it was asked to give free memory back.
    """

    pid = 4242
    config_file: str | None = None
    tcp_port = 6379
    executable = "/usr/bin/respstore"
    io_backend = "poller"

    def __init__(self) -> None:
        self.disk = FakeDisk()
        self.append_files = FakeAppendFiles()
        self.failure: OSError | None = None
        self.wall_us = 1_700_000_000_000_000
        self.seconds = 1000.0
        self.files: dict[str, str] = {}
        self.peer: FakePeer | OSError = ConnectionRefusedError()
        self.connected: list[tuple[str, str, float]] = []
        self.slept = 0.0
        self.stopped = False
        self.returned = 0
        self.gathered = 0
        self.let_go = 0

    def wall_clock_us(self) -> int:
        return self.wall_us

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.advance(seconds)

    def memory(self) -> int:
        return 10_000_000

    def peak_memory(self) -> int:
        return 12_500_000

    def gather_small_objects(self) -> None:
        self.gathered += 1

    def let_go_of_small_objects(self) -> None:
        self.let_go += 1

    def return_memory(self) -> None:
        self.returned += 1

    def total_memory(self) -> int:
        return 8_000_000_000

    def multiplexing(self) -> str:
        return "epoll"

    def cpu_seconds(self) -> tuple[float, float, float, float]:
        return (1.0, 2.0, 0.0, 0.0)

    def thread_cpu_seconds(self) -> tuple[float, float] | None:
        return (0.5, 1.5)

    def platform(self) -> str:
        return "Linux 6.1.0 x86_64"

    def read_file(self, path: str) -> str:
        if path not in self.files:
            raise FileNotFoundError(path)
        return self.files[path]

    def replace_file(self, path: str, text: str) -> None:
        self.files[path] = text

    def connect(self, host: str, port: str, timeout: float) -> "FakePeer":
        if isinstance(self.peer, OSError):
            raise copy(self.peer)
        self.connected.append((host, port, timeout))
        return self.peer

    def secret(self, digits: int) -> str:
        return ("0123456789abcdef" * (digits // 16 + 1))[:digits]

    def stop(self) -> None:
        self.stopped = True

    def fail(self, problem: OSError) -> None:
        self.failure = problem

    def advance(self, seconds: float) -> None:
        """Move both clocks."""
        self.wall_us += round(seconds * 1_000_000)
        self.seconds += seconds


def make_engine(**options: Any) -> Engine:
    """An engine of its own, with a FakeSystem. Options by attribute of Config: `make_engine(requirepass="secret")`."""
    config = Config()
    for name, value in options.items():
        setattr(config, name, value)
    return Engine(config, TABLE, FakeSystem(), Random(0))


def bulk(text: bytes) -> bytes:
    """A bulk string."""
    return b"$%d\r\n%b\r\n" % (len(text), text)


def array(*items: bytes) -> bytes:
    """An array of bulk strings: what a request is, and many a reply."""
    return b"*%d\r\n" % len(items) + b"".join(map(bulk, items))


PING = array(b"PING")

# Replies that many tests expect, as redis-server 7.0.15 sends them
PONG = b"+PONG\r\n"
OK = b"+OK\r\n"
NULL = b"$-1\r\n"
NULL_ARRAY = b"*-1\r\n"
SYNTAX = b"-ERR syntax error\r\n"
NOT_AN_INTEGER = b"-ERR value is not an integer or out of range\r\n"
WRONG_TYPE = b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"
NOAUTH = b"-NOAUTH Authentication required.\r\n"


def request(*words: bytes) -> bytes:
    """A request as clients send it. A single argument is split at spaces; several are taken as they are."""
    return array(*words[0].split()) if len(words) == 1 else array(*words)


def talk(session: Session, *words: bytes) -> bytes:
    """What the session sends after this request and the end of the turn, replies that still lay there included."""
    session.engine.begin_turn()
    session.receive_data(request(*words))
    session.engine.end_of_turn()
    return session.data_to_send()


def received(session: Session) -> bytes:
    """What lies there for the client: replies to what it was waiting for, pushes."""
    return session.data_to_send()


def pass_time(engine: Engine, seconds: float) -> None:
    """Move the clocks and let the engine do what the passing of time asks for."""
    assert isinstance(engine.system, FakeSystem)
    engine.system.advance(seconds)
    engine.tick()


def check_wire(sent: bytes, expected: bytes, *, then: bytes = PONG, **options: Any) -> None:
    """Assert what a new client hears, however its bytes arrive: all at once, one by one, and with a PING behind them.

    Args:
        sent: what it sends.
        expected: what it hears.
        then: what the PING is answered; nothing if the connection is closed by then.
        options: as of make_engine.
    """
    for way, pieces in {
        "at once": [sent],
        "byte by byte": [sent[place : place + 1] for place in range(len(sent))],
        "with a second request": [sent + PING],
    }.items():
        session = Session(make_engine(**options))
        for piece in pieces:
            session.receive_data(piece)
        session.engine.end_of_turn()
        answer = then if way == "with a second request" and not session.is_closing else b""
        assert (way, session.data_to_send()) == (way, expected + answer)
