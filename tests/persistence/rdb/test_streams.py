"""Streams in the bytes of redis-server 7.0.15, and in those of other versions; what is broken is refused."""

from collections.abc import Sequence

import pytest

from respstore.keyspace.stream import Stream
from respstore.keyspace.stream_group import Consumer, Group, Pending
from respstore.keyspace.stream_node import MAX_NODE_BYTES
from respstore.persistence.rdb import listpack
from respstore.persistence.rdb.primitives import CorruptError, Reader, encode_length, encode_string
from respstore.persistence.rdb.streams import decode_stream, encode_stream

NODE = [2, 1, 1, b"f", 0, 2, 0, 0, b"v", 4, 3, 0, 2, b"w", 4, 0, 2, -1, 1, b"g", b"w", 6]
"""5-1 f v; 5-3 f w, deleted; 7-0 g w."""
FROM_REDIS = (
    b"\x01\x10\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x01\x39\x39\x00\x00\x00\x16\x00\x02\x01\x01"
    b"\x01\x01\x01\x81f\x02\x00\x01\x02\x01\x00\x01\x00\x01\x81v\x02\x04\x01\x03\x01\x00\x01\x02\x01\x81w\x02\x04\x01"
    b"\x00\x01\x02\x01\xdf\xff\x02\x01\x01\x81g\x02\x81w\x02\x06\x01\xff\x02\x07\x00\x05\x01\x05\x03\x03\x01\x01g\x05"
    b"\x01\x81\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x01"
    b"\xe8\x03\x00\x00\x00\x00\x00\x00\x02\x01\x01cf\x00\xee\x16\xa2\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x05"
    b"\x00\x00\x00\x00\x00\x00\x00\x01"
)
ENTRIES = [((5, 1), (b"f",), (b"v",)), ((7, 0), (b"g",), (b"w",))]


def described(stream: Stream) -> object:
    """All that is known of a stream, in a form that compares."""
    groups = {
        name: (
            group.last_id,
            group.entries_read,
            [(id_, pending.consumer.name, *pending[1:]) for id_, pending in group.pending.items((0, 0))],
            [(consumer.name, consumer.seen, consumer.has) for consumer in group.consumers.values()],
        )
        for name, group in stream.groups.items()
    }
    facts = (stream.length, stream.first_id, stream.last_id, stream.max_deleted_id, stream.entries_added)
    return list(stream), facts, groups


def stream_of(count: int, node_entries: int = 100) -> Stream:
    stream = Stream()
    for number in range(count):
        stream.append(((number + 1, 0), (b"f", b"g"), (b"%d" % number, b"x")), 10, MAX_NODE_BYTES, node_entries)
    return stream


def packed(*nodes: tuple[tuple[int, int], Sequence[listpack.Element]], rest: bytes) -> bytes:
    """A stream of some nodes, their lengths and what stands behind them."""
    data = encode_length(len(nodes))
    for (ms, sequence), elements in nodes:
        node = listpack.encode(elements)
        data += b"\x10" + ms.to_bytes(8, "big") + sequence.to_bytes(8, "big") + encode_length(len(node)) + node
    return data + rest


def test_what_redis_wrote() -> None:
    stream = decode_stream(Reader(FROM_REDIS), 2)
    consumers = [(b"c", 1_795_681_026_150, 1)]
    groups = {b"g": ((5, 1), None, [((5, 1), b"c", 1000, 2)], consumers)}
    assert described(stream) == (ENTRIES, (2, (5, 1), (7, 0), (5, 3), 3), groups)
    node = stream.nodes()[0]
    assert (node.live, node.total, node.last) == (2, 3, (7, 0))
    assert node.size == 0x39 - 2 * 2  # the two counters are not in it


def test_what_was_deleted_is_not_written() -> None:
    stream = decode_stream(Reader(FROM_REDIS), 2)
    again = decode_stream(Reader(encode_stream(stream, encode_string)), 2)
    assert described(again) == described(stream)
    assert again.nodes()[0].total == 2


def test_several_nodes_and_groups() -> None:
    stream = stream_of(1000)
    for name, last in ((b"all", 1000), (b"some", 7), (b"none", 0)):
        group = stream.groups[name] = Group((last, 0), last)
        for who in (b"ann", b"bob"):
            group.consumers[who] = Consumer(who, 123)
        for number in range(min(last, 20)):
            group.give((number + 1, 0), Pending(group.consumers[(b"ann", b"bob")[number % 2]], 1000 + number, 1))
    data = encode_stream(stream, encode_string)
    again = decode_stream(Reader(data), 2)
    assert described(again) == described(stream)
    assert [node.size for node in again.nodes()] == [node.size for node in stream.nodes()]
    assert encode_stream(again, encode_string) == data
    assert sum(node.columns is not None for node in stream.nodes()) <= 3  # to write it has not opened it


def ids_pending(stream: Stream) -> list[tuple[int, int]]:
    return [id_ for id_, _ in stream.groups[b"g"].pending.items((0, 0))]


def test_neither_to_write_nor_to_read_a_stream_leaves_open_what_its_groups_have() -> None:
    stream = stream_of(1000)
    group = stream.groups[b"g"] = Group((1000, 0), 1000)
    consumer = group.consumers[b"c"] = Consumer(b"c", 0)
    group.deliver([*range(1, 65)], [0] * 64, consumer, 0)
    stream.pack()
    size = group.pending_size()
    again = decode_stream(Reader(encode_stream(stream, encode_string)), 2)
    for each in (stream, again):
        assert not any(node.columns is not None for node in each.nodes())
        assert each.groups[b"g"].is_packed
        assert each.groups[b"g"].pending_size() == size
    assert ids_pending(again) == [(number, 0) for number in range(1, 65)]
    encode_stream(again, encode_string)
    assert not again.groups[b"g"].is_packed  # for it was not


def test_entries_that_were_delivered_together_share_what_tells_of_it_once_they_were_read() -> None:
    stream = stream_of(1000)
    group = stream.groups[b"g"] = Group((1000, 0), 1000)
    consumer = group.consumers[b"c"] = Consumer(b"c", 0)
    group.deliver([*range(1, 1001)], [0] * 1000, consumer, 0)
    size = group.pending_size()
    again = decode_stream(Reader(encode_stream(stream, encode_string)), 2).groups[b"g"]
    assert again.pending.get((1, 0)) is again.pending.get((1000, 0))
    assert again.pending_size() < 1.2 * size


def test_it_goes_on_after_reading() -> None:
    stream = decode_stream(Reader(encode_stream(stream_of(250), encode_string)), 2)
    stream.append(((1000, 0), (b"f", b"g"), (b"", b"")), 2, MAX_NODE_BYTES, 100)
    assert (stream.length, stream.node_count(), stream.last_id) == (251, 3, (1000, 0))
    assert stream.delete([(1, 0)]) == 1
    assert stream.first_id == (2, 0)


def test_an_empty_stream() -> None:
    stream = Stream()
    stream.last_id, stream.max_deleted_id, stream.entries_added = (9, 9), (9, 9), 5
    assert described(decode_stream(Reader(encode_stream(stream, encode_string)), 2)) == (
        [],
        (0, (0, 0), (9, 9), (9, 9), 5),
        {},
    )


def test_large_ids_and_differences_that_wrap_around() -> None:
    stream = Stream()
    top = 2**64 - 1
    for id_ in ((5, top), (6, 0), (top, top)):
        stream.append((id_, (b"f",), (b"v",)), 2, MAX_NODE_BYTES, 100)
    assert list(decode_stream(Reader(encode_stream(stream, encode_string)), 2)) == list(stream)


def test_redis_5() -> None:
    rest = b"\x02\x07\x00" + b"\x01\x01g\x07\x00\x00\x00"
    stream = decode_stream(Reader(packed(((5, 1), NODE), rest=rest)), 1)
    assert described(stream) == (ENTRIES, (2, (5, 1), (7, 0), (0, 0), 2), {b"g": ((7, 0), 2, [], [])})


def test_redis_7_2() -> None:
    group = b"\x01g\x07\x00\x02\x00\x01\x01c" + (1).to_bytes(8, "little") + (2).to_bytes(8, "little") + b"\x00"
    rest = b"\x02\x07\x00\x05\x01\x05\x03\x03\x01" + group
    stream = decode_stream(Reader(packed(((5, 1), NODE), rest=rest)), 3)
    assert described(stream)[2] == {b"g": ((7, 0), 2, [], [(b"c", 1, 0)])}  # type: ignore[index]


ID = (5).to_bytes(8, "big") + (1).to_bytes(8, "big")
TIME = bytes(8)
FACTS = b"\x02\x07\x00\x05\x01\x05\x03\x03"


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (packed(((5, 1), NODE), rest=b"\x03"), "another number of entries than it says"),
        (packed(((5, 1), NODE[:-3]), rest=FACTS), "ends within an entry"),
        (packed(((5, 1), [*NODE, 1]), rest=FACTS), "another number of entries than it says"),
        (packed(((5, 1), [1, 2, *NODE[2:]]), rest=FACTS), "another number of entries than it says"),
        (packed(((5, 1), [0, 3, *NODE[2:5], 3, 0, 0, b"v", 4] + [3, 0, 0, b"v", 4] * 2), rest=b""), "not in order"),
        (packed(((5, 1), [0, 0, 0, 0]), rest=FACTS), "another number of entries than it says"),
        (packed(((5, 1), [b"x", *NODE[1:]]), rest=FACTS), "a text in the place of a number"),
        (packed(((5, 1), [1, 0, *NODE[2:5], 2, 0, 0, b"v", 5]), rest=FACTS), "does not know where it begins"),
        (packed(((5, 1), [1, 0, 0, 0, 2, 0, 0, 3]), rest=FACTS), "has no fields"),
        (packed(((5, 1), [1, 0, *NODE[2:5], 0, 0, 0, 0, 4]), rest=FACTS), "has no fields"),
        (packed(((7, 0), NODE), ((5, 1), NODE), rest=FACTS), "nodes are not in order"),
        (b"\x01\x01a", "an id that is not 16 bytes long"),
        (packed(((5, 1), NODE), rest=FACTS + b"\x02" + b"\x01g\x00\x00\x00\x00\x00" * 2), "a group twice"),
        (
            packed(((5, 1), NODE), rest=FACTS + b"\x01\x01g\x00\x00\x00\x00\x02" + (b"\x01c" + TIME + b"\x00") * 2),
            "a consumer twice",
        ),
        (
            packed(((5, 1), NODE), rest=FACTS + b"\x01\x01g\x00\x00\x00\x00\x01\x01c" + TIME + b"\x01" + ID),
            "its group does not know",
        ),
        (
            packed(((5, 1), NODE), rest=FACTS + b"\x01\x01g\x00\x00\x00\x01" + ID + TIME + b"\x01\x00"),
            "no consumer has",
        ),
    ],
)
def test_broken_streams(data: bytes, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        decode_stream(Reader(data), 2)


def test_a_stream_cut_anywhere_is_refused() -> None:
    for length in range(len(FROM_REDIS)):
        with pytest.raises((ValueError, CorruptError)):
            decode_stream(Reader(FROM_REDIS[:length]), 2)
