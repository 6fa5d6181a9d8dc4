"""Whatever comes, cut wherever: both parsers give the same requests and errors, hold what came at most, raise nothing.

One laxness of the fast parser is known (see the head of respstore/protocol/requests.py): some types of RESP that are no
bulk strings may pass for one where a value elsewhere holds a `$`. The bytes that introduce them do not occur here.
"""

from random import Random
from types import SimpleNamespace

from respstore.commands import TABLE
from respstore.protocol.requests import FastParser, Request, RequestParser
from tests.fuzz.grammar import Grammar
from tests.fuzz.target import Failure, Step

WITHOUT_STRINGS = bytes.maketrans(b"+=(", b"___")


class Doubtful(FastParser):
    """A fast parser that is never sure, so that the strict one does everything."""

    def parse(self, data: bytes) -> list[Request]:
        return []


class Parsing:
    """Steps: `("feed", data)`, `("hold", data)`, `("authenticate",)`."""

    name = "parsing"

    def make_case(self, random: Random) -> list[Step]:
        grammar = Grammar(TABLE, random, long=random.choice([1000, 100_000]))
        pieces = [_piece(random, grammar) for _ in range(random.randrange(1, 25))]
        data = b"".join(pieces).translate(WITHOUT_STRINGS)
        steps: list[Step] = []
        while data:
            size = random.choice([1, 2, 10, 100, 1000, 65_536, random.randrange(1, 300)])
            chunk, data = data[:size], data[size:]
            steps.append((random.choice(["feed", "feed", "feed", "hold"]), chunk))
        if random.random() < 0.2:
            steps = [("deauthenticate",), *steps]
            steps.insert(random.randrange(1, len(steps) + 1), ("authenticate",))
        return steps

    def run(self, steps: list[Step]) -> None:
        fast, strict = (_parser(kind) for kind in (FastParser, Doubtful))
        fed = 0
        for step in steps:
            match step:
                case ("feed", bytes(data)):
                    fed += len(data)
                    results = [_requests(parser, data) for parser in (fast, strict)]
                    if results[0] != results[1]:
                        raise Failure(f"the parsers differ\n{results[0]}\n{results[1]}")
                    if str(fast.error) != str(strict.error):
                        raise Failure(f"the parsers differ in their errors\n{fast.error}\n{strict.error}")
                    if fast.error is not None:
                        return
                case ("hold", bytes(data)):
                    fed += len(data)
                    fast.hold(data)
                    strict.hold(data)
                case ("deauthenticate" | "authenticate" as word,):
                    fast.authenticated = strict.authenticated = word == "authenticate"
            for parser in (fast, strict):
                if not 0 <= parser.unread() <= fed:
                    raise Failure(f"more is held than came\n{parser.unread()} bytes of {fed}")


def _parser(kind: type[FastParser]) -> RequestParser:
    return RequestParser(kind(), SimpleNamespace(proto_max_bulk_len=1024 * 1024))


def _requests(parser: RequestParser, data: bytes) -> list[Request]:
    requests: list[Request] = []
    try:
        more = parser.feed(data)
        while more:
            requests += more
            more = parser.take()
    except Exception as error:
        raise Failure(f"an exception escapes\n{error!r}") from error
    if any(type(part) is not bytes for request in requests for part in request) or any(
        type(request) is not list for request in requests
    ):
        raise Failure(f"a request is no list of bytes\n{requests}")
    return [request for request in requests if request]


def _piece(random: Random, grammar: Grammar) -> bytes:
    """A request, many, a part of one, or something else."""
    match random.randrange(8):
        case 0 | 1 | 2:
            return grammar.stream(1)
        case 3:
            return grammar.stream(random.randrange(20))
        case 4:
            return grammar.wire(grammar.request()) * random.randrange(20)
        case 5:
            return grammar.wire([random.randbytes(random.randrange(9)) for _ in range(random.randrange(1, 120))])
        case 6:
            mark, end = random.choice(b"*$>~%|:#-,_"), random.choice([b"\r\n", b"\n", b"\r", b""])
            number = random.choice([-1, 0, 1, 2, 3, 9, 10, 99, 100, 999, 9999, 10_000, 10**9, 2**31, 2**63])
            return b"%c%d%b" % (mark, number, end) * random.choice([1, 1, 1, 3, 5000])
    line = random.choice([b"PING", b"SET k v", b"", b" ", b"GET 'a b'", b'ECHO "', b"a\x00", b"*", random.randbytes(9)])
    return (line + random.choice([b"\r\n", b"\n"])) * random.choice([1, 1, 5])
