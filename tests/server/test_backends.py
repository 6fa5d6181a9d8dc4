"""What peers do to a server, on both of its backends: each behaves as Redis does, and as the other does."""

import contextlib
import logging
import socket

import pytest
import trio

from respstore.config.values import BufferLimit, BufferLimits
from respstore.server import output
from respstore.server.poller import Poller
from tests.server.serving import MB, noise, open_stream, serving, settled, until
from tests.talk import array, request


def limits(hard: int, soft: int = 0, soft_seconds: int = 0) -> BufferLimits:
    other = BufferLimit(0, 0, 0)
    return BufferLimits(normal=BufferLimit(hard, soft, soft_seconds), slave=other, pubsub=other)


async def test_the_first_connection_is_served_by_the_chosen_one(use_poller):
    async with serving(use_poller) as running:
        await (await running.connect()).ask(b"PING")
        backends = running.server._backend

        assert isinstance(backends.plain, Poller) == use_poller
        assert len(backends.plain) == len(backends) == 1


# Requests as they come


async def test_answers_a_request(use_poller):
    async with serving(use_poller) as running:
        client = await running.connect()

        assert await client.ask(b"PING") == b"+PONG\r\n"
        assert await client.ask(b"SET", b"k", b"a value") == b"+OK\r\n"
        assert await client.ask(b"GET", b"k") == b"$7\r\na value\r\n"


async def test_answers_a_pipeline_in_order(use_poller):
    async with serving(use_poller) as running:
        client = await running.connect()
        numbers = range(5000)

        await client.stream.send_all(b"".join(request(b"ECHO", b"%d" % n) for n in numbers))

        expected = b"".join(b"$%d\r\n%d\r\n" % (len(str(n)), n) for n in numbers)
        assert await client.read(len(expected)) == expected


async def test_answers_who_sends_a_byte_at_a_time(use_poller):
    async with serving(use_poller) as running:
        slow, other = await running.connect(), await running.connect()

        for byte in request(b"SET", b"k", b"v\r\n*") + b"PING hello\r\n" + request(b"GET", b"k"):
            await slow.stream.send_all(bytes((byte,)))
            assert await other.ask(b"PING") == b"+PONG\r\n"

        assert await slow.read(26) == b"+OK\r\n$5\r\nhello\r\n$4\r\nv\r\n*\r\n"[:26]


@pytest.mark.parametrize(
    "size", [MB, *(pytest.param(n * MB, marks=pytest.mark.slow) for n in (16, 100))], ids="{}".format
)
async def test_takes_and_gives_large_values(use_poller, size):
    value = noise(MB) * (size // MB)
    async with serving(use_poller) as running:
        client = await running.connect()

        await client.stream.send_all(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n" % size)
        await client.stream.send_all(value)
        await client.stream.send_all(b"\r\n")
        assert await client.line() == b"+OK\r\n"

        await client.send(b"GET k")
        assert await client.line() == b"$%d\r\n" % size
        for start in range(0, size, MB):
            assert await client.read(MB) == value[start : start + MB]
        assert await client.read(2) == b"\r\n"
        assert await client.ask(b"PING") == b"+PONG\r\n"


async def test_a_pipeline_of_slow_requests_holds_up_nobody_else(use_poller):
    async with serving(use_poller, enable_debug_command="yes") as running:
        slow, other = await running.connect(), await running.connect()

        await slow.stream.send_all(request(b"DEBUG SLEEP 0.003") * 100 + request(b"SET finished 1"))
        assert await slow.line() == b"+OK\r\n"

        assert await other.ask(b"EXISTS finished") == b":0\r\n"
        assert await slow.read(5 * 100) == b"+OK\r\n" * 100
        assert await other.ask(b"EXISTS finished") == b":1\r\n"


async def test_releases_who_waits_in_the_turn_of_who_pushes(use_poller):
    async with serving(use_poller) as running:
        waiters = [await running.connect() for _ in range(20)]
        for waiter in waiters:
            await waiter.send(b"BLPOP q 0")
        client = await running.connect()
        await until(lambda: len(running.engine.waiting) == 20)

        await client.send(b"RPUSH q " + b" ".join(b"%d" % n for n in range(20)))

        for n, waiter in enumerate(waiters):
            expected = array(b"q", b"%d" % n)
            assert await waiter.read(len(expected)) == expected


async def test_ends_a_wait_at_its_deadline(use_poller):
    async with serving(use_poller) as running:
        client = await running.connect()

        await client.send(b"BLPOP q 0.01")

        assert await client.read(5) == b"*-1\r\n"


async def test_serves_others_while_one_floods(use_poller):
    async with serving(use_poller) as running, trio.open_nursery() as nursery:
        flooder, other = await running.connect(), await running.connect()
        flood = request(b"PING") * 5000

        async def send() -> None:
            while True:
                await flooder.stream.send_all(flood)

        async def read() -> None:
            while await flooder.stream.receive_some(MB):
                pass

        nursery.start_soon(send)
        nursery.start_soon(read)
        for _ in range(5):
            with trio.fail_after(2):  # it takes some milliseconds; the machine may be busy with more than this test
                assert await other.ask(b"PING") == b"+PONG\r\n"
        nursery.cancel_scope.cancel()


# Barriers


async def test_releases_a_barrier_in_the_turn_of_who_comes_last(use_poller):
    async with serving(use_poller) as running:
        waiters = [await running.connect() for _ in range(20)]
        for rank, waiter in enumerate(waiters):
            await waiter.send(b"BARRIER b 21 MEMBER %d" % rank)
            await until(lambda: len(running.engine.waiting) == rank + 1)  # noqa: B023 - it is awaited at once
        last = await running.connect()

        await last.send(b"BARRIER b 21")

        for index, client in enumerate([*waiters, last]):
            expected = b"*2\r\n:0\r\n:%d\r\n" % index
            assert await client.read(len(expected)) == expected
        assert running.engine.waiting.barriers == {}


async def test_names_who_is_missing_at_the_deadline(use_poller):
    async with serving(use_poller) as running:
        patient, other = await running.connect(), await running.connect()
        await patient.send(b"BARRIER b 3 MEMBER 2")
        await until(lambda: len(running.engine.waiting) == 1)

        reply = await other.ask(b"BARRIER b 3 MEMBER 0 TIMEOUT 0.01")

        assert reply.startswith(b"-TIMEOUT barrier 'b' epoch 0: 2 of 3 arrived after 0.0")
        assert reply.endswith(b"s; missing: 1\r\n")
        assert len(running.engine.waiting) == 1


@pytest.mark.parametrize("end", ["close", "reset", "kill"])
async def test_who_goes_has_not_arrived(use_poller, end):
    async with serving(use_poller) as running:
        waiter, session = await running.connect_session()
        other = await running.connect()
        await waiter.send(b"BARRIER b 2 MEMBER 0")
        await until(lambda: len(running.engine.waiting) == 1)

        if end == "close":
            await waiter.stream.aclose()
        elif end == "reset":
            waiter.reset()
        else:
            assert await other.ask(b"CLIENT KILL ID %d" % session.id) == b":1\r\n"
        await until(lambda: len(running.engine.sessions) == 1)

        assert running.engine.waiting.barriers == {}
        await other.send(b"BARRIER b 2 MEMBER 0")
        again = await running.connect()
        await until(lambda: len(running.engine.waiting) == 1)
        await again.send(b"BARRIER b 2 MEMBER 1")
        assert await other.read(12) == b"*2\r\n:0\r\n:0\r\n"


async def test_wakes_who_waits_at_a_barrier_that_is_reset(use_poller):
    async with serving(use_poller) as running:
        waiter, other = await running.connect(), await running.connect()
        await waiter.send(b"BARRIER b 2")
        await until(lambda: len(running.engine.waiting) == 1)

        assert await other.ask(b"BARRIERRESET", b"b", b"rank 3 failed") == b":1\r\n"

        assert await waiter.line() == b"-BROKENBARRIER barrier 'b' was reset: rank 3 failed\r\n"
        assert await waiter.ask(b"PING") == b"+PONG\r\n"


async def test_tells_who_waits_that_it_stops(use_poller):
    async with serving(use_poller) as running:
        at_barrier, for_key = await running.connect(), await running.connect()
        await at_barrier.send(b"BARRIER b 2")
        await for_key.send(b"BGET k 0")
        await until(lambda: len(running.engine.waiting) == 2)

        await running.stop()

        assert await at_barrier.rest() == b"-ERR the server is shutting down\r\n"
        assert await for_key.rest() == b"-ERR the server is shutting down\r\n"


# Peers that do not read


async def test_keeps_all_replies_for_a_slow_reader(use_poller):
    async with serving(use_poller) as running:
        client, session = await running.connect_session()
        value = noise(MB)
        assert await client.ask(b"SET", b"k", value) == b"+OK\r\n"

        await client.stream.send_all(request(b"GET k") * 40 + request(b"PING") * 1000)
        await settled()
        assert session.unsent > 20 * MB
        other = await running.connect()
        assert await other.ask(b"PING") == b"+PONG\r\n"

        reply = b"$%d\r\n%b\r\n" % (MB, value)
        for _ in range(40):
            assert await client.read(len(reply)) == reply
        assert await client.read(7000) == b"+PONG\r\n" * 1000
        await until(lambda: session.unsent == 0)


async def test_hangs_up_on_a_reader_beyond_the_hard_limit(use_poller, caplog):
    async with serving(use_poller, client_output_buffer_limit=limits(hard=8 * MB)) as running:
        client = await running.connect()
        assert await client.ask(b"SET", b"k", bytes(MB)) == b"+OK\r\n"

        for _ in range(40):
            with contextlib.suppress(trio.BrokenResourceError):
                await client.send(b"GET k")
            await settled()

        assert running.engine.sessions == {}
        assert len(await client.rest()) < 16 * MB
        assert await (await running.connect()).ask(b"PING") == b"+PONG\r\n"
    assert [record.message for record in caplog.records if "unread" in record.message] == [
        record.message for record in caplog.records if record.levelno == logging.WARNING
    ]
    assert len([record for record in caplog.records if record.levelno == logging.WARNING]) == 1


async def test_hangs_up_on_who_asks_at_once_for_more_than_the_hard_limit_though_it_reads(use_poller):
    async with serving(use_poller, client_output_buffer_limit=limits(hard=100_000)) as running:
        client = await running.connect()
        assert await client.ask(b"SET", b"k", bytes(99_000)) == b"+OK\r\n"
        assert len(await client.ask(b"GET k")) == 99_010

        await client.stream.send_all(request(b"GET k") * 2)

        assert await client.rest() == b""
        await until(lambda: not running.engine.sessions)


async def test_hangs_up_on_a_reader_beyond_the_soft_limit_though_nothing_more_is_asked(use_poller):
    async with serving(use_poller, client_output_buffer_limit=limits(hard=0, soft=MB)) as running:
        client = await running.connect()
        assert await client.ask(b"SET", b"k", bytes(MB)) == b"+OK\r\n"

        await client.stream.send_all(request(b"GET k") * 20)

        await until(lambda: not running.engine.sessions)
        assert len(running.server._backend) == 0


async def test_leaves_a_fast_reader_alone_whatever_the_limits(use_poller):
    async with serving(use_poller, client_output_buffer_limit=limits(hard=8 * MB, soft=MB)) as running:
        client = await running.connect()
        assert await client.ask(b"SET", b"k", bytes(64 * 1024)) == b"+OK\r\n"

        for _ in range(200):
            assert len(await client.ask(b"GET k")) == 64 * 1024 + 10

        assert await client.ask(b"PING") == b"+PONG\r\n"


async def test_lets_a_client_go_that_quits_and_does_not_read(use_poller, monkeypatch):
    monkeypatch.setattr(output, "STUCK_SECONDS", 0.0)
    async with serving(use_poller) as running:
        client = await running.connect()
        assert await client.ask(b"SET", b"k", bytes(MB)) == b"+OK\r\n"

        await client.stream.send_all(request(b"GET k") * 20 + request(b"QUIT"))

        await until(lambda: not running.engine.sessions)
        await until(lambda: not len(running.server._backend))


async def test_kills_a_client_that_does_not_read(use_poller):
    async with serving(use_poller) as running:
        client, session = await running.connect_session()
        assert await client.ask(b"SET", b"k", bytes(MB)) == b"+OK\r\n"
        await client.stream.send_all(request(b"GET k") * 20)
        await until(lambda: session.unsent)
        other = await running.connect()

        assert await other.ask(b"CLIENT KILL ID %d" % session.id) == b":1\r\n"

        await until(lambda: len(running.server._backend) == 1)
        await client.rest()


# Peers that go


async def test_sends_all_replies_to_who_has_closed_the_sending_half(use_poller):
    async with serving(use_poller) as running:
        client = await running.connect()
        assert await client.ask(b"SET", b"k", noise(MB)) == b"+OK\r\n"

        await client.stream.send_all(request(b"GET k") * 10 + request(b"PING"))
        await client.stream.send_eof()
        await settled()

        replies = await client.rest()
        assert replies == (b"$%d\r\n%b\r\n" % (MB, noise(MB))) * 10 + b"+PONG\r\n"
        await until(lambda: not len(running.server._backend))


async def test_forgets_the_wait_of_who_goes(use_poller):
    async with serving(use_poller) as running:
        waiter, other = await running.connect(), await running.connect()
        await waiter.send(b"BLPOP q 0")
        await until(lambda: len(running.engine.waiting) == 1)

        await waiter.stream.aclose()
        await until(lambda: len(running.engine.sessions) == 1)

        assert len(running.engine.waiting) == 0
        assert await other.ask(b"RPUSH q job") == b":1\r\n"
        assert await other.ask(b"LLEN q") == b":1\r\n"


@pytest.mark.parametrize("sent", [b"", b"PI", b"BLPOP q 0\r\n", b"MULTI\r\nSET k v\r\n"])
async def test_survives_a_reset(use_poller, sent):
    async with serving(use_poller) as running:
        client = await running.connect()
        await client.stream.send_all(sent)
        await until(lambda: len(running.engine.sessions) == 1)

        client.reset()

        await until(lambda: not running.engine.sessions)
        assert len(running.server._backend) == 0
        assert await (await running.connect()).ask(b"EXISTS k") == b":0\r\n"


async def test_survives_a_reset_by_who_has_replies_to_come(use_poller):
    async with serving(use_poller) as running:
        client, session = await running.connect_session()
        assert await client.ask(b"SET", b"k", bytes(MB)) == b"+OK\r\n"
        await client.stream.send_all(request(b"GET k") * 20)
        await until(lambda: session.unsent)

        client.reset()

        await until(lambda: not running.engine.sessions)
        assert len(running.server._backend) == 0


async def test_closes_after_the_replies_to_all_that_came_before_quit(use_poller):
    async with serving(use_poller) as running:
        client = await running.connect()

        await client.stream.send_all(b"ECHO 1\r\nECHO 2\r\nQUIT\r\nECHO 3\r\n")

        assert await client.rest() == b"$1\r\n1\r\n$1\r\n2\r\n+OK\r\n"


async def test_says_what_was_wrong_before_it_closes(use_poller):
    async with serving(use_poller) as running:
        client = await running.connect()

        await client.stream.send_all(b"PING\r\n*1\r\n:1\r\n")

        assert await client.rest() == b"+PONG\r\n-ERR Protocol error: expected '$', got ':'\r\n"


# Many


@pytest.mark.slow
async def test_releases_a_thousand_clients_at_once(use_poller, many_files):
    async with serving(use_poller) as running:
        with contextlib.ExitStack() as sockets:
            clients = []
            for _ in range(10):
                address = "127.0.0.1", running.address.port
                clients += [sockets.enter_context(socket.create_connection(address)) for _ in range(100)]
                await settled()
            for number, client in enumerate(clients):
                client.sendall(b"BGET b 0\r\n" if number % 2 else b"BARRIER b 501\r\n")
                if number % 100 == 99:
                    await settled()
            await until(lambda: len(running.engine.waiting) == 1000)
            last = await running.connect()

            assert await last.ask(b"BARRIER b 501") == b"*2\r\n"
            await settled()  # whoever comes last may be answered first

            replies = [client.recv(64) for client in clients]
            assert replies[1::2] == [array(b"1")] * 500
            assert sorted(replies[::2]) == sorted(b"*2\r\n:0\r\n:%d\r\n" % index for index in range(500))


@pytest.mark.slow
async def test_a_message_reaches_a_thousand_subscribers_in_one_turn(use_poller, many_files):
    async with serving(use_poller) as running:
        with contextlib.ExitStack() as sockets:
            clients = []
            for _ in range(10):
                address = "127.0.0.1", running.address.port
                clients += [sockets.enter_context(socket.create_connection(address)) for _ in range(100)]
                await settled()
            for client in clients:
                client.sendall(b"SUBSCRIBE c\r\n")
            await until(lambda: len(running.engine.channels.channels.get(b"c", ())) == 1000)
            await settled()
            for client in clients:
                client.recv(64)
            publisher = await running.connect()
            turns = running.engine.statistics.reads

            assert await publisher.ask(b"PUBLISH c x") == b":1000\r\n"
            await settled()

            message = array(b"message", b"c", b"x")
            assert [client.recv(64) for client in clients] == [message] * 1000
            assert running.engine.statistics.reads == turns + 1


@pytest.mark.slow
async def test_serves_two_thousand_clients(use_poller, many_files):
    async with serving(use_poller) as running:
        with contextlib.ExitStack() as sockets:
            clients = []
            for _ in range(10):
                address = "127.0.0.1", running.address.port
                clients += [sockets.enter_context(socket.create_connection(address)) for _ in range(200)]
                await settled()
            for number, client in enumerate(clients, start=1):
                client.sendall(b"INCR counter\r\n")
                if number % 100 == 0:
                    await settled()

            replies = [client.recv(64) for client in clients]

            assert sorted(replies) == sorted(b":%d\r\n" % number for number in range(1, 2001))
            assert len(running.engine.sessions) == len(running.server._backend) == 2000
        await until(lambda: not len(running.server._backend))
    assert running.engine.statistics.connections == 2000


async def test_accepts_all_who_came_before_it_served(use_poller):
    async with serving(use_poller, tcp_backlog=200) as running, trio.open_nursery() as nursery:

        async def ask() -> None:
            stream = await open_stream(running.address.port)
            await stream.send_all(b"PING\r\n")
            assert await stream.receive_some() == b"+PONG\r\n"
            await stream.aclose()

        for _ in range(200):
            nursery.start_soon(ask)


# Bugs


class BugError(Exception):
    pass


async def test_a_bug_ends_one_connection_and_no_more(use_poller, monkeypatch, caplog):
    async with serving(use_poller) as running:
        (victim, session), other = await running.connect_session(), await running.connect()
        receive_data = type(session).receive_data

        def fail(self, data):
            if self is session:
                raise BugError
            receive_data(self, data)

        monkeypatch.setattr(type(session), "receive_data", fail)
        await victim.send(b"PING")

        assert await victim.rest() == b""
        assert await other.ask(b"PING") == b"+PONG\r\n"
        assert len(running.engine.sessions) == 1
    bugs = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [record.message[:4] for record in bugs] == ["bug:"]
    assert "BugError" in caplog.text


async def test_a_bug_in_a_reply_ends_one_connection_and_no_more(use_poller, monkeypatch, caplog):
    async with serving(use_poller) as running:
        (victim, session), other = await running.connect_session(), await running.connect()
        data_to_send = type(session).data_to_send

        def fail(self):
            if self is session:
                raise BugError
            return data_to_send(self)

        monkeypatch.setattr(type(session), "data_to_send", fail)
        await victim.send(b"PING")

        assert await victim.rest() == b""
        assert await other.ask(b"PING") == b"+PONG\r\n"
    assert "BugError" in caplog.text
