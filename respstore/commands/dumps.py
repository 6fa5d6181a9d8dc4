"""Commands that hand values out, and take them in, in the form in which they are kept on disk.

Such a value goes from one server to another, respstore or Redis. The form is explained in `persistence/rdb/`.
"""

from typing import Final

import attrs

from respstore import errors
from respstore.engine.arguments import Words, integer
from respstore.engine.command import command
from respstore.engine.keyspecs import first
from respstore.engine.session import Session
from respstore.errors import RespError
from respstore.keyspace.usage import MOST_FREQUENT, CountedKeys, TimedKeys
from respstore.numbers import MAX_INTEGER
from respstore.persistence.rdb.dump import decode_dump, encode_dump, is_intact
from respstore.persistence.rdb.primitives import CorruptError
from respstore.protocol.replies import OK

_RESTORE: Final = (
    "key ttl:integer serialized-value [REPLACE]@3.0.0 [ABSTTL]@5.0.0 [IDLETIME seconds:integer]@5.0.0 "
    "[FREQ frequency:integer]@5.0.0"
)


@command(
    "dump key",
    group="generic",
    since="2.6.0",
    flags="readonly",
    keys=first("RO access"),
    tips="nondeterministic_output",
    complexity="O(N), N the size of the value",
)
def dump(session: Session, key: bytes) -> bytes | None:
    """Answer the value of a key in a form that RESTORE takes, of this server or of Redis."""
    value = session.db.read(key)
    return None if value is None else encode_dump(value, session.engine.config)


@command(
    f"restore {_RESTORE}",
    group="generic",
    since="2.6.0",
    flags="write denyoom",
    keys=first("OW update"),
    categories="keyspace dangerous",
    complexity="O(N), N the size of the value; O(N log(N)) for a sorted set",
)
def restore(session: Session, key: bytes, ttl: bytes, payload: bytes, *options: bytes) -> str:
    """Make a key of what DUMP answered."""
    parsed = _RestoreOptions.parse(options)
    db = session.db
    if not parsed.replaces and db.get(key) is not None:
        raise RespError(errors.BUSY_KEY)
    time = integer(ttl)
    if time < 0:
        raise RespError(errors.INVALID_TTL)
    if not is_intact(payload):
        raise RespError(errors.DUMP_NOT_INTACT)
    try:
        value = decode_dump(payload, session.engine.config)
    except CorruptError:
        raise RespError(errors.DUMP_CORRUPT) from None
    deadline = None
    if time:
        deadline = time if parsed.is_absolute else time + db.keyspace.now
        if db.is_past(deadline) or deadline > MAX_INTEGER:
            if db.delete(key):
                db.propagate(b"DEL", key)
            return OK
        absolute = () if parsed.is_absolute else (b"ABSTTL",)
        db.propagate(b"RESTORE", key, b"%d" % deadline, payload, *options, *absolute)
    db.place(key, value, deadline, "restore")
    if isinstance(db.data, TimedKeys) and parsed.idle_seconds is not None:
        db.data.set_idle_ms(key, parsed.idle_seconds * 1000)
    elif isinstance(db.data, CountedKeys) and parsed.frequency is not None:
        db.data.set_frequency(key, parsed.frequency)
    return OK


@command(
    f"restore-asking {_RESTORE}",
    group="server",
    since="3.0.0",
    flags="write denyoom asking",
    keys=first("OW update"),
    categories="keyspace dangerous",
    complexity="O(N), N the size of the value; O(N log(N)) for a sorted set",
    is_syscmd=True,
)
def restore_asking(session: Session, key: bytes, ttl: bytes, payload: bytes, *options: bytes) -> str:
    """Do what RESTORE does; nodes of a cluster send it to each other."""
    return restore(session, key, ttl, payload, *options)


@attrs.frozen
class _RestoreOptions:
    """What RESTORE is told beside the value."""

    replaces: bool = False
    is_absolute: bool = False
    idle_seconds: int | None = None
    frequency: int | None = None

    @classmethod
    def parse(cls, options: tuple[bytes, ...]) -> "_RestoreOptions":
        replaces = is_absolute = False
        idle_seconds: int | None = None
        frequency: int | None = None
        words = Words(options)
        for word in words:
            match word.upper():
                case b"REPLACE":
                    replaces = True
                case b"ABSTTL":
                    is_absolute = True
                case b"IDLETIME" if frequency is None:
                    idle_seconds = integer(words.argument())
                    if idle_seconds < 0:
                        raise RespError(errors.INVALID_IDLE_TIME)
                case b"FREQ" if idle_seconds is None:
                    frequency = integer(words.argument())
                    if not 0 <= frequency <= MOST_FREQUENT:
                        raise RespError(errors.INVALID_FREQUENCY)
                case _:
                    raise RespError(errors.SYNTAX)
        return cls(replaces, is_absolute, idle_seconds, frequency)
