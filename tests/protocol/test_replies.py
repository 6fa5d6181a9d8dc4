"""Values to bytes: each kind in both versions of the protocol, and the bytes read again by somebody else's parser."""

from collections import deque
from itertools import chain
from typing import Any

import hiredis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from respstore.errors import RespError
from respstore.keyspace.stream_node import runs_of
from respstore.protocol.replies import (
    NO_REPLY,
    NULL_ARRAY,
    Attributed,
    BigNumber,
    ByKey,
    Encoded,
    Output,
    Pairs,
    PlainDouble,
    Push,
    ScoredMember,
    SetOf,
    StreamEntries,
    TextMap,
    Verbatim,
    encode,
    encode_error,
    null,
)

INF = float("inf")


def encoded(value: Any, protocol: int) -> bytes:
    out: Output = []
    encode(value, protocol, out)
    return b"".join(out)


@pytest.mark.parametrize(
    ("value", "resp2", "resp3"),
    [
        # Strings
        (b"", b"$0\r\n\r\n", b"$0\r\n\r\n"),
        (b"value", b"$5\r\nvalue\r\n", b"$5\r\nvalue\r\n"),
        (b"\r\n\0\xff", b"$4\r\n\r\n\0\xff\r\n", b"$4\r\n\r\n\0\xff\r\n"),
        (b"x" * 1023, b"$1023\r\n" + b"x" * 1023 + b"\r\n", b"$1023\r\n" + b"x" * 1023 + b"\r\n"),
        (b"x" * 1024, b"$1024\r\n" + b"x" * 1024 + b"\r\n", b"$1024\r\n" + b"x" * 1024 + b"\r\n"),
        (bytearray(b"raw"), b"$3\r\nraw\r\n", b"$3\r\nraw\r\n"),
        ("OK", b"+OK\r\n", b"+OK\r\n"),
        ("Background saving started", b"+Background saving started\r\n", b"+Background saving started\r\n"),
        (Verbatim(b"a\nb"), b"$3\r\na\nb\r\n", b"=7\r\ntxt:a\nb\r\n"),
        (Verbatim(b"", "mkd"), b"$0\r\n\r\n", b"=4\r\nmkd:\r\n"),
        # Numbers
        (0, b":0\r\n", b":0\r\n"),
        (-1, b":-1\r\n", b":-1\r\n"),
        (2**63 - 1, b":9223372036854775807\r\n", b":9223372036854775807\r\n"),
        (-(2**63), b":-9223372036854775808\r\n", b":-9223372036854775808\r\n"),
        (1.5, b"$3\r\n1.5\r\n", b",1.5\r\n"),
        (3.0, b"$1\r\n3\r\n", b",3\r\n"),
        (0.1, b"$19\r\n0.10000000000000001\r\n", b",0.10000000000000001\r\n"),
        (1e300, b"$23\r\n1.0000000000000001e+300\r\n", b",1.0000000000000001e+300\r\n"),
        (-0.0, b"$2\r\n-0\r\n", b",-0\r\n"),
        (PlainDouble(1e-20), b"$1\r\n0\r\n", b",0\r\n"),
        (PlainDouble(-0.5), b"$4\r\n-0.5\r\n", b",-0.5\r\n"),
        (INF, b"$3\r\ninf\r\n", b",inf\r\n"),
        (-INF, b"$4\r\n-inf\r\n", b",-inf\r\n"),
        (INF - INF, b"$3\r\nnan\r\n", b",nan\r\n"),
        (True, b":1\r\n", b"#t\r\n"),
        (False, b":0\r\n", b"#f\r\n"),
        (BigNumber(b"-100000000000000000000"), b"$22\r\n-100000000000000000000\r\n", b"(-100000000000000000000\r\n"),
        # Nothing
        (None, b"$-1\r\n", b"_\r\n"),
        (NULL_ARRAY, b"*-1\r\n", b"_\r\n"),
        (NO_REPLY, b"", b""),
        # Several
        ([], b"*0\r\n", b"*0\r\n"),
        ((), b"*0\r\n", b"*0\r\n"),
        ([b"a", 1, None, "OK"], b"*4\r\n$1\r\na\r\n:1\r\n$-1\r\n+OK\r\n", b"*4\r\n$1\r\na\r\n:1\r\n_\r\n+OK\r\n"),
        ([NULL_ARRAY, [NULL_ARRAY]], b"*2\r\n*-1\r\n*1\r\n*-1\r\n", b"*2\r\n_\r\n*1\r\n_\r\n"),
        ({}, b"*0\r\n", b"%0\r\n"),
        (
            {b"a": 1.5, "b": True, 3: {b"c": None}},
            b"*6\r\n$1\r\na\r\n$3\r\n1.5\r\n+b\r\n:1\r\n:3\r\n*2\r\n$1\r\nc\r\n$-1\r\n",
            b"%3\r\n$1\r\na\r\n,1.5\r\n+b\r\n#t\r\n:3\r\n%1\r\n$1\r\nc\r\n_\r\n",
        ),
        (set(), b"*0\r\n", b"~0\r\n"),
        ({b"a"}, b"*1\r\n$1\r\na\r\n", b"~1\r\n$1\r\na\r\n"),
        (frozenset({7}), b"*1\r\n:7\r\n", b"~1\r\n:7\r\n"),
        (SetOf([{b"a": 1}, []]), b"*2\r\n*2\r\n$1\r\na\r\n:1\r\n*0\r\n", b"~2\r\n%1\r\n$1\r\na\r\n:1\r\n*0\r\n"),
        (
            Push(["invalidate", [b"k"]]),
            b"*2\r\n+invalidate\r\n*1\r\n$1\r\nk\r\n",
            b">2\r\n+invalidate\r\n*1\r\n$1\r\nk\r\n",
        ),
        (Push(()), b"*0\r\n", b">0\r\n"),
        (Attributed({"ttl": 3}, b"v"), b"$1\r\nv\r\n", b"|1\r\n+ttl\r\n:3\r\n$1\r\nv\r\n"),
        # Errors, and what is bytes already
        (RespError("ERR no"), b"-ERR no\r\n", b"-ERR no\r\n"),
        ([RespError("ERR no"), b"yes"], b"*2\r\n-ERR no\r\n$3\r\nyes\r\n", b"*2\r\n-ERR no\r\n$3\r\nyes\r\n"),
        (Encoded([b"*1\r\n", b":1\r\n"]), b"*1\r\n:1\r\n", b"*1\r\n:1\r\n"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_values(value: Any, resp2: bytes, resp3: bytes) -> None:
    assert encoded(value, 2) == resp2
    assert encoded(value, 3) == resp3


def test_null_of_a_protocol() -> None:
    assert [null(2), null(3)] == [b"$-1\r\n", b"_\r\n"]


@pytest.mark.parametrize("value", [object(), 1j, deque([b"x"]), memoryview(b"x"), [object()], {b"k": 1j}, {1j}])
def test_what_is_no_reply_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="no reply is made of"):
        encoded(value, 3)


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("ERR plain", b"-ERR plain\r\n"),
        ("ERR a\r\nb\nc\rd", b"-ERR a  b c d\r\n"),
        ("ERR got '\udcff\udc80'", b"-ERR got '\xff\x80'\r\n"),
        ("ERR got 'é'", b"-ERR got '\xc3\xa9'\r\n"),
        ("", b"-\r\n"),
    ],
)
def test_errors_are_one_line(text: str, reply: bytes) -> None:
    assert encode_error(text) == reply
    assert encoded([RespError(text)], 2) == b"*1\r\n" + reply


# Long arrays are put together in ways of their own


def one_by_one(items: Any, protocol: int = 2) -> bytes:
    return b"*%d\r\n" % len(items) + b"".join(encoded(item, protocol) for item in items)


STRANGE = [
    None,
    7,
    1.5,
    True,
    "OK",
    b"",
    bytearray(b"ab"),
    [b"a"],
    (),
    {b"a": 1},
    {b"a"},
    RespError("ERR x"),
    b"x" * 1024,
]


@pytest.mark.parametrize("count", [8, 9, 10, 100])
@pytest.mark.parametrize("usual", [b"", b"a", b"ab", b"x" * 1023, b"x" * 1024], ids=len)
def test_long_arrays_of_one_length(usual: bytes, count: int) -> None:
    assert encoded([usual] * count, 2) == one_by_one([usual] * count)
    assert encoded((usual,) * count, 3) == one_by_one([usual] * count)


HEAD = b"\r\n$6\r\n"


@pytest.mark.parametrize("strange", [b"", b"$", b"12$456", b"12$45678", HEAD, HEAD + b"123456", b"1" * 9])
@pytest.mark.parametrize("then", [b"123456", b"", b"$", HEAD, HEAD[1:], HEAD + b"12345", b"1" * 3])
def test_what_looks_like_a_head_is_none(strange: bytes, then: bytes) -> None:
    """However long the elements are all together, each has the length that its own head says."""
    items = [b"123456", b"123456", strange, then, *[b"123456"] * 8]
    assert encoded(items, 2) == one_by_one(items)


@given(st.lists(st.sampled_from([b"", b"$", b"\r\n", b"$1\r\n", b"\r\n$1\r\n", b"a"]), min_size=9, max_size=12))
def test_heads_in_elements_are_none(items: list[bytes]) -> None:
    items = [b"a", *items, b"a"]
    items[len(items) >> 1] = b"a"
    assert encoded(items, 2) == one_by_one(items)


@pytest.mark.parametrize("place", [0, 5, 19], ids=["first", "middle", "last"])
@pytest.mark.parametrize("strange", STRANGE, ids=lambda value: repr(value)[:20])
@pytest.mark.parametrize("usual", [b"a", b"ab", b"", None], ids=["1", "2", "0", "mixed"])
def test_long_arrays_with_a_stranger(usual: bytes | None, strange: Any, place: int) -> None:
    items: list[Any] = [b"x" * number if usual is None else usual for number in range(20)]
    items[place] = strange

    for protocol in (2, 3):
        assert encoded(items, protocol) == one_by_one(items, protocol)


def test_a_long_array_of_what_is_no_reply_leaves_no_half_of_one() -> None:
    """Its caller takes back what was appended, so nothing may be changed in place."""
    out: Output = [b"before"]
    with pytest.raises(TypeError):
        encode([b"a"] * 20 + [object()], 2, out)

    assert out[0] == b"before"


# Read again

strings = st.binary(max_size=20) | st.binary(max_size=20).map(bytearray) | st.binary(min_size=1022, max_size=1026)
scalars = (
    strings
    | st.integers(-(2**63), 2**63 - 1)
    | st.booleans()
    | st.none()
    | st.floats(allow_nan=False)
    | st.sampled_from(["OK", "QUEUED", "string"])
    | st.binary(max_size=20).map(Verbatim)
)
stream_ids = st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
fields = st.binary(max_size=5) | st.just(b"%d%%b") | st.binary(min_size=1022, max_size=1026)
stream_entries = st.tuples(stream_ids, st.none(), st.just(())) | st.tuples(stream_ids, st.integers(1, 3)).flatmap(
    lambda start: st.tuples(st.just(start[0]), *[st.tuples(*[fields] * start[1])] * 2)
)
entries = st.lists(stream_entries, max_size=4).map(lambda entries: StreamEntries(runs_of(entries)))
values = st.recursive(
    scalars | st.lists(strings, min_size=9, max_size=30),
    lambda inner: (
        st.lists(inner, max_size=12)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.binary(max_size=5) | st.integers(0, 9), inner, max_size=4)
        | st.lists(inner, max_size=3).map(SetOf)
        | st.lists(inner, max_size=3).map(Push)
        | st.dictionaries(st.binary(max_size=5), entries, max_size=3).map(
            lambda found: ByKey([(key, each.runs) for key, each in found.items()])
        )
        | entries
    ),
    max_leaves=30,
)


def as_read(value: Any, protocol: int) -> Any:
    """What hiredis makes of a value."""
    match value:
        case bytearray():
            return bytes(value)
        case str():
            return value.encode()
        case float() if protocol == 2:
            return b"%.17g" % value
        case Verbatim():
            return value.text
        case list() | tuple():
            return [as_read(item, protocol) for item in value]
        case dict() if protocol == 3:
            return {as_read(key, 3): as_read(item, 3) for key, item in value.items()}
        case dict():
            return [as_read(part, 2) for pair in value.items() for part in pair]
        case ByKey() if protocol == 3:
            return {key: as_read(StreamEntries(runs), 3) for key, runs in value.items}
        case ByKey():
            return [[key, as_read(StreamEntries(runs), 2)] for key, runs in value.items]
        case StreamEntries():
            return [
                [b"%d-%d" % id_, None if names is None else [*chain.from_iterable(zip(names, texts, strict=True))]]
                for times, sequences, names, values in value.runs
                for id_, texts in zip(zip(times, sequences, strict=True), values, strict=True)
            ]
        case SetOf() | Push():
            return [as_read(item, protocol) for item in value.items]
        case _:
            return value


@given(values=st.lists(values, min_size=1, max_size=4), protocol=st.sampled_from([2, 3]))
def test_what_is_written_is_read_again(values: list[Any], protocol: int) -> None:
    reader = hiredis.Reader()
    for value in values:
        reader.feed(encoded(value, protocol))

    assert [reader.gets() for _ in values] == [as_read(value, protocol) for value in values]
    assert not reader.has_data()


@given(st.lists(strings | st.sampled_from([None, 1, b"", 1.5]), min_size=9, max_size=40))
def test_arrays_do_not_depend_on_the_way_they_are_made(items: list[Any]) -> None:
    assert encoded(items, 3) == one_by_one(items, 3)


@pytest.mark.parametrize("count", [1, 3, 20])
def test_pairs_are_flat_before_resp3(count: int) -> None:
    firsts, seconds = [b"%d" % number for number in range(count)], [b"value"] * count
    pairs = list(zip(firsts, seconds, strict=True))
    assert encoded(Pairs(firsts, seconds), 2) == encoded([text for pair in pairs for text in pair], 2)
    assert encoded(Pairs(firsts, seconds), 3) == encoded(pairs, 3)


@given(st.lists(st.tuples(strings | st.just(b"x" * 1024), st.sampled_from([0.0, -0.0, 7.0]) | st.floats()), max_size=9))
def test_members_with_scores_are_pairs_like_others(pairs: list[tuple[bytes, float]]) -> None:
    members, scores = [member for member, _ in pairs], [score for _, score in pairs]
    assert encoded(Pairs(members, scores), 2) == encoded([part for pair in pairs for part in pair], 2)
    assert encoded(Pairs(members, scores), 3) == encoded(pairs, 3)


@given(member=strings.map(bytes), score=st.sampled_from([0.0, -0.0, 7.0]) | st.floats(allow_nan=False))
def test_a_member_and_its_score_are_an_array_of_two(member: bytes, score: float) -> None:
    for protocol in (2, 3):
        assert encoded(ScoredMember(member, score), protocol) == one_by_one([member, score], protocol)


@pytest.mark.parametrize("length", [1, 2, 500, 2000])
@pytest.mark.parametrize("protocol", [2, 3])
def test_long_maps_and_sets_have_the_elements_of_arrays(length: int, protocol: int) -> None:
    value = {b"%d" % number: b"x" * (length + number % 2) for number in range(20)}
    flat = [text for pair in value.items() for text in pair]
    in_array = encoded(flat, protocol).partition(b"\r\n")[2]
    assert encoded(value, protocol) == (b"%20\r\n" if protocol == 3 else b"*40\r\n") + in_array
    assert encoded(TextMap(value), protocol) == encoded(value, protocol)
    assert encoded(SetOf(flat), protocol) == (b"~" if protocol == 3 else b"*") + b"40\r\n" + in_array
    assert encoded(dict(enumerate(value)), protocol) == (b"%20\r\n" if protocol == 3 else b"*40\r\n") + b"".join(
        encoded(number, protocol) + encoded(key, protocol) for number, key in enumerate(value)
    )
