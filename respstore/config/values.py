"""The kinds of values that options have: how each is read from words and written as text.

A kind is a stateless object with two methods. `parse(words, current)` makes a value of the words behind a directive, or
raises ValueError with the words that Redis 7.0 uses for it; `current` is the value so far, for the kinds where a
directive changes only a part of it. `text(value)` is what CONFIG GET answers, and parses back into the same value.

Text is `str`, bytes that are no UTF-8 in it are surrogates (PEP 383), so that any password survives the way through a
file or a client.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Generic, NamedTuple, TypeVar

from respstore.numbers import MAX_INTEGER, MIN_INTEGER, parse_integer

T = TypeVar("T")

INT_MAX: Final = 2**31 - 1
LONG_MAX: Final = MAX_INTEGER
ULONG_MAX: Final = 2**64 - 1

_WRONG_NUMBER: Final = "wrong number of arguments"


class Kind(Generic[T]):
    """What the values of an option look like.

    `several` tells that a value consists of words that may also be given one by one: `bind a b` is `bind "a b"`.
    """

    several = False

    def parse(self, words: Sequence[str], current: T) -> T:
        """The value that the words say; raises ValueError with the reason why they say none."""
        return self.parse_words(words)

    def parse_words(self, words: Sequence[str]) -> T:
        """The same, for all kinds whose directives replace the whole value."""
        raise NotImplementedError

    def text(self, value: T) -> str:
        """The value as CONFIG GET shows it."""
        return str(value)


class _OneWord(Kind[T]):
    def parse_words(self, words: Sequence[str]) -> T:
        if len(words) != 1:
            raise ValueError(_WRONG_NUMBER)
        return self.parse_word(words[0])

    def parse_word(self, word: str) -> T:
        raise NotImplementedError


class _SeveralWords(Kind[T]):
    several = True

    def parse(self, words: Sequence[str], current: T) -> T:
        # A single word is split at every single space, so two spaces make an empty word, which then is an error.
        words = words[0].split(" ") if len(words) == 1 else words
        return super().parse([] if list(words) == [""] else words, current)


class Integer(_OneWord[int]):
    """A decimal number from `low` to `high`; what is below or above `clamp` is taken as its nearer end."""

    def __init__(self, low: int = 0, high: int = INT_MAX, clamp: tuple[int, int] | None = None) -> None:
        self._low = low
        self._high = high
        self._clamp = clamp

    def parse_word(self, word: str) -> int:
        number = parse_integer(word.encode("utf-8", "surrogateescape"))
        if number is None:
            raise ValueError("argument couldn't be parsed into an integer")
        value = _within(number, self._low, self._high)
        return min(max(value, self._clamp[0]), self._clamp[1]) if self._clamp else value


class Permissions(_OneWord[int]):
    """The permission bits of a file, in octal."""

    def parse_word(self, word: str) -> int:
        if not re.fullmatch(r"[0-7]{1,22}", word, re.ASCII):
            raise ValueError("argument couldn't be parsed as an octal number")
        if int(word, 8) > 0o777:
            raise ValueError("argument must be between 0 and 777 inclusive")
        return int(word, 8)

    def text(self, value: int) -> str:
        return f"{value:o}"


class Memory(_OneWord[int]):
    """A number of bytes, with a unit or none: `k` is 1000 bytes, `kb` is 1024, and so on to `gb`; of either case.

    A number from `low` to `high` is allowed; what is less than `at_least` is taken as that.
    """

    def __init__(self, low: int = 0, high: int = LONG_MAX, at_least: int = 0) -> None:
        self._low = low
        self._high = high
        self._at_least = at_least

    def parse_word(self, word: str) -> int:
        value = _bytes_of(word)
        if value is None:
            raise ValueError("argument must be a memory value")
        return max(_within(value, self._low, self._high), self._at_least)


class MemoryOrPercent(_OneWord[int]):
    """A number of bytes or, as a negative value, a percentage of maxmemory (`-5` is `5%`)."""

    def parse_word(self, word: str) -> int:
        if re.fullmatch(r"[0-9]{1,18}%", word, re.ASCII):
            if int(word[:-1]) > 100:
                raise ValueError("percentage argument must be less or equal to 100")
            return -int(word[:-1])
        value = _bytes_of(word)
        if value is None:
            raise ValueError("argument must be a memory or percent value")
        return value

    def text(self, value: int) -> str:
        return f"{-value}%" if value < 0 else str(value)


class YesNo(_OneWord[bool]):
    """`yes` or `no`, of either case."""

    def parse_word(self, word: str) -> bool:
        if word.lower() not in {"yes", "no"}:
            raise ValueError("argument must be 'yes' or 'no'")
        return word.lower() == "yes"

    def text(self, value: bool) -> str:
        return "yes" if value else "no"


class Choice(_OneWord[str]):
    """One of some words, of either case."""

    def __init__(self, *choices: str) -> None:
        self._choices = choices

    def parse_word(self, word: str) -> str:
        if word.lower() not in self._choices:
            raise ValueError(f"argument(s) must be one of the following: {', '.join(self._choices)}")
        return word.lower()


class Text(_OneWord[str]):
    """Any text."""

    def parse_word(self, word: str) -> str:
        return word


class TitleTemplate(_OneWord[str]):
    """A text in which `{title}` and its like stand for what a process shows, and `{{` for a brace."""

    def parse_word(self, word: str) -> str:
        shown = _EMPTY_VARIABLE.sub("", word).strip(" ")
        if not shown or not _TITLE_TEMPLATE.fullmatch(word):
            raise ValueError("template format is invalid or contains unknown variables")
        return word


_EMPTY_VARIABLE: Final = re.compile(r"\{(?:title|server-mode|unixsocket)\}")
"""What may show nothing, so that a template must not consist of it."""
_TITLE_TEMPLATE: Final = re.compile(
    rf"(?:[^{{]|\{{\{{|{_EMPTY_VARIABLE.pattern}|\{{(?:listen-addr|port|tls-port|config-file)\}})*", re.DOTALL
)


class Password(_OneWord[bytes]):
    """Any bytes; nothing at all means that there is no password."""

    def parse_word(self, word: str) -> bytes:
        return word.encode("utf-8", "surrogateescape")

    def text(self, value: bytes) -> str:
        return value.decode("utf-8", "surrogateescape")


class FileName(_OneWord[str]):
    """A name inside the option `dir`, so without a slash. `what` is the word for it in errors."""

    def __init__(self, option: str, what: str = "filename", may_be_empty: bool = False) -> None:
        self._option = option
        self._what = what
        self._may_be_empty = may_be_empty

    def parse_word(self, word: str) -> str:
        if not word and not self._may_be_empty:
            raise ValueError(f"{self._option} can't be empty")
        if "/" in word:
            raise ValueError(f"{self._option} can't be a path, just a {self._what}")
        return word


class Directory(_OneWord[str]):
    """A directory that exists, absolute. The one kind that looks at the disk: Redis enters the directory at once."""

    def parse_word(self, word: str) -> str:
        path = Path(word)
        if not word or not path.exists():
            raise ValueError("No such file or directory")
        if not path.is_dir():
            raise ValueError("Not a directory")
        return str(path.resolve())


class Addresses(_SeveralWords[tuple[str, ...]]):
    """Addresses to listen on. One behind a `-` may be unavailable; `*` and `::*` are all of IPv4 and of IPv6."""

    _MOST = 16

    def parse_words(self, words: Sequence[str]) -> tuple[str, ...]:
        if len(words) > self._MOST:
            raise ValueError("Too many bind addresses specified.")
        return tuple(words)

    def text(self, value: tuple[str, ...]) -> str:
        return " ".join(value)


class Primary(_SeveralWords[str]):
    """`host port` of the server to replicate, or nothing; `no one` is nothing."""

    def parse_words(self, words: Sequence[str]) -> str:
        if not words:
            return ""
        if len(words) != 2:
            raise ValueError(_WRONG_NUMBER)
        if [word.lower() for word in words] == ["no", "one"]:
            return ""
        if not re.fullmatch(r"[0-9]{1,5}", words[1], re.ASCII) or not int(words[1]) <= 65535:
            raise ValueError("Invalid master port")
        return " ".join(words)


class ShutdownFlags(_SeveralWords[tuple[str, ...]]):
    """What a signal adds to SHUTDOWN."""

    _FLAGS = ("save", "nosave", "now", "force")

    def parse_words(self, words: Sequence[str]) -> tuple[str, ...]:
        flags = {word.lower() for word in words}
        if not flags or not flags <= {"default", *self._FLAGS}:
            raise ValueError(f"argument(s) must be one of the following: default, {', '.join(self._FLAGS)}")
        if flags >= {"save", "nosave"}:
            raise ValueError("shutdown options SAVE and NOSAVE can't be used simultaneously")
        return tuple(flag for flag in self._FLAGS if flag in flags)

    def text(self, value: tuple[str, ...]) -> str:
        return " ".join(value) or "default"


class SavePoint(NamedTuple):
    """Save when `changes` keys changed within `seconds`."""

    seconds: int
    changes: int


class SavePoints(_SeveralWords[tuple[SavePoint, ...]]):
    """Pairs of seconds and changes; the empty text is none."""

    def parse_words(self, words: Sequence[str]) -> tuple[SavePoint, ...]:
        if not words:
            return ()
        numbers = [_number(word) for word in words]
        points = [
            SavePoint(seconds or 0, -1 if changes is None else changes)
            for seconds, changes in zip(numbers[::2], numbers[1::2], strict=False)
        ]
        if len(numbers) % 2 or any(point.seconds < 1 or point.changes < 0 for point in points):
            raise ValueError("Invalid save parameters")
        return tuple(points)

    def text(self, value: tuple[SavePoint, ...]) -> str:
        return " ".join(f"{point.seconds} {point.changes}" for point in value)


class TCPStorePort(NamedTuple):
    """A port for torch clients: its number, the namespace of their keys, and whether nobody needs a password there."""

    port: int
    namespace: bytes
    noauth: bool


class TCPStorePorts(_SeveralWords[tuple[TCPStorePort, ...]]):
    """Ports, each with a namespace behind a `/` or without one, and perhaps with the word `noauth` behind that."""

    def parse_words(self, words: Sequence[str]) -> tuple[TCPStorePort, ...]:
        ports: list[TCPStorePort] = []
        for word in words:
            if word.lower() == "noauth" and ports and not ports[-1].noauth:
                ports[-1] = ports[-1]._replace(noauth=True)
                continue
            match = re.fullmatch(r"([0-9]{1,5})(?:/([!-.0-~](?:[!-~]{0,198}[!-.0-~])?))?", word)
            if not match or int(match[1]) > 65535:
                raise ValueError("argument must be a port, or port/namespace, and may have 'noauth' behind it")
            ports.append(TCPStorePort(int(match[1]), (match[2] or "").encode(), noauth=False))
        return tuple(ports)

    def text(self, value: tuple[TCPStorePort, ...]) -> str:
        return " ".join(
            f"{port}{'/' if namespace else ''}{namespace.decode()}{' noauth' if noauth else ''}"
            for port, namespace, noauth in value
        )


class BufferLimit(NamedTuple):
    """When a client that does not read is cut off: above `hard` bytes at once, above `soft` bytes for `soft_seconds`.

    0 is no limit.
    """

    hard: int
    soft: int
    soft_seconds: int


class BufferLimits(NamedTuple):
    """The limits of each class of clients."""

    normal: BufferLimit
    slave: BufferLimit
    pubsub: BufferLimit


class OutputBufferLimits(_SeveralWords[BufferLimits]):
    """Groups of `class hard soft seconds`; a class that is not named keeps its limits."""

    def parse(self, words: Sequence[str], current: BufferLimits) -> BufferLimits:
        return current._replace(**self._groups(words[0].split(" ") if len(words) == 1 else words))

    def _groups(self, words: Sequence[str]) -> dict[str, BufferLimit]:
        if len(words) % 4 and list(words) != [""]:
            raise ValueError("Wrong number of arguments in buffer limit configuration.")
        groups = {}
        for start in range(0, len(words) - 3, 4):
            name = words[start].lower().replace("replica", "slave")
            if name not in BufferLimits._fields:
                raise ValueError("Invalid client class specified in buffer limit configuration.")
            hard, soft = map(_bytes_of, words[start + 1 : start + 3])
            seconds = _number(words[start + 3] or "0")
            if hard is None or soft is None or seconds is None or not 0 <= seconds <= INT_MAX:
                raise ValueError("Error in hard, soft or soft_seconds setting in buffer limit configuration.")
            groups[name] = BufferLimit(hard, soft, seconds)
        return groups

    def text(self, value: BufferLimits) -> str:
        return " ".join(f"{name} {hard} {soft} {seconds}" for name, (hard, soft, seconds) in value._asdict().items())


class OomScores(_SeveralWords[tuple[int, ...]]):
    """Three numbers."""

    def parse_words(self, words: Sequence[str]) -> tuple[int, ...]:
        if len(words) != 3:
            raise ValueError(_WRONG_NUMBER)
        numbers = [_number(word) for word in words]
        if any(number is None or not -2000 <= number <= 2000 for number in numbers):
            raise ValueError("Invalid oom-score-adj-values, elements must be between -2000 and 2000.")
        return tuple(number or 0 for number in numbers)

    def text(self, value: tuple[int, ...]) -> str:
        return " ".join(map(str, value))


class Percentiles(_SeveralWords[tuple[float, ...]]):
    """Numbers from 0 to 100; the empty text is none."""

    def parse_words(self, words: Sequence[str]) -> tuple[float, ...]:
        if not words:
            return ()
        if not all(re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?|[+-]?inf", word) for word in words):
            raise ValueError("Invalid latency-tracking-info-percentiles parameters")
        values = tuple(map(float, words))
        if not all(0 <= value <= 100 for value in values):
            raise ValueError("latency-tracking-info-percentiles parameters should sit between [0.0,100.0]")
        return values

    def text(self, value: tuple[float, ...]) -> str:
        return " ".join(f"{number:f}".rstrip("0").rstrip(".") for number in value)


class NotifyEvents(_OneWord[str]):
    """Classes of keyspace events, one letter each; `A` is all of `g$lshzxetd`. The value has them in Redis's order."""

    _ALL = "g$lshzxetd"

    def parse_word(self, word: str) -> str:
        flags = set(word)
        if not flags <= set(self._ALL + "AKEmn"):
            raise ValueError("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")
        # Redis does not show `n` beside `A`, though it is no part of it.
        if "A" in flags or flags >= set(self._ALL):
            ordered = "AKEm" if "n" not in flags else "AnKEm"
            flags.add("A")
        else:
            ordered = self._ALL + "nKEm"
        return "".join(flag for flag in ordered if flag in flags)


def _within(value: int, low: int, high: int) -> int:
    if not low <= value <= high:
        raise ValueError(f"argument must be between {low} and {high} inclusive")
    return value


_UNITS: Final = {"": 1, "b": 1, "k": 1000, "kb": 1024, "m": 1000**2, "mb": 1024**2, "g": 1000**3, "gb": 1024**3}


def _bytes_of(word: str) -> int | None:
    """Bytes, at most 2**64 - 1; None for what is no amount of memory. No digits at all are 0, as in Redis."""
    match = re.fullmatch(r"([0-9]*)([a-z]*)", word.lower(), re.ASCII)
    if not match or match[2] not in _UNITS:
        return None
    # int() would refuse thousands of digits, and more than 20 are too many anyway.
    digits = match[1].lstrip("0")[:21] or "0"
    return min(int(digits) * _UNITS[match[2]], ULONG_MAX)


def _number(word: str) -> int | None:
    """A decimal number as C's strtoll takes it, kept inside 64 bits."""
    match = re.fullmatch(r"([+-]?)0*([0-9]+)", word, re.ASCII)
    if not match:
        return None
    value = int(match[2][:20])
    return max(-value, MIN_INTEGER) if match[1] == "-" else min(value, MAX_INTEGER)
