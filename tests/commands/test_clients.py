"""CLIENT and its subcommands; every text as redis-server 7.0.15 sends it."""

import pytest

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from tests.talk import NOT_AN_INTEGER, PONG, SYNTAX, array, check_wire, pass_time, received, request, talk


def connect(engine: Engine, port: int) -> Session:
    return Session(engine, f"127.0.0.1:{port}", "127.0.0.1:6379", fd=port % 100)


def lines(reply: bytes) -> list[dict[str, str]]:
    """What CLIENT LIST says, each line as a dict."""
    text = reply.partition(b"\r\n")[2].decode()
    return [dict(word.split("=", 1) for word in line.split(" ")) for line in text.splitlines() if line]


def info(session: Session, of: Session) -> dict[str, str]:
    """CLIENT LIST's line of a session."""
    (line,) = lines(talk(session, b"CLIENT LIST ID %d" % of.id))
    return line


# ID, names


def test_ids_are_counted_up(engine: Engine) -> None:
    alice, bob = Session(engine), Session(engine)
    assert talk(alice, b"CLIENT ID") == b":1\r\n"
    assert talk(bob, b"client id") == b":2\r\n"
    talk(bob, b"QUIT")
    assert talk(Session(engine), b"CLIENT ID") == b":3\r\n"


@pytest.mark.parametrize("name", [b"me", b"!", b"~", b"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", b"x" * 1000])
def test_a_name_is_visible_ascii(session: Session, name: bytes) -> None:
    assert talk(session, b"CLIENT GETNAME") == b"$-1\r\n"
    assert talk(session, b"CLIENT", b"SETNAME", name) == b"+OK\r\n"
    assert talk(session, b"CLIENT GETNAME") == b"$%d\r\n%b\r\n" % (len(name), name)


@pytest.mark.parametrize("name", [b"a b", b"a\n", b"\r", b"\x00", b"\x7f", b"\xff", b"tab\t", b"\xc3\xa9"])
def test_a_name_is_nothing_else(name: bytes) -> None:
    error = b"-ERR Client names cannot contain spaces, newlines or special characters.\r\n"
    check_wire(array(b"CLIENT", b"SETNAME", name), error)


def test_an_empty_name_is_none(session: Session) -> None:
    talk(session, b"CLIENT SETNAME me")
    assert talk(session, b"CLIENT", b"SETNAME", b"") == b"+OK\r\n"
    assert talk(session, b"CLIENT GETNAME") == b"$-1\r\n"


@pytest.mark.parametrize("line", [b"CLIENT SETINFO LIB-NAME redis-py", b"CLIENT NO-TOUCH ON"])
def test_what_came_after_7_0_is_not_there(line: bytes) -> None:
    word = line.split()[1]
    check_wire(request(line), b"-ERR unknown subcommand '%b'. Try CLIENT HELP.\r\n" % word)


def test_help_names_every_subcommand(session: Session) -> None:
    reply = talk(session, b"CLIENT HELP")
    assert b"+CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:\r\n" in reply
    for word in session.engine.entries[b"client"].subcommands:
        assert b"\r\n+" + word.upper() in reply


# LIST and INFO


def test_every_field_of_redis_7_0_in_its_order(engine: Engine) -> None:
    session = connect(engine, 50123)
    reply = talk(session, b"CLIENT INFO")
    assert reply.endswith(b"\n\r\n")
    assert lines(reply) == [
        {
            "id": "1",
            "addr": "127.0.0.1:50123",
            "laddr": "127.0.0.1:6379",
            "fd": "23",
            "name": "",
            "age": "0",
            "idle": "0",
            "flags": "N",
            "db": "0",
            "sub": "0",
            "psub": "0",
            "ssub": "0",
            "multi": "-1",
            "qbuf": "0",
            "qbuf-free": "0",
            "argv-mem": "0",
            "multi-mem": "0",
            "rbs": "0",
            "rbp": "0",
            "obl": "0",
            "oll": "0",
            "omem": "0",
            "tot-mem": str(session.memory()),
            "events": "r",
            "cmd": "client|info",
            "user": "default",
            "redir": "-1",
            "resp": "2",
        }
    ]
    names = [word.split(b"=")[0] for word in reply.split(b"\r\n")[1].split()]
    assert names == [name.encode() for name in lines(reply)[0]]


def test_the_list_is_verbatim_text_in_resp3(session: Session) -> None:
    talk(session, b"HELLO 3")
    for line in (b"CLIENT INFO", b"CLIENT LIST"):
        assert talk(session, line).partition(b"\r\n")[2].startswith(b"txt:id=1 addr=")


def test_the_list_is_in_order_of_arrival(engine: Engine) -> None:
    sessions = [connect(engine, 50000 + number) for number in range(3)]
    talk(sessions[1], b"CLIENT SETNAME second")
    found = lines(talk(sessions[2], b"CLIENT LIST"))
    assert [line["id"] for line in found] == ["1", "2", "3"]
    assert [line["name"] for line in found] == ["", "second", ""]
    assert [line["cmd"] for line in found] == ["NULL", "client|setname", "client|list"]


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        (b"TYPE normal", "123"),
        (b"type NORMAL", "123"),
        (b"TYPE master", ""),
        (b"TYPE slave", ""),
        (b"TYPE replica", ""),
        (b"TYPE PubSub", ""),
        (b"ID 2", "2"),
        (b"id 3 1", "31"),
        (b"ID 2 99 0 -1 2", "22"),
    ],
)
def test_the_list_may_be_filtered(engine: Engine, options: bytes, ids: str) -> None:
    sessions = [connect(engine, 50000 + number) for number in range(3)]
    found = lines(talk(sessions[0], b"CLIENT LIST " + options))
    assert "".join(line["id"] for line in found) == ids


@pytest.mark.parametrize(
    ("args", "reply"),
    [
        ((b"TYPE",), SYNTAX),
        ((b"TYPE", b"normal", b"x"), SYNTAX),
        ((b"ID",), SYNTAX),
        ((b"JUNK",), SYNTAX),
        ((b"JUNK", b"x"), SYNTAX),
        ((b"TYPE", b"junk"), b"-ERR Unknown client type 'junk'\r\n"),
        ((b"TYPE", b""), b"-ERR Unknown client type ''\r\n"),
        ((b"TYPE", b"a\xff\x00b"), b"-ERR Unknown client type 'a\xff'\r\n"),
        ((b"ID", b"1", b"x"), b"-ERR Invalid client ID\r\n"),
        ((b"ID", b"1.5"), b"-ERR Invalid client ID\r\n"),
        ((b"ID", b"9223372036854775808"), b"-ERR Invalid client ID\r\n"),
    ],
)
def test_the_list_refuses_other_options(args: tuple[bytes, ...], reply: bytes) -> None:
    check_wire(array(b"CLIENT", b"LIST", *args), reply)


def test_age_and_idleness_in_seconds(engine: Engine) -> None:
    alice, bob = Session(engine), Session(engine)
    pass_time(engine, 2.5)
    talk(bob, b"PING")
    pass_time(engine, 1.6)
    line = info(alice, bob)
    assert (line["age"], line["idle"]) == ("4", "1")


def test_a_clock_that_was_set_back_makes_nobody_younger_than_new(engine: Engine) -> None:
    session = Session(engine)
    engine.system.wall_us -= 5_000_000
    line = info(session, session)
    assert (line["age"], line["idle"]) == ("0", "0")


def test_state_of_a_transaction(engine: Engine) -> None:
    alice, bob = Session(engine), Session(engine)
    for line in (b"WATCH k", b"SELECT 2", b"MULTI", b"SET k v", b"GET a"):
        talk(bob, line)
    line = info(alice, bob)
    assert (line["flags"], line["multi"], line["multi-mem"], line["db"], line["cmd"]) == ("x", "2", "9", "2", "get")
    assert int(line["tot-mem"]) == bob.memory()
    talk(alice, b"SET k 1")
    assert info(alice, bob)["flags"] == "xd"
    talk(bob, b"DISCARD")
    assert info(alice, bob)["flags"] == "N"


def test_state_of_a_waiting_client(engine: Engine) -> None:
    alice, bob = Session(engine), Session(engine)
    bob.receive_data(request(b"BLPOP q 0") + request(b"ECHO later"))
    line = info(alice, bob)
    assert (line["flags"], line["cmd"], line["qbuf"]) == ("b", "blpop", "9")
    alice.receive_data(request(b"RPUSH q v") + request(b"CLIENT LIST ID 2"))
    (line,) = lines(alice.data_to_send().removeprefix(b":1\r\n"))
    assert (line["flags"], line["obl"]) == ("u", str(len(b"*2\r\n$1\r\nq\r\n$1\r\nv\r\n")))
    engine.end_of_turn()
    assert info(alice, bob)["flags"] == "N"


def test_state_of_a_postponed_client(engine: Engine) -> None:
    alice, bob = Session(engine), Session(engine)
    talk(alice, b"CLIENT PAUSE 1000 WRITE")
    talk(bob, b"SET k v")
    line = info(alice, bob)
    assert (line["flags"], line["cmd"]) == ("b", "set")


def test_state_of_a_client_that_reads_slowly(engine: Engine) -> None:
    alice, bob = Session(engine), Session(engine)
    bob.unsent = 5000
    line = info(alice, bob)
    assert (line["omem"], line["oll"], line["events"]) == ("5000", "1", "rw")


def test_state_of_a_client_in_the_middle_of_a_request(engine: Engine) -> None:
    alice, bob = Session(engine), Session(engine)
    bob.receive_data(b"*2\r\n$4\r\nECHO\r\n")
    assert int(info(alice, bob)["qbuf"]) > 0


def test_a_client_of_a_unix_socket(engine: Engine) -> None:
    session = Session(engine, "/run/respstore.sock:0", "/run/respstore.sock:0")
    line = info(session, session)
    assert (line["flags"], line["addr"]) == ("U", "/run/respstore.sock:0")


def test_no_evict_is_a_flag(session: Session) -> None:
    assert talk(session, b"CLIENT NO-EVICT ON") == b"+OK\r\n"
    assert info(session, session)["flags"] == "e"
    talk(session, b"RESET")
    assert info(session, session)["flags"] == "e"  # as Redis has it
    assert talk(session, b"CLIENT NO-EVICT off") == b"+OK\r\n"
    assert info(session, session)["flags"] == "N"
    for word in (b"yes", b"1", b"JUNK"):
        assert talk(session, b"CLIENT NO-EVICT " + word) == SYNTAX


def test_the_protocol_is_shown(session: Session) -> None:
    talk(session, b"HELLO 3")
    assert b" resp=3\n" in talk(session, b"CLIENT INFO")


# KILL


def test_kill_by_address(engine: Engine) -> None:
    alice, bob = connect(engine, 1001), connect(engine, 1002)
    assert talk(alice, b"CLIENT KILL 127.0.0.1:1002") == b"+OK\r\n"
    assert bob.is_aborted
    assert not alice.is_closing
    for address in (b"127.0.0.1:1002", b"1.2.3.4:5", b"x", b"127.0.0.1:6379"):
        assert talk(alice, b"CLIENT KILL " + address) == b"-ERR No such client\r\n"
    assert talk(alice, b"CLIENT KILL 127.0.0.1:1001") == b"+OK\r\n"
    assert alice.is_closing
    assert not alice.is_aborted


@pytest.mark.parametrize(
    ("filters", "killed"),
    [
        (b"ID 2", "2"),
        (b"id 1", ""),  # oneself is skipped
        (b"ID 1 SKIPME no", "1"),
        (b"ID 99", ""),
        (b"ID 99 ID 2", "2"),
        (b"ADDR 127.0.0.1:1002", "2"),
        (b"ID 2 ADDR 127.0.0.1:1003", ""),
        (b"LADDR 127.0.0.1:6379", "23"),
        (b"LADDR 127.0.0.1:6379 SKIPME NO", "123"),
        (b"LADDR 127.0.0.1:6379 SKIPME no SKIPME YES", "23"),
        (b"LADDR 127.0.0.1:1", ""),
        (b"TYPE normal", "23"),
        (b"TYPE pubsub", ""),
        (b"TYPE master", ""),
        (b"TYPE slave", ""),
        (b"TYPE REPLICA", ""),
        (b"USER default", "23"),
        (b"SKIPME yes", "23"),
        (b"ID 3 TYPE normal USER default LADDR 127.0.0.1:6379 ADDR 127.0.0.1:1003 SKIPME yes", "3"),
    ],
)
def test_kill_by_filter(engine: Engine, filters: bytes, killed: str) -> None:
    sessions = [connect(engine, 1000 + number) for number in (1, 2, 3)]
    assert talk(sessions[0], b"CLIENT KILL " + filters) == b":%d\r\n" % len(killed)
    assert "".join(str(session.id) for session in sessions if session.is_closing) == killed


@pytest.mark.parametrize(
    ("args", "reply"),
    [
        ((b"ID", b"0"), b"-ERR client-id should be greater than 0\r\n"),
        ((b"ID", b"-1"), b"-ERR client-id should be greater than 0\r\n"),
        ((b"ID", b"a"), b"-ERR client-id should be greater than 0\r\n"),
        ((b"ID", b"9223372036854775808"), b"-ERR client-id should be greater than 0\r\n"),
        ((b"ID", b"a", b"TYPE", b"junk"), b"-ERR client-id should be greater than 0\r\n"),
        ((b"TYPE", b"junk"), b"-ERR Unknown client type 'junk'\r\n"),
        ((b"USER", b"nobody"), b"-ERR No such user 'nobody'\r\n"),
        ((b"SKIPME", b"junk"), SYNTAX),
        ((b"JUNK", b"x"), SYNTAX),
        ((b"ID", b"1", b"JUNK", b"x"), SYNTAX),
        ((b"ID", b"1", b"ADDR"), SYNTAX),
        ((b"ID", b"0", b"ADDR"), b"-ERR client-id should be greater than 0\r\n"),
        ((b"SKIPME", b"no", b"ID", b"1", b"SKIPME"), SYNTAX),
    ],
)
def test_kill_refuses_other_filters(args: tuple[bytes, ...], reply: bytes) -> None:
    check_wire(array(b"CLIENT", b"KILL", *args), reply)


def test_who_is_killed_says_and_does_nothing_more(engine: Engine) -> None:
    alice, bob = connect(engine, 1001), connect(engine, 1002)
    bob.receive_data(request(b"BLPOP q 0") + request(b"SET k v"))
    assert talk(alice, b"CLIENT KILL ID 2") == b":1\r\n"
    talk(alice, b"RPUSH q 1")
    assert received(bob) == b""
    assert talk(alice, b"LLEN q") == b":1\r\n"
    assert talk(alice, b"EXISTS k") == b":0\r\n"
    assert lines(talk(alice, b"CLIENT LIST ID 2")) == []
    assert bob in engine.take_touched()


def test_who_kills_itself_hears_that_first(engine: Engine) -> None:
    session = connect(engine, 1001)
    session.receive_data(request(b"CLIENT KILL ID 1 SKIPME no") + request(b"SET k v"))
    assert session.data_to_send() == b":1\r\n"
    assert session.is_closing
    assert talk(Session(engine), b"EXISTS k") == b":0\r\n"


# UNBLOCK


@pytest.mark.parametrize(
    ("end", "reply"),
    [
        (b"", b"*-1\r\n"),
        (b" TIMEOUT", b"*-1\r\n"),
        (b" timeout", b"*-1\r\n"),
        (b" ERROR", b"-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n"),
    ],
)
def test_unblock_a_waiting_client(engine: Engine, end: bytes, reply: bytes) -> None:
    alice, bob = Session(engine), Session(engine)
    bob.receive_data(request(b"BLPOP q 0") + request(b"PING"))
    assert talk(alice, b"CLIENT UNBLOCK 2" + end) == b":1\r\n"
    assert received(bob) == reply + PONG
    assert engine.entries[b"blpop"].failed == reply.startswith(b"-")
    assert talk(alice, b"CLIENT UNBLOCK 2" + end) == b":0\r\n"
    talk(alice, b"RPUSH q v")
    assert talk(alice, b"LLEN q") == b":1\r\n"


def test_unblock_is_not_for_those_whom_a_pause_holds_up(engine: Engine) -> None:
    alice, bob = Session(engine), Session(engine)
    talk(alice, b"CLIENT PAUSE 1000 WRITE")
    talk(bob, b"SET k v")
    assert talk(alice, b"CLIENT UNBLOCK 2") == b":0\r\n"
    assert talk(alice, b"CLIENT UNBLOCK 2 ERROR") == b":0\r\n"
    talk(alice, b"CLIENT UNPAUSE")
    assert received(bob) == b"+OK\r\n"


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        (b"CLIENT UNBLOCK 1", b":0\r\n"),
        (b"CLIENT UNBLOCK 99", b":0\r\n"),
        (b"CLIENT UNBLOCK -1", b":0\r\n"),
        (b"CLIENT UNBLOCK a", NOT_AN_INTEGER),
        (b"CLIENT UNBLOCK a JUNK", b"-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR\r\n"),
        (
            b"CLIENT UNBLOCK 1 ERROR x",
            b"-ERR unknown subcommand or wrong number of arguments for 'UNBLOCK'. Try CLIENT HELP.\r\n",
        ),
    ],
)
def test_unblock_where_nobody_waits(line: bytes, reply: bytes) -> None:
    check_wire(request(line), reply)


# PAUSE and UNPAUSE; what they do is in tests/engine/test_engine.py


@pytest.mark.parametrize(
    ("args", "reply"),
    [
        ((b"0",), b"+OK\r\n"),
        ((b"0", b"write"), b"+OK\r\n"),
        ((b"9223372036854775807",), b"+OK\r\n"),  # overflows in Redis, and pauses nobody
        ((b"a",), b"-ERR timeout is not an integer or out of range\r\n"),
        ((b"1.5",), b"-ERR timeout is not an integer or out of range\r\n"),
        ((b"9223372036854775808",), b"-ERR timeout is not an integer or out of range\r\n"),
        ((b"-1",), b"-ERR timeout is negative\r\n"),
        ((b"10", b"JUNK"), b"-ERR CLIENT PAUSE mode must be WRITE or ALL\r\n"),
        ((b"a", b""), b"-ERR CLIENT PAUSE mode must be WRITE or ALL\r\n"),
    ],
)
def test_pause_checks_its_arguments(args: tuple[bytes, ...], reply: bytes) -> None:
    check_wire(array(b"CLIENT", b"PAUSE", *args), reply)


def test_unpause_where_nothing_is_paused() -> None:
    check_wire(request(b"CLIENT UNPAUSE"), b"+OK\r\n")


# REPLY; what it does is in tests/engine/test_dispatch.py


def test_reply_on_is_answered_and_the_others_are_not(session: Session) -> None:
    assert talk(session, b"CLIENT REPLY ON") == b"+OK\r\n"
    assert talk(session, b"CLIENT REPLY JUNK") == SYNTAX
    assert talk(session, b"CLIENT REPLY skip") == b""
    assert talk(session, b"PING") == b""
    assert talk(session, b"PING") == PONG
    assert talk(session, b"CLIENT REPLY off") == b""
    assert talk(session, b"PING") == b""
    assert talk(session, b"CLIENT REPLY on") == b"+OK\r\n"
    assert talk(session, b"PING") == PONG


def test_skips_in_a_row_are_as_one(session: Session) -> None:
    session.receive_data(request(b"CLIENT REPLY SKIP") * 3 + request(b"ECHO 1") + request(b"ECHO 2"))
    assert session.data_to_send() == b"$1\r\n2\r\n"
