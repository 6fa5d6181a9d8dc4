r"""The format of `scripts/*.txt`: what several named clients send, and nothing of what comes back.

What a server must answer is not written down: a real redis-server says it, at each run. A script is read from top to
bottom; `==` begins a scenario, which starts with no clients, no keys and the default configuration, and runs once on
RESP2 and once on RESP3.

    == two clients wait for one key: first come, first served
    A> BLPOP k 0                 A sends a command. Replies of all clients are compared after each line
    B> BLPOP k 0
    C> RPUSH k {a|b}             alternatives: the line stands for two, RPUSH k a and RPUSH k b
    C> SET k "\x00\r\n" PX 10    words in double quotes with escapes; in single quotes as they are
    C> SET k {a|1} // INCR k     two lines in one; with alternatives: SET k a, INCR k, SET k 1, INCR k
    C> CLIENT UNBLOCK {A.id}     what differs from server to server: {A.id}, {A.addr}, {A.laddr}
    C> EXPIREAT k {now+100}      {now+-n} and {ms+-n}: the time in seconds and in milliseconds
    C> ECHO {x*1000}             a thousand x
    C> PTTL k ;; within 50       how to compare, if not as rules.py says for this command
    A>> "*1\r\n$4\r\nPI" "NG\r\n"   bytes as they are: all words, with nothing between them
    A<                           wait until both servers have answered A, which was parked
    A? EXISTS k => :0            ask until both answer :0, for what only time brings about
    A@ SCAN {cursor} COUNT 3     follow the cursor to its end, compare all elements
    A!                           A hangs up
    @resp2                       this scenario runs on one protocol only
    # a comment
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import attrs

from compat.redis import rules
from compat.redis.pair import Argument, Compared, Pair, Side
from compat.redis.rules import Rule

FOLDER = Path(__file__).parent / "scripts"
LINE = re.compile(r"(?P<client>[A-Z])(?P<verb>>>|>|<|\?|@|!)(?:\s+(?P<rest>.*))?$")
ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|.)", re.DOTALL)
ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b", b"0": b"\0"}
WORD = re.compile(r"""(?P<double>"(?:[^"\\]|\\.)*")|(?P<single>'[^']*')|(?P<plain>[^\s"']+)""")
TOKEN = re.compile(r""""(?:[^"\\]|\\.)*"|'[^']*'|[{}|]""")
VARIABLE = re.compile(r"\{(?P<name>[^{}|]+)\}")


@attrs.frozen
class Step:
    """One line of a script, one alternative of it."""

    number: int
    text: str
    client: str
    run: Callable[[Pair], list[Compared]]


@attrs.frozen
class Scenario:
    """A story with its title; `protocols` are those that it runs on."""

    file: str
    title: str
    protocols: tuple[int, ...]
    steps: tuple[Step, ...]

    @property
    def name(self) -> str:
        """How known_differences.py and test ids call it."""
        return f"{self.file}: {self.title}"

    def play(self, pair: Pair, protocol: int) -> Iterator[tuple[Step, Compared]]:
        """Run the scenario on both servers to its end, giving every reply, compared, with its line."""
        pair.begin(protocol)
        for step in self.steps:
            for compared in step.run(pair):
                yield step, compared


def load_all() -> list[Scenario]:
    """Read all scenarios of all files."""
    return [scenario for path in sorted(FOLDER.glob("*.txt")) for scenario in load(path)]


def load(path: Path) -> list[Scenario]:
    """Read all scenarios of a file.

    Raises:
        ValueError: a line is not understood; the text names file and line.
    """
    scenarios: list[Scenario] = []
    title, steps = "", list[Step]()
    protocols: tuple[int, ...] = (2, 3)

    def end_scenario() -> None:
        if title:
            scenarios.append(Scenario(path.stem, title, protocols, tuple(steps)))

    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        line = line.strip()
        if line.startswith("=="):
            end_scenario()
            title, protocols, steps = line[2:].strip(), (2, 3), []
        elif line in ("@resp2", "@resp3"):
            protocols = (int(line[-1]),)
        elif line and not line.startswith("#"):
            try:
                steps += [_step(number, part) for alternative in alternatives(line) for part in sequence(alternative)]
            except (ValueError, LookupError) as error:
                raise ValueError(f"{path.name}:{number}: {error}: {line}") from error
    end_scenario()
    return scenarios


def alternatives(line: str) -> list[str]:
    """Write out `{a|b}`: one line for each combination. Braces within quotes are left alone; braces may nest."""
    for match in TOKEN.finditer(line):
        choices, end = _choices(line, match.end()) if match[0] == "{" else ([], 0)
        if len(choices) > 1:
            before, after = line[: match.start()], line[end:]
            return [full for choice in choices for full in alternatives(before + choice + after)]
    return [line]


def sequence(line: str) -> list[str]:
    """Split `A> x // y // B> z` into `A> x`, `A> y` and `B> z`."""
    lines = list[str]()
    for part in line.split(" // "):
        lines.append(part if LINE.match(part) else f"{lines[-1].split()[0]} {part}")
    return lines


def _choices(line: str, start: int) -> tuple[list[str], int]:
    """Split what stands between a brace and its partner at the bars; give the pieces and where the brace ends."""
    pieces, depth, begin = list[str](), 0, start
    for match in TOKEN.finditer(line, start):
        if match[0] == "{":
            depth += 1
        elif match[0] == "}" and depth:
            depth -= 1
        elif match[0] in "|}" and not depth:
            pieces.append(line[begin : match.start()])
            begin = match.end()
            if match[0] == "}":
                return pieces, begin
    raise ValueError("unbalanced braces")


def words(text: str) -> list[Argument]:
    """Split a line into arguments; quoted pieces and bare ones that touch are one word, as in a shell."""
    result: list[list[Argument]] = []
    position = end_of_last = -1
    while (position := max(end_of_last, 0)) < len(text):
        if text[position].isspace():
            end_of_last = position + 1
            if result and result[-1]:
                result.append([])
            continue
        match = WORD.match(text, position)
        if match is None:
            raise ValueError("unbalanced quotes")
        if not result:
            result.append([])
        result[-1] += _pieces(match)
        end_of_last = match.end()
    return [_joined(pieces) for pieces in result if pieces]


def _step(number: int, line: str) -> Step:
    match = LINE.match(line)
    if match is None:
        raise ValueError("not a line of a script")
    client, verb, rest = match["client"], match["verb"], match["rest"] or ""
    body, _, rule_name = rest.partition(" ;; ")
    rule = rules.named(rule_name) if rule_name else None
    return Step(number, line, client, _action(client, verb, body, rule))


def _action(client: str, verb: str, body: str, rule: Rule | None) -> Callable[[Pair], list[Compared]]:
    match verb:
        case ">":
            arguments = words(body)
            return lambda pair: pair.send(client, arguments, rule)
        case ">>":
            data = b"".join(_plain(words(body)))
            return lambda pair: pair.send_raw(client, data, rule or rules.exact)
        case "<":
            return lambda pair: pair.answer(client)
        case "?":
            question, _, expected = body.partition(" => ")
            asked = words(question)
            return lambda pair: pair.until(client, asked, expected.strip())
        case "@":
            scanned = [None if word == "{cursor}" else _plain(words(word))[0] for word in body.split()]
            return lambda pair: pair.iterate(client, scanned)
        case _:
            return lambda pair: pair.leave(client)


def _plain(arguments: Sequence[Argument]) -> list[bytes]:
    if any(callable(argument) for argument in arguments):
        raise ValueError("no server's own values here")
    return [argument for argument in arguments if isinstance(argument, bytes)]


def _pieces(match: re.Match[str]) -> list[Argument]:
    """One quoted or bare stretch: its bytes, and the variables in it if it is bare."""
    if match["double"]:
        return [ESCAPE.sub(_unescape, match["double"][1:-1].encode())]
    if match["single"]:
        return [match["single"][1:-1].encode()]
    pieces: list[Argument] = []
    position = 0
    for variable in VARIABLE.finditer(match["plain"]):
        pieces += [match["plain"][position : variable.start()].encode(), _variable(variable["name"])]
        position = variable.end()
    return [*pieces, match["plain"][position:].encode()]


def _variable(name: str) -> Argument:
    client, _, what = name.partition(".")
    if what == "id":
        return lambda side: side.ids[client]
    if what == "addr":
        return lambda side: _address(side, client, own=True)
    if what == "laddr":
        return lambda side: _address(side, client, own=False)
    text, times, count = name.rpartition("*")
    if times:
        return text.encode() * int(count)
    match = re.fullmatch(r"(now|ms)\+(-?\d+)", name)
    if match is None:
        raise ValueError(f"unknown: {{{name}}}")
    scale, offset = (1 if match[1] == "now" else 1000), int(match[2])
    return lambda side: b"%d" % (int(time.time() * scale) + offset)


def _address(side: Side, client: str, *, own: bool) -> bytes:
    socket = side.clients[client].socket
    host, port = (socket.getsockname() if own else socket.getpeername())[:2]
    return f"{host}:{port}".encode()


def _joined(pieces: Sequence[Argument]) -> Argument:
    if all(isinstance(piece, bytes) for piece in pieces):
        return b"".join(piece for piece in pieces if isinstance(piece, bytes))
    return lambda side: b"".join(piece(side) if callable(piece) else piece for piece in pieces)


def _unescape(match: re.Match[bytes]) -> bytes:
    escape = match[1]
    return bytes([int(escape[1:], 16)]) if len(escape) == 3 else ESCAPES.get(escape, escape)
