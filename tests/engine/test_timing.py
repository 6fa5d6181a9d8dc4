"""Slow requests are found and named, however they came; of the others enough are timed."""

from typing import Any

import pytest

from respstore.engine.dispatch import Entry
from respstore.engine.engine import Engine
from respstore.engine.session import Session
from respstore.engine.timing import SAMPLES, WATCHED
from respstore.errors import RespError
from tests.talk import FakeSystem, make_engine, pass_time, request, talk


@pytest.fixture
def slow(session: Session) -> dict[str, float]:
    """By the name of a command, how many seconds its calls take from now on."""
    durations: dict[str, float] = {}

    def slowed(entry: Entry) -> Any:
        plain = entry.plain

        def handler(session: Session, *words: bytes) -> Any:
            session.engine.system.sleep(durations.get(entry.command.name, 0))
            return plain(session, *words)

        return handler

    engine = session.engine
    for name in (b"get", b"keys", b"lrange", b"set", b"incr"):
        entry = engine.entries[name]
        entry.use(slowed(entry))
    return durations


def logged(engine: Engine) -> list[tuple[bytes, int]]:
    """The slow log, oldest first: requests and milliseconds."""
    entries = reversed(list(engine.timing.slowlog))
    return [(b" ".join(entry.args), entry.duration // 1000) for entry in entries]


def tire(session: Session, command: bytes, calls: int = SAMPLES) -> None:
    """Call a command until its calls are not timed any more."""
    for _ in range(calls):
        talk(session, command)


@pytest.mark.parametrize("is_sampled", [True, False])
@pytest.mark.parametrize("command", [b"GET k", b"get k", b"Get k"])
def test_a_slow_request_is_logged_as_the_client_wrote_it(
    session: Session, slow: dict[str, float], command: bytes, is_sampled: bool
) -> None:
    if not is_sampled:
        tire(session, b"GET k")
    slow["get"] = 0.02
    talk(session, command)
    assert logged(session.engine) == [(command, 20)]


@pytest.mark.parametrize("is_sampled", [True, False])
def test_the_one_slow_request_of_a_pipeline(session: Session, slow: dict[str, float], is_sampled: bool) -> None:
    if not is_sampled:
        tire(session, b"KEYS *")
    slow["keys"] = 0.03
    session.receive_data(request(b"GET k") + request(b"KEYS *") + request(b"INCR n"))
    assert logged(session.engine) == [(b"KEYS *", 30)]


def test_requests_of_a_pipeline_that_cannot_be_told_apart_are_watched_then(
    session: Session, slow: dict[str, float]
) -> None:
    engine = session.engine
    tire(session, b"KEYS *")
    tire(session, b"LRANGE l 0 0")
    slow["keys"] = slow["lrange"] = 0.02
    pipeline = request(b"KEYS *") + request(b"LRANGE l 0 0")
    session.receive_data(pipeline)
    assert logged(engine) == [(b"KEYS * ... (1 of 2 pipelined commands)", 40)]
    engine.timing.slowlog.clear()

    session.receive_data(pipeline)
    assert logged(engine) == [(b"KEYS *", 20), (b"LRANGE l 0 0", 20)]

    slow.clear()
    entry = engine.entries[b"keys"]
    tire(session, b"KEYS *", WATCHED - 2)
    assert entry.handler is not entry.plain
    tire(session, b"KEYS *", 1)  # nobody is watched for ever
    assert entry.handler is entry.plain


def test_what_is_known_of_a_batch_does_not_hide_the_rest(session: Session, slow: dict[str, float]) -> None:
    session.engine.config.enable_debug_command = "yes"
    tire(session, b"KEYS *")
    slow["keys"] = 0.02
    session.receive_data(request(b"DEBUG SLEEP 0.05") + request(b"KEYS *"))
    assert logged(session.engine) == [(b"DEBUG SLEEP 0.05", 50), (b"KEYS *", 20)]


def test_sampled_and_dispatched_slow_requests_keep_their_order(session: Session, slow: dict[str, float]) -> None:
    session.engine.config.enable_debug_command = "yes"
    slow["get"] = slow["lrange"] = 0.02
    session.receive_data(request(b"GET k") + request(b"DEBUG SLEEP 0.05") + request(b"LRANGE l 0 0"))
    assert logged(session.engine) == [(b"GET k", 20), (b"DEBUG SLEEP 0.05", 50), (b"LRANGE l 0 0", 20)]


def test_a_slow_error(session: Session, slow: dict[str, float]) -> None:
    talk(session, b"SET k v")
    slow["incr"] = 0.02
    assert talk(session, b"INCR k").startswith(b"-ERR")
    assert logged(session.engine) == [(b"INCR k", 20)]


def test_what_exec_runs_is_logged_but_not_exec(session: Session, slow: dict[str, float]) -> None:
    slow["get"] = 0.02
    for command in (b"MULTI", b"SET k v", b"GET k", b"EXEC"):
        talk(session, command)
    assert logged(session.engine) == [(b"GET k", 20)]


def test_nothing_is_slow_if_nobody_asks(slow: dict[str, float], session: Session) -> None:
    talk(session, b"CONFIG SET slowlog-log-slower-than -1")
    slow["get"] = 5.0
    talk(session, b"GET k")
    assert logged(session.engine) == []
    assert session.engine.timing.monitor.events == {}


def test_everything_is_slow_at_0(session: Session) -> None:
    talk(session, b"CONFIG SET slowlog-log-slower-than 0")
    session.engine.timing.slowlog.clear()
    session.receive_data(request(b"SET k v") + request(b"GET k") * 2 + request(b"client getname"))
    assert [args for args, _ in logged(session.engine)] == [b"SET k v", b"GET k", b"GET k", b"client getname"]
    talk(session, b"CONFIG SET slowlog-log-slower-than 10000")
    session.engine.timing.slowlog.clear()
    tire(session, b"GET k")
    assert logged(session.engine) == []


def test_a_request_that_others_held_up_is_not_slow(engine: Engine, slow: dict[str, float], session: Session) -> None:
    other = Session(engine)
    slow["keys"] = 0.5
    engine.begin_turn()
    session.receive_data(request(b"KEYS *"))
    other.receive_data(request(b"GET k"))
    engine.end_of_turn()
    assert logged(engine) == [(b"KEYS *", 500)]


def test_idle_time_is_nobodys(engine: Engine, session: Session) -> None:
    talk(session, b"GET k")
    assert isinstance(engine.system, FakeSystem)
    engine.system.advance(100)
    talk(session, b"GET k")
    assert logged(engine) == []


def test_events(session: Session, slow: dict[str, float]) -> None:
    monitor = session.engine.timing.monitor
    slow["get"] = slow["keys"] = 0.05
    talk(session, b"GET k")
    assert monitor.events == {}
    talk(session, b"CONFIG SET latency-monitor-threshold 50")
    for command in (b"GET k", b"KEYS *"):
        talk(session, command)
    assert {name: event.worst for name, event in monitor.events.items()} == {"fast-command": 50, "command": 50}


def test_calls_are_timed_up_to_a_number_in_each_tenth_of_a_second(engine: Engine, session: Session) -> None:
    entry = engine.entries[b"get"]
    tire(session, b"GET k")
    talk(session, b"GET k")
    assert (entry.calls, entry.times.sampled) == (SAMPLES + 1, SAMPLES)
    pass_time(engine, 0.1)
    talk(session, b"GET k")
    assert (entry.calls, entry.times.sampled) == (SAMPLES + 2, SAMPLES + 1)


def test_calls_that_are_not_timed_are_taken_to_be_like_the_others(session: Session, slow: dict[str, float]) -> None:
    entry = session.engine.entries[b"get"]
    slow["get"] = 0.001
    for _ in range(10 * SAMPLES):
        talk(session, b"GET k")
    assert entry.times.total(entry.calls) == pytest.approx(0.64)


def test_long_replies_are_what_they_were(engine: Engine, session: Session) -> None:
    talk(session, b"RPUSH l a b c")
    measured = talk(session, b"LRANGE l 0 -1")
    tire(session, b"LRANGE l 0 -1")
    assert talk(session, b"LRANGE l 0 -1") == measured


def test_reset(session: Session) -> None:
    tire(session, b"GET k")
    session.engine.timing.reset()
    assert session.engine.entries[b"get"].times.sampled == 0
    talk(session, b"GET k")  # is timed, though there were so many in this tenth of a second
    assert session.engine.entries[b"get"].times.sampled == 1


def test_an_error_is_no_slow_request(session: Session) -> None:
    def broken(session: Session, key: bytes) -> None:
        raise RespError("ERR broken")

    session.engine.entries[b"get"].use(broken)
    assert talk(session, b"GET k") == b"-ERR broken\r\n"
    assert logged(session.engine) == []


def test_other_events(engine: Engine) -> None:
    engine.timing.happened("expire-cycle", 5.0)
    assert engine.timing.monitor.events == {}
    engine.config.change([("latency-monitor-threshold", "1")])
    engine.timing.happened("expire-cycle", 0.0005)
    engine.timing.happened("expire-cycle", 5.0)
    assert [*engine.timing.monitor.events] == ["expire-cycle"]


def test_an_engine_that_starts_with_a_low_limit_watches_all() -> None:
    engine = make_engine(slowlog_log_slower_than=0)
    talk(Session(engine), b"GET k")
    assert logged(engine) == [(b"GET k", 0)]
