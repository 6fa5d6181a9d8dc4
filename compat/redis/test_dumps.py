"""DUMP and RESTORE from server to server: each reads what the other wrote, and then holds the same. Seeds are fixed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

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


@pytest.mark.parametrize("options", [[], ["COPY"], ["COPY", "REPLACE"]])
def test_keys_migrate_from_either_to_the_other(servers: tuple[redis.Redis, redis.Redis], options: list[str]) -> None:
    for source, target in (servers, servers[::-1]):
        source.flushall()
        target.flushall()
        Filler(source, 3).fill()
        source.pexpire("list 1", 1_000_000)
        before = {key: described(source, key) for key in source.keys("*")}
        if "REPLACE" in options:
            target.set("list 1", "old")
        port = target.connection_pool.connection_kwargs["port"]
        arguments = ("127.0.0.1", port, "", 0, 10_000, *options, "KEYS", *before, "missing")
        assert source.execute_command("MIGRATE", *arguments) == b"OK"
        assert {key: described(target, key) for key in target.keys("*")} == before
        assert 990_000 < target.pttl("list 1") <= 1_000_000
        assert source.dbsize() == (len(before) if "COPY" in options else 0)


def test_what_migrate_answers(servers: tuple[redis.Redis, redis.Redis]) -> None:
    theirs, ours = servers
    with redis_server("--requirepass", "secret") as target, target.client(password="secret") as client:
        requests = [
            ("key", 0, 1000, *words)
            for words in ([], ["AUTH", "wrong"], ["AUTH", "secret", "COPY"], ["AUTH2", "default", "secret"])
        ]
        requests += [("key", 99, 1000, "AUTH", "secret"), ("missing", 0, 1000), ("", 0, 1000, "KEYS"), ("key", 0, "x")]
        for request in requests:
            expected = answer(theirs, target.port, *request)
            client.flushall()
            assert answer(ours, target.port, *request) == expected, request
            client.flushall()
        assert answer(ours, 1, "key", 0, 1000) == answer(theirs, 1, "key", 0, 1000)


def answer(client: redis.Redis, port: int, *words: object) -> object:
    client.set("key", "x")
    try:
        return client.execute_command("MIGRATE", "127.0.0.1", port, *words)
    except redis.RedisError as error:
        return str(error)


RESTORE_OPTIONS = [
    *([], ["REPLACE"], ["ABSTTL"], ["IDLETIME", "1000"], ["FREQ", "200"], ["IDLETIME", "-1"], ["FREQ", "256"]),
    *(["IDLETIME"], ["FREQ", "x"], ["NONSENSE"]),
]


@pytest.mark.parametrize(("policy", "question"), [("allkeys-lru", "IDLETIME"), ("allkeys-lfu", "FREQ")])
def test_restore_with_all_options(servers: tuple[redis.Redis, redis.Redis], policy: str, question: str) -> None:
    for client in servers:
        client.config_set("maxmemory-policy", policy)
        client.config_set("lfu-decay-time", 0)  # or a new minute would lower what OBJECT FREQ answers
        client.set("source", "x" * 30)
    for payload in (servers[0].dump("source"), servers[1].dump("source")):
        for first, second in product(RESTORE_OPTIONS, repeat=2):
            for ttl, is_there in product((0, -1, 33_177_117_420_000), (False, True)):
                words = ("RESTORE", "key", ttl, payload, *first, *second)
                theirs, ours = (restored(client, is_there, question, *words) for client in servers)
                assert ours == theirs, words


def restored(client: redis.Redis, is_there: bool, question: str, *words: object) -> list[object]:
    """What a server answers, and has then; times to live in days, since the last use in 10 s: the clock goes on."""
    client.delete("key")
    if is_there:
        client.set("key", "old")
    try:
        reply: object = client.execute_command(*words)
    except redis.RedisError as error:
        reply = str(error)
    note = client.object(question, "key") if client.exists("key") else None
    if question == "IDLETIME" and note is not None:
        note //= 10
    return [reply, client.get("key"), client.pexpiretime("key") // 86_400_000, note]
