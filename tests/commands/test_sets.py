"""Commands on a set; every text as redis-server 7.0.15 sends it."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from tests.talk import NOT_AN_INTEGER, NULL, SYNTAX, WRONG_TYPE, array, bulk, make_engine, talk

NOT_POSITIVE = b"-ERR value is out of range, must be positive\r\n"


def members(session: Session, key: bytes = b"m") -> set[bytes]:
    """What the set at a key holds, taken from the database itself."""
    value = session.db.get(key) or ()
    assert not isinstance(value, int)
    return {bytes(member) for member in value if isinstance(member, bytes)}


def items(reply: bytes) -> list[bytes]:
    """The bulk strings of an array or a set, none of which has a line end in it."""
    return reply.split(b"\r\n")[2::2]


def encoding(session: Session, key: bytes) -> bytes:
    return talk(session, b"OBJECT ENCODING " + key).split(b"\r\n")[1]


@pytest.fixture(autouse=True)
def data(session: Session) -> None:
    """A set of three, one of numbers, and a string."""
    talk(session, b"SADD m a b c")
    talk(session, b"SADD n 3 1 2")
    talk(session, b"SET s text")


# Changing


def test_sadd_counts_new_members(session: Session) -> None:
    assert talk(session, b"SADD m a") == b":0\r\n"
    assert talk(session, b"SADD m d a e d") == b":2\r\n"
    assert talk(session, b"SADD new x x") == b":1\r\n"
    assert members(session) == {b"a", b"b", b"c", b"d", b"e"}
    assert members(session, b"new") == {b"x"}


def test_a_set_keeps_bytes_as_they_are_and_its_time_to_live(session: Session) -> None:
    talk(session, b"EXPIRE m 100")
    assert talk(session, b"SADD", b"m", b"", b"\x00\r\n", b"01", b"1") == b":4\r\n"
    assert members(session) == {b"a", b"b", b"c", b"", b"\x00\r\n", b"01", b"1"}
    assert talk(session, b"TTL m") == b":100\r\n"


def test_srem_counts_what_was_there(session: Session) -> None:
    assert talk(session, b"SREM m a missing a c") == b":2\r\n"
    assert members(session) == {b"b"}
    assert talk(session, b"SREM missing a") == b":0\r\n"


@pytest.mark.parametrize(
    "request_", [b"SREM x a", b"SPOP x", b"SPOP x 1", b"SPOP x 99", b"SMOVE x m a", b"SMOVE x y a"]
)
def test_an_empty_set_is_no_key(session: Session, request_: bytes) -> None:
    talk(session, b"SADD x a")
    assert not talk(session, request_).startswith(b"-")
    assert talk(session, b"EXISTS x") == b":0\r\n"
    assert talk(session, b"TYPE x") == b"+none\r\n"


def test_smove(session: Session) -> None:
    assert talk(session, b"SMOVE m n a") == b":1\r\n"
    assert talk(session, b"SMOVE m new b") == b":1\r\n"
    assert talk(session, b"SMOVE m n missing") == b":0\r\n"
    assert talk(session, b"SMOVE m m c") == b":1\r\n"
    assert talk(session, b"SMOVE m m missing") == b":0\r\n"
    assert members(session) == {b"c"}
    assert members(session, b"n") == {b"1", b"2", b"3", b"a"}
    assert members(session, b"new") == {b"b"}
    assert talk(session, b"SMOVE missing s a") == b":0\r\n"  # judged before the destination
    for line in (b"SMOVE m s c", b"SMOVE m s missing", b"SMOVE s m c"):
        assert talk(session, line) == WRONG_TYPE
    assert members(session) == {b"c"}


@pytest.mark.parametrize(
    ("request_", "is_change"),
    [
        (b"SADD m a", False),
        (b"SADD m x", True),
        (b"SREM m x", False),
        (b"SREM m a", True),
        (b"SMOVE m m a", False),
        (b"SMOVE m n a", True),
        (b"SMOVE n m 1", True),
        (b"SMOVE dup m a", False),
        (b"SPOP m 0", False),
        (b"SPOP m", True),
        (b"SPOP m 9", True),
        (b"SRANDMEMBER m", False),
        (b"SINTERSTORE m n", True),
        (b"SINTERSTORE m missing", True),
        (b"SUNIONSTORE x m", False),
    ],
)
def test_what_changes_a_watched_key(engine: Engine, session: Session, request_: bytes, is_change: bool) -> None:
    talk(session, b"SADD dup a")
    watcher = Session(engine)
    for line in (b"WATCH m", b"MULTI", b"PING"):
        talk(watcher, line)
    talk(session, request_)
    assert talk(watcher, b"EXEC") == (b"*-1\r\n" if is_change else b"*1\r\n+PONG\r\n")


# Taking by chance


def test_spop_takes_each_member_once(session: Session) -> None:
    taken = [talk(session, b"SPOP m") for _ in range(4)]
    assert sorted(taken[:3]) == [bulk(b"a"), bulk(b"b"), bulk(b"c")]
    assert taken[3] == NULL
    talk(session, b"SADD m a b c d e")
    first = items(talk(session, b"SPOP m 3"))
    assert len(set(first)) == 3
    assert set(first) | members(session) == {b"a", b"b", b"c", b"d", b"e"}
    assert len(members(session)) == 2


def test_spop_of_all_is_in_order_where_the_set_is(session: Session) -> None:
    session.protocol = 3
    assert talk(session, b"SPOP n 9223372036854775807") == b"~3\r\n" + array(b"1", b"2", b"3")[4:]
    talk(session, b"SADD n 3 1 2 x")
    talk(session, b"SREM n x")  # a table still
    assert talk(session, b"SPOP n 3") == b"~3\r\n" + array(b"1", b"2", b"3")[4:]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (b"-1", NOT_POSITIVE),
        (b"x", NOT_POSITIVE),
        (b"9223372036854775808", NOT_POSITIVE),
        (b"1 1", SYNTAX),
        (b"x 1", SYNTAX),
    ],
)
def test_spop_refuses(session: Session, arguments: bytes, error: bytes) -> None:
    for key in (b"m", b"missing", b"s"):
        assert talk(session, b"SPOP " + key + b" " + arguments) == error


@pytest.mark.parametrize(("popped", "is_intset"), [(1, False), (9, False), (10, True), (11, True)])
def test_what_spop_leaves_of_a_table_may_be_an_intset(session: Session, popped: int, is_intset: bool) -> None:
    talk(session, b"SADD t x 1 2 3 4 5 6 7 8 9 10 11 12")
    talk(session, b"SREM t x")
    talk(session, b"SPOP t %d" % popped)
    assert encoding(session, b"t") == (b"intset" if is_intset else b"hashtable")


# Looking


def test_looking_at_members(session: Session) -> None:
    assert talk(session, b"SCARD m") == b":3\r\n"
    assert talk(session, b"SISMEMBER m a") == b":1\r\n"
    assert talk(session, b"SISMEMBER m x") == b":0\r\n"
    assert talk(session, b"SMISMEMBER m x a a") == b"*3\r\n:0\r\n:1\r\n:1\r\n"
    assert sorted(items(talk(session, b"SMEMBERS m"))) == [b"a", b"b", b"c"]


def test_numbers_are_in_order(session: Session) -> None:
    talk(session, b"SADD n -5 10")
    assert talk(session, b"SMEMBERS n") == array(b"-5", b"1", b"2", b"3", b"10")
    assert talk(session, b"SSCAN n 0 COUNT 1") == b"*2\r\n$1\r\n0\r\n" + array(b"-5", b"1", b"2", b"3", b"10")
    assert talk(session, b"SRANDMEMBER n 9") == array(b"-5", b"1", b"2", b"3", b"10")
    session.protocol = 3
    assert talk(session, b"SMEMBERS n") == b"~5" + array(b"-5", b"1", b"2", b"3", b"10")[2:]


@pytest.mark.parametrize(
    ("request_", "reply"),
    [
        (b"SCARD x", b":0\r\n"),
        (b"SISMEMBER x a", b":0\r\n"),
        (b"SMISMEMBER x a b", b"*2\r\n:0\r\n:0\r\n"),
        (b"SMEMBERS x", b"*0\r\n"),
        (b"SSCAN x 0 JUNK", b"*2\r\n$1\r\n0\r\n*0\r\n"),
        (b"SPOP x", NULL),
        (b"SPOP x 3", b"*0\r\n"),
        (b"SRANDMEMBER x", NULL),
        (b"SRANDMEMBER x 3", b"*0\r\n"),
        (b"SRANDMEMBER x -9223372036854775807", b"*0\r\n"),
    ],
)
def test_a_missing_set_is_an_empty_one(session: Session, request_: bytes, reply: bytes) -> None:
    assert talk(session, request_) == reply
    assert talk(session, b"EXISTS x") == b":0\r\n"
    assert talk(session, request_.replace(b" x", b" s")) == WRONG_TYPE


def test_sscan_goes_through_a_table_in_pages(session: Session) -> None:
    expected = [b"member:%d" % number for number in range(600)]
    talk(session, b"SADD", b"t", *expected)
    cursor, calls, found = b"0", 0, list[bytes]()
    while cursor != b"0" or not calls:
        words = talk(session, b"SSCAN t " + cursor + b" COUNT 100 MATCH *[02468]").split(b"\r\n")
        cursor = words[2]
        found += words[5::2]
        calls += 1
    assert sorted(found) == sorted(expected[::2])
    assert calls == 6
    assert talk(session, b"SSCAN t 0 TYPE set") == SYNTAX
    assert talk(session, b"SSCAN s x") == b"-ERR invalid cursor\r\n"


def test_srandmember_draws_and_takes_nothing(session: Session) -> None:
    assert {talk(session, b"SRANDMEMBER m") for _ in range(100)} == {bulk(b"a"), bulk(b"b"), bulk(b"c")}
    assert len(set(items(talk(session, b"SRANDMEMBER m 2")))) == 2
    assert talk(session, b"SRANDMEMBER m -50").startswith(b"*50\r\n")
    assert talk(session, b"SRANDMEMBER m 0") == b"*0\r\n"
    assert members(session) == {b"a", b"b", b"c"}


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (b"x", NOT_AN_INTEGER),
        (b"1 1", SYNTAX),
        (b"-9223372036854775807", b"-ERR value is out of range\r\n"),  # where Redis would not come to an end
    ],
)
def test_srandmember_refuses(session: Session, arguments: bytes, error: bytes) -> None:
    assert talk(session, b"SRANDMEMBER m " + arguments) == error


@pytest.mark.parametrize("request_", [b"SPOP t", b"SPOP t 1", b"SRANDMEMBER t", b"SRANDMEMBER t 1"])
def test_each_member_is_drawn_equally_often(session: Session, request_: bytes) -> None:
    names = b"SADD t " + b" ".join(b"%d" % number for number in range(20))
    drawn: Counter[bytes] = Counter()
    for _ in range(1000):
        talk(session, names)
        drawn[talk(session, request_).split(b"\r\n")[-2]] += 1
    assert len(drawn) == 20
    assert sum((count - 50) ** 2 / 50 for count in drawn.values()) < 44  # 19 degrees of freedom, p = 0.001


# Encodings


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (b"SADD e 1 -1 9223372036854775807", b"intset"),
        (b"SADD e 1 01", b"hashtable"),
        (b"SADD e 9223372036854775808", b"hashtable"),
        (b"SADD e " + b" ".join(b"%d" % number for number in range(512)), b"intset"),
        (b"SADD e " + b" ".join(b"%d" % number for number in range(513)), b"hashtable"),
    ],
)
def test_encoding(session: Session, line: bytes, name: bytes) -> None:
    talk(session, line)
    assert encoding(session, b"e") == name


def test_a_table_stays_one(session: Session) -> None:
    talk(session, b"SADD n x")
    talk(session, b"SREM n x")
    assert encoding(session, b"n") == b"hashtable"


def test_encoding_follows_the_configuration_at_the_next_change() -> None:
    session = Session(make_engine(set_max_intset_entries=2))
    talk(session, b"SADD n 1 2")
    session.engine.config.set_max_intset_entries = 1
    talk(session, b"SADD n 1")
    assert encoding(session, b"n") == b"intset"
    talk(session, b"SADD n 3")
    assert encoding(session, b"n") == b"hashtable"


# Against a model

MEMBER = st.sampled_from([b"1", b"2", b"3", b"-7", b"a", b"b", b""])
STEPS = st.lists(
    st.tuples(
        st.sampled_from([b"SADD", b"SREM", b"SPOP", b"SMOVE", b"SSCAN"]), st.lists(MEMBER, min_size=1, max_size=4)
    ),
    max_size=30,
)


@given(STEPS)
def test_a_set_behaves_as_a_set(steps: list[tuple[bytes, list[bytes]]]) -> None:
    session, model, other = Session(make_engine()), set[bytes](), set[bytes]()
    for name, named in steps:
        before = len(model)
        match name:
            case b"SADD":
                model.update(named)
                assert talk(session, name, b"m", *named) == b":%d\r\n" % (len(model) - before)
            case b"SREM":
                model.difference_update(named)
                assert talk(session, name, b"m", *named) == b":%d\r\n" % (before - len(model))
            case b"SPOP":
                taken = set(items(talk(session, b"SPOP m %d" % len(named))))
                assert taken <= model
                assert len(taken) == min(len(named), len(model))
                model -= taken
            case b"SMOVE":
                assert talk(session, name, b"m", b"o", named[0]) == b":%d\r\n" % (named[0] in model)
                if named[0] in model:
                    model.remove(named[0])
                    other.add(named[0])
            case _:
                talk(session, b"SSCAN m 0 COUNT 2")  # makes an order, which must follow from here on
        assert set(items(talk(session, b"SMEMBERS m"))) == model == members(session)
        assert members(session, b"o") == other
        assert talk(session, b"SCARD m") == b":%d\r\n" % len(model)
        assert talk(session, b"EXISTS m") == b":%d\r\n" % bool(model)
