"""Commands that combine sets: intersections, unions and differences, answered or stored.

A set that is missing is empty. Where the result is stored, it takes the place of whatever the key holds, and one
without members deletes it. What stands in no hash table in Redis, a result included, is answered in order.
"""

from collections.abc import Iterable, Sequence
from itertools import filterfalse, islice

from respstore import errors
from respstore.commands.sets import as_set
from respstore.engine.arguments import Words, integer_between
from respstore.engine.command import command
from respstore.engine.keyspecs import at, counted, span
from respstore.engine.session import Session
from respstore.errors import RespError
from respstore.keyspace import Set
from respstore.numbers import MAX_INTEGER
from respstore.protocol.replies import SetOf

# Intersections


@command(
    "sinter key...",
    group="set",
    since="1.0.0",
    flags="readonly",
    keys=span("RO access"),
    tips="nondeterministic_output_order",
    complexity="O(N*M), N the size of the smallest set and M the number of sets",
)
def sinter(session: Session, key: bytes, *more: bytes) -> SetOf:
    """Answer the members that all of several sets have."""
    return SetOf(list(_common(_read(session, (key, *more)))))


@command(
    "sinterstore destination key...",
    group="set",
    since="1.0.0",
    flags="write denyoom",
    keys=(at(1, "RW update"), span("RO access", start=2)),
    complexity="O(N*M), N the size of the smallest set and M the number of sets",
)
def sinterstore(session: Session, destination: bytes, key: bytes, *more: bytes) -> int:
    """Store the members that all of several sets have, and answer how many they are."""
    common = _common(_read(session, (key, *more)))
    return _store(session, destination, Set.of(common, _most(session)), "sinterstore")


@command(
    "sintercard numkeys key... [LIMIT limit]",
    group="set",
    since="7.0.0",
    flags="readonly",
    keys=counted("RO access", at=1),
    complexity="O(N*M), N the size of the smallest set and M the number of sets",
)
def sintercard(session: Session, numkeys: bytes, key: bytes, *rest: bytes) -> int:
    """Count the members that all of several sets have, up to a limit."""
    number = integer_between(numkeys, 1, MAX_INTEGER, errors.NUMKEYS_NOT_POSITIVE)
    if number > 1 + len(rest):
        raise RespError(errors.MORE_KEYS_THAN_ARGUMENTS)
    limit = 0
    words = Words(rest[number - 1 :])
    for word in words:
        if word.upper() != b"LIMIT":
            raise RespError(errors.SYNTAX)
        limit = integer_between(words.argument(), 0, MAX_INTEGER, errors.LIMIT_NEGATIVE)
    common = _common(_read(session, (key, *rest[: number - 1])))
    return sum(1 for _ in islice(common, limit or None))


def _common(sets: Sequence[Set | None]) -> Iterable[bytes]:
    """The members that are in all sets, one by one, in the order of the smallest."""
    present = sorted([members for members in sets if members is not None], key=len)
    if len(present) < len(sets):
        return ()
    smallest, *others = present
    found: Iterable[bytes] = smallest if smallest.is_table else smallest.in_order()
    for other in others:
        if other is not smallest:
            found = filter(other.__contains__, found)
    return found


# Unions


@command(
    "sunion key...",
    group="set",
    since="1.0.0",
    flags="readonly",
    keys=span("RO access"),
    tips="nondeterministic_output_order",
    complexity="O(N) in the number of members of all sets",
)
def sunion(session: Session, key: bytes, *more: bytes) -> SetOf:
    """Answer the members that any of several sets has."""
    return SetOf(_union(session, (key, *more)).in_order())


@command(
    "sunionstore destination key...",
    group="set",
    since="1.0.0",
    flags="write denyoom",
    keys=(at(1, "OW update"), span("RO access", start=2)),
    complexity="O(N) in the number of members of all sets",
)
def sunionstore(session: Session, destination: bytes, key: bytes, *more: bytes) -> int:
    """Store the members that any of several sets has, and answer how many they are."""
    return _store(session, destination, _union(session, (key, *more)), "sunionstore")


def _union(session: Session, keys: Sequence[bytes]) -> Set:
    union = Set()
    for members in _read(session, keys):
        if members is not None:
            union.update(members)
    union.is_table = not union.fits_intset(_most(session))
    return union


# Differences


@command(
    "sdiff key...",
    group="set",
    since="1.0.0",
    flags="readonly",
    keys=span("RO access"),
    tips="nondeterministic_output_order",
    complexity="O(N) in the number of members of all sets",
)
def sdiff(session: Session, key: bytes, *more: bytes) -> SetOf:
    """Answer the members of a set that none of the others has."""
    return SetOf(_difference(session, (key, *more)).in_order())


@command(
    "sdiffstore destination key...",
    group="set",
    since="1.0.0",
    flags="write denyoom",
    keys=(at(1, "OW update"), span("RO access", start=2)),
    complexity="O(N) in the number of members of all sets",
)
def sdiffstore(session: Session, destination: bytes, key: bytes, *more: bytes) -> int:
    """Store the members of a set that none of the others has, and answer how many they are."""
    return _store(session, destination, _difference(session, (key, *more)), "sdiffstore")


def _difference(session: Session, keys: Sequence[bytes]) -> Set:
    """The first set without the members of the others.

    Redis chooses between two ways, by the work they would take, and so does this: to look each member up in the other
    sets, or to take the others' members out of a copy. The copy may be a table for members that it loses.
    """
    start, *rest = _read(session, keys)
    others = [members for members in rest if members is not None]
    if start is None or any(members is start for members in others):
        return Set()
    if len(start) * (1 + len(others)) // 2 <= len(start) + sum(map(len, others)):
        found: Iterable[bytes] = start
        for other in sorted(others, key=len, reverse=True):
            found = filterfalse(other.__contains__, found)
        return Set.of(found, _most(session))
    result = Set(start)
    result.is_table = not result.fits_intset(_most(session))
    for other in others:
        for member in other:
            result.remove(member)
    return result


# What they have in common


def _read(session: Session, keys: Sequence[bytes]) -> list[Set | None]:
    return [as_set(session.db.read(key)) for key in keys]


def _most(session: Session) -> int:
    return session.engine.config.set_max_intset_entries


def _store(session: Session, destination: bytes, result: Set, event: str) -> int:
    if result:
        session.db.put(destination, result, event)
    else:
        session.db.delete_even_dead(destination)
    return len(result)
