"""Requests that are nearly valid: written by the syntax of the commands, then bent.

The table of commands says what a request of each looks like, so a new command is fuzzed without a word here. Its
arguments are what servers stumble over: numbers at every border, bytes that are no text, nothing at all, much too much,
keys that hold something else. Sizes stay modest: what Redis itself lets a client do slowly is no finding.
"""

from collections.abc import Mapping, Sequence
from random import Random

from respstore.engine.command import Command
from respstore.engine.syntax import Argument
from tests.talk import array

NOW = 1_700_000_000
"""The second at which the clock of tests/talk.py starts."""

KEYS = [b"a", b"b", b"c", b"d", b"e", b"f", b"", b"\xff\x00\r\n", b"k" * 300]
INTEGERS = [
    *[str(base + offset).encode() for base in (0, 2**31, 2**32, 2**63, -(2**63), 2**64) for offset in (-1, 0, 1)],
    *b"-0 00 01 +1 1.0 1e3 0x10 nan inf - -- 0 100 4294967297 99999999999999999999999999".split(),
    *[str(number).encode() for number in (NOW, NOW + 1, NOW * 1000, NOW * 1000 + 1500, 1000, 65_536, 1_048_577)],
    *[b"", b" 1", b"1 ", b"1\n", b"\xff", b"\x00", b"one", b"9" * 400],
]
DOUBLES = [
    *b"0 0.001 0.1 1 1.5 -1 -0 3e2 1e300 -1e300 1e-400 1e400 inf -inf +inf nan 0x1p3 .5 5. . e 1e 1_0 1,5".split(),
    *[
        b"",
        b" 1",
        b"1 ",
        b"0." + b"1" * 400,
        b"1" * 400,
        b"\xff",
        b"\x00",
        b"9007199254740993",
        b"1e17",
        b"0.1234567890123456789",
    ],
]
PATTERNS = [
    *b"* a* *a ? [a-c] [^a] [ [^ [a [a- ] \\ \\* a\\ ** *?* [[] [^]] [z-a] ??????? *a*b*c*d*e*f* *k*k*k*k*k*x".split(),
    *[b"", b"\xff*", b"[\x80-\xff]", b"[" + b"a-z" * 100, b"*?" * 100, b"k*" * 100 + b"x", b"(?:a)", b"[\\]]"],
]
STRINGS = [
    *b"x 0 1 -1 10 3.14 1e5 9223372036854775807 -9223372036854775808 a b c OK nil".split(),
    *[
        b"",
        b"\r\n",
        b"\x00",
        b"\xff\xfe",
        b"$5\r\nhello",
        b"*1\r\n$4\r\nPING\r\n",
        b"-ERR",
        "é".encode(),
        b" ",
        b'"',
        b"'",
    ],
    *[b"x" * 44, b"x" * 45, b"abcab" * 20, b"y" * 1023, b"z" * 1024],
]
JUNK = [
    *[b"", b"\r\n", b"\n", b"\x00", b"*", b"$", b"9", b"-1", b"*9999\r\n", b"$9999999999\r\n", b"*1000000000\r\n"],
    *[b">3\r\n", b"~1000000000\r\n", b"+OK\r\n", b":1\r\n", b"_\r\n", b"\xff"],
]
OPTIONS = (
    b"timeout maxclients requirepass hz save list-max-listpack-size maxmemory dir * client-output-buffer-limit"
    b" hash-max-listpack-entries hash-max-listpack-value set-max-intset-entries"
).split()
"""Configuration that may be changed without taking away what makes a run bounded."""

DEBUGS = (
    b"object sdslen digest-value listpack quicklist htstats-key htstats protocol error digest pause-cron log structsize"
    b" set-active-expire replybuffer reload quicklist-packed-threshold help change-repl-id panic client-eviction"
).split()
PROTOCOLS = b"string integer double bignum null array set map attrib push verbatim true false".split()

RARE = {
    *(
        "command",
        "command|docs",
        "command|info",
        "command|list",
        "lolwut",
        "info",
        "memory|stats",
    ),  # say much each time
    *("flushall", "flushdb", "swapdb", "quit", "reset", "shutdown"),  # would leave nothing
    *("client|kill", "client|pause", "client|reply", "config|set", "debug"),
}
"""Commands that come, but not as often as others."""


class Grammar:
    """Writes requests.

    Args:
        table: the commands that there are.
        random: all choices come from it.
        without: names of commands that are left out.
        long: up to how many bytes a string may have.
    """

    def __init__(self, table: Mapping[str, Command], random: Random, without: Sequence[str] = (), long: int = 40_000):
        self._random = random
        self._long = long
        records = [record for command in table.values() for record in (command.subcommands.values() or [command])]
        self._commands = [record for record in records if record.name not in without and record.name not in RARE]
        self._rare = [record for record in records if record.name in RARE.difference(without)]
        self._builders = [record for record in self._commands if "denyoom" in record.flags]  # they make data
        self._tokens = sorted({token for record in records for token in _tokens(record.arguments)})

    # Requests

    def stream(self, count: int) -> bytes:
        """Some requests as bytes, most of them well framed; now and then a transaction."""
        requests = [self.request() for _ in range(count)]
        if self._random.random() < 0.08:
            requests = [[b"MULTI"], *requests, [b"EXEC"]]
        return b"".join(map(self.wire, requests))

    def build(self, count: int) -> bytes:
        """Some requests that make data, most of them right."""
        requests = [self._plain(self._random.choice(self._builders)) for _ in range(count)]
        return b"".join(array(*request) for request in requests)

    def request(self) -> list[bytes]:
        """A request: by the syntax, or nearly so."""
        random = self._random
        chance = random.random()
        commands = self._rare if chance < 0.08 else self._builders if chance < 0.25 else self._commands
        request = self._plain(random.choice(commands or self._commands))
        if random.random() < 0.2:
            request[0] = bytes(byte ^ random.choice((0, 32)) for byte in request[0])
        while random.random() < 0.2:
            request = self._bend(request)
        return request or [b""]

    def _plain(self, command: Command) -> list[bytes]:
        random = self._random
        request = [word.encode() for word in command.name.split("|")]
        if command.name == "debug":
            request += [random.choice(DEBUGS), random.choice([self.key(), *PROTOCOLS, b"0", b"1"])]
        elif command.name.startswith("command|getkeys"):
            request += self._plain(random.choice(self._commands))
        return request + self._arguments(command.arguments)

    def wire(self, request: list[bytes]) -> bytes:
        """A request as bytes: an array, a line, or something that is nearly one."""
        random = self._random
        kind = random.random()
        if kind < 0.04:
            return self._break(array(*request))
        if kind < 0.1:
            return b" ".join(map(_quoted, request)) + random.choice([b"\r\n", b"\n"])
        return array(*request)

    def _bend(self, request: list[bytes]) -> list[bytes]:
        random = self._random
        place = random.randrange(len(request) + 1)
        other = random.choice([self.key, self.integer, self.double, self.pattern, self.string, self.token])()
        match random.randrange(6):
            case 0:
                return request[:place] + request[place + 1 :]
            case 1:
                return [*request[:place], other, *request[place + 1 :]]
            case 2:
                return [*request[:place], other, *request[place:]]
            case 3:
                return request + request[1:]
            case 4:
                return request[:1] + request[1:] * random.choice([0, 2, 50])
            case _:
                return [*request[:1], *random.sample(request[1:], len(request[1:]))]

    def _break(self, data: bytes) -> bytes:
        random = self._random
        start = random.randrange(len(data))
        end = min(len(data), start + random.choice([0, 1, 2, 5, 50]))
        junk = random.choice(JUNK) if random.random() < 0.9 else random.randbytes(9)
        return data[:start] + junk + data[end:]

    # Arguments

    def _arguments(self, nodes: Sequence[Argument]) -> list[bytes]:
        random = self._random
        arguments: list[bytes] = []
        numkeys: int | None = None
        for node in nodes:
            if "optional" in node.flags and random.random() < 0.5:
                continue
            times = 1
            while "multiple" in node.flags and times < 8 and random.random() < 0.5:
                times += 1
            if node.name == "numkeys":
                numkeys = len(arguments)
            elif numkeys is not None:
                if random.random() < 0.8:
                    arguments[numkeys] = b"%d" % times
                numkeys = None
            for time in range(times):
                if node.token is not None and (time == 0 or "multiple_token" in node.flags):
                    arguments.append(node.token.encode() if random.random() < 0.8 else node.token.lower().encode())
                arguments += self._value(node)
        return arguments

    def _value(self, node: Argument) -> list[bytes]:
        match node.type:
            case "pure-token":
                return []
            case "oneof":
                choice = self._random.choice(node.arguments)
                token = [] if choice.token is None else [choice.token.encode()]
                return token + self._value(choice)
            case "block":
                return self._arguments(node.arguments)
            case "key":
                return [self.key()]
            case "integer" if node.name == "parties" and self._random.random() < 0.8:  # they must agree to meet
                return [self._random.choice((b"2", b"2", b"3"))]
            case "integer" | "unix-time":
                return [self.integer()]
            case "double":
                return [self.double()]
            case "pattern":
                return [self.pattern()]
        return [self._random.choice(OPTIONS) if node.name == "parameter" else self.string()]

    def key(self) -> bytes:
        """A key: few, so that they meet."""
        return self._random.choice(KEYS[:3] if self._random.random() < 0.7 else KEYS)

    def integer(self) -> bytes:
        """A whole number, or what looks like one."""
        random = self._random
        return b"%d" % random.randint(-3, 8) if random.random() < 0.6 else random.choice(INTEGERS)

    def double(self) -> bytes:
        """A number, or what looks like one."""
        random = self._random
        return random.choice([b"0", b"1", b"0.01", b"2"]) if random.random() < 0.5 else random.choice(DOUBLES)

    def pattern(self) -> bytes:
        """A glob pattern, or what is left of one."""
        return self._random.choice(PATTERNS)

    def string(self) -> bytes:
        """Any bytes."""
        random = self._random
        kind = random.random()
        if kind < 0.8:
            return random.choice(STRINGS)
        if kind < 0.98:
            return random.randbytes(random.randrange(60))
        return random.choice([b"x", b"ab", b"\x00", b"1"]) * random.randrange(self._long // 2)

    def token(self) -> bytes:
        """A word that means something to some command."""
        return self._random.choice(self._tokens).encode()


def _tokens(arguments: Sequence[Argument]) -> set[str]:
    tokens = {argument.token for argument in arguments if argument.token is not None}
    return tokens.union(*(_tokens(argument.arguments) for argument in arguments))


_ESCAPES = [b"%c" % byte if byte > 34 and byte not in b"'\\" else b"\\x%02x" % byte for byte in range(256)]


def _quoted(argument: bytes) -> bytes:
    return b'"%b"' % b"".join(map(_ESCAPES.__getitem__, argument))
