"""Commands on a set: https://redis.io/docs/latest/commands/?group=set

Those that combine several sets stand in `set_operations.py`.

What must stay true: members come through `Set.add` and go through `Set.remove` or `Set.take_one`, and who removed some
calls `Database.shrunk`, which deletes a set that became empty.
"""

from typing import Final

from respstore import errors
from respstore.engine.arguments import cursor, draw_count, integer_between, repeated_draws, scan_options
from respstore.engine.command import command
from respstore.engine.keyspecs import at, first
from respstore.engine.session import Session
from respstore.errors import RespError
from respstore.keyspace import Set, Value
from respstore.numbers import MAX_INTEGER
from respstore.protocol.replies import SetOf

REMAINDER_MOVED: Final = 5
"""SPOP makes a new set of what is left if it takes at least so many times as many members."""


def as_set(value: Value | None) -> Set | None:
    """A looked-up value as a set, None if there is none.

    Raises:
        RespError: it is no set.
    """
    if value is None or type(value) is Set:
        return value
    raise RespError(errors.WRONG_TYPE)


# Changing


@command(
    "sadd key member...",
    group="set",
    since="1.0.0",
    flags="write denyoom fast",
    keys=first("RW insert"),
    complexity="O(1) per member",
)
def sadd(session: Session, key: bytes, member: bytes, *more: bytes) -> int:
    """Put members into a set and answer how many are new; make the set if there is none."""
    db = session.db
    value = db.get(key)
    if type(value) is Set:
        if not more and member in value:
            return 0
        added = value.add((member, *more), session.engine.config.set_max_intset_entries)
        if added:
            db.changed(key, "sadd")
        return added
    as_set(value)
    value = Set.of((member, *more), session.engine.config.set_max_intset_entries)
    db.put(key, value, "sadd")
    return len(value)


@command(
    "srem key member...",
    group="set",
    since="1.0.0",
    flags="write fast",
    keys=first("RW delete"),
    complexity="O(1) per member",
)
def srem(session: Session, key: bytes, member: bytes, *more: bytes) -> int:
    """Take members out of a set and answer how many were there."""
    db = session.db
    value = as_set(db.get(key))
    if value is None:
        return 0
    removed = sum([value.remove(name) for name in (member, *more)])
    if removed:
        db.shrunk(key, value, "srem")
    return removed


@command(
    "smove source destination member",
    group="set",
    since="1.0.0",
    flags="write fast",
    keys=(first("RW access delete"), at(2, "RW insert")),
    complexity="O(1)",
)
def smove(session: Session, source: bytes, destination: bytes, member: bytes) -> int:
    """Take a member out of a set and put it into another, which is made if there is none."""
    db = session.db
    value = as_set(db.get(source))
    if value is None:
        return 0
    target = as_set(db.get(destination))
    if target is value:
        return int(member in value)
    if not value.remove(member):
        return 0
    db.shrunk(source, value, "srem")
    sadd(session, destination, member)
    return 1


@command(
    "spop key [count]@3.2.0",
    group="set",
    since="1.0.0",
    flags="write fast",
    keys=first("RW access delete"),
    tips="nondeterministic_output",
    complexity="O(N) in the number of members returned",
)
def spop(session: Session, key: bytes, count: bytes | None = None, *excess: bytes) -> bytes | SetOf | None:
    """Draw members of a set, each equally likely, and take them out."""
    if count is not None:
        return _pop_several(session, key, count, excess)
    db = session.db
    value = as_set(db.get(key))
    if value is None:
        return None
    member = value.take_one(session.engine.random)
    db.shrunk(key, value, "spop")
    if db.propagates:
        db.propagate(b"SREM", key, member)
    return member


def _pop_several(session: Session, key: bytes, count: bytes, excess: tuple[bytes, ...]) -> SetOf:
    if excess:
        raise RespError(errors.SYNTAX)
    number = integer_between(count, 0, MAX_INTEGER, errors.NOT_POSITIVE)
    db = session.db
    value = as_set(db.get(key))
    if value is None or not number:
        return SetOf(())
    most = session.engine.config.set_max_intset_entries
    if number >= len(value):
        members = Set.of(value, most).in_order()
        value.clear()
    else:
        members = value.sample(number, session.engine.random)
        for member in members:
            value.remove(member)
        # Where little is left, Redis puts that into a new set, which may be an intset again.
        if REMAINDER_MOVED * len(value) <= number:
            value.is_table = not value.fits_intset(most)
    db.shrunk(key, value, "spop")
    if db.propagates:
        db.propagate(*((b"SREM", key, *members) if value else (b"DEL", key)))
    return SetOf(members)


# Looking


@command("scard key", group="set", since="1.0.0", flags="readonly fast", keys=first("RO"), complexity="O(1)")
def scard(session: Session, key: bytes) -> int:
    """Answer the number of members of a set, 0 if there is none."""
    return len(as_set(session.db.read(key)) or ())


@command("sismember key member", group="set", since="1.0.0", flags="readonly fast", keys=first("RO"), complexity="O(1)")
def sismember(session: Session, key: bytes, member: bytes) -> int:
    """Tell whether a set has a member."""
    return int(member in (as_set(session.db.read(key)) or ()))


@command(
    "smismember key member...",
    group="set",
    since="6.2.0",
    flags="readonly fast",
    keys=first("RO access"),
    complexity="O(1) per member",
)
def smismember(session: Session, key: bytes, member: bytes, *more: bytes) -> list[int]:
    """Tell which of several members a set has."""
    value = as_set(session.db.read(key)) or ()
    return [int(name in value) for name in (member, *more)]


@command(
    "smembers key",
    group="set",
    since="1.0.0",
    flags="readonly",
    keys=first("RO access"),
    tips="nondeterministic_output_order",
    complexity="O(N) in the number of members",
)
def smembers(session: Session, key: bytes) -> SetOf:
    """Answer all members of a set."""
    value = as_set(session.db.read(key))
    return SetOf(() if value is None else value.in_order())


@command(
    "sscan key cursor [MATCH pattern] [COUNT count]",
    group="set",
    since="2.8.0",
    flags="readonly",
    keys=first("RO access"),
    tips="nondeterministic_output",
    complexity="O(COUNT) for each call, O(N) in the number of members for a whole scan",
)
def sscan(session: Session, key: bytes, cursor_: bytes, *options: bytes) -> list[bytes | list[bytes]]:
    """List the members of a set, a part with each call."""
    position = cursor(cursor_)
    value = as_set(session.db.read(key))
    if value is None:
        return [b"0", []]
    wanted = scan_options(options)
    position, members = value.scan(position, wanted.count)
    if wanted.matches is not None:
        members = list(filter(wanted.matches, members))
    return [b"%d" % position, members]


@command(
    "srandmember key [count]@2.6.0",
    group="set",
    since="1.0.0",
    flags="readonly",
    keys=first("RO access"),
    tips="nondeterministic_output",
    complexity="O(N) in the number of members returned",
)
def srandmember(session: Session, key: bytes, count: bytes | None = None, *excess: bytes) -> bytes | list[bytes] | None:
    """Draw members of a set, each equally likely: different ones, or with a negative count each time from all."""
    random = session.engine.random
    if count is None:
        value = as_set(session.db.read(key))
        return None if value is None else value.draw(random)
    if excess:
        raise RespError(errors.SYNTAX)
    number = draw_count(count)
    value = as_set(session.db.read(key))
    if value is None:
        return []
    return value.sample(number, random) if number >= 0 else value.draw_several(repeated_draws(number), random)
