"""DUMP and RESTORE from server to server: each reads what the other wrote, and then holds the same. Seeds are fixed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from compat.redis.filler import Filler, described
from compat.servers import redis_server, respstore_server

DEBUG = ("--enable-debug-command", "yes")


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[redis.Redis, redis.Redis]]:
    with (
        redis_server(*DEBUG) as theirs,
        respstore_server(*DEBUG) as ours,
        theirs.client() as redis_client,
        ours.client() as respstore_client,
    ):
        yield redis_client, respstore_client


@pytest.mark.parametrize("compression", ["yes", "no"])
@pytest.mark.parametrize("seed", [1, 2])
def test_from_either_to_the_other(servers: tuple[redis.Redis, redis.Redis], seed: int, compression: str) -> None:
    theirs, ours = servers
    for client in servers:
        client.config_set("rdbcompression", compression)
    for source, target in ((theirs, ours), (ours, theirs)):
        source.flushall()
        target.flushall()
        Filler(source, seed).fill()
        for key in source.keys("*"):
            payload = source.dump(key)
            target.restore(key, 0, payload)
            assert described(source, key) == described(target, key)
