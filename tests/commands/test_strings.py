"""String commands; every text as redis-server 7.0.15 sends it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from tests.talk import NOT_AN_INTEGER, NULL, OK, SYNTAX, WRONG_TYPE, array, bulk, make_engine, pass_time, talk

NOT_A_FLOAT = b"-ERR value is not a valid float\r\n"
TOO_LONG = b"-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n"
OFFSET = b"-ERR offset is out of range\r\n"
OVERFLOW = b"-ERR increment or decrement would overflow\r\n"
NOT_STRINGS = b"-ERR The specified keys must contain string values\r\n"

MAX = 2**63 - 1
MIN = -(2**63)
NOW = 1_700_000_000  # where the clock of tests stands, in seconds


def invalid_expire(name: bytes) -> bytes:
    return b"-ERR invalid expire time in '%b' command\r\n" % name


def ttl(session: Session, key: bytes = b"k") -> int:
    """Seconds to live, -1 for ever, -2 if the key is not there."""
    return int(talk(session, b"TTL", key)[1:])


@pytest.fixture(autouse=True)
def data(session: Session) -> None:
    """A string with a time to live, one without, and a list."""
    talk(session, b"SET k old EX 100")
    talk(session, b"SET s text")
    talk(session, b"RPUSH l a")


# Reading


def test_get(session: Session) -> None:
    assert talk(session, b"GET k") == bulk(b"old")
    assert talk(session, b"GET missing") == NULL
    assert talk(session, b"GET l") == WRONG_TYPE


@pytest.mark.parametrize("text", [b"", b"\x00\r\n\xff", b"*1\r\n$4\r\nPING\r\n", b"x" * 100_000])
def test_strings_are_bytes(session: Session, text: bytes) -> None:
    assert talk(session, b"SET", text, text) == OK
    assert talk(session, b"GET", text) == bulk(text)
    assert talk(session, b"STRLEN", text) == b":%d\r\n" % len(text)


def test_a_string_whose_time_is_over_is_gone(session: Session, engine: Engine) -> None:
    engine.active_expiry = False
    pass_time(engine, 99.999)
    assert talk(session, b"GET k") == bulk(b"old")
    pass_time(engine, 0.001)
    assert talk(session, b"GET k") == NULL
    assert engine.keyspace.expired == 1


def test_mget_gives_null_for_what_is_no_string(session: Session) -> None:
    talk(session, b"APPEND s ure")
    assert talk(session, b"MGET k missing l s k") == b"*5\r\n" + b"".join(
        (bulk(b"old"), NULL, NULL, bulk(b"texture"), bulk(b"old"))
    )


def test_strlen(session: Session) -> None:
    assert talk(session, b"STRLEN s") == b":4\r\n"
    talk(session, b"APPEND s ure")
    assert talk(session, b"STRLEN s") == b":7\r\n"
    assert talk(session, b"STRLEN missing") == b":0\r\n"
    assert talk(session, b"STRLEN l") == WRONG_TYPE


@pytest.mark.parametrize("name", [b"GETRANGE", b"SUBSTR"])
@pytest.mark.parametrize(
    ("start", "end", "part"),
    [
        (0, -1, b"This is a string"),
        (0, 3, b"This"),
        (-6, -1, b"string"),
        (-100, 3, b"This"),
        (10, 100, b"string"),
        (15, 15, b"g"),
        (16, 20, b""),
        (3, 2, b""),
        (-1, -5, b""),
        (-100, -200, b""),
        (0, -100, b"T"),  # both ends are moved to the first byte
        (-200, -100, b"T"),
        (0, MAX, b"This is a string"),
        (MIN, MAX, b"This is a string"),
        (MAX, MAX, b""),
        (MIN, MIN, b"T"),
    ],
)
def test_getrange(session: Session, name: bytes, start: int, end: int, part: bytes) -> None:
    talk(session, b"SET", b"s", b"This is a string")
    assert talk(session, b"%b s %d %d" % (name, start, end)) == bulk(part)
    talk(session, b"SET", b"s", b"This is a")
    talk(session, b"APPEND", b"s", b" string")
    assert talk(session, b"%b s %d %d" % (name, start, end)) == bulk(part)


@pytest.mark.parametrize("name", [b"GETRANGE", b"SUBSTR"])
def test_getrange_reads_its_numbers_first(session: Session, name: bytes) -> None:
    assert talk(session, name + b" missing 0 -1") == bulk(b"")
    assert talk(session, name + b" l x 1") == NOT_AN_INTEGER
    assert talk(session, name + b" missing 0 1.5") == NOT_AN_INTEGER
    assert talk(session, b"%b s 0 %d" % (name, 2**63)) == NOT_AN_INTEGER
    assert talk(session, name + b" l 0 1") == WRONG_TYPE


# SET


def test_set_replaces_whatever_there_was(session: Session) -> None:
    for key in (b"new", b"k", b"l"):
        assert talk(session, b"SET", key, b"v") == OK
        assert talk(session, b"GET", key) == bulk(b"v")
        assert ttl(session, key) == -1


@pytest.mark.parametrize(
    ("options", "reply", "value"),
    [
        (b"NX", NULL, b"old"),
        (b"XX", OK, b"v"),
        (b"xx Xx", OK, b"v"),
        (b"GET", bulk(b"old"), b"v"),
        (b"GET get", bulk(b"old"), b"v"),
        (b"NX GET", bulk(b"old"), b"old"),
        (b"GET XX", bulk(b"old"), b"v"),
        (b"NX XX", SYNTAX, b"old"),
        (b"XX GET NX", SYNTAX, b"old"),
        (b"junk", SYNTAX, b"old"),
    ],
)
def test_conditions_where_there_is_a_string(session: Session, options: bytes, reply: bytes, value: bytes) -> None:
    assert talk(session, b"SET k v " + options) == reply
    assert talk(session, b"GET k") == bulk(value)
    assert ttl(session) == (100 if value == b"old" else -1)


@pytest.mark.parametrize(
    ("options", "reply", "is_set"),
    [(b"NX", OK, True), (b"XX", NULL, False), (b"GET", NULL, True), (b"NX GET", NULL, True), (b"XX GET", NULL, False)],
)
def test_conditions_where_there_is_nothing(session: Session, options: bytes, reply: bytes, is_set: bool) -> None:
    assert talk(session, b"SET new v " + options) == reply
    assert talk(session, b"EXISTS new") == b":%d\r\n" % is_set


@pytest.mark.parametrize(
    ("options", "reply"),
    [(b"NX", NULL), (b"NX GET", WRONG_TYPE), (b"XX GET", WRONG_TYPE), (b"GET", WRONG_TYPE), (b"GET junk", SYNTAX)],
)
def test_set_that_fails_on_a_list_leaves_it(session: Session, options: bytes, reply: bytes) -> None:
    assert talk(session, b"SET l v " + options) == reply
    assert talk(session, b"LRANGE l 0 -1") == array(b"a")


@pytest.mark.parametrize(
    ("options", "ms"),
    [
        (b"EX 50", 50_000),
        (b"px 1500", 1500),
        (b"EXAT %d" % (NOW + 7), 7000),
        (b"PXAT %d" % (NOW * 1000 + 7), 7),
        (b"KEEPTTL", 100_000),
        (b"XX EX 50 GET", 50_000),
        (b"EX 0 EX 50", 50_000),  # the same again: only the last one counts
        (b"PXAT 1 PXAT %d" % (NOW * 1000 + 7), 7),
        (b"KEEPTTL keepttl", 100_000),
    ],
)
def test_set_with_a_time_to_live(session: Session, options: bytes, ms: int) -> None:
    assert talk(session, b"SET k v " + options) in (OK, bulk(b"old"))
    assert talk(session, b"GET k") == bulk(b"v")
    assert talk(session, b"PTTL k") == b":%d\r\n" % ms


@pytest.mark.parametrize("unit", [b"EX", b"PX", b"EXAT", b"PXAT"])
@pytest.mark.parametrize(
    ("amount", "reply"),
    [
        (b"0", invalid_expire(b"set")),
        (b"-1", invalid_expire(b"set")),
        (b"%d" % MIN, invalid_expire(b"set")),
        (b"", NOT_AN_INTEGER),
        (b"x", NOT_AN_INTEGER),
        (b"1.5", NOT_AN_INTEGER),
        (b"+1", NOT_AN_INTEGER),
        (b"%d" % (MAX + 1), NOT_AN_INTEGER),
    ],
)
def test_no_time_to_live(session: Session, unit: bytes, amount: bytes, reply: bytes) -> None:
    assert talk(session, b"SET", b"k", b"v", unit, amount) == reply
    assert talk(session, b"SET", b"l", b"v", b"GET", b"NX", unit, amount) == reply  # before the list is seen
    assert talk(session, b"GETEX", b"k", unit, amount) == reply.replace(b"'set'", b"'getex'")
    assert talk(session, b"GET k") == bulk(b"old")
    assert ttl(session) == 100


@pytest.mark.parametrize(
    "options",
    [
        b"EX",
        b"NX PX",
        b"EX 10 PX 10",
        b"EXAT 10 EX 10",
        b"KEEPTTL EX 10",
        b"EX 10 KEEPTTL",
        b"PERSIST",
        b"EX NX",
        b"EX 0 junk",
        b"EX x junk",
    ],
)
def test_set_options_that_make_no_sense(session: Session, options: bytes) -> None:
    assert talk(session, b"SET k v " + options) in (SYNTAX, NOT_AN_INTEGER)
    assert talk(session, b"GET k") == bulk(b"old")


def test_times_end_with_64_bits_of_milliseconds(session: Session) -> None:
    assert talk(session, b"SET k v PXAT %d" % MAX) == OK
    assert talk(session, b"PEXPIRETIME k") == b":%d\r\n" % MAX
    assert talk(session, b"SET k v PX %d" % MAX) == invalid_expire(b"set")
    assert talk(session, b"SET k v PX %d" % (MAX - NOW * 1000)) == OK
    assert talk(session, b"SET k v EXAT %d" % (MAX // 1000)) == OK
    assert talk(session, b"SET k v EXAT %d" % (MAX // 1000 + 1)) == invalid_expire(b"set")
    assert talk(session, b"SETEX k %d v" % (MAX // 1000)) == invalid_expire(b"setex")
    assert talk(session, b"PSETEX k %d v" % MAX) == invalid_expire(b"psetex")


@pytest.mark.parametrize("options", [b"EXAT 1", b"PXAT %d" % (NOW * 1000), b"XX GET EXAT 1"])
def test_set_with_a_time_that_is_past_is_gone_at_the_next_look(
    session: Session, engine: Engine, options: bytes
) -> None:
    talk(session, b"SET k v " + options)
    assert talk(session, b"DBSIZE") == b":3\r\n"
    assert talk(session, b"GET k") == NULL
    assert talk(session, b"DBSIZE") == b":2\r\n"
    assert engine.keyspace.expired == 1


@pytest.mark.parametrize(("name", "ms"), [(b"SETEX", 50_000), (b"PSETEX", 50)])
def test_setex(session: Session, name: bytes, ms: int) -> None:
    assert talk(session, name + b" l 50 v") == OK
    assert talk(session, b"GET l") == bulk(b"v")
    assert talk(session, b"PTTL l") == b":%d\r\n" % ms
    assert talk(session, name + b" l 0 w") == invalid_expire(name.lower())
    assert talk(session, name + b" l -1 w") == invalid_expire(name.lower())
    assert talk(session, name + b" l x w") == NOT_AN_INTEGER
    assert talk(session, b"GET l") == bulk(b"v")


def test_setnx(session: Session, engine: Engine) -> None:
    assert talk(session, b"SETNX k v") == b":0\r\n"
    assert talk(session, b"SETNX l v") == b":0\r\n"
    assert talk(session, b"SETNX new v") == b":1\r\n"
    assert talk(session, b"MGET k new") == array(b"old", b"v")
    engine.active_expiry = False
    pass_time(engine, 100)
    assert talk(session, b"SETNX k v") == b":1\r\n"
    assert ttl(session) == -1


# Several keys


def test_mset(session: Session) -> None:
    assert talk(session, b"MSET a 1 k 2 l 3 a 4") == OK
    assert talk(session, b"MGET a k l") == array(b"4", b"2", b"3")
    assert ttl(session) == -1


def test_msetnx_sets_all_or_nothing(session: Session) -> None:
    assert talk(session, b"MSETNX a 1 b 2 a 3") == b":1\r\n"
    assert talk(session, b"MSETNX c 1 l 2") == b":0\r\n"
    assert talk(session, b"MGET a b c") == b"*3\r\n" + bulk(b"3") + bulk(b"2") + NULL


@pytest.mark.parametrize("name", [b"mset", b"msetnx"])
@pytest.mark.parametrize("rest", [b"", b" a", b" a 1 b", b" a 1 b 2 c"])
def test_a_key_needs_a_value(session: Session, name: bytes, rest: bytes) -> None:
    assert talk(session, name + rest) == b"-ERR wrong number of arguments for '%b' command\r\n" % name
    assert talk(session, b"EXISTS a") == b":0\r\n"


# Reading and changing


def test_getset(session: Session) -> None:
    assert talk(session, b"GETSET k new") == bulk(b"old")
    assert ttl(session) == -1
    assert talk(session, b"GETSET fresh v") == NULL
    assert talk(session, b"GETSET l v") == WRONG_TYPE
    assert talk(session, b"MGET k fresh l") == b"*3\r\n" + bulk(b"new") + bulk(b"v") + NULL


def test_getdel(session: Session) -> None:
    assert talk(session, b"GETDEL k") == bulk(b"old")
    assert talk(session, b"GETDEL k") == NULL
    assert talk(session, b"GETDEL l") == WRONG_TYPE
    assert talk(session, b"EXISTS k l") == b":1\r\n"


@pytest.mark.parametrize(
    ("options", "ms"),
    [
        (b"", 100_000),
        (b" EX 50", 50_000),
        (b" px 50", 50),
        (b" EXAT %d" % (NOW + 7), 7000),
        (b" PXAT %d" % (NOW * 1000 + 7), 7),
        (b" PERSIST", -1),
        (b" PERSIST persist", -1),
        (b" EX 0 EX 50", 50_000),
        (b" EXAT 1", -2),
        (b" PXAT %d" % (NOW * 1000), -2),
    ],
)
def test_getex(session: Session, options: bytes, ms: int) -> None:
    assert talk(session, b"GETEX k" + options) == bulk(b"old")
    assert talk(session, b"PTTL k") == b":%d\r\n" % ms


@pytest.mark.parametrize("key", [b"k", b"l", b"missing"])
@pytest.mark.parametrize(
    "options",
    [b"EX", b"junk", b"KEEPTTL", b"NX", b"EX 10 PX 10", b"PERSIST EX 10", b"EX 10 PERSIST", b"EX 10 junk", b"PXAT"],
)
def test_getex_options_that_make_no_sense(session: Session, key: bytes, options: bytes) -> None:
    assert talk(session, b"GETEX " + key + b" " + options) == SYNTAX


def test_getex_looks_at_the_key_before_it_reads_the_time(session: Session) -> None:
    assert talk(session, b"GETEX missing EX x") == NULL
    assert talk(session, b"GETEX l EX x") == WRONG_TYPE


# Changing in place


def test_append(session: Session) -> None:
    assert talk(session, b"APPEND k er") == b":5\r\n"
    assert talk(session, b"APPEND", b"k", b"") == b":5\r\n"
    assert talk(session, b"GET k") == bulk(b"older")
    assert ttl(session) == 100
    assert talk(session, b"APPEND", b"new", b"") == b":0\r\n"
    assert talk(session, b"GET new") == bulk(b"")
    assert talk(session, b"APPEND l x") == WRONG_TYPE


@pytest.mark.parametrize(
    ("offset", "value", "result"),
    [
        (0, b"", b"text"),
        (100, b"", b"text"),
        (0, b"T", b"Text"),
        (3, b"ture", b"texture"),
        (4, b"ure", b"texture"),
        (6, b"!", b"text\0\0!"),
        (0, b"\xff" * 10, b"\xff" * 10),
    ],
)
def test_setrange(session: Session, offset: int, value: bytes, result: bytes) -> None:
    talk(session, b"EXPIRE s 100")
    assert talk(session, b"SETRANGE", b"s", b"%d" % offset, value) == b":%d\r\n" % len(result)
    assert talk(session, b"GET s") == bulk(result)
    assert ttl(session, b"s") == 100


def test_setrange_makes_a_string_only_of_something(session: Session) -> None:
    assert talk(session, b"SETRANGE", b"new", b"5", b"") == b":0\r\n"
    assert talk(session, b"EXISTS new") == b":0\r\n"
    assert talk(session, b"SETRANGE new 2 x") == b":3\r\n"
    assert talk(session, b"GET new") == bulk(b"\0\0x")
    talk(session, b"SET", b"empty", b"")
    assert talk(session, b"SETRANGE empty 2 x") == b":3\r\n"


def test_setrange_reads_its_offset_first(session: Session) -> None:
    assert talk(session, b"SETRANGE l x v") == NOT_AN_INTEGER
    assert talk(session, b"SETRANGE l -1 v") == OFFSET
    assert talk(session, b"SETRANGE missing %d v" % MIN) == OFFSET
    assert talk(session, b"SETRANGE", b"l", b"0", b"") == WRONG_TYPE
    assert talk(session, b"SETRANGE l %d v" % MAX) == WRONG_TYPE


def test_no_string_grows_longer_than_a_client_may_send_one() -> None:
    session = Session(make_engine(proto_max_bulk_len=20))
    talk(session, b"SET k v")
    for key in (b"k", b"new"):
        assert talk(session, b"SETRANGE", key, b"%d" % MAX, b"x") == TOO_LONG
        assert talk(session, b"SETRANGE", key, b"19", b"xy") == TOO_LONG
        assert talk(session, b"SETRANGE", key, b"19", b"x") == b":20\r\n"
        assert talk(session, b"SETRANGE", key, b"20", b"") == b":20\r\n"
        assert talk(session, b"APPEND", key, b"") == b":20\r\n"
        assert talk(session, b"APPEND", key, b"x") == TOO_LONG


# Numbers


def test_counting(session: Session) -> None:
    assert talk(session, b"INCR n") == b":1\r\n"
    assert talk(session, b"INCRBY n 10") == b":11\r\n"
    assert talk(session, b"DECR n") == b":10\r\n"
    assert talk(session, b"DECRBY n 30") == b":-20\r\n"
    assert talk(session, b"INCRBY n -5000") == b":-5020\r\n"
    assert talk(session, b"DECRBY n -6000") == b":980\r\n"
    assert talk(session, b"GET n") == bulk(b"980")
    talk(session, b"EXPIRE n 100")
    assert talk(session, b"INCR n") == b":981\r\n"
    assert ttl(session, b"n") == 100


def test_a_count_starts_anew_when_its_time_is_over(session: Session, engine: Engine) -> None:
    engine.active_expiry = False
    talk(session, b"SET k 7 EX 5")
    assert talk(session, b"INCR k") == b":8\r\n"
    pass_time(engine, 5)
    assert talk(session, b"INCR k") == b":1\r\n"
    assert ttl(session) == -1


def test_a_string_that_was_changed_in_place_counts_on(session: Session) -> None:
    talk(session, b"SET n 1")
    talk(session, b"APPEND n 2")
    assert talk(session, b"INCR n") == b":13\r\n"
    talk(session, b"SETRANGE n 0 9")
    assert talk(session, b"DECR n") == b":92\r\n"


@pytest.mark.parametrize(
    ("command", "reply", "after"),
    [
        (b"GET n", bulk(b"1234"), b"1234"),
        (b"MGET n n", array(b"1234", b"1234"), b"1234"),
        (b"STRLEN n", b":4\r\n", b"1234"),
        (b"GETRANGE n 1 -2", bulk(b"23"), b"1234"),
        (b"LCS n n LEN", b":4\r\n", b"1234"),
        (b"GETEX n PERSIST", bulk(b"1234"), b"1234"),
        (b"SETNX n 1", b":0\r\n", b"1234"),
        (b"RPUSH n a", WRONG_TYPE, b"1234"),
        (b"TYPE n", b"+string\r\n", b"1234"),
        (b"RENAME n n", OK, b"1234"),
        (b"COPY n s REPLACE", b":1\r\n", b"1234"),
        (b"SET n 5 XX GET", bulk(b"1234"), b"5"),
        (b"GETSET n 5", bulk(b"1234"), b"5"),
        (b"APPEND n 5", b":5\r\n", b"12345"),
        (b"SETRANGE n 1 x", b":4\r\n", b"1x34"),
        (b"INCRBYFLOAT n 0.5", bulk(b"1234.5"), b"1234.5"),
        (b"DECRBY n 1300", b":-66\r\n", b"-66"),
        (b"GETDEL n", bulk(b"1234"), None),
    ],
)
def test_what_was_counted_is_a_string(session: Session, command: bytes, reply: bytes, after: bytes | None) -> None:
    talk(session, b"INCRBY n 1000")
    talk(session, b"INCRBY n 234")
    assert talk(session, command) == reply
    assert talk(session, b"GET n") == (NULL if after is None else bulk(after))


def test_a_count_of_zero_is_there(session: Session) -> None:
    assert talk(session, b"INCRBY zero 0") == b":0\r\n"
    assert talk(session, b"EXISTS zero") == b":1\r\n"
    assert talk(session, b"MGET zero") == array(b"0")
    assert talk(session, b"GETRANGE zero 0 -1") == bulk(b"0")
    assert talk(session, b"SET zero 1 NX GET") == bulk(b"0")
    assert talk(session, b"COPY zero copy") == b":1\r\n"
    assert talk(session, b"GETDEL copy") == bulk(b"0")


@pytest.mark.parametrize(
    ("value", "command", "reply"),
    [
        (MAX - 1, b"INCR", MAX),
        (MAX, b"INCR", None),
        (MAX, b"INCRBY 1", None),
        (MAX, b"DECRBY -1", None),
        (1, b"INCRBY %d" % MAX, None),
        (-1, b"INCRBY %d" % MAX, MAX - 1),
        (0, b"INCRBY %d" % MIN, MIN),
        (MIN + 1, b"DECR", MIN),
        (MIN, b"DECR", None),
        (MIN, b"INCRBY -1", None),
        (-2, b"DECRBY %d" % MAX, None),
        (-1, b"DECRBY %d" % MAX, MIN),
        (MIN, b"INCRBY %d" % MAX, -1),
        (10**18 - 1, b"INCR", 10**18),
        (-(10**18), b"DECR", -(10**18) - 1),
    ],
)
def test_counting_ends_with_64_bits(session: Session, value: int, command: bytes, reply: int | None) -> None:
    name, *amount = command.split()
    talk(session, b"SET", b"n", b"%d" % value)
    assert talk(session, name, b"n", *amount) == (OVERFLOW if reply is None else b":%d\r\n" % reply)
    assert talk(session, b"GET n") == bulk(b"%d" % (value if reply is None else reply))


NO_INTEGERS = [b"", b" 1", b"1 ", b"+1", b"01", b"00", b"-0", b"-01", b"-", b"1.0", b"1e3", b"0x10", b"a", b"1\0"]
NO_INTEGERS += [b"%d" % (MAX + 1), b"%d" % (MIN - 1), b"9" * 30, b"1_000", "\u0661".encode()]


@pytest.mark.parametrize("text", NO_INTEGERS)
def test_only_canonical_integers_count(session: Session, text: bytes) -> None:
    talk(session, b"SET", b"n", text)
    assert talk(session, b"INCR n") == NOT_AN_INTEGER
    assert talk(session, b"DECRBY n 5") == NOT_AN_INTEGER
    assert talk(session, b"GET n") == bulk(text)
    assert talk(session, b"INCRBY", b"fresh", text) == NOT_AN_INTEGER
    assert talk(session, b"DECRBY", b"fresh", text) == NOT_AN_INTEGER
    assert talk(session, b"EXISTS fresh") == b":0\r\n"


def test_the_amount_is_read_before_the_key(session: Session) -> None:
    assert talk(session, b"INCRBY l x") == NOT_AN_INTEGER
    assert talk(session, b"DECRBY l %d" % MIN) == b"-ERR decrement would overflow\r\n"
    for command in (b"INCR l", b"DECR l", b"INCRBY l 1", b"DECRBY l 1", b"INCRBYFLOAT l x", b"INCRBYFLOAT l 1"):
        assert talk(session, command) == WRONG_TYPE


@given(value=st.integers(MIN, MAX), amount=st.integers(MIN, MAX))
def test_counting_is_addition(value: int, amount: int) -> None:
    session = Session(make_engine())
    talk(session, b"SET n %d" % value)
    total = value + amount
    assert talk(session, b"INCRBY n %d" % amount) == (b":%d\r\n" % total if MIN <= total <= MAX else OVERFLOW)


def test_incrbyfloat(session: Session) -> None:
    """How long doubles are read, added and printed is shown in tests/test_numbers.py."""
    assert talk(session, b"INCRBYFLOAT f 10.50") == bulk(b"10.5")
    assert talk(session, b"INCRBYFLOAT f 0.1") == bulk(b"10.6")
    assert talk(session, b"INCRBYFLOAT f -5.6e0") == bulk(b"5")
    talk(session, b"EXPIRE f 100")
    assert talk(session, b"INCRBYFLOAT f 3") == bulk(b"8")
    assert ttl(session, b"f") == 100
    assert talk(session, b"GET f") == bulk(b"8")
    assert talk(session, b"INCR f") == b":9\r\n"
    talk(session, b"HELLO 3")
    assert talk(session, b"INCRBYFLOAT f 0.5") == bulk(b"9.5")  # a string in both protocols


@pytest.mark.parametrize(
    ("value", "amount", "reply"),
    [
        (b"1", b"x", NOT_A_FLOAT),
        (b"1", b"", NOT_A_FLOAT),
        (b"1", b" 1", NOT_A_FLOAT),
        (b"1", b"nan", NOT_A_FLOAT),
        (b"x", b"1", NOT_A_FLOAT),
        (b"", b"1", NOT_A_FLOAT),
        (b"1", b"inf", b"-ERR increment would produce NaN or Infinity\r\n"),
        (b"inf", b"-inf", b"-ERR increment would produce NaN or Infinity\r\n"),
    ],
)
def test_incrbyfloat_refuses(session: Session, value: bytes, amount: bytes, reply: bytes) -> None:
    talk(session, b"SET", b"f", value)
    assert talk(session, b"INCRBYFLOAT", b"f", amount) == reply
    assert talk(session, b"GET f") == bulk(value)


# LCS


@pytest.fixture
def texts(session: Session) -> None:
    talk(session, b"MSET a ohmytext b mynewtext")


@pytest.mark.usefixtures("texts")
def test_lcs(session: Session) -> None:
    assert talk(session, b"LCS a b") == bulk(b"mytext")
    assert talk(session, b"LCS a b LEN len") == b":6\r\n"
    assert talk(session, b"LCS a b LEN MINMATCHLEN 5 WITHMATCHLEN") == b":6\r\n"
    assert talk(session, b"LCS a missing") == bulk(b"")
    assert talk(session, b"LCS missing missing LEN") == b":0\r\n"
    assert talk(session, b"LCS a missing IDX") == b"*4\r\n" + bulk(b"matches") + b"*0\r\n" + bulk(b"len") + b":0\r\n"


@pytest.mark.usefixtures("texts")
@pytest.mark.parametrize(
    ("options", "rows"),
    [
        (b"IDX", [[(4, 7), (5, 8)], [(2, 3), (0, 1)]]),
        (b"IDX MINMATCHLEN -1", [[(4, 7), (5, 8)], [(2, 3), (0, 1)]]),
        (b"idx minmatchlen 3", [[(4, 7), (5, 8)]]),
        (b"IDX MINMATCHLEN 3 WITHMATCHLEN", [[(4, 7), (5, 8), 4]]),
        (b"WITHMATCHLEN IDX", [[(4, 7), (5, 8), 4], [(2, 3), (0, 1), 2]]),
        (b"IDX MINMATCHLEN 1 MINMATCHLEN 5", []),
    ],
)
@pytest.mark.parametrize("protocol", [2, 3])
def test_lcs_idx(session: Session, options: bytes, rows: list[list[tuple[int, int] | int]], protocol: int) -> None:
    talk(session, b"HELLO %d" % protocol)
    matches = b"*%d\r\n" % len(rows)
    for row in rows:
        matches += b"*%d\r\n" % len(row)
        for item in row:
            matches += b":%d\r\n" % item if isinstance(item, int) else b"*2\r\n:%d\r\n:%d\r\n" % item
    head = b"%2\r\n" if protocol == 3 else b"*4\r\n"
    assert talk(session, b"LCS a b " + options) == head + bulk(b"matches") + matches + bulk(b"len") + b":6\r\n"


@pytest.mark.usefixtures("texts")
@pytest.mark.parametrize(
    ("command", "reply"),
    [
        (b"LCS a b LEN IDX", b"-ERR If you want both the length and indexes, please just use IDX.\r\n"),
        (b"LCS a b IDX LEN junk", SYNTAX),
        (b"LCS a b MINMATCHLEN", SYNTAX),
        (b"LCS a b MINMATCHLEN x junk", NOT_AN_INTEGER),
        (b"LCS a l junk", NOT_STRINGS),
        (b"LCS l missing", NOT_STRINGS),
    ],
)
def test_lcs_refuses(session: Session, command: bytes, reply: bytes) -> None:
    assert talk(session, command) == reply


def test_lcs_is_for_strings_whose_table_redis_could_hold() -> None:
    session = Session(make_engine(proto_max_bulk_len=400))
    talk(session, b"MSET", b"a", b"x" * 9, b"b", b"y" * 9, b"c", b"y" * 10)
    assert talk(session, b"LCS a b") == bulk(b"")
    assert talk(session, b"LCS a c LEN") == (
        b"-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len\r\n"
    )


# What others see of it


@pytest.mark.parametrize(
    ("command", "encoding"),
    [
        (b"SET s 12", b"int"),
        (b"SET s -%d" % MAX, b"int"),
        (b"SET s 012", b"embstr"),
        (b"SET s %d" % (MAX + 1), b"embstr"),
        (b"SET s " + b"x" * 44, b"embstr"),
        (b"SET s " + b"x" * 45, b"raw"),
        (b"MSET s 12", b"int"),
        (b"GETSET s 12", b"int"),
        (b"SETEX s 10 12", b"int"),
        (b"INCR new", b"int"),
        (b"APPEND s x", b"raw"),
        (b"APPEND new 12", b"int"),
        (b"APPEND new x", b"embstr"),
        (b"SETRANGE s 0 x", b"raw"),
        (b"SETRANGE new 0 12", b"raw"),
        (b"INCRBYFLOAT new 1.5", b"embstr"),
    ],
)
def test_encodings(session: Session, command: bytes, encoding: bytes) -> None:
    talk(session, command)
    assert talk(session, b"OBJECT", b"ENCODING", command.split()[1]) == bulk(encoding)


def test_no_change_no_other_encoding(session: Session) -> None:
    talk(session, b"SET n 12")
    talk(session, b"SETRANGE", b"n", b"0", b"")
    assert talk(session, b"OBJECT ENCODING n") == bulk(b"int")
    talk(session, b"APPEND", b"n", b"")
    assert talk(session, b"OBJECT ENCODING n") == bulk(b"raw")


def test_counting_makes_an_integer_of_a_raw_string(session: Session) -> None:
    talk(session, b"APPEND n 1")
    talk(session, b"APPEND n 2")
    assert talk(session, b"OBJECT ENCODING n") == bulk(b"raw")
    talk(session, b"INCR n")
    assert talk(session, b"OBJECT ENCODING n") == bulk(b"int")


@pytest.mark.parametrize(
    "command",
    [
        b"SET k old",
        b"SET k v KEEPTTL",
        b"SET k v XX GET",
        b"SETEX k 10 v",
        b"GETSET k old",
        b"GETDEL k",
        b"GETEX k EX 100",
        b"GETEX k EXAT 1",
        b"GETEX k PERSIST",
        b"MSET a 1 k old",
        b"SETNX new v",
        b"MSETNX a 1 new 2",
        b"APPEND k er",
        b"APPEND new er",
        b"SETRANGE k 0 o",
        b"INCRBY n 0",
        b"INCRBYFLOAT n 0",
    ],
)
def test_a_watched_key_changed(session: Session, engine: Engine, command: bytes) -> None:
    assert is_void_after(session, engine, command)


@pytest.mark.parametrize(
    "command",
    [
        b"GET k",
        b"SET k v NX",
        b"SET new v XX GET",
        b"SET l v GET",
        b"SET k v EX 0",
        b"SETNX k v",
        b"SETEX k 0 v",
        b"MSETNX new 1 k 2",
        b"MSET k 1 l",
        b"GETDEL new",
        b"GETSET l v",
        b"GETEX k",
        b"GETEX s PERSIST",
        b"GETEX k EX 0",
        b"GETEX new EX 10",
        b"INCR k",
        b"INCRBYFLOAT k 1",
        b"INCRBY n %d" % MAX,
        b"APPEND l x",
        b"SETRANGE k -1 x",
        b"LCS k s",
    ],
)
def test_a_watched_key_did_not_change(session: Session, engine: Engine, command: bytes) -> None:
    assert not is_void_after(session, engine, command)


def test_append_of_nothing_is_a_change_and_setrange_of_nothing_is_none(session: Session, engine: Engine) -> None:
    assert is_void_after(session, engine, b"APPEND", b"k", b"")
    assert is_void_after(session, engine, b"APPEND", b"new", b"")
    assert not is_void_after(session, engine, b"SETRANGE", b"k", b"0", b"")
    assert not is_void_after(session, engine, b"SETRANGE", b"missing", b"0", b"")


def is_void_after(session: Session, engine: Engine, *command: bytes) -> bool:
    """Whether the command is a change to who watches all keys."""
    talk(session, b"SET n 5")
    other = Session(engine)
    assert talk(other, b"WATCH k s l n new") == OK
    talk(session, *command)
    talk(other, b"MULTI")
    return talk(other, b"EXEC") == b"*-1\r\n"
