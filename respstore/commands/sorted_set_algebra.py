"""Commands that combine sorted sets: unions, intersections, differences: https://redis.io/docs/latest/commands/zunion/

Sets may be among them; their members count as if their score was 1. What a member gets from each is multiplied with a
weight and summed up, or the least or greatest of it taken. So that sums are the same to the last bit as in Redis, they
are made in its order: from the smallest of the sets to the largest.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice, repeat
from math import isnan
from typing import Final

import attrs

from respstore import errors
from respstore.commands.sorted_sets import store
from respstore.engine.arguments import Words, double, integer, integer_between
from respstore.engine.command import command
from respstore.engine.keyspecs import counted, first
from respstore.engine.session import Session
from respstore.errors import RespError
from respstore.keyspace import Database, Set, SortedSet
from respstore.numbers import MAX_INTEGER
from respstore.protocol.replies import Pairs


@attrs.frozen
class Source:
    """One of those to combine: its members with their scores, and what these are multiplied with."""

    value: SortedSet | Set | None
    weight: float = 1.0

    def __len__(self) -> int:
        return 0 if self.value is None else len(self.value)

    def members(self) -> Iterable[bytes]:
        """All members."""
        return self.value.scores if isinstance(self.value, SortedSet) else self.value or ()

    def items(self) -> Iterable[tuple[bytes, float]]:
        """All members and their scores as they are."""
        if isinstance(self.value, SortedSet):
            return self.value.scores.items()
        return zip(self.members(), repeat(1.0))

    def score(self, member: bytes) -> float | None:
        """The score of a member as it is, None if there is no such."""
        if isinstance(self.value, SortedSet):
            return self.value.scores.get(member)
        return 1.0 if self.value is not None and member in self.value else None


Aggregate = Callable[[float, float], float]


def _sum(total: float, score: float) -> float:
    total += score
    return 0.0 if isnan(total) else total  # of infinities that cancel out


# Of two that do not compare, NaN among them, min and max give the first, as Redis does.
_AGGREGATES: Final[dict[bytes, Aggregate]] = {b"SUM": _sum, b"MIN": min, b"MAX": max}


@attrs.frozen
class Request:
    """What is to be combined, and how.

    Attributes:
        sources: in the order of the keys.
        aggregate: makes one score of two.
        with_scores: the scores are asked for, too.
        limit: count no further than this; 0 for all (ZINTERCARD).
    """

    sources: list[Source]
    aggregate: Aggregate = _sum
    with_scores: bool = False
    limit: int = 0


def parse_request(db: Database, name: str, numkeys: bytes, args: Sequence[bytes], takes: str) -> Request:
    """Read `numkeys key... [WEIGHTS weight...] [AGGREGATE SUM|MIN|MAX] [WITHSCORES] [LIMIT limit]`.

    Args:
        db: where the keys are.
        name: of the command, for an error.
        numkeys: the first argument.
        args: the others.
        takes: which of the options it takes.

    Raises:
        RespError: one of the arguments is wrong, or a key holds neither a sorted set nor a set.
    """
    count = integer(numkeys)
    if count < 1:
        raise errors.no_input_keys(name)
    if count > len(args):
        raise RespError(errors.SYNTAX)
    request = Request([_source(db, key) for key in args[:count]])
    words = Words(args[count:])
    for word in words:
        option = word.upper().decode("latin-1")
        if option not in takes.split():
            raise RespError(errors.SYNTAX)
        if option == "WEIGHTS":
            request = attrs.evolve(request, sources=_weighted(request.sources, list(islice(words, count))))
        elif option == "AGGREGATE":
            aggregate = _AGGREGATES.get(words.argument().upper())
            if aggregate is None:
                raise RespError(errors.SYNTAX)
            request = attrs.evolve(request, aggregate=aggregate)
        elif option == "LIMIT":
            limit = integer_between(words.argument(), 0, MAX_INTEGER, errors.LIMIT_NEGATIVE)
            request = attrs.evolve(request, limit=limit)
        else:
            request = attrs.evolve(request, with_scores=True)
    return request


def _source(db: Database, key: bytes) -> Source:
    value = db.read(key)
    if value is None or isinstance(value, SortedSet | Set):
        return Source(value)
    raise RespError(errors.WRONG_TYPE)


def _weighted(sources: list[Source], weights: list[bytes]) -> list[Source]:
    if len(weights) < len(sources):
        raise RespError(errors.SYNTAX)
    numbers = [double(weight, errors.WEIGHT_NOT_A_FLOAT) for weight in weights]
    return [Source(source.value, number) for source, number in zip(sources, numbers, strict=True)]


# Combining


def union(request: Request) -> dict[bytes, float]:
    """The members of all sources, with their scores."""
    result: dict[bytes, float] = {}
    aggregate = request.aggregate
    for source in sorted(request.sources, key=len):
        weight = source.weight
        for member, number in source.items():
            score = number * weight
            if isnan(score):
                score = 0.0
            old = result.get(member)
            result[member] = score if old is None else aggregate(old, score)
    return result


def intersection(request: Request) -> dict[bytes, float]:
    """The members that are in each source, with their scores; not more than the limit."""
    result: dict[bytes, float] = {}
    smallest, *others = sorted(request.sources, key=len)
    for member, number in smallest.items():
        score = number * smallest.weight
        if isnan(score):
            score = 0.0
        for other in others:
            found = other.score(member)
            if found is None:
                break
            score = request.aggregate(score, found * other.weight)
        else:
            result[member] = score
            if len(result) == request.limit:
                break
    return result


def difference(request: Request) -> dict[bytes, float]:
    """The members of the first source that are in none of the others, with their scores."""
    head, *others = request.sources
    result = dict(head.items())
    for other in others:
        if len(other) < len(result):
            for member in other.members():
                result.pop(member, None)
        else:
            result = {member: score for member, score in result.items() if other.score(member) is None}
    return result


def _answer(request: Request, scores: dict[bytes, float]) -> list[bytes] | Pairs:
    members, numbers = SortedSet(scores, is_skiplist=True).slice(0, len(scores))
    return Pairs(members, numbers) if request.with_scores else members


@command(
    "zunion numkeys key... [WEIGHTS weight...] [AGGREGATE aggregate=(SUM | MIN | MAX)] [WITHSCORES]",
    group="sorted-set",
    since="6.2.0",
    flags="readonly",
    keys=counted("RO access", at=1),
    complexity="O(N)+O(M*log(M)), N the number of members of all sets and M that of the result",
)
def zunion(session: Session, numkeys: bytes, key: bytes, *more: bytes) -> list[bytes] | Pairs:
    """Answer the members that are in any of several sorted sets."""
    request = parse_request(session.db, "zunion", numkeys, (key, *more), "WEIGHTS AGGREGATE WITHSCORES")
    return _answer(request, union(request))


@command(
    "zinter numkeys key... [WEIGHTS weight...] [AGGREGATE aggregate=(SUM | MIN | MAX)] [WITHSCORES]",
    group="sorted-set",
    since="6.2.0",
    flags="readonly",
    keys=counted("RO access", at=1),
    complexity="O(N*K)+O(M*log(M)), N the size of the smallest of K sets and M that of the result",
)
def zinter(session: Session, numkeys: bytes, key: bytes, *more: bytes) -> list[bytes] | Pairs:
    """Answer the members that are in all of several sorted sets."""
    request = parse_request(session.db, "zinter", numkeys, (key, *more), "WEIGHTS AGGREGATE WITHSCORES")
    return _answer(request, intersection(request))


@command(
    "zdiff numkeys key... [WITHSCORES]",
    group="sorted-set",
    since="6.2.0",
    flags="readonly",
    keys=counted("RO access", at=1),
    complexity="O(N)+O(M*log(M)), N the number of members of all sets and M that of the result",
)
def zdiff(session: Session, numkeys: bytes, key: bytes, *more: bytes) -> list[bytes] | Pairs:
    """Answer the members of a sorted set that are in none of some others."""
    request = parse_request(session.db, "zdiff", numkeys, (key, *more), "WITHSCORES")
    return _answer(request, difference(request))


@command(
    "zintercard numkeys key... [LIMIT limit]",
    group="sorted-set",
    since="7.0.0",
    flags="readonly",
    keys=counted("RO access", at=1),
    complexity="O(N*K), N the size of the smallest of K sets",
)
def zintercard(session: Session, numkeys: bytes, key: bytes, *more: bytes) -> int:
    """Count the members that are in all of several sorted sets, up to a limit."""
    return len(intersection(parse_request(session.db, "zintercard", numkeys, (key, *more), "LIMIT")))


# Storing


@command(
    "zunionstore destination numkeys key... [WEIGHTS weight...] [AGGREGATE aggregate=(SUM | MIN | MAX)]",
    group="sorted-set",
    since="2.0.0",
    flags="write denyoom",
    keys=(first("OW update"), counted("RO access", at=2)),
    complexity="O(N)+O(M*log(M)), N the number of members of all sets and M that of the result",
)
def zunionstore(session: Session, destination: bytes, numkeys: bytes, key: bytes, *more: bytes) -> int:
    """Store the members that are in any of several sorted sets as another one."""
    request = parse_request(session.db, "zunionstore", numkeys, (key, *more), "WEIGHTS AGGREGATE")
    return store(session, destination, union(request), "zunionstore")


@command(
    "zinterstore destination numkeys key... [WEIGHTS weight...] [AGGREGATE aggregate=(SUM | MIN | MAX)]",
    group="sorted-set",
    since="2.0.0",
    flags="write denyoom",
    keys=(first("OW update"), counted("RO access", at=2)),
    complexity="O(N*K)+O(M*log(M)), N the size of the smallest of K sets and M that of the result",
)
def zinterstore(session: Session, destination: bytes, numkeys: bytes, key: bytes, *more: bytes) -> int:
    """Store the members that are in all of several sorted sets as another one."""
    request = parse_request(session.db, "zinterstore", numkeys, (key, *more), "WEIGHTS AGGREGATE")
    return store(session, destination, intersection(request), "zinterstore")


@command(
    "zdiffstore destination numkeys key...",
    group="sorted-set",
    since="6.2.0",
    flags="write denyoom",
    keys=(first("OW update"), counted("RO access", at=2)),
    complexity="O(N)+O(M*log(M)), N the number of members of all sets and M that of the result",
)
def zdiffstore(session: Session, destination: bytes, numkeys: bytes, key: bytes, *more: bytes) -> int:
    """Store the members of a sorted set that are in none of some others as another one."""
    request = parse_request(session.db, "zdiffstore", numkeys, (key, *more), "")
    return store(session, destination, difference(request), "zdiffstore")
