"""A real redis-server and respstore side by side: send both the same, compare what comes back.

After each command the replies of *all* clients are collected and compared, so that a script never says who is
released by whom: if Redis answers a parked client, respstore must do the same, in the same step. How the pair knows
that no reply will come: it sends PING twice on a connection of its own. The first answer shows that the server has
read what was sent before, the second that it has written what it had to say. Where the two servers then disagree in
the *number* of replies, they get a moment more; so a late packet is never a difference, and nothing ever sleeps.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from compat.redis import rules
from compat.redis.rules import Rule
from compat.redis.wire import CLOSED, Connection, Reply, request, wait_readable

QUICK = 0.01  # seconds that a reply may take before we ask whether one will come at all
LATE = 0.5  # seconds more for a server that has said less than the other
PATIENCE = 10.0  # seconds after which a server that does not answer PING is taken for dead

PUSHING = {
    prefix + verb: words for prefix in (b"", b"P", b"S") for verb, words in ((b"SUBSCRIBE", 2), (b"UNSUBSCRIBE", 1))
}
"""Commands that RESP3 answers with pushes alone, and the words that they need: with less they get an error."""

Argument = bytes | Callable[["Side"], bytes]
"""What to send: bytes, or a function of the server for ids and addresses, which each server has its own of."""


class ServerSilentError(Exception):
    """A server has died, or has not answered PING for `PATIENCE` seconds."""


class Compared(NamedTuple):
    """The replies of both servers to one command, and whether they agree; None where a server said nothing."""

    client: str
    command: str
    redis: Reply | None
    respstore: Reply | None
    agree: bool

    def __str__(self) -> str:
        if self.agree:
            return f"{self.client}> {self.command}\n    both:      {self.redis}"
        return f"{self.client}> {self.command}\n    redis:     {self.redis}\n    respstore: {self.respstore}"


class Side:
    """One server, and our connections to it."""

    def __init__(self, name: str, port: int) -> None:
        self.name = name
        self.port = port
        self.control = Connection(port)
        self.clients: dict[str, Connection] = {}
        self.ids: dict[str, bytes] = {}
        self.initial_config = self.config()

    def ask(self, *arguments: bytes) -> Reply:
        """Send a command on the control connection and wait for its reply."""
        return self.ask_all([arguments])[0]

    def ask_all(self, commands: Sequence[Sequence[bytes]]) -> list[Reply]:
        """Send commands in one pipeline on the control connection and wait for all replies."""
        self.control.send(b"".join(map(request, commands)))
        return self.wait(self.control, len(commands))

    def wait(self, connection: Connection, count: int) -> list[Reply]:
        """Wait for `count` replies on a connection."""
        replies: list[Reply] = []
        deadline = time.monotonic() + PATIENCE
        while len(replies) < count:
            wait_readable([connection], deadline - time.monotonic())
            replies += connection.received()
            if CLOSED in replies or connection.is_closed or time.monotonic() > deadline:
                raise ServerSilentError(f"{self.name}: {replies or 'no answer'}")
        return replies

    def client(self, name: str, protocol: int = 2) -> Connection:
        """The connection of this name; opened, and switched to the protocol, if there is none or it was closed."""
        if name in self.clients and self.clients[name].is_closed:
            self.clients.pop(name).close()
        if name not in self.clients:
            connection = self.clients[name] = Connection(self.port)
            connection.send(request([b"HELLO", b"%d" % protocol]) * (protocol == 3) + request([b"CLIENT", b"ID"]))
            self.ids[name] = self.wait(connection, 1 + (protocol == 3))[-1].text.encode()
        return self.clients[name]

    def config(self) -> dict[bytes, bytes]:
        """All configuration parameters and their values."""
        values = [part.text.encode() for part in self.ask(b"CONFIG", b"GET", b"*").parts]
        return dict(zip(values[::2], values[1::2], strict=True))

    def restore_config(self) -> None:
        """Set back every parameter that has changed since the start."""
        for name, value in self.config().items():
            if value != self.initial_config[name]:
                self.ask(b"CONFIG", b"SET", name, self.initial_config[name])

    def restore_users(self) -> None:
        """Delete all users but the default one, and what was logged of them."""
        users = [part.text.encode() for part in self.ask(b"ACL", b"USERS").parts]
        self.ask_all(
            [*((b"ACL", b"DELUSER", user) for user in users if user != b"default"), (b"ACL", b"LOG", b"RESET")]
        )

    def close(self) -> None:
        """Close all connections."""
        self.close_clients()
        self.control.close()

    def close_clients(self) -> None:
        """Close the clients' connections; the control connection stays."""
        for connection in self.clients.values():
            connection.close()
        self.clients.clear()


class Pair:
    """Both servers, and what their clients still wait for.

    Attributes:
        compared: how many commands have been compared so far.
        rule_of: finds the rule for a command's reply.
    """

    def __init__(self, redis_port: int, respstore_port: int) -> None:
        self.redis = Side("redis", redis_port)
        self.respstore = Side("respstore", respstore_port)
        self.sides = (self.redis, self.respstore)
        self.protocol = 2
        self.compared = 0
        self.rule_of: Callable[[Sequence[bytes]], Rule] = rules.rule_of
        self._owed: dict[str, deque[tuple[str, Sequence[bytes], Rule]]] = defaultdict(deque)
        self._queued: dict[str, list[Rule]] = defaultdict(list)
        self._config_changed = False
        self._users_changed = False

    def begin(self, protocol: int) -> None:
        """Start afresh: no clients, no keys, no pauses, the configuration and the rules of the start."""
        self.protocol = protocol
        self.rule_of = rules.rule_of
        self._owed.clear()
        self._queued.clear()
        for side in self.sides:
            side.close_clients()
            side.ask_all([(b"CLIENT", b"UNPAUSE"), (b"PING",), (b"FLUSHALL",), (b"FUNCTION", b"FLUSH")])
            side.ask_all([(b"DEBUG", b"SET-ACTIVE-EXPIRE", b"1")])
            if self._config_changed:
                side.restore_config()
            if self._users_changed:
                side.restore_users()
        self._config_changed = self._users_changed = False

    def take_time_out(self) -> None:
        """Let time decide nothing until the next `begin`: no key dies before somebody asks for it, no call is slow."""
        self._config_changed = True
        for side in self.sides:
            settings = (b"CONFIG", b"SET", b"slowlog-log-slower-than", b"-1")
            side.ask_all([(b"DEBUG", b"SET-ACTIVE-EXPIRE", b"0"), settings, (b"SLOWLOG", b"RESET")])

    def is_alive(self) -> bool:
        """Whether both servers still answer."""
        try:
            return all(side.ask(b"PING") == Reply("+", b"PONG") for side in self.sides)
        except ServerSilentError:
            return False

    def close(self) -> None:
        """Close all connections to both servers."""
        for side in self.sides:
            side.close()

    def send(self, client: str, arguments: Sequence[Argument], rule: Rule | None = None) -> list[Compared]:
        """Send one command on both servers; give all replies that this brings about, compared."""
        return self.send_pipeline(client, [arguments], rule)

    def send_pipeline(
        self, client: str, commands: Sequence[Sequence[Argument]], rule: Rule | None = None
    ) -> list[Compared]:
        """Send commands in one piece on both servers; give all replies that this brings about, compared."""
        for side in self.sides:
            connection, data = side.client(client, self.protocol), b""
            for arguments in commands:
                plain = [argument if isinstance(argument, bytes) else argument(side) for argument in arguments]
                data += request(plain)
                if side is self.redis:
                    self.compared += 1
                    name = plain[0].upper()
                    if self.protocol == 2 or len(plain) < PUSHING.get(name, sys.maxsize):
                        self._owed[client].append((readable(b" ".join(plain)), plain, rule or self.rule_of(plain)))
                    self._config_changed |= name == b"CONFIG"
                    self._users_changed |= name in (b"ACL", b"AUTH", b"HELLO")
            connection.send(data)
        return self._settle(client)

    def send_raw(self, client: str, data: bytes, rule: Rule = rules.exact) -> list[Compared]:
        """Send bytes as they are, which may be no command, or several, or a part of one."""
        self.compared += 1
        for side in self.sides:
            side.client(client, self.protocol).send(data)
        return self._settle(client, raw=(readable(data), rule))

    def answer(self, client: str) -> list[Compared]:
        """Wait until both servers have answered (or closed) a client, if it still waits for an answer."""
        return self._settle(client, must_answer=bool(self._owed[client]))

    def leave(self, client: str) -> list[Compared]:
        """Close a client's connection, and compare what this does to the others."""
        for side in self.sides:
            side.clients.pop(client).close()
        self._owed.pop(client, None)
        return self._settle(None)

    def waiting(self) -> list[tuple[str, Sequence[bytes]]]:
        """The clients that wait for an answer, and the command that each of them waits for first."""
        return [(client, owed[0][1]) for client, owed in self._owed.items() if owed]

    def unanswered(self) -> list[str]:
        """The commands that still wait for an answer."""
        return [f"{client}> {shown}" for client, owed in self._owed.items() for shown, _, _ in owed]

    def until(self, client: str, arguments: Sequence[Argument], expected: str) -> list[Compared]:
        """Ask again and again until both servers give the reply: for what only time brings about."""
        deadline = time.monotonic() + PATIENCE
        for side in self.sides:
            plain = [argument if isinstance(argument, bytes) else argument(side) for argument in arguments]
            connection = side.client(client, self.protocol)
            reply = None
            while str(reply) != expected:
                if time.monotonic() > deadline:
                    raise AssertionError(f"{side.name} answers {plain} with {reply}, never with {expected}")
                connection.send(request(plain))
                (reply,) = side.wait(connection, 1)
        return self._settle(None)

    def iterate(self, client: str, arguments: Sequence[Argument | None]) -> list[Compared]:
        """Follow a cursor (None among the arguments) to its end on both servers; compare all that it gave."""
        self.compared += 1
        found = []
        for side in self.sides:
            connection, cursor, elements = side.client(client, self.protocol), b"0", set[Reply]()
            while True:
                connection.send(request([cursor if a is None else a for a in arguments if not callable(a)]))
                (reply,) = side.wait(connection, 1)
                if len(reply.parts) != 2:
                    elements.add(reply)
                    break
                cursor = reply.parts[0].text.encode()
                elements.update(reply.parts[1].parts)
                if cursor == b"0":
                    break
            found.append(Reply("~", tuple(sorted(elements, key=str))))
        shown = readable(b" ".join(b"{cursor}" if a is None else a for a in arguments if not callable(a)))
        first, second = found
        return [Compared(client, shown, first, second, first == second)]

    def _settle(
        self, client: str | None, *, raw: tuple[str, Rule] | None = None, must_answer: bool = False
    ) -> list[Compared]:
        """Collect and compare what both servers say, until nothing more will come."""
        events = _Events(self.sides)
        if client is not None:
            others_wait = any(owed for name, owed in self._owed.items() if name != client)
            waited_before = len(self._owed[client]) > 1
            if must_answer or not waited_before:
                events.wait_for(client, PATIENCE if must_answer else QUICK)
            if raw or others_wait or waited_before or not events.answered(client):
                self._barrier()
        else:
            self._barrier()
        events.collect()
        if not events.same_number():
            events.wait_same_number(LATE)
        return [
            compared
            for name in self.redis.clients
            for compared in self._compare(name, events.of(name), raw if name == client else None)
        ]

    def _barrier(self) -> None:
        for _ in range(2):
            for side in self.sides:
                side.control.send(request([b"PING"]))
            for side in self.sides:
                side.wait(side.control, 1)

    def _compare(
        self, client: str, replies: tuple[list[Reply], list[Reply]], raw: tuple[str, Rule] | None
    ) -> Iterator[Compared]:
        for first, second in itertools.zip_longest(*replies):
            shown, rule = raw or self._command_of(client, first or second or CLOSED)
            agree = first == second or (first is not None and second is not None and rule(first, second))
            yield Compared(client, shown, first, second, agree)

    def _command_of(self, client: str, reply: Reply) -> tuple[str, Rule]:
        """Find which command of this client a reply belongs to, and its rule."""
        if reply == CLOSED:
            self._owed.pop(client, None)
            self._queued.pop(client, None)
        if reply.kind == ">" or not self._owed[client]:
            return "(unasked)", rules.push
        shown, arguments, rule = self._owed[client].popleft()
        name = arguments[0].upper() if arguments else b""
        if reply == Reply("+", b"QUEUED"):
            self._queued[client].append(rule)
        elif name == b"EXEC":
            rule = rules.each(self._queued.pop(client, []))
        elif name in (b"DISCARD", b"RESET"):
            self._queued.pop(client, None)
        return shown, rule


class _Events:
    """What the two servers say in one step, by client."""

    def __init__(self, sides: Sequence[Side]) -> None:
        self._sides = sides
        self._replies: list[dict[str, list[Reply]]] = [defaultdict(list) for _ in sides]

    def collect(self) -> None:
        for side, replies in zip(self._sides, self._replies, strict=True):
            for name, connection in side.clients.items():
                if new := connection.received():
                    replies[name] += new

    def of(self, client: str) -> tuple[list[Reply], list[Reply]]:
        first, second = self._replies
        return first[client], second[client]

    def answered(self, client: str) -> bool:
        return all(self.of(client))

    def same_number(self) -> bool:
        first, second = ({name: len(new) for name, new in replies.items() if new} for replies in self._replies)
        return first == second

    def wait_for(self, client: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        for side, replies in zip(self._sides, self._replies, strict=True):
            connection = side.clients[client]
            while not replies[client] and not connection.is_closed and (left := deadline - time.monotonic()) > 0:
                wait_readable([connection], left)
                replies[client] += connection.received()

    def wait_same_number(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self.same_number() and (left := deadline - time.monotonic()) > 0:
            wait_readable([c for side in self._sides for c in side.clients.values()], left)
            self.collect()


def readable(data: bytes, limit: int = 400) -> str:
    """Show bytes as text, escaped where needed and cut where long."""
    text = data.decode("latin-1").encode("unicode_escape").decode("ascii")
    return text if len(text) <= limit else f"{text[:limit]}...({len(data)} bytes)"
