"""channels_redis: both channel layers of Django Channels, with groups and capacity."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import redis
from channels.exceptions import ChannelFull
from channels_redis.core import RedisChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer

from compat.apps.program import run, url


async def check_groups(layer: Any) -> None:
    first, second = await layer.new_channel(), await layer.new_channel()
    for channel in (first, second):
        await layer.group_add("group", channel)
    await layer.group_send("group", {"type": "hello", "to": "all"})
    for channel in (first, second):
        assert await asyncio.wait_for(layer.receive(channel), 5) == {"type": "hello", "to": "all"}
    await layer.group_discard("group", second)
    await layer.group_send("group", {"type": "hello", "to": "one"})
    await layer.send(second, {"type": "direct"})
    assert (await asyncio.wait_for(layer.receive(first), 5))["to"] == "one"
    assert (await asyncio.wait_for(layer.receive(second), 5))["type"] == "direct"


def use(layer: Any, check: Callable[[Any], Awaitable[None]]) -> None:
    async def main() -> None:
        await check(layer)
        await layer.flush()

    asyncio.run(main())


def groups(client: redis.Redis) -> None:
    use(RedisChannelLayer(hosts=[url()]), check_groups)


def groups_by_messages(client: redis.Redis) -> None:
    use(RedisPubSubChannelLayer(hosts=[url()]), check_groups)


def capacity(client: redis.Redis) -> None:
    async def check(layer: RedisChannelLayer) -> None:
        for number in range(3):
            await layer.send("channel", {"type": "message", "number": number})
        (full,) = await asyncio.gather(layer.send("channel", {"type": "message"}), return_exceptions=True)
        assert isinstance(full, ChannelFull)
        name = await layer.new_channel()
        await layer.group_add("group", name)
        for number in range(5):  # a script drops what is too much
            await layer.group_send("group", {"type": "message", "number": number})
        assert [(await layer.receive(name))["number"] for _ in range(3)] == [0, 1, 2]
        assert (await layer.receive("channel"))["number"] == 0

    use(RedisChannelLayer(hosts=[url()], capacity=3), check)


if __name__ == "__main__":
    run(groups, groups_by_messages, capacity)
