"""Arguments as handlers read them; what is no such argument raises Redis's error, text by text."""

from collections.abc import Callable
from math import inf

import pytest

from respstore import errors
from respstore.engine.arguments import (
    Words,
    cursor,
    database_number,
    deadline_ms,
    double,
    doubles,
    draw_count,
    find_database,
    integer,
    integer_between,
    long_double,
    pop_from_several,
    repeated_draws,
    scan_options,
    timeout_seconds,
)
from respstore.errors import RespError
from respstore.keyspace import Keyspace
from respstore.numbers import MAX_INTEGER, MIN_INTEGER, format_long_double

NOT_32_BITS = errors.NOT_A_32_BIT_INTEGER


def refusal(convert: Callable[[], object]) -> str:
    """The text of the error that `convert` raises."""
    with pytest.raises(RespError) as caught:
        convert()
    return caught.value.text


@pytest.mark.parametrize("number", [0, 7, -7, 10**18, 2**63 - 1, -(2**63)])
def test_integer(number: int) -> None:
    assert integer(b"%d" % number) == number
    assert integer_between(b"%d" % number, number, number, "ERR no") == number


@pytest.mark.parametrize("arg", [b"", b"x", b"1.0", b" 1", b"+1", b"01", b"-0", b"%d" % 2**63])
def test_no_integer(arg: bytes) -> None:
    assert refusal(lambda: integer(arg)) == errors.NOT_AN_INTEGER
    assert refusal(lambda: integer(arg, "ERR no")) == "ERR no"
    assert refusal(lambda: integer_between(arg, -5, 5, "ERR no")) == "ERR no"


@pytest.mark.parametrize("arg", [b"-6", b"6", b"%d" % 2**62])
def test_an_integer_outside_of_a_range(arg: bytes) -> None:
    assert refusal(lambda: integer_between(arg, -5, 5, "ERR no")) == "ERR no"


def test_pop_from_several() -> None:
    ends = (b"LEFT", b"RIGHT")
    assert pop_from_several((b"2", b"a", b"b", b"right"), ends) == ((b"a", b"b"), b"RIGHT", 1)
    assert pop_from_several((b"1", b"a", b"LEFT", b"count", b"7"), ends) == ((b"a",), b"LEFT", 7)
    assert refusal(lambda: pop_from_several((b"0", b"a", b"LEFT"), ends)) == errors.NUMKEYS_NOT_POSITIVE
    assert refusal(lambda: pop_from_several((b"1", b"a", b"MIN"), ends)) == errors.SYNTAX
    assert refusal(lambda: pop_from_several((b"1", b"a", b"LEFT", b"COUNT", b"0"), ends)) == errors.COUNT_NOT_POSITIVE


def test_double() -> None:
    assert double(b"1.5e1") == 15
    assert double(b"7") == 7
    assert double(b"-inf") == -inf
    assert refusal(lambda: double(b"nan")) == errors.NOT_A_FLOAT
    assert refusal(lambda: double(b"", "ERR no")) == "ERR no"


@pytest.mark.parametrize(
    "args",
    [(), (b"7",), (b"0", b"12", b"007"), (b"9" * 20,), (b"1", b"9" * 308), (b"1", b"2.5", b"-0", b"inf")],
)
def test_several_doubles_are_each_of_them(args: tuple[bytes, ...]) -> None:
    assert doubles(args) == [*map(double, args)]


@pytest.mark.parametrize("wrong", [b"", b"x", b"nan", b"1_0", b"9" * 310, b"9" * 5000])
def test_one_that_is_no_double_refuses_all(wrong: bytes) -> None:
    assert refusal(lambda: doubles((b"1", wrong, b"2"))) == errors.NOT_A_FLOAT


def test_long_double() -> None:
    assert format_long_double(long_double(b"1.5e1")) == b"15"
    assert not long_double(b"-inf").finite
    assert refusal(lambda: long_double(b"nan")) == errors.NOT_A_FLOAT
    assert refusal(lambda: long_double(b"", "ERR no")) == "ERR no"


# Times to wait


@pytest.mark.parametrize(
    ("arg", "seconds"),
    [
        (b"0", None),
        (b"0.0", None),
        (b"-0", None),
        (b"-0.0001", None),  # rounded up, to 0
        (b"-0.001", None),  # as a long double it is a little nearer to 0
        (b"1e-400", 0.001),
        (b"0.0001", 0.001),
        (b"0.001", 0.001),
        (b"0.0011", 0.002),
        (b"0.5", 0.5),
        (b"1.0001", 1.001),
        (b"5.", 5),
        (b"+1", 1),
        (b"0x10", 16),
        (b"1e3", 1000),
        (b"9223372036854775.8", 9223372036854775.8),
    ],
)
def test_timeout(arg: bytes, seconds: float | None) -> None:
    assert timeout_seconds(arg) == seconds


@pytest.mark.parametrize("arg", [b"-1", b"-0.0011", b"inf", b"-inf", b"1e400", b"9223372036854775.808"])
def test_a_negative_timeout_or_one_that_overflows(arg: bytes) -> None:
    assert refusal(lambda: timeout_seconds(arg)) == errors.TIMEOUT_NEGATIVE


@pytest.mark.parametrize("arg", [b"", b"x", b" 1", b"1 ", b"nan", b"1_0", b"1e5000"])
def test_no_timeout(arg: bytes) -> None:
    assert refusal(lambda: timeout_seconds(arg)) == errors.TIMEOUT_NOT_A_FLOAT


# Cursors


@pytest.mark.parametrize(
    ("arg", "number"),
    [
        (b"0", 0),
        (b"17", 17),
        (b"", 0),
        (b"007", 7),
        (b"0" * 30 + b"1", 1),
        (b"+5", 5),
        (b"-1", 2**64 - 1),
        (b"-0", 0),
        (b"%d" % (2**64 - 1), 2**64 - 1),
        (b"-%d" % (2**64 - 1), 1),
        (b"1\0x", 1),
        (b"\x001", 0),
    ],
)
def test_cursor(arg: bytes, number: int) -> None:
    assert cursor(arg) == number


@pytest.mark.parametrize("arg", [b"x", b"1x", b"1 ", b"--1", b"+", b"-", b"0x1", b"%d" % 2**64, b"1" * 100_000])
def test_no_cursor(arg: bytes) -> None:
    assert refusal(lambda: cursor(arg)) == errors.INVALID_CURSOR


# Times


@pytest.mark.parametrize(
    ("time", "scale", "base", "deadline"),
    [
        (5, 1000, 100, 5100),
        (5, 1, 0, 5),
        (-5, 1000, 100, -4900),
        (MAX_INTEGER, 1, 0, MAX_INTEGER),
        (MAX_INTEGER - 100, 1, 100, MAX_INTEGER),
        (MAX_INTEGER // 1000, 1000, 807, MAX_INTEGER),
        (MIN_INTEGER, 1, 100, MIN_INTEGER + 100),
        (-(2**63 // 1000), 1000, 0, -(2**63 // 1000) * 1000),
    ],
)
def test_deadline_ms(time: int, scale: int, base: int, deadline: int) -> None:
    assert deadline_ms(b"%d" % time, "expire", scale, base) == deadline


@pytest.mark.parametrize(
    ("time", "scale", "base"),
    [
        (MAX_INTEGER, 1, 1),
        (MAX_INTEGER // 1000 + 1, 1000, 0),
        (MAX_INTEGER // 1000, 1000, 808),
        (-(2**63 // 1000) - 1, 1000, 10**9),
    ],
)
def test_no_deadline(time: int, scale: int, base: int) -> None:
    refused = refusal(lambda: deadline_ms(b"%d" % time, "expire", scale, base))
    assert refused == "ERR invalid expire time in 'expire' command"
    assert refusal(lambda: deadline_ms(b"x", "expire", scale, base)) == errors.NOT_AN_INTEGER


# Databases


@pytest.mark.parametrize("number", [0, 15, -1, 2**31 - 1, -(2**31)])
def test_a_database_number_may_be_one_of_no_database(number: int) -> None:
    assert database_number(b"%d" % number) == number


@pytest.mark.parametrize(
    ("arg", "text"),
    [
        (b"x", errors.NOT_AN_INTEGER),
        (b"", errors.NOT_AN_INTEGER),
        (b"%d" % 2**31, NOT_32_BITS),
        (b"-2147483649", NOT_32_BITS),
    ],
)
def test_no_database_number(arg: bytes, text: str) -> None:
    assert refusal(lambda: database_number(arg)) == text
    assert refusal(lambda: database_number(arg, "ERR no")) == "ERR no"


def test_find_database() -> None:
    keyspace = Keyspace(3)
    assert [find_database(keyspace, number).index for number in range(3)] == [0, 1, 2]
    for number in (-1, 3):
        assert refusal(lambda number=number: find_database(keyspace, number)) == errors.DB_INDEX_OUT_OF_RANGE


# Options


def test_words_and_their_arguments() -> None:
    words = Words((b"NX", b"EX", b"10", b"GET"))
    read = [(word, words.argument()) if word == b"EX" else word for word in words]
    assert read == [b"NX", (b"EX", b"10"), b"GET"]


def test_the_last_word_has_no_argument() -> None:
    words = Words([b"EX"])
    assert [refusal(words.argument) for _ in words] == [errors.SYNTAX]
    assert list(Words(())) == []


def test_draw_count() -> None:
    assert [draw_count(b"%d" % number) for number in (0, 5, -5, MAX_INTEGER, -MAX_INTEGER)] == [
        *(0, 5, -5),
        *(MAX_INTEGER, -MAX_INTEGER),
    ]
    assert refusal(lambda: draw_count(b"x")) == errors.NOT_AN_INTEGER
    assert refusal(lambda: draw_count(b"%d" % MIN_INTEGER)) == (
        "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"
    )


def test_repeated_draws_are_bounded() -> None:
    assert repeated_draws(-7) == 7
    assert repeated_draws(-(2**24)) == 2**24
    assert refusal(lambda: repeated_draws(-(2**24) - 1)) == "ERR value is out of range"


def test_scan_options() -> None:
    options = scan_options([b"count", b"3", b"MATCH", b"a*", b"COUNT", b"5", b"TYPE", b"Hash"], takes_type=True)
    assert (options.count, options.kind) == (5, "hash")
    assert options.matches is not None
    assert options.matches(b"ab")
    assert not options.matches(b"b")
    options = scan_options([])
    assert (options.count, options.matches, options.kind) == (10, None, None)
    assert scan_options([b"MATCH", b"a", b"MATCH", b"*"]).matches is None


@pytest.mark.parametrize("words", [b"JUNK", b"COUNT", b"MATCH", b"COUNT 0", b"COUNT -1", b"TYPE hash", b"MATCH * 1"])
def test_no_scan_options(words: bytes) -> None:
    assert refusal(lambda: scan_options(words.split())) == errors.SYNTAX
    assert refusal(lambda: scan_options([b"COUNT", b"x", *words.split()])) == errors.NOT_AN_INTEGER
