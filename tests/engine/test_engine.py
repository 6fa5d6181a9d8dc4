"""Engine: what sessions share, what happens at the end of a turn and when time passes."""

from random import Random

import pytest

from respstore.commands import TABLE
from respstore.config import Config
from respstore.engine.engine import TICKS_PER_GENERATION, Engine
from respstore.engine.session import Session
from respstore.keyspace.stream import Stream
from tests.talk import NULL, PING, PONG, FakeSystem, make_engine, pass_time, received, request, talk


def dbsize(session: Session) -> int:
    return int(talk(session, b"DBSIZE")[1:])


# Sessions


def test_sessions_are_numbered_and_listed_while_they_last(engine: Engine) -> None:
    first, second = Session(engine), Session(engine)
    assert (first.id, second.id) == (1, 2)
    first.close()
    third = Session(engine)
    assert list(engine.sessions.values()) == [second, third]
    assert third.id == 3
    assert engine.statistics.connections == 3


def test_two_engines_know_nothing_of_each_other() -> None:
    one, other = Session(make_engine()), Session(make_engine(databases=1))
    talk(one, b"SET k v")
    talk(one, b"CLIENT PAUSE 1000")
    assert talk(other, b"GET k") == b"$-1\r\n"
    assert talk(other, b"SELECT 1") == b"-ERR DB index is out of range\r\n"
    assert talk(other, b"CLIENT ID") == b":1\r\n"


def test_two_engines_started_with_other_chances_have_other_ids() -> None:
    ids = {Engine(Config(), TABLE, FakeSystem(), Random(seed)).run_id for seed in range(10)}
    assert len(ids) == 10
    assert all(len(name) == 40 and set(name) <= set("0123456789abcdef") for name in ids)


# The clock


def test_commands_read_the_clock_of_their_turn(engine: Engine) -> None:
    session = Session(engine)
    session.receive_data(request(b"SET k v PX 1000") + request(b"PTTL k"))
    assert session.data_to_send() == b"+OK\r\n:1000\r\n"
    engine.system.advance(0.4)
    session.receive_data(request(b"PTTL k"))
    assert session.data_to_send() == b":1000\r\n"  # nobody read the clock: the same turn still
    engine.read_clock()
    session.receive_data(request(b"PTTL k"))
    assert session.data_to_send() == b":600\r\n"


def open_nodes(engine: Engine, key: bytes) -> int:
    stream = engine.keyspace.databases[0].get(key)
    assert isinstance(stream, Stream)
    return sum(node.columns is not None for node in stream.nodes())


# Turns


def test_released_sessions_go_on_at_the_end_of_the_turn_in_order(engine: Engine) -> None:
    waiters = [Session(engine) for _ in range(3)]
    for waiter in waiters:
        waiter.receive_data(request(b"BLPOP q 0") + request(b"RPUSH log %d" % waiter.id))
    giver = Session(engine)
    giver.receive_data(request(b"RPUSH q a b c") + request(b"LLEN log"))
    assert giver.data_to_send() == b":3\r\n:0\r\n"
    engine.end_of_turn()
    assert talk(giver, b"LRANGE log 0 -1") == b"*3\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n"
    assert engine.take_touched() == waiters
    assert engine.take_touched() == []


def test_what_released_sessions_do_may_release_others_in_the_same_turn(engine: Engine) -> None:
    alice, bob, carol = Session(engine), Session(engine), Session(engine)
    alice.receive_data(request(b"BLPOP a 0") + request(b"RPUSH b 1"))
    bob.receive_data(request(b"BLPOP b 0") + request(b"RPUSH c 1"))
    talk(carol, b"RPUSH a 1")
    assert received(alice).endswith(b":1\r\n")
    assert received(bob).endswith(b":1\r\n")
    assert talk(carol, b"LLEN c") == b":1\r\n"


def test_a_session_that_closed_after_its_release_does_not_go_on(engine: Engine) -> None:
    alice, bob = Session(engine), Session(engine)
    alice.receive_data(request(b"BLPOP q 0") + request(b"SET k v"))
    bob.receive_data(request(b"RPUSH q 1"))
    alice.receive_eof()
    assert talk(bob, b"EXISTS k") == b":1\r\n:0\r\n"


# Time


def test_waits_end_when_their_time_is_over(engine: Engine) -> None:
    early, late = Session(engine), Session(engine)
    assert engine.next_deadline() is None
    talk(late, b"BLPOP q 2")
    talk(early, b"BLPOP q 0.5")
    assert engine.next_deadline() == engine.system.monotonic() + 0.5
    engine.system.advance(0.5)
    engine.between_ticks()
    assert received(early) == b"*-1\r\n"
    assert engine.take_touched() == [early]
    pass_time(engine, 1.4)
    assert received(late) == b""
    pass_time(engine, 0.1)
    assert received(late) == b"*-1\r\n"
    assert engine.next_deadline() is None


def test_keys_expire_though_nobody_asks_for_them(engine: Engine) -> None:
    session = Session(engine)
    for number in range(10):
        talk(session, b"SET k%d v PX 100" % number)
    pass_time(engine, 0.05)
    assert dbsize(session) == 10
    pass_time(engine, 0.1)
    assert dbsize(session) == 0


def test_many_overdue_keys_take_several_steps(engine: Engine) -> None:
    session = Session(engine)
    for number in range(2000):
        talk(session, b"SET k%d v PX 100" % number)
    pass_time(engine, 0.2)
    left = dbsize(session)
    assert 0 < left < 2000
    assert engine.statistics.expire_stopped == 1
    for _ in range(10):
        assert engine.next_deadline() is not None or dbsize(session) == 0
        engine.between_ticks()
    assert dbsize(session) == 0
    assert engine.next_deadline() is None


@pytest.mark.parametrize("use", [b"XADD s 2-0 f v", b"XRANGE s - +", b"XREAD STREAMS s 0", b"XDEL s 1-0"])
def test_a_stream_is_packed_a_moment_after_it_was_used(use: bytes, engine: Engine) -> None:
    session = Session(engine)
    talk(session, b"XADD s 1-0 f v")
    talk(session, b"XADD s 1-1 f v")
    pass_time(engine, 0.1)
    pass_time(engine, 0.1)
    assert open_nodes(engine, b"s") == 0
    talk(session, use)
    assert open_nodes(engine, b"s") == 1
    pass_time(engine, 0.1)
    pass_time(engine, 0.1)
    assert open_nodes(engine, b"s") == 0


def test_a_stream_stays_as_heavy_as_it_was_weighed() -> None:
    engine = make_engine(maxmemory=1 << 30)
    talk(Session(engine), b"XADD s 1-0 f v")
    pass_time(engine, 0.1)
    pass_time(engine, 0.1)
    assert open_nodes(engine, b"s") == 1
    assert not engine.keyspace.streams_in_use


def test_streams_that_are_flushed_are_gone(engine: Engine) -> None:
    session = Session(engine)
    talk(session, b"XADD s 1-0 f v")
    talk(session, b"FLUSHALL")
    assert not engine.keyspace.streams_in_use


def test_expiry_of_overdue_keys_leaves_most_of_the_time_to_others(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session(engine)
    for number in range(2000):
        talk(session, b"SET k%d v PX 100" % number)
    engine.system.advance(0.2)
    readings = iter([10.0, 10.0, 10.002])  # two ms pass while keys are deleted
    monkeypatch.setattr(engine.system, "monotonic", lambda: next(readings))
    engine.tick()
    assert engine.next_deadline() == pytest.approx(10.008)
    assert engine.statistics.expire_seconds == pytest.approx(0.002)


def test_the_order_of_keys_costs_memory_only_while_somebody_scans(engine: Engine) -> None:
    session = Session(engine)
    talk(session, b"SET k v")
    page = talk(session, b"SCAN 0")
    for _ in range(TICKS_PER_GENERATION):
        engine.tick()
    assert session.db._order is not None  # a slow scan may go on
    for _ in range(TICKS_PER_GENERATION):
        engine.tick()
    assert session.db._order is None
    assert talk(session, b"SCAN 0") == page


@pytest.mark.parametrize("waits", [False, True])
def test_idle_clients_are_closed_unless_they_wait(
    engine: Engine, caplog: pytest.LogCaptureFixture, waits: bool
) -> None:
    engine.config.timeout = 10
    session = Session(engine)
    talk(session, b"BLPOP q 0" if waits else b"PING")
    for _ in range(30):
        pass_time(engine, 0.5)
    assert session.is_aborted is not waits
    assert (session in engine.take_touched()) is not waits


def test_who_speaks_now_and_then_is_not_idle(engine: Engine) -> None:
    engine.config.timeout = 10
    session = Session(engine)
    for _ in range(30):
        pass_time(engine, 5)
        assert talk(session, b"PING") == PONG
    assert not session.is_closing


def test_without_a_timeout_nobody_is_idle(engine: Engine) -> None:
    session = Session(engine)
    for _ in range(20):
        pass_time(engine, 1000)
    assert not session.is_closing


# CLIENT PAUSE


def test_what_a_pause_held_up_runs_in_order_of_arrival(engine: Engine) -> None:
    clients = [Session(engine) for _ in range(3)]
    boss = Session(engine)
    talk(boss, b"CLIENT PAUSE 1000 WRITE")
    for client in reversed(clients):
        client.receive_data(request(b"RPUSH l %d" % client.id) * 2 + PING)
        assert client.is_parked
    assert talk(boss, b"LRANGE l 0 -1") == b"*0\r\n"
    boss.receive_data(request(b"CLIENT UNPAUSE") + request(b"LLEN l"))
    assert boss.data_to_send() == b"+OK\r\n:0\r\n"
    engine.end_of_turn()
    order = b"".join(b"$1\r\n%d\r\n" % client.id * 2 for client in reversed(clients))
    assert talk(boss, b"LRANGE l 0 -1") == b"*6\r\n" + order
    assert received(clients[0]) == b":5\r\n:6\r\n" + PONG


LIBRARY = b"""#!lua name=lib
redis.register_function('writes', function() return 1 end)
redis.register_function{function_name='reads', callback=function() return 1 end, flags={'no-writes'}}
"""
READS = b"#!lua flags=no-writes\nreturn 1"


def test_a_pause_of_writes_holds_up_scripts_unless_they_say_that_they_only_read(engine: Engine) -> None:
    boss = Session(engine)
    talk(boss, b"FUNCTION", b"LOAD", LIBRARY)
    writer, reader = (talk(boss, b"SCRIPT", b"LOAD", text)[5:-2] for text in (b"return 1", READS))
    talk(boss, b"CLIENT PAUSE 1000 WRITE")

    for words in (
        (b"EVAL_RO", b"return 1", b"0"),
        (b"EVAL", READS, b"0"),
        (b"EVALSHA", reader, b"0"),
        (b"FCALL", b"reads", b"0"),
    ):
        assert talk(Session(engine), *words) == b":1\r\n"
    for words in (
        (b"EVAL", b"return 1", b"0"),
        (b"EVAL", b"#!lua\nreturn 1", b"0"),
        (b"EVALSHA", writer, b"0"),
        (b"EVALSHA", b"0" * 40, b"0"),
        (b"FCALL", b"writes", b"0"),
        (b"FCALL", b"none", b"0"),
    ):
        client = Session(engine)
        assert talk(client, *words) == b""
        assert client.is_parked


def test_a_pause_ends_by_itself(engine: Engine) -> None:
    session = Session(engine)
    session.receive_data(request(b"CLIENT PAUSE 250") + PING + request(b"SET k v"))
    assert received(session) == b"+OK\r\n"
    pass_time(engine, 0.2)
    assert received(session) == b""
    newcomer = Session(engine)
    assert talk(newcomer, b"PING") == b""
    pass_time(engine, 0.1)
    assert received(session) == PONG + b"+OK\r\n"
    assert received(newcomer) == PONG
    assert talk(newcomer, b"PING") == PONG


def test_a_pause_is_neither_shortened_nor_softened(engine: Engine) -> None:
    session, other = Session(engine), Session(engine)
    session.receive_data(request(b"CLIENT PAUSE 1000 WRITE") + request(b"CLIENT PAUSE 100 ALL") + PING)
    assert received(session) == b"+OK\r\n+OK\r\n"
    assert talk(other, b"GET k") == b""
    pass_time(engine, 0.9)
    assert received(session) == received(other) == b""
    pass_time(engine, 0.2)
    assert received(session) == PONG
    for line in (b"MULTI", b"CLIENT PAUSE 1000 ALL", b"CLIENT PAUSE 100 WRITE"):
        talk(session, line)
    assert talk(session, b"EXEC") == b"*2\r\n+OK\r\n+OK\r\n"
    assert talk(session, b"GET k") == b""


def test_a_pause_of_no_time_is_none_but_may_harden_another(engine: Engine) -> None:
    session = Session(engine)
    session.receive_data(request(b"CLIENT PAUSE 0") + PING)
    assert received(session) == b"+OK\r\n" + PONG
    session.receive_data(request(b"CLIENT PAUSE 1000 WRITE") + request(b"CLIENT PAUSE 0 ALL") + PING)
    assert received(session) == b"+OK\r\n+OK\r\n"


def test_a_client_that_leaves_in_a_pause_does_nothing_afterwards(engine: Engine) -> None:
    session, boss = Session(engine), Session(engine)
    talk(boss, b"CLIENT PAUSE 1000 WRITE")
    talk(session, b"SET k v")
    session.receive_eof()
    assert not engine.postponed
    talk(boss, b"CLIENT UNPAUSE")
    assert talk(boss, b"EXISTS k") == b":0\r\n"


def test_a_pause_may_begin_anew_before_all_went_on(engine: Engine) -> None:
    first, second, boss = Session(engine), Session(engine), Session(engine)
    for line in (b"MULTI", b"SET k 1", b"CLIENT PAUSE 1000 WRITE"):
        talk(first, line)
    talk(boss, b"CLIENT PAUSE 1000 WRITE")
    assert talk(first, b"EXEC") == b""
    second.receive_data(request(b"SET k 2") + request(b"GET k"))
    talk(boss, b"CLIENT UNPAUSE")
    assert received(first) == b"*2\r\n+OK\r\n+OK\r\n"
    assert received(second) == b""
    assert talk(boss, b"GET k") == b"$1\r\n1\r\n"
    talk(boss, b"CLIENT UNPAUSE")
    assert received(second) == b"+OK\r\n$1\r\n2\r\n"


def test_who_waits_for_a_key_in_a_pause_hears_when_its_time_is_over(engine: Engine) -> None:
    waiter, boss = Session(engine), Session(engine)
    waiter.receive_data(request(b"BLPOP q 0.5") + request(b"SET k v"))
    talk(boss, b"CLIENT PAUSE 1000 WRITE")
    pass_time(engine, 0.6)
    assert received(waiter) == b"*-1\r\n"  # Redis 7.0 does not hold this back
    pass_time(engine, 0.6)
    assert received(waiter) == b"+OK\r\n"


def test_in_a_pause_no_key_is_deleted_because_of_its_age(engine: Engine) -> None:
    session = Session(engine)
    talk(session, b"SET k v PX 100")
    talk(session, b"CLIENT PAUSE 1000 WRITE")
    pass_time(engine, 0.5)
    assert talk(session, b"GET k") == NULL
    assert dbsize(session) == 1
    pass_time(engine, 0.6)
    assert dbsize(session) == 0


# Counting and stopping


def test_commands_are_counted(engine: Engine) -> None:
    session = Session(engine)
    for line in (b"PING", b"CLIENT ID", b"NO", b"GET", b"INCR k"):
        talk(session, line)
    assert engine.commands_processed() == 3
    names = [entry.command.name for entry in engine.all_entries]
    assert len(names) == len(set(names))
    assert {"ping", "client", "client|id"} <= set(names)


def test_error_replies_are_counted_by_their_code(engine: Engine) -> None:
    session = Session(engine)
    for line in (b"NO", b"GET", b"LPUSH l a", b"GET l", b"EXEC", b"AUTH a b"):
        talk(session, line)
    assert engine.statistics.errors == {"ERR": 3, "WRONGTYPE": 1, "WRONGPASS": 1}


def test_a_server_that_stops_leaves_nobody_without_an_answer(engine: Engine) -> None:
    waiters = [Session(engine) for _ in range(2)]
    for waiter in waiters:
        talk(waiter, b"BLPOP q 0")
    engine.stop()
    for waiter in waiters:
        assert received(waiter) == b"-ERR the server is shutting down\r\n"
    assert engine.take_touched() == waiters


def test_a_server_that_stops_also_answers_what_waits_behind_a_wait(engine: Engine) -> None:
    waiter = Session(engine)
    waiter.receive_data(request(b"BLPOP a 0") + request(b"BLPOP b 0") + PING + request(b"BLPOP c 0"))
    engine.stop()
    error = b"-ERR the server is shutting down\r\n"
    assert received(waiter) == error + error + PONG + error
    assert len(engine.waiting) == 0
