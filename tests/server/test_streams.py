"""The portable backend on trio's memory streams: any stream will do, and the peer decides how bytes come and go."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import trio
import trio.testing

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from respstore.server.backends import Backends
from respstore.server.streams import WRITE_BYTES, Streams
from tests.talk import array, make_engine, request

Pair = tuple[trio.StapledStream, Session]


@pytest.fixture
async def streams(nursery, engine: Engine) -> AsyncIterator[Streams]:
    backends = Backends(engine, use_poller=False, dedicated=False)
    await nursery.start(backends.run)
    backend = backends._streams
    yield backend
    backends.close()


def connect(streams: Streams) -> Pair:
    near, far = trio.testing.memory_stream_pair()
    session = Session(streams._engine)
    streams.add_stream(far, session)
    return near, session


class Slow(trio.abc.HalfCloseableStream):
    """A stream on which `before_sending` happens before each send_all()."""

    def __init__(self, stream: trio.StapledStream, before_sending: Callable[[bytes], Awaitable[None]]) -> None:
        self.stream = stream
        self.before_sending = before_sending

    async def send_all(self, data):
        await self.before_sending(data)
        await self.stream.send_all(data)

    async def receive_some(self, max_bytes=None):
        return await self.stream.receive_some(max_bytes)

    async def wait_send_all_might_not_block(self):
        await self.stream.wait_send_all_might_not_block()

    async def send_eof(self):
        await self.stream.send_eof()

    async def aclose(self):
        await self.stream.aclose()


async def take_nothing(data):
    await trio.sleep_forever()


async def received(near: trio.StapledStream) -> bytes:
    """What has come by now."""
    await trio.testing.wait_all_tasks_blocked()
    return bytes(await near.receive_some()) if near.receive_stream._incoming._data else b""


async def test_answers_whole_requests_and_parts_of_them(streams):
    near, _ = connect(streams)

    await near.send_all(request(b"ECHO 1") + request(b"ECHO 2") + request(b"ECHO 3")[:9])
    assert await received(near) == b"$1\r\n1\r\n$1\r\n2\r\n"
    await near.send_all(request(b"ECHO 3")[9:])
    assert await received(near) == b"$1\r\n3\r\n"


async def test_answers_who_sends_a_byte_at_a_time(streams):
    near, _ = connect(streams)

    for byte in request(b"SET", b"k", b"v\r\n") + request(b"GET k"):
        await near.send_all(bytes((byte,)))

    assert await received(near) == b"+OK\r\n$3\r\nv\r\n\r\n"


async def test_sends_what_others_release(streams):
    (waiter, _), (other, _) = connect(streams), connect(streams)
    await waiter.send_all(request(b"BLPOP q 0"))
    assert await received(waiter) == b""

    await other.send_all(request(b"RPUSH q job"))

    assert await received(other) == b":1\r\n"
    assert await received(waiter) == array(b"q", b"job")


async def test_sends_the_last_replies_to_who_sends_no_more(streams):
    near, session = connect(streams)
    await near.send_all(request(b"PING"))
    await near.send_stream.aclose()

    assert await received(near) == b"+PONG\r\n"
    assert await near.receive_some() == b""
    assert session.is_closing
    assert len(streams) == 0


async def test_forgets_the_wait_of_who_is_gone(streams, engine):
    near, _ = connect(streams)
    await near.send_all(request(b"BLPOP q 0"))
    await trio.testing.wait_all_tasks_blocked()
    assert len(engine.waiting) == 1

    await near.aclose()
    await trio.testing.wait_all_tasks_blocked()

    assert len(engine.waiting) == 0
    assert engine.sessions == {}


async def test_a_broken_stream_is_the_end_of_a_connection_and_no_problem(streams, engine, caplog):
    near, _ = connect(streams)
    await near.receive_stream.aclose()
    await near.send_all(request(b"PING"))
    await trio.testing.wait_all_tasks_blocked()

    assert engine.sessions == {}
    assert caplog.records == []


async def test_closes_after_quit(streams):
    near, _ = connect(streams)

    await near.send_all(request(b"PING") + request(b"QUIT") + request(b"PING"))

    assert await received(near) == b"+PONG\r\n+OK\r\n"
    assert await near.receive_some() == b""


async def test_sends_large_replies_in_parts(streams, engine):
    sizes = []
    near, far = trio.testing.memory_stream_pair()

    async def note(data):
        sizes.append(len(data))

    streams.add_stream(Slow(far, note), Session(engine))
    value = bytes(range(256)) * 1024
    await near.send_all(request(b"ECHO", value))

    assert await received(near) == b"$%d\r\n%b\r\n" % (len(value), value)
    assert max(sizes) == WRITE_BYTES


async def test_who_is_aborted_goes_at_once(streams, engine):
    near, far = trio.testing.memory_stream_pair()
    session = Session(engine)
    streams.add_stream(Slow(far, take_nothing), session)
    await near.send_all(request(b"PING"))
    await trio.testing.wait_all_tasks_blocked()
    assert session.unsent == 7

    session.abort()
    streams._flush_touched()

    assert await near.receive_some() == b""
    assert len(streams) == 0


async def test_who_takes_nothing_of_its_last_replies_goes(streams, engine, monkeypatch):
    monkeypatch.setattr("respstore.server.output.STUCK_SECONDS", 0.0)
    near, far = trio.testing.memory_stream_pair()
    streams.add_stream(Slow(far, take_nothing), Session(engine))
    await near.send_all(request(b"QUIT"))
    await trio.testing.wait_all_tasks_blocked()
    assert len(streams) == 1

    streams.drop_stuck()
    streams.drop_stuck()

    assert await near.receive_some() == b""


async def test_drains_what_is_unsent_and_runs_nothing_more(streams, engine, nursery):
    near, far = trio.testing.memory_stream_pair()
    gate = trio.Event()

    async def wait(data):
        await gate.wait()

    streams.add_stream(Slow(far, wait), Session(engine))
    await near.send_all(request(b"PING"))
    await trio.testing.wait_all_tasks_blocked()

    nursery.start_soon(streams.drain)
    await trio.testing.wait_all_tasks_blocked()
    await near.send_all(request(b"SET k v"))
    await trio.testing.wait_all_tasks_blocked()
    gate.set()

    assert await near.receive_some() == b"+PONG\r\n"
    assert await near.receive_some() == b""
    assert engine.keyspace.databases[0].data == {}
    await near.send_stream.aclose()
    await trio.testing.wait_all_tasks_blocked()
    assert len(streams) == 0


async def test_drains_a_stream_that_cannot_close_one_half(streams, engine):
    near, far = trio.testing.memory_stream_pair()

    class Whole(trio.abc.Stream):
        send_all, wait_send_all_might_not_block = far.send_all, far.wait_send_all_might_not_block
        receive_some, aclose = far.receive_some, far.aclose

    streams.add_stream(Whole(), Session(engine))
    await near.send_all(request(b"PING"))
    await trio.testing.wait_all_tasks_blocked()

    await streams.drain()

    assert await received(near) == b"+PONG\r\n"
    assert await near.receive_some() == b""


async def test_drains_although_others_left_before(streams):
    first, _ = connect(streams)
    await first.aclose()
    await trio.testing.wait_all_tasks_blocked()
    second, _ = connect(streams)
    await second.send_all(request(b"PING"))
    await trio.testing.wait_all_tasks_blocked()

    with trio.move_on_after(0) as too_soon:
        await streams.drain()

    assert too_soon.cancelled_caught


async def test_draining_nobody_takes_no_time(streams):
    with trio.fail_after(0):
        await streams.drain()


async def test_ends_who_stays_silent_when_it_drains(streams, autojump_clock):
    near, session = connect(streams)

    with trio.fail_after(1):
        await streams.drain()

    assert session.is_closing
    assert await near.receive_some() == b""


async def test_wants_to_run_before_it_serves():
    engine = make_engine()
    _, far = trio.testing.memory_stream_pair()

    with pytest.raises(RuntimeError, match="does not run yet"):
        Streams(engine, lambda: None).add_stream(far, Session(engine))
