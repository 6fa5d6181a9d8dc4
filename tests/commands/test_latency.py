"""LATENCY."""

import pytest

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from tests.talk import make_engine, pass_time, talk


@pytest.fixture
def engine() -> Engine:
    return make_engine(enable_debug_command="yes", latency_monitor_threshold=10)


def spike(session: Session, seconds: str) -> None:
    talk(session, b"DEBUG SLEEP " + seconds.encode())


def test_nothing_yet(session: Session) -> None:
    assert talk(session, b"LATENCY LATEST") == b"*0\r\n"
    assert talk(session, b"LATENCY HISTORY command") == b"*0\r\n"
    assert talk(session, b"LATENCY RESET") == b":0\r\n"
    assert talk(session, b"LATENCY GRAPH command") == b"-ERR No samples available for event 'command'\r\n"


def test_spikes(session: Session) -> None:
    spike(session, "1.5")
    spike(session, "1.25")
    assert talk(session, b"LATENCY LATEST") == (b"*1\r\n*4\r\n$7\r\ncommand\r\n:1700000002\r\n:1250\r\n:1500\r\n")
    assert talk(session, b"LATENCY HISTORY command") == (
        b"*2\r\n*2\r\n:1700000001\r\n:1500\r\n*2\r\n:1700000002\r\n:1250\r\n"
    )
    assert talk(session, b"LATENCY RESET missing") == b":0\r\n"
    assert talk(session, b"LATENCY RESET command command") == b":1\r\n"
    assert talk(session, b"LATENCY LATEST") == b"*0\r\n"


def test_graph(session: Session) -> None:
    for seconds in ("1", "4", "2"):
        spike(session, seconds)
    pass_time(session.engine, 65)
    lines = talk(session, b"LATENCY GRAPH command").decode().split("\r\n")[1].split("\n")
    assert lines[0] == "command - high 4000 ms, low 1000 ms (all time high 4000 ms)"
    assert lines[2:6] == [" # ", " # ", " #_", "_##"]
    assert lines[7:10] == ["111", "mmm", ""]


def test_histogram(session: Session) -> None:
    spike(session, "0.02")
    assert talk(session, b"LATENCY HISTOGRAM debug missing") == (
        b"*2\r\n$5\r\ndebug\r\n*4\r\n$5\r\ncalls\r\n:1\r\n$14\r\nhistogram_usec\r\n*2\r\n:32768\r\n:1\r\n"
    )
    assert talk(session, b"LATENCY HISTOGRAM missing") == b"*0\r\n"


def test_histogram_of_a_container_is_that_of_its_subcommands(session: Session) -> None:
    for command in (b"CONFIG GET hz", b"CONFIG SET hz 10", b"GET k"):
        talk(session, command)
    answer = talk(session, b"LATENCY HISTOGRAM CONFIG")
    assert b"config|get" in answer
    assert b"config|set" in answer
    assert b"$3\r\nget" not in answer
    assert b"config|set" not in talk(session, b"LATENCY HISTOGRAM CONFIG|GET")
    assert b"$3\r\nget" in talk(session, b"LATENCY HISTOGRAM")


def test_histogram_without_tracking(session: Session) -> None:
    talk(session, b"CONFIG SET latency-tracking no")
    talk(session, b"GET k")
    assert talk(session, b"LATENCY HISTOGRAM get") == b"*0\r\n"


def test_the_doctor_says_what_to_do(session: Session) -> None:
    assert b"Nothing has taken 10 ms" in talk(session, b"LATENCY DOCTOR")
    spike(session, "0.02")
    session.engine.timing.monitor.add("fast-command", 1, 1.0)
    session.engine.timing.monitor.add("expire-cycle", 1, 1.0)
    told = talk(session, b"LATENCY DOCTOR")
    assert b"command: 1 spikes of 20 ms" in told
    assert b"SLOWLOG GET names the commands" in told
    assert b"times to live" in told
    talk(session, b"CONFIG SET slowlog-log-slower-than -1")
    assert b"but slowlog-log-slower-than is -1" in talk(session, b"LATENCY DOCTOR")
    talk(session, b"LATENCY RESET")
    talk(session, b"CONFIG SET latency-monitor-threshold 0")
    assert b"Nobody watches" in talk(session, b"LATENCY DOCTOR")


def test_help(session: Session) -> None:
    assert b"LATENCY <subcommand>" in talk(session, b"LATENCY HELP")
