"""maxmemory: who is refused, what is evicted to make room, and that the figures are true."""

import subprocess
import sys

import pytest

from respstore.engine.engine import Engine
from respstore.engine.memory import eviction_seconds
from respstore.engine.session import Session
from respstore.protocol import tcpstore
from tests.talk import NULL, NULL_ARRAY, OK, FakeSystem, make_engine, pass_time, received, talk
from tests.wire import ask, torch_client

OOM = b"-OOM command not allowed when used memory > 'maxmemory'.\r\n"
KB = b"x" * 1024


def limited(limit: int = 100_000, policy: str = "noeviction") -> tuple[Engine, Session]:
    engine = make_engine(maxmemory=limit, maxmemory_policy=policy)
    return engine, Session(engine)


def fill(session: Session, count: int = 1000) -> list[bytes]:
    """The replies to that many SETs of a kilobyte each."""
    return [talk(session, b"SET", b"key:%d" % number, KB) for number in range(count)]


# Refusing


def test_what_would_exceed_the_limit_is_refused_and_nothing_else() -> None:
    engine, session = limited()
    replies = fill(session, 120)
    assert set(replies) == {OK, OOM}
    assert replies == sorted(replies, key=[OK, OOM].index)
    assert 70 < replies.count(OK) < 95
    assert engine.memory.used() - engine.startup_memory <= 105_000  # a dictionary grows by leaps
    assert talk(session, b"GET key:0") == b"$1024\r\n%b\r\n" % KB
    assert talk(session, b"DEL", *[b"key:%d" % number for number in range(10)]) == b":10\r\n"
    assert talk(session, b"SET", b"k", KB) == OK
    assert engine.statistics.evicted_keys == 0


def test_a_value_larger_than_all_the_room_is_refused_before_it_is_kept() -> None:
    _, session = limited(policy="allkeys-lru")
    assert talk(session, b"SET", b"k", b"x" * 200_000) == OOM
    assert talk(session, b"DBSIZE") == b":0\r\n"


def test_a_refusal_is_counted_as_one() -> None:
    engine, session = limited(1)
    for words in ((b"SET k v",), (b"sEt k v",), (b"XGROUP CREATE x g 0",)):
        assert talk(session, *words) == OOM
    entry = engine.entries[b"set"]
    assert (entry.calls, entry.failed, entry.rejected) == (0, 0, 2)
    assert engine.entries[b"xgroup"].subcommands[b"create"].rejected == 1
    assert engine.statistics.errors["OOM"] == 3


def test_a_limit_may_come_and_go() -> None:
    engine, session = limited(0)
    assert talk(session, b"SET k v") == OK
    assert talk(session, b"CONFIG SET maxmemory 1") == OK
    assert talk(session, b"SET k w") == OOM
    assert talk(session, b"CONFIG SET maxmemory 1mb") == OK
    assert talk(session, b"SET k w") == OK
    assert talk(session, b"CONFIG SET maxmemory 1") == OK
    assert talk(session, b"CONFIG SET maxmemory 0") == OK
    assert talk(session, b"SET k x") == OK
    assert not engine.memory.is_weighed
    assert engine.entries[b"set"].plain is engine.entries[b"set"].run


def test_without_a_limit_nothing_asks() -> None:
    engine = make_engine()
    assert all(entry.plain is entry.run for entry in engine.all_entries)
    assert type(engine.keyspace.databases[0].data) is dict
    assert engine.memory.used() == engine.system.memory()


def test_a_transaction_is_refused_when_it_is_queued() -> None:
    _, session = limited(1)
    assert talk(session, b"MULTI") == OK
    assert talk(session, b"GET k") == OOM
    assert talk(session, b"EXEC") == b"-EXECABORT Transaction discarded because of previous errors.\r\n"
    assert talk(session, b"MULTI") == OK
    assert talk(session, b"DISCARD") == OK


def test_a_transaction_that_writes_is_refused_when_it_is_run() -> None:
    engine, session = limited(0)
    for line in (b"MULTI", b"SET k v"):
        talk(session, line)
    engine.config.change([("maxmemory", "1")])
    assert talk(session, b"EXEC") == b"-EXECABORT Transaction discarded because of: OOM" + OOM[4:]
    assert talk(session, b"EXEC") == b"-ERR EXEC without MULTI\r\n"


def test_within_a_transaction_nobody_asks_again() -> None:
    _, session = limited(100_000)
    talk(session, b"MULTI")
    for number in range(10):
        assert talk(session, b"SET", b"key:%d" % number, b"x" * 9000) == b"+QUEUED\r\n"
    assert talk(session, b"EXEC") == b"*10\r\n" + OK * 10


def test_a_torch_client_that_would_exceed_the_limit_is_let_go() -> None:
    engine, session = limited(20_000)
    client = torch_client(engine)
    assert ask(client, tcpstore.SET, b"/k", b"v") == b""
    ask(client, tcpstore.SET, b"/large", b"x" * 30_000)
    assert client.is_closing
    assert talk(session, b"KEYS *") == b"*1\r\n$1\r\nk\r\n"
    assert engine.entries[b"set"].rejected == 1


# Making room


@pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys-lfu", "allkeys-random"])
def test_keys_are_evicted_before_a_write_that_would_exceed(policy: str) -> None:
    engine, session = limited(policy=policy)
    assert set(fill(session, 500)) == {OK}
    assert engine.memory.used() - engine.startup_memory <= 105_000
    assert 400 < engine.statistics.evicted_keys < 440
    assert talk(session, b"GET key:499") != NULL


@pytest.mark.parametrize("policy", ["volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"])
def test_keys_without_a_time_to_live_are_kept(policy: str) -> None:
    _, session = limited(policy=policy)
    for number in range(200):
        assert talk(session, b"SET", b"volatile:%d" % number, KB, b"EX", b"%d" % (1000 + number)) == OK
    replies = fill(session, 200)
    assert 70 < replies.count(OK) < 95
    assert set(replies[replies.index(OOM) :]) == {OOM}
    assert talk(session, b"EXISTS key:0 key:10") == b":2\r\n"
    assert talk(session, b"DBSIZE") == b":%d\r\n" % replies.count(OK)


def test_an_evicted_key_is_told_of() -> None:
    engine, session = limited(1_000_000, "allkeys-lru")
    engine.config.change([("notify-keyspace-events", "KEe")])
    watcher, listener = Session(engine), Session(engine)
    for line in (b"SET k v", b"WATCH k", b"MULTI", b"PING"):
        talk(watcher, line)
    talk(listener, b"PSUBSCRIBE __key*__:*")
    talk(session, b"CONFIG SET maxmemory 1")
    told = received(listener)
    assert told.count(b"__keyspace@0__:k\r\n$7\r\nevicted\r\n") == 1
    assert told.count(b"__keyevent@0__:evicted\r\n$1\r\nk\r\n") == 1
    engine.config.change([("maxmemory", "0")])
    assert talk(watcher, b"EXEC") == NULL_ARRAY


def test_the_buffers_of_clients_count_once_time_passes() -> None:
    engine, session = limited(policy="allkeys-lru")
    fill(session, 50)
    other = Session(engine)
    other.receive_data(b"*2\r\n$4\r\nPING\r\n$100000\r\n" + b"x" * 80_000)
    assert talk(session, b"DBSIZE") == b":50\r\n"
    pass_time(engine, 0.1)
    assert int(talk(session, b"DBSIZE")[1:]) < 20
    other.receive_data(b"x" * 20_000 + b"\r\n")
    other.data_to_send()
    pass_time(engine, 0.1)
    fill(session, 50)
    assert int(talk(session, b"DBSIZE")[1:]) == 50


def test_a_paused_server_evicts_nothing_until_it_goes_on() -> None:
    engine, session = limited(1_000_000, "allkeys-lru")
    fill(session, 10)
    talk(session, b"CLIENT PAUSE 10000 WRITE")
    talk(session, b"CONFIG SET maxmemory 1")
    pass_time(engine, 1)
    assert talk(session, b"DBSIZE") == b":10\r\n"
    talk(session, b"CLIENT UNPAUSE")
    assert talk(session, b"DBSIZE") == b":0\r\n"


def test_a_long_eviction_lets_others_work_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, session = limited(10_000_000, "allkeys-random")
    fill(session, 100)
    assert isinstance(engine.system, FakeSystem)
    armed: list[float] = []
    engine.waiting.rearm = armed.append
    system, evicted = engine.system, engine.keyspace.databases[0].delete
    monkeypatch.setattr(
        type(engine.keyspace.databases[0]),
        "delete",
        lambda db, key, event: (system.advance(0.0001), evicted(key, event))[1],
    )
    started = system.seconds
    talk(session, b"CONFIG SET maxmemory 1")
    assert 0 < engine.statistics.evicted_keys < 10  # half a millisecond is over
    deadline = engine.memory.next_deadline()
    assert deadline is not None
    assert armed == [deadline]
    assert engine.next_deadline() == deadline == pytest.approx(started + 2 * (system.seconds - started))
    done = engine.statistics.evicted_keys
    engine.between_ticks()
    assert engine.statistics.evicted_keys == done
    while (deadline := engine.memory.next_deadline()) is not None:
        system.seconds = deadline
        engine.between_ticks()
        assert engine.statistics.evicted_keys > done
        done = engine.statistics.evicted_keys
    assert done == 100


def test_a_write_that_comes_in_the_middle_of_a_long_eviction_is_run() -> None:
    engine, session = limited(10_000_000, "allkeys-random")
    fill(session, 100)
    engine.config.maxmemory_eviction_tenacity = 0
    monotonic = engine.system.monotonic
    engine.system.monotonic = lambda: engine.system.advance(0.001) or monotonic()  # type: ignore[method-assign, attr-defined]
    talk(session, b"CONFIG SET maxmemory 1000")
    assert engine.statistics.evicted_keys == 1
    assert talk(session, b"SET k v") == OK
    assert engine.statistics.evicted_keys == 2


@pytest.mark.parametrize(
    ("tenacity", "us"), [(0, 0), (1, 50), (10, 500), (11, 575), (20, 2023), (99, 126_000_000), (100, float("inf"))]
)
def test_tenacity(tenacity: int, us: float) -> None:
    assert eviction_seconds(tenacity) * 1e6 == pytest.approx(us, rel=0.01)


def test_the_time_of_excess_is_counted() -> None:
    engine, session = limited(1)
    assert talk(session, b"SET k v") == OOM
    pass_time(engine, 2)
    monotonic = engine.system.monotonic
    assert engine.statistics.seconds_exceeded(monotonic()) == (2, 2)
    talk(session, b"CONFIG SET maxmemory 0")
    talk(session, b"CONFIG SET maxmemory 1gb")
    pass_time(engine, 3)
    assert engine.statistics.seconds_exceeded(monotonic()) == (2, 0)


# Policies and what they need


def test_uses_are_noted_as_long_as_a_policy_asks() -> None:
    engine, session = limited(0, "allkeys-lru")
    talk(session, b"SET k v")
    pass_time(engine, 5)
    assert talk(session, b"OBJECT IDLETIME k") == b":5\r\n"
    talk(session, b"CONFIG SET maxmemory-policy allkeys-lfu lfu-log-factor 0")
    talk(session, b"GET k")
    assert talk(session, b"OBJECT FREQ k") == b":6\r\n"
    talk(session, b"CONFIG SET lfu-log-factor 1000000")
    for _ in range(10):
        talk(session, b"GET k")
    assert talk(session, b"OBJECT FREQ k") == b":6\r\n"
    talk(session, b"CONFIG SET lfu-decay-time 1")
    pass_time(engine, 120)
    assert talk(session, b"OBJECT FREQ k") == b":4\r\n"
    talk(session, b"CONFIG SET maxmemory-policy volatile-ttl")
    assert type(engine.keyspace.databases[0].data) is dict
    assert talk(session, b"OBJECT IDLETIME k") == b":0\r\n"


def test_a_change_that_keeps_the_kind_of_notes_keeps_the_notes() -> None:
    engine, session = limited(0, "allkeys-lru")
    talk(session, b"SET k v")
    pass_time(engine, 5)
    talk(session, b"CONFIG SET maxmemory-policy volatile-lru maxmemory 1gb")
    assert talk(session, b"OBJECT IDLETIME k") == b":5\r\n"


# How much


def test_the_peak_is_the_most_there_ever_was() -> None:
    engine, session = limited(10_000_000)
    fill(session, 1000)
    most = engine.memory.used()
    assert most - engine.startup_memory > 1_000_000
    talk(session, b"FLUSHALL")
    assert engine.memory.used() - engine.startup_memory < 100_000
    assert engine.memory.peak() == most
    engine.config.change([("maxmemory", "0")])
    assert engine.memory.peak() == engine.system.peak_memory()


def test_memory_that_is_free_is_given_back_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, _ = limited(10_000_000)
    system = engine.system
    assert isinstance(system, FakeSystem)
    pass_time(engine, 0.1)
    assert system.returned == 0
    monkeypatch.setattr(system, "memory", lambda: 15_000_000)
    pass_time(engine, 0.8)
    assert system.returned == 0  # it was looked for within the last second
    pass_time(engine, 0.3)
    assert system.returned == 1
    monkeypatch.setattr(system, "return_memory", lambda: system.advance(0.05))
    pass_time(engine, 1)
    took = system.seconds
    monkeypatch.undo()
    monkeypatch.setattr(system, "memory", lambda: 15_000_000)
    pass_time(engine, took + 4.8 - system.seconds)
    assert system.returned == 1  # it took long: a hundred times as long it is left alone
    pass_time(engine, 0.3)
    assert system.returned == 2
    engine.config.change([("maxmemory", "0")])
    pass_time(engine, 10)
    assert system.returned == 2


GROWTH = """
import gc, os
from itertools import chain
from pathlib import Path
from respstore.engine.session import Session
from tests.talk import make_engine, request

def keys(count, start=0):
    return [b"key:%012d" % n for n in range(start, start + count)]

def pairs(count, start, value):
    return [word for n in range(start, start + count) for word in (b"name:%d" % n, value(n))]

def parts(total):
    return range(0, total, 100)

REQUESTS = {
    "small strings": lambda: ((b"MSET", *pairs(100, n, lambda n: b"xxx")) for n in parts(60_000)),
    "strings": lambda: ((b"MSET", *pairs(100, n, lambda n: b"x" * (n % 2000))) for n in parts(10_000)),
    "large strings": lambda: ((b"SET", b"key:%d" % n, b"x" * 200_000) for n in range(50)),
    "integers": lambda: ((b"INCRBY", b"key:%d" % n, b"%d" % (1000 + n)) for n in range(40_000)),
    "strings that grow": lambda: ((b"APPEND", b"key:%d" % (n // 10), b"x" * 100) for n in range(40_000)),
    "strings that expire": lambda: ((b"SET", b"key:%d" % n, b"xxx", b"EX", b"1000") for n in range(30_000)),
    "a hash": lambda: ((b"HSET", b"h", *pairs(100, n, lambda n: b"value:%d" % n)) for n in parts(80_000)),
    "small hashes": lambda: ((b"HSET", b"h%d" % n, *pairs(5, n, lambda n: b"value:%d" % n)) for n in range(10_000)),
    "a hash of all sizes": lambda: (
        (b"HSET", b"h", *pairs(10, n, lambda n: b"x" * (n * 997 % 9000))) for n in range(0, 2000, 10)),
    "a list": lambda: ((b"RPUSH", b"l", *pairs(50, n, lambda n: b"value:%d" % n)) for n in parts(150_000)),
    "small lists": lambda: ((b"RPUSH", b"l%d" % n, *pairs(5, n, lambda n: b"value:%d" % n)) for n in range(8_000)),
    "a set": lambda: ((b"SADD", b"s", *keys(100, n)) for n in parts(60_000)),
    "sets of integers": lambda: ((b"SADD", b"s%d" % n, *map(b"%d".__mod__, range(n, n + 100))) for n in range(700)),
    "a sorted set": lambda: (
        (b"ZADD", b"z", *[word for m in range(n, n + 100) for word in (b"%d.5" % m, b"member:%d" % m)])
        for n in parts(60_000)),
    "small sorted sets": lambda: (
        (b"ZADD", b"z%d" % n, *[word for m in range(8) for word in (b"%d" % m, b"member:%d" % m)])
        for n in range(6000)),
    "a stream": lambda: (
        (b"XADD", b"x", b"*", b"field", b"value:%d" % n, b"more", b"%d" % n * 50) for n in range(20_000)),
    "a stream with a group": lambda: chain(
        [(b"XGROUP", b"CREATE", b"x", b"g", b"$", b"MKSTREAM")],
        ((b"XADD", b"x", b"*", b"field", b"value:%d" % n) for n in range(60_000)),
        ((b"XREADGROUP", b"GROUP", b"g", b"c", b"COUNT", b"100", b"STREAMS", b"x", b">") for n in range(600))),
    "keys that note when they are used": lambda: chain(
        [(b"CONFIG", b"SET", b"maxmemory-policy", b"allkeys-lru")],
        ((b"SET", b"key:%012d" % n, b"xxx") for n in range(40_000))),
}
engine = make_engine(maxmemory=10**12)
session = Session(engine)
for words in ((b"SET", b"k", b"v"), (b"XADD", b"x", b"*", b"f", b"v"), (b"FLUSHALL",)):
    session.receive_data(request(*words))
session.data_to_send()
# What was allocated before and is free again would take some of what comes.
plugs = [bytes(n) for n in range(0, 2048, 16) for _ in range(200)]
gc.collect()

def resident():
    return int(Path("/proc/self/status").read_text().partition("RssAnon:")[2].split()[0]) * 1024

for name, requests in REQUESTS.items():
    if os.fork():
        os.wait()
        continue
    before, used = resident(), engine.memory.used()
    for words in requests():
        engine.system.advance(0.0013)
        engine.begin_turn()
        session.receive_data(request(*words))
        assert session.data_to_send()[:1] != b"-"
    print(name, (engine.memory.used() - used) / (resident() - before), resident() - before, sep=": ", flush=True)
    os._exit(0)
"""


@pytest.mark.slow
@pytest.mark.timeout(300)  # ten seconds of work, on a machine that may be busy with others
def test_the_process_grows_by_what_is_counted() -> None:
    """A child process is filled with each kind of data, each time from the start; the system says how it grows."""
    child = subprocess.run([sys.executable, "-c", GROWTH], capture_output=True, text=True, check=True)
    ratios = {name: float(ratio) for name, ratio, _ in (line.split(": ") for line in child.stdout.splitlines())}
    assert len(ratios) == GROWTH.count('": lambda: ')
    assert {name: ratio for name, ratio in ratios.items() if not 0.85 < ratio < 1.15} == {}
