"""ACL: what a client says and hears. What rules mean and what they do is shown in tests/engine/acl/."""

import re

import pytest

from respstore.engine.session import Session
from tests.talk import NULL, OK, FakeSystem, array, bulk, make_engine, pass_time, talk

HASH = b"148de9c5a7a44d19e56cd9ae1a554bf67847afb0c58f6e12fa29ac7ddfca9940"  # of p


def test_a_client_is_the_default_user_at_first(session: Session) -> None:
    assert talk(session, b"ACL WHOAMI") == bulk(b"default")
    talk(session, b"ACL SETUSER alice on >p +@all")
    assert talk(session, b"AUTH alice p") == OK
    assert talk(session, b"ACL WHOAMI") == bulk(b"alice")
    assert talk(session, b"RESET") == b"+RESET\r\n"
    assert talk(session, b"ACL WHOAMI") == bulk(b"default")


def test_users_are_listed_by_name(session: Session) -> None:
    for line in (b"ACL SETUSER carol on", b"ACL SETUSER alice nopass ~a* +get"):
        assert talk(session, line) == OK
    assert talk(session, b"ACL USERS") == array(b"alice", b"carol", b"default")
    assert talk(session, b"ACL LIST") == array(
        b"user alice off nopass ~a* resetchannels -@all +get",
        b"user carol on resetchannels -@all",
        b"user default on nopass ~* &* +@all",
    )


def test_all_of_a_user(session: Session) -> None:
    talk(session, b"ACL SETUSER alice on >p ~a* %R~b &c +get (~x +set)")
    root = (b"commands", b"-@all +get", b"keys", b"~a* %R~b", b"channels", b"&c", b"selectors")
    selector = (b"commands", b"-@all +set", b"keys", b"~x", b"channels", b"")
    expected = (
        *(b"*12\r\n", bulk(b"flags"), array(b"on"), bulk(b"passwords"), array(HASH)),
        *(*map(bulk, root), b"*1\r\n", array(*selector)),
    )
    assert talk(session, b"ACL GETUSER alice") == b"".join(expected)
    session.speak(3)
    flags = bulk(b"flags") + b"~1\r\n" + bulk(b"on") + bulk(b"passwords") + array(HASH)
    assert talk(session, b"ACL GETUSER alice").startswith(b"%6\r\n" + flags)
    assert talk(session, b"ACL GETUSER alice").endswith(b"*1\r\n%3\r\n" + b"".join(map(bulk, selector)))


def test_nobody(session: Session) -> None:
    assert talk(session, b"ACL GETUSER nobody") == NULL
    assert talk(session, b"ACL DELUSER nobody") == b":0\r\n"


def test_deleting(session: Session) -> None:
    for name in (b"alice", b"bob"):
        talk(session, b"ACL SETUSER %b on" % name)
    assert talk(session, b"ACL DELUSER alice bob carol") == b":2\r\n"
    assert talk(session, b"ACL DELUSER default") == b"-ERR The 'default' user cannot be removed\r\n"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ((b"alice", b"foo"), b"ERR Error in ACL SETUSER modifier 'foo': Syntax error"),
        ((b"alice", b"(~a"), b"ERR Unmatched parenthesis in acl selector starting at '(~a'."),
        ((b"a b", b"on"), b"ERR Usernames can't contain spaces or null characters"),
        ((), b"ERR wrong number of arguments for 'acl|setuser' command"),
    ],
)
def test_mistakes_of_setuser(session: Session, words: tuple[bytes, ...], error: bytes) -> None:
    assert talk(session, b"ACL", b"SETUSER", *words) == b"-%b\r\n" % error


def test_categories_and_their_commands(session: Session) -> None:
    reply = talk(session, b"ACL CAT")
    assert reply.startswith(b"*22\r\n" + bulk(b"keyspace") + bulk(b"read") + bulk(b"write"))
    transactions = {bulk(name) for name in (b"multi", b"exec", b"discard", b"watch", b"unwatch")}
    assert set(re.findall(rb"\$\d+\r\n\w+\r\n", talk(session, b"ACL CAT Transaction"))) == transactions
    assert bulk(b"config|get") in talk(session, b"ACL CAT dangerous")
    assert talk(session, b"ACL CAT nosuch") == b"-ERR Unknown category 'nosuch'\r\n"


@pytest.mark.parametrize(("bits", "digits"), [(b"", 64), (b" 1", 1), (b" 5", 2), (b" 128", 32), (b" 4096", 1024)])
def test_passwords_to_use(session: Session, bits: bytes, digits: int) -> None:
    assert len(talk(session, b"ACL GENPASS" + bits)) == len(bulk(b"x" * digits))


@pytest.mark.parametrize("bits", [b"0", b"-1", b"4097"])
def test_no_passwords(session: Session, bits: bytes) -> None:
    assert talk(session, b"ACL GENPASS " + bits).startswith(b"-ERR ACL GENPASS argument must be the number of bits")
    assert talk(session, b"ACL GENPASS x") == b"-ERR value is not an integer or out of range\r\n"


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (b"GET a1", OK),
        (b"get x", bulk(b"This user has no permissions to access the 'x' key")),
        (b"MGET a1 x y", bulk(b"This user has no permissions to access the 'x' key")),
        (b"SET a1 1", bulk(b"This user has no permissions to run the 'set' command")),
        (b"CONFIG GET x", bulk(b"This user has no permissions to run the 'config|get' command")),
        (b"PUBLISH c x", OK),
        (b"PUBLISH d x", bulk(b"This user has no permissions to access the 'd' channel")),
        (b"PSUBSCRIBE c*", bulk(b"This user has no permissions to access the 'c*' channel")),
        (b"AUTH x", OK),
        (b"GET", b"-ERR wrong number of arguments for 'get' command\r\n"),
        (b"CONFIG", b"-ERR wrong number of arguments for 'config' command\r\n"),
        (b"CONFIG nosuch", b"-ERR Command 'CONFIG' not found\r\n"),
        (b"nosuch", b"-ERR Command 'nosuch' not found\r\n"),
    ],
)
def test_what_a_user_could_do(session: Session, request_: bytes, answer: bytes) -> None:
    talk(session, b"ACL SETUSER alice ~a* &c +@read +publish +psubscribe")
    assert talk(session, b"ACL DRYRUN alice " + request_) == answer
    assert talk(session, b"ACL LOG") == b"*0\r\n"


def test_what_nobody_could_do(session: Session) -> None:
    assert talk(session, b"ACL DRYRUN nobody GET k") == b"-ERR User 'nobody' not found\r\n"


def test_the_log(session: Session) -> None:
    engine = session.engine
    talk(session, b"ACL SETUSER alice on nopass ~a* +get +multi")
    alice = Session(engine, "10.0.0.1:5000")
    for line in (b"AUTH alice x", b"GET k", b"GET k", b"CONFIG GET port"):
        talk(alice, line)
    pass_time(engine, 1.5)
    reply = talk(session, b"ACL LOG")
    for words in (
        (b":1\r\n", b"reason", b"command", b"context", b"toplevel", b"object", b"config|get", b"username", b"alice"),
        (b":2\r\n", b"reason", b"key", b"context", b"toplevel", b"object", b"k", b"username", b"alice"),
    ):
        assert bulk(b"count") + words[0] + b"".join(map(bulk, words[1:])) + bulk(b"age-seconds") + bulk(b"1.5") in reply
    assert reply.startswith(b"*2\r\n*14\r\n")
    assert b"addr=10.0.0.1:5000" in reply
    assert talk(session, b"ACL LOG 1").startswith(b"*1\r\n")
    assert talk(session, b"ACL LOG -5") == b"*0\r\n"
    assert talk(session, b"ACL LOG x") == b"-ERR value is not an integer or out of range\r\n"
    session.speak(3)
    assert talk(session, b"ACL LOG").startswith(b"*2\r\n%7\r\n")
    assert bulk(b"age-seconds") + b",1.5\r\n" in talk(session, b"ACL LOG")
    assert talk(session, b"acl log reset") == OK
    assert talk(session, b"ACL LOG") == b"*0\r\n"


def test_the_log_shows_ten_entries_unless_told_otherwise(session: Session) -> None:
    for number in range(12):
        session.engine.acl.change(b"default", [b"-get"])
        talk(session, b"AUTH nobody%d x" % number)
        pass_time(session.engine, 1)
    assert talk(session, b"ACL LOG").startswith(b"*10\r\n")
    assert talk(session, b"ACL LOG 100").startswith(b"*12\r\n")


def test_a_file() -> None:
    engine = make_engine(dir="/data", aclfile="users.acl")
    session = Session(engine)
    assert isinstance(engine.system, FakeSystem)
    talk(session, b"ACL SETUSER alice on")
    assert talk(session, b"ACL SAVE") == OK
    assert engine.system.files == {
        "/data/users.acl": "user alice on resetchannels -@all\nuser default on nopass ~* &* +@all\n"
    }
    talk(session, b"ACL DELUSER alice")
    assert talk(session, b"ACL LOAD") == OK
    assert talk(session, b"ACL USERS") == array(b"alice", b"default")


def test_help_names_every_subcommand(session: Session) -> None:
    reply = talk(session, b"ACL HELP")
    assert b"+ACL <subcommand> [<arg> [value] [opt] ...]. Subcommands are:\r\n" in reply
    for word in session.engine.entries[b"acl"].subcommands:
        assert b"\r\n+" + word.upper() in reply
