"""Torch clients and Redis clients on one port, on both backends."""

import logging

import pytest

from respstore.protocol import tcpstore
from tests.server.serving import Client, Running, serving, settled, until
from tests.wire import CANCELED, PING, PONG, STOP, VALIDATE, number, operation, string


async def torch_client(running: Running) -> Client:
    client = await running.connect()
    await client.stream.send_all(VALIDATE + PING)
    assert await client.read(4) == PONG
    return client


async def test_the_first_byte_chooses_the_protocol(use_poller):
    async with serving(use_poller) as running:
        torch, redis = await torch_client(running), await running.connect()

        await torch.stream.send_all(operation(tcpstore.SET, b"/k", b"v") + operation(tcpstore.GET, b"/k"))
        assert await torch.read(9) == string(b"v")
        assert await redis.ask(b"GET k") == b"$1\r\nv\r\n"
        assert len(running.engine.sessions) == 2
        assert running.engine.statistics.connections == 2


async def test_a_greeting_byte_by_byte(use_poller):
    async with serving(use_poller) as running:
        torch = await running.connect()

        for byte in VALIDATE + PING:
            await torch.stream.send_all(bytes((byte,)))
            await settled()

        assert await torch.read(4) == PONG


async def test_a_zero_later_on_changes_nothing(use_poller):
    async with serving(use_poller) as running:
        redis, torch = await running.connect(), await torch_client(running)

        await redis.stream.send_all(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\n")
        await settled()
        await redis.stream.send_all(b"\0\0\r\n")
        assert await redis.line() == b"+OK\r\n"
        await torch.stream.send_all(operation(tcpstore.SET, b"/l", b"\0")[:-1])
        await settled()
        await torch.stream.send_all(b"\0" + PING)
        assert await torch.read(4) == PONG
        assert await redis.ask(b"GET l") == b"$1\r\n\0\r\n"


async def test_waits_that_others_end(use_poller):
    async with serving(use_poller) as running:
        torch, other, redis = await torch_client(running), await torch_client(running), await running.connect()

        await torch.stream.send_all(operation(tcpstore.WAIT, [b"/k"]))
        await until(lambda: len(running.engine.waiting) == 1)
        await redis.ask(b"SET k v")
        assert await torch.read(1) == STOP
        await torch.stream.send_all(operation(tcpstore.BARRIER, b"/b", 2))
        await until(lambda: len(running.engine.waiting) == 1)
        await other.stream.send_all(operation(tcpstore.BARRIER, b"/b", 2))
        assert await torch.read(1) == STOP
        assert await other.read(1) == STOP
        await torch.stream.send_all(operation(tcpstore.WAIT, [b"/never"]))
        await torch.stream.send_all(operation(tcpstore.CANCEL_WAIT))
        assert await torch.read(1) == CANCELED


async def test_takes_and_gives_the_largest_value(use_poller):
    value = bytes(range(256)) * (tcpstore.MAX_STRING // 256)
    async with serving(use_poller) as running:
        torch = await torch_client(running)

        await torch.stream.send_all(operation(tcpstore.SET, b"/k", value) + operation(tcpstore.GET, b"/k"))
        assert await torch.read(8) == number(len(value))
        assert await torch.read(len(value)) == value
        await torch.stream.send_all(b"\x01" + string(b"/k") + number(len(value) + 1))
        assert await torch.rest() == b""


@pytest.mark.parametrize("data", [b"\0GET", b"\0\xce\xf7\x85\x3c\xff", VALIDATE + b"\x06" + number(10**9)])
async def test_hostile_bytes_end_one_connection(use_poller, data, caplog):
    async with serving(use_poller) as running:
        hostile, other = await running.connect(), await torch_client(running)

        with caplog.at_level(logging.INFO):
            await hostile.stream.send_all(data + bytes(5))
            assert await hostile.rest() == b""
        await other.stream.send_all(PING)
        assert await other.read(4) == PONG
        assert [record.getMessage()[:14] for record in caplog.records] == ["closing client"]


async def test_a_client_that_leaves_waits_no_more(use_poller):
    async with serving(use_poller) as running:
        torch = await torch_client(running)

        await torch.stream.send_all(operation(tcpstore.WAIT, [b"/k"]))
        await until(lambda: len(running.engine.waiting) == 1)
        await torch.stream.aclose()
        await until(lambda: not len(running.engine.waiting))
        assert not running.engine.sessions


async def test_a_password_keeps_torch_clients_out(use_poller):
    async with serving(use_poller, requirepass=b"secret") as running:
        torch = await running.connect()

        await torch.stream.send_all(VALIDATE + PING)
        assert await torch.rest() == b""


async def test_who_waits_when_the_server_stops_hears_of_it(use_poller):
    async with serving(use_poller) as running:
        torch = await torch_client(running)

        await torch.stream.send_all(operation(tcpstore.WAIT, [b"/k"]))
        await until(lambda: len(running.engine.waiting) == 1)
        await running.stop()
        assert await torch.rest() == b""


async def test_a_client_that_does_not_read_is_cut_off(use_poller):
    async with serving(use_poller, client_query_buffer_limit=20 * 1024**2) as running:
        torch = await torch_client(running)
        await torch.stream.send_all(operation(tcpstore.SET, b"/k", bytes(tcpstore.MAX_STRING)))

        await torch.stream.send_all(operation(tcpstore.GET, b"/k") * 100)
        await until(lambda: not running.engine.sessions)
