"""XINFO: what there is to know about a stream, its groups and their consumers.

https://redis.io/docs/latest/commands/xinfo-stream/
"""

from itertools import chain, islice
from typing import Any, Final

from respstore import errors
from respstore.commands.streams import as_stream, format_id
from respstore.engine.arguments import integer
from respstore.engine.command import command, container
from respstore.engine.help import help_lines
from respstore.engine.keyspecs import at
from respstore.engine.session import Session
from respstore.errors import RespError
from respstore.keyspace.stream import MAX_ID, MIN_ID, Stream
from respstore.keyspace.stream_group import Consumer, Group
from respstore.keyspace.stream_node import Run, entries_of
from respstore.protocol.replies import StreamEntries

DEFAULT_COUNT: Final = 10
"""How many entries, and pending entries, XINFO STREAM FULL lists unless it is told."""

XINFO: Final = container("xinfo", summary="Look into streams and their groups.", group="stream", since="5.0.0")


@command(
    "xinfo|stream key [FULL full=([COUNT count])]",
    group="stream",
    since="5.0.0",
    flags="readonly",
    keys=at(2, "RO access"),
    complexity="O(1), with FULL O(N) in the number of entries that are listed, and of consumers",
)
def xinfo_stream(session: Session, key: bytes, *options: bytes) -> dict[bytes, Any]:
    """Describe a stream, with FULL its entries and groups as well."""
    stream = _find(session, key)
    if not options:
        return _describe(stream) | {
            b"groups": len(stream.groups),
            b"first-entry": _entry(stream.runs(MIN_ID, MAX_ID, 1)),
            b"last-entry": _entry(stream.reversed_runs(MIN_ID, MAX_ID, 1)),
        }
    words = [word.upper() for word in options]
    if len(words) not in (1, 3) or words[0] != b"FULL" or words[1:2] not in ([], [b"COUNT"]):
        raise errors.wrong_subcommand_or_arguments("xinfo")
    count: int | None = integer(options[2]) if len(options) == 3 else DEFAULT_COUNT
    if count is not None and count < 0:
        count = DEFAULT_COUNT
    count = count or None
    return _describe(stream) | {
        b"entries": StreamEntries(stream.runs(MIN_ID, MAX_ID, count)),
        b"groups": [_full_group(stream, name, group, count) for name, group in sorted(stream.groups.items())],
    }


@command(
    "xinfo|groups key",
    group="stream",
    since="5.0.0",
    flags="readonly",
    keys=at(2, "RO access"),
    complexity="O(N) in the number of groups",
)
def xinfo_groups(session: Session, key: bytes) -> list[dict[bytes, Any]]:
    """List the groups of a stream."""
    stream = _find(session, key)
    return [
        {
            b"name": name,
            b"consumers": len(group.consumers),
            b"pending": len(group.pending),
            b"last-delivered-id": format_id(group.last_id),
            b"entries-read": group.entries_read,
            b"lag": stream.lag_of(group),
        }
        for name, group in sorted(stream.groups.items())
    ]


@command(
    "xinfo|consumers key groupname",
    group="stream",
    since="5.0.0",
    flags="readonly",
    keys=at(2, "RO access"),
    tips="nondeterministic_output",
    complexity="O(N) in the number of consumers",
)
def xinfo_consumers(session: Session, key: bytes, groupname: bytes) -> list[dict[bytes, Any]]:
    """List the consumers of a group."""
    group = _find(session, key).groups.get(groupname)
    if group is None:
        raise errors.no_such_group_of_key(key, groupname)
    now = session.db.keyspace.now
    return [
        {b"name": name, b"pending": consumer.has, b"idle": max(now - consumer.seen, 0)}
        for name, consumer in sorted(group.consumers.items())
    ]


@command("xinfo|help", group="stream", since="5.0.0", flags="loading stale", complexity="O(1)")
def xinfo_help(session: Session) -> list[str]:
    """Describe the subcommands of XINFO."""
    return help_lines(session.engine.originals[b"xinfo"].command)


def _find(session: Session, key: bytes) -> Stream:
    stream = as_stream(session.db, session.db.read(key))
    if stream is None:
        raise RespError(errors.NO_SUCH_KEY)
    return stream


def _describe(stream: Stream) -> dict[bytes, Any]:
    return {
        b"length": stream.length,
        b"radix-tree-keys": stream.node_count(),
        b"radix-tree-nodes": stream.radix_tree_nodes(),
        b"last-generated-id": format_id(stream.last_id),
        b"max-deleted-entry-id": format_id(stream.max_deleted_id),
        b"entries-added": stream.entries_added,
        b"recorded-first-entry-id": format_id(stream.first_id),
    }


def _entry(found: list[Run]) -> list[Any] | None:
    if not found:
        return None
    ((id_, fields, values),) = entries_of(found)
    return [format_id(id_), list(chain.from_iterable(zip(fields, values, strict=True)))]


def _full_group(stream: Stream, name: bytes, group: Group, count: int | None) -> dict[bytes, Any]:
    return {
        b"name": name,
        b"last-delivered-id": format_id(group.last_id),
        b"entries-read": group.entries_read,
        b"lag": stream.lag_of(group),
        b"pel-count": len(group.pending),
        b"pending": [
            [format_id(id_), pending.consumer.name, pending.delivered, pending.deliveries]
            for id_, pending in islice(group.pending.items(MIN_ID), count)
        ],
        b"consumers": [_full_consumer(group, consumer, count) for _, consumer in sorted(group.consumers.items())],
    }


def _full_consumer(group: Group, consumer: Consumer, count: int | None) -> dict[bytes, Any]:
    return {
        b"name": consumer.name,
        b"seen-time": consumer.seen,
        b"pel-count": consumer.has,
        b"pending": [
            [format_id(id_), pending.delivered, pending.deliveries]
            for id_, pending in islice(group.pending_of(consumer).items(MIN_ID), count)
        ],
    }
