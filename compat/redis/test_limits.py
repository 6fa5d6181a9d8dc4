"""Limits hold as Redis's do.

On clients: how many there may be, how long they may idle, how much may wait for them; and on memory.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from compat.redis.harness import Harness
from compat.redis.pair import Side
from compat.redis.wire import CLOSED, Connection, Reply, request, wait_readable

OK = Reply("+", b"OK")
PONG = Reply("+", b"PONG")


@pytest.fixture(params=["respstore", "redis"])
def side(harness: Harness, request: pytest.FixtureRequest) -> Iterator[Side]:
    """Each of the two servers in turn: what a test demands, redis-server does too."""
    pair = harness.pair()
    pair.begin(2)
    side = pair.redis if request.param == "redis" else pair.respstore
    yield side
    side.restore_config()
    side.close_clients()


def connect(side: Side, name: str) -> Connection:
    side.clients[name] = Connection(side.port)
    return side.clients[name]


def until_closed(side: Side, connection: Connection, seconds: float = 10.0) -> list[Reply]:
    """All that comes until the server closes the connection; fails if it does not. Others are not idle meanwhile."""
    replies, deadline = list[Reply](), time.monotonic() + seconds
    while CLOSED not in replies:
        assert time.monotonic() < deadline, f"still open after {seconds} s; received {replies}"
        wait_readable([connection], 0.1)
        side.ask(b"PING")
        replies += connection.received()
    return replies


def clients_of(side: Side) -> int:
    return len(side.ask(b"CLIENT", b"LIST").text.splitlines())


def test_maxclients(side: Side) -> None:
    assert side.ask(b"CONFIG", b"SET", b"maxclients", b"%d" % (clients_of(side) + 2)) == OK

    first, second = connect(side, "first"), connect(side, "second")
    for connection in (first, second):
        connection.send(request([b"PING"]))
        assert side.wait(connection, 1) == [PONG]
    refused = until_closed(side, connect(side, "third"))

    assert refused == [Reply("-", b"ERR max number of clients reached"), CLOSED]

    first.close()
    while clients_of(side) > 2:  # until the server has noticed that the first has left
        pass
    fourth = connect(side, "fourth")
    fourth.send(request([b"PING"]))
    assert side.wait(fourth, 1) == [PONG]


def test_an_idle_client_is_closed_and_a_waiting_one_is_not(side: Side) -> None:
    idle, waiting = connect(side, "idle"), connect(side, "waiting")
    idle.send(request([b"PING"]))
    waiting.send(request([b"BLPOP", b"list", b"0"]))
    assert side.wait(idle, 1) == [PONG]

    assert side.ask(b"CONFIG", b"SET", b"timeout", b"1") == OK
    assert until_closed(side, idle) == [CLOSED]
    assert side.ask(b"CONFIG", b"SET", b"timeout", b"0") == OK

    assert side.ask(b"RPUSH", b"list", b"x") == Reply(":", b"1")
    assert side.wait(waiting, 1) == [Reply("*", (Reply("$", b"list"), Reply("$", b"x")))]


def test_a_client_that_does_not_read_is_closed(side: Side) -> None:
    assert side.ask(b"CONFIG", b"SET", b"client-output-buffer-limit", b"normal 1000000 0 0") == OK
    assert side.ask(b"SET", b"key", b"x" * 100_000) == OK

    greedy = connect(side, "greedy")
    greedy.send(request([b"GET", b"key"]) * 1000)

    # What the kernel holds arrives; far less than the 100 MB that were asked for.
    assert len(until_closed(side, greedy)) < 900
    assert side.ask(b"PING") == PONG


def test_a_client_that_reads_gets_all_whatever_its_size(side: Side) -> None:
    assert side.ask(b"SET", b"key", b"x" * 100_000) == OK

    reader = connect(side, "reader")
    reader.send(request([b"GET", b"key"]) * 300)

    assert side.wait(reader, 300) == [Reply("$", b"x" * 100_000)] * 300


def test_a_thousand_waiting_clients_are_served_in_order(side: Side) -> None:
    waiting = [connect(side, str(number)) for number in range(1000)]
    for connection in waiting:
        connection.send(request([b"BLPOP", b"list", b"0"]))
        side.ask(b"PING")  # what comes first on the wire is read first, if the server is given the time

    side.ask(b"RPUSH", b"list", *[b"%d" % number for number in range(1000)])

    for number, connection in enumerate(waiting):
        (reply,) = side.wait(connection, 1)
        assert reply.parts[1].text == str(number)


def test_a_pipeline_of_many_small_commands(side: Side) -> None:
    writer = connect(side, "writer")
    writer.send(request([b"INCR", b"counter"]) * 50_000)

    assert side.wait(writer, 50_000)[-1] == Reply(":", b"50000")


def test_one_byte_at_a_time(side: Side) -> None:
    writer = connect(side, "writer")
    for byte in request([b"SET", b"key", b"va\r\nlue"]) + b"GET key\r\n":
        writer.send(bytes([byte]))

    assert side.wait(writer, 2) == [OK, Reply("$", b"va\r\nlue")]


KB = b"x" * 1024
OOM = Reply("-", b"OOM command not allowed when used memory > 'maxmemory'.")


def info(side: Side, section: bytes) -> dict[str, str]:
    lines = side.ask(b"INFO", section).text.splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


def used(side: Side) -> int:
    """What counts against maxmemory."""
    memory = info(side, b"memory")
    return int(memory["used_memory"]) - int(memory["mem_not_counted_for_evict"])


def limit_memory(side: Side, spare: int, policy: bytes, *more: bytes) -> int:
    """Leave room for so many bytes more than are in use, and answer how much may be used."""
    side.ask(b"CONFIG", b"RESETSTAT")
    side.ask(b"CONFIG", b"SET", b"maxmemory", b"1gb")  # respstore weighs its data from now on
    limit = used(side) + spare
    settings = (b"maxmemory", b"%d" % limit, b"maxmemory-policy", policy, *more)
    assert side.ask(b"CONFIG", b"SET", *settings) == OK
    return limit


def fill(side: Side, name: bytes, count: int) -> list[Reply]:
    """In small parts: what a server has not read yet counts, too."""
    requests = [(b"SET", b"%b:%d" % (name, number), KB) for number in range(count)]
    return [reply for start in range(0, count, 50) for reply in side.ask_all(requests[start : start + 50])]


def remaining(side: Side, name: bytes, numbers: range) -> int:
    return int(side.ask(b"EXISTS", *[b"%b:%d" % (name, number) for number in numbers]).text)


def test_memory_is_refused_beyond_the_limit(side: Side) -> None:
    limit = limit_memory(side, 2_000_000, b"noeviction")

    replies = fill(side, b"key", 3000)

    kept = replies.count(OK)
    assert replies.count(OOM) == 3000 - kept
    assert 1200 < kept < 1900
    assert replies[:1200] == [OK] * 1200
    assert replies[-1] == OOM
    assert used(side) < 1.05 * limit
    assert side.ask(b"DBSIZE") == Reply(":", b"%d" % kept)
    side.ask(b"DEL", *[b"key:%d" % number for number in range(200)])
    assert side.ask(b"SET", b"key", KB) == OK
    assert info(side, b"stats")["evicted_keys"] == "0"


@pytest.mark.parametrize("policy", [b"allkeys-lru", b"allkeys-lfu", b"allkeys-random"])
def test_keys_are_evicted_to_keep_within_the_limit(side: Side, policy: bytes) -> None:
    limit = limit_memory(side, 2_000_000, policy)

    assert set(fill(side, b"key", 5000)) == {OK}

    assert used(side) < 1.05 * limit
    kept = int(side.ask(b"DBSIZE").text)
    assert 1200 < kept < 1900
    assert abs(int(info(side, b"stats")["evicted_keys"]) - (5000 - kept)) < 50  # to ask takes memory, too


def test_what_was_used_lately_is_kept(side: Side) -> None:
    limit_memory(side, 100_000_000, b"allkeys-lru", b"maxmemory-samples", b"10")
    fill(side, b"key", 2000)
    side.ask(b"DEBUG", b"SLEEP", b"1.1")  # Redis notes uses by the second
    side.ask_all([(b"GET", b"key:%d" % number) for number in range(0, 2000, 2)])
    side.ask(b"DEBUG", b"SLEEP", b"1.1")

    side.ask(b"CONFIG", b"SET", b"maxmemory", b"%d" % (used(side) + 300_000))
    fill(side, b"new", 1000)

    assert remaining(side, b"key", range(0, 2000, 2)) > 800
    assert remaining(side, b"key", range(1, 2000, 2)) < 700
    assert remaining(side, b"new", range(1000)) > 950


def test_what_is_used_often_is_kept(side: Side) -> None:
    limit_memory(side, 100_000_000, b"allkeys-lfu", b"maxmemory-samples", b"10")
    fill(side, b"key", 2000)
    side.ask_all([(b"GET", b"key:%d" % number) for number in range(0, 2000, 2) for _ in range(5)])

    side.ask(b"CONFIG", b"SET", b"maxmemory", b"%d" % (used(side) + 300_000))
    fill(side, b"new", 1000)

    assert remaining(side, b"key", range(0, 2000, 2)) > 900


def test_who_does_not_read_is_closed_when_clients_take_too_much(side: Side) -> None:
    side.ask(b"CONFIG", b"RESETSTAT")
    side.ask(b"SET", b"large", b"x" * 1_000_000)
    assert side.ask(b"CONFIG", b"SET", b"maxmemory-clients", b"8mb") == OK
    lazy, usual = connect(side, "lazy"), connect(side, "usual")
    usual.send(request([b"PING"]))
    lazy.send(request([b"GET", b"large"]) * 30)

    deadline = time.monotonic() + 10
    while info(side, b"stats")["evicted_clients"] == "0":
        assert time.monotonic() < deadline

    assert CLOSED in until_closed(side, lazy)
    assert side.wait(usual, 1) == [PONG]
    assert info(side, b"stats")["evicted_clients"] == "1"
