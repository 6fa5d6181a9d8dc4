"""Who is told of which keys, when, and by what; compared with Redis in compat/redis/scripts/tracking.txt."""

import tracemalloc

import pytest

from respstore.commands import TABLE
from respstore.engine.dispatch import TRACKING
from respstore.engine.engine import Engine
from respstore.engine.session import Session
from respstore.engine.tracking import Tracking
from respstore.keyspace import Database
from tests.talk import NULL, OK, PONG, array, bulk, make_engine, pass_time, received, request, talk


def client(engine: Engine, protocol: int = 3) -> Session:
    session = Session(engine)
    session.speak(protocol)
    return session


@pytest.fixture
def reader(engine: Engine) -> Session:
    return client(engine)


@pytest.fixture
def writer(engine: Engine) -> Session:
    return client(engine)


def invalidate(*keys: bytes) -> bytes:
    """The push of RESP3."""
    return b">2\r\n" + bulk(b"invalidate") + array(*keys)


FLUSHED = b">2\r\n" + bulk(b"invalidate") + b"_\r\n"


def heard(session: Session) -> bytes:
    """What a client has heard when the turn is over."""
    session.engine.take_touched()
    return received(session)


# What was read


def test_a_reader_is_told_once(reader: Session, writer: Session) -> None:
    talk(reader, b"CLIENT TRACKING ON")
    talk(reader, b"GET k")
    talk(writer, b"SET k v")
    assert heard(reader) == invalidate(b"k")
    talk(writer, b"SET k w")
    assert heard(reader) == b""


def test_only_commands_that_read_count(reader: Session, writer: Session, engine: Engine) -> None:
    talk(reader, b"CLIENT TRACKING ON")
    for words in (b"INCR k", b"SADD k x", b"GETEX k", b"GET k x", b"DBSIZE", b"NOSUCH k", b"MULTI", b"GET k"):
        talk(reader, words)
    assert not engine.trackers.keys
    talk(reader, b"DISCARD")
    talk(reader, b"MGET a b a")
    talk(reader, b"LRANGE k 0 1")  # refused, for k is a number, but read
    assert set(engine.trackers.keys) == {b"a", b"b", b"k"}


def test_a_script_that_reads_has_read_all_the_keys_that_it_was_called_with(reader: Session, engine: Engine) -> None:
    talk(reader, b"CLIENT TRACKING ON")
    for command, read in (
        (b"EVAL", b"redis.call('set', KEYS[1], 'v')"),
        (b"EVAL_RO", b"return KEYS[1]"),
    ):
        talk(reader, command, read, b"2", b"k", b"l")
    assert not engine.trackers.keys

    talk(reader, b"EVAL", b"return redis.call('get', 'other')", b"2", b"k", b"l")

    assert set(engine.trackers.keys) == {b"k", b"l"}


def test_all_readers_are_told_in_one_encoding(engine: Engine, writer: Session) -> None:
    readers = [client(engine) for _ in range(100)]
    for session in readers:
        talk(session, b"CLIENT TRACKING ON")
        talk(session, b"GET k")
    assert engine.trackers.items() == 100
    engine.take_touched()
    talk(writer, b"SET k v")
    assert engine.take_touched() == readers
    pieces = [session._output[0] for session in readers]
    assert pieces[0] == invalidate(b"k")
    assert all(piece is pieces[0] for piece in pieces)


def test_keys_of_one_name_are_the_same_in_all_databases(reader: Session, writer: Session) -> None:
    talk(reader, b"CLIENT TRACKING ON")
    talk(reader, b"GET k")
    talk(writer, b"SELECT 3")
    talk(writer, b"SET k v")
    assert heard(reader) == invalidate(b"k")


def test_one_s_own_change_is_told_behind_its_reply(reader: Session) -> None:
    talk(reader, b"CLIENT TRACKING ON")
    for word in (b"GET k", b"SET k v", b"GET k", b"SET k w", b"PING"):
        reader.receive_data(request(word))
    assert heard(reader) == b"_\r\n" + OK + invalidate(b"k") + bulk(b"v") + OK + invalidate(b"k") + PONG


def test_and_behind_the_whole_reply_of_exec(reader: Session) -> None:
    talk(reader, b"CLIENT TRACKING ON")
    for word in (b"MULTI", b"GET k", b"SET k v", b"FLUSHALL", b"EXEC"):
        talk(reader, word)
    assert heard(reader) == invalidate(b"k") + FLUSHED


def test_and_behind_the_reply_of_who_waited(reader: Session, writer: Session) -> None:
    talk(reader, b"CLIENT TRACKING ON")
    talk(reader, b"LLEN to")
    talk(reader, b"BLMOVE from to LEFT LEFT 0")
    talk(writer, b"RPUSH from x")
    assert heard(reader) == bulk(b"x") + invalidate(b"to")


def test_an_error_comes_before_it_too(reader: Session) -> None:
    talk(reader, b"CLIENT TRACKING ON")
    for word in (b"GET k", b"SET k v", b"NOSUCH"):
        reader.receive_data(request(word))
    replies = heard(reader)
    assert replies.startswith(b"_\r\n" + OK + invalidate(b"k") + b"-ERR unknown")


def test_noloop(reader: Session, writer: Session, engine: Engine) -> None:
    talk(reader, b"CLIENT TRACKING ON NOLOOP")
    talk(reader, b"GET k")
    assert talk(reader, b"SET k v") == OK
    assert heard(reader) == b""
    assert not engine.trackers.keys
    talk(reader, b"GET k")
    talk(writer, b"SET k v")
    assert heard(reader) == invalidate(b"k")


def test_keys_that_expire_are_told(reader: Session, writer: Session, engine: Engine) -> None:
    talk(writer, b"SET k v PX 100")
    talk(reader, b"CLIENT TRACKING ON")
    talk(reader, b"GET k")
    pass_time(engine, 1)
    assert heard(reader) == invalidate(b"k")


def test_keys_that_are_evicted_are_told(reader: Session, writer: Session, engine: Engine) -> None:
    broadcast = client(engine)
    talk(broadcast, b"CLIENT TRACKING ON BCAST NOLOOP")
    talk(reader, b"CLIENT TRACKING ON")
    talk(writer, b"SET k v")
    talk(reader, b"GET k")
    heard(broadcast)
    assert talk(writer, b"CONFIG SET maxmemory-policy allkeys-random maxmemory 1") == OK
    assert talk(broadcast, b"SET new v").startswith(b"-OOM")
    assert heard(reader) == invalidate(b"k")
    assert heard(broadcast) == invalidate(b"k")  # what was evicted for it, it did not do itself


def test_flushing_forgets_and_tells_all(reader: Session, writer: Session, engine: Engine) -> None:
    broadcast = client(engine)
    talk(reader, b"CLIENT TRACKING ON")
    talk(broadcast, b"CLIENT TRACKING ON BCAST PREFIX x")
    talk(reader, b"GET k")
    talk(writer, b"FLUSHALL")
    assert heard(reader) == heard(broadcast) == FLUSHED
    assert not engine.trackers.keys
    talk(writer, b"SET k v")
    assert heard(reader) == b""


# OPTIN and OPTOUT


def test_caching_holds_for_one_command_or_transaction(reader: Session, engine: Engine) -> None:
    talk(reader, b"CLIENT TRACKING ON OPTIN")
    for words in (b"GET a", b"CLIENT CACHING YES", b"CLIENT ID", b"GET b", b"GET c"):
        talk(reader, words)
    assert list(engine.trackers.keys) == [b"b"]
    for words in (b"CLIENT CACHING YES", b"MULTI", b"GET d", b"GET e", b"EXEC", b"GET f"):
        talk(reader, words)
    assert list(engine.trackers.keys) == [b"b", b"d", b"e"]
    for words in (b"CLIENT TRACKING OFF", b"CLIENT TRACKING ON OPTOUT", b"CLIENT CACHING NO", b"GET g", b"GET h"):
        talk(reader, words)
    assert list(engine.trackers.keys) == [b"b", b"d", b"e", b"h"]


def test_caching_outlives_a_pause(reader: Session, writer: Session, engine: Engine) -> None:
    talk(reader, b"CLIENT TRACKING ON OPTIN")
    talk(reader, b"CLIENT CACHING YES")
    talk(writer, b"CLIENT PAUSE 1000 ALL")
    assert talk(reader, b"GET k") == b""
    pass_time(engine, 2)
    assert received(reader) == b"_\r\n"
    assert list(engine.trackers.keys) == [b"k"]


# BCAST


def test_broadcast_comes_at_the_end_of_the_turn_sorted(reader: Session, writer: Session) -> None:
    talk(reader, b"CLIENT TRACKING ON BCAST PREFIX a PREFIX u")
    for words in (b"SET user2 v", b"SET user1 v", b"SET other v", b"SET user2 w", b"SET age 1"):
        talk(writer, words)
    assert received(reader) == b""
    assert heard(reader) == invalidate(b"age") + invalidate(b"user1", b"user2")
    assert heard(reader) == b""


def test_broadcast_without_a_prefix_tells_all(reader: Session, writer: Session, engine: Engine) -> None:
    talk(reader, b"CLIENT TRACKING ON BCAST")
    talk(reader, b"GET k")
    assert not engine.trackers.keys
    engine.take_touched()
    talk(writer, b"SET k v")
    assert reader in engine.take_touched()
    assert received(reader) == invalidate(b"k")


def test_broadcast_with_noloop_leaves_out_what_one_changed_last(
    reader: Session, writer: Session, engine: Engine
) -> None:
    talk(reader, b"CLIENT TRACKING ON BCAST NOLOOP")
    for session, words in ((reader, b"MSET a 1 b 2 c 3"), (writer, b"SET b 3"), (writer, b"SET c 3")):
        talk(session, words)
    talk(reader, b"SET c 4")
    assert heard(reader) == invalidate(b"b")
    talk(reader, b"SET b 1")
    assert heard(reader) == b""
    talk(writer, b"PEXPIRE a 10")
    heard(reader)
    pass_time(engine, 1)
    assert heard(reader) == invalidate(b"a")  # it expired by itself


# By another connection


def test_a_resp2_client_is_told_by_a_subscriber(engine: Engine, writer: Session) -> None:
    reader, ear = client(engine, 2), client(engine, 2)
    talk(reader, b"CLIENT TRACKING ON REDIRECT %d" % ear.id)
    talk(reader, b"GET k")
    talk(writer, b"SET k v")
    assert heard(ear) == heard(reader) == b""  # it listens to nothing
    talk(ear, b"SUBSCRIBE anything")
    talk(reader, b"GET k")
    talk(writer, b"SET k v")
    head = b"*3\r\n" + bulk(b"message") + bulk(b"__redis__:invalidate")
    assert heard(ear) == head + array(b"k")
    talk(writer, b"FLUSHALL")
    assert heard(ear) == head + NULL
    ear.speak(3)
    talk(writer, b"FLUSHALL")
    assert heard(ear) == FLUSHED


def test_a_resp2_client_itself_is_told_nothing(engine: Engine, writer: Session) -> None:
    reader = client(engine, 2)
    talk(reader, b"CLIENT TRACKING ON")
    talk(reader, b"SUBSCRIBE c")
    for words in (b"SET k v", b"FLUSHALL"):
        talk(writer, words)
    assert heard(reader) == b""


def test_a_redirection_may_break(reader: Session, writer: Session, engine: Engine) -> None:
    ear = client(engine)
    talk(reader, b"CLIENT TRACKING ON REDIRECT %d" % ear.id)
    talk(reader, b"GET k")
    ear.receive_eof()
    talk(writer, b"SET k v")
    assert heard(reader) == b">2\r\n" + bulk(b"tracking-redir-broken") + b":%d\r\n" % ear.id
    assert reader.tracking is not None
    assert reader.tracking.is_broken


# The bounds of it


def test_the_oldest_keys_are_forgotten_and_told(reader: Session, engine: Engine) -> None:
    engine.config.tracking_table_max_keys = 2
    talk(reader, b"CLIENT TRACKING ON NOLOOP")
    assert talk(reader, b"MGET a b c") == b"*3\r\n_\r\n_\r\n_\r\n"
    assert heard(reader) == invalidate(b"a")
    assert list(engine.trackers.keys) == [b"b", b"c"]
    assert talk(reader, b"CONFIG SET tracking-table-max-keys 1") == OK
    assert heard(reader) == invalidate(b"b")
    talk(reader, b"CONFIG SET tracking-table-max-keys 0")
    talk(reader, b"MGET 1 2 3 4 5")
    assert len(engine.trackers.keys) == 6


def test_many_are_forgotten_at_once_where_there_are_many(reader: Session, engine: Engine) -> None:
    engine.config.tracking_table_max_keys = 5000
    talk(reader, b"CLIENT TRACKING ON")
    for number in range(5001):
        talk(reader, b"GET %d" % number)
    assert heard(reader) == b"".join(invalidate(b"%d" % number) for number in range(5))
    assert len(engine.trackers.keys) == 4996


def test_what_is_remembered_counts_as_memory(engine: Engine) -> None:
    readers = [client(engine) for _ in range(20)]
    assert engine.trackers.memory() == 0
    tracemalloc.start()
    try:
        for session in readers:
            engine.trackers.add(session, Tracking(0, None, noloop=False, prefixes=()))
        for number in range(2000):
            key = b"key:" + b"x" * 100 + b"%d" % number
            for session in readers[: 1 + number % 2 * 19]:
                engine.trackers.remember(session, TABLE["get"], [b"GET", key])
        remembered = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert engine.trackers.memory() == pytest.approx(remembered, rel=0.15)


def test_who_never_tracked_pays_nothing(session: Session, engine: Engine) -> None:
    tracker = client(engine)
    talk(tracker, b"CLIENT TRACKING ON BCAST")
    assert not session.gate & TRACKING
    assert type(session.db) is not Database
    talk(tracker, b"CLIENT TRACKING OFF")
    tracker.receive_eof()
    assert type(session.db) is Database


def test_nothing_is_left_of_those_who_are_gone(engine: Engine, writer: Session) -> None:
    first, second = client(engine), client(engine)
    talk(first, b"CLIENT TRACKING ON")
    talk(second, b"CLIENT TRACKING ON BCAST PREFIX x")
    talk(first, b"GET k")
    first.receive_eof()
    assert engine.trackers.keys
    talk(writer, b"SET k v")
    assert not engine.trackers.keys
    talk(writer, b"SET x v")
    second.receive_eof()
    engine.take_touched()
    assert not engine.trackers.sessions
    assert not engine.trackers.prefixes


def test_what_was_read_counts_for_who_tracks_again(reader: Session, writer: Session) -> None:
    for words in (b"CLIENT TRACKING ON", b"MGET k l", b"CLIENT TRACKING OFF"):
        talk(reader, words)
    talk(writer, b"SET l v")
    talk(reader, b"CLIENT TRACKING ON")
    talk(writer, b"SET k v")
    assert heard(reader) == invalidate(b"k")


def test_two_engines_know_nothing_of_each_other(reader: Session) -> None:
    talk(reader, b"CLIENT TRACKING ON BCAST")
    stranger = client(make_engine())
    talk(stranger, b"SET k v")
    assert heard(reader) == b""
