"""Commands on sorted sets that wait until there is something to take: https://redis.io/docs/latest/commands/bzpopmin/

How they wait is told in engine/blocking.py.
"""

from collections.abc import Sequence
from typing import Any

from respstore.commands.sorted_sets import MAX, MIN, take_one, take_several
from respstore.engine.arguments import pop_from_several
from respstore.engine.blocking import take_or_wait
from respstore.engine.command import command
from respstore.engine.keyspecs import counted, span
from respstore.engine.session import Session
from respstore.keyspace import Database, SortedSet


@command(
    "bzpopmin key... timeout:double",
    group="sorted-set",
    since="5.0.0",
    flags="write noscript blocking fast",
    keys=span("RW access delete", last=-2),
    complexity="O(log(N))",
)
def bzpopmin(session: Session, key: bytes, key_or_timeout: bytes, *more: bytes) -> Any:
    """Take the member with the lowest score of the first of several sorted sets that exists; wait if none does."""
    return _pop(session.db, (key, key_or_timeout, *more), MIN)


@command(
    "bzpopmax key... timeout:double",
    group="sorted-set",
    since="5.0.0",
    flags="write noscript blocking fast",
    keys=span("RW access delete", last=-2),
    complexity="O(log(N))",
)
def bzpopmax(session: Session, key: bytes, key_or_timeout: bytes, *more: bytes) -> Any:
    """Take the member with the highest score of the first of several sorted sets that exists; wait if none does."""
    return _pop(session.db, (key, key_or_timeout, *more), MAX)


def _pop(db: Database, args: Sequence[bytes], end: bytes) -> Any:
    *keys, timeout = args

    def answer(key: bytes, value: SortedSet) -> list[bytes | float]:
        db.propagate(b"ZPOPMIN" if end == MIN else b"ZPOPMAX", key)
        return [key, *take_one(db, key, value, end)]

    return take_or_wait(db, SortedSet, keys, timeout, answer)


@command(
    "bzmpop timeout:double numkeys key... where=(MIN | MAX) [COUNT count]",
    group="sorted-set",
    since="7.0.0",
    flags="write blocking",
    keys=counted("RW access delete", at=2),
    complexity="O(K)+O(M*log(N)), K the number of keys and M that of members taken",
)
def bzmpop(session: Session, timeout: bytes, numkeys: bytes, key: bytes, where: bytes, *options: bytes) -> Any:
    """Take members from an end of the first of several sorted sets that exists; wait for one if none does."""
    keys, end, count = pop_from_several((numkeys, key, where, *options), (MIN, MAX))
    db = session.db
    return take_or_wait(db, SortedSet, keys, timeout, lambda name, value: take_several(db, name, value, end, count))
