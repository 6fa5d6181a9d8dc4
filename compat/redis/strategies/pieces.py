"""What commands are made of: small pools of keys and values, so that commands meet, and ways to put them together.

Two rules keep a generated run the same on both servers. No expiry falls into the run: times are far away or past. And
no client waits for a time: it waits for ever, until another command, or the end of the example, releases it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from hypothesis import strategies as st

from compat.redis.pair import Side

Word = bytes | Callable[[Side], bytes]
Words = tuple[Word, ...]
Strategy = st.SearchStrategy[Words]
Part = str | bytes | Strategy
"""A part of a command: words as a text, one word as bytes, or a strategy of words."""


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
ANY = (*STRINGS, *LISTS, *HASHES, *SETS, *SORTED_SETS, *STREAMS, "")

string_key = word(*STRINGS * 4, *LISTS, "")
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

index = word(0, 1, 2, 3, 5, -1, -2, -3, -5, 100, -100, "9223372036854775807", "-9223372036854775808", "junk")
count = word(0, 1, 2, 3, 10, 1, 2, -1, -2, "9223372036854775807", "junk", "")
integer = word(0, 1, -1, 10, -10, "9223372036854775807", "-9223372036854775808", "1.5", "junk", "")
number = word(
    0, 1, "1.5", "-0.1", "3.0e2", "1e-7", "10000000000", "junk", "inf", "nan", "", "0.1", "1e17", "-5", "1e400"
)
database = word(0, 1, 2, 0, 1, 15, 16, -1, "junk")

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
junk = word("", "junk", "-1", "0", "-1.5", "9223372036854775808", b"\x00", "NX", "COUNT", "?*", "l1", "s1")
