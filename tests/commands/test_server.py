"""TIME, SHUTDOWN, LOLWUT."""

import logging

import pytest

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from tests.talk import NOT_AN_INTEGER, OK, SYNTAX, FakeSystem, make_engine, received, request, talk


def stopped(session: Session) -> bool:
    assert isinstance(session.engine.system, FakeSystem)
    return session.engine.system.stopped


# TIME


def test_time(engine: Engine, session: Session) -> None:
    assert isinstance(engine.system, FakeSystem)
    engine.system.wall_us = 1_700_000_123_000_045
    assert talk(session, b"TIME") == b"*2\r\n$10\r\n1700000123\r\n$2\r\n45\r\n"
    assert talk(session, b"TIME x") == b"-ERR wrong number of arguments for 'time' command\r\n"


def test_time_moves_within_a_turn(engine: Engine, session: Session) -> None:
    engine.config.enable_debug_command = "yes"
    session.receive_data(request(b"TIME") + request(b"DEBUG SLEEP 2.5") + request(b"TIME"))
    assert received(session) == (
        b"*2\r\n$10\r\n1700000000\r\n$1\r\n0\r\n" + OK + b"*2\r\n$10\r\n1700000002\r\n$6\r\n500000\r\n"
    )


# SHUTDOWN


@pytest.mark.parametrize(
    "options",
    ["", "NOSAVE", "nosave", "NOW", "FORCE", "NOSAVE NOW FORCE", "NOW NOW", "SAVE FORCE"],
)
def test_shutdown_says_nothing_and_closes(session: Session, options: str) -> None:
    assert talk(session, f"SHUTDOWN {options}".encode()) == b""
    assert session.is_closing
    assert stopped(session)


def test_nothing_runs_behind_a_shutdown(session: Session) -> None:
    session.receive_data(request(b"SET k v") + request(b"SHUTDOWN") + request(b"SET k w"))
    assert received(session) == OK
    assert session.engine.keyspace.databases[0].get(b"k") == b"v"


@pytest.mark.parametrize(
    "options",
    [
        "JUNK",
        "NOSAVE SAVE",
        "SAVE NOSAVE",
        "NOW JUNK",
        "NOSAVE JUNK",
        "ABORT NOW",
        "NOSAVE ABORT",
        "FORCE ABORT",
        "ABORT SAVE",
    ],
)
def test_shutdown_that_makes_no_sense(session: Session, options: str) -> None:
    assert talk(session, f"SHUTDOWN {options}".encode()) == SYNTAX
    assert not stopped(session)


def test_shutdown_with_an_empty_option(session: Session) -> None:
    assert talk(session, b"SHUTDOWN", b"") == SYNTAX


@pytest.mark.parametrize("options", ["ABORT", "abort ABORT"])
def test_no_shutdown_to_abort(session: Session, options: str) -> None:
    assert talk(session, f"SHUTDOWN {options}".encode()) == b"-ERR No shutdown in progress.\r\n"
    assert not stopped(session)


def test_what_cannot_be_saved_is_not_given_up(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        session.engine.system.disk.problem = OSError(28, "No space left on device", "/data/dump.rdb")
        assert talk(session, b"SHUTDOWN SAVE") == b"-ERR Errors trying to SHUTDOWN. Check logs.\r\n"
    assert "could not be saved: /data/dump.rdb: No space left on device" in caplog.text
    assert not stopped(session)
    assert talk(session, b"PING") == b"+PONG\r\n"


def test_no_shutdown_within_a_transaction(session: Session) -> None:
    talk(session, b"MULTI")
    assert talk(session, b"SHUTDOWN") == b"-ERR Command not allowed inside a transaction\r\n"
    assert talk(session, b"EXEC").startswith(b"-EXECABORT ")
    assert not stopped(session)


def test_shutdown_needs_authentication() -> None:
    session = Session(make_engine(requirepass=b"secret"))
    assert talk(session, b"SHUTDOWN") == b"-NOAUTH Authentication required.\r\n"
    assert not stopped(session)


def test_who_waits_when_the_server_stops_gets_an_error(engine: Engine, session: Session) -> None:
    waiting = Session(engine)
    talk(waiting, b"BLPOP queue 0")
    talk(session, b"SHUTDOWN")
    engine.stop()
    assert received(waiting).startswith(b"-")


# LOLWUT


def test_lolwut_ends_with_the_version(session: Session) -> None:
    reply = talk(session, b"LOLWUT").decode()
    assert reply.endswith(" Redis ver. 7.0.15\n\r\n")
    picture = reply.split("\r\n", 1)[1].split("\n\n")[0].split("\n")
    assert len(picture) == 8
    assert {len(line) for line in picture} == {56}


def test_lolwut_is_verbatim(session: Session) -> None:
    talk(session, b"HELLO 3")
    assert talk(session, b"LOLWUT VERSION 5 1 1").startswith(b"=")


@pytest.mark.parametrize(
    ("arguments", "columns", "rows"),
    [
        ("VERSION 5 3 2", 3, 2),
        ("version 6 10 4", 10, 4),
        ("VERSION 5 3 2 9 ignored", 3, 2),
        ("VERSION 5 7", 7, 8),
        ("VERSION 5 0 -5", 1, 1),
        ("VERSION 6 9999 9999", 200, 200),
        ("VERSION 7 3 2", 56, 8),
        ("VERSION 7 x", 56, 8),
        ("VERSION", 56, 8),
        ("5 3 2", 56, 8),
    ],
)
def test_size_of_the_picture(session: Session, arguments: str, columns: int, rows: int) -> None:
    reply = talk(session, f"LOLWUT {arguments}".encode()).decode()
    picture = reply.split("\r\n", 1)[1].split("\n\n")[0].split("\n")
    assert (len(picture[0]), len(picture)) == (columns, rows)


@pytest.mark.parametrize(
    "arguments", ["VERSION x", "VERSION 5 x", "VERSION 5 1 x", "VERSION 5 1 1 x", "VERSION 6 1 x", "VERSION 1.5"]
)
def test_sizes_that_are_no_numbers(session: Session, arguments: str) -> None:
    assert talk(session, f"LOLWUT {arguments}".encode()) == NOT_AN_INTEGER
