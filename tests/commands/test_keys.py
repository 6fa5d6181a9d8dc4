"""Commands on keys, whatever they hold; every text as redis-server 7.0.15 sends it."""

import re

import pytest

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from tests.talk import NOT_AN_INTEGER, SYNTAX, pass_time, talk

WRONG_DB = b"-ERR DB index is out of range\r\n"
NOT_32_BITS = b"-ERR value is out of range, value must between -2147483648 and 2147483647\r\n"
SAME_OBJECT = b"-ERR source and destination objects are the same\r\n"
INVALID_CURSOR = b"-ERR invalid cursor\r\n"


@pytest.fixture(autouse=True)
def data(session: Session) -> None:
    """A string, one with a time to live, and a list."""
    talk(session, b"MSET s text t 5")
    talk(session, b"EXPIRE t 100")
    talk(session, b"RPUSH l a b")


@pytest.fixture
def other(engine: Engine) -> Session:
    """A client that looks at database 1."""
    other = Session(engine)
    assert talk(other, b"SELECT 1") == b"+OK\r\n"
    return other


def bulks(reply: bytes) -> list[bytes]:
    """The bulk strings of a reply, in order of their bytes."""
    return sorted(re.findall(rb"\$\d+\r\n(.*)\r\n", reply))


# Being there


@pytest.mark.parametrize("name", [b"DEL", b"UNLINK"])
def test_del_counts_what_was_there(session: Session, name: bytes) -> None:
    assert talk(session, name + b" s missing l s") == b":2\r\n"
    assert talk(session, name + b" s") == b":0\r\n"
    assert talk(session, b"EXISTS s t l") == b":1\r\n"


@pytest.mark.parametrize("name", [b"EXISTS", b"TOUCH"])
def test_exists_counts_a_key_as_often_as_it_is_named(session: Session, name: bytes) -> None:
    assert talk(session, name + b" s s missing l") == b":3\r\n"
    assert talk(session, name + b" missing") == b":0\r\n"


@pytest.mark.parametrize("name", [b"DEL", b"UNLINK", b"EXISTS", b"TOUCH"])
def test_a_key_whose_time_is_over_does_not_count(session: Session, engine: Engine, name: bytes) -> None:
    engine.active_expiry = False
    pass_time(engine, 100)
    assert talk(session, name + b" t") == b":0\r\n"
    assert engine.keyspace.expired == 1


def test_type(session: Session) -> None:
    talk(session, b"APPEND changed text")
    assert [talk(session, b"TYPE", key) for key in (b"s", b"changed", b"l", b"missing")] == [
        b"+string\r\n",
        b"+string\r\n",
        b"+list\r\n",
        b"+none\r\n",
    ]


# Finding keys


def test_keys(session: Session, engine: Engine) -> None:
    assert bulks(talk(session, b"KEYS *")) == [b"l", b"s", b"t"]
    assert bulks(talk(session, b"KEYS [st]")) == [b"s", b"t"]
    assert talk(session, b"KEYS x*") == b"*0\r\n"
    engine.active_expiry = False
    pass_time(engine, 100)
    assert bulks(talk(session, b"KEYS *")) == [b"l", b"s"]
    assert talk(session, b"DBSIZE") == b":3\r\n"  # looking deletes nothing


def scan_all(session: Session, *options: bytes) -> list[bytes]:
    """All that a whole scan gives, in order of the bytes."""
    cursor, found = b"0", []
    while True:
        reply = talk(session, b"SCAN", cursor, *options)
        head, cursor, keys = reply.split(b"\r\n", 3)[1:]
        assert head == b"$%d" % len(cursor)
        found += bulks(keys)
        if cursor == b"0":
            return sorted(found)


def test_scan_gives_every_key_and_ends(session: Session) -> None:
    names = sorted(b"key:%d" % number for number in range(100))
    for name in names:
        talk(session, b"SET", name, b"v")
    for count in (1, 7, 10, 1000):
        assert scan_all(session, b"COUNT", b"%d" % count) == sorted([*names, b"l", b"s", b"t"])
    assert scan_all(session, b"MATCH", b"key:*0") == [name for name in names if name.endswith(b"0")]
    assert scan_all(session, b"TYPE", b"list", b"COUNT", b"5") == [b"l"]
    assert scan_all(session, b"count", b"5", b"type", b"STRING", b"match", b"?") == [b"s", b"t"]
    assert scan_all(session, b"TYPE", b"no such type") == []


def test_scan_takes_ten_keys_at_a_time(session: Session) -> None:
    for number in range(20):
        talk(session, b"SET key:%d v" % number)
    assert talk(session, b"SCAN 0").startswith(b"*2\r\n$2\r\n13\r\n*10\r\n")
    assert talk(session, b"SCAN 13 COUNT 12").startswith(b"*2\r\n$1\r\n1\r\n*12\r\n")
    assert talk(session, b"SCAN 1").startswith(b"*2\r\n$1\r\n0\r\n*1\r\n")


@pytest.mark.parametrize("options", [[], [b"TYPE", b"string"], [b"MATCH", b"[st]"]])
def test_scan_gives_no_key_whose_time_is_over(session: Session, engine: Engine, options: list[bytes]) -> None:
    engine.active_expiry = False
    pass_time(engine, 100)
    assert b"t" not in scan_all(session, *options)
    assert b"s" in scan_all(session, *options)


def test_scan_sees_each_database_for_itself(session: Session, other: Session) -> None:
    talk(other, b"SET o v")
    assert scan_all(session) == [b"l", b"s", b"t"]
    assert scan_all(other) == [b"o"]


@pytest.mark.parametrize(
    "cursor",
    [
        *(b"a", b"1a", b" 1", b"1 ", b"-", b"+", b"--1", b"1.5", b"0x1"),
        *(b"18446744073709551616", b"-18446744073709551616", b"9" * 5000),
    ],
)
def test_scan_refuses_what_is_no_cursor(session: Session, cursor: bytes) -> None:
    assert talk(session, b"SCAN", cursor) == INVALID_CURSOR
    assert talk(session, b"SCAN", cursor, b"COUNT", b"0") == INVALID_CURSOR


@pytest.mark.parametrize("cursor", [b"0", b"00", b"-0", b"+0", b"", b"\0", b"0\0x", b"0" * 5000])
def test_scan_reads_zero_as_redis_does(session: Session, cursor: bytes) -> None:
    assert bulks(talk(session, b"SCAN", cursor)) == [b"0", b"l", b"s", b"t"]


@pytest.mark.parametrize("cursor", [b"-1", b"18446744073709551615", b"12345", b"1\0"])
def test_scan_takes_a_cursor_that_nobody_gave(session: Session, cursor: bytes) -> None:
    assert talk(session, b"SCAN", cursor).startswith(b"*2\r\n$1\r\n0\r\n*")


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (b"COUNT", SYNTAX),
        (b"MATCH", SYNTAX),
        (b"TYPE", SYNTAX),
        (b"JUNK", SYNTAX),
        (b"JUNK 1", SYNTAX),
        (b"COUNT 0", SYNTAX),
        (b"COUNT -5", SYNTAX),
        (b"COUNT 10 MATCH * COUNT", SYNTAX),
        (b"COUNT a", NOT_AN_INTEGER),
        (b"COUNT 1.5", NOT_AN_INTEGER),
        (b"COUNT 9223372036854775808", NOT_AN_INTEGER),
    ],
)
def test_scan_refuses_bad_options(session: Session, options: bytes, error: bytes) -> None:
    assert talk(session, b"SCAN 0 " + options) == error


def test_scan_takes_any_positive_count(session: Session) -> None:
    assert bulks(talk(session, b"SCAN 0 COUNT 9223372036854775807")) == [b"0", b"l", b"s", b"t"]


def test_randomkey(session: Session, other: Session) -> None:
    assert {talk(session, b"RANDOMKEY") for _ in range(100)} == {b"$1\r\n%b\r\n" % key for key in (b"l", b"s", b"t")}
    assert talk(other, b"RANDOMKEY") == b"$-1\r\n"


def test_randomkey_finds_the_one_live_key_among_the_dead(session: Session, other: Session, engine: Engine) -> None:
    engine.active_expiry = False
    for number in range(50):
        talk(other, b"SET dead:%d v PX 1" % number)
    pass_time(engine, 1)
    assert talk(other, b"RANDOMKEY") == b"$-1\r\n"
    assert talk(other, b"DBSIZE") == b":0\r\n"


# Names and databases


def test_rename_takes_the_time_to_live_along(session: Session) -> None:
    assert talk(session, b"RENAME t u") == b"+OK\r\n"
    assert talk(session, b"EXISTS t") == b":0\r\n"
    assert talk(session, b"TTL u") == b":100\r\n"
    assert talk(session, b"RENAME s u") == b"+OK\r\n"
    assert talk(session, b"TTL u") == b":-1\r\n"
    assert talk(session, b"RENAME l u") == b"+OK\r\n"
    assert talk(session, b"LRANGE u 0 -1") == b"*2\r\n$1\r\na\r\n$1\r\nb\r\n"


def test_renamenx_leaves_what_is_there(session: Session) -> None:
    assert talk(session, b"RENAMENX s t") == b":0\r\n"
    assert talk(session, b"GET t") == b"$1\r\n5\r\n"
    assert talk(session, b"RENAMENX s u") == b":1\r\n"
    assert talk(session, b"EXISTS s u") == b":1\r\n"


def test_renamenx_takes_the_name_of_a_key_whose_time_is_over(session: Session, engine: Engine) -> None:
    engine.active_expiry = False
    pass_time(engine, 100)
    assert talk(session, b"RENAMENX s t") == b":1\r\n"
    assert talk(session, b"TTL t") == b":-1\r\n"


def test_rename_to_the_same_name(session: Session) -> None:
    assert talk(session, b"RENAME t t") == b"+OK\r\n"
    assert talk(session, b"RENAMENX t t") == b":0\r\n"
    assert talk(session, b"TTL t") == b":100\r\n"


@pytest.mark.parametrize("name", [b"RENAME", b"RENAMENX"])
@pytest.mark.parametrize("to", [b"s", b"missing", b"u"])
def test_a_key_that_is_not_there_cannot_be_renamed(session: Session, name: bytes, to: bytes) -> None:
    assert talk(session, name, b"missing", to) == b"-ERR no such key\r\n"


def test_move(session: Session, other: Session) -> None:
    assert talk(session, b"MOVE t 1") == b":1\r\n"
    assert talk(session, b"EXISTS t") == b":0\r\n"
    assert talk(other, b"TTL t") == b":100\r\n"
    talk(other, b"SET s theirs")
    assert talk(session, b"MOVE s 1") == b":0\r\n"
    assert talk(session, b"GET s") == b"$4\r\ntext\r\n"
    assert talk(session, b"MOVE missing 1") == b":0\r\n"


def test_move_takes_the_place_of_a_key_whose_time_is_over(session: Session, other: Session, engine: Engine) -> None:
    engine.active_expiry = False
    talk(other, b"SET s theirs PX 1")
    pass_time(engine, 1)
    assert talk(session, b"MOVE s 1") == b":1\r\n"
    assert talk(other, b"TTL s") == b":-1\r\n"


@pytest.mark.parametrize(
    ("db", "error"),
    [
        (b"0", SAME_OBJECT),
        (b"16", WRONG_DB),
        (b"-1", WRONG_DB),
        (b"2147483648", NOT_32_BITS),
        (b"-2147483649", NOT_32_BITS),
        (b"9223372036854775808", NOT_AN_INTEGER),
        (b"a", NOT_AN_INTEGER),
        (b"1.5", NOT_AN_INTEGER),
    ],
)
@pytest.mark.parametrize("key", [b"s", b"missing"])
def test_move_refuses_a_bad_database(session: Session, key: bytes, db: bytes, error: bytes) -> None:
    assert talk(session, b"MOVE", key, db) == error


def test_copy(session: Session, other: Session) -> None:
    assert talk(session, b"COPY t u") == b":1\r\n"
    assert talk(session, b"TTL u") == b":100\r\n"
    assert talk(session, b"COPY s u") == b":0\r\n"
    assert talk(session, b"COPY s u REPLACE") == b":1\r\n"
    assert talk(session, b"GET u") == b"$4\r\ntext\r\n"
    assert talk(session, b"TTL u") == b":-1\r\n"
    assert talk(session, b"COPY s s DB 1") == b":1\r\n"
    assert talk(session, b"COPY t s db 1 replace") == b":1\r\n"
    assert talk(other, b"GET s") == b"$1\r\n5\r\n"
    assert talk(session, b"COPY missing u REPLACE") == b":0\r\n"
    assert talk(session, b"GET u") == b"$4\r\ntext\r\n"


def test_a_copy_is_a_value_of_its_own(session: Session) -> None:
    talk(session, b"APPEND raw abc")
    talk(session, b"APPEND raw def")
    for source in (b"l", b"raw"):
        assert talk(session, b"COPY", source, b"copy:" + source) == b":1\r\n"
    talk(session, b"RPUSH copy:l c")
    talk(session, b"SETRANGE copy:raw 0 xyz")
    assert talk(session, b"LLEN l") == b":2\r\n"
    assert talk(session, b"GET raw") == b"$6\r\nabcdef\r\n"
    assert talk(session, b"GET copy:raw") == b"$6\r\nxyzdef\r\n"
    assert talk(session, b"OBJECT ENCODING copy:raw") == b"$3\r\nraw\r\n"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (b"s s", SAME_OBJECT),
        (b"s s REPLACE", SAME_OBJECT),
        (b"missing missing", SAME_OBJECT),
        (b"s s DB 1 DB 0", SAME_OBJECT),
        (b"s s DB 16", WRONG_DB),
        (b"missing u DB -1", WRONG_DB),
        (b"s u DB 2147483648", NOT_32_BITS),
        (b"s u DB a", NOT_AN_INTEGER),
        (b"s u DB", SYNTAX),
        (b"s u JUNK", SYNTAX),
        (b"s u DB 1 JUNK", SYNTAX),
        (b"s u DB 16 JUNK", WRONG_DB),
    ],
)
def test_copy_refuses_bad_arguments(session: Session, arguments: bytes, error: bytes) -> None:
    assert talk(session, b"COPY " + arguments) == error


# Looking inside


@pytest.mark.parametrize(
    ("words", "reply"),
    [
        (b"ENCODING s", b"$6\r\nembstr\r\n"),
        (b"ENCODING t", b"$3\r\nint\r\n"),
        (b"ENCODING l", b"$9\r\nquicklist\r\n"),
        (b"REFCOUNT s", b":1\r\n"),
        (b"REFCOUNT t", b":2147483647\r\n"),
        (b"IDLETIME s", b":0\r\n"),
        (b"encoding missing", b"$-1\r\n"),
        (b"refcount missing", b"$-1\r\n"),
        (b"idletime missing", b"$-1\r\n"),
        (b"freq missing", b"$-1\r\n"),
        (b"ENCODING", b"-ERR wrong number of arguments for 'object|encoding' command\r\n"),
        (b"FREQ s t", b"-ERR wrong number of arguments for 'object|freq' command\r\n"),
        (b"JUNK s", b"-ERR unknown subcommand 'JUNK'. Try OBJECT HELP.\r\n"),
    ],
)
def test_object(session: Session, words: bytes, reply: bytes) -> None:
    assert talk(session, b"OBJECT " + words) == reply


def test_object_answers_by_eviction_policy(session: Session) -> None:
    reply = talk(session, b"OBJECT FREQ s")
    assert reply.startswith(b"-ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please")
    assert talk(session, b"CONFIG SET maxmemory-policy volatile-lfu") == b"+OK\r\n"
    assert talk(session, b"OBJECT FREQ s") == b":5\r\n"
    reply = talk(session, b"OBJECT IDLETIME s")
    assert reply.startswith(b"-ERR An LFU maxmemory policy is selected, idle time not tracked. Please")


def test_object_tells_of_use_where_the_policy_lets_it_be_noted(session: Session) -> None:
    session.engine.config.enable_debug_command = "yes"
    assert talk(session, b"OBJECT IDLETIME s") == b":0\r\n"
    talk(session, b"CONFIG SET maxmemory-policy allkeys-lru")
    pass_time(session.engine, 70)
    for looking in (b"OBJECT IDLETIME s", b"EXISTS s", b"TYPE s", b"TTL s", b"SCAN 0 TYPE string", b"MEMORY USAGE s"):
        talk(session, looking)
    assert talk(session, b"OBJECT IDLETIME s") == b":70\r\n"
    assert b"lru_seconds_idle:70\r\n" in talk(session, b"DEBUG OBJECT s")
    assert talk(session, b"TOUCH s") == b":1\r\n"
    assert talk(session, b"OBJECT IDLETIME s") == b":0\r\n"
    talk(session, b"CONFIG SET maxmemory-policy volatile-lfu lfu-log-factor 0")
    for _ in range(3):
        talk(session, b"GET s")
    assert talk(session, b"OBJECT FREQ s") == b":8\r\n"
    pass_time(session.engine, 120)
    assert talk(session, b"OBJECT FREQ s") == b":6\r\n"


def test_a_key_takes_its_use_with_it(session: Session) -> None:
    talk(session, b"CONFIG SET maxmemory-policy allkeys-lfu lfu-log-factor 0")
    for line in (b"TOUCH s", b"RENAME s renamed", b"MOVE renamed 1", b"SELECT 1"):
        talk(session, line)
    assert talk(session, b"OBJECT FREQ renamed") == b":8\r\n"  # 5 to begin with, TOUCH, RENAME and MOVE


def test_object_help(session: Session) -> None:
    reply = talk(session, b"OBJECT HELP")
    for line in (b"ENCODING <key>", b"FREQ <key>", b"IDLETIME <key>", b"REFCOUNT <key>", b"HELP"):
        assert b"\r\n+%b\r\n" % line in reply
