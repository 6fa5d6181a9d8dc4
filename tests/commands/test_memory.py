"""MEMORY and its subcommands."""

import re
import subprocess
import sys
from sys import getsizeof
from typing import Any

import hiredis
import pytest

from respstore.engine.engine import Engine
from respstore.engine.memory import PURGE_SECONDS
from respstore.engine.session import Session
from tests.talk import NOT_AN_INTEGER, SYNTAX, FakeSystem, pass_time, talk


def ask(session: Session, *words: bytes) -> Any:
    reader = hiredis.Reader()
    reader.feed(talk(session, *words))
    return reader.gets()


# USAGE


def test_usage(session: Session) -> None:
    talk(session, b"SET", b"k", b"x" * 1000)
    size = ask(session, b"MEMORY USAGE k")
    assert 1000 < size < 1300
    assert ask(session, b"memory usage k samples 5") == size


def test_usage_of_a_set_is_sampled(session: Session) -> None:
    talk(
        session,
        b"SADD",
        b"s",
        *[b"x%d" % number for number in range(10)],
        *[b"x" * length for length in range(900, 910)],
    )
    assert ask(session, b"MEMORY USAGE s") == ask(session, b"MEMORY USAGE s SAMPLES 5") < 5000
    assert ask(session, b"MEMORY USAGE s SAMPLES 0") == ask(session, b"MEMORY USAGE s SAMPLES 99999999999") > 9_000
    assert ask(session, b"MEMORY USAGE s SAMPLES 0 SAMPLES 1") == ask(session, b"MEMORY USAGE s")


def test_usage_depends_on_what_fits_into_a_node(session: Session) -> None:
    talk(session, b"RPUSH", b"l", *[b"x"] * 100)
    talk(session, b"XADD s 1-1 f v")
    assert (ask(session, b"MEMORY USAGE l"), ask(session, b"MEMORY USAGE s")) == (448, 4728)
    talk(session, b"CONFIG SET list-max-listpack-size 50 stream-node-max-bytes 40")
    assert (ask(session, b"MEMORY USAGE l"), ask(session, b"MEMORY USAGE s")) == (488, 680)


def test_usage_of_no_key(session: Session) -> None:
    assert talk(session, b"MEMORY USAGE missing") == b"$-1\r\n"
    talk(session, b"HELLO 3")
    assert talk(session, b"MEMORY USAGE missing SAMPLES 0") == b"_\r\n"


def test_usage_counts_no_hit(engine: Engine, session: Session) -> None:
    talk(session, b"SET k v")
    talk(session, b"MEMORY USAGE k")
    talk(session, b"MEMORY USAGE missing")
    assert (engine.keyspace.databases[0].hits, engine.keyspace.databases[0].misses) == (0, 0)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (b"SAMPLES", SYNTAX),
        (b"SAMPLES -1", SYNTAX),
        (b"SAMPLES x", NOT_AN_INTEGER),
        (b"SAMPLES 1.5", NOT_AN_INTEGER),
        (b"SAMPLES 9223372036854775808", NOT_AN_INTEGER),
        (b"JUNK", SYNTAX),
        (b"JUNK 5", SYNTAX),
        (b"SAMPLES 5 x", SYNTAX),
    ],
)
def test_usage_with_wrong_options(session: Session, options: bytes, error: bytes) -> None:
    assert talk(session, b"MEMORY USAGE missing " + options) == error


def test_wrong_requests(session: Session) -> None:
    assert talk(session, b"MEMORY") == b"-ERR wrong number of arguments for 'memory' command\r\n"
    assert talk(session, b"MEMORY USAGE") == b"-ERR wrong number of arguments for 'memory|usage' command\r\n"
    assert talk(session, b"MEMORY FOO") == b"-ERR unknown subcommand 'FOO'. Try MEMORY HELP.\r\n"
    for word in (b"STATS", b"DOCTOR", b"PURGE", b"MALLOC-STATS", b"HELP"):
        error = b"-ERR wrong number of arguments for 'memory|%b' command\r\n" % word.lower()
        assert talk(session, b"MEMORY " + word + b" x") == error


# STATS


WHOLE_NUMBERS = (
    *("peak.allocated", "total.allocated", "startup.allocated", "replication.backlog", "clients.slaves"),
    *("clients.normal", "cluster.links", "aof.buffer", "lua.caches", "functions.caches", "overhead.total"),
    *("keys.count", "keys.bytes-per-key", "dataset.bytes", "allocator.allocated", "allocator.active"),
    *("allocator.resident", "allocator-fragmentation.bytes", "allocator-rss.bytes", "rss-overhead.bytes"),
    "fragmentation.bytes",
)
RATIOS = (
    *("dataset.percentage", "peak.percentage", "allocator-fragmentation.ratio", "allocator-rss.ratio"),
    *("rss-overhead.ratio", "fragmentation"),
)


def test_stats(session: Session) -> None:
    for line in (b"HELLO 3", b"MSET a 1 b 2", b"PEXPIRE a 1000", b"SELECT 3", b"SET c 3"):
        talk(session, line)
    stats = {name.decode(): value for name, value in ask(session, b"MEMORY STATS").items()}
    assert stats.keys() == {*WHOLE_NUMBERS, *RATIOS, "db.0", "db.3"}
    assert all(type(stats[name]) is int for name in WHOLE_NUMBERS)
    assert all(type(stats[name]) is float for name in RATIOS)
    assert stats["keys.count"] == 3
    assert stats["total.allocated"] == 10_000_000
    assert stats["peak.allocated"] == 12_500_000
    assert stats["peak.percentage"] == 80
    assert stats["db.0"].keys() == {
        b"overhead.hashtable.main",
        b"overhead.hashtable.expires",
        b"overhead.hashtable.slot-to-keys",
    }
    assert stats["db.0"][b"overhead.hashtable.main"] > 100


def test_stats_are_flat_in_resp2(session: Session) -> None:
    talk(session, b"SET a 1")
    stats = ask(session, b"MEMORY STATS")
    assert len(stats) == 2 * len(WHOLE_NUMBERS + RATIOS) + 2
    assert len(stats[stats.index(b"db.0") + 1]) == 6
    assert stats[stats.index(b"fragmentation") + 1] == b"1"


def test_stats_of_no_data(engine: Engine, session: Session) -> None:
    engine.startup_memory = 20_000_000  # memory may shrink
    talk(session, b"HELLO 3")
    stats = ask(session, b"MEMORY STATS")
    assert stats[b"keys.bytes-per-key"] == 0
    assert stats[b"dataset.bytes"] == 0
    assert stats[b"dataset.percentage"] == 0.0


def test_bytes_per_key(engine: Engine, session: Session) -> None:
    engine.startup_memory = 4_000_000
    talk(session, b"HELLO 3")
    talk(session, b"MSET a 1 b 2 c 3")
    stats = ask(session, b"MEMORY STATS")
    assert stats[b"keys.bytes-per-key"] == 2_000_000
    assert stats[b"dataset.bytes"] + stats[b"overhead.total"] == stats[b"total.allocated"]
    assert 99 < stats[b"dataset.percentage"] < 100


# DOCTOR and the allocator


def doctor(session: Session) -> str:
    text = ask(session, b"MEMORY DOCTOR")
    assert isinstance(text, bytes)
    assert text.endswith(b"\n")
    return text.decode()


def test_doctor_has_nothing_to_examine(session: Session) -> None:
    assert "nothing to examine" in doctor(session)


def test_doctor_finds_nothing(engine: Engine, session: Session) -> None:
    engine.startup_memory = 1_000_000
    assert "Nothing unusual" in doctor(session)


def test_doctor_finds_what_is_unusual(engine: Engine, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.startup_memory = 1_000_000
    monkeypatch.setattr(engine.system, "peak_memory", lambda: 16_000_000)
    monkeypatch.setattr(engine.system, "total_memory", lambda: 18_000_000)
    session.unsent = 1_000_000
    text = doctor(session)
    assert re.findall(r"^ \* (\w+):", text, re.MULTILINE) == ["Peak", "Connections", "Machine"]


def test_texts_are_verbatim(session: Session) -> None:
    talk(session, b"HELLO 3")
    assert talk(session, b"MEMORY DOCTOR").startswith(b"=")
    assert talk(session, b"MEMORY MALLOC-STATS").startswith(b"=")


def test_malloc_stats(session: Session) -> None:
    text = ask(session, b"MEMORY MALLOC-STATS").decode()
    assert "Allocator: pymalloc" in text
    assert "Resident memory: 10000000\n" in text
    assert text.count("Garbage collector") == 3


def test_purge(session: Session) -> None:
    system = session.engine.system
    assert isinstance(system, FakeSystem)
    engine, begin = session.engine, system.monotonic()
    deadlines: list[float] = []
    engine.waiting.rearm = deadlines.append
    assert talk(session, b"MEMORY PURGE") == b""
    assert deadlines[0] == begin  # the server's timers are to wake at once
    while (deadline := engine.next_deadline()) and not system.returned:
        assert session.data_to_send() == b""
        system.advance(deadline - system.monotonic())
        engine.between_ticks()
    assert system.monotonic() - begin < PURGE_SECONDS
    assert session.data_to_send() == b""
    pass_time(engine, PURGE_SECONDS)
    assert session.data_to_send() == b"+OK\r\n"
    assert (system.gathered, system.let_go, system.returned) == (2, 12, 1)


def test_purge_where_nobody_may_wait(session: Session) -> None:
    talk(session, b"MULTI")
    talk(session, b"MEMORY PURGE")
    assert talk(session, b"EXEC") == b"*1\r\n+OK\r\n"


def test_purge_leaves_no_room_for_keys_that_others_waited_for(session: Session) -> None:
    channels = session.engine.channels
    names = [b"%d" % number for number in range(100)]
    talk(session, b"SUBSCRIBE " + b" ".join(names))
    talk(session, b"UNSUBSCRIBE")
    assert getsizeof(channels.channels) > getsizeof({})
    talk(session, b"MEMORY PURGE")
    for _ in range(10):
        pass_time(session.engine, 0.1)
    assert getsizeof(channels.channels) == getsizeof({})


COME_AND_GO = """
import ctypes
from itertools import cycle
from pathlib import Path

from respstore.engine.session import Session
from tests.talk import make_engine, pass_time, request, talk

COMMANDS = '''get k0|incr n|incrby k0 1|lpush l x|lrange l 0 -1|sadd s x|smembers s|hset h f v|hgetall h|zadd z 1 x
zrange z 0 -1|setex e 9 v|ttl e|expire n 9|append a x|strlen a|exists k0|type k1|hincrby h g 1|nosuch|incr l|ping
client tracking on|client tracking off|config get maxmemory|object encoding k0|setbit bits 7 1|config|echo x'''

engine = make_engine()
session, other = Session(engine), Session(engine)
mix = cycle([request(line.encode()) for line in COMMANDS.replace("\\n", "|").split("|")])

def fill(count):
    for number in range(count):
        session.receive_data(request(b"set k%d %040d" % (number, number)))
        if not number % 10:
            other.receive_data(next(mix))
            other.data_to_send()
        if not number % 1000:
            engine.system.sleep(0.02)  # one that was slow
            other.receive_data(next(mix))
            session.data_to_send(), other.data_to_send()
            pass_time(engine, 0.1)

def empty():
    talk(session, b"flushall")
    talk(session, b"memory purge")
    pass_time(engine, 0.1)
    while deadline := engine.next_deadline():
        pass_time(engine, deadline - engine.system.monotonic())
    session.data_to_send()
    ctypes.CDLL(None).malloc_trim(0)
    return resident()

def resident():
    return int(Path("/proc/self/status").read_text().partition("RssAnon:")[2].split()[0]) * 1024

fill(1000)
before = empty()
fill(100_000)
print(resident() - before, empty() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc how large the process is")
def test_purge_gives_back_what_data_took_among_which_requests_were_counted_and_noted() -> None:
    """In a process of its own. Whatever is made among the data and stays may hold a mebibyte each."""
    child = subprocess.run([sys.executable, "-c", COME_AND_GO], capture_output=True, text=True, check=True)
    full, left = map(int, child.stdout.split())
    assert left < full / 3


def test_help(session: Session) -> None:
    lines = [line.decode() for line in ask(session, b"MEMORY HELP")]
    assert lines[0] == "MEMORY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"
    assert "USAGE <key> [SAMPLES <count>]" in lines
    assert lines[-2] == "HELP"
