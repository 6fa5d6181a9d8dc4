"""Ports for torch jobs, on both backends."""

import logging

import pytest
import trio

from respstore.config.values import TCPStorePort
from respstore.exceptions import ConfigError, PortInUseError
from respstore.protocol import tcpstore
from respstore.server.serve import Server
from tests.ports.strangers import holding
from tests.server.serving import Client, Running, make_config, serving, until
from tests.wire import PING, PONG, VALIDATE, number, operation


@pytest.fixture(autouse=True)
def no_questions(monkeypatch):
    monkeypatch.setattr("respstore.ports.listening.ANSWER_LIMIT", 0.01)


async def come(running: Running, port: int) -> Client:
    client = await running.connect(port)
    await client.stream.send_all(VALIDATE + PING)
    return client


def port_of(running: Running, name: bytes = b"job") -> int:
    return running.engine.namespaces.named[name].port


async def test_a_port_of_the_configuration(use_poller):
    async with serving(use_poller, tcpstore_port=(TCPStorePort(0, b"job", noauth=False),)) as running:
        torch, redis = await come(running, port_of(running)), await running.connect()

        assert await torch.read(4) == PONG
        await torch.stream.send_all(operation(tcpstore.SET, b"/k", b"v") + operation(tcpstore.GET_NUM_KEYS))
        assert await torch.read(8) == number(1)
        assert await redis.ask(b"GET job/k") == b"$1\r\nv\r\n"


async def test_a_port_that_is_opened_and_closed(use_poller):
    async with serving(use_poller) as running:
        redis = await running.connect()
        port = int((await redis.ask(b"C10D OPEN job"))[1:])
        torch = await come(running, port)
        assert await torch.read(4) == PONG

        assert await redis.ask(b"C10D CLOSE job") == b"+OK\r\n"
        assert await torch.rest() == b""
        with pytest.raises(ConnectionRefusedError):
            await running.connect(port)
        assert int((await redis.ask(b"C10D OPEN job PORT %d" % port))[1:]) == port
        assert await (await come(running, port)).read(4) == PONG


async def test_redis_is_not_spoken_there(use_poller, caplog):
    async with serving(use_poller, tcpstore_port=(TCPStorePort(0, b"job", noauth=False),)) as running:
        with caplog.at_level(logging.INFO):
            client = await running.connect(port_of(running))
            await client.send(b"PING")
            assert await client.rest() == b""
        assert [record.getMessage()[:14] for record in caplog.records] == ["closing client"]


async def test_where_a_password_is_required(use_poller, caplog):
    ports = TCPStorePort(0, b"job", noauth=False), TCPStorePort(0, b"open", noauth=True)
    async with serving(use_poller, requirepass=b"secret", tcpstore_port=ports) as running:
        with caplog.at_level(logging.INFO):
            client = await running.connect(port_of(running))
            assert await client.rest() == b""
        assert "is not served: it speaks the protocol of torch's TCPStore, which has no passwords" in caplog.text
        assert await (await come(running, port_of(running, b"open"))).read(4) == PONG


async def test_where_the_default_user_may_not_do_everything(use_poller, caplog):
    ports = TCPStorePort(0, b"job", noauth=False), TCPStorePort(0, b"open", noauth=True)
    async with serving(use_poller, tcpstore_port=ports) as running:
        running.engine.acl.change(b"default", [b"-get"])
        with caplog.at_level(logging.INFO):
            client = await running.connect(port_of(running))
            assert await client.rest() == b""
        assert "which has no users, and the default user may not do everything here" in caplog.text
        assert await (await come(running, port_of(running, b"open"))).read(4) == PONG


async def test_too_many_clients(use_poller):
    async with serving(use_poller, maxclients=1, tcpstore_port=(TCPStorePort(0, b"job", noauth=True),)) as running:
        first = await come(running, port_of(running))
        assert await first.read(4) == PONG
        second = await running.connect(port_of(running))
        assert await second.rest() == b""
        assert running.engine.statistics.rejected_connections == 1


async def test_the_last_client_that_leaves(use_poller):
    async with serving(use_poller, tcpstore_namespace_ttl=60) as running:
        redis = await running.connect()
        await redis.ask(b"C10D OPEN job")
        torch = await come(running, port_of(running))
        await torch.stream.send_all(operation(tcpstore.SET, b"/k", b"v"))
        namespace = running.engine.namespaces.named[b"job"]
        await until(lambda: running.engine.keyspace.databases[0].data)
        assert namespace.expires is None
        await torch.stream.aclose()
        await until(lambda: namespace.expires is not None)


async def test_a_port_that_is_taken(use_poller):
    with holding("127.0.0.1") as sock:
        port = sock.getsockname()[1]
        server = Server(make_config(tcpstore_port=(TCPStorePort(port, b"job", noauth=False),)), use_poller)
        with pytest.raises(PortInUseError):
            server.listen()
        async with serving(use_poller) as running:
            redis = await running.connect()
            assert (await redis.ask(b"C10D OPEN job PORT %d" % port)).startswith(
                b"-ERR namespace 'job' can't be opened: "
            )
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            await nursery.start(server.run)
            server.stopping.set()


@pytest.mark.parametrize("names", [(b"job", b"job"), (b"", b""), (b"job", b"job/1")])
def test_namespaces_that_cannot_be_told_apart(names):
    server = Server(make_config(tcpstore_port=tuple(TCPStorePort(0, name, noauth=False) for name in names)))

    with pytest.raises(ConfigError) as caught:
        server.listen()
    assert caught.value.directive == "tcpstore-port"


async def test_without_an_address_there_is_no_port(use_poller, tmp_path):
    async with serving(use_poller, bind=(), unixsocket=tmp_path / "s") as running:
        redis = await running.connect()
        reply = await redis.ask(b"C10D OPEN job")
        assert reply == b"-ERR namespace 'job' can't be opened: there is no address to listen on: see 'bind'\r\n"
