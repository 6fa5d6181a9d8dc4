"""dump.rdb from server to server: each starts on what the other wrote, and holds the same. Seeds are fixed."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from compat.redis.filler import Filler, described
from compat.redis.harness import Harness
from compat.redis.strategies import examples
from compat.redis.strategies.pieces import Step
from compat.redis.test_generated import LONG, SEED, commands, differing_keys, play
from compat.servers import RunningServer, find_program, redis_server, respstore_server


class Start(Protocol):
    def __call__(self, *args: str) -> AbstractContextManager[RunningServer]: ...


BOTH_WAYS = pytest.mark.parametrize(
    ("writer", "reader"),
    [(respstore_server, redis_server), (redis_server, respstore_server)],
    ids=["to redis-server", "from redis-server"],
)


DEBUG = ("--enable-debug-command", "yes")


def arguments(folder: Path) -> list[str]:
    return [*DEBUG, "--dir", str(folder)]


def check(folder: Path) -> None:
    """Let Redis's own tool look for errors."""
    program = find_program("redis-check-rdb")
    found = subprocess.run([program, folder / "dump.rdb"], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout
    assert "RDB looks OK!" in found.stdout


@BOTH_WAYS
@pytest.mark.parametrize("compression", ["yes", "no"])
def test_a_server_starts_on_what_the_other_wrote(
    tmp_path: Path, writer: Start, reader: Start, compression: str
) -> None:
    with writer(*arguments(tmp_path), "--rdbcompression", compression) as server:
        fill(server)
        before = told(server)
        with server.client() as client:
            client.save()
    check(tmp_path)
    with reader(*arguments(tmp_path)) as server:
        assert told(server) == before


def fill(server: RunningServer) -> None:
    with server.client() as client, server.client(db=9) as other:
        client.function_load("#!lua name=library\nredis.register_function('one', function() return 1 end)")
        Filler(client, 1).fill()
        Filler(other, 2).fill()
        for number, key in enumerate(sorted(other.keys("*"))):
            other.pexpireat(key, 33_177_117_420_000 + number)


def told(server: RunningServer) -> list[object]:
    """What a server tells of all its data, with its digest first: it covers the types that have no more to tell."""
    with server.client() as client, server.client(db=9) as other:
        facts: list[object] = [client.execute_command("DEBUG", "DIGEST"), client.function_list(withcode=True)]
        for database in (client, other):
            keys = sorted(database.keys("*"))
            facts += [[key, database.pexpiretime(key), described(database, key)] for key in keys]
        return facts


@BOTH_WAYS
@pytest.mark.parametrize(("policy", "question"), [("allkeys-lru", "IDLETIME"), ("allkeys-lfu", "FREQ")])
def test_the_use_of_keys_is_kept(tmp_path: Path, writer: Start, reader: Start, policy: str, question: str) -> None:
    notes = {"IDLETIME": 1000, "FREQ": 200}
    with writer(*arguments(tmp_path), "--maxmemory-policy", policy) as server, server.client() as client:
        client.set("source", "x")
        client.execute_command("RESTORE", "key", 0, client.dump("source"), question, notes[question])
        client.save()
    check(tmp_path)
    with reader(*arguments(tmp_path), "--maxmemory-policy", policy) as server, server.client() as client:
        assert client.object(question, "key") in (notes[question], notes[question] + 1)


@pytest.fixture(scope="module")
def harness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    """Both servers with one folder: what one saves, the other loads."""
    with Harness("--dir", str(tmp_path_factory.mktemp("data"))) as harness:
        yield harness


@pytest.mark.timeout(3600)
def test_what_commands_made_goes_to_the_other_server_and_back(harness: Harness) -> None:
    @seed(SEED)
    @settings(
        max_examples=500 if LONG else 50,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(examples(commands(harness)))
    def exchange(steps: list[Step]) -> None:
        play(harness, 2, steps)
        pair = harness.pair()
        sides = (pair.respstore, pair.redis)
        for writer in sides:
            digest = writer.ask(b"DEBUG", b"DIGEST")
            assert writer.ask(b"SAVE").text == "OK"
            for reader in sides:  # the writer, too: how a string came about, which OBJECT ENCODING tells, is not kept
                assert reader.ask(b"DEBUG", b"RELOAD", b"NOSAVE").text == "OK"
                assert reader.ask(b"DEBUG", b"DIGEST") == digest
            assert differing_keys(pair) == []

    exchange()
