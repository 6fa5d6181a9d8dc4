"""MONITOR: what it shows, of whom, and when; compared with Redis in compat/redis/."""

import pytest

from respstore.engine.dispatch import MONITORED
from respstore.engine.engine import Engine
from respstore.engine.monitoring import quoted
from respstore.engine.session import Session
from tests.talk import NULL, OK, PONG, make_engine, pass_time, received, request, talk


@pytest.fixture
def monitor(engine: Engine) -> Session:
    session = Session(engine, peer="127.0.0.1:1000")
    assert talk(session, b"MONITOR") == OK
    return session


@pytest.fixture
def client(engine: Engine) -> Session:
    return Session(engine, peer="127.0.0.1:2000")


def seen(monitor: Session) -> list[bytes]:
    """The lines, without the time and the client."""
    assert set(monitor.engine.take_touched()) <= {*monitor.engine.sessions.values()}
    return [line.partition(b"] ")[2] for line in received(monitor).split(b"\r\n") if line]


def test_a_line_says_when_who_and_what(monitor: Session, client: Session) -> None:
    assert talk(client, b"SET k v") == OK
    assert received(monitor) == b""  # the turn is not over
    monitor.engine.take_touched()
    assert received(monitor) == b'+1700000000.000000 [0 127.0.0.1:2000] "SET" "k" "v"\r\n'
    talk(client, b"SELECT 3")
    monitor.engine.take_touched()
    assert received(monitor) == b'+1700000000.000000 [3 127.0.0.1:2000] "SELECT" "3"\r\n'
    talk(Session(monitor.engine, peer="/run/sock:0"), b"PING")
    monitor.engine.take_touched()
    assert received(monitor) == b'+1700000000.000000 [0 unix:/run/sock] "PING"\r\n'


def test_what_is_run_is_shown_and_nothing_else(monitor: Session, client: Session) -> None:
    for words in (b"nosuch", b"SET k", b"CONFIG GET port", b"CLIENT LIST", b"get k", b"INCR k", b"LPUSH k v"):
        talk(client, words)
    assert seen(monitor) == [b'"get" "k"', b'"INCR" "k"', b'"LPUSH" "k" "v"']


def test_a_transaction_is_shown_when_it_runs(monitor: Session, client: Session) -> None:
    for words in (b"MULTI", b"SET k 1", b"GET k"):
        talk(client, words)
    assert seen(monitor) == [b'"MULTI"']
    talk(client, b"EXEC")
    assert seen(monitor) == [b'"SET" "k" "1"', b'"GET" "k"', b'"EXEC"']


def test_passwords_are_not_shown(monitor: Session, client: Session) -> None:
    talk(client, b"AUTH secret")
    talk(client, b"HELLO 3 auth default secret SETNAME me")
    assert seen(monitor) == [
        b'"AUTH" "(redacted)"',
        b'"HELLO" "3" "auth" "(redacted)" "(redacted)" "SETNAME" "me"',
    ]


def test_who_waits_is_shown_at_once(monitor: Session, client: Session) -> None:
    talk(client, b"BLPOP q 1")
    assert seen(monitor) == [b'"BLPOP" "q" "1"']
    pass_time(monitor.engine, 2)
    assert seen(monitor) == []


def test_a_monitor_stays_out_of_the_keyspace_and_sees_itself(monitor: Session) -> None:
    for words in (b"GET k", b"SET k v", b"PUBLISH c m"):
        assert talk(monitor, words) == b"-ERR Replica can't interact with the keyspace\r\n"
    assert talk(monitor, b"PING") == PONG
    assert seen(monitor) == [b'"PING"']
    assert talk(monitor, b"MONITOR") == b""


def test_several_see_the_same(monitor: Session, client: Session) -> None:
    other = Session(monitor.engine)
    talk(other, b"HELLO 3")
    talk(other, b"MONITOR")
    seen(monitor)
    talk(client, b"PING")
    monitor.engine.take_touched()
    assert received(monitor) == received(other) == b'+1700000000.000000 [0 127.0.0.1:2000] "PING"\r\n'


@pytest.mark.parametrize("end", ["reset", "close"])
def test_when_the_last_has_gone_nobody_pays(monitor: Session, client: Session, end: str) -> None:
    assert client.gate == MONITORED
    assert Session(monitor.engine).gate == MONITORED
    if end == "reset":
        assert talk(monitor, b"RESET") == b"+RESET\r\n"
    else:
        monitor.receive_eof()
    assert client.gate == 0
    assert talk(client, b"GET k") == NULL
    client.engine.take_touched()
    assert received(monitor) == b""


def test_not_within_a_transaction(client: Session) -> None:
    talk(client, b"MULTI")
    talk(client, b"MONITOR")
    assert talk(client, b"EXEC") == b"*1\r\n-ERR MONITOR isn't allowed for DENY BLOCKING client\r\n"
    assert not client.engine.monitors.sessions


def test_client_list_tells(monitor: Session, client: Session) -> None:
    assert b" flags=O " in talk(client, b"CLIENT LIST ID %d" % monitor.id)


def test_a_pipeline_is_shown_in_order(monitor: Session, client: Session) -> None:
    client.receive_data(b"".join(request(b"ECHO %d" % number) for number in range(3)))
    assert seen(monitor) == [b'"ECHO" "%d"' % number for number in range(3)]


def test_a_script_is_shown_before_what_it_calls(monitor: Session, client: Session) -> None:
    talk(client, b"EVAL", b"redis.call('set', 'k', 1) return redis.pcall('get')", b"0")
    monitor.engine.take_touched()
    lines = received(monitor).splitlines()
    assert [line.partition(b"] ")[2] for line in lines] == [
        b"\"EVAL\" \"redis.call('set', 'k', 1) return redis.pcall('get')\" \"0\"",
        b'"set" "k" "1"',
    ]
    assert lines[1].partition(b"] ")[0].endswith(b"[0 lua")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (b"", b'""'),
        (b"abc", b'"abc"'),
        (b'a "b" \\', b'"a \\"b\\" \\\\"'),
        (b"\n\r\t\a\b\0\x7f\xff", b'"\\n\\r\\t\\a\\b\\x00\\x7f\\xff"'),
    ],
)
def test_quotes(text: bytes, shown: bytes) -> None:
    assert quoted(text) == shown


def test_without_monitors_nothing_is_kept() -> None:
    engine = make_engine()
    assert talk(Session(engine), b"PING") == PONG
    assert not engine.touched
