"""Commands on ranges of sorted sets, by position, score or member: https://redis.io/docs/latest/commands/zrange/

What a range is and where it lies in a sorted set is told in engine/ranges.py.
"""

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from respstore import errors
from respstore.commands.sorted_sets import as_sorted_set, store
from respstore.engine.arguments import Words, integer
from respstore.engine.command import command
from respstore.engine.keyspecs import at, first
from respstore.engine.ranges import MemberRange, ScoreRange, member_range, positions_between, score_range
from respstore.engine.session import Session
from respstore.errors import RespError
from respstore.keyspace import Database, SortedSet
from respstore.protocol.replies import Pairs


class By(Enum):
    """What a range is made of."""

    RANK = "positions"
    SCORE = "scores"
    LEX = "members"


class Query(NamedTuple):
    """What of a sorted set a command asks for.

    Attributes:
        bounds: the range; two positions, both included, for `By.RANK`.
        reverse: from the end; then positions count from there.
        offset, limit: leave out so many elements, then give so many; a negative offset leaves out all of them, a
            negative limit gives all.
        with_scores: the scores, too.
    """

    bounds: tuple[int, int] | ScoreRange | MemberRange
    reverse: bool
    offset: int
    limit: int
    with_scores: bool

    def elements(self, value: SortedSet) -> tuple[list[bytes], list[float]]:
        """Members and scores, in the order asked for."""
        length = len(value)
        bounds = self.bounds
        if isinstance(bounds, ScoreRange):
            low, high = bounds.within(value)
        elif isinstance(bounds, MemberRange):
            low, high = bounds.within(value, reverse=self.reverse)
        else:
            low, high = positions_between(*bounds, length)
            if self.reverse:
                low, high = length - high, length - low
        if self.offset or self.limit >= 0:
            offset = self.offset if self.offset >= 0 else length
            limit = self.limit if self.limit >= 0 else length
            if self.reverse:
                high = max(high - offset, low)
                low = max(high - limit, low)
            else:
                low = min(low + offset, high)
                high = min(low + limit, high)
        members, scores = value.slice(low, high)
        if self.reverse:
            members.reverse()
            scores.reverse()
        return members, scores


def parse_query(
    low: bytes,
    high: bytes,
    options: Sequence[bytes],
    *,
    by: By | None = None,
    reverse: bool | None = None,
    stores: bool = False,
) -> Query:
    """Read what stands behind the key.

    Args:
        low, high: the bounds, in the order in which they are written.
        options: what is behind them: `[BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]`.
        by, reverse: what the command's name tells already, so that no option may.
        stores: the result is stored, with its scores in any case.
    """
    offset, limit, with_scores = 0, -1, False
    words = Words(options)
    for word in words:
        option = word.upper()
        if option == b"WITHSCORES" and not stores:
            with_scores = True
        elif option == b"LIMIT":
            limits = words.argument(), words.argument()
            offset, limit = map(integer, limits)
        elif option == b"REV" and reverse is None:
            reverse = True
        elif option in (b"BYSCORE", b"BYLEX") and by is None:
            by = By.SCORE if option == b"BYSCORE" else By.LEX
        else:
            raise RespError(errors.SYNTAX)
    if limit != -1 and by in (None, By.RANK):
        raise RespError(errors.LIMIT_WITHOUT_BY)
    if with_scores and by is By.LEX:
        raise RespError(errors.BYLEX_WITHSCORES)
    if reverse and by in (By.SCORE, By.LEX):
        low, high = high, low
    bounds: tuple[int, int] | ScoreRange | MemberRange
    if by is By.SCORE:
        bounds = score_range(low, high)
    elif by is By.LEX:
        bounds = member_range(low, high)
    else:
        bounds = integer(low), integer(high)
        offset = 0
    return Query(bounds, bool(reverse), offset, limit, with_scores)


def _answer(session: Session, key: bytes, query: Query) -> list[bytes] | Pairs:
    value = as_sorted_set(session.db.read(key))
    members, scores = ([], []) if value is None else query.elements(value)
    return Pairs(members, scores) if query.with_scores else members


@command(
    "zrange key start:string stop:string sortby=[BYSCORE | BYLEX]@6.2.0 [REV]@6.2.0 [LIMIT (offset count)]@6.2.0 "
    "[WITHSCORES]",
    group="sorted-set",
    since="1.2.0",
    flags="readonly",
    keys=first("RO access"),
    complexity="O(log(N)+M), M the number of members returned",
)
def zrange(session: Session, key: bytes, start: bytes, stop: bytes, *options: bytes) -> list[bytes] | Pairs:
    """Answer the members of a range of positions, scores or members."""
    if options and (len(options) > 1 or options[0].upper() != b"WITHSCORES"):
        return _answer(session, key, parse_query(start, stop, options))
    # By positions, as most ask; from here on what a query does, in half the time.
    low, high = integer(start), integer(stop)
    value = as_sorted_set(session.db.read(key))
    if value is None:
        return []
    members, scores = value.slice(*positions_between(low, high, len(value.scores)))
    return Pairs(members, scores) if options else members


@command(
    "zrevrange key start:integer stop:integer [WITHSCORES]",
    group="sorted-set",
    since="1.2.0",
    flags="readonly",
    keys=first("RO access"),
    complexity="O(log(N)+M), M the number of members returned",
    deprecated_since="6.2.0",
    replaced_by="`ZRANGE` with the `REV` argument",
)
def zrevrange(session: Session, key: bytes, start: bytes, stop: bytes, *options: bytes) -> list[bytes] | Pairs:
    """Answer the members of a range of positions that count from the end."""
    return _answer(session, key, parse_query(start, stop, options, by=By.RANK, reverse=True))


@command(
    "zrangebyscore key min:double max:double [WITHSCORES]@2.0.0 [LIMIT (offset count)]",
    group="sorted-set",
    since="1.0.5",
    flags="readonly",
    keys=first("RO access"),
    complexity="O(log(N)+M), M the number of members returned",
    deprecated_since="6.2.0",
    replaced_by="`ZRANGE` with the `BYSCORE` argument",
)
def zrangebyscore(session: Session, key: bytes, min: bytes, max: bytes, *options: bytes) -> list[bytes] | Pairs:
    """Answer the members whose scores are in a range."""
    return _answer(session, key, parse_query(min, max, options, by=By.SCORE, reverse=False))


@command(
    "zrevrangebyscore key max:double min:double [WITHSCORES] [LIMIT (offset count)]",
    group="sorted-set",
    since="2.2.0",
    flags="readonly",
    keys=first("RO access"),
    complexity="O(log(N)+M), M the number of members returned",
    deprecated_since="6.2.0",
    replaced_by="`ZRANGE` with the `REV` and `BYSCORE` arguments",
)
def zrevrangebyscore(session: Session, key: bytes, max: bytes, min: bytes, *options: bytes) -> list[bytes] | Pairs:
    """Answer the members whose scores are in a range, from the highest to the lowest."""
    return _answer(session, key, parse_query(max, min, options, by=By.SCORE, reverse=True))


@command(
    "zrangebylex key min:string max:string [LIMIT (offset count)]",
    group="sorted-set",
    since="2.8.9",
    flags="readonly",
    keys=first("RO access"),
    complexity="O(log(N)+M), M the number of members returned",
    deprecated_since="6.2.0",
    replaced_by="`ZRANGE` with the `BYLEX` argument",
)
def zrangebylex(session: Session, key: bytes, min: bytes, max: bytes, *options: bytes) -> list[bytes] | Pairs:
    """Answer the members in a range of members, for sorted sets whose scores are all equal."""
    return _answer(session, key, parse_query(min, max, options, by=By.LEX, reverse=False))


@command(
    "zrevrangebylex key max:string min:string [LIMIT (offset count)]",
    group="sorted-set",
    since="2.8.9",
    flags="readonly",
    keys=first("RO access"),
    complexity="O(log(N)+M), M the number of members returned",
    deprecated_since="6.2.0",
    replaced_by="`ZRANGE` with the `REV` and `BYLEX` arguments",
)
def zrevrangebylex(session: Session, key: bytes, max: bytes, min: bytes, *options: bytes) -> list[bytes] | Pairs:
    """Answer the members in a range of members, from the last to the first."""
    return _answer(session, key, parse_query(max, min, options, by=By.LEX, reverse=True))


@command(
    "zrangestore dst src min:string max:string sortby=[BYSCORE | BYLEX] [REV] [LIMIT (offset count)]",
    group="sorted-set",
    since="6.2.0",
    flags="write denyoom",
    keys=(first("OW update"), at(2, "RO access")),
    complexity="O(log(N)+M), M the number of members stored",
)
def zrangestore(session: Session, dst: bytes, src: bytes, min: bytes, max: bytes, *options: bytes) -> int:
    """Store what ZRANGE answers, with the scores, as another sorted set."""
    query = parse_query(min, max, options, stores=True)
    value = as_sorted_set(session.db.read(src))
    members, scores = ([], []) if value is None else query.elements(value)
    return store(session, dst, dict(zip(members, scores, strict=True)), "zrangestore")


@command(
    "zcount key min:double max:double",
    group="sorted-set",
    since="2.0.0",
    flags="readonly fast",
    keys=first("RO access"),
    complexity="O(log(N))",
)
def zcount(session: Session, key: bytes, min: bytes, max: bytes) -> int:
    """Count the members whose scores are in a range."""
    return _count(session, key, score_range(min, max))


@command(
    "zlexcount key min:string max:string",
    group="sorted-set",
    since="2.8.9",
    flags="readonly fast",
    keys=first("RO access"),
    complexity="O(log(N))",
)
def zlexcount(session: Session, key: bytes, min: bytes, max: bytes) -> int:
    """Count the members in a range of members, for sorted sets whose scores are all equal."""
    return _count(session, key, member_range(min, max))


def _count(session: Session, key: bytes, bounds: ScoreRange | MemberRange) -> int:
    value = as_sorted_set(session.db.read(key))
    if value is None:
        return 0
    low, high = bounds.within(value)
    return high - low


# Taking


@command(
    "zremrangebyrank key start:integer stop:integer",
    group="sorted-set",
    since="2.0.0",
    flags="write",
    keys=first("RW delete"),
    complexity="O(log(N)+M), M the number of members taken away",
)
def zremrangebyrank(session: Session, key: bytes, start: bytes, stop: bytes) -> int:
    """Take away the members of a range of positions and answer how many they were."""
    bounds = integer(start), integer(stop)
    value = as_sorted_set(session.db.get(key))
    return (
        0
        if value is None
        else _remove(session.db, key, value, positions_between(*bounds, len(value)), "zremrangebyrank")
    )


@command(
    "zremrangebyscore key min:double max:double",
    group="sorted-set",
    since="1.2.0",
    flags="write",
    keys=first("RW delete"),
    complexity="O(log(N)+M), M the number of members taken away",
)
def zremrangebyscore(session: Session, key: bytes, min: bytes, max: bytes) -> int:
    """Take away the members whose scores are in a range and answer how many they were."""
    bounds = score_range(min, max)
    value = as_sorted_set(session.db.get(key))
    return 0 if value is None else _remove(session.db, key, value, bounds.within(value), "zremrangebyscore")


@command(
    "zremrangebylex key min:string max:string",
    group="sorted-set",
    since="2.8.9",
    flags="write",
    keys=first("RW delete"),
    complexity="O(log(N)+M), M the number of members taken away",
)
def zremrangebylex(session: Session, key: bytes, min: bytes, max: bytes) -> int:
    """Take away the members in a range of members and answer how many they were."""
    bounds = member_range(min, max)
    value = as_sorted_set(session.db.get(key))
    return 0 if value is None else _remove(session.db, key, value, bounds.within(value), "zremrangebylex")


def _remove(db: Database, key: bytes, value: SortedSet, bounds: tuple[int, int], event: str) -> int:
    low, high = bounds
    if low >= high:
        return 0
    value.pop(low, high)
    db.shrunk(key, value, event)
    return high - low
