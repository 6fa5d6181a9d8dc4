"""Values of handlers -> bytes for a client: the only place that knows RESP2 from RESP3.

What a handler may return, and what becomes of it:

| value | RESP2 | RESP3 |
|---|---|---|
| `bytes`, `bytearray` | bulk string | bulk string |
| `str` | simple string (one line: `"OK"`) | simple string |
| `int` | integer | integer |
| `None` | null bulk string | null |
| `NULL_ARRAY` | null array | null |
| `list`, `tuple` | array | array |
| `dict`, `TextMap`, `MapOf` | array of keys and values in turn | map |
| `Pairs` | array of keys and values in turn | array of arrays of two |
| `ScoredMember` | array of two | array of two |
| `set`, `frozenset`, `SetOf` | array | set |
| `float` | bulk string | double |
| `PlainDouble` | bulk string | double, never with an exponent |
| `bool` | integer 1 or 0 | boolean |
| `Verbatim` | bulk string | verbatim string |
| `BigNumber` | bulk string | big number |
| `Attributed` | the value alone | the value behind its attribute |
| `Push` | array | push |
| `ByKey` | array of pairs | map |
| `StreamEntries` | array of ids with arrays of fields and values | the same |
| `RespError` (inside an array) | error | error |
| `Encoded` | as it is | as it is |
| `NO_REPLY` | nothing | nothing |
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from itertools import chain
from types import MappingProxyType
from typing import Any, Final

import attrs

from respstore.errors import RespError
from respstore.numbers import DOUBLE, SMALL_TEXTS, format_plain_double

CRLF: Final = b"\r\n"
OK: Final = "OK"
PONG: Final = "PONG"
QUEUED: Final = "QUEUED"

Output = list[bytes]
"""Pieces of a reply, to be joined when they are sent. To append one by one takes less than to add a tuple of them."""


class Special(Enum):
    """Replies that no Python value stands for."""

    NULL_ARRAY = "what a timed-out BLPOP and an aborted EXEC answer"
    NO_REPLY = "the handler has nothing to say, or said it already"


NULL_ARRAY: Final = Special.NULL_ARRAY
NO_REPLY: Final = Special.NO_REPLY


@attrs.frozen
class Verbatim:
    """Text that a client should show as it is.

    Args:
        text: the text, UTF-8.
        format: three characters, `txt` or `mkd`.
    """

    text: bytes
    format: str = "txt"


@attrs.frozen
class Push:
    """Out-of-band data (RESP3), the first item its kind; RESP2 clients get an array."""

    items: Sequence[Any]


@attrs.frozen
class BigNumber:
    """A whole number that may be beyond 64 bits, as its digits."""

    digits: bytes


@attrs.frozen
class PlainDouble:
    """A double that is printed with at most 17 decimals, never with an exponent, such as a coordinate."""

    number: float


@attrs.frozen
class Attributed:
    """A reply with something to say about it beside, which RESP2 clients are not told."""

    attribute: dict[Any, Any]
    value: Any


@attrs.frozen
class Encoded:
    """A reply that is encoded already: an EXEC, in which HELLO may switch the protocol."""

    pieces: Output


# What follows is made for each reply, so it is not frozen: that would take twice the time.


@attrs.define
class Pairs:
    """Pairs in an order, such as members and their scores; the first of one may come again.

    Args:
        firsts, seconds: the halves of the pairs.
    """

    firsts: Sequence[Any]
    seconds: Sequence[Any]


@attrs.define
class ScoredMember:
    """A member of a sorted set and its score, as ZPOPMIN takes them; to know that saves half the work of an array."""

    member: bytes
    score: float


TextMap = MappingProxyType
"""A map of nothing but bulk strings, such as a hash, which to know saves half the time of its encoding.

It is encoded before anything else happens, so that nobody need copy the hash: this is a view of it.
"""


@attrs.define
class SetOf:
    """A set of values that Python cannot hash, such as maps, or whose order matters; they differ by construction."""

    items: Sequence[Any]


@attrs.define
class MapOf:
    """A map whose keys Python cannot hash, as a script may make one; they differ by construction."""

    items: Sequence[tuple[Any, Any]]


Run = tuple[Sequence[int], Sequence[int], Sequence[bytes] | None, Sequence[Sequence[bytes]]]
"""Entries of a stream with the same fields, by column.

The milliseconds of their ids, their sequence numbers, the fields (None if they are deleted), and the values of each.
"""


@attrs.define
class StreamEntries:
    """Entries of a stream."""

    runs: Sequence[Run]


@attrs.define
class ByKey:
    """The entries that were found in streams at keys, as XREAD answers them; a key may come twice."""

    items: Sequence[tuple[bytes, Sequence[Run]]]


BULK_HEADS: Final = [b"$%d\r\n" % length for length in range(1024)]
"""Heads of bulk strings by length: formatting one costs more than the rest of a GET's reply."""
INTEGERS: Final = [b":%d\r\n" % number for number in range(1024)]
NEXT_HEADS: Final = [CRLF + head for head in BULK_HEADS]
_ARRAY_HEADS: Final = [b"*%d\r\n" % count for count in range(1024)]
_COUNTS: Final = [b"*%d" % count for count in range(1024)]
_ENTRY_HEADS: Final = [b"\r\n*2\r\n" + head for head in BULK_HEADS[:64]]
"""Ids of entries are short."""
_DIGITS: Final = [b"%d" % number for number in range(1024)]
_MEMBER_HEADS: Final = {2: BULK_HEADS, 3: [b"*2\r\n" + head for head in BULK_HEADS]}
SIMPLE: Final = {text: b"+%b\r\n" % text.encode() for text in (OK, PONG, QUEUED)}
SIMPLE_OK: Final = SIMPLE[OK]
NULL_BULK: Final = b"$-1\r\n"
NULL: Final = b"_\r\n"


class _ScoreTails(dict[float, bytes]):
    """What stands behind a member: the end of its bulk string, and the score, ready-made for small whole numbers."""

    def __init__(self, protocol: int) -> None:
        super().__init__((number, self._tail(text, protocol)) for number, text in SMALL_TEXTS.items())
        self._protocol = protocol
        self._zeros = {text: self._tail(text, protocol) for text in (b"0", b"-0")}

    def __missing__(self, score: float) -> bytes:
        text = DOUBLE % score
        return self._tail(text, self._protocol) if score else self._zeros[text]

    @staticmethod
    def _tail(text: bytes, protocol: int) -> bytes:
        return b"\r\n%b%b\r\n" % (b"," if protocol == 3 else BULK_HEADS[len(text)], text)


_SCORE_TAILS: Final = {protocol: _ScoreTails(protocol) for protocol in (2, 3)}


def null(protocol: int) -> bytes:
    """The encoded null of a protocol version."""
    return NULL if protocol == 3 else NULL_BULK


def encode(value: Any, protocol: int, out: Output) -> None:
    """Append the encoding of a handler's value to `out`.

    Args:
        value: see the table above.
        protocol: 2 or 3.
        out: where the pieces go.

    Raises:
        TypeError: a handler returned what is no reply (a bug of ours).
    """
    kind = type(value)
    if kind is bytes:
        length = len(value)
        out.append(BULK_HEADS[length] if length < 1024 else b"$%d\r\n" % length)
        out.append(value)
        out.append(CRLF)
    elif kind is int:
        out.append(b":%d\r\n" % value)
    elif kind is list:
        _array(value, protocol, out)
    elif kind is float:
        text = SMALL_TEXTS.get(value) or DOUBLE % value
        out += (b"," if protocol == 3 else BULK_HEADS[len(text)], text, CRLF)
    else:
        encoder = ENCODERS.get(kind)
        if encoder is None:
            raise TypeError(f"no reply is made of a {kind.__name__}: {value!r}")
        encoder(value, protocol, out)


def encode_error(text: str) -> bytes:
    """An error reply. Line ends cannot stand in one; Redis sends spaces in their place."""
    if "\r" in text or "\n" in text:
        text = text.replace("\r", " ").replace("\n", " ")
    return b"-%b\r\n" % text.encode("utf-8", "surrogateescape")


def _bytearray(value: bytearray, protocol: int, out: Output) -> None:
    out += (b"$%d\r\n" % len(value), bytes(value), CRLF)


def _simple(value: str, protocol: int, out: Output) -> None:
    out.append(SIMPLE.get(value) or b"+%b\r\n" % value.encode("utf-8", "surrogateescape"))


def _special(value: Special, protocol: int, out: Output) -> None:
    if value is NULL_ARRAY:
        out.append(NULL if protocol == 3 else b"*-1\r\n")


def _none(value: None, protocol: int, out: Output) -> None:
    out.append(null(protocol))


def _bool(value: bool, protocol: int, out: Output) -> None:
    if protocol == 3:
        out.append(b"#t\r\n" if value else b"#f\r\n")
    else:
        out.append(b":1\r\n" if value else b":0\r\n")


def _plain_double(value: PlainDouble, protocol: int, out: Output) -> None:
    text = format_plain_double(value.number)
    out += (b"," if protocol == 3 else b"$%d\r\n" % len(text), text, CRLF)


def _array(items: Sequence[Any], protocol: int, out: Output) -> None:
    count = len(items)
    out.append(_ARRAY_HEADS[count] if count < 1024 else b"*%d\r\n" % count)
    _elements(items, protocol, out)


def _elements(items: Sequence[Any], protocol: int, out: Output) -> None:
    """What stands behind the head of an array, a map or a set."""
    if len(items) > 8:
        try:
            _bulk_strings(items, out)
            return
        except (TypeError, IndexError):
            pass  # not all are short bulk strings
    for item in items:
        if type(item) is bytes and len(item) < 1024:  # as `encode` does it, without a call for each
            out.append(BULK_HEADS[len(item)])
            out.append(item)
            out.append(CRLF)
        else:
            encode(item, protocol, out)


def _bulk_strings(items: Sequence[bytes], out: Output) -> None:
    """Many short bulk strings, interleaved with ready-made heads: three times as fast as one by one."""
    length = len(items[0])
    head = NEXT_HEADS[length]
    if length == len(items[-1]) == len(items[len(items) >> 1]) and _is_framed(
        joined := head.join(items), length, len(head), len(items) - 1
    ):
        # All of one length, as ids, times and hashes are: one head between all of them, three times as fast again.
        joined = BULK_HEADS[length] + joined
    else:
        pieces: list[bytes] = [CRLF] * (2 * len(items))
        pieces[1::2] = items
        pieces[::2] = [NEXT_HEADS[len(item)] for item in items]
        pieces[0] = BULK_HEADS[length]
        joined = b"".join(pieces)  # raises TypeError where an item is no bytes
    out += (joined, CRLF)


def _is_framed(joined: bytes, length: int, head: int, heads: int) -> bool:
    """Whether what stands between so many heads is of that length each time, which is faster to see than to measure.

    Each head has one `$`. If there are no more than that, and all of them are where they must be, so are the heads.
    """
    return joined.count(b"$") == heads and joined[length + 2 :: length + head] == b"$" * heads


def _map(value: Mapping[Any, Any], protocol: int, out: Output) -> None:
    out.append(b"%%%d\r\n" % len(value) if protocol == 3 else b"*%d\r\n" % (2 * len(value)))
    items: list[Any] = [None] * (2 * len(value))
    items[::2] = value
    items[1::2] = value.values()
    _elements(items, protocol, out)


def _text_map(items: TextMap[bytes, bytes], protocol: int, out: Output) -> None:
    """Every piece begins with the line end of what is before it."""
    start = len(out)
    out.append(b"%%%d" % len(items) if protocol == 3 else b"*%d" % (2 * len(items)))
    try:
        for key, text in items.items():
            out.append(NEXT_HEADS[len(key)])
            out.append(key)
            out.append(NEXT_HEADS[len(text)])
            out.append(text)
        out.append(CRLF)
    except IndexError:  # not all are short
        del out[start:]
        _map(items, protocol, out)


def _map_of(value: MapOf, protocol: int, out: Output) -> None:
    out.append(b"%%%d\r\n" % len(value.items) if protocol == 3 else b"*%d\r\n" % (2 * len(value.items)))
    _elements([*chain.from_iterable(value.items)], protocol, out)


def _pairs(value: Pairs, protocol: int, out: Output) -> None:
    firsts, seconds = value.firsts, value.seconds
    start = len(out)
    if seconds and type(seconds[0]) is float:
        try:
            _members_with_scores(firsts, seconds, protocol, out)
            return
        except IndexError:  # not all are short
            del out[start:]
    pairs = zip(firsts, seconds, strict=True)
    _array(list(pairs if protocol == 3 else chain.from_iterable(pairs)), protocol, out)


def _scored_member(value: ScoredMember, protocol: int, out: Output) -> None:
    member = value.member
    length = len(member)
    text = SMALL_TEXTS.get(value.score) or DOUBLE % value.score
    out.append(_MEMBER_HEADS[3][length] if length < 1024 else b"*2\r\n$%d\r\n" % length)
    out.append(member)
    out.append(b"\r\n," if protocol == 3 else NEXT_HEADS[len(text)])
    out.append(text)
    out.append(CRLF)


def _members_with_scores(members: Sequence[bytes], scores: Sequence[float], protocol: int, out: Output) -> None:
    """Pairs whose kind is known, in a quarter of the time."""
    count = len(members) if protocol == 3 else 2 * len(members)
    out.append(_ARRAY_HEADS[count] if count < 1024 else b"*%d\r\n" % count)
    heads, tails = _MEMBER_HEADS[protocol], _SCORE_TAILS[protocol]
    for member, score in zip(members, scores):  # noqa: B905 - to ask for strictness takes as long as two pairs
        out.append(heads[len(member)])
        out.append(member)
        out.append(tails[score])


def _set(value: Iterable[Any], protocol: int, out: Output) -> None:
    _set_of(SetOf(list(value)), protocol, out)


def _set_of(value: SetOf, protocol: int, out: Output) -> None:
    items = value.items
    out.append(b"~%d\r\n" % len(items) if protocol == 3 else b"*%d\r\n" % len(items))
    _elements(items, protocol, out)


def _verbatim(value: Verbatim, protocol: int, out: Output) -> None:
    if protocol == 3:
        out.append(b"=%d\r\n%b:%b\r\n" % (len(value.text) + 4, value.format.encode(), value.text))
    else:
        out.append(b"$%d\r\n%b\r\n" % (len(value.text), value.text))


def _big_number(value: BigNumber, protocol: int, out: Output) -> None:
    digits = value.digits
    out.append(b"(%b\r\n" % digits if protocol == 3 else b"$%d\r\n%b\r\n" % (len(digits), digits))


def _attributed(value: Attributed, protocol: int, out: Output) -> None:
    if protocol == 3:
        out.append(b"|%d\r\n" % len(value.attribute))
        for pair in value.attribute.items():
            encode(pair[0], protocol, out)
            encode(pair[1], protocol, out)
    encode(value.value, protocol, out)


def _push(value: Push, protocol: int, out: Output) -> None:
    out.append(b"%b%d\r\n" % (b">" if protocol == 3 else b"*", len(value.items)))
    for item in value.items:
        encode(item, protocol, out)


def _encoded(value: Encoded, protocol: int, out: Output) -> None:
    out += value.pieces


def _by_key(value: ByKey, protocol: int, out: Output) -> None:
    out.append(b"%%%d\r\n" % len(value.items) if protocol == 3 else b"*%d\r\n" % len(value.items))
    head = b"" if protocol == 3 else b"*2\r\n"
    for key, runs in value.items:
        out.append(b"%b$%d\r\n%b\r\n" % (head, len(key), key))
        _runs(runs, protocol, out)


def _stream_entries(value: StreamEntries, protocol: int, out: Output) -> None:
    _runs(value.runs, protocol, out)


def _runs(runs: Sequence[Run], protocol: int, out: Output) -> None:
    """Entries often have the time of the one before, and values as long, so that what is made of these serves again.

    Every piece begins with the line end of what is before it.
    """
    count = len(runs[0][0]) if len(runs) == 1 else sum([len(run[0]) for run in runs])
    out.append(_COUNTS[count] if count < 1024 else b"*%d" % count)
    for times, sequences, fields, values in runs:
        if fields is None:
            end = b"\r\n_" if protocol == 3 else b"\r\n*-1"
            for id_ in zip(times, sequences, strict=True):
                out += (b"\r\n*2", _next_bulk(b"%d-%d" % id_), end)
            continue
        count = 2 * len(fields)
        before_first = CRLF + (_COUNTS[count] if count < 1024 else b"*%d" % count) + _next_bulk(fields[0])
        before_others = [_next_bulk(field) for field in fields[1:]] if count > 2 else ()
        before_id = before_value = b""
        time = width = size = -1
        for ms, sequence, texts in zip(times, sequences, values):  # noqa: B905 - as for members with scores
            digits = _DIGITS[sequence] if sequence < 1024 else b"%d" % sequence
            if (ms is not time and ms != time) or len(digits) != width:  # entries of one time mostly share its number
                time, width = ms, len(digits)
                text = b"%d-" % ms
                before_id = _ENTRY_HEADS[len(text) + width] + text
            first = texts[0]
            if len(first) != size:
                size = len(first)
                before_value = before_first + (NEXT_HEADS[size] if size < 1024 else b"\r\n$%d\r\n" % size)
            out += (before_id, digits, before_value, first)
            if before_others:
                for before, other in zip(before_others, texts[1:]):  # noqa: B905
                    length = len(other)
                    out += (before, NEXT_HEADS[length] if length < 1024 else b"\r\n$%d\r\n" % length, other)
    out.append(CRLF)


def _next_bulk(text: bytes) -> bytes:
    """A bulk string without its line end, and with that of what is before it."""
    length = len(text)
    return NEXT_HEADS[length] + text if length < 1024 else b"\r\n$%d\r\n%b" % (length, text)


def _error(value: RespError, protocol: int, out: Output) -> None:
    out.append(encode_error(value.text))


ENCODERS: Final[dict[type, Callable[[Any, int, Output], None]]] = {
    bytearray: _bytearray,
    str: _simple,
    Special: _special,
    type(None): _none,
    bool: _bool,
    PlainDouble: _plain_double,
    list: _array,
    tuple: _array,
    dict: _map,
    TextMap: _text_map,
    MapOf: _map_of,
    set: _set,
    frozenset: _set,
    Pairs: _pairs,
    ScoredMember: _scored_member,
    SetOf: _set_of,
    Verbatim: _verbatim,
    BigNumber: _big_number,
    Attributed: _attributed,
    Push: _push,
    ByKey: _by_key,
    StreamEntries: _stream_entries,
    RespError: _error,
    Encoded: _encoded,
}
"""By the type of a value; what is not among them, `encode` sees to."""
