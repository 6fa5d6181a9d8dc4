"""redis-py's own cache and its asyncio client on both servers.

The cache asks the server for its version and refuses Redis 7.0, and so respstore, which says to be like it. To show
that it works all the same, the tests lower that one number.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
import redis
import redis.asyncio
import redis.connection
from redis.cache import CacheConfig

from compat.patience import until
from compat.servers import RunningServer


@pytest.fixture
def client(server: RunningServer) -> Iterator[redis.Redis]:
    with server.client(decode_responses=True) as client:
        client.flushall()
        yield client


def test_redis_py_caches_nothing_of_redis_7_0(server: RunningServer) -> None:
    with pytest.raises(redis.ConnectionError, match=r"client-side caching is supported by Redis 7\.4 or later"):
        server.client(protocol=3, cache_config=CacheConfig()).ping()


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets redis-py's cache be used with Redis 7.0, which tells of changes as 7.4 does."""
    monkeypatch.setattr(redis.connection.CacheProxyConnection, "MIN_ALLOWED_VERSION", "7.0.0")


def test_what_was_read_is_kept_until_it_changes(server: RunningServer, client: redis.Redis, allowed: None) -> None:
    with server.client(protocol=3, cache_config=CacheConfig(), decode_responses=True) as cached:
        client.set("cached", "1")
        assert cached.get("cached") == "1"
        asked = times_asked(client)
        assert cached.get("cached") == "1"
        assert times_asked(client) == asked
        client.set("cached", "2")
        until(lambda: cached.get("cached") == "2")
        assert times_asked(client) == asked + 1
        client.flushall()
        until(lambda: cached.get("cached") is None)
        client.hset("person", mapping={"name": "Ada"})
        assert cached.hgetall("person") == {"name": "Ada"}
        client.hset("person", "name", "Grace")
        until(lambda: cached.hgetall("person") == {"name": "Grace"})


def test_a_key_that_expires_leaves_the_cache(server: RunningServer, client: redis.Redis, allowed: None) -> None:
    with server.client(protocol=3, cache_config=CacheConfig(), decode_responses=True) as cached:
        client.set("cached", "1", px=20)
        assert cached.get("cached") == "1"
        until(lambda: cached.get("cached") is None)


@pytest.mark.parametrize("protocol", [2, 3])
def test_asyncio_publishes_and_listens(server: RunningServer, protocol: int) -> None:
    asyncio.run(publish_and_listen(server.port, protocol))


async def publish_and_listen(port: int, protocol: int) -> None:
    async with (
        redis.asyncio.Redis(port=port, protocol=protocol, decode_responses=True) as client,
        client.pubsub() as listener,
    ):
        await listener.subscribe("news")
        await listener.psubscribe("n*")
        heard = [await heard_next(listener) for _ in range(2)]
        assert heard == [("subscribe", "news", 1), ("psubscribe", "n*", 2)]
        assert await client.publish("news", "none") == 2
        heard = [await heard_next(listener) for _ in range(2)]
        assert heard == [("message", "news", "none"), ("pmessage", "news", "none")]
        async with client.pipeline(transaction=False) as pipeline:
            for number in range(100):
                pipeline.publish("news", str(number))
            assert await pipeline.execute() == [2] * 100
        messages = [await heard_next(listener) for _ in range(200)]
        assert {text for _, _, text in messages} == set(map(str, range(100)))
        await listener.unsubscribe("news")
        await listener.punsubscribe("n*")
        heard = [await heard_next(listener) for _ in range(2)]
        assert heard == [("unsubscribe", "news", 1), ("punsubscribe", "n*", 0)]
        assert await client.publish("news", "nobody") == 0


async def heard_next(listener: redis.asyncio.client.PubSub) -> tuple[str, str, object]:
    message = None
    while message is None:
        message = await listener.get_message(timeout=10)
    return message["type"], message["channel"], message["data"]


@pytest.mark.parametrize("protocol", [2, 3])
def test_asyncio_waits_and_goes_on_after_a_lost_connection(server: RunningServer, protocol: int) -> None:
    asyncio.run(wait_and_reconnect(server.port, protocol))


async def wait_and_reconnect(port: int, protocol: int) -> None:
    async with (
        redis.asyncio.Redis(port=port, protocol=protocol, decode_responses=True) as client,
        redis.asyncio.Redis(port=port, protocol=protocol, single_connection_client=True, decode_responses=True) as cut,
    ):
        waiting = asyncio.ensure_future(cut.blpop(["queue"], timeout=0))
        while (await client.info("clients"))["blocked_clients"] == 0:
            pass
        await client.rpush("queue", "job")
        assert tuple(await waiting) == ("queue", "job")
        id_ = await cut.client_id()
        assert await client.client_kill_filter(_id=id_) == 1
        assert await cut.ping()
        assert await cut.client_id() != id_


def times_asked(client: redis.Redis) -> int:
    """How many GETs the server has run."""
    return int(client.info("commandstats")["cmdstat_get"]["calls"])
