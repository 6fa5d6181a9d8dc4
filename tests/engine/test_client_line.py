"""A client in one line. What CLIENT LIST shows of the commands of a connection is in tests/commands/test_clients.py."""

from respstore.engine.client_line import client_line
from respstore.engine.engine import Engine
from respstore.engine.session import Session
from tests.talk import pass_time, talk


def fields(session: Session) -> dict[str, str]:
    return dict(word.split("=", 1) for word in client_line(session).split(" "))


def test_it_says_who_where_and_since_when(engine: Engine) -> None:
    session = Session(engine, "127.0.0.1:50123", "127.0.0.1:6379", 7)
    talk(session, b"CLIENT SETNAME worker")
    talk(session, b"SELECT 3")
    pass_time(engine, 2.5)
    shown = fields(session)
    assert [shown[name] for name in ("id", "addr", "laddr", "fd", "name", "age", "idle", "db", "resp")] == [
        *("1", "127.0.0.1:50123", "127.0.0.1:6379", "7", "worker", "2", "2", "3", "2")
    ]


def test_it_says_which_user(engine: Engine) -> None:
    session = Session(engine)
    assert fields(session)["user"] == "default"
    engine.acl.change(b"\xffalice", [b"on", b"nopass", b"+@all"])
    talk(session, b"AUTH", b"\xffalice", b"x")
    assert fields(session)["user"] == "\udcffalice"


def test_flags_say_what_state_it_is_in(engine: Engine) -> None:
    session = Session(engine, "/run/sock:0")
    assert fields(session)["flags"] == "U"
    talk(session, b"MULTI")
    assert fields(session)["flags"] == "xU"
    talk(session, b"DISCARD")
    talk(session, b"BLPOP q 0")
    assert fields(session)["flags"] == "bU"
