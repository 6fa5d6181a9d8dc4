"""MODULE, where there are none; every text as redis-server 7.0.15 sends it."""

import pytest

from respstore.engine.session import Session
from tests.talk import make_engine, talk

LOAD, LOADEX, UNLOAD = b"MODULE LOAD /m.so a", b"MODULE LOADEX /m.so CONFIG a b ARGS c", b"MODULE UNLOAD m"
NOT_ALLOWED = b'-ERR MODULE command not allowed. If the enable-module-command option is set to "local", you can run '
NOT_LOADED = b"-ERR Error loading the extension. Please check the server logs.\r\n"


def test_there_are_none(session: Session) -> None:
    assert talk(session, b"MODULE LIST") == b"*0\r\n"
    assert b"MODULE <subcommand>" in talk(session, b"MODULE HELP")


@pytest.mark.parametrize("words", [LOAD, LOADEX, UNLOAD])
def test_not_allowed(session: Session, words: bytes) -> None:
    assert talk(session, words).startswith(NOT_ALLOWED)
    assert talk(session, b"MODULE LOAD").startswith(b"-ERR wrong number")


@pytest.mark.parametrize(("peer", "allowed"), [("127.0.0.1:5", True), ("10.0.0.1:5", False), ("/run/sock:0", True)])
def test_allowed_to_local_clients(peer: str, allowed: bool) -> None:
    session = Session(make_engine(enable_module_command="local"), peer)
    assert talk(session, LOAD).startswith(NOT_LOADED if allowed else NOT_ALLOWED)


def test_allowed_and_yet_not_possible(caplog: pytest.LogCaptureFixture) -> None:
    session = Session(make_engine(enable_module_command="yes"))
    assert talk(session, LOAD) == talk(session, LOADEX) == NOT_LOADED
    assert "modules of Redis cannot be loaded" in caplog.text
    assert talk(session, UNLOAD) == b"-ERR Error unloading module: no such module with that name\r\n"
