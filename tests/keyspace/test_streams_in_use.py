"""When streams are packed that nobody works with any more."""

from respstore.keyspace.stream import Stream
from respstore.keyspace.streams_in_use import PACKED_AT_ONCE, StreamsInUse


def stream_of(*numbers: int) -> Stream:
    stream = Stream()
    for number in numbers:
        stream.append(((number, 0), (b"field",), (b"value",)), 10, 4096, 100)
    return stream


def is_packed(stream: Stream) -> bool:
    return all(node.columns is None for node in stream.nodes())


def test_a_stream_stays_open_for_a_moment() -> None:
    streams, stream = StreamsInUse(), stream_of(1, 2)
    streams.add(stream)
    streams.pack_unused()
    assert stream.is_in_use
    assert not is_packed(stream)
    streams.pack_unused()
    assert not stream.is_in_use
    assert is_packed(stream)
    assert not streams


def test_so_many_are_packed_at_once_at_most() -> None:
    streams = StreamsInUse()
    many = [stream_of(1) for _ in range(PACKED_AT_ONCE + 1)]
    for stream in many:
        streams.add(stream)
    streams.pack_unused()
    streams.pack_unused()
    assert [is_packed(stream) for stream in many] == [True] * PACKED_AT_ONCE + [False]
    streams.pack_unused()
    assert is_packed(many[-1])


def test_who_is_forgotten_can_be_added_again() -> None:
    streams, stream = StreamsInUse(), stream_of(1)
    streams.add(stream)
    streams.pack_unused()
    streams.clear()
    streams.pack_unused()
    assert not stream.is_in_use
    assert not is_packed(stream)
    streams.add(stream)
    streams.pack_unused()
    streams.pack_unused()
    assert is_packed(stream)
