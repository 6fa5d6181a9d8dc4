"""What the AOF is told of each command: checked beside redis-server in compat/redis/test_effects.py."""

import pytest

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from respstore.protocol import tcpstore
from respstore.protocol.requests import encode_request
from tests.talk import OK, FakeSystem, array, make_engine, pass_time, received, talk
from tests.wire import ask, torch_client

NOW = 1_700_000_000_000  # of the clock, which stands still


@pytest.fixture
def engine() -> Engine:
    engine = make_engine()
    engine.effects.listen(on=True)
    return engine


def taken(engine: Engine) -> bytes:
    """The effects since the last time."""
    assert isinstance(engine.system, FakeSystem)
    files = engine.system.append_files
    data, files.data = files.data + engine.effects.take(), b""
    return data


def told(engine: Engine) -> list[str]:
    """The effects since the last time, a line each, without the SELECT of database 0."""
    words = iter(taken(engine).split(b"\r\n")[:-1])
    lines = []
    for head in words:
        parts = []
        for _ in range(int(head[1:])):
            next(words)
            parts.append(next(words).decode())
        lines.append(" ".join(parts))
    return lines[1:] if lines[:1] == ["SELECT 0"] else [line for line in lines if line != "SELECT 0"]


def run(session: Session, *lines: str) -> list[str]:
    """What is told of commands of which none may fail."""
    for line in lines:
        assert not talk(session, line.encode()).startswith(b"-"), line
    return told(session.engine)


@pytest.mark.parametrize(
    ("before", "command", "effects"),
    [
        ("", "SET a 1", ["SET a 1"]),
        ("", "set a 1 ex 100", [f"SET a 1 PXAT {NOW + 100_000}"]),
        ("", "SET a 1 NX", ["SET a 1 NX"]),
        ("SET a 1", "SET a 2 NX", []),
        ("SET a 1", "SET a 2 GET XX KEEPTTL", ["SET a 2 XX KEEPTTL"]),
        ("", "SETEX a 10 v", [f"SET a v PXAT {NOW + 10_000}"]),
        ("", "PSETEX a 10 v", [f"SET a v PXAT {NOW + 10}"]),
        ("", "GETSET a v", ["SET a v"]),
        ("SET a 1", "GETDEL a", ["DEL a"]),
        ("", "GETDEL a", []),
        ("SET a 1", "GETEX a PX 5", [f"PEXPIREAT a {NOW + 5}"]),
        ("SET a 1 EX 9", "GETEX a PERSIST", ["PERSIST a"]),
        ("SET a 1", "GETEX a PERSIST", []),
        ("SET a 1", "GETEX a EXAT 1", ["DEL a"]),
        ("SET a 1", "GETEX a", []),
        ("SET a 10", "INCRBYFLOAT a 1.5", ["SET a 11.5 KEEPTTL"]),
        ("SET a 1", "EXPIRE a 10", [f"PEXPIREAT a {NOW + 10_000}"]),
        ("SET a 1", "EXPIRE a 10 NX", [f"PEXPIREAT a {NOW + 10_000} NX"]),
        ("SET a 1", "EXPIRE a -1", ["DEL a"]),
        ("SET a 1", "EXPIRE a 10 XX", []),
        ("", "EXPIRE a 10", []),
        ("SADD s 1", "SPOP s", ["SREM s 1"]),
        ("SADD s 1 2", "SPOP s 5", ["DEL s"]),
        ("SADD s 1 1", "SADD s 1", []),
        ("", "HINCRBYFLOAT h f 1.5", ["HSET h f 1.5"]),
        ("RPUSH l 1 2", "BLPOP x l 0", ["LPOP l"]),
        ("RPUSH l 1 2", "BRPOP l 0", ["RPOP l"]),
        ("RPUSH l 1 2", "LMPOP 2 x l LEFT COUNT 5", ["LPOP l 2"]),
        ("RPUSH l 1 2", "BLMPOP 0 2 x l RIGHT", ["RPOP l 1"]),
        ("RPUSH l 1 2", "BLMOVE l m LEFT RIGHT 0", ["LMOVE l m LEFT RIGHT"]),
        ("RPUSH l 1 2", "BRPOPLPUSH l m 0", ["RPOPLPUSH l m"]),
        ("RPUSH l 1 2", "RPOPLPUSH l m", ["RPOPLPUSH l m"]),
        ("RPUSH l 1 2", "LTRIM l 1 -1", ["LTRIM l 1 -1"]),
        ("RPUSH l 1 2", "LTRIM l 0 -1", []),
        ("ZADD z 1 a 2 b", "BZPOPMIN z 0", ["ZPOPMIN z"]),
        ("ZADD z 1 a 2 b", "BZPOPMAX z 0", ["ZPOPMAX z"]),
        ("ZADD z 1 a 2 b", "ZMPOP 1 z MIN COUNT 9", ["ZPOPMIN z 2"]),
        ("ZADD z 1 a 2 b", "BZMPOP 0 1 z MAX", ["ZPOPMAX z 1"]),
        ("", "GEOADD g CH 1 1 a", ["ZADD g CH 3377822707026402 a"]),
        ("PFADD p a", "PFCOUNT p", ["PFCOUNT p"]),
        ("", "XADD s * a 1", [f"XADD s {NOW}-0 a 1"]),
        ("XADD s 1-1 a 1", "XADD s MAXLEN ~ 10 2-* a 1", ["XADD s MAXLEN = 2 2-0 a 1"]),
        ("XADD s 1-1 a 1", "XADD s NOMKSTREAM MAXLEN 1 2-2 a 1", ["XADD s MAXLEN = 1 2-2 a 1"]),
        ("XADD s 1-1 a 1", "XADD s MINID ~ 2 2-2 a 1", ["XADD s MINID = 1-1 2-2 a 1"]),
        ("", "XADD s MINID ~ 6 5-* a 1", ["XADD s MINID = 18446744073709551615-18446744073709551615 5-0 a 1"]),
        ("XADD s 1-1 a 1", "XTRIM s MINID 2", ["XTRIM s MINID = 2-0"]),
        ("", "FLUSHALL", ["FLUSHALL"]),
        ("", "FLUSHDB", ["FLUSHDB"]),
        ("SET a 1", "MOVE a 1", ["MOVE a 1"]),
        ("", "SWAPDB 0 1", ["SWAPDB 0 1"]),
        ("SET a 1", "CAS a 1 2", ["SET a 2"]),
        ("", "BARRIER b 1", ["INCR b"]),
        ("", "BARRIER b 1 EPOCH 6", ["SET b 7"]),
        ("SET b 6", "BARRIER b 1 EPOCH 6", ["INCR b"]),
        ("", "XGROUP CREATE s g 0 MKSTREAM", ["XGROUP CREATE s g 0 MKSTREAM"]),
    ],
)
def test_effects(engine: Engine, before: str, command: str, effects: list[str]) -> None:
    session = Session(engine)
    if before:
        run(session, before)
    assert run(session, command) == effects


@pytest.mark.parametrize("length", [1, 9, 63, 64, 1023, 1024])
def test_words_of_any_length_are_told_as_they_came(engine: Engine, length: int) -> None:
    session, word = Session(engine), b"w" * length
    for request in (
        (b"SET", word, b"1"),
        (b"APPEND", b"a", word),
        (b"HSET", b"h", word, word),
        (b"XGROUP", b"CREATE", b"x", word, b"$", b"MKSTREAM"),
        (b"XGROUP", b"DESTROY", b"x", word),
    ):
        assert not talk(session, *request).startswith(b"-")
        assert taken(engine).endswith(array(*request))


def test_deliveries_to_a_group_are_claims_with_the_place_of_the_group(engine: Engine) -> None:
    session = Session(engine)
    run(session, "XADD s 1-1 a 1", "XADD s 2-2 a 1", "XADD s 3-3 a 1", "XGROUP CREATE s g 0")
    claim = f"TIME {NOW} RETRYCOUNT 1 FORCE JUSTID LASTID"
    assert run(session, "XREADGROUP GROUP g c COUNT 2 STREAMS s >") == [
        "MULTI",
        f"XCLAIM s g c 0 1-1 {claim} 1-1",
        f"XCLAIM s g c 0 2-2 {claim} 2-2",
        "XGROUP SETID s g 2-2 ENTRIESREAD 2",
        "EXEC",
    ]
    assert run(session, "XREADGROUP GROUP g d NOACK STREAMS s >") == [
        "MULTI",
        "XGROUP CREATECONSUMER s g d",
        "XGROUP SETID s g 3-3 ENTRIESREAD 3",
        "EXEC",
    ]
    assert run(session, "XREADGROUP GROUP g e STREAMS s 0") == ["XGROUP CREATECONSUMER s g e"]
    assert run(session, "XREADGROUP GROUP g c STREAMS s 0") == []
    claim = f"TIME {NOW} RETRYCOUNT 3 FORCE JUSTID LASTID"
    assert run(session, "XCLAIM s g d 0 1-1") == [f"XCLAIM s g d 0 1-1 {claim} 3-3"]
    assert run(session, "XCLAIM s g d 0 7-7 LASTID 9-9") == ["XGROUP SETID s g 9-9 ENTRIESREAD 3"]
    run(session, "XDEL s 2-2")
    assert run(session, "XAUTOCLAIM s g f 0 2") == [
        f"XCLAIM s g c 0 2-2 TIME {NOW} RETRYCOUNT 2 FORCE JUSTID LASTID 9-9"
    ]


def test_a_restored_value_expires_at_a_time(engine: Engine) -> None:
    session = Session(engine)
    run(session, "SET a 1")
    dump = talk(session, b"DUMP a").split(b"\r\n", 1)[1][:-2]
    for ttl, effect in ((b"0", b"RESTORE b 0 %b REPLACE"), (b"5", b"RESTORE b 1700000000005 %b REPLACE ABSTTL")):
        assert talk(session, b"RESTORE", b"b", ttl, dump, b"REPLACE") == OK
        name, key, time, rest = (effect % dump).split(b" ", 3)
        rest = [dump, *rest[len(dump) + 1 :].split()]
        assert taken(engine) == encode_request((name, key, time, *rest))
    assert talk(session, b"RESTORE", b"b", b"1", dump, b"REPLACE", b"ABSTTL") == OK
    assert told(engine) == ["DEL b"]


def test_who_waited_is_served_after_the_command_that_served(engine: Engine) -> None:
    alice, bob = Session(engine), Session(engine)
    assert talk(alice, b"BLPOP l 0") == b""
    assert run(bob, "RPUSH l 1 2") == ["RPUSH l 1 2", "LPOP l"]
    assert received(alice)


def test_the_last_at_a_barrier_counts_for_all(engine: Engine) -> None:
    alice, bob = Session(engine), Session(engine)
    assert talk(alice, b"BARRIER b 2") == b""
    assert told(engine) == []
    assert run(bob, "BARRIER b 2") == ["INCR b"]


def test_a_transaction_is_one_unit(engine: Engine) -> None:
    session = Session(engine)
    assert run(session, "MULTI", "SET a 1", "SPOP none", "SELECT 3", "INCR b", "EXEC") == [
        "MULTI",
        "SET a 1",
        "SELECT 3",
        "INCR b",
        "EXEC",
    ]
    assert run(session, "MULTI", "GET a", "EXEC") == []
    assert run(session, "MULTI", "SET a 2", "GET a", "EXEC") == ["SET a 2"]


def test_effects_before_an_error_are_told(engine: Engine) -> None:
    session = Session(engine)
    run(session, "RPUSH l 1")
    for line in (b"MULTI", b"SET a 1", b"INCR l", b"SET b 1", b"EXEC"):
        talk(session, line)
    assert told(engine) == ["MULTI", "SET a 1", "SET b 1", "EXEC"]


def test_keys_that_expire_are_deleted(engine: Engine) -> None:
    session = Session(engine)
    engine.active_expiry = False
    run(session, "SET a 1 PX 1", "SET b 1 PX 1", "SET c 1 PX 1")
    pass_time(engine, 0.01)
    assert run(session, "GET a") == ["DEL a"]
    assert run(session, "SET b 2 XX") == ["DEL b"]
    assert run(session, "SET c 2") == ["SET c 2"]
    run(session, "SET a 1 PX 1")
    engine.active_expiry = True
    pass_time(engine, 0.2)
    assert told(engine) == ["DEL a"]


def test_a_key_that_had_expired_and_the_new_one_are_one_unit(engine: Engine) -> None:
    session = Session(engine)
    engine.active_expiry = False
    run(session, "SET a 1 PX 1")
    pass_time(engine, 0.01)
    assert run(session, "INCR a") == ["MULTI", "DEL a", "INCR a", "EXEC"]


@pytest.mark.parametrize(
    ("command", "effects"),
    [
        ("APPEND a 2", ["MULTI", "DEL a", "APPEND a 2", "EXEC"]),
        ("LPUSHX a 2", ["DEL a"]),
        ("RENAME a b", ["DEL a"]),  # an error, for there is no such key
        ("SET a 2", ["SET a 2"]),
    ],
)
def test_what_a_command_of_two_arguments_finds_expired_is_told_with_it(
    engine: Engine, command: str, effects: list[str]
) -> None:
    session = Session(engine)
    engine.active_expiry = False
    run(session, "SET a 1 PX 1")
    pass_time(engine, 0.01)
    talk(session, command.encode())
    assert told(engine) == effects
    assert run(session, "SET a 3") == ["SET a 3"]


def test_evicted_keys_are_deleted() -> None:
    engine = make_engine(maxmemory=100_000, maxmemory_policy="allkeys-random")
    engine.effects.listen(on=True)
    session = Session(engine)
    for number in range(200):
        assert talk(session, b"SET", b"k%d" % number, b"x" * 1000) == OK
    lines = told(engine)
    deleted = [line for line in lines if line.startswith("DEL")]
    assert len(deleted) == engine.statistics.evicted_keys > 0
    assert len(lines) == 200 + len(deleted)


def test_torch_clients_write_what_their_commands_write(engine: Engine) -> None:
    client = torch_client(engine)
    ask(client, tcpstore.SET, b"/k", b"v")
    ask(client, tcpstore.ADD, b"/n", 3)
    ask(client, tcpstore.COMPARE_SET, b"/k", b"v", b"w")
    ask(client, tcpstore.BARRIER, b"/b", 1)
    assert told(engine) == ["SET k v", "INCRBY n 3", "SET k w", "INCRBY b 1"]


def test_nobody_who_does_not_listen_is_told(engine: Engine) -> None:
    session = Session(engine)
    plain = make_engine().entries[b"set"]
    engine.effects.listen(on=False)
    assert run(session, "SET a 1", "SPOP none") == []
    entry = engine.entries[b"set"]
    assert entry.plain is entry.run is plain.run


def test_a_limit_of_memory_is_asked_first_as_before(engine: Engine) -> None:
    session = Session(engine)
    run(session, "CONFIG SET maxmemory 1")
    assert talk(session, b"SET a 1").startswith(b"-OOM")
    run(session, "CONFIG SET maxmemory 0")
    assert run(session, "SET a 1") == ["SET a 1"]


def test_the_database_of_a_unit_is_said_before_it(engine: Engine) -> None:
    session = Session(engine)
    run(session, "SELECT 2")
    for line in (b"MULTI", b"SET a 1", b"SET b 1", b"EXEC"):
        talk(session, line)

    assert taken(engine).startswith(b"*2\r\n$6\r\nSELECT\r\n$1\r\n2\r\n*1\r\n$5\r\nMULTI")


def test_a_new_file_begins_with_its_database(engine: Engine) -> None:
    session = Session(engine)
    run(session, "SELECT 2")
    talk(session, b"SET a 1")
    assert taken(engine).startswith(b"*2\r\n$6\r\nSELECT\r\n$1\r\n2\r\n*3")
    talk(session, b"SET a 1")
    assert taken(engine).startswith(b"*3")
    engine.effects.begin_file()
    talk(session, b"SET a 1")
    assert taken(engine).startswith(b"*2\r\n$6\r\nSELECT")
