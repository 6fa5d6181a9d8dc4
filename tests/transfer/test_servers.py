"""A server as an end of a copy: it gives all keys, and takes them."""

import os
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import redis

from respstore.transfer import servers
from respstore.transfer.copying import Tally
from respstore.transfer.entries import Entry, TransferError
from respstore.transfer.servers import KEYS_PER_BATCH, ServerEnd
from tests.cli.programs import served

LATE = 33_177_117_420_000


def now() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
def client() -> Iterator[redis.Redis]:
    with served() as address, redis.Redis.from_url(address.url) as client:
        yield client


def test_it_gives_all_keys(client: redis.Redis) -> None:
    client.mset({b"%d" % number: b"x" for number in range(2 * KEYS_PER_BATCH)})
    client.execute_command("SELECT", 0)
    with client.pipeline(transaction=False) as pipeline:
        pipeline.execute_command("SELECT", 5)
        pipeline.set("there", "y", pxat=LATE)
        pipeline.execute()
    end = ServerEnd(client, now)
    assert end.count() == 2 * KEYS_PER_BATCH + 1
    entries = [entry for batch in end.batches() for entry in batch]
    assert len(entries) == 2 * KEYS_PER_BATCH + 1
    assert entries[-1] == Entry(5, b"there", b"y", LATE)
    assert sorted(entry.key for entry in entries[:-1]) == sorted(b"%d" % number for number in range(2 * KEYS_PER_BATCH))


def test_it_takes_keys(client: redis.Redis) -> None:
    entries = [Entry(0, b"a", b"x", None), Entry(0, b"b", b"y", LATE), Entry(3, b"a", b"z", None)]
    end = ServerEnd(client, now)
    assert end.write(entries, replaces=False) == 0
    assert end.read([*entries, Entry(0, b"none", b"", None)]) == [*entries, None]
    end.finish(Tally())


def test_it_keeps_what_it_has_unless_told_otherwise(client: redis.Redis) -> None:
    client.set("a", "old")
    end = ServerEnd(client, now)
    new = [Entry(0, b"a", b"new", None)]
    assert end.write(new, replaces=False) == 1
    assert client.get("a") == b"old"
    assert end.write(new, replaces=True) == 1
    assert client.get("a") == b"new"


def test_libraries_of_functions(client: redis.Redis) -> None:
    first, second, other = (
        b"#!lua name=%s\nredis.register_function('%s', function() return %d end)" % (name, name, number)
        for name, number in ((b"a", 1), (b"b", 2), (b"b", 3))
    )
    end = ServerEnd(client, now)
    assert list(end.libraries()) == []
    end.load([first], replaces=False)
    end.load([first, second], replaces=False)
    assert sorted(end.libraries()) == [first, second]
    with pytest.raises(TransferError, match="already exists"):
        end.load([other], replaces=False)
    end.load([other], replaces=True)
    assert sorted(end.libraries()) == [first, other]
    end._version = 6
    assert list(end.libraries()) == []


def test_an_old_server_does_not_know_when_a_key_expires(client: redis.Redis) -> None:
    client.set("a", "x", px=1_000_000)
    client.set("b", "x")
    end = ServerEnd(client, now)
    end._version = 6
    timed, endless, none = end.read([Entry(0, key, b"", None) for key in (b"a", b"b", b"c")])
    assert timed is not None
    assert timed.deadline is not None
    assert abs(timed.deadline - now() - 1_000_000) < 60_000
    assert endless == Entry(0, b"b", b"x", None)
    assert none is None


def test_it_may_refuse(client: redis.Redis) -> None:
    end = ServerEnd(client, now)
    with pytest.raises(TransferError, match="DB index is out of range"):
        end.write([Entry(99, b"a", b"x", None)], replaces=False)
    client.config_set("maxmemory", 1)
    with pytest.raises(TransferError, match=r"'a' of db 0 is refused: .*maxmemory"):
        end.write([Entry(0, b"a", b"x", None)], replaces=False)


def test_nobody_may_be_there() -> None:
    with served() as address:
        client = redis.Redis.from_url(address.url, socket_timeout=1, retry=None)
    with pytest.raises(TransferError):
        ServerEnd(client, now).read([Entry(0, b"a", b"x", None)])


def test_what_a_module_keeps_cannot_be_read(client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    client.set("a", "x")
    end = ServerEnd(client, now)
    end._version = 7
    monkeypatch.setattr(end, "_ask", lambda db, requests: [b"\x07\x81\x24\x55\xd0\xac\x53\x91\x2e\x04" + bytes(10), -1])
    with pytest.raises(TransferError, match="'a' of db 0 cannot be read: a value of the module type JFXQrFORL"):
        end.read([Entry(0, b"a", b"", None)])


def test_a_key_that_is_named_twice_comes_once(client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    client.mset({b"%d" % number: b"x" for number in range(10)})
    end = ServerEnd(client, now)
    ask = end._ask

    def ask_twice(db: int, requests: Sequence[tuple[str | bytes | int, ...]], *, raises: bool = True) -> list[Any]:
        replies = ask(db, requests, raises=raises)
        return [[cursor, keys * 2] for cursor, keys in replies] if requests[0][0] == "SCAN" else replies

    monkeypatch.setattr(end, "_ask", ask_twice)
    assert sorted(entry.key for batch in end.batches() for entry in batch) == [b"%d" % number for number in range(10)]


def test_large_values_come_one_by_one(client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "BYTES_PER_BATCH", 10_000)
    client.mset({b"%d" % number: os.urandom(3000 if number < 20 else 10) for number in range(1000)})
    sizes = [(len(batch), sum(len(entry.value) for entry in batch)) for batch in ServerEnd(client, now).batches()]
    assert sum(keys for keys, _ in sizes) == 1000
    assert max(keys for keys, _ in sizes) > 10 * min(keys for keys, _ in sizes)


def test_an_old_server_takes_nothing(client: redis.Redis) -> None:
    end = ServerEnd(client, now)
    end._version = 6
    with pytest.raises(TransferError, match=f"^{end}, Redis 6, does not take values as Redis 7.0 and later have them"):
        end.write([Entry(0, b"a", b"x", None)], replaces=False)
