"""Commands on the members of sorted sets; every text as redis-server 7.0.15 sends it."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respstore.engine.session import Session
from respstore.keyspace import SortedSet
from tests.talk import (
    NOT_AN_INTEGER,
    NULL,
    SYNTAX,
    WRONG_TYPE,
    array,
    bulk,
    make_engine,
    talk,
)

NOT_A_FLOAT = b"-ERR value is not a valid float\r\n"
NOT_POSITIVE = b"-ERR value is out of range, must be positive\r\n"
NOT_A_NUMBER = b"-ERR resulting score is not a number (NaN)\r\n"


def scores(session: Session, key: bytes = b"z") -> dict[bytes, float]:
    """What the sorted set at a key holds, in order, taken from the database itself."""
    value = session.db.get(key)
    if value is None:
        return {}
    assert isinstance(value, SortedSet)
    members, numbers = value.slice(0, len(value))
    return dict(zip(members, numbers, strict=True))


@pytest.fixture(autouse=True)
def data(session: Session) -> None:
    """A sorted set of three, and a string."""
    talk(session, b"ZADD z 1 a 2 b 3 c")
    talk(session, b"SET s text")


# Adding


def test_zadd_counts_what_is_new(session: Session) -> None:
    assert talk(session, b"ZADD z 4 d") == b":1\r\n"
    assert talk(session, b"ZADD z 0 d") == b":0\r\n"
    assert talk(session, b"ZADD z 9 a 9 e") == b":1\r\n"
    assert talk(session, b"ZADD z CH 9 a 8 e 7 f") == b":2\r\n"
    assert scores(session) == {b"d": 0, b"b": 2, b"c": 3, b"f": 7, b"e": 8, b"a": 9}
    assert list(scores(session)) == [b"d", b"b", b"c", b"f", b"e", b"a"]


def test_a_member_that_is_named_twice_has_its_last_score(session: Session) -> None:
    assert talk(session, b"ZADD y CH 1 a 2 a 2 a 3 a") == b":3\r\n"
    assert scores(session, b"y") == {b"a": 3}


@pytest.mark.parametrize(
    ("options", "reply", "left"),
    [
        (b"NX", b":1\r\n", {b"a": 1, b"b": 2, b"c": 3, b"d": 5}),
        (b"XX", b":0\r\n", {b"a": 0, b"b": 2, b"c": 5}),
        (b"XX CH", b":2\r\n", {b"a": 0, b"b": 2, b"c": 5}),
        (b"gt ch", b":2\r\n", {b"a": 1, b"b": 2, b"c": 5, b"d": 5}),
        (b"LT CH", b":2\r\n", {b"a": 0, b"b": 2, b"c": 3, b"d": 5}),
        (b"GT XX", b":0\r\n", {b"a": 1, b"b": 2, b"c": 5}),
        (b"LT XX CH", b":1\r\n", {b"a": 0, b"b": 2, b"c": 3}),
    ],
)
def test_zadd_conditions(session: Session, options: bytes, reply: bytes, left: dict[bytes, float]) -> None:
    assert talk(session, b"ZADD z " + options + b" 0 a 2 b 5 c 5 d") == reply
    assert scores(session) == left


def test_nothing_is_made_for_who_only_changes(session: Session) -> None:
    assert talk(session, b"ZADD missing XX 1 a") == b":0\r\n"
    assert talk(session, b"ZADD missing XX INCR 1 a") == NULL
    assert talk(session, b"EXISTS missing") == b":0\r\n"


def test_zadd_incr_answers_the_score(session: Session) -> None:
    assert talk(session, b"ZADD z INCR 1.5 a") == bulk(b"2.5")
    assert talk(session, b"ZADD z INCR 7 new") == bulk(b"7")
    assert talk(session, b"ZADD z NX INCR 1 a") == NULL
    assert talk(session, b"ZADD z XX INCR 1 missing") == NULL
    assert talk(session, b"ZADD z GT INCR -1 a") == NULL
    assert talk(session, b"ZADD z GT INCR 0 a") == NULL
    assert talk(session, b"ZADD z LT INCR -1 a") == bulk(b"1.5")


def test_zincrby(session: Session) -> None:
    assert talk(session, b"ZINCRBY z -0.5 a") == bulk(b"0.5")
    assert talk(session, b"ZINCRBY y 2 new") == bulk(b"2")
    assert talk(session, b"ZINCRBY y x new") == NOT_A_FLOAT
    assert talk(session, b"ZINCRBY y gt new") == SYNTAX
    assert talk(session, b"ZINCRBY s 1 a") == WRONG_TYPE
    session.protocol = 3
    assert talk(session, b"ZINCRBY z 0.1 b") == b",2.1000000000000001\r\n"


def test_infinities_do_not_cancel_out(session: Session) -> None:
    assert talk(session, b"ZADD z inf a -inf b") == b":0\r\n"
    for request_ in (b"ZINCRBY z -inf a", b"ZADD z INCR +Inf b"):
        assert talk(session, request_) == NOT_A_NUMBER
    assert talk(session, b"ZMSCORE z a b") == array(b"inf", b"-inf")


@pytest.mark.parametrize(
    ("arguments", "reply"),
    [
        (b"1 a 2", SYNTAX),
        (b"NX CH", SYNTAX),
        (b"CH 1", SYNTAX),
        (b"junk 1 a", SYNTAX),
        (b"NX XX 1 a", b"-ERR XX and NX options at the same time are not compatible\r\n"),
        (b"NX XX GT x a", b"-ERR XX and NX options at the same time are not compatible\r\n"),
        (b"NX GT 1 a", b"-ERR GT, LT, and/or NX options at the same time are not compatible\r\n"),
        (b"LT NX 1 a", b"-ERR GT, LT, and/or NX options at the same time are not compatible\r\n"),
        (b"GT LT 1 a", b"-ERR GT, LT, and/or NX options at the same time are not compatible\r\n"),
        (b"INCR 1 a 2 b", b"-ERR INCR option supports a single increment-element pair\r\n"),
        (b"x a", NOT_A_FLOAT),
        (b"nan a", NOT_A_FLOAT),
        (b"1e400 a", NOT_A_FLOAT),
        (b"1 new x new", NOT_A_FLOAT),
    ],
)
def test_zadd_refuses(session: Session, arguments: bytes, reply: bytes) -> None:
    assert talk(session, b"ZADD z " + arguments) == reply
    assert talk(session, b"ZADD s " + arguments) == reply  # judged before the key
    assert scores(session) == {b"a": 1, b"b": 2, b"c": 3}


@pytest.mark.parametrize("request_", [b"ZADD s 1 a", b"ZADD s XX CH 1 a", b"ZADD s 1 a 2 b", b"ZADD s INCR 1 a"])
def test_zadd_of_another_type(session: Session, request_: bytes) -> None:
    assert talk(session, request_) == WRONG_TYPE


def test_changes_are_told(session: Session) -> None:
    other = Session(session.engine)
    for request_, is_change in {
        b"ZADD z 1 a": False,
        b"ZADD z 1 a 2 b": False,
        b"ZADD z NX 5 a": False,
        b"ZREM z missing": False,
        b"ZPOPMIN z 0": False,
        b"ZADD z 5 a": True,
        b"ZADD z 1 new": True,
        b"ZADD z CH 6 a 2 b": True,
        b"ZINCRBY z 1 a": True,
        b"ZREM z new": True,
        b"ZPOPMIN z": True,
    }.items():
        talk(session, b"WATCH z")
        talk(other, request_)
        talk(session, b"MULTI")
        assert (request_, talk(session, b"EXEC") == b"*-1\r\n") == (request_, is_change)


# How Redis would keep it


def encoding(session: Session, key: bytes = b"z") -> bytes:
    return talk(session, b"OBJECT ENCODING " + key).split()[-1]


def test_a_sorted_set_that_grew_stays_a_skiplist() -> None:
    session = Session(make_engine(zset_max_listpack_entries=3, zset_max_listpack_value=4))
    talk(session, b"ZADD z 1 a 2 b 3 long")
    assert encoding(session) == b"listpack"
    talk(session, b"ZADD z 9 a 9 b 9 long")
    assert encoding(session) == b"listpack"
    talk(session, b"ZADD z 4 d")
    assert encoding(session) == b"skiplist"
    talk(session, b"ZREM z b c d")
    assert encoding(session) == b"skiplist"
    talk(session, b"COPY z y")
    assert encoding(session, b"y") == b"skiplist"
    talk(session, b"ZINCRBY x 1 longer")
    assert encoding(session, b"x") == b"skiplist"


def test_negative_zero_is_kept_in_a_skiplist_only(session: Session) -> None:
    talk(session, b"ZADD z -0 zero")
    talk(session, b"ZADD y 1", b"m" * 65)
    talk(session, b"ZADD", b"y", b"1", b"m" * 65, b"-0", b"zero")
    assert talk(session, b"ZSCORE z zero") == bulk(b"0")
    assert talk(session, b"ZSCORE y zero") == bulk(b"-0")


# Taking


def test_zrem(session: Session) -> None:
    assert talk(session, b"ZREM z a missing c a") == b":2\r\n"
    assert scores(session) == {b"b": 2}
    assert talk(session, b"ZREM missing a") == b":0\r\n"
    assert talk(session, b"ZREM s a") == WRONG_TYPE


def test_pops_take_from_their_end(session: Session) -> None:
    assert talk(session, b"ZPOPMIN z") == array(b"a", b"1")
    assert talk(session, b"ZPOPMAX z 5") == array(b"c", b"3", b"b", b"2")
    for name in (b"ZPOPMIN", b"ZPOPMAX"):
        assert talk(session, name + b" z") == b"*0\r\n"
        assert talk(session, name + b" z 7") == b"*0\r\n"


def test_pops_in_resp3_answer_pairs_where_they_have_a_count(session: Session) -> None:
    session.protocol = 3
    assert talk(session, b"ZPOPMIN z") == b"*2\r\n$1\r\na\r\n,1\r\n"
    assert talk(session, b"ZPOPMAX z 1") == b"*1\r\n*2\r\n$1\r\nc\r\n,3\r\n"
    assert talk(session, b"ZPOPMAX missing 1") == b"*0\r\n"


@pytest.mark.parametrize("name", [b"ZPOPMIN", b"ZPOPMAX"])
def test_pops_refuse(session: Session, name: bytes) -> None:
    for count in (b"-1", b"x", b"9223372036854775808"):
        assert talk(session, name + b" z " + count) == NOT_POSITIVE
        assert talk(session, name + b" s " + count) == NOT_POSITIVE
    assert talk(session, name + b" z 1 2") == SYNTAX
    assert talk(session, name + b" s") == WRONG_TYPE
    assert talk(session, name + b" z 0") == b"*0\r\n"


def test_zmpop_takes_from_the_first_sorted_set_only(session: Session) -> None:
    talk(session, b"ZADD y 9 w")
    assert talk(session, b"ZMPOP 3 missing z y MIN") == b"*2\r\n" + bulk(b"z") + b"*1\r\n" + array(b"a", b"1")
    pairs = array(b"c", b"3") + array(b"b", b"2")
    assert talk(session, b"ZMPOP 2 z y max COUNT 5") == b"*2\r\n" + bulk(b"z") + b"*2\r\n" + pairs
    session.protocol = 3
    assert talk(session, b"ZMPOP 2 z y MIN") == b"*2\r\n" + bulk(b"y") + b"*1\r\n*2\r\n" + bulk(b"w") + b",9\r\n"
    assert talk(session, b"ZMPOP 2 z y MIN") == b"_\r\n"


@pytest.mark.parametrize(
    ("arguments", "reply"),
    [
        (b"0 z MIN", b"-ERR numkeys should be greater than 0\r\n"),
        (b"2 z MIN", SYNTAX),
        (b"1 z LEFT", SYNTAX),
        (b"1 z MIN COUNT", SYNTAX),
        (b"1 z MIN COUNT 0", b"-ERR count should be greater than 0\r\n"),
        (b"1 z MIN COUNT 1 COUNT 1", SYNTAX),
        (b"2 s z MIN", WRONG_TYPE),
    ],
)
def test_zmpop_refuses(session: Session, arguments: bytes, reply: bytes) -> None:
    assert talk(session, b"ZMPOP " + arguments) == reply


@pytest.mark.parametrize("request_", [b"ZMPOP 1 z MAX COUNT 3", b"ZREM z a b c", b"ZPOPMIN z 3", b"ZPOPMAX z 7"])
def test_an_empty_sorted_set_is_no_key(session: Session, request_: bytes) -> None:
    assert not talk(session, request_).startswith(b"-")
    assert talk(session, b"EXISTS z") == b":0\r\n"
    assert talk(session, b"TYPE z") == b"+none\r\n"


# Looking


def test_scores_and_ranks(session: Session) -> None:
    assert talk(session, b"ZCARD z") == b":3\r\n"
    assert talk(session, b"ZCARD missing") == b":0\r\n"
    assert talk(session, b"ZSCORE z b") == bulk(b"2")
    assert talk(session, b"ZMSCORE z c missing") == b"*2\r\n" + bulk(b"3") + NULL
    assert talk(session, b"ZMSCORE missing c") == b"*1\r\n" + NULL
    assert talk(session, b"ZRANK z c") == b":2\r\n"
    assert talk(session, b"ZREVRANK z c") == b":0\r\n"
    for request_ in (b"ZSCORE z x", b"ZSCORE x a", b"ZRANK z x", b"ZRANK x a", b"ZREVRANK z x", b"ZREVRANK x a"):
        assert talk(session, request_) == NULL
    for request_ in (b"ZCARD s", b"ZSCORE s a", b"ZMSCORE s a", b"ZRANK s a", b"ZREVRANK s a"):
        assert talk(session, request_) == WRONG_TYPE


def test_zscan_shows_scores_as_redis_keeps_them(session: Session) -> None:
    talk(session, b"ZADD z 1e17 d 0.1 e")
    expected = array(b"e", b"0.10000000000000001", b"a", b"1", b"b", b"2", b"c", b"3", b"d", b"100000000000000000")
    for protocol in (2, 3):
        session.protocol = protocol
        assert talk(session, b"ZSCAN z 0 COUNT 1") == b"*2\r\n" + bulk(b"0") + expected
    assert talk(session, b"ZSCAN z 7 MATCH [ac]") == b"*2\r\n" + bulk(b"0") + array(b"a", b"1", b"c", b"3")
    talk(session, b"ZADD", b"z", b"1e17", b"m" * 65)
    assert bulk(b"m" * 65) + bulk(b"1e+17") in talk(session, b"ZSCAN z 0 COUNT 100")


def test_zscan_without_a_sorted_set(session: Session) -> None:
    assert talk(session, b"ZSCAN missing 0 junk") == b"*2\r\n" + bulk(b"0") + b"*0\r\n"
    assert talk(session, b"ZSCAN s 0 junk") == WRONG_TYPE
    assert talk(session, b"ZSCAN s junk") == b"-ERR invalid cursor\r\n"
    assert talk(session, b"ZSCAN z 0 TYPE zset") == SYNTAX


# Drawing


def test_draws_are_different_members_or_any(session: Session) -> None:
    assert talk(session, b"ZRANDMEMBER z") in map(bulk, (b"a", b"b", b"c"))
    assert talk(session, b"ZRANDMEMBER z 0") == b"*0\r\n"
    assert len(set(talk(session, b"ZRANDMEMBER z 2").split())) == 4  # the heads of array and bulks, two members
    assert talk(session, b"ZRANDMEMBER z 3") == array(b"c", b"b", b"a")
    assert talk(session, b"ZRANDMEMBER z 9223372036854775807") == array(b"c", b"b", b"a")
    assert talk(session, b"ZRANDMEMBER z -20").startswith(b"*20\r\n")
    assert talk(session, b"ZRANDMEMBER z -20 WITHSCORES").startswith(b"*40\r\n")
    session.protocol = 3
    assert talk(session, b"ZRANDMEMBER z -20 withscores").startswith(b"*20\r\n*2\r\n")


def test_draws_without_a_sorted_set(session: Session) -> None:
    assert talk(session, b"ZRANDMEMBER missing") == NULL
    assert talk(session, b"ZRANDMEMBER missing -5 WITHSCORES") == b"*0\r\n"
    assert talk(session, b"ZRANDMEMBER s") == WRONG_TYPE
    assert talk(session, b"ZRANDMEMBER s 1") == WRONG_TYPE


@pytest.mark.parametrize(
    ("arguments", "reply"),
    [
        (b"x", NOT_AN_INTEGER),
        (b"1 junk", SYNTAX),
        (b"1 WITHSCORES WITHSCORES", SYNTAX),
        (b"-9223372036854775807", b"-ERR value is out of range\r\n"),
        (b"4611686018427387904 WITHSCORES", b"-ERR value is out of range\r\n"),
    ],
)
def test_zrandmember_refuses(session: Session, arguments: bytes, reply: bytes) -> None:
    assert talk(session, b"ZRANDMEMBER z " + arguments) == reply


@pytest.mark.parametrize("count", [b"1", b"-1", None])
def test_draws_are_fair(session: Session, count: bytes | None) -> None:
    """Chi-square of 4 degrees of freedom: above 23.5 once in 10,000 times. The seed is fixed."""
    talk(session, b"ZADD z 4 d 5 e")
    request_ = b"ZRANDMEMBER z" + (b" " + count if count else b"")
    drawn = Counter(talk(session, request_).split()[-1] for _ in range(1000))
    assert set(drawn) == {b"a", b"b", b"c", b"d", b"e"}
    assert sum((times - 200) ** 2 / 200 for times in drawn.values()) < 23.5


# Beside a model

MEMBER = st.sampled_from([b"a", b"b", b"c", b"d"])
SCORE = st.sampled_from([b"1", b"2", b"-1.5", b"inf"])


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just(b"ZADD"), SCORE, MEMBER),
            st.tuples(st.just(b"ZREM"), MEMBER),
            st.tuples(st.just(b"ZPOPMIN")),
            st.tuples(st.just(b"ZPOPMAX")),
        )
    )
)
def test_any_commands_leave_what_a_dict_would_hold(requests: list[tuple[bytes, ...]]) -> None:
    session = Session(make_engine())
    model: dict[bytes, float] = {}
    for name, *arguments in requests:
        talk(session, name, b"z", *arguments)
        match name:
            case b"ZADD":
                model[arguments[1]] = float(arguments[0])
            case b"ZREM":
                model.pop(arguments[0], None)
            case _ if model:
                ends = sorted(model, key=lambda member: (model[member], member))
                del model[ends[0 if name == b"ZPOPMIN" else -1]]
    expected = sorted(model.items(), key=lambda pair: (pair[1], pair[0]))
    assert list(scores(session).items()) == expected
