"""Where the keys of a command stand among its arguments: key specifications, as COMMAND INFO shows them.

A specification says where to begin (at an index, behind a keyword, or nowhere that can be told), how to find the keys
from there (a range, or a count that stands before them), and what the command does to them. Commands declare theirs
with the constructors below, with Redis's own words for what is done:

    RO RW OW RM       the value is read, read and changed, overwritten, removed; exactly one of the four
    access update     the value is handed to the client or copied elsewhere; it is changed in a way that depends on
    insert delete     the old one; something is added; something is taken away or deleted
    not_key           looks like a key for cluster routing, but is none (a shard channel)
    incomplete        there may be more keys than this specification finds
    variable_flags    these flags are the worst case; the arguments of one call tell which hold (SET with GET)

Positions count from the command's own name, which is 0 (for `object|encoding`, OBJECT is 0 and the key 2). What must
stay true: COMMAND GETKEYS, access control and scripts all learn the keys of a request from `find_keys`, and nothing
else guesses them. Rules: https://redis.io/docs/latest/develop/reference/key-specs/
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import attrs

from respstore.numbers import leading_integer, low_half, parse_integer

FLAGS: Final = (
    *("RO", "RW", "OW", "RM", "access", "update", "insert", "delete"),
    *("not_key", "incomplete", "variable_flags"),
)
"""In the order in which Redis tells of them."""


class FoundKey(NamedTuple):
    """A key of one request: its position among the arguments, and what the command does to it."""

    position: int
    flags: frozenset[str]


@attrs.frozen
class KeySpec:
    """One key specification; made by the constructors below.

    Attributes:
        flags: what is done to the keys, of `FLAGS`.
        index: where the search begins; 0 when a keyword says it, or nothing can.
        keyword: the keyword in front of the first key, in capitals, searched without regard to case.
        search_from: where the search for the keyword begins; negative counts from the end, and goes towards the front.
        counted: whether a number of keys stands where the search begins, and the keys behind it.
        last: the last key: relative to the first, or if negative to the number of arguments.
        step: from one key to the next.
        limit: where `last` is -1, look only at the first of this many equal parts of the arguments that are left.
    """

    flags: frozenset[str]
    index: int = 0
    keyword: str | None = None
    search_from: int = 0
    counted: bool = False
    last: int = 0
    step: int = 1
    limit: int = 0

    @property
    def is_range(self) -> bool:
        """Whether the keys stand where the number of arguments alone tells."""
        return self.index > 0 and not self.counted

    def info(self) -> dict[bytes, object]:
        """This specification as COMMAND INFO answers it."""
        begin: dict[bytes, object]
        if self.index:
            begin = {b"type": b"index", b"spec": {b"index": self.index}}
        elif self.keyword:
            spec = {b"keyword": self.keyword.encode(), b"startfrom": self.search_from}
            begin = {b"type": b"keyword", b"spec": spec}
        else:
            begin = {b"type": b"unknown", b"spec": {}}
        find: dict[bytes, object]
        if self.counted:
            find = {b"type": b"keynum", b"spec": {b"keynumidx": 0, b"firstkey": 1, b"keystep": 1}}
        elif self.index or self.keyword:
            spec = {b"lastkey": self.last, b"keystep": self.step, b"limit": self.limit}
            find = {b"type": b"range", b"spec": spec}
        else:
            find = {b"type": b"unknown", b"spec": {}}
        return {b"flags": self.flags, b"begin_search": begin, b"find_keys": find}

    def positions(self, args: Sequence[bytes], read_count: Callable[[bytes], int | None]) -> range | None:
        """The positions of the keys that this specification finds, or None when the arguments do not fit it.

        Where its keyword is missing, it finds none: an option that is not used.

        Args:
            args: all arguments.
            read_count: reads the number of keys, None if it is no number.
        """
        first = self.index or self._behind_keyword(args)
        if first is None:
            return None if self.keyword is None else range(0)
        if self.counted:
            count = read_count(args[first]) if first < len(args) else None
            if count is None:
                return None
            first += 1
            last = first + low_half(count) - 1
        elif self.last >= 0:
            last = first + self.last
        elif self.limit:
            last = first + (len(args) - first) // self.limit + self.last
        else:
            last = len(args) + self.last
        if last >= len(args) or last < first:
            return None
        return range(first, last + 1, self.step)

    def _behind_keyword(self, args: Sequence[bytes]) -> int | None:
        if self.keyword is None:
            return None
        if self.search_from > 0:
            searched = range(self.search_from, len(args) - 1)
        else:
            searched = range(len(args) + self.search_from, 0, -1)
        keyword = self.keyword.encode()
        return next((at + 1 for at in searched if args[at].upper() == keyword), None)


KeyFinder = Callable[[Sequence[bytes]], list[FoundKey]]
"""Tells the keys of a request where specifications cannot, from all its arguments, the command's name first."""


def first(flags: str) -> KeySpec:
    """The first argument is the one key."""
    return at(1, flags)


def at(index: int, flags: str) -> KeySpec:
    """The argument at `index` is the one key."""
    return KeySpec(_flags(flags), index)


def span(flags: str, *, start: int = 1, last: int = -1, step: int = 1) -> KeySpec:
    """Every `step`-th argument from `start` is a key; `last` counts from there, or if negative from the end."""
    return KeySpec(_flags(flags), start, last=last, step=step)


def counted(flags: str, *, at: int) -> KeySpec:
    """At `at` stands the number of keys, and the keys behind it."""
    return KeySpec(_flags(flags), at, counted=True)


def keyword(word: str, flags: str, *, search_from: int, last: int = 0, limit: int = 0) -> KeySpec:
    """Behind `word` stands a key, or with `last=-1` nothing but keys; `limit=2` takes half of them (XREAD)."""
    return KeySpec(_flags(flags), keyword=word, search_from=search_from, last=last, limit=limit)


def unknown(flags: str) -> KeySpec:
    """There are keys where no specification can tell: the command needs a key finder of its own."""
    return KeySpec(_flags(flags))


def _flags(words: str) -> frozenset[str]:
    flags = frozenset(words.split())
    if unheard_of := flags.difference(FLAGS):
        raise ValueError(f"no such flags of keys: {sorted(unheard_of)}")
    return flags


def has_keys(specs: Sequence[KeySpec]) -> bool:
    """Whether a command with these specifications takes keys at all."""
    return any("not_key" not in spec.flags for spec in specs)


def find_keys(args: Sequence[bytes], specs: Sequence[KeySpec], finder: KeyFinder | None = None) -> list[FoundKey]:
    """The keys of one request, in the order of its specifications.

    Args:
        args: all arguments, the command's name first.
        specs: its key specifications.
        finder: what tells the keys in place of the specifications.

    Returns:
        The keys; none when the arguments break the command's syntax, which the command itself will say.
    """
    if finder is not None:
        return finder(args)
    found: list[FoundKey] = []
    for spec in specs:
        if "not_key" in spec.flags:
            continue
        positions = spec.positions(args, parse_integer)
        if positions is None or "incomplete" in spec.flags:
            return _find_leniently(args, specs)
        found += [FoundKey(position, spec.flags) for position in positions]
    return found


def _find_leniently(args: Sequence[bytes], specs: Sequence[KeySpec]) -> list[FoundKey]:
    """The keys by the rules that Redis had before there were specifications: they take `1x` for the number 1.

    They begin with the keys that are counted, and do not tell what is done to any of them.
    """
    found: list[FoundKey] = []
    for spec in sorted(specs, key=lambda spec: not spec.counted):
        positions = spec.positions(args, leading_integer)
        if positions is None:
            return []
        found += [FoundKey(position, frozenset()) for position in positions]
    return found


def has_movable_keys(specs: Sequence[KeySpec]) -> bool:
    """Whether some keys stand where only the arguments themselves can tell: the flag movablekeys of COMMAND."""
    return not all(spec.is_range for spec in specs)


def legacy_range(specs: Sequence[KeySpec]) -> tuple[int, int, int]:
    """First key, last key and step, as COMMAND gave them before there were key specifications.

    They cover the specifications with fixed positions that follow one another without a gap. (0, 0, 0) without any.
    """
    ranges = [spec for spec in specs if spec.is_range]
    if not ranges:
        return (0, 0, 0)
    start, last, step = ranges[0].index, _absolute_last(ranges[0]), ranges[0].step
    for spec in ranges[1:]:
        if spec.step != 1 or last != spec.index - 1:
            break
        last = _absolute_last(spec)
    return (start, last, step)


def _absolute_last(spec: KeySpec) -> int:
    return spec.index + spec.last if spec.last >= 0 else spec.last
