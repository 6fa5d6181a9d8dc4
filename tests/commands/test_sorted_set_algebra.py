"""Unions, intersections and differences of sorted sets; every text as redis-server 7.0.15 sends it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respstore.engine.session import Session
from tests.talk import NOT_AN_INTEGER, SYNTAX, WRONG_TYPE, array, make_engine, talk

LIMIT_NEGATIVE = b"-ERR LIMIT can't be negative\r\n"
WEIGHT_NOT_A_FLOAT = b"-ERR weight value is not a float\r\n"


@pytest.fixture(autouse=True)
def data(session: Session) -> None:
    """Two sorted sets that have something in common, a set, and a string."""
    talk(session, b"ZADD a 1 x 2 y 3 z")
    talk(session, b"ZADD b 10 y 20 z 30 w")
    talk(session, b"SET s text")


@pytest.mark.parametrize(
    ("arguments", "union", "intersection"),
    [
        (b"2 a b", b"x 1 y 12 z 23 w 30", b"y 12 z 23"),
        (b"2 a b WEIGHTS 2 -1", b"w -30 z -14 y -6 x 2", b"z -14 y -6"),
        (b"2 a b AGGREGATE MIN", b"x 1 y 2 z 3 w 30", b"y 2 z 3"),
        (b"2 a b aggregate max", b"x 1 y 10 z 20 w 30", b"y 10 z 20"),
        (b"2 a b AGGREGATE MAX WEIGHTS 10 1", b"x 10 y 20 w 30 z 30", b"y 20 z 30"),
        (b"2 a b WEIGHTS 5 5 WEIGHTS 1 0", b"w 0 x 1 y 2 z 3", b"y 2 z 3"),
        (b"1 a", b"x 1 y 2 z 3", b"x 1 y 2 z 3"),
        (b"3 a a a", b"x 3 y 6 z 9", b"x 3 y 6 z 9"),
        (b"2 a missing", b"x 1 y 2 z 3", b""),
        (b"1 missing", b"", b""),
    ],
)
def test_union_and_intersection(session: Session, arguments: bytes, union: bytes, intersection: bytes) -> None:
    for name, expected in ((b"ZUNION", union.split()), (b"ZINTER", intersection.split())):
        assert talk(session, name + b" " + arguments + b" WITHSCORES") == array(*expected)
        assert talk(session, name + b" " + arguments) == array(*expected[::2])
        assert talk(session, name + b"STORE d " + arguments) == b":%d\r\n" % len(expected[::2])
        assert talk(session, b"ZRANGE d 0 -1 WITHSCORES") == array(*expected)
        assert talk(session, b"EXISTS d") == b":%d\r\n" % bool(expected)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (b"2 a b", b"x 1"),
        (b"2 b a", b"w 30"),
        (b"1 a", b"x 1 y 2 z 3"),
        (b"2 a a", b""),
        (b"2 a missing", b"x 1 y 2 z 3"),
        (b"2 missing a", b""),
        (b"3 a missing b", b"x 1"),
    ],
)
def test_difference(session: Session, arguments: bytes, expected: bytes) -> None:
    pairs = expected.split()
    assert talk(session, b"ZDIFF " + arguments) == array(*pairs[::2])
    assert talk(session, b"ZDIFF " + arguments + b" WITHSCORES") == array(*pairs)
    assert talk(session, b"ZDIFFSTORE d " + arguments) == b":%d\r\n" % len(pairs[::2])
    assert talk(session, b"ZRANGE d 0 -1 WITHSCORES") == array(*pairs)


def test_pairs_in_resp3(session: Session) -> None:
    session.protocol = 3
    assert talk(session, b"ZDIFF 2 a b WITHSCORES") == b"*1\r\n*2\r\n$1\r\nx\r\n,1\r\n"


def test_the_members_of_a_set_count_one(session: Session) -> None:
    talk(session, b"SADD m x y 7")
    assert talk(session, b"ZUNION 2 a m WITHSCORES") == array(b"7", b"1", b"x", b"2", b"y", b"3", b"z", b"3")
    assert talk(session, b"ZINTER 2 m a WEIGHTS 5 1 WITHSCORES") == array(b"x", b"6", b"y", b"7")
    assert talk(session, b"ZDIFF 2 m a WITHSCORES") == array(b"7", b"1")
    assert talk(session, b"ZDIFF 2 a m WITHSCORES") == array(b"z", b"3")
    assert talk(session, b"ZINTERCARD 2 m a") == b":2\r\n"
    assert talk(session, b"ZDIFFSTORE m 2 m a") == b":1\r\n"
    assert talk(session, b"TYPE m") == b"+zset\r\n"


def test_zintercard(session: Session) -> None:
    for limit, count in ((b"", 2), (b" LIMIT 0", 2), (b" limit 1", 1), (b" LIMIT 5", 2), (b" LIMIT 1 LIMIT 0", 2)):
        assert talk(session, b"ZINTERCARD 2 a b" + limit) == b":%d\r\n" % count
    assert talk(session, b"ZINTERCARD 2 a missing") == b":0\r\n"


def test_infinities_that_cancel_out_are_nothing(session: Session) -> None:
    talk(session, b"ZADD p inf x inf y")
    talk(session, b"ZADD m -inf x 5 y")
    assert talk(session, b"ZUNION 2 p m WITHSCORES") == array(b"x", b"0", b"y", b"inf")
    assert talk(session, b"ZUNION 2 p m WEIGHTS 0 1 WITHSCORES") == array(b"x", b"-inf", b"y", b"5")
    assert talk(session, b"ZINTER 2 m p WEIGHTS 1 0 AGGREGATE MIN WITHSCORES") == array(b"x", b"-inf", b"y", b"5")


def test_sums_do_not_depend_on_the_order_of_keys(session: Session) -> None:
    talk(session, b"ZADD one 0.3 x")
    talk(session, b"ZADD two 0.2 x 1 p")
    talk(session, b"ZADD three 0.1 x 1 p 1 q")
    for keys in (b"one two three", b"three two one", b"two three one"):
        for name in (b"ZUNION", b"ZINTER"):
            reply = talk(session, name + b" 3 " + keys + b" WITHSCORES")
            assert reply.endswith(b"\r\n0.59999999999999998\r\n") or b"\r\n0.59999999999999998\r\n" in reply


def test_what_is_stored_takes_the_place_of_anything(session: Session) -> None:
    talk(session, b"EXPIRE s 100")
    assert talk(session, b"ZUNIONSTORE s 1 a") == b":3\r\n"
    assert talk(session, b"TTL s") == b":-1\r\n"
    assert talk(session, b"ZINTERSTORE a 2 a b") == b":2\r\n"
    assert talk(session, b"ZRANGE a 0 -1") == array(b"y", b"z")
    assert talk(session, b"ZDIFFSTORE a 1 missing") == b":0\r\n"
    assert talk(session, b"EXISTS a") == b":0\r\n"


def test_what_is_stored_is_small_or_large_anew() -> None:
    session = Session(make_engine(zset_max_listpack_entries=2, zset_max_listpack_value=3))
    talk(session, b"ZADD a 1 x 2 y 3 z")
    talk(session, b"ZADD b 1 long")
    for request_, encoding in (
        (b"ZUNIONSTORE d 1 a", b"skiplist"),
        (b"ZUNIONSTORE d 1 b", b"skiplist"),
        (b"ZDIFFSTORE d 2 a b", b"skiplist"),
    ):
        talk(session, request_)
        assert talk(session, b"OBJECT ENCODING d").split()[-1] == encoding
    talk(session, b"ZREM a z")
    talk(session, b"ZINTERSTORE d 1 a")
    assert talk(session, b"OBJECT ENCODING a").split()[-1] == b"skiplist"
    assert talk(session, b"OBJECT ENCODING d").split()[-1] == b"listpack"


@pytest.mark.parametrize(
    ("arguments", "reply"),
    [
        (b"x a", NOT_AN_INTEGER),
        (b"2 a", SYNTAX),
        (b"9223372036854775807 a", SYNTAX),
        (b"1 s WEIGHTS x", WRONG_TYPE),
        (b"2 missing s", WRONG_TYPE),
        (b"1 a WEIGHTS", SYNTAX),
        (b"2 a b WEIGHTS x", SYNTAX),
        (b"1 a WEIGHTS x", WEIGHT_NOT_A_FLOAT),
        (b"1 a WEIGHTS nan", WEIGHT_NOT_A_FLOAT),
        (b"1 a WEIGHTS 1 2", SYNTAX),
        (b"1 a AGGREGATE", SYNTAX),
        (b"1 a AGGREGATE AVG", SYNTAX),
        (b"1 a LIMIT 1", SYNTAX),
        (b"1 a \xff", SYNTAX),
    ],
)
def test_union_refuses(session: Session, arguments: bytes, reply: bytes) -> None:
    for name in (b"ZUNION", b"ZINTER", b"ZUNIONSTORE d", b"ZINTERSTORE d"):
        assert talk(session, name + b" " + arguments) == reply


@pytest.mark.parametrize(
    ("request_", "reply"),
    [
        (b"ZUNIONSTORE d 1 a WITHSCORES", SYNTAX),
        (b"ZDIFFSTORE d 1 a WITHSCORES", SYNTAX),
        (b"ZDIFF 1 a WEIGHTS 1", SYNTAX),
        (b"ZDIFF 1 a AGGREGATE MIN", SYNTAX),
        (b"ZINTERCARD 1 a WITHSCORES", SYNTAX),
        (b"ZINTERCARD 1 a LIMIT", SYNTAX),
        (b"ZINTERCARD 1 a LIMIT x", LIMIT_NEGATIVE),
        (b"ZINTERCARD 1 a LIMIT -1", LIMIT_NEGATIVE),
        (b"ZINTERCARD 1 s LIMIT -1", WRONG_TYPE),
    ],
)
def test_options_of_others(session: Session, request_: bytes, reply: bytes) -> None:
    assert talk(session, request_) == reply


@pytest.mark.parametrize(
    "name", [b"zunion", b"zinter", b"zdiff", b"zintercard", b"zunionstore", b"zinterstore", b"zdiffstore"]
)
def test_no_keys(session: Session, name: bytes) -> None:
    destination = b" d" if name.endswith(b"store") else b""
    for count in (b"0", b"-1"):
        request_ = name + destination + b" " + count + b" a"
        assert talk(session, request_) == b"-ERR at least 1 input key is needed for '%b' command\r\n" % name


MEMBERS = st.dictionaries(st.sampled_from([b"a", b"b", b"c", b"d", b"e"]), st.integers(-5, 5), max_size=5)


@given(st.lists(MEMBERS, min_size=1, max_size=4))
def test_beside_a_model(sources: list[dict[bytes, int]]) -> None:
    session = Session(make_engine())
    for number, source in enumerate(sources):
        for member, score in source.items():
            talk(session, b"ZADD k%d %d %b" % (number, score, member))
    keys = b" ".join([b"%d" % len(sources), *(b"k%d" % number for number in range(len(sources)))])
    everywhere = set.intersection(*map(set, sources))
    anywhere = set.union(*map(set, sources))
    for name, members in ((b"ZINTER", everywhere), (b"ZUNION", anywhere)):
        sums = {member: sum(source.get(member, 0) for source in sources) for member in members}
        ordered = sorted(members, key=lambda member: (sums[member], member))
        expected = [text for member in ordered for text in (member, b"%d" % sums[member])]
        assert talk(session, name + b" " + keys + b" WITHSCORES") == array(*expected)
    rest = set(sources[0]).difference(*sources[1:])
    assert talk(session, b"ZDIFF " + keys) == array(*sorted(rest, key=lambda member: (sources[0][member], member)))
    assert talk(session, b"ZINTERCARD " + keys) == b":%d\r\n" % len(everywhere)
