"""Commands on strings: https://redis.io/docs/latest/commands/?group=string

The model of a command family. A handler reads top down: look the key up, check the type, check the arguments in the
order in which Redis does (it decides which error a client sees), change the value, tell the database, return the reply.
What it does that depends on chance or on time it also says so that it can be done again (`Database.propagate`), as SET
does where it sets a time to live.
"""

from collections.abc import Sequence
from typing import Final

from respstore import errors
from respstore.engine.arguments import Words, deadline_ms, integer, long_double
from respstore.engine.command import command
from respstore.engine.keyspecs import FoundKey, first, span
from respstore.engine.session import Session
from respstore.errors import RespError
from respstore.keyspace import Database, Value
from respstore.keyspace.lcs import longest_common_subsequence
from respstore.numbers import MAX_INTEGER, MIN_INTEGER, format_long_double, parse_integer
from respstore.protocol.replies import OK


def as_string(value: Value | None) -> bytes | None:
    """The bytes of a looked-up value, None if there is none.

    Raises:
        RespError: it is no string.
    """
    if value is None or type(value) is bytes:
        return value
    if type(value) is bytearray:
        return bytes(value)
    if type(value) is int:
        return b"%d" % value
    raise RespError(errors.WRONG_TYPE)


def string_view(value: Value | None) -> bytes | bytearray | None:
    """As `as_string`, but without a copy of what may be long: to be read at once, not to be kept."""
    return value if type(value) is bytearray else as_string(value)


def is_string(value: Value | None) -> bool:
    """Whether a looked-up value is a string."""
    return isinstance(value, bytes | bytearray | int)


def mutable_string(value: Value | None) -> bytearray | None:
    """A looked-up string to be changed in place: itself if it is "raw" already, else a raw copy."""
    if type(value) is bytearray:
        return value
    plain = as_string(value)
    return None if plain is None else bytearray(plain)


def check_length(session: Session, length: int) -> None:
    """Refuse to make a string longer than a client may send one."""
    if length > session.engine.config.proto_max_bulk_len:
        raise RespError(errors.STRING_TOO_LONG)


# Reading


@command("get key", group="string", since="1.0.0", flags="readonly fast", keys=first("RO access"), complexity="O(1)")
def get(session: Session, key: bytes) -> bytes | None:
    """Answer the string that a key holds."""
    db = session.db
    if not db.expires:  # db.read() without the call, which would be a tenth of a pipelined GET
        value = db.data.get(key)
        if type(value) is bytes:
            db.hits += 1
            return value
    return as_string(db.read(key))


@command(
    "mget key...",
    group="string",
    since="1.0.0",
    flags="readonly fast",
    keys=span("RO access"),
    tips="request_policy:multi_shard",
    complexity="O(N) in the number of keys",
)
def mget(session: Session, key: bytes, *keys: bytes) -> list[bytes | None]:
    """Answer the strings that several keys hold, null for those that hold none."""
    read = session.db.read
    values = [read(key) for key in (key, *keys)]
    return [value if type(value) is bytes else as_string(value) if is_string(value) else None for value in values]


@command("strlen key", group="string", since="2.2.0", flags="readonly fast", keys=first("RO"), complexity="O(1)")
def strlen(session: Session, key: bytes) -> int:
    """Answer the length of a string in bytes."""
    return len(string_view(session.db.read(key)) or b"")


@command(
    "getrange key start:integer end:integer",
    group="string",
    since="2.4.0",
    flags="readonly",
    keys=first("RO access"),
    complexity="O(N) in the number of bytes returned",
)
def getrange(session: Session, key: bytes, start: bytes, end: bytes) -> bytes:
    """Answer a part of a string; negative offsets count from its end."""
    low, high = integer(start), integer(end)
    value = string_view(session.db.read(key))
    if not value or (low < 0 and high < 0 and low > high):
        return b""
    length = len(value)
    low = max(low + length, 0) if low < 0 else low
    high = max(high + length, 0) if high < 0 else high
    return bytes(value[low : high + 1])


@command(
    "substr key start:integer end:integer",
    group="string",
    since="1.0.0",
    flags="readonly",
    keys=first("RO access"),
    complexity="O(N) in the number of bytes returned",
    deprecated_since="2.0.0",
    replaced_by="`GETRANGE`",
)
def substr(session: Session, key: bytes, start: bytes, end: bytes) -> bytes:
    """Answer a part of a string, as GETRANGE does."""
    return getrange(session, key, start, end)


@command(
    "lcs key1 key2#0 [LEN] [IDX] [MINMATCHLEN len] [WITHMATCHLEN]",
    group="string",
    since="7.0.0",
    flags="readonly",
    keys=span("RO access", last=1),
    complexity="O(N*M) in the lengths of the strings",
)
def lcs(session: Session, key1: bytes, key2: bytes, *options: bytes) -> bytes | int | dict[bytes, object]:
    """Find the longest common subsequence of two strings."""
    values = session.db.read(key1), session.db.read(key2)
    try:
        a, b = (as_string(value) or b"" for value in values)
    except RespError:
        raise RespError(errors.LCS_NOT_STRINGS) from None
    want_length = want_matches = with_length = False
    minimum = 0
    words = Words(options)
    for word in words:
        match word.upper():
            case b"LEN":
                want_length = True
            case b"IDX":
                want_matches = True
            case b"WITHMATCHLEN":
                with_length = True
            case b"MINMATCHLEN":
                minimum = max(integer(words.argument()), 0)
            case _:
                raise RespError(errors.SYNTAX)
    if want_length and want_matches:
        raise RespError(errors.LCS_LEN_AND_IDX)
    if (len(a) + 1) * (len(b) + 1) * 4 > session.engine.config.proto_max_bulk_len:
        raise RespError(errors.LCS_TOO_LARGE)
    common, matches = longest_common_subsequence(a, b)
    if want_length:
        return len(common)
    if not want_matches:
        return common
    rows: list[list[object]] = []
    for match in matches:
        length = match.a_end - match.a_start + 1
        if length >= minimum:
            row: list[object] = [[match.a_start, match.a_end], [match.b_start, match.b_end]]
            rows.append([*row, length] if with_length else row)
    return {b"matches": rows, b"len": len(common)}


# Setting


_UNITS: Final = {b"EX": 1000, b"PX": 1, b"EXAT": 1000, b"PXAT": 1}
_SET_EXPIRATIONS: Final = frozenset((*_UNITS, b"KEEPTTL"))
_GETEX_EXPIRATIONS: Final = frozenset((*_UNITS, b"PERSIST"))


def deadline_of(session: Session, name: str, arg: bytes, unit: bytes) -> int:
    """The wall-clock time in ms that an expiry argument means.

    Args:
        session: whose clock counts.
        name: of the command, for its error.
        arg: a number of seconds or ms, from now or since 1970.
        unit: EX, PX, EXAT or PXAT.

    Raises:
        RespError: no integer, not positive, or beyond 64 bits.
    """
    base = 0 if unit.endswith(b"AT") else session.engine.keyspace.now
    deadline = deadline_ms(arg, name, _UNITS[unit], base)
    if deadline <= base:
        raise errors.invalid_expire(name)
    return deadline


def keys_of_set(request: Sequence[bytes]) -> list[FoundKey]:
    """The key of a SET, which is read only where the old value is asked for."""
    reads = any(word.upper() == b"GET" for word in request[3:])
    return [FoundKey(1, frozenset(("RW", "access", "update") if reads else ("OW", "update")))]


@command(
    "set key value condition=[NX | XX]@2.6.12 [GET]@6.2.0 expiration=[EX seconds@2.6.12 | PX milliseconds@2.6.12"
    " | EXAT unix-time-seconds@6.2.0 | PXAT unix-time-milliseconds@6.2.0 | KEEPTTL@6.0.0]",
    group="string",
    since="1.0.0",
    flags="write denyoom",
    keys=first("RW access update variable_flags"),
    key_finder=keys_of_set,
    complexity="O(1)",
)
def set_(session: Session, key: bytes, value: bytes, *options: bytes) -> bytes | str | None:
    """Set a key to a string, whatever it held before; on condition, or with a time to live."""
    if not options:
        session.db.put(key, value, "set")
        return OK
    return _set(session, key, value, options)


def _set(session: Session, key: bytes, value: bytes, options: tuple[bytes, ...]) -> bytes | str | None:
    condition = expiration = amount = b""
    want_old = False
    words = Words(options)
    for word in words:
        option = word.upper()
        if option in (b"NX", b"XX") and condition in (b"", option):
            condition = option
        elif option == b"GET":
            want_old = True
        elif option in _SET_EXPIRATIONS and expiration in (b"", option):  # again the same: the last one counts
            expiration = option
            if option in _UNITS:
                amount = words.argument()
        else:
            raise RespError(errors.SYNTAX)
    deadline = deadline_of(session, "set", amount, expiration) if expiration in _UNITS else None
    db = session.db
    current = db.read(key) if want_old else db.get(key)
    reply: bytes | str | None = as_string(current) if want_old else OK
    if condition and (condition == b"XX") != (current is not None):
        return reply if want_old else None
    if deadline is not None:
        _put_expiring(db, key, value, deadline)
        return reply
    if expiration:
        db.replace(key, value, "set")
    else:
        db.put(key, value, "set")
    db.propagate(b"SET", key, value, *filter(None, (condition, expiration)))
    return reply


@command(
    "setnx key value",
    group="string",
    since="1.0.0",
    flags="write denyoom fast",
    keys=first("OW insert"),
    complexity="O(1)",
)
def setnx(session: Session, key: bytes, value: bytes) -> int:
    """Set a key to a string unless it exists."""
    if session.db.get(key) is not None:
        return 0
    session.db.put(key, value, "set")
    return 1


@command(
    "setex key seconds value",
    group="string",
    since="2.0.0",
    flags="write denyoom",
    keys=first("OW update"),
    complexity="O(1)",
)
def setex(session: Session, key: bytes, seconds: bytes, value: bytes) -> str:
    """Set a key to a string that expires after some seconds."""
    _put_expiring(session.db, key, value, deadline_of(session, "setex", seconds, b"EX"))
    return OK


@command(
    "psetex key milliseconds value",
    group="string",
    since="2.6.0",
    flags="write denyoom",
    keys=first("OW update"),
    complexity="O(1)",
)
def psetex(session: Session, key: bytes, milliseconds: bytes, value: bytes) -> str:
    """Set a key to a string that expires after some milliseconds."""
    _put_expiring(session.db, key, value, deadline_of(session, "psetex", milliseconds, b"PX"))
    return OK


def _put_expiring(db: Database, key: bytes, value: bytes, deadline: int) -> None:
    """Set a key that expires. If its time is past already it is there all the same, until somebody looks at it."""
    db.put(key, value, "set")
    db.set_deadline(key, deadline)
    db.changed(key, "expire")
    db.propagate(b"SET", key, value, b"PXAT", b"%d" % deadline)


@command(
    "getset key value",
    group="string",
    since="1.0.0",
    flags="write denyoom fast",
    keys=first("RW access update"),
    complexity="O(1)",
    deprecated_since="6.2.0",
    replaced_by="`SET` with the `!GET` argument",
)
def getset(session: Session, key: bytes, value: bytes) -> bytes | None:
    """Set a key to a string and answer what it held before."""
    old = as_string(session.db.read(key))
    session.db.put(key, value, "set")
    session.db.propagate(b"SET", key, value)
    return old


@command(
    "getdel key",
    group="string",
    since="6.2.0",
    flags="write fast",
    keys=first("RW access delete"),
    complexity="O(1)",
)
def getdel(session: Session, key: bytes) -> bytes | None:
    """Answer the string that a key holds, and delete the key."""
    db = session.db
    value = as_string(db.read(key))
    if db.delete(key):
        db.propagate(b"DEL", key)
    return value


@command(
    "getex key expiration=[EX seconds | PX milliseconds | EXAT unix-time-seconds"
    " | PXAT unix-time-milliseconds | PERSIST]",
    group="string",
    since="6.2.0",
    flags="write fast",
    keys=first("RW access update"),
    complexity="O(1)",
)
def getex(session: Session, key: bytes, *options: bytes) -> bytes | None:
    """Answer the string that a key holds, and set or end its time to live."""
    expiration = amount = b""
    words = Words(options)
    for word in words:
        option = word.upper()
        if option not in _GETEX_EXPIRATIONS or expiration not in (b"", option):
            raise RespError(errors.SYNTAX)
        expiration = option
        if option in _UNITS:
            amount = words.argument()
    db = session.db
    value = as_string(db.read(key))
    if value is None:
        return None
    if expiration in _UNITS:
        let_expire(db, key, deadline_of(session, "getex", amount, expiration))
    elif expiration and db.persist(key):
        db.propagate(b"PERSIST", key)
    return value


def let_expire(db: Database, key: bytes, deadline: int, *conditions: bytes) -> None:
    """Let an existing key expire at a wall-clock time in ms, at once if that is past, as `conditions` allowed it."""
    if db.expire_at(key, deadline):
        db.propagate(b"PEXPIREAT", key, b"%d" % deadline, *conditions)
    else:
        db.propagate(b"DEL", key)


@command(
    "mset (key value)...",
    group="string",
    since="1.0.1",
    flags="write denyoom",
    keys=span("OW update", step=2),
    tips="request_policy:multi_shard response_policy:all_succeeded",
    complexity="O(N) in the number of keys",
)
def mset(session: Session, key: bytes, value: bytes, *more: bytes) -> str:
    """Set several keys to strings, all at once."""
    if len(more) % 2:
        raise errors.wrong_arity("mset")
    session.db.put_several((key, value, *more), "set")
    return OK


@command(
    "msetnx (key value)...",
    group="string",
    since="1.0.1",
    flags="write denyoom",
    keys=span("OW insert", step=2),
    tips="request_policy:multi_shard response_policy:agg_min",
    complexity="O(N) in the number of keys",
)
def msetnx(session: Session, key: bytes, value: bytes, *more: bytes) -> int:
    """Set several keys to strings, all or, if one of them exists, none."""
    if len(more) % 2:
        raise errors.wrong_arity("msetnx")
    if any(session.db.get(name) is not None for name in (key, *more[::2])):
        return 0
    mset(session, key, value, *more)
    return 1


# Changing


@command(
    "append key value",
    group="string",
    since="2.0.0",
    flags="write denyoom fast",
    keys=first("RW insert"),
    complexity="O(1), amortized, for short values",
)
def append(session: Session, key: bytes, value: bytes) -> int:
    """Append to a string, made if it does not exist."""
    db = session.db
    text = mutable_string(db.get(key))
    if text is None:
        db.replace(key, value, "append")
        return len(value)
    check_length(session, len(text) + len(value))
    text += value
    db.replace(key, text, "append")
    return len(text)


@command(
    "setrange key offset value",
    group="string",
    since="2.2.0",
    flags="write denyoom",
    keys=first("RW update"),
    complexity="O(1) for short values",
)
def setrange(session: Session, key: bytes, offset: bytes, value: bytes) -> int:
    """Overwrite a part of a string, made or filled up with zero bytes as needed."""
    start = integer(offset)
    if start < 0:
        raise RespError(errors.OFFSET_OUT_OF_RANGE)
    db = session.db
    text = mutable_string(db.get(key))
    if not value:
        return len(text or b"")
    check_length(session, start + len(value))
    if not text:
        text = bytearray(start)
    elif len(text) < start:
        text += bytes(start - len(text))
    text[start : start + len(value)] = value
    db.replace(key, text, "setrange")
    return len(text)


@command(
    "incr key",
    group="string",
    since="1.0.0",
    flags="write denyoom fast",
    keys=first("RW access update"),
    complexity="O(1)",
)
def incr(session: Session, key: bytes) -> int:
    """Add one to an integer; a missing key counts as 0."""
    return _increment(session.db, key, 1)


@command(
    "decr key",
    group="string",
    since="1.0.0",
    flags="write denyoom fast",
    keys=first("RW access update"),
    complexity="O(1)",
)
def decr(session: Session, key: bytes) -> int:
    """Subtract one from an integer; a missing key counts as 0."""
    return _increment(session.db, key, -1)


@command(
    "incrby key increment:integer",
    group="string",
    since="1.0.0",
    flags="write denyoom fast",
    keys=first("RW access update"),
    complexity="O(1)",
)
def incrby(session: Session, key: bytes, increment: bytes) -> int:
    """Add to an integer; a missing key counts as 0."""
    return _increment(session.db, key, integer(increment))


@command(
    "decrby key decrement",
    group="string",
    since="1.0.0",
    flags="write denyoom fast",
    keys=first("RW access update"),
    complexity="O(1)",
)
def decrby(session: Session, key: bytes, decrement: bytes) -> int:
    """Subtract from an integer; a missing key counts as 0."""
    amount = integer(decrement)
    if amount == MIN_INTEGER:
        raise RespError(errors.DECREMENT_OVERFLOW)
    return _increment(session.db, key, -amount)


def _increment(db: Database, key: bytes, amount: int) -> int:
    value = db.get(key) if db.expires else db.data.get(key)  # without the call, as in GET
    if type(value) is not int:
        text = as_string(value)
        value = 0 if text is None else parse_integer(text)
        if value is None:
            raise RespError(errors.NOT_AN_INTEGER)
    number = value + amount
    if not MIN_INTEGER <= number <= MAX_INTEGER:
        raise RespError(errors.INCREMENT_OVERFLOW)
    db.replace(key, number, "incrby")
    return number


@command(
    "incrbyfloat key increment:double",
    group="string",
    since="2.6.0",
    flags="write denyoom fast",
    keys=first("RW access update"),
    complexity="O(1)",
)
def incrbyfloat(session: Session, key: bytes, increment: bytes) -> bytes:
    """Add a decimal number to a string that holds one; a missing key counts as 0."""
    text = as_string(session.db.get(key))
    number = long_double(b"0" if text is None else text) + long_double(increment)
    if not number.finite:
        raise RespError(errors.NAN_OR_INFINITY)
    total = format_long_double(number)
    session.db.replace(key, total, "incrbyfloat")
    session.db.propagate(b"SET", key, total, b"KEEPTTL")
    return total
