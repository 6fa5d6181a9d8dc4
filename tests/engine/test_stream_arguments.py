"""Ids and options of stream commands; what is odd here is so in redis-server 7.0.15."""

import pytest

from respstore import errors
from respstore.config import Config
from respstore.engine.stream_arguments import (
    Trim,
    id_or_end,
    parse_add_options,
    range_end,
    range_start,
    stream_id,
)
from respstore.errors import RespError
from respstore.keyspace.stream import MAX_HALF, MAX_ID, MIN_ID

CONFIG = Config()


@pytest.mark.parametrize(
    ("arg", "id_"),
    [
        (b"5", (5, 7)),
        (b"5-3", (5, 3)),
        (b"0-0", (0, 0)),
        (b"18446744073709551615-18446744073709551615", MAX_ID),
        (b"007-03", (7, 3)),
        (b" 5-\t+3", (5, 3)),
        (b"5-3\x00junk", (5, 3)),
        (b"5--03", (5, 2**64 - 3)),
        (b"5--0", (5, 0)),
    ],
)
def test_an_id(arg: bytes, id_: tuple[int, int]) -> None:
    assert stream_id(arg, 7) == id_


@pytest.mark.parametrize(
    "arg",
    [
        *[b"", b"-", b"+", b"-5", b"5-", b"5-x", b"x-5", b"5-*", b"*", b"5--3", b"5 -3", b"1-2-3", b"1_0", b"\xb2"],
        *[b"18446744073709551616", b"1-18446744073709551616", b"0" * 127 + b"1", b"1" * 5000],
    ],
)
def test_no_id(arg: bytes) -> None:
    with pytest.raises(RespError) as caught:
        stream_id(arg)
    assert caught.value.text == errors.INVALID_STREAM_ID


def test_ends() -> None:
    assert (id_or_end(b"-"), id_or_end(b"+"), id_or_end(b"3", 9)) == (MIN_ID, MAX_ID, (3, 9))


def test_ranges() -> None:
    assert (range_start(b"5"), range_end(b"5")) == ((5, 0), (5, MAX_HALF))
    assert (range_start(b"(5"), range_end(b"(5")) == ((5, 1), (5, MAX_HALF - 1))
    assert (range_start(b"-"), range_end(b"+")) == (MIN_ID, MAX_ID)


@pytest.mark.parametrize("arg", [b"(", b"(-", b"(+", b"((5"])
def test_no_range(arg: bytes) -> None:
    for parse in (range_start, range_end):
        with pytest.raises(RespError) as caught:
            parse(arg)
        assert caught.value.text == errors.INVALID_STREAM_ID


def test_nothing_lies_beyond_the_ends() -> None:
    with pytest.raises(RespError) as caught:
        range_start(b"(18446744073709551615-18446744073709551615")
    assert caught.value.text == errors.INVALID_RANGE_START
    with pytest.raises(RespError) as caught:
        range_end(b"(0-0")
    assert caught.value.text == errors.INVALID_RANGE_END


@pytest.mark.parametrize(
    ("words", "id_", "trim", "used"),
    [
        (b"5-1 f v", (5, 1), None, 1),
        (b"5-* f v", (5, None), None, 1),
        (b"* f v", None, None, 1),
        (b"nomkstream * f v", None, None, 2),
        (b"MAXLEN 3 * f v", None, Trim(3), 3),
        (b"MAXLEN = 3 5 f v", (5, 0), Trim(3), 4),
        (b"maxlen ~ 3 * f v", None, Trim(3, limit=10_000), 4),
        (b"MAXLEN ~ 3 LIMIT 0 * f v", None, Trim(3, limit=0), 6),
        (b"MINID ~ 3 LIMIT 7 * f v", None, Trim(None, (3, 0), 7), 6),
        (b"LIMIT 7 MINID ~ 3-1 NOMKSTREAM 5 f v", (5, 0), Trim(None, (3, 1), 7), 7),
        (b"MAXLEN ~", None, None, None),
        (b"NOMKSTREAM", None, None, 2),  # one more than there are: the id is missing
    ],
)
def test_what_stands_before_the_fields(
    words: bytes, id_: tuple[int, int | None] | None, trim: Trim | None, used: int | None
) -> None:
    if used is None:
        with pytest.raises(RespError):
            parse_add_options(words.split(), CONFIG, is_add=True)
        return
    options = parse_add_options(words.split(), CONFIG, is_add=True)
    assert (options.id, options.trim, options.used) == (id_, trim, used)
    assert options.may_create == (b"nomkstream" not in words.lower())


@pytest.mark.parametrize(
    ("words", "is_add", "text"),
    [
        (b"MAXLEN 3 MINID 5 *", True, errors.MAXLEN_AND_MINID),
        (b"MAXLEN 3 MAXLEN 5", False, errors.MAXLEN_AND_MINID),
        (b"MAXLEN -1", False, errors.MAXLEN_NEGATIVE),
        (b"MAXLEN x", False, errors.NOT_AN_INTEGER),
        (b"MINID x", False, errors.INVALID_STREAM_ID),
        (b"MAXLEN ~ 3 LIMIT -1", False, errors.TRIM_LIMIT_NEGATIVE),
        (b"MAXLEN 3 LIMIT 5", False, errors.LIMIT_OF_EXACT_TRIMMING),
        (b"MAXLEN 3 LIMIT 0 *", True, errors.LIMIT_OF_EXACT_TRIMMING),
        (b"LIMIT 5 *", True, errors.LIMIT_WITHOUT_TRIMMING),
        (b"LIMIT 5", False, errors.LIMIT_WITHOUT_TRIMMING),
        (b"LIMIT 0", False, errors.XTRIM_WITHOUT_STRATEGY),
        (b"*", False, errors.SYNTAX),
        (b"NOMKSTREAM", False, errors.SYNTAX),
        (b"MAXLEN", True, errors.INVALID_STREAM_ID),
    ],
)
def test_what_contradicts_itself(words: bytes, is_add: bool, text: str) -> None:
    with pytest.raises(RespError) as caught:
        parse_add_options(words.split(), CONFIG, is_add=is_add)
    assert caught.value.text == text


@pytest.mark.parametrize(("entries", "limit"), [(0, 10_000), (5, 500), (100, 10_000), (20_000, 1_000_000)])
def test_the_usual_limit_is_a_hundred_nodes(entries: int, limit: int) -> None:
    config = Config()
    config.stream_node_max_entries = entries
    options = parse_add_options([b"MAXLEN", b"~", b"3"], config, is_add=False)
    assert options.trim == Trim(3, limit=limit)
