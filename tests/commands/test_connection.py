"""PING, ECHO, HELLO, AUTH, SELECT, QUIT, RESET; every text as redis-server 7.0.15 sends it."""

import pytest

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from tests.talk import NOAUTH, PONG, array, check_wire, make_engine, request, talk

WRONGPASS = b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"
NO_PASSWORD_SET = (
    b"-ERR AUTH <password> called without any password configured for the default user. Are you sure your "
    b"configuration is correct?\r\n"
)
HELLO_NOAUTH = (
    b"-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> "
    b"option can be used to authenticate the client and select the RESP protocol version at the same time\r\n"
)
NOPROTO = b"-NOPROTO unsupported protocol version\r\n"
FIELDS = (
    b"$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n$5\r\nproto\r\n:%d\r\n$2\r\nid\r\n:1\r\n"
    b"$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n"
)
RESP2 = b"*14\r\n" + FIELDS % 2
RESP3 = b"%7\r\n" + FIELDS % 3


@pytest.mark.parametrize(
    ("args", "reply"),
    [
        ((b"PING",), PONG),
        ((b"PING", b"hello"), b"$5\r\nhello\r\n"),
        ((b"PING", b""), b"$0\r\n\r\n"),
        ((b"PING", b"\r\n\x00"), b"$3\r\n\r\n\x00\r\n"),
        ((b"PING", b"a", b"b"), b"-ERR wrong number of arguments for 'ping' command\r\n"),
        ((b"ECHO", b"hello"), b"$5\r\nhello\r\n"),
        ((b"ECHO",), b"-ERR wrong number of arguments for 'echo' command\r\n"),
        ((b"ECHO", b"a", b"b"), b"-ERR wrong number of arguments for 'echo' command\r\n"),
    ],
)
def test_ping_and_echo(args: tuple[bytes, ...], reply: bytes) -> None:
    check_wire(array(*args), reply)


# HELLO


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        (b"HELLO", RESP2),
        (b"HELLO 2", RESP2),
        (b"HELLO 3", RESP3),
        (b"hello 3 setname x", RESP3),
        (b"HELLO 3 AUTH default whatever", RESP3),
        (b"HELLO 0", NOPROTO),
        (b"HELLO 1", NOPROTO),
        (b"HELLO 4", NOPROTO),
        (b"HELLO -1", NOPROTO),
        (b"HELLO 4 JUNK", NOPROTO),
        (b"HELLO a", b"-ERR Protocol version is not an integer or out of range\r\n"),
        (b"HELLO 03", b"-ERR Protocol version is not an integer or out of range\r\n"),
        (b"HELLO 9223372036854775808", b"-ERR Protocol version is not an integer or out of range\r\n"),
        (b"HELLO AUTH default x", b"-ERR Protocol version is not an integer or out of range\r\n"),
        (b"HELLO 3 JUNK", b"-ERR Syntax error in HELLO option 'JUNK'\r\n"),
        (b"HELLO 3 auth", b"-ERR Syntax error in HELLO option 'auth'\r\n"),
        (b"HELLO 3 AUTH default", b"-ERR Syntax error in HELLO option 'AUTH'\r\n"),
        (b"HELLO 3 SETNAME", b"-ERR Syntax error in HELLO option 'SETNAME'\r\n"),
        (b"HELLO 3 SETNAME a SETNAME", b"-ERR Syntax error in HELLO option 'SETNAME'\r\n"),
        (b"HELLO 3 AUTH default x JUNK", b"-ERR Syntax error in HELLO option 'JUNK'\r\n"),
        (b"HELLO 3 AUTH nobody x", WRONGPASS),
        (b"HELLO 3 SETNAME \xff", b"-ERR Client names cannot contain spaces, newlines or special characters.\r\n"),
        (b"HELLO 3 a\x00b", b"-ERR Syntax error in HELLO option 'a'\r\n"),
    ],
)
def test_hello(line: bytes, reply: bytes) -> None:
    check_wire(request(line), reply)


def test_hello_switches_the_protocol_only_if_it_succeeds(session: Session) -> None:
    talk(session, b"HELLO 3 JUNK")
    assert talk(session, b"GET k") == b"$-1\r\n"
    talk(session, b"HELLO 3")
    assert talk(session, b"GET k") == b"_\r\n"
    assert talk(session, b"HELLO") == RESP3  # no version: it stays
    talk(session, b"HELLO 2")
    assert talk(session, b"GET k") == b"$-1\r\n"


def test_hello_names_the_client_even_if_a_later_option_fails(session: Session) -> None:
    assert talk(session, b"HELLO 3 SETNAME a SETNAME b") == RESP3
    assert talk(session, b"CLIENT GETNAME") == b"$1\r\nb\r\n"
    assert talk(session, b"HELLO 3 SETNAME c AUTH nobody x") == WRONGPASS
    assert talk(session, b"CLIENT GETNAME") == b"$1\r\nc\r\n"
    assert talk(session, b"HELLO 3 AUTH nobody x SETNAME d") == WRONGPASS
    assert talk(session, b"CLIENT GETNAME") == b"$1\r\nc\r\n"


@pytest.mark.parametrize(
    ("line", "reply", "then"),
    [
        (b"HELLO", HELLO_NOAUTH, NOAUTH),
        (b"HELLO 3", HELLO_NOAUTH, NOAUTH),
        (b"HELLO 3 SETNAME x", HELLO_NOAUTH, NOAUTH),
        (b"HELLO 4", NOPROTO, NOAUTH),
        (b"HELLO 4 AUTH default secret", NOPROTO, NOAUTH),
        (b"HELLO 3 AUTH default wrong", WRONGPASS, NOAUTH),
        (b"HELLO 3 AUTH nobody secret", WRONGPASS, NOAUTH),
        (b"HELLO 3 AUTH default secret", RESP3, PONG),
        (b"HELLO 3 AUTH default secret SETNAME x", RESP3, PONG),
        (b"HELLO 3 SETNAME x AUTH default secret", RESP3, PONG),
    ],
)
def test_hello_where_a_password_is_required(line: bytes, reply: bytes, then: bytes) -> None:
    check_wire(request(line), reply, then=then, requirepass=b"secret")


# AUTH


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        (b"AUTH", b"-ERR wrong number of arguments for 'auth' command\r\n"),
        (b"AUTH x", NO_PASSWORD_SET),
        (b"AUTH default x", b"+OK\r\n"),
        (b"AUTH nobody x", WRONGPASS),
        (b"AUTH a b c", b"-ERR syntax error\r\n"),
    ],
)
def test_auth_where_no_password_is_required(line: bytes, reply: bytes) -> None:
    check_wire(request(line), reply)


@pytest.mark.parametrize(
    ("args", "reply", "then"),
    [
        ((b"AUTH", b"secret"), b"+OK\r\n", PONG),
        ((b"auth", b"default", b"secret"), b"+OK\r\n", PONG),
        ((b"AUTH", b""), WRONGPASS, NOAUTH),
        ((b"AUTH", b"SECRET"), WRONGPASS, NOAUTH),
        ((b"AUTH", b"secret "), WRONGPASS, NOAUTH),
        ((b"AUTH", b"secre"), WRONGPASS, NOAUTH),
        ((b"AUTH", b"default", b"wrong"), WRONGPASS, NOAUTH),
        ((b"AUTH", b"Default", b"secret"), WRONGPASS, NOAUTH),
        ((b"AUTH", b"nobody", b"secret"), WRONGPASS, NOAUTH),
        ((b"AUTH", b"a", b"b", b"c"), b"-ERR syntax error\r\n", NOAUTH),
    ],
)
def test_auth_where_a_password_is_required(args: tuple[bytes, ...], reply: bytes, then: bytes) -> None:
    check_wire(array(*args), reply, then=then, requirepass=b"secret")


def test_a_password_may_hold_any_bytes() -> None:
    password = b"p\xff\x00\r\n \xc3\xa9"
    check_wire(array(b"AUTH", password), b"+OK\r\n", requirepass=password)
    check_wire(array(b"AUTH", password[:-1]), WRONGPASS, then=NOAUTH, requirepass=password)


def test_a_wrong_password_takes_nothing_away() -> None:
    session = Session(make_engine(requirepass=b"secret"))
    talk(session, b"AUTH secret")
    assert talk(session, b"AUTH wrong") == WRONGPASS
    assert talk(session, b"PING") == PONG


# SELECT


@pytest.mark.parametrize(
    ("index", "reply"),
    [
        (b"0", b"+OK\r\n"),
        (b"15", b"+OK\r\n"),
        (b"16", b"-ERR DB index is out of range\r\n"),
        (b"-1", b"-ERR DB index is out of range\r\n"),
        (b"a", b"-ERR value is not an integer or out of range\r\n"),
        (b"", b"-ERR value is not an integer or out of range\r\n"),
        (b"1.0", b"-ERR value is not an integer or out of range\r\n"),
        (b"2147483648", b"-ERR value is out of range, value must between -2147483648 and 2147483647\r\n"),
    ],
)
def test_select(index: bytes, reply: bytes) -> None:
    check_wire(array(b"SELECT", index), reply)


def test_select_is_for_one_connection(engine: Engine) -> None:
    alice, bob = Session(engine), Session(engine)
    talk(alice, b"SELECT 3")
    talk(alice, b"SET k three")
    assert talk(bob, b"GET k") == b"$-1\r\n"
    talk(bob, b"SELECT 3")
    assert talk(bob, b"GET k") == b"$5\r\nthree\r\n"
    assert talk(bob, b"SELECT 99") == b"-ERR DB index is out of range\r\n"
    assert talk(bob, b"GET k") == b"$5\r\nthree\r\n"


# QUIT and RESET


@pytest.mark.parametrize("line", [b"QUIT", b"quit", b"QUIT now please"])
def test_quit(line: bytes) -> None:
    check_wire(request(line), b"+OK\r\n")
    session = Session(make_engine())
    assert talk(session, line) == b"+OK\r\n"
    assert session.is_closing


def test_quit_within_multi_and_without_a_password() -> None:
    session = Session(make_engine())
    assert talk(session, b"MULTI") == b"+OK\r\n"
    assert talk(session, b"QUIT") == b"+OK\r\n"
    assert session.is_closing
    session = Session(make_engine(requirepass=b"secret"))
    assert talk(session, b"QUIT") == b"+OK\r\n"
    assert session.is_closing


def test_reset_takes_a_connection_back_to_its_beginning(engine: Engine) -> None:
    session, other = Session(engine), Session(engine)
    for line in (b"HELLO 3 SETNAME me", b"SELECT 3", b"WATCH k", b"MULTI", b"SET k v"):
        talk(session, line)
    assert talk(session, b"RESET") == b"+RESET\r\n"
    assert talk(session, b"EXEC") == b"-ERR EXEC without MULTI\r\n"
    assert talk(session, b"CLIENT GETNAME") == b"$-1\r\n"  # RESP2, and no name
    talk(session, b"SET where 0")
    assert talk(other, b"GET where") == b"$1\r\n0\r\n"
    assert talk(session, b"CLIENT ID") == b":1\r\n"


def test_reset_watches_nothing_any_more(engine: Engine) -> None:
    session, other = Session(engine), Session(engine)
    for line in (b"WATCH k", b"RESET", b"MULTI", b"PING"):
        talk(session, line)
    talk(other, b"SET k v")
    assert talk(session, b"EXEC") == b"*1\r\n" + PONG


def test_reset_forgets_the_authentication_where_a_password_is_required() -> None:
    session = Session(make_engine(requirepass=b"secret"))
    talk(session, b"AUTH secret")
    assert talk(session, b"RESET") == b"+RESET\r\n"
    assert talk(session, b"PING") == NOAUTH
    assert talk(session, b"AUTH secret") == b"+OK\r\n"
    assert talk(session, b"PING") == PONG


def test_reset_takes_no_arguments() -> None:
    check_wire(request(b"RESET x"), b"-ERR wrong number of arguments for 'reset' command\r\n")
