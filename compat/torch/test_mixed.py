"""One keyspace for all: redis-py, redis-cli, RespStore and torch's C++ client, each sees what the others do."""

import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from torch.distributed import TCPStore

from compat.patience import PATIENCE_SECONDS, until
from compat.servers import RunningServer, find_program
from respstore.torch import RespStore

PATIENCE = timedelta(seconds=PATIENCE_SECONDS)


@pytest.fixture
def cpp(empty: RunningServer) -> Callable[[], TCPStore]:
    return lambda: TCPStore("127.0.0.1", empty.port, is_master=False, timeout=PATIENCE)


@pytest.fixture
def python(empty: RunningServer) -> Iterator[RespStore]:
    with RespStore(f"redis://127.0.0.1:{empty.port}", timeout=PATIENCE) as store:
        yield store


@pytest.fixture
def redis(empty: RunningServer) -> Iterator[Any]:
    with empty.client(protocol=3, decode_responses=True) as client:
        yield client


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as pool:
        yield pool


def redis_cli(server: RunningServer, *words: str) -> list[str]:
    """The lines that redis-cli prints."""
    command = [find_program("redis-cli"), "-p", str(server.port), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def test_what_redis_sets_all_others_see(
    empty: RunningServer, redis: Any, cpp: Callable[[], TCPStore], python: RespStore, pool: ThreadPoolExecutor
) -> None:
    waits = [pool.submit(cpp().wait, ["a", "b"]), pool.submit(cpp().get, "a"), pool.submit(python.multi_get, ["a"])]
    until(lambda: redis.info("clients")["blocked_clients"] == 3)
    redis.mset({"a": "1", "b": "2"})
    assert [wait.result() for wait in waits] == [None, b"1", [b"1"]]
    assert python.get("b") == cpp().get("b") == b"2"
    assert python.add("a", 1) == 2
    assert cpp().add("a", 1) == 3
    assert redis_cli(empty, "mget", "a", "b") == ["3", "2"]
    assert sorted(redis_cli(empty, "--scan")) == sorted(python.list_keys()) == sorted(cpp().list_keys()) == ["a", "b"]


def test_what_torch_sets_all_others_see(
    empty: RunningServer, redis: Any, cpp: Callable[[], TCPStore], python: RespStore, pool: ThreadPoolExecutor
) -> None:
    waits = [pool.submit(redis.execute_command, "BGET", "k", "60"), pool.submit(python.get, "k")]
    waits.append(pool.submit(redis_cli, empty, "bexists", "k", "l", "60"))
    with empty.client() as observer:
        until(lambda: observer.info("clients")["blocked_clients"] == 3)
        cpp().multi_set(["k", "l"], ["v", "w"])
    assert [wait.result() for wait in waits] == [["v"], b"v", ["2"]]
    python.append("k", "x")
    assert cpp().get("k") == b"vx"
    assert redis_cli(empty, "get", "k") == ["vx"]


def test_queues_are_lists_for_all(
    empty: RunningServer, redis: Any, cpp: Callable[[], TCPStore], python: RespStore, pool: ThreadPoolExecutor
) -> None:
    pops = [pool.submit(store.queue_pop, "q") for store in (cpp(), python)]
    pops.append(pool.submit(redis.blpop, "q", 60))
    with empty.client() as observer:
        until(lambda: observer.info("clients")["blocked_clients"] == 3)
        redis_cli(empty, "rpush", "q", "item", "item")
        cpp().queue_push("q", "item")
    assert [pop.result() for pop in pops] == [b"item", b"item", ["q", "item"]]
    python.queue_push("q", "last")
    assert redis.lrange("q", 0, -1) == ["last"]
    assert (cpp().queue_len("q"), cpp().queue_pop("q")) == (1, b"last")


def test_who_waits_is_shown(
    empty: RunningServer, redis: Any, cpp: Callable[[], TCPStore], pool: ThreadPoolExecutor
) -> None:
    stores = [cpp(), cpp()]
    wait = pool.submit(stores[0].wait, ["later", "never"])
    arrival = pool.submit(stores[1].barrier, "b", 2)
    until(lambda: redis.info("clients")["blocked_clients"] == 2)

    shown = {row["command"]: row for row in redis.execute_command("WAITLIST")}
    assert {command: row["keys"] for command, row in shown.items()} == {
        "bexists": ["later", "never"],
        "barrier": ["b"],
    }
    clients = {int(client["id"]): client for client in redis.client_list()}
    for command, row in shown.items():
        assert row["name"] == "tcpstore"
        assert clients[row["client"]] | {"name": "tcpstore", "cmd": command, "flags": "b"} == clients[row["client"]]
        assert clients[row["client"]]["addr"] == row["addr"]
    info = redis.execute_command("BARRIERINFO", "b")
    assert (info["parties"], info["arrived"], info["clients"]) == (2, 1, [shown["barrier"]["client"]])
    assert redis_cli(empty, "barrierlist") == ["b"]

    redis.mset({"later": "1", "never": "1"})
    cpp().barrier("b", 2)
    assert (wait.result(), arrival.result()) == (None, None)
    assert redis.execute_command("WAITLIST") == []
