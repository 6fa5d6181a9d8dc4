"""All data as commands that make it: the base of an append-only file where that is to be no RDB."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from respstore.keyspace import Database, Keyspace, ReadItems, Value
from respstore.keyspace.containers import Hash, Set
from respstore.keyspace.list import LongList
from respstore.keyspace.sorted_set import SortedSet
from respstore.keyspace.stream import MIN_ID, Stream
from respstore.keyspace.stream_node import StreamId
from respstore.numbers import format_double
from respstore.protocol.requests import encode_request

ITEMS_PER_COMMAND: Final = 64
"""How many elements one command brings, as in Redis."""
UNKNOWN: Final = -1
"""ENTRIESREAD of a group of which nobody knows."""


def write_commands(keyspace: Keyspace, read_items: ReadItems = dict.items) -> Iterator[bytes]:
    """All data as requests.

    Args:
        keyspace: the data, which must not change until the last piece is taken.
        read_items: how dictionaries are read.

    Yields:
        Pieces of the file.
    """
    for code in keyspace.libraries:
        yield encode_request((b"FUNCTION", b"LOAD", code))
    for db in keyspace.databases:
        if db.data:
            yield encode_request((b"SELECT", b"%d" % db.index))
            for key, value in read_items(db.data):
                for words in _commands(db, key, value, read_items):
                    yield encode_request(words)


def _commands(db: Database, key: bytes, value: Value, read_items: ReadItems) -> Iterator[Sequence[bytes]]:
    if isinstance(value, Stream):
        yield from _stream(key, value)
    elif isinstance(value, deque | LongList):
        yield from _in_batches(b"RPUSH", key, iter(value))
    elif isinstance(value, Set):
        yield from _in_batches(b"SADD", key, (member for member, _ in read_items(value)))
    elif isinstance(value, Hash):
        yield from _in_batches(b"HMSET", key, _flat(read_items(value)), 2)
    elif isinstance(value, SortedSet):
        yield from _in_batches(
            b"ZADD", key, _flat((format_double(score), name) for name, score in read_items(value.scores)), 2
        )
    else:
        yield b"SET", key, b"%d" % value if isinstance(value, int) else bytes(value)
    deadline = db.expires.get(key)
    if deadline is not None:
        yield b"PEXPIREAT", key, b"%d" % deadline


def _in_batches(name: bytes, key: bytes, words: Iterator[bytes], per_item: int = 1) -> Iterator[Sequence[bytes]]:
    while batch := list(islice(words, ITEMS_PER_COMMAND * per_item)):
        yield name, key, *batch


def _flat(pairs: Iterable[tuple[bytes, bytes]]) -> Iterator[bytes]:
    return (word for pair in pairs for word in pair)


def _stream(key: bytes, stream: Stream) -> Iterator[Sequence[bytes]]:
    for id_, fields, values in stream:
        yield b"XADD", key, _id(id_), *_flat(zip(fields, values, strict=True))
    if not stream.length:  # it exists all the same, and goes on behind its last id
        yield b"XADD", key, b"MAXLEN", b"0", _id(max(stream.last_id, (0, 1))), b"x", b"y"
    added, deleted = b"%d" % stream.entries_added, _id(stream.max_deleted_id)
    yield b"XSETID", key, _id(stream.last_id), b"ENTRIESADDED", added, b"MAXDELETEDID", deleted
    for name, group in stream.groups.items():
        was_packed = group.is_packed
        read = b"%d" % (UNKNOWN if group.entries_read is None else group.entries_read)
        yield b"XGROUP", b"CREATE", key, name, _id(group.last_id), b"ENTRIESREAD", read
        for consumer in group.consumers.values():
            yield b"XGROUP", b"CREATECONSUMER", key, name, consumer.name
            for id_, pending in group.pending_of(consumer).items(MIN_ID):
                what = b"XCLAIM", key, name, consumer.name, b"0", _id(id_)
                how = b"TIME", b"%d" % pending.delivered, b"RETRYCOUNT", b"%d" % pending.deliveries
                yield *what, *how, b"JUSTID", b"FORCE"
        if was_packed:
            group.pack()


def _id(id_: StreamId) -> bytes:
    return b"%d-%d" % id_
