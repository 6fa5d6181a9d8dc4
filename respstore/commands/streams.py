"""Commands on streams that add, delete and list entries: https://redis.io/docs/latest/commands/?group=stream

Those that read what is new, and may wait for it, stand in `stream_reads.py`. A stream whose last entry is deleted stays
a key, with its last id.
"""

from typing import Final

from respstore import errors
from respstore.engine.arguments import Words, integer
from respstore.engine.command import command
from respstore.engine.keyspecs import first
from respstore.engine.session import Session
from respstore.engine.stream_arguments import parse_add_options, range_end, range_start, stream_id
from respstore.errors import RespError
from respstore.keyspace import Database, Value
from respstore.keyspace.stream import MAX_HALF, MAX_ID, MIN_ID, Stream
from respstore.keyspace.stream_node import MAX_NODE_BYTES, StreamId
from respstore.protocol.replies import NULL_ARRAY, OK, Special, StreamEntries

NOTHING: Final = StreamEntries(())


def as_stream(db: Database, value: Value | None) -> Stream | None:
    """A value that was looked up in a database as a stream that is in use now, None if there is none.

    Raises:
        RespError: it is no stream.
    """
    if value is None:
        return None
    if type(value) is not Stream:
        raise RespError(errors.WRONG_TYPE)
    if not value.is_in_use:
        db.keyspace.streams_in_use.add(value)
    return value


def format_id(id_: StreamId) -> bytes:
    """An id as replies have it."""
    return b"%d-%d" % id_


# Adding


@command(
    'xadd key [NOMKSTREAM]@6.2.0 trim=[strategy=(MAXLEN | MINID@6.2.0) operator=[equal="=" | approximately="~"] '
    'threshold [LIMIT count]@6.2.0] id_or_auto=(auto_id="*" | id) (field value)...',
    group="stream",
    since="5.0.0",
    flags="write denyoom fast",
    keys=first("RW update"),
    tips="nondeterministic_output",
    complexity="O(1), and O(N) in the number of entries that are trimmed",
)
def xadd(session: Session, key: bytes, first: bytes, second: bytes, third: bytes, *more: bytes) -> bytes | None:
    """Add an entry to the end of a stream, which is made if there is none; answer its id."""
    config = session.engine.config
    trim = given = None
    may_create = True
    args: tuple[bytes, ...]
    fields: tuple[bytes, ...]
    values: tuple[bytes, ...]
    if first == b"*" and not more:  # most often so
        args = second, third
        fields = (second,)
        values = (third,)
        length = len(second) + len(third)
    else:
        args = (first, second, third, *more)
        options = parse_add_options(args, config, is_add=True)
        trim, given, may_create = options.trim, options.id, options.may_create
        args = args[options.used :] if options.used < len(args) else ()
        if not args or len(args) % 2:
            raise errors.wrong_arity("xadd")
        if given == MIN_ID:
            raise RespError(errors.XADD_ID_ZERO)
        fields, values, length = args[::2], args[1::2], sum(map(len, args))
    db = session.db
    value = db.get(key)
    stream = value if type(value) is Stream and value.is_in_use else as_stream(db, value)
    if stream is None:
        if not may_create:
            return None
        stream = Stream()
        db.keyspace.streams_in_use.add(stream)
    now, (last_ms, last_sequence) = db.keyspace.now, stream.last_id
    if given is None and last_sequence < MAX_HALF:
        id_ = (now, 0) if now > last_ms else (last_ms, last_sequence + 1)
    else:
        id_ = _new_id(now, stream.last_id, given)
    if length > MAX_NODE_BYTES:
        raise RespError(errors.ENTRY_TOO_LARGE)
    stream.append((id_, fields, values), length, config.stream_node_max_bytes, config.stream_node_max_entries)
    stream.announced += 1
    if value is None:
        db.put(key, stream, "xadd")
    else:
        db.changed(key, "xadd")
    if trim is not None and trim.apply(stream):
        db.noted(key, "xtrim")
    text = b"%d-%d" % id_
    if db.propagates:
        db.propagate(b"XADD", key, *(() if trim is None else trim.words(stream)), text, *args)
    return text


def _new_id(now: int, last: StreamId, given: tuple[int, int | None] | None) -> StreamId:
    """The id of an entry to be added.

    Args:
        now: wall-clock ms.
        last: the stream's last id.
        given: as the client says it, without a sequence number if that is left to us; None for the next one.

    Raises:
        RespError: it would not be greater than the last.
    """
    if given is None and now > last[0]:
        return now, 0
    if last == MAX_ID:
        raise RespError(errors.STREAM_EXHAUSTED)
    if given is None:
        return last[0] + 1, 0
    ms, sequence = given
    if sequence is None:
        sequence = last[1] + 1 if ms == last[0] else 0
        if sequence > MAX_HALF:
            raise RespError(errors.ENTRY_TOO_LARGE)  # that is what Redis says
    if (ms, sequence) <= last:
        raise RespError(errors.XADD_ID_TOO_SMALL)
    return ms, sequence


@command(
    "xsetid key last-id [ENTRIESADDED entries_added:integer]@7.0.0 [MAXDELETEDID max_deleted_entry_id]@7.0.0",
    group="stream",
    since="5.0.0",
    flags="write denyoom fast",
    keys=first("RW update"),
    complexity="O(1)",
)
def xsetid(session: Session, key: bytes, last_id: bytes, *options: bytes) -> str:
    """Set the last id of a stream, and what it counts, as replicas must."""
    new_id = stream_id(last_id)
    entries_added = None
    max_deleted = MIN_ID
    words = Words(options)
    for word in words:
        match word.upper():
            case b"ENTRIESADDED":
                entries_added = integer(words.argument())
                if entries_added < 0:
                    raise RespError(errors.ENTRIES_ADDED_NEGATIVE)
            case b"MAXDELETEDID":
                max_deleted = stream_id(words.argument())
                if new_id < max_deleted:
                    raise RespError(errors.XSETID_BELOW_GIVEN_DELETED)
            case _:
                raise RespError(errors.SYNTAX)
    stream = as_stream(session.db, session.db.get(key))
    if stream is None:
        raise RespError(errors.NO_SUCH_KEY)
    if stream.length:
        if new_id < stream.last_entry_id():
            raise RespError(errors.XSETID_BELOW_TOP)
        if entries_added is not None and entries_added < stream.length:
            raise RespError(errors.XSETID_BELOW_LENGTH)
    stream.last_id = new_id
    if entries_added is not None:
        stream.entries_added = entries_added
    if max_deleted > MIN_ID:
        stream.max_deleted_id = max_deleted
    session.db.noted(key, "xsetid")
    return OK


# Deleting


@command(
    "xdel key id...",
    group="stream",
    since="5.0.0",
    flags="write fast",
    keys=first("RW delete"),
    complexity="O(1) per id",
)
def xdel(session: Session, key: bytes, id_: bytes, *more: bytes) -> int:
    """Delete entries by their ids and answer how many there were."""
    stream = as_stream(session.db, session.db.get(key))
    if stream is None:
        return 0
    deleted = stream.delete([stream_id(arg) for arg in (id_, *more)])
    if deleted:
        session.db.changed(key, "xdel")
    return deleted


@command(
    'xtrim key trim=(strategy=(MAXLEN | MINID@6.2.0) operator=[equal="=" | approximately="~"] threshold '
    "[LIMIT count]@6.2.0)",
    group="stream",
    since="5.0.0",
    flags="write",
    keys=first("RW delete"),
    tips="nondeterministic_output",
    complexity="O(N) in the number of entries deleted",
)
def xtrim(session: Session, key: bytes, strategy: bytes, threshold: bytes, *options: bytes) -> int:
    """Delete the first entries, until not too many are left or the ids are great enough; answer how many they were."""
    trim = parse_add_options((strategy, threshold, *options), session.engine.config, is_add=False).trim
    stream = as_stream(session.db, session.db.get(key))
    if stream is None or trim is None:
        return 0
    deleted = trim.apply(stream)
    if deleted:
        session.db.changed(key, "xtrim")
        session.db.propagate(b"XTRIM", key, *trim.words(stream))
    return deleted


# Listing


@command("xlen key", group="stream", since="5.0.0", flags="readonly fast", keys=first("RO"), complexity="O(1)")
def xlen(session: Session, key: bytes) -> int:
    """Count the entries of a stream."""
    stream = as_stream(session.db, session.db.read(key))
    return 0 if stream is None else stream.length


@command(
    "xrange key start end [COUNT count]",
    group="stream",
    since="5.0.0",
    flags="readonly",
    keys=first("RO access"),
    complexity="O(log(N)+M), N the number of entries and M of those returned",
)
def xrange(session: Session, key: bytes, start: bytes, end: bytes, *options: bytes) -> StreamEntries | Special:
    """List the entries from one id to another."""
    return _range(session, key, range_start(start), range_end(end), options, is_reversed=False)


@command(
    "xrevrange key end start [COUNT count]",
    group="stream",
    since="5.0.0",
    flags="readonly",
    keys=first("RO access"),
    complexity="O(log(N)+M), N the number of entries and M of those returned",
)
def xrevrange(session: Session, key: bytes, end: bytes, start: bytes, *options: bytes) -> StreamEntries | Special:
    """List the entries from one id back to another, the last one first."""
    return _range(session, key, range_start(start), range_end(end), options, is_reversed=True)


def _range(
    session: Session, key: bytes, start: StreamId, end: StreamId, options: tuple[bytes, ...], *, is_reversed: bool
) -> StreamEntries | Special:
    count = None
    words = Words(options)
    for word in words:
        if word.upper() != b"COUNT":
            raise RespError(errors.SYNTAX)
        count = integer(words.argument())
    stream = as_stream(session.db, session.db.read(key))
    if stream is None:
        return NOTHING
    if count is not None and count <= 0:
        return NULL_ARRAY
    return StreamEntries((stream.reversed_runs if is_reversed else stream.runs)(start, end, count))
