"""What commands are made of: small pools of keys and values, so that commands meet, and ways to put them together.

Two rules keep a generated run the same on both servers. No time to live ends somewhere in a run: times are far away or
past, or the server sleeps until they are (circumstances.py). And a client waits for ever, until another command, or the
end of the example, releases it; or so shortly that everything else waits with it (`MOMENT`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from hypothesis import strategies as st

from compat.redis.pair import Side

Word = bytes | Callable[[Side], bytes]
Words = tuple[Word, ...]
Strategy = st.SearchStrategy[Words]
Part = str | bytes | Strategy
"""A part of a command: words as a text, one word as bytes, or a strategy of words."""
Step = tuple[str, list[Words]]
"""A client, and the commands that it sends in one piece."""


class IdOf:
    """The id of a client on the server that is asked; another number on each."""

    def __init__(self, client: str) -> None:
        self.client = client

    def __call__(self, side: Side) -> bytes:
        return side.ids.get(self.client, b"1000000")

    def __repr__(self) -> str:
        return f"{{{self.client}.id}}"


def words(part: Part) -> Strategy:
    """A part as a strategy: a text is split at its spaces."""
    if isinstance(part, str):
        return st.just(tuple(part.encode().split()))
    if isinstance(part, bytes):
        return st.just((part,))
    return part


def command(*parts: Part) -> Strategy:
    """A command from its parts, one after the other."""
    return st.tuples(*map(words, parts)).map(_joined)


def one_of(choices: Iterable[Part | int]) -> Strategy:
    """One of several parts, evenly."""
    return st.sampled_from([words(_part(choice)) for choice in choices]).flatmap(lambda chosen: chosen)


def word(*choices: bytes | str | int) -> Strategy:
    """One word of a pool; cheaper than `one_of`."""
    return st.sampled_from([(choice if isinstance(choice, bytes) else str(choice).encode(),) for choice in choices])


def maybe(part: Part) -> Strategy:
    """A part, or nothing, evenly."""
    return st.one_of(st.just(()), words(part))


def many(part: Part, least: int = 1, most: int = 3) -> Strategy:
    """A part several times, drawn anew each time."""
    return st.lists(words(part), min_size=least, max_size=most).map(_joined)


def mostly(usual: Strategy, seldom: Strategy) -> Strategy:
    """The one, and every eighth time the other."""
    return st.one_of(*[usual] * 7, seldom)


def options(*choices: Part) -> Strategy:
    """None, one or two of several options; which may contradict each other."""
    return many(one_of(choices), 0, 2)


def _part(choice: Part | int) -> Part:
    return str(choice) if isinstance(choice, int) else choice


def _joined(parts: Iterable[Words]) -> Words:
    return tuple(word for part in parts for word in part)


# Keys are named for what usually is in them; one in five is another's, for WRONGTYPE and for moves between types.
STRINGS = ("s1", "s2", "n1", "n2")
LISTS = ("l1", "l2", "l3")
HASHES = ("h1", "h2")
SORTED_SETS = ("z1", "z2", "z3")
SETS = ("m1", "m2", "m3")
STREAMS = ("x1", "x2")
BINARY = b"\xff\r\n\x00"
ANY = (*STRINGS, *LISTS, *HASHES, *SETS, *SORTED_SETS, *STREAMS, "", BINARY)

string_key = word(*STRINGS * 4, *LISTS, "", BINARY)
list_key = word(*LISTS * 4, *STRINGS[:2], "")
hash_key = word(*HASHES * 6, *STRINGS[:1], *LISTS[:1], "")
sorted_set_key = word(*SORTED_SETS * 5, STRINGS[0], LISTS[0], "")
lex_key = word(*("zl1", "zl2") * 6, STRINGS[0])  # sorted sets whose scores are all 0
set_key = word(*SETS * 5, *STRINGS[:1], *HASHES[:1], "")
stream_key = word(*STREAMS * 6, *STRINGS[:1], "")
geo_key = word(*("g1", "g2") * 5, *SORTED_SETS, STRINGS[0])
key = word(*ANY)

value = word(
    "", "a", "b", "ab", "10", "-1", "0", "3.5", "9223372036854775807", "-9223372036854775808", "9223372036854775808",
    " 1", "01", "1e3", "hello world", b"\x00\xff\r\n", "x" * 44, "y" * 45, "z" * 300,
)  # fmt: skip
element = word("a", "b", "c", "a", "b", "1", "2", "01", "", b"\x00\r\n", "x" * 70)

no_integer = word("junk", "", "1.0", " 1", "1 ", "01", "+1", "-0", "0x1", b"1\x00", "9223372036854775808", "1e0")
index = mostly(word(0, 1, 2, 3, 5, -1, -2, -3, -5, 100, -100, 2**31, 2**32, 2**63 - 1, -(2**63)), no_integer)
count = mostly(word(0, 1, 2, 3, 10, 1, 2, 0, 1, 2, 3, 10, -1, -2, 2**31, 2**32, 2**63 - 1, -(2**63)), no_integer)
integer = mostly(word(0, 1, -1, 10, -10, 0, 1, -1, 10, 2**63 - 1, -(2**63), 2**53 + 1, "01", "+1"), no_integer)
number = word(
    0, 1, "1.5", "-0.1", "3.0e2", "1e-7", "10000000000", "junk", "inf", "nan", "", "0.1", "1e17", "-5", "1e400", "1.1",
    "-inf", "+Infinity", "0x1p3", "1_0", " 1", "1 ", "5e-324", "123456789.987654321", "0.30000000000000004", "-1.5e-5",
    b"1\x00", "+2", "1e308", "17179869184.25", ".5", "5.",
)  # fmt: skip
database = word(0, 1, 2, 0, 1, 0, 1, 2, 0, 1, 15, 16, -1, "junk", "", "01", 2**32, 2**63)

seconds = word(100, 200, 5000, 0, -1, -100, "junk", "9223372036854775807", "9223372036854775")
milliseconds = word(100000, 200500, 5000000, 0, -1, "junk", "9223372036854775807")
unix_seconds = word(33177117420, 33177117999, 1, 0, -1, "junk", "9223372036854775807")
unix_milliseconds = word(33177117420123, 33177117999999, 1, 0, -1, "junk", "9223372036854775807")
pattern = word("*", "?1", "s*", "[ls]1", "[^s]*", "", "n?", "*1", "l[1-2]", "missing")

expiry = one_of(
    [
        command("EX", seconds),
        command("PX", milliseconds),
        command("EXAT", unix_seconds),
        command("PXAT", unix_milliseconds),
    ]
)

# What a confused client may send in the place of an argument. No small positive number: it might become an expiry. No
# lone star: it might become the time, as the id of an entry.
junk = word(
    *("", "junk", "-1", "0", "-1.5", "9223372036854775807", "9223372036854775808", "-9223372036854775808", b"\x00"),
    *("nan", "inf", "1e400", "NX", "COUNT", "LIMIT", "GET", "STORE", "?*", "l1", "s1"),
)

# How long a client may wait: for ever; a moment, after which the comparison goes on; or it is no time.
MOMENT = b"0.003"
MOMENT_IN_MS = b"3"
timeout = mostly(
    word(*[0] * 9, *[MOMENT] * 2, "0.0", 1000000, "0x10000"),
    word("", "junk", -1, "-0.1", "inf", "nan", "1e400", "1e18", " 1", 2**63 - 1),
)
timeout_in_ms = mostly(
    word(*[0] * 9, *[MOMENT_IN_MS] * 2, 1000000000), word("", "junk", -1, "1.5", 2**63 - 1, 2**63, -(2**63))
)


def lasts_a_moment(call: Sequence[bytes]) -> bool:
    """Whether a command that waits does so for no longer than a moment."""
    if call[0].upper() in {b"XREAD", b"XREADGROUP"}:  # of several times, the last counts
        times = [time for word, time in pairwise(call) if word.upper() == b"BLOCK"]
        return times[-1:] == [MOMENT_IN_MS]
    return MOMENT in (call[1:2] if call[0].upper() in {b"BLMPOP", b"BZMPOP"} else call[-1:])
