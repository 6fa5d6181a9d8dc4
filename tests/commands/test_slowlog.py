"""SLOWLOG."""

import pytest

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from tests.talk import OK, make_engine, talk


@pytest.fixture
def engine() -> Engine:
    return make_engine(enable_debug_command="yes")


def test_a_slow_request(session: Session) -> None:
    session.peer = "127.0.0.1:50123"
    assert talk(session, b"SLOWLOG LEN") == b":0\r\n"
    talk(session, b"DEBUG SLEEP 0.02")
    assert talk(session, b"SLOWLOG LEN") == b":1\r\n"
    assert talk(session, b"SLOWLOG GET") == (
        b"*1\r\n*6\r\n:0\r\n:1700000000\r\n:20000\r\n*3\r\n$5\r\nDEBUG\r\n$5\r\nSLEEP\r\n$4\r\n0.02\r\n"
        b"$15\r\n127.0.0.1:50123\r\n$0\r\n\r\n"
    )
    assert talk(session, b"SLOWLOG RESET") == OK
    assert talk(session, b"SLOWLOG GET") == b"*0\r\n"


@pytest.mark.parametrize(("count", "shown"), [("", 10), ("0", 0), ("3", 3), ("12", 12), ("100", 12), ("-1", 12)])
def test_the_latest_are_shown(session: Session, count: str, shown: int) -> None:
    for _ in range(12):
        talk(session, b"DEBUG SLEEP 0.02")
    assert talk(session, f"SLOWLOG GET {count}".encode()).startswith(b"*%d\r\n" % shown)


@pytest.mark.parametrize("count", ["-2", "a", "1.5", "9223372036854775808"])
def test_no_such_count(session: Session, count: str) -> None:
    assert talk(session, f"SLOWLOG GET {count}".encode()) == (b"-ERR count should be greater than or equal to -1\r\n")


def test_help(session: Session) -> None:
    assert b"SLOWLOG <subcommand>" in talk(session, b"SLOWLOG HELP")
