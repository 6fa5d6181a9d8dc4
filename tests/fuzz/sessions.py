"""No bytes of clients, in any order, break the engine, hurt another client, or leave a trace once all clients are gone.

After each step (see `Sessions.run`):

- nothing was raised, and nothing was logged as a bug;
- the step took less than 100 ms of processor time, and another client's PING is answered at once;
- every request has one reply, as far as that can be counted from outside, and replies are well-formed;
- the engine's parts agree with each other (`invariants.py`), and hold no more bytes than clients sent.

At the end all clients leave, and nobody knows them any more.
"""

import gc
import logging
import sys
import traceback
from collections.abc import Mapping
from random import Random
from time import thread_time

import hiredis

from respstore.commands import TABLE
from respstore.config import Config
from respstore.engine.command import Command
from respstore.engine.dispatch import HALTED, MUTED, UNAUTHENTICATED
from respstore.engine.engine import Engine
from respstore.engine.session import Session
from respstore.protocol.requests import RequestParser
from tests.fuzz.grammar import Grammar
from tests.fuzz.invariants import check_engine, check_nothing_left, expect
from tests.fuzz.parsing import Doubtful
from tests.fuzz.target import Failure, Step
from tests.fuzz.torch_client import TorchClient
from tests.talk import FakeSystem, array

MB = 1024 * 1024
MOST_SECONDS = 0.1
MOST_PAUSED_STEPS = 5
PING = array(b"PING")
UNCOUNTABLE = {
    *(b"reply", b"debug", b"monitor"),
    *(b"subscribe", b"psubscribe", b"ssubscribe", b"unsubscribe", b"punsubscribe", b"sunsubscribe"),
}
"""Words of requests with no reply or several: CLIENT REPLY silences, DEBUG PROTOCOL pushes, MONITOR goes on."""
LOG = logging.getLogger("respstore")
OPENINGS = [
    *[b"", b"", b"HELLO 3\r\n", b"HELLO 3\r\n", b"MULTI\r\n", b"CLIENT REPLY OFF\r\n", b"AUTH secret\r\n"],
    *[b"SELECT 1\r\n", b"WATCH a b c\r\n", b"BLPOP a b 0\r\n", b"BLMOVE a b LEFT RIGHT 1\r\n"],
    *[b"BARRIER a 3\r\n", b"BARRIER a 3 MEMBER 1 EPOCH 0 TIMEOUT 1\r\n", b"BGET a b 0\r\n"],
]


class Sessions:
    """Steps: `("options", {name: value})`, `("open", client)`, `("data", client, data)`, `("close", client)`,
    `("sleep", seconds)`. A client is a number; one that is not there hears nothing.
    """

    name = "sessions"

    def __init__(self, table: Mapping[str, Command] = TABLE, most_seconds: float = MOST_SECONDS) -> None:
        self._table = table
        self._most_seconds = most_seconds

    def make_case(self, random: Random) -> list[Step]:
        options: dict[str, object] = {"proto_max_bulk_len": MB}
        if random.random() < 0.1:
            options["requirepass"] = b"secret"
        if random.random() < 0.3:
            options["enable_debug_command"] = "yes"
        if random.random() < 0.1:
            options["client_query_buffer_limit"] = 10_000
        grammar = Grammar(self._table, random)
        steps: list[Step] = [("options", options), ("open", 0), ("open", 1)]
        if random.random() < 0.8:
            steps.append(("data", 0, grammar.build(random.randrange(1, 20))))
        unsent = [b"", b""]
        for _ in range(random.randrange(10, 60)):
            kind = random.random()
            client = random.randrange(len(unsent))
            if kind < 0.05:
                steps.append(("open", len(unsent)))
                unsent.append(random.choice(OPENINGS))
            elif kind < 0.08:
                steps.append(("close", client))
            elif kind < 0.13:
                steps.append(("sleep", random.choice([0.0, 0.001, 0.01, 0.1, 1.0, 61.0, 1e6])))
            else:
                if not unsent[client]:
                    unsent[client] = grammar.stream(random.choice([1, 1, 1, 2, 5, 20]))
                size = random.choice([1, 20, 1000, *[65_536] * 7])
                steps.append(("data", client, unsent[client][:size]))
                unsent[client] = unsent[client][size:]
        return steps

    def run(self, steps: list[Step]) -> None:
        bugs = _Bugs()
        propagate, level = LOG.propagate, LOG.level
        LOG.addHandler(bugs)
        LOG.propagate = False
        LOG.setLevel(logging.ERROR)
        try:
            server = _Server(self._table, self._most_seconds, bugs)
            for step in steps:
                server.take(step)
            server.end()
        finally:
            LOG.removeHandler(bugs)
            LOG.propagate = propagate
            LOG.setLevel(level)


class _Bugs(logging.Handler):
    """What the engine says about itself: an error in its log is a bug."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        _, error, frames = record.exc_info or (None, None, None)
        name = type(error).__name__ if error else record.msg
        function = traceback.extract_tb(frames)[-1].name if frames else record.funcName
        self._texts.append(f"a bug is logged: {name} in {function}\n{self.format(record)}")

    def check(self) -> None:
        """Raises Failure for the first one."""
        if self._texts:
            raise Failure(self._texts[0])


class _Client:
    """A session and what is known about it from outside."""

    def __init__(self, engine: Engine) -> None:
        self.session = Session(engine, "127.0.0.1:5000", "127.0.0.1:6379")
        self._reader = hiredis.Reader()
        self._requests = RequestParser(Doubtful(), engine.config)
        self._expected = 0
        self._received = 0
        self._is_countable = True

    def send(self, data: bytes) -> None:
        """Send something, and count the requests in it."""
        if any(byte in data for byte in b"+=("):
            self._is_countable = False  # the laxness that tests/fuzz/parsing.py explains
        requests = self._requests
        if requests.error is None:
            more = requests.feed(data)
            while more:
                self._expected += sum(map(bool, more))
                if UNCOUNTABLE & {word.lower() for request in more for word in request}:
                    self._is_countable = False
                more = requests.take()
            self._expected += requests.error is not None
        self.session.receive_data(data)

    def read(self, data: bytes) -> None:
        """Read what the server sent, and compare it with what it should be."""
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not False:
                self._received += 1
                internal = isinstance(reply, hiredis.ReplyError) and "internal error" in str(reply)
                expect(not internal, "a reply speaks of an internal error", reply)
        except hiredis.ProtocolError as error:
            raise Failure(f"a reply is not well-formed\n{error}: {data[:1000]!r}") from None
        expect(not self._reader.has_data(), "a reply is cut off", data[-1000:])
        if self.session.engine.config.requirepass:
            self._is_countable = False  # before authentication other limits decide what is a request
        if self._is_countable and not self.session.gate & MUTED:
            counts = f"{self._expected} requests, {self._received} replies"
            expect(self._received <= self._expected, "there are more replies than requests", counts)
            is_done = self._received == self._expected or self.session.gate & HALTED
            expect(is_done, "a request has no reply", counts)


class _Server:
    """An engine, its clients, and one that nobody sees and that must never notice the others."""

    def __init__(self, table: Mapping[str, Command], most_seconds: float, bugs: _Bugs) -> None:
        self._bugs = bugs
        self._engine = Engine(Config(), table, FakeSystem(), Random(0))
        self._observer = Session(self._engine)
        self._clients: dict[int, _Client | TorchClient] = {}
        self._most_seconds = most_seconds
        self._sent = 0
        self._paused_steps = 0

    def take(self, step: Step) -> None:
        """Take a step and look at everything.

        Raises:
            Failure: an invariant does not hold.
        """
        engine = self._engine
        start = thread_time()
        try:
            self._do(step)
            engine.end_of_turn()
            engine.take_touched()
            output = [(client, client.session.data_to_send()) for client in self._clients.values()]
            seconds = thread_time() - start
        except Exception as error:
            raise Failure(f"{type(error).__name__} is raised\n{traceback.format_exc()}") from error
        self._bugs.check()
        expect(seconds < self._most_seconds, "a step takes too long", f"{seconds * 1000:.0f} ms")
        for client, data in output:
            client.read(data)
        self._ping()
        check_engine(engine, self._sent)

    def end(self) -> None:
        """Let all clients leave; nobody may keep them."""
        engine = self._engine
        sessions = [client.session for client in self._clients.values()] + [self._observer]
        for session in sessions:
            session.receive_eof()
        engine.end_of_turn()
        engine.take_touched()
        self._bugs.check()
        check_nothing_left(engine)
        self._clients.clear()
        del self._observer
        while sessions:
            session = sessions.pop()
            if _references(session):
                gc.collect()  # an exception and the frames that raised it may hold each other
            if _references(session):
                raise Failure(f"somebody remembers a client that is gone\n{gc.get_referrers(session)}")

    def _do(self, step: Step) -> None:
        engine = self._engine
        engine.begin_turn()
        match step:
            case ("options", dict(options)):
                for name, value in options.items():
                    setattr(engine.config, name, value)
            case ("open", int(number)):
                self._clients[number] = _Client(engine)
            case ("torch", int(number)):
                self._clients[number] = TorchClient(engine)
            case ("data", int(number), bytes(data)):
                client = self._clients.get(number)
                if client is not None and not client.session.is_closing:
                    self._sent += len(data)
                    client.send(data)
            case ("close", int(number)):
                client = self._clients.pop(number, None)
                if client is not None:
                    client.session.receive_eof()
            case ("sleep", float(seconds)):
                assert isinstance(engine.system, FakeSystem)
                engine.system.advance(seconds)
                engine.tick()

    def _ping(self) -> None:
        engine = self._engine
        if self._observer.is_closing:  # CLIENT KILL, or idle
            self._observer = Session(engine)
        if engine.is_paused():
            self._paused_steps += 1
            if self._paused_steps < MOST_PAUSED_STEPS:
                return
            while engine.is_paused():  # what was postponed may pause again
                engine.unpause()
                engine.end_of_turn()
        self._paused_steps = 0
        observer = self._observer
        observer.set_gate(UNAUTHENTICATED, on=False)
        observer.receive_data(PING)
        engine.end_of_turn()
        answer = observer.data_to_send()
        expect(answer == b"+PONG\r\n", "a PING is not answered at once", answer)
        self._sent += len(PING)


def _references(session: Session) -> int:
    """How many there are beside the caller's, this function's and that of the count itself."""
    return sys.getrefcount(session) - 3
