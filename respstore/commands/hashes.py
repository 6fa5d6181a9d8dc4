"""Commands on hashes: https://redis.io/docs/latest/commands/?group=hash

What must stay true: fields come through `Hash.put` and go through `Hash.remove`, and who removed some calls
`Database.shrunk`, which deletes a hash that became empty.
"""

from collections.abc import Sequence

from respstore import errors
from respstore.engine.arguments import cursor, draw_count, integer, long_double, repeated_draws, scan_options
from respstore.engine.command import command
from respstore.engine.keyspecs import first
from respstore.engine.session import Session
from respstore.errors import RespError
from respstore.keyspace import Hash, Value
from respstore.numbers import MAX_INTEGER, MIN_INTEGER, format_long_double, parse_integer
from respstore.protocol.replies import OK, Pairs, TextMap


def as_hash(value: Value | None) -> Hash | None:
    """A looked-up value as a hash, None if there is none.

    Raises:
        RespError: it is no hash.
    """
    if value is None or type(value) is Hash:
        return value
    raise RespError(errors.WRONG_TYPE)


# Setting


@command(
    "hset key field_value=(field value)...",
    group="hash",
    since="2.0.0",
    flags="write denyoom fast",
    keys=first("RW update"),
    complexity="O(1) per field",
)
def hset(session: Session, key: bytes, field: bytes, value: bytes, *more: bytes) -> int:
    """Give fields of a hash values and answer how many are new; make the hash if there is none."""
    if not more:
        return _set_one(session, key, field, value, "hset")
    if len(more) & 1:
        raise errors.wrong_arity("hset")
    return _set(session, key, (field, value, *more))


@command(
    "hmset key field_value=(field value)...",
    group="hash",
    since="2.0.0",
    flags="write denyoom fast",
    keys=first("RW update"),
    complexity="O(1) per field",
    deprecated_since="4.0.0",
    replaced_by="`HSET` with multiple field-value pairs",
)
def hmset(session: Session, key: bytes, field: bytes, value: bytes, *more: bytes) -> str:
    """Give fields of a hash values; make the hash if there is none."""
    if len(more) & 1:
        raise errors.wrong_arity("hmset")
    _set(session, key, (field, value, *more))
    return OK


@command(
    "hsetnx key field value",
    group="hash",
    since="2.0.0",
    flags="write denyoom fast",
    keys=first("RW insert"),
    complexity="O(1)",
)
def hsetnx(session: Session, key: bytes, field: bytes, value: bytes) -> int:
    """Give a field of a hash a value, unless it has one."""
    hash_ = as_hash(session.db.get(key))
    if hash_ is not None and field in hash_:
        return 0
    return _set_one(session, key, field, value, "hset")


def _set(session: Session, key: bytes, pairs: Sequence[bytes]) -> int:
    """Give fields values, fields and values in turn, and answer how many are new."""
    db, config = session.db, session.engine.config
    found = as_hash(db.get(key))
    hash_ = Hash() if found is None else found
    added = hash_.put(pairs, config.hash_max_listpack_entries, config.hash_max_listpack_value)
    if found is None:
        db.put(key, hash_, "hset")
    else:
        db.changed(key, "hset")
    return added


def _set_one(session: Session, key: bytes, field: bytes, text: bytes, event: str) -> int:
    """As `_set` for one field, with an event of its own."""
    db, config = session.db, session.engine.config
    found = db.get(key) if db.expires else db.data.get(key)
    hash_ = found if type(found) is Hash else as_hash(found) or Hash()
    added = hash_.put_one(field, text, config.hash_max_listpack_entries, config.hash_max_listpack_value)
    if found is None:
        db.put(key, hash_, event)
    else:
        db.changed(key, event)
    return added


@command(
    "hincrby key field increment:integer",
    group="hash",
    since="2.0.0",
    flags="write denyoom fast",
    keys=first("RW access update"),
    complexity="O(1)",
)
def hincrby(session: Session, key: bytes, field: bytes, increment: bytes) -> int:
    """Add to an integer in a field of a hash; a missing field counts as 0."""
    amount = integer(increment)
    text = (as_hash(session.db.get(key)) or Hash()).get(field, b"0")
    number = parse_integer(text)
    if number is None:
        raise RespError(errors.HASH_VALUE_NOT_AN_INTEGER)
    number += amount
    if not MIN_INTEGER <= number <= MAX_INTEGER:
        raise RespError(errors.INCREMENT_OVERFLOW)
    _set_one(session, key, field, b"%d" % number, "hincrby")
    return number


@command(
    "hincrbyfloat key field increment:double",
    group="hash",
    since="2.6.0",
    flags="write denyoom fast",
    keys=first("RW access update"),
    complexity="O(1)",
)
def hincrbyfloat(session: Session, key: bytes, field: bytes, increment: bytes) -> bytes:
    """Add a decimal number to one in a field of a hash; a missing field counts as 0."""
    amount = long_double(increment)
    if not amount.finite:
        raise RespError(errors.NAN_OR_INFINITE_VALUE)
    text = (as_hash(session.db.get(key)) or Hash()).get(field, b"0")
    number = long_double(text, errors.HASH_VALUE_NOT_A_FLOAT) + amount
    if not number.finite:
        raise RespError(errors.NAN_OR_INFINITY)
    total = format_long_double(number)
    _set_one(session, key, field, total, "hincrbyfloat")
    session.db.propagate(b"HSET", key, field, total)
    return total


# Taking


@command(
    "hdel key field...",
    group="hash",
    since="2.0.0",
    flags="write fast",
    keys=first("RW delete"),
    complexity="O(1) per field",
)
def hdel(session: Session, key: bytes, field: bytes, *more: bytes) -> int:
    """Take fields out of a hash and answer how many were there."""
    db = session.db
    value = as_hash(db.get(key))
    if value is None:
        return 0
    removed = sum([value.remove(name) for name in (field, *more)])
    if removed:
        db.shrunk(key, value, "hdel")
    return removed


# Looking


@command("hlen key", group="hash", since="2.0.0", flags="readonly fast", keys=first("RO"), complexity="O(1)")
def hlen(session: Session, key: bytes) -> int:
    """Answer the number of fields of a hash, 0 if there is none."""
    return len(as_hash(session.db.read(key)) or ())


@command(
    "hget key field", group="hash", since="2.0.0", flags="readonly fast", keys=first("RO access"), complexity="O(1)"
)
def hget(session: Session, key: bytes, field: bytes) -> bytes | None:
    """Answer the value of a field of a hash."""
    value = session.db.read(key)
    if type(value) is Hash:
        return value.get(field)
    as_hash(value)
    return None


@command(
    "hmget key field...",
    group="hash",
    since="2.0.0",
    flags="readonly fast",
    keys=first("RO access"),
    complexity="O(1) per field",
)
def hmget(session: Session, key: bytes, field: bytes, *more: bytes) -> list[bytes | None]:
    """Answer the values of fields of a hash."""
    value = as_hash(session.db.read(key)) or Hash()
    return [*map(value.get, (field, *more))]


@command("hexists key field", group="hash", since="2.0.0", flags="readonly fast", keys=first("RO"), complexity="O(1)")
def hexists(session: Session, key: bytes, field: bytes) -> int:
    """Tell whether a hash has a field."""
    return int(field in (as_hash(session.db.read(key)) or ()))


@command("hstrlen key field", group="hash", since="3.2.0", flags="readonly fast", keys=first("RO"), complexity="O(1)")
def hstrlen(session: Session, key: bytes, field: bytes) -> int:
    """Answer the length of the value of a field of a hash, 0 if there is none."""
    return len((as_hash(session.db.read(key)) or Hash()).get(field, b""))


@command(
    "hgetall key",
    group="hash",
    since="2.0.0",
    flags="readonly",
    keys=first("RO access"),
    tips="nondeterministic_output_order",
    complexity="O(N) in the number of fields",
)
def hgetall(session: Session, key: bytes) -> TextMap[bytes, bytes]:
    """Answer all fields of a hash and their values."""
    value = session.db.read(key)
    return TextMap(value if type(value) is Hash else as_hash(value) or {})


@command(
    "hkeys key",
    group="hash",
    since="2.0.0",
    flags="readonly",
    keys=first("RO access"),
    tips="nondeterministic_output_order",
    complexity="O(N) in the number of fields",
)
def hkeys(session: Session, key: bytes) -> list[bytes]:
    """Answer all fields of a hash."""
    return list(as_hash(session.db.read(key)) or ())


@command(
    "hvals key",
    group="hash",
    since="2.0.0",
    flags="readonly",
    keys=first("RO access"),
    tips="nondeterministic_output_order",
    complexity="O(N) in the number of fields",
)
def hvals(session: Session, key: bytes) -> list[bytes]:
    """Answer the values of all fields of a hash."""
    return list((as_hash(session.db.read(key)) or Hash()).values())


@command(
    "hscan key cursor [MATCH pattern] [COUNT count]",
    group="hash",
    since="2.8.0",
    flags="readonly",
    keys=first("RO access"),
    tips="nondeterministic_output",
    complexity="O(COUNT) for each call, O(N) in the number of fields for a whole scan",
)
def hscan(session: Session, key: bytes, cursor_: bytes, *options: bytes) -> list[bytes | list[bytes]]:
    """List the fields of a hash and their values, a part with each call."""
    position = cursor(cursor_)
    value = as_hash(session.db.read(key))
    if value is None:
        return [b"0", []]
    wanted = scan_options(options)
    position, fields = value.scan(position, wanted.count)
    if wanted.matches is not None:
        fields = list(filter(wanted.matches, fields))
    return [b"%d" % position, [text for field in fields for text in (field, value[field])]]


@command(
    "hrandfield key options=[count [WITHVALUES]]",
    group="hash",
    since="6.2.0",
    flags="readonly",
    keys=first("RO access"),
    tips="nondeterministic_output",
    complexity="O(N) in the number of fields returned",
)
def hrandfield(
    session: Session, key: bytes, count: bytes | None = None, *options: bytes
) -> bytes | list[bytes] | Pairs | None:
    """Draw fields of a hash, each equally likely: different ones, or with a negative count each time from all."""
    random = session.engine.random
    if count is None:
        value = as_hash(session.db.read(key))
        return None if value is None else value.draw(random)
    number = draw_count(count)
    if options:
        if len(options) > 1 or options[0].upper() != b"WITHVALUES":
            raise RespError(errors.SYNTAX)
        if not MIN_INTEGER // 2 < number <= MAX_INTEGER // 2:
            raise RespError(errors.OUT_OF_RANGE)
    value = as_hash(session.db.read(key))
    if value is None:
        return []
    fields = value.sample(number, random) if number >= 0 else value.draw_several(repeated_draws(number), random)
    return Pairs(fields, [*map(value.__getitem__, fields)]) if options else fields
