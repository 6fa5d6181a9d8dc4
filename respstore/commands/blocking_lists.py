"""Commands on lists that wait until there is something to take: https://redis.io/docs/latest/commands/blpop/

How they wait is told in engine/blocking.py.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

from respstore.commands.lists import LEFT, RIGHT, end_of, move, take, take_several
from respstore.engine.arguments import pop_from_several
from respstore.engine.blocking import take_or_wait
from respstore.engine.command import command
from respstore.engine.keyspecs import at, counted, first, span
from respstore.engine.session import Session
from respstore.keyspace import List
from respstore.keyspace.list import LongList
from respstore.protocol.replies import NULL_ARRAY

LISTS: Final[tuple[type[List], ...]] = (deque, LongList)


@command(
    "blpop key... timeout:double",
    group="list",
    since="2.0.0",
    flags="write noscript blocking",
    keys=span("RW access delete", last=-2),
    complexity="O(N) in the number of keys",
)
def blpop(session: Session, key: bytes, key_or_timeout: bytes, *more: bytes) -> Any:
    """Take the first element of the first of several lists that exists; wait for one if none does."""
    return _pop(session, (key, key_or_timeout, *more), LEFT)


@command(
    "brpop key... timeout:double",
    group="list",
    since="2.0.0",
    flags="write noscript blocking",
    keys=span("RW access delete", last=-2),
    complexity="O(N) in the number of keys",
)
def brpop(session: Session, key: bytes, key_or_timeout: bytes, *more: bytes) -> Any:
    """Take the last element of the first of several lists that exists; wait for one if none does."""
    return _pop(session, (key, key_or_timeout, *more), RIGHT)


def _pop(session: Session, args: Sequence[bytes], end: bytes) -> Any:
    *keys, timeout = args
    db = session.db

    def take_from(key: bytes, value: List) -> list[bytes]:
        db.propagate(b"LPOP" if end == LEFT else b"RPOP", key)
        return [key, *take(db, key, value, end, 1)]

    return _take(session, keys, timeout, take_from)


def _take(
    session: Session,
    keys: Sequence[bytes],
    timeout: bytes,
    take_from: Callable[[bytes, List], Any],
    if_denied: Any = NULL_ARRAY,
) -> Any:
    # Items of which torch clients were told are theirs: they waited longer.
    promised = session.engine.waiting.promised
    return take_or_wait(session.db, LISTS, keys, timeout, take_from, if_denied=if_denied, promised=promised)


@command(
    "blmpop timeout:double numkeys key... where=(LEFT | RIGHT) [COUNT count]",
    group="list",
    since="7.0.0",
    flags="write blocking",
    keys=counted("RW access delete", at=2),
    complexity="O(N+M) in the numbers of keys and of elements returned",
)
def blmpop(session: Session, timeout: bytes, numkeys: bytes, key: bytes, where: bytes, *options: bytes) -> Any:
    """Take elements from the first of several lists that exists; wait for one if none does."""
    keys, end, count = pop_from_several((numkeys, key, where, *options), (LEFT, RIGHT))
    db = session.db
    return _take(session, keys, timeout, lambda name, value: take_several(db, name, value, end, count))


@command(
    "blmove source destination wherefrom=(LEFT | RIGHT) whereto=(LEFT | RIGHT) timeout:double",
    group="list",
    since="6.2.0",
    flags="write denyoom noscript blocking",
    keys=(first("RW access delete"), at(2, "RW insert")),
    complexity="O(1)",
)
def blmove(
    session: Session, source: bytes, destination: bytes, wherefrom: bytes, whereto: bytes, timeout: bytes
) -> Any:
    """Take an element from an end of a list, wait for the list if need be, and put it to an end of another."""
    ends = end_of(wherefrom), end_of(whereto)
    return _move(session, source, destination, ends, timeout, (b"LMOVE", source, destination, *ends))


@command(
    "brpoplpush source destination timeout:double",
    group="list",
    since="2.2.0",
    flags="write denyoom noscript blocking",
    keys=(first("RW access delete"), at(2, "RW insert")),
    complexity="O(1)",
    deprecated_since="6.2.0",
    replaced_by="`BLMOVE` with the `RIGHT` and `LEFT` arguments",
)
def brpoplpush(session: Session, source: bytes, destination: bytes, timeout: bytes) -> Any:
    """Take the last element of a list, wait for the list if need be, and put it before the first of another."""
    return _move(session, source, destination, (RIGHT, LEFT), timeout, (b"RPOPLPUSH", source, destination))


def _move(
    session: Session,
    source: bytes,
    destination: bytes,
    ends: tuple[bytes, bytes],
    timeout: bytes,
    effect: tuple[bytes, ...],
) -> Any:
    # What the destination holds matters only once there is something to move: a parked client may get a WRONGTYPE.
    db = session.db

    def move_from(key: bytes, value: List) -> bytes | None:
        element = move(db, key, destination, *ends)
        db.propagate(*effect)
        return element

    return _take(session, (source,), timeout, move_from, if_denied=None)
