"""Arguments of commands -> numbers and options, with Redis's errors; a handler calls these where it reads them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import attrs

from respstore import errors
from respstore.errors import RespError
from respstore.keyspace import Database, Keyspace
from respstore.keyspace.glob import Predicate, compile_glob
from respstore.numbers import (
    MAX_INTEGER,
    MIN_INTEGER,
    SMALL_NUMBERS,
    LongDouble,
    parse_float,
    parse_integer,
    parse_long_double,
)

MOST_DRAWS: Final = 2**24
"""Elements that may be drawn in one reply, however few there are to draw from."""
_MAX_CURSOR: Final = 2**64 - 1
_CURSOR: Final = re.compile(rb"(?P<sign>[+-]?)(?=\d)0*(?P<digits>\d{0,20})")


def integer(arg: bytes, error: str = errors.NOT_AN_INTEGER) -> int:
    """A signed 64-bit integer, written as Redis writes it (no sign `+`, no leading zeros, no spaces).

    Raises:
        RespError: with the text `error` if it is none.
    """
    number = parse_integer(arg)
    if number is None:
        raise RespError(error)
    return number


def integer_between(arg: bytes, low: int, high: int, error: str) -> int:
    """An integer from `low` to `high`, both included; otherwise, `error`."""
    number = parse_integer(arg)
    if number is None or not low <= number <= high:
        raise RespError(error)
    return number


def double(arg: bytes, error: str = errors.NOT_A_FLOAT) -> float:
    """A score or another number that may be infinite, not `nan`; otherwise, `error`."""
    number = parse_float(arg)
    if number is None:
        raise RespError(error)
    return number


def doubles(args: Sequence[bytes]) -> list[float]:
    """As `double` for each of them, in less time where all are whole numbers, as scores mostly are."""
    try:
        return [*map(SMALL_NUMBERS.__getitem__, args)]
    except KeyError:
        pass
    if b"".join(args).isdigit():
        try:
            return [*map(float, map(int, args))]
        except (ValueError, OverflowError):
            pass  # one has no digits, or very many
    return [*map(double, args)]


def long_double(arg: bytes, error: str = errors.NOT_A_FLOAT) -> LongDouble:
    """A number for INCRBYFLOAT and HINCRBYFLOAT to add up, perhaps infinite, not `nan`; otherwise, `error`."""
    number = parse_long_double(arg)
    if number is None:
        raise RespError(error)
    return number


def timeout_seconds(arg: bytes) -> float | None:
    """How long to block, in seconds as BLPOP takes them, rounded up to ms; None stands for 0, for ever.

    Raises:
        RespError: not a number, or negative; beyond 64 bits of ms Redis overflows, and calls it negative, too.
    """
    if arg.isdigit() and len(arg) < 16:  # most are so; it takes a tenth of the time
        return float(arg) or None
    number = parse_long_double(arg)
    if number is None:
        raise RespError(errors.TIMEOUT_NOT_A_FLOAT)
    down = -1000 * number.significand
    ms = -(down << number.exponent if number.exponent > 0 else down >> -number.exponent)
    if not number.finite or not 0 <= ms <= MAX_INTEGER:
        raise RespError(errors.TIMEOUT_NEGATIVE)
    return ms / 1000 or None


def deadline_ms(arg: bytes, name: str, scale: int, base: int) -> int:
    """The wall-clock time in ms at which a key shall expire; it may be past.

    Args:
        arg: seconds or ms, from now or since 1970.
        name: of the command, for its error.
        scale: 1000 for seconds, 1 for ms.
        base: the time now in ms, or 0 for what counts since 1970.

    Raises:
        RespError: no integer, or a time beyond 64 bits.
    """
    time = integer(arg)
    if not -(-MIN_INTEGER // scale) <= time <= MAX_INTEGER // scale or time * scale > MAX_INTEGER - base:
        raise errors.invalid_expire(name)
    return time * scale + base


def cursor(arg: bytes) -> int:
    """Where SCAN and its kin go on, read as leniently as Redis does: signs, no digits at all, and any end behind a NUL.

    Raises:
        RespError: it is no such number, or beyond 64 bits.
    """
    match = _CURSOR.fullmatch(arg.partition(b"\0")[0] or b"0")
    number = int(match["digits"] or b"0") if match is not None else 0
    if match is None or number > _MAX_CURSOR:
        raise RespError(errors.INVALID_CURSOR)
    return -number & _MAX_CURSOR if match["sign"] == b"-" else number


def draw_count(arg: bytes) -> int:
    """How many elements HRANDFIELD and its like draw: different ones, or if negative, so many draws from all.

    Raises:
        RespError: no integer, or the lowest of all, which has no opposite.
    """
    number = integer(arg)
    if number == MIN_INTEGER:
        raise RespError(errors.NOT_A_COUNT_TO_DRAW)
    return number


def repeated_draws(count: int) -> int:
    """How many draws a negative count asks for.

    Raises:
        RespError: more than `MOST_DRAWS`. Redis goes on, far beyond any memory, while nobody else is served.
    """
    if -count > MOST_DRAWS:
        raise RespError(errors.OUT_OF_RANGE)
    return -count


@attrs.frozen
class ScanOptions:
    """What SCAN, HSCAN, SSCAN and ZSCAN take behind the cursor.

    Attributes:
        count: how many elements to give, roughly.
        matches: a predicate for keys, fields or members; None if all match.
        kind: the name of a type, which only SCAN takes; None for any.
    """

    count: int
    matches: Predicate | None
    kind: str | None


def scan_options(words: Iterable[bytes], *, takes_type: bool = False) -> ScanOptions:
    """Read `[MATCH pattern] [COUNT count] [TYPE type]`; the last of each counts."""
    count, matches, kind = 10, None, None
    options = Words(words)
    for word in options:
        match word.upper():
            case b"COUNT":
                count = integer(options.argument())
                if count < 1:
                    raise RespError(errors.SYNTAX)
            case b"MATCH":
                pattern = options.argument()
                matches = None if pattern == b"*" else compile_glob(pattern)
            case b"TYPE" if takes_type:
                kind = errors.printable(options.argument()).lower()
            case _:
                raise RespError(errors.SYNTAX)
    return ScanOptions(count, matches, kind)


def database_number(arg: bytes, error: str | None = None) -> int:
    """The number of a database, which need not exist: a signed 32-bit integer.

    Raises:
        RespError: it is none; with the text `error` if one is given.
    """
    number = integer(arg, error or errors.NOT_AN_INTEGER)
    if not -(2**31) <= number < 2**31:
        raise RespError(error or errors.NOT_A_32_BIT_INTEGER)
    return number


def find_database(keyspace: Keyspace, number: int) -> Database:
    """The database of that number.

    Raises:
        RespError: there are not so many.
    """
    if not 0 <= number < len(keyspace.databases):
        raise RespError(errors.DB_INDEX_OUT_OF_RANGE)
    return keyspace.databases[number]


def pop_from_several(args: Sequence[bytes], ends: Sequence[bytes]) -> tuple[Sequence[bytes], bytes, int]:
    """Read `numkeys key... end [COUNT count]`, as LMPOP, ZMPOP and those that wait take it.

    Args:
        args: the arguments.
        ends: the words, in capitals, for both ends.

    Returns:
        The keys, the end, and how many elements to take at most.
    """
    numkeys = integer_between(args[0], 1, MAX_INTEGER, errors.NUMKEYS_NOT_POSITIVE)
    keys, rest = args[1 : 1 + numkeys], args[1 + numkeys :]
    if not rest or rest[0].upper() not in ends:
        raise RespError(errors.SYNTAX)
    count = 0
    words = Words(rest[1:])
    for word in words:
        if count or word.upper() != b"COUNT":
            raise RespError(errors.SYNTAX)
        count = integer_between(words.argument(), 1, MAX_INTEGER, errors.COUNT_NOT_POSITIVE)
    return keys, rest[0].upper(), count or 1


class Words:
    """Options behind the fixed arguments: iterate for the option words, ask `argument` for what follows one."""

    __slots__ = ("_words",)

    def __init__(self, words: Iterable[bytes]) -> None:
        self._words = iter(words)

    def __iter__(self) -> Iterator[bytes]:
        return self._words

    def argument(self) -> bytes:
        """The argument of the option just read.

        Raises:
            RespError: a syntax error, if there is none.
        """
        for word in self._words:
            return word
        raise RespError(errors.SYNTAX)
