"""Streams in RDB: the nodes of their entries as listpacks, what is known of the stream, its groups and who has what.

A node's listpack begins with the fields of its first entry; the ids that follow are differences to its id, and an entry
that has the same fields gives its values alone. Rules: the head of t_stream.c, and rdb.c.

    <live> <deleted> <number of fields> <field> ... 0
    <flags> <ms> <sequence> [<number of fields>] <field and value, or value> ... <elements of this entry>
"""

from collections.abc import Iterator
from itertools import chain
from typing import Final

from respstore.keyspace.stream import MIN_ID, Stream
from respstore.keyspace.stream_group import Consumer, Group, Pending
from respstore.keyspace.stream_node import Entry, Node, StreamId, id_bytes
from respstore.persistence.rdb import listpack
from respstore.persistence.rdb.primitives import EncodeString, Reader, encode_length

_DELETED, _SAME_FIELDS = 1, 2
_WRAP: Final = 1 << 64
_UNKNOWN: Final = _WRAP - 1
"""-1 in 64 bits: how many entries a group has read is not known."""


def encode_stream(stream: Stream, encode: EncodeString) -> bytes:
    """A stream as Redis 7.0 writes it (version 2), without its type; `encode` makes its strings."""
    nodes = [encode(id_bytes(node.first)) + encode(_encode_node(node)) for node in stream.nodes() if node.live]
    parts = [
        encode_length(len(nodes)),
        *nodes,
        encode_length(stream.length),
        *map(_encode_id, (stream.last_id, stream.first_id, stream.max_deleted_id)),
        encode_length(stream.entries_added),
        encode_length(len(stream.groups)),
    ]
    for name, group in stream.groups.items():
        parts += (encode(name), *_encode_group(group, encode))
    return b"".join(parts)


def decode_stream(reader: Reader, version: int) -> Stream:
    """Read a stream.

    Args:
        reader: where it begins.
        version: 1 is that of Redis 5, 2 of 7.0, 3 of 7.2.

    Raises:
        CorruptError, ValueError: it is not whole.
    """
    stream = Stream.of([_decode_node(reader) for _ in range(reader.length())])
    if reader.length() != stream.length:
        raise ValueError("a stream with another number of entries than it says")
    stream.last_id = _decode_id(reader)
    stream.entries_added = stream.length
    if version >= 2:
        _decode_id(reader)  # of the first entry, which is known
        stream.max_deleted_id = _decode_id(reader)
        stream.entries_added = reader.length()
    for _ in range(reader.length()):
        name = reader.string()
        if name in stream.groups:
            raise ValueError("a stream that has a group twice")
        stream.groups[name] = _decode_group(reader, stream, version)
    stream.pack()
    return stream


# Nodes


def _encode_node(node: Node) -> bytes:
    was_open = node.columns is not None
    entries = node.open().entries()
    count = len(node.fields)
    elements: Iterator[listpack.Element] = chain(
        (node.live, 0, count, *node.fields, 0), *[_entry_elements(entry, node) for entry in entries]
    )
    data = listpack.encode(elements)
    if not was_open:
        node.close()
    return data


def _entry_elements(entry: Entry, node: Node) -> tuple[listpack.Element, ...]:
    (ms, sequence), fields, values = entry
    count = len(values)
    difference = _wrap(ms - node.first[0]), _wrap(sequence - node.first[1])
    if fields == node.fields:
        return _SAME_FIELDS, *difference, *values, count + 3
    return 0, *difference, count, *chain.from_iterable(zip(fields, values, strict=True)), 2 * count + 4


def _wrap(number: int) -> int:
    """The difference of two unsigned 64-bit integers as a signed one."""
    return (number + (_WRAP >> 1)) % _WRAP - (_WRAP >> 1)


def _decode_node(reader: Reader) -> Node:
    first = _parse_raw_id(reader.string())
    elements = iter(listpack.decode(reader.string()))
    try:
        live, deleted = _number(elements), _number(elements)
        node = Node(first, _texts(elements, _number(elements)))
        next(elements)
        gone = []
        for position in range(live + deleted):
            flags, entry = _decode_entry(elements, node)
            if node.total and entry[0] <= node.last:
                raise ValueError("a stream whose entries are not in order")
            node.append(entry)
            if flags & _DELETED:
                gone.append(position)
    except StopIteration:
        raise ValueError("a node of a stream that ends within an entry") from None
    for position in reversed(gone):
        node.delete(position, position + 1)
    if next(elements, None) is not None or node.live != live or not live:
        raise ValueError("a node of a stream with another number of entries than it says")
    return node


def _decode_entry(elements: Iterator[listpack.Element], node: Node) -> tuple[int, Entry]:
    flags = _number(elements)
    ms, sequence = node.first[0] + _number(elements), node.first[1] + _number(elements)
    if flags & _SAME_FIELDS:
        fields, values = node.fields, _texts(elements, len(node.fields))
    else:
        texts = _texts(elements, 2 * _number(elements))
        fields, values = texts[::2], texts[1::2]
    if not fields:
        raise ValueError("an entry of a stream that has no fields")
    count = len(values) + 3 if flags & _SAME_FIELDS else 2 * len(values) + 4
    if _number(elements) != count:
        raise ValueError("an entry of a stream that does not know where it begins")
    return flags, ((ms % _WRAP, sequence % _WRAP), fields, values)


def _number(elements: Iterator[listpack.Element]) -> int:
    element = next(elements)
    if not isinstance(element, int):
        raise ValueError("a node of a stream with a text in the place of a number")
    return element


def _texts(elements: Iterator[listpack.Element], count: int) -> tuple[bytes, ...]:
    found = [next(elements) for _ in range(count)]
    return tuple([b"%d" % element if isinstance(element, int) else element for element in found])


# Groups


def _encode_group(group: Group, encode: EncodeString) -> Iterator[bytes]:
    was_packed = group.is_packed
    yield _encode_id(group.last_id)
    yield encode_length(_UNKNOWN if group.entries_read is None else group.entries_read)
    yield encode_length(len(group.pending))
    for id_, pending in group.pending.items(MIN_ID):
        yield id_bytes(id_) + _encode_time(pending.delivered) + encode_length(pending.deliveries)
    yield encode_length(len(group.consumers))
    for name, consumer in group.consumers.items():
        yield encode(name) + _encode_time(consumer.seen) + encode_length(consumer.has)
        for id_, _ in group.pending_of(consumer).items(MIN_ID):
            yield id_bytes(id_)
    if was_packed:
        group.pack()


def _decode_group(reader: Reader, stream: Stream, version: int) -> Group:
    group = Group(_decode_id(reader))
    read = reader.length() if version >= 2 else None
    group.entries_read = stream.count_up_to(group.last_id) if read is None else None if read == _UNKNOWN else read
    deliveries: dict[StreamId, tuple[int, int]] = {}
    for _ in range(reader.length()):
        id_ = _parse_raw_id(reader.take(16))
        deliveries[id_] = reader.integer(8, signed=True), reader.length()
    for _ in range(reader.length()):
        name, seen = reader.string(), reader.integer(8, signed=True)
        if name in group.consumers:
            raise ValueError("a group of a stream that has a consumer twice")
        consumer = group.consumers[name] = Consumer(name, seen)
        if version >= 3:
            reader.take(8)  # when it got something last, which Redis 7.0 does not know
        shared: dict[tuple[int, int], Pending] = {}
        for _ in range(reader.length()):
            id_ = _parse_raw_id(reader.take(16))
            if id_ not in deliveries:
                raise ValueError("a consumer with a pending entry that its group does not know, or another has")
            how = deliveries.pop(id_)
            group.give(id_, shared.setdefault(how, Pending(consumer, *how)))
    if deliveries:
        raise ValueError("a pending entry that no consumer has")
    return group


# Ids and times


def _encode_id(id_: StreamId) -> bytes:
    return encode_length(id_[0]) + encode_length(id_[1])


def _decode_id(reader: Reader) -> StreamId:
    return reader.length(), reader.length()


def _parse_raw_id(data: bytes) -> StreamId:
    if len(data) != 16:
        raise ValueError("a stream with an id that is not 16 bytes long")
    return int.from_bytes(data[:8], "big"), int.from_bytes(data[8:], "big")


def _encode_time(ms: int) -> bytes:
    return ms.to_bytes(8, "little", signed=True)
