"""Commands that read what is new in streams, and may wait for it: https://redis.io/docs/latest/commands/xread/

A client that waits is served when an entry is added, or when the group that it reads for is destroyed (see
`Stream.announced`): not at each change of the stream. Its reply is about that one stream then.
"""

from collections.abc import Sequence
from typing import Any, Final

import attrs

from respstore import errors
from respstore.commands.stream_groups import propagate_claim, propagate_position, see_consumer
from respstore.commands.streams import as_stream
from respstore.engine.arguments import integer
from respstore.engine.command import command
from respstore.engine.keyspecs import FoundKey, keyword
from respstore.engine.session import Session
from respstore.engine.stream_arguments import stream_id
from respstore.engine.waiting import PENDING, Park
from respstore.errors import RespError
from respstore.keyspace import Database
from respstore.keyspace.stream import MAX_ID, MIN_ID, Stream, next_id
from respstore.keyspace.stream_group import Consumer, Group, Pending
from respstore.keyspace.stream_node import Run, StreamId, entries_of, runs_of
from respstore.protocol.replies import NULL_ARRAY, ByKey

COUNT_AFTER_WAITING: Final = 1000
"""How many entries a client that waited gets at most, unless it says how many."""


def keys_of_xread(request: Sequence[bytes]) -> list[FoundKey]:
    """The streams of XREAD or XREADGROUP. A group may be called STREAMS: what is an option, not its position tells."""
    place = 1
    while place < len(request):
        word = request[place].upper()
        if word == b"STREAMS":
            middle = (place + 1 + len(request)) // 2
            return [FoundKey(position, frozenset(("RO", "access"))) for position in range(place + 1, middle)]
        place += {b"COUNT": 2, b"BLOCK": 2, b"GROUP": 3}.get(word, 1)
    return []


@command(
    "xread [COUNT count] [BLOCK milliseconds] STREAMS streams=(key... id...)",
    group="stream",
    since="5.0.0",
    flags="readonly blocking",
    keys=keyword("STREAMS", "RO access", search_from=1, last=-1, limit=2),
    key_finder=keys_of_xread,
    complexity="O(log(N)+M) per stream, N the number of its entries and M of those returned",
)
def xread(session: Session, first: bytes, second: bytes, third: bytes, *more: bytes) -> Any:
    """List the entries of streams behind the ids given; if there are none, wait for one if that is asked for."""
    return _answer(session.db, _parse((first, second, third, *more), in_group=False))


@command(
    "xreadgroup GROUP group_consumer=(group consumer) [COUNT count] [BLOCK milliseconds] [NOACK] "
    "STREAMS streams=(key... id...)",
    group="stream",
    since="5.0.0",
    flags="write blocking",
    keys=keyword("STREAMS", "RO access", search_from=4, last=-1, limit=2),
    key_finder=keys_of_xread,
    complexity="O(log(N)+M) per stream, N the number of its entries and M of those returned",
)
def xreadgroup(
    session: Session, first: bytes, second: bytes, third: bytes, fourth: bytes, fifth: bytes, sixth: bytes, *more: bytes
) -> Any:
    """Give a consumer of a group entries that the group has not got yet, or list again those that it has."""
    if first == b"GROUP" and fourth == b"COUNT" and sixth == b"STREAMS" and len(more) == 2:  # most often so
        count = max(integer(fifth), 0) or None
        read = _Read(more[:1], more[1:], second, third, count, blocks=False, timeout=None, acknowledges=False)
    else:
        read = _parse((first, second, third, fourth, fifth, sixth, *more), in_group=True)
    return _answer(session.db, read)


@attrs.define
class _Read:
    """One XREAD or XREADGROUP.

    Attributes:
        keys, positions: what stands behind STREAMS.
        group, consumer: names; None for XREAD.
        count: how many entries of a stream at most, None for all.
        blocks: whether to wait.
        timeout: how long, in seconds, None for ever.
        acknowledges: NOACK: nothing becomes pending.
    """

    keys: Sequence[bytes]
    positions: Sequence[bytes]
    group: bytes | None
    consumer: bytes
    count: int | None
    blocks: bool
    timeout: float | None
    acknowledges: bool


def _parse(args: Sequence[bytes], *, in_group: bool) -> _Read:
    """Read the options and what follows STREAMS.

    Raises:
        RespError: they are not written so.
    """
    group, consumer = None, b""
    count, timeout, blocks, acknowledges = None, None, False, False
    at, end = 0, len(args)
    while at < end:
        word, more = args[at].upper(), end - at - 1
        at += 1
        if word == b"STREAMS" and more:
            break
        if word == b"COUNT" and more:
            count = max(integer(args[at]), 0) or None
            at += 1
        elif word == b"GROUP" and more >= 2:
            if not in_group:
                raise RespError(errors.GROUP_IN_XREAD)
            group, consumer = args[at], args[at + 1]
            at += 2
        elif word == b"BLOCK" and more:
            timeout, blocks = _timeout(args[at]), True
            at += 1
        elif word == b"NOACK":
            if not in_group:
                raise RespError(errors.NOACK_IN_XREAD)
            acknowledges = True
        else:
            raise RespError(errors.SYNTAX)
    else:
        raise RespError(errors.SYNTAX)
    if (end - at) % 2:
        raise RespError(errors.UNBALANCED_STREAMS)
    if in_group and group is None:
        raise RespError(errors.GROUP_MISSING)
    middle = (at + end) // 2
    return _Read(args[at:middle], args[middle:], group, consumer, count, blocks, timeout, acknowledges)


def _answer(db: Database, read: _Read) -> Any:
    """The reply, or a Park."""
    found: list[tuple[bytes, Sequence[Run]]] = []
    places: list[tuple[bytes, Stream | None, StreamId]] = []
    for key, arg in zip(read.keys, read.positions, strict=True):
        stream = as_stream(db, db.read(key))
        places.append((key, stream, _position(key, stream, arg, read)))
    for key, stream, position in places:
        db.read(key)  # once more, as Redis does: INFO counts it and keyspace events tell of it
        if stream is None:
            continue
        if read.group is None:
            if stream.length and stream.last_entry_id() > position:
                found.append((key, _entries_behind(stream, position, read.count)))
            continue
        group = stream.groups[read.group]
        if position != MAX_ID:
            found.append((key, _history(db, key, group, stream, position, read)))
        elif stream.length and stream.last_entry_id() > group.last_id:
            found.append((key, _delivery(db, key, group, stream, read.count, read)))
    if found:
        return ByKey(found)
    return _Wait(db, read, places).park() if read.blocks else NULL_ARRAY


def _position(key: bytes, stream: Stream | None, arg: bytes, read: _Read) -> StreamId:
    """The id behind which to read a stream; MAX_ID for `>`."""
    if read.group is None:
        if arg == b"$":
            return MIN_ID if stream is None else stream.last_id
        if arg == b">":
            raise RespError(errors.NEW_IN_XREAD)
    else:
        if stream is None or read.group not in stream.groups:
            raise errors.no_such_group_to_read(key, read.group)
        if arg == b">":
            return MAX_ID
        if arg == b"$":
            raise RespError(errors.TOP_IN_XREADGROUP)
    return stream_id(arg)


def _entries_behind(stream: Stream, position: StreamId, count: int | None) -> list[Run]:
    """Entries with greater ids."""
    return stream.runs(next_id(position) or MIN_ID, MAX_ID, count)


def _delivery(db: Database, key: bytes, group: Group, stream: Stream, count: int | None, read: _Read) -> list[Run]:
    """Entries that the group has not got yet, for the consumer."""
    consumer = see_consumer(db, key, group, read.consumer)
    runs = stream.runs(next_id(group.last_id) or MIN_ID, MAX_ID, count)
    if runs:
        stream.advance(group, runs)
        if not read.acknowledges:
            for times, sequences, _, _ in runs:
                group.deliver(times, sequences, consumer, db.keyspace.now)
    db.noted(key, "")
    if db.propagates:
        _propagate_delivery(db, key, group, consumer, runs, read)
    return runs


def _propagate_delivery(
    db: Database, key: bytes, group: Group, consumer: Consumer, runs: Sequence[Run], read: _Read
) -> None:
    """Say what a group was given as XCLAIMs, or, where nothing becomes pending, as where it stands now."""
    name = read.group or b""
    if read.acknowledges:
        db.propagate(b"XGROUP", b"CREATECONSUMER", key, name, consumer.name)
    else:
        for id_, _, _ in entries_of(runs):
            propagate_claim(db, key, name, id_, Pending(consumer, db.keyspace.now, 1), id_)
    propagate_position(db, key, name, group)


def _history(db: Database, key: bytes, group: Group, stream: Stream, position: StreamId, read: _Read) -> Sequence[Run]:
    """What the consumer has already, behind an id; it is delivered once more."""
    now = db.keyspace.now
    if group.consumers.get(read.consumer) is None:
        db.propagate(b"XGROUP", b"CREATECONSUMER", key, read.group or b"", read.consumer)
    consumer = see_consumer(db, key, group, read.consumer)
    db.keyspace.changes += 1
    db.propagate()  # Redis, too, keeps to itself that entries were delivered again
    entries: list[Any] = []
    for id_, pending in group.pending_of(consumer).items(next_id(position) or MIN_ID):
        entry = stream.get(id_)
        if entry is None:
            entries.append((id_, None, ()))
        else:
            entries.append(entry)
            group.give(id_, Pending(consumer, now, pending.deliveries + 1))
        if len(entries) == read.count:
            break
    return runs_of(entries)


class _Wait:
    """Of one client for some streams.

    Attributes:
        positions: by key, the id behind which to read (of a key that is named twice, the first).
        seen: by key, the stream and its `announced` when the client began to wait, or was last looked at.
    """

    __slots__ = ("db", "positions", "read", "seen")

    def __init__(self, db: Database, read: _Read, places: Sequence[tuple[bytes, Stream | None, StreamId]]) -> None:
        self.db = db
        self.read = read
        self.positions: dict[bytes, StreamId] = {}
        self.seen: dict[bytes, tuple[Stream | None, int]] = {}
        for key, stream, position in places:
            self.positions.setdefault(key, position)
            self.seen[key] = (stream, 0 if stream is None else stream.announced)

    def park(self) -> Park:
        """What the client waits for."""
        on_gone = PENDING if self.read.group is None else RespError(errors.READ_STREAM_GONE)
        return Park(tuple(self.positions), self.retry, self.read.timeout, on_gone=on_gone)

    def retry(self, key: bytes) -> Any:
        """The reply once one of the keys changed."""
        read = self.read
        stream = self.db.get(key)
        if type(stream) is not Stream:
            return PENDING if read.group is None else RespError(errors.READ_STREAM_GONE)
        if self.seen[key] == (stream, stream.announced):
            return PENDING
        self.seen[key] = (stream, stream.announced)
        as_stream(self.db, stream)  # for it to be packed again, wherever it was moved from
        count = read.count or COUNT_AFTER_WAITING
        if read.group is None:
            position = self.positions[key]
            if stream.last_id > position:
                return ByKey([(key, _entries_behind(stream, position, count))])
            return PENDING
        group = stream.groups.get(read.group)
        if group is None:
            return RespError(errors.READ_GROUP_GONE)
        if stream.last_id > group.last_id:
            return ByKey([(key, _delivery(self.db, key, group, stream, count, read))])
        return PENDING


def _timeout(arg: bytes) -> float | None:
    """How long to wait, in seconds; the argument is in ms, 0 for ever."""
    ms = integer(arg, errors.TIMEOUT_NOT_AN_INTEGER)
    if ms < 0:
        raise RespError(errors.TIMEOUT_NEGATIVE)
    return ms / 1000 or None
