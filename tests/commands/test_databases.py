"""DBSIZE, FLUSHDB, FLUSHALL, SWAPDB; every text as redis-server 7.0.15 sends it."""

import pytest

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from tests.talk import pass_time, talk


@pytest.fixture
def other(engine: Engine) -> Session:
    """A client that looks at database 1."""
    other = Session(engine)
    assert talk(other, b"SELECT 1") == b"+OK\r\n"
    return other


@pytest.fixture(autouse=True)
def data(session: Session, other: Session) -> None:
    talk(session, b"MSET a 1 b 2")
    talk(session, b"EXPIRE a 100")
    talk(other, b"SET a other")


def test_dbsize_counts_keys_whose_time_is_over_until_they_are_deleted(session: Session, engine: Engine) -> None:
    engine.active_expiry = False
    pass_time(engine, 100)
    assert talk(session, b"DBSIZE") == b":2\r\n"
    talk(session, b"GET a")
    assert talk(session, b"DBSIZE") == b":1\r\n"


@pytest.mark.parametrize("mode", [b"", b" ASYNC", b" sync"])
def test_flushdb_removes_the_keys_of_this_database(session: Session, other: Session, mode: bytes) -> None:
    assert talk(session, b"FLUSHDB" + mode) == b"+OK\r\n"
    assert talk(session, b"DBSIZE") == b":0\r\n"
    assert talk(other, b"DBSIZE") == b":1\r\n"
    talk(session, b"SET a 1")
    assert talk(session, b"TTL a") == b":-1\r\n"


@pytest.mark.parametrize("mode", [b"", b" async", b" SYNC"])
def test_flushall_removes_all_keys(session: Session, other: Session, mode: bytes) -> None:
    assert talk(session, b"FLUSHALL" + mode) == b"+OK\r\n"
    assert talk(session, b"DBSIZE") == talk(other, b"DBSIZE") == b":0\r\n"


@pytest.mark.parametrize("name", [b"FLUSHDB", b"FLUSHALL"])
@pytest.mark.parametrize("mode", [b"JUNK", b"ASYNC SYNC", b"SYNC SYNC", b"LAZY"])
def test_flushing_refuses_other_words(session: Session, name: bytes, mode: bytes) -> None:
    assert talk(session, name + b" " + mode) == b"-ERR syntax error\r\n"
    assert talk(session, b"DBSIZE") == b":2\r\n"


def test_swapdb_shows_each_client_the_keys_of_the_other(session: Session, other: Session) -> None:
    assert talk(session, b"SWAPDB 1 0") == b"+OK\r\n"
    assert talk(session, b"GET a") == b"$5\r\nother\r\n"
    assert talk(session, b"DBSIZE") == b":1\r\n"
    assert talk(other, b"TTL a") == b":100\r\n"
    assert talk(other, b"SWAPDB 1 1") == b"+OK\r\n"
    assert talk(other, b"GET a") == b"$1\r\n1\r\n"


@pytest.mark.parametrize(
    ("numbers", "error"),
    [
        (b"a 1", b"invalid first DB index"),
        (b"a b", b"invalid first DB index"),
        (b"2147483648 1", b"invalid first DB index"),
        (b"16 b", b"invalid second DB index"),
        (b"0 1.5", b"invalid second DB index"),
        (b"0 -2147483649", b"invalid second DB index"),
        (b"0 16", b"DB index is out of range"),
        (b"-1 0", b"DB index is out of range"),
        (b"16 16", b"DB index is out of range"),
    ],
)
def test_swapdb_refuses_what_is_no_database(session: Session, numbers: bytes, error: bytes) -> None:
    assert talk(session, b"SWAPDB " + numbers) == b"-ERR %b\r\n" % error
