"""Commands on the members of sorted sets: https://redis.io/docs/latest/commands/?group=sorted-set

Those on ranges stand in `sorted_set_ranges.py`, unions and their like in `sorted_set_algebra.py`, those that wait in
`blocking_sorted_sets.py`.

What must stay true: who adds a member calls `insert`, which notes when Redis would make a skiplist of a listpack; who
takes some away calls `Database.shrunk`, which deletes a sorted set that became empty.
"""

from collections.abc import Collection, Iterable, Sequence
from math import isnan
from typing import Final

from respstore import errors
from respstore.engine.arguments import (
    cursor,
    double,
    doubles,
    draw_count,
    integer_between,
    pop_from_several,
    repeated_draws,
    scan_options,
)
from respstore.engine.command import command
from respstore.engine.keyspecs import counted, first
from respstore.engine.session import Session
from respstore.errors import RespError
from respstore.keyspace import Database, SortedSet, Value
from respstore.numbers import MAX_INTEGER, MIN_INTEGER, format_double, parse_float
from respstore.protocol.replies import NULL_ARRAY, Pairs, ScoredMember, Special

MIN: Final = b"MIN"
MAX: Final = b"MAX"

_ZADD_OPTIONS: Final = frozenset({b"NX", b"XX", b"GT", b"LT", b"CH", b"INCR"})
_LARGEST_PACKED: Final = 2**62
"""Up to this number a listpack keeps whole scores as integers, and ZSCAN shows them as such."""


def as_sorted_set(value: Value | None) -> SortedSet | None:
    """A looked-up value as a sorted set, None if there is none.

    Raises:
        RespError: it is no sorted set.
    """
    if value is None or type(value) is SortedSet:
        return value
    raise RespError(errors.WRONG_TYPE)


# Adding


@command(
    "zadd key condition=[NX | XX]@3.0.2 comparison=[GT | LT]@6.2.0 [change=CH]@3.0.2 [increment=INCR]@3.0.2 "
    "score_member=(score member)...",
    group="sorted-set",
    since="1.2.0",
    flags="write denyoom fast",
    keys=first("RW update"),
    complexity="O(log(N)) per member",
)
def zadd(session: Session, key: bytes, score: bytes, member: bytes, *more: bytes) -> int | float | None:
    """Give members of a sorted set scores and answer how many are new; make the sorted set if there is none."""
    number = None if more else parse_float(score)
    if number is None:
        return add(session, key, *_parse_zadd((score, member, *more)))
    # One member and no options, as most do.
    db = session.db
    value = db.get(key)
    if type(value) is SortedSet:
        old = value.scores.get(member)
        if old is None:
            insert(session, value, member, number)
            db.changed(key, "zadd")
            return 1
        if old != number:
            value.update(member, number)
            db.changed(key, "zadd")
        return 0
    as_sorted_set(value)
    value = SortedSet()
    insert(session, value, member, number)
    db.put(key, value, "zadd")
    return 1


@command(
    "zincrby key increment:integer member",
    group="sorted-set",
    since="1.2.0",
    flags="write denyoom fast",
    keys=first("RW access update"),
    complexity="O(log(N))",
)
def zincrby(session: Session, key: bytes, increment: bytes, member: bytes) -> int | float | None:
    """Add to the score of a member of a sorted set; a missing member counts as 0."""
    if increment.upper() in _ZADD_OPTIONS:  # in Redis, this is ZADD with INCR: then its score is missing
        raise RespError(errors.SYNTAX)
    return add(session, key, (b"INCR",), [(member, double(increment))])


def insert(session: Session, value: SortedSet, member: bytes, score: float) -> None:
    """Add a member that is not there yet."""
    if not value.is_skiplist:
        config = session.engine.config
        if len(value) >= config.zset_max_listpack_entries or len(member) > config.zset_max_listpack_value:
            value.is_skiplist = True
    value.add(member, score)


def store(session: Session, key: bytes, scores: dict[bytes, float], event: str) -> int:
    """Put a sorted set of these members, which are kept, in the place of whatever is at a key; without any, delete it.

    Returns:
        How many members there are.
    """
    db, config = session.db, session.engine.config
    if scores:
        most, longest = config.zset_max_listpack_entries, config.zset_max_listpack_value
        is_skiplist = len(scores) > most or max(map(len, scores)) > longest
        db.put(key, SortedSet(scores, is_skiplist=is_skiplist), event)
    else:
        db.delete_even_dead(key)
    return len(scores)


def _parse_zadd(words: Sequence[bytes]) -> tuple[Collection[bytes], Iterable[tuple[bytes, float]]]:
    """Read ZADD's options, scores and members.

    Returns:
        The options, and the members with their scores.
    """
    start = 0
    while start < len(words) and words[start].upper() in _ZADD_OPTIONS:
        start += 1
    options = {word.upper() for word in words[:start]} if start else ()
    if start == len(words) or (len(words) - start) % 2:
        raise RespError(errors.SYNTAX)
    if options:
        if {b"NX", b"XX"} <= options:
            raise RespError(errors.ZADD_NX_AND_XX)
        if len(options & {b"NX", b"GT", b"LT"}) > 1:
            raise RespError(errors.ZADD_GT_LT_NX)
        if b"INCR" in options and len(words) - start > 2:
            raise RespError(errors.ZADD_INCR_PAIRS)
    return options, zip(words[start + 1 :: 2], doubles(words[start::2]))  # noqa: B905 - there are as many


def add(
    session: Session, key: bytes, options: Collection[bytes], pairs: Iterable[tuple[bytes, float]]
) -> int | float | None:
    """ZADD with options, ZINCRBY, and GEOADD.

    Returns:
        How many members are new, with CH how many are new or changed; with INCR the new score, None if there is none.
    """
    db = session.db
    value = as_sorted_set(db.get(key))
    is_new = value is None
    if value is None:
        value = SortedSet()
    may_add = may_update = True
    is_increment = must_grow = must_fall = tells_changes = False
    if options:
        may_add, may_update = b"XX" not in options, b"NX" not in options
        must_grow, must_fall = b"GT" in options, b"LT" in options
        is_increment, tells_changes = b"INCR" in options, b"CH" in options
    added = updated = 0
    result: float | None = None
    score_of = value.scores.get
    for member, score in pairs:
        old = score_of(member)
        if old == score and not is_increment:
            continue
        if old is None:
            if not may_add:
                continue
            insert(session, value, member, score)
            added += 1
        else:
            if not may_update:
                continue
            if is_increment:
                score += old
                if isnan(score):
                    raise RespError(errors.SCORE_NOT_A_NUMBER)
            if (must_grow and score <= old) or (must_fall and score >= old):
                continue
            if score != old:
                value.update(member, score)
                updated += 1
        result = score
    if added or updated:
        event = "zincr" if is_increment else "zadd"
        if is_new:
            db.put(key, value, event)
        else:
            db.changed(key, event)
    if is_increment:
        return result
    return added + updated if tells_changes else added


# Taking


@command(
    "zrem key member...",
    group="sorted-set",
    since="1.2.0",
    flags="write fast",
    keys=first("RW delete"),
    complexity="O(log(N)) per member",
)
def zrem(session: Session, key: bytes, member: bytes, *more: bytes) -> int:
    """Take members out of a sorted set and answer how many were there."""
    db = session.db
    value = as_sorted_set(db.get(key))
    if value is None:
        return 0
    removed = sum([value.discard(name) for name in (member, *more)])
    if removed:
        db.shrunk(key, value, "zrem")
    return removed


@command(
    "zpopmin key [count]",
    group="sorted-set",
    since="5.0.0",
    flags="write fast",
    keys=first("RW access delete"),
    complexity="O(log(N)) per member taken",
)
def zpopmin(session: Session, key: bytes, *count: bytes) -> list[bytes] | ScoredMember | Pairs:
    """Take the members with the lowest scores out of a sorted set."""
    return _pop(session.db, key, count, MIN)


@command(
    "zpopmax key [count]",
    group="sorted-set",
    since="5.0.0",
    flags="write fast",
    keys=first("RW access delete"),
    complexity="O(log(N)) per member taken",
)
def zpopmax(session: Session, key: bytes, *count: bytes) -> list[bytes] | ScoredMember | Pairs:
    """Take the members with the highest scores out of a sorted set."""
    return _pop(session.db, key, count, MAX)


def _pop(db: Database, key: bytes, count: Sequence[bytes], end: bytes) -> list[bytes] | ScoredMember | Pairs:
    if not count:
        found = db.get(key) if db.expires else db.data.get(key)
        value = found if type(found) is SortedSet else as_sorted_set(found)
        if value is None:
            return []
        member, score = take_one(db, key, value, end)
        return ScoredMember(member, score)
    if len(count) > 1:
        raise RespError(errors.SYNTAX)
    number = integer_between(count[0], 0, MAX_INTEGER, errors.NOT_POSITIVE)
    value = as_sorted_set(db.get(key))
    if value is None or not number:
        return []
    return Pairs(*take(db, key, value, end, number))


@command(
    "zmpop numkeys key... where=(MIN | MAX) [COUNT count]",
    group="sorted-set",
    since="7.0.0",
    flags="write",
    keys=counted("RW access delete", at=1),
    complexity="O(K)+O(M*log(N)), K the number of keys and M that of members taken",
)
def zmpop(session: Session, numkeys: bytes, key: bytes, where: bytes, *options: bytes) -> list[object] | Special:
    """Take members from an end of the first of several keys that holds a sorted set."""
    keys, end, count = pop_from_several((numkeys, key, where, *options), (MIN, MAX))
    db = session.db
    for name in keys:
        value = as_sorted_set(db.get(name))
        if value is not None:
            return take_several(db, name, value, end, count)
    return NULL_ARRAY


def take_several(db: Database, key: bytes, value: SortedSet, end: bytes, count: int) -> list[object]:
    """As `take`, for ZMPOP and BZMPOP: the reply."""
    members, scores = take(db, key, value, end, count)
    db.propagate(b"ZPOPMIN" if end == MIN else b"ZPOPMAX", key, b"%d" % len(members))
    return [key, list(zip(members, scores, strict=True))]


def take_one(db: Database, key: bytes, value: SortedSet, end: bytes) -> tuple[bytes, float]:
    """Take the member at an end of the sorted set at `key`.

    Returns:
        The member, and its score.
    """
    if end == MIN:
        element, event = value.pop_end(0), "zpopmin"
    else:
        element, event = value.pop_end(-1), "zpopmax"
    db.shrunk(key, value.scores, event)
    return element


def take(db: Database, key: bytes, value: SortedSet, end: bytes, count: int) -> tuple[list[bytes], list[float]]:
    """Take at most `count` members, at least one, from an end of the sorted set at `key`.

    Returns:
        The members in the order of taking, and their scores.
    """
    length = len(value)
    if end == MAX:
        members, scores = value.pop(max(0, length - count), length)
        members.reverse()
        scores.reverse()
        event = "zpopmax"
    else:
        members, scores = value.pop(0, min(count, length))
        event = "zpopmin"
    db.shrunk(key, value, event)
    return members, scores


# Looking


@command("zcard key", group="sorted-set", since="1.2.0", flags="readonly fast", keys=first("RO"), complexity="O(1)")
def zcard(session: Session, key: bytes) -> int:
    """Answer the number of members of a sorted set, 0 if there is none."""
    value = as_sorted_set(session.db.read(key))
    return 0 if value is None else len(value)


@command(
    "zscore key member",
    group="sorted-set",
    since="1.2.0",
    flags="readonly fast",
    keys=first("RO access"),
    complexity="O(1)",
)
def zscore(session: Session, key: bytes, member: bytes) -> float | None:
    """Answer the score of a member of a sorted set."""
    value = as_sorted_set(session.db.read(key))
    return None if value is None else value.scores.get(member)


@command(
    "zmscore key member...",
    group="sorted-set",
    since="6.2.0",
    flags="readonly fast",
    keys=first("RO access"),
    complexity="O(1) per member",
)
def zmscore(session: Session, key: bytes, member: bytes, *more: bytes) -> list[float | None]:
    """Answer the scores of members of a sorted set."""
    value = as_sorted_set(session.db.read(key))
    if value is None:
        return [None] * (1 + len(more))
    return [*map(value.scores.get, (member, *more))]


@command(
    "zrank key member",
    group="sorted-set",
    since="2.0.0",
    flags="readonly fast",
    keys=first("RO access"),
    complexity="O(log(N))",
)
def zrank(session: Session, key: bytes, member: bytes) -> int | None:
    """Answer how many members of a sorted set stand before one of them."""
    value = as_sorted_set(session.db.read(key))
    return None if value is None else value.rank(member)


@command(
    "zrevrank key member",
    group="sorted-set",
    since="2.0.0",
    flags="readonly fast",
    keys=first("RO access"),
    complexity="O(log(N))",
)
def zrevrank(session: Session, key: bytes, member: bytes) -> int | None:
    """Answer how many members of a sorted set stand behind one of them."""
    value = as_sorted_set(session.db.read(key))
    rank = None if value is None else value.rank(member)
    return None if value is None or rank is None else len(value) - 1 - rank


@command(
    "zscan key cursor [MATCH pattern] [COUNT count]",
    group="sorted-set",
    since="2.8.0",
    flags="readonly",
    keys=first("RO access"),
    tips="nondeterministic_output",
    complexity="O(COUNT) for each call, O(N) in the number of members for a whole scan",
)
def zscan(session: Session, key: bytes, cursor_: bytes, *options: bytes) -> list[bytes | list[bytes]]:
    """List the members of a sorted set and their scores, a part with each call."""
    position = cursor(cursor_)
    value = as_sorted_set(session.db.read(key))
    if value is None:
        return [b"0", []]
    wanted = scan_options(options)
    position, members = value.scan(position, wanted.count)
    if wanted.matches is not None:
        members = list(filter(wanted.matches, members))
    show = format_double if value.is_skiplist else _packed
    scores = value.scores
    return [b"%d" % position, [text for member in members for text in (member, show(scores[member]))]]


def _packed(score: float) -> bytes:
    """A score as it stands in a listpack."""
    return b"%d" % score if abs(score) <= _LARGEST_PACKED and score.is_integer() else format_double(score)


@command(
    "zrandmember key options=[count [WITHSCORES]]",
    group="sorted-set",
    since="6.2.0",
    flags="readonly",
    keys=first("RO access"),
    tips="nondeterministic_output",
    complexity="O(N) in the number of members returned",
)
def zrandmember(
    session: Session, key: bytes, count: bytes | None = None, *options: bytes
) -> bytes | list[bytes] | Pairs | None:
    """Draw members of a sorted set, each equally likely: different ones, or with a negative count any of them."""
    random = session.engine.random
    if count is None:
        value = as_sorted_set(session.db.read(key))
        return None if value is None else value.at(random.randrange(len(value)))[0]
    number = draw_count(count)
    if options:
        if len(options) > 1 or options[0].upper() != b"WITHSCORES":
            raise RespError(errors.SYNTAX)
        if not MIN_INTEGER // 2 < number <= MAX_INTEGER // 2:
            raise RespError(errors.OUT_OF_RANGE)
    value = as_sorted_set(session.db.read(key))
    if value is None or not number:
        return []
    positions: Sequence[int]
    if number < 0:
        positions = random.choices(range(len(value)), k=repeated_draws(number))
    elif number < len(value):
        positions = random.sample(range(len(value)), number)
    else:
        positions = range(len(value) - 1, -1, -1)  # so Redis gives all of them
    pairs = [*map(value.at, positions)]
    members = [member for member, _ in pairs]
    return Pairs(members, [score for _, score in pairs]) if options else members
