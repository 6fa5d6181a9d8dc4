"""Commands on the time to live of keys: https://redis.io/docs/latest/commands/expire/

A key expires at a wall-clock time in ms, whatever unit a client thinks in. A time that is past already deletes the key.
"""

from typing import Final

from respstore import errors
from respstore.commands.strings import let_expire
from respstore.engine.arguments import deadline_ms
from respstore.engine.command import command
from respstore.engine.keyspecs import first
from respstore.engine.session import Session
from respstore.errors import RespError
from respstore.keyspace import Database

_CONDITIONS: Final = frozenset((b"NX", b"XX", b"GT", b"LT"))

# Setting


@command(
    "expire key seconds condition=[NX | XX | GT | LT]@7.0.0",
    group="generic",
    since="1.0.0",
    flags="write fast",
    keys=first("RW update"),
    complexity="O(1)",
)
def expire(session: Session, key: bytes, seconds: bytes, *conditions: bytes) -> int:
    """Let a key expire after some seconds, on condition if wanted."""
    return _expire(session.db, "expire", key, seconds, conditions, scale=1000, base=session.engine.keyspace.now)


@command(
    "pexpire key milliseconds condition=[NX | XX | GT | LT]@7.0.0",
    group="generic",
    since="2.6.0",
    flags="write fast",
    keys=first("RW update"),
    complexity="O(1)",
)
def pexpire(session: Session, key: bytes, milliseconds: bytes, *conditions: bytes) -> int:
    """Let a key expire after some milliseconds, on condition if wanted."""
    return _expire(session.db, "pexpire", key, milliseconds, conditions, scale=1, base=session.engine.keyspace.now)


@command(
    "expireat key unix-time-seconds condition=[NX | XX | GT | LT]@7.0.0",
    group="generic",
    since="1.2.0",
    flags="write fast",
    keys=first("RW update"),
    complexity="O(1)",
)
def expireat(session: Session, key: bytes, time: bytes, *conditions: bytes) -> int:
    """Let a key expire at a Unix time in seconds, on condition if wanted."""
    return _expire(session.db, "expireat", key, time, conditions, scale=1000, base=0)


@command(
    "pexpireat key unix-time-milliseconds condition=[NX | XX | GT | LT]@7.0.0",
    group="generic",
    since="2.6.0",
    flags="write fast",
    keys=first("RW update"),
    complexity="O(1)",
)
def pexpireat(session: Session, key: bytes, time: bytes, *conditions: bytes) -> int:
    """Let a key expire at a Unix time in milliseconds, on condition if wanted."""
    return _expire(session.db, "pexpireat", key, time, conditions, scale=1, base=0)


def _expire(db: Database, name: str, key: bytes, arg: bytes, words: tuple[bytes, ...], *, scale: int, base: int) -> int:
    conditions = _read_conditions(words)
    deadline = deadline_ms(arg, name, scale, base)
    if db.get(key) is None or (conditions and not _holds(conditions, db.deadline(key), deadline)):
        return 0
    let_expire(db, key, deadline, *words)
    return 1


def _read_conditions(words: tuple[bytes, ...]) -> set[bytes]:
    conditions = {word.upper() for word in words}
    if unknown := conditions - _CONDITIONS:
        raise errors.unsupported_expire_option(next(word for word in words if word.upper() in unknown))
    if b"NX" in conditions and len(conditions) > 1:
        raise RespError(errors.EXPIRE_NX_AND_OTHERS)
    if conditions >= {b"GT", b"LT"}:
        raise RespError(errors.EXPIRE_GT_AND_LT)
    return conditions


def _holds(conditions: set[bytes], current: int | None, deadline: int) -> bool:
    """Whether the conditions let a new deadline take the place of the current one; to have none is to live for ever."""
    if current is None:
        return b"XX" not in conditions and b"GT" not in conditions
    return (
        b"NX" not in conditions
        and (b"GT" not in conditions or deadline > current)
        and (b"LT" not in conditions or deadline < current)
    )


@command("persist key", group="generic", since="2.2.0", flags="write fast", keys=first("RW update"), complexity="O(1)")
def persist(session: Session, key: bytes) -> int:
    """Let a key live for ever."""
    db = session.db
    return int(db.get(key) is not None and db.persist(key))


# Asking


@command(
    "ttl key",
    group="generic",
    since="1.0.0",
    flags="readonly fast",
    keys=first("RO access"),
    tips="nondeterministic_output",
    complexity="O(1)",
)
def ttl(session: Session, key: bytes) -> int:
    """Tell after how many seconds a key expires: -1 if it does not, -2 if there is none."""
    return _rounded(pttl(session, key))


@command(
    "pttl key",
    group="generic",
    since="2.6.0",
    flags="readonly fast",
    keys=first("RO access"),
    tips="nondeterministic_output",
    complexity="O(1)",
)
def pttl(session: Session, key: bytes) -> int:
    """Tell after how many milliseconds a key expires: -1 if it does not, -2 if there is none."""
    deadline = pexpiretime(session, key)
    return deadline if deadline < 0 else deadline - session.engine.keyspace.now


@command(
    "expiretime key",
    group="generic",
    since="7.0.0",
    flags="readonly fast",
    keys=first("RO access"),
    complexity="O(1)",
)
def expiretime(session: Session, key: bytes) -> int:
    """Tell the Unix time in seconds at which a key expires: -1 if it does not, -2 if there is none."""
    return _rounded(pexpiretime(session, key))


@command(
    "pexpiretime key",
    group="generic",
    since="7.0.0",
    flags="readonly fast",
    keys=first("RO access"),
    complexity="O(1)",
)
def pexpiretime(session: Session, key: bytes) -> int:
    """Tell the Unix time in milliseconds at which a key expires: -1 if it does not, -2 if there is none."""
    db = session.db
    if db.look(key) is None:
        return -2
    deadline = db.deadline(key)
    return -1 if deadline is None else deadline


def _rounded(ms: int) -> int:
    """Milliseconds as seconds, to the nearest; what is negative says something else and stays."""
    return ms if ms < 0 else (ms + 500) // 1000
