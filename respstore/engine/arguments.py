"""Arguments of commands -> numbers and options, with Redis's errors. A handler calls these where it reads the argument."""

from collections.abc import Iterable, Iterator

from respstore import errors
from respstore.errors import RespError
from respstore.keyspace.numbers import parse_float, parse_integer

MAX_MS = 2**63 - 1


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


def float_number(arg: bytes, error: str = errors.NOT_A_FLOAT) -> float:
    """A double, `inf` included, not `nan`."""
    number = parse_float(arg)
    if number is None:
        raise RespError(error)
    return float(number)


def timeout_seconds(arg: bytes) -> float | None:
    """How long to block, in seconds as BLPOP takes them; None stands for 0, for ever.

    Raises:
        RespError: not a number, negative, or beyond what 64 bits of milliseconds hold.
    """
    number = parse_float(arg)
    if number is None or number * 1000 > MAX_MS:
        raise RespError(errors.TIMEOUT_NOT_A_FLOAT if number is None else errors.TIMEOUT_OUT_OF_RANGE)
    if number < 0:
        raise RespError(errors.TIMEOUT_NEGATIVE)
    return float(number) or None


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
