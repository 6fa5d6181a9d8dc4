"""Commands that read what is new in streams, and may wait for it: https://redis.io/docs/latest/commands/xread/

A client that waits is served when an entry is added, or when the group that it reads for is destroyed (see
`Stream.announced`): not at each change of the stream. Its reply is about that one stream then.
"""

from collections.abc import Sequence
from typing import Any, Final

import attrs

from respstore import errors
from respstore.commands.streams import as_stream
from respstore.engine.arguments import integer
from respstore.engine.command import command
from respstore.engine.keyspecs import keyword
from respstore.engine.session import Session
from respstore.engine.stream_arguments import stream_id
from respstore.engine.waiting import PENDING, Park
from respstore.errors import RespError
from respstore.keyspace.stream import MAX_ID, MIN_ID, Stream, next_id
from respstore.keyspace.stream_group import Consumer, Group
from respstore.keyspace.stream_node import StreamId
from respstore.protocol.replies import NULL_ARRAY, ByKey, StreamEntries

COUNT_AFTER_WAITING: Final = 1000
"""How many entries a client that waited gets at most, unless it says how many."""


@command(
    "xread [COUNT count] [BLOCK milliseconds] STREAMS streams=(key... id...)",
    group="stream",
    since="5.0.0",
    flags="readonly blocking",
    keys=keyword("STREAMS", "RO access", search_from=1, last=-1, limit=2),
    complexity="O(log(N)+M) per stream, N the number of its entries and M of those returned",
)
def xread(session: Session, first: bytes, second: bytes, third: bytes, *more: bytes) -> Any:
    """List the entries of streams behind the ids given; if there are none, wait for one if that is asked for."""
    return _Read.parse(session, (first, second, third, *more), name="xread").answer()


@command(
    "xreadgroup GROUP group_consumer=(group consumer) [COUNT count] [BLOCK milliseconds] [NOACK] "
    "STREAMS streams=(key... id...)",
    group="stream",
    since="5.0.0",
    flags="write blocking",
    keys=keyword("STREAMS", "RO access", search_from=4, last=-1, limit=2),
    complexity="O(log(N)+M) per stream, N the number of its entries and M of those returned",
)
def xreadgroup(
    session: Session, first: bytes, second: bytes, third: bytes, fourth: bytes, fifth: bytes, sixth: bytes, *more: bytes
) -> Any:
    """Give a consumer of a group entries that the group has not got yet, or list again those that it has."""
    return _Read.parse(session, (first, second, third, fourth, fifth, sixth, *more), name="xreadgroup").answer()


@attrs.define(eq=False)
class _Read:
    """One XREAD or XREADGROUP.

    Attributes:
        session: whose.
        group, consumer: names; None for XREAD.
        count: how many entries of a stream at most, 0 for all.
        timeout: how long to wait, in seconds, None for ever.
        blocks: whether to wait at all.
        acknowledges: NOACK: nothing becomes pending.
        keys: names of the streams.
        positions: the ids behind which to read; MAX_ID for `>`.
        seen: by key, the stream and its `announced` when the client began to wait, or was last looked at.
    """

    session: Session
    group: bytes | None = None
    consumer: bytes = b""
    count: int = 0
    timeout: float | None = None
    blocks: bool = False
    acknowledges: bool = False
    keys: Sequence[bytes] = ()
    positions: list[StreamId] = attrs.Factory(list)
    seen: dict[bytes, tuple[Stream, int] | None] = attrs.Factory(dict)

    @classmethod
    def parse(cls, session: Session, args: Sequence[bytes], name: str) -> "_Read":
        """Read the options and what follows STREAMS.

        Raises:
            RespError: they are not written so, or there is no such stream or group.
        """
        read = cls(session)
        in_group = name == "xreadgroup"
        at, end = 0, len(args)
        while at < end:
            word, more = args[at].upper(), end - at - 1
            at += 1
            if word == b"STREAMS" and more:
                if more % 2:
                    raise RespError(errors.UNBALANCED_STREAMS)
                break
            if word == b"COUNT" and more:
                read.count = max(integer(args[at]), 0)
                at += 1
            elif word == b"BLOCK" and more:
                read.timeout, read.blocks = _timeout(args[at]), True
                at += 1
            elif word == b"GROUP" and more >= 2:
                if not in_group:
                    raise RespError(errors.GROUP_IN_XREAD)
                read.group, read.consumer = args[at], args[at + 1]
                at += 2
            elif word == b"NOACK":
                if not in_group:
                    raise RespError(errors.NOACK_IN_XREAD)
                read.acknowledges = True
            else:
                raise RespError(errors.SYNTAX)
        else:
            raise RespError(errors.SYNTAX)
        if in_group and read.group is None:
            raise RespError(errors.GROUP_MISSING)
        middle = (at + end) // 2
        read.keys = args[at:middle]
        for key, position in zip(read.keys, args[middle:], strict=True):
            read.positions.append(read.position(key, position))
        return read

    def position(self, key: bytes, arg: bytes) -> StreamId:
        """The id behind which to read a stream."""
        stream = as_stream(self.session.db.read(key))
        if self.group is None:
            if arg == b"$":
                return MIN_ID if stream is None else stream.last_id
            if arg == b">":
                raise RespError(errors.NEW_IN_XREAD)
        else:
            if stream is None or self.group not in stream.groups:
                raise errors.no_such_group_to_read(key, self.group)
            if arg == b"$":
                raise RespError(errors.TOP_IN_XREADGROUP)
            if arg == b">":
                return MAX_ID
        return stream_id(arg)

    def answer(self) -> Any:
        """The reply, or a Park."""
        db = self.session.db
        found: list[tuple[bytes, StreamEntries]] = []
        for key, position in zip(self.keys, self.positions, strict=True):
            stream = as_stream(db.read(key))
            if stream is None:
                continue
            if self.group is None:
                if stream.length and stream.last_entry_id() > position:
                    found.append((key, self.entries_behind(stream, position, self.count)))
                continue
            group = stream.groups[self.group]
            if position != MAX_ID:
                found.append((key, self.history(key, group, stream, position)))
            elif stream.length and stream.last_entry_id() > group.last_id:
                found.append((key, self.delivery(key, group, stream, self.count)))
        if found:
            return ByKey(found)
        if not self.blocks:
            return NULL_ARRAY
        return self.park()

    def park(self) -> Park:
        """Wait for the first of the streams that has something."""
        db = self.session.db
        for key in self.keys:
            stream = as_stream(db.get(key))
            self.seen[key] = None if stream is None else (stream, stream.announced)
        on_gone = PENDING if self.group is None else RespError(errors.READ_STREAM_GONE)
        return Park(self.keys, self.retry, self.timeout, on_gone=on_gone)

    def retry(self, key: bytes) -> Any:
        """The reply once one of the keys changed."""
        stream = self.session.db.get(key)
        if type(stream) is not Stream:
            return PENDING if self.group is None else RespError(errors.READ_STREAM_GONE)
        seen = self.seen[key]
        if seen is not None and seen[0] is stream and seen[1] == stream.announced:
            return PENDING
        self.seen[key] = (stream, stream.announced)
        count = self.count or COUNT_AFTER_WAITING
        if self.group is None:
            position = self.positions[self.keys.index(key)]
            if stream.last_id > position:
                return ByKey([(key, self.entries_behind(stream, position, count))])
            return PENDING
        group = stream.groups.get(self.group)
        if group is None:
            return RespError(errors.READ_GROUP_GONE)
        if stream.last_id > group.last_id:
            return ByKey([(key, self.delivery(key, group, stream, count))])
        return PENDING

    def entries_behind(self, stream: Stream, position: StreamId, count: int) -> StreamEntries:
        """Entries with greater ids."""
        return StreamEntries(stream.range(next_id(position) or MIN_ID, MAX_ID, count or None))

    def reader(self, key: bytes, group: Group) -> Consumer:
        """The consumer, which is made if there is none."""
        return see_consumer(self.session, key, group, self.consumer)

    def delivery(self, key: bytes, group: Group, stream: Stream, count: int) -> StreamEntries:
        """Entries that the group has not got yet, for the consumer."""
        db = self.session.db
        consumer = self.reader(key, group)
        entries = self.entries_behind(stream, group.last_id, count)
        ids = [entry[0] for entry in entries.entries]
        if ids:
            stream.advance(group, ids)
            if not self.acknowledges:
                group.deliver(ids, consumer, db.keyspace.now)
        db.keyspace.changes += 1
        return entries

    def history(self, key: bytes, group: Group, stream: Stream, position: StreamId) -> StreamEntries:
        """What the consumer has already, behind an id."""
        db = self.session.db
        consumer = self.reader(key, group)
        db.keyspace.changes += 1
        entries: list[Any] = []
        for id_, pending in consumer.pending.items(next_id(position) or MIN_ID):
            entry = stream.get(id_)
            if entry is None:
                entries.append((id_, None, ()))
            else:
                entries.append(entry)
                pending.delivered = db.keyspace.now
                pending.deliveries += 1
            if len(entries) == self.count:
                break
        return StreamEntries(entries)


def see_consumer(session: Session, key: bytes, group: Group, name: bytes) -> Consumer:
    """The consumer of that name, which is made if there is none, and has been seen now."""
    now = session.db.keyspace.now
    consumer = group.consumers.get(name)
    if consumer is None:
        consumer = group.consumers[name] = Consumer(name, now)
        session.db.noted(key, "xgroup-createconsumer")
    consumer.seen = now
    return consumer


def _timeout(arg: bytes) -> float | None:
    """How long to wait, in seconds; the argument is in ms, 0 for ever."""
    ms = integer(arg, errors.TIMEOUT_NOT_AN_INTEGER)
    if ms < 0:
        raise RespError(errors.TIMEOUT_NEGATIVE)
    return ms / 1000 or None
