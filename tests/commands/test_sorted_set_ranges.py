"""Commands on ranges of sorted sets; every text as redis-server 7.0.15 sends it."""

import pytest

from respstore.engine.session import Session
from tests.talk import NOT_AN_INTEGER, SYNTAX, WRONG_TYPE, array, make_engine, talk

NOT_A_FLOAT = b"-ERR min or max is not a float\r\n"
NOT_A_MEMBER = b"-ERR min or max not valid string range item\r\n"
EMPTY = b"*0\r\n"


@pytest.fixture(autouse=True)
def data(session: Session) -> None:
    """Five members with scores, five with none, and a string."""
    talk(session, b"ZADD z 1 a 2 b 3 c 4 d inf e")
    talk(session, b"ZADD lex 0 a 0 b 0 c 0 d 0 e")
    talk(session, b"SET s text")


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (b"0 -1", b"a b c d e"),
        (b"1 2", b"b c"),
        (b"-2 100", b"d e"),
        (b"2 1", b""),
        (b"5 9", b""),
        (b"0 1 REV", b"e d"),
        (b"-1 -1 rev", b"a"),
        (b"0 -1 LIMIT 0 -1", b"a b c d e"),
        (b"1 -1 LIMIT 2 -1", b"b c d e"),
        (b"2 (4 BYSCORE", b"b c"),
        (b"-inf +inf BYSCORE LIMIT 1 2", b"b c"),
        (b"-inf +inf BYSCORE LIMIT 3 100", b"d e"),
        (b"-inf +inf BYSCORE LIMIT 1 -7", b"b c d e"),
        (b"-inf +inf BYSCORE LIMIT -1 5", b""),
        (b"-inf +inf BYSCORE LIMIT 0 0", b""),
        (b"+inf (2 BYSCORE REV LIMIT 1 2", b"d c"),
        (b"(inf +inf BYSCORE", b""),
    ],
)
def test_zrange(session: Session, arguments: bytes, found: bytes) -> None:
    assert talk(session, b"ZRANGE z " + arguments) == array(*found.split())
    assert talk(session, b"ZRANGE missing " + arguments) == EMPTY


@pytest.mark.parametrize(
    ("request_", "found"),
    [
        (b"ZRANGE lex [b (d BYLEX", b"b c"),
        (b"ZRANGE lex (d [b BYLEX REV", b"c b"),
        (b"ZRANGE lex - + BYLEX LIMIT 1 2", b"b c"),
        (b"ZRANGE lex + - REV BYLEX LIMIT 1 2", b"d c"),
        (b"ZRANGEBYLEX lex - (c", b"a b"),
        (b"ZREVRANGEBYLEX lex (c -", b"b a"),
        (b"ZREVRANGEBYLEX lex + - LIMIT 0 1", b"e"),
        (b"ZREVRANGE z 0 1", b"e d"),
        (b"ZRANGEBYSCORE z (1 3", b"b c"),
        (b"ZRANGEBYSCORE z 1 3 LIMIT 2 1", b"c"),
        (b"ZREVRANGEBYSCORE z 3 (1", b"c b"),
        (b"ZREVRANGEBYSCORE z inf inf", b"e"),
    ],
)
def test_the_other_ranges(session: Session, request_: bytes, found: bytes) -> None:
    assert talk(session, request_) == array(*found.split())


@pytest.mark.parametrize(
    "request_",
    [
        b"ZRANGE z 3 -1 WITHSCORES",
        b"ZRANGE z 0 1 REV withscores",
        b"ZREVRANGE z 0 1 WITHSCORES",
        b"ZRANGE z 4 inf BYSCORE WITHSCORES",
        b"ZRANGEBYSCORE z 4 inf WITHSCORES LIMIT 0 9",
        b"ZREVRANGEBYSCORE z inf 4 LIMIT 0 9 WITHSCORES",
    ],
)
def test_scores_beside_members(session: Session, request_: bytes) -> None:
    pairs = [(b"d", b"4"), (b"e", b"inf")]
    if b"REV" in request_:
        pairs.reverse()
    assert talk(session, request_) == array(*pairs[0], *pairs[1])
    session.protocol = 3
    assert talk(session, request_) == b"*2\r\n" + b"".join(b"*2\r\n$1\r\n%b\r\n,%b\r\n" % pair for pair in pairs)


@pytest.mark.parametrize(
    ("arguments", "reply"),
    [
        (b"a 1", NOT_AN_INTEGER),
        (b"1 1.5", NOT_AN_INTEGER),
        (b"a 1 BYSCORE", NOT_A_FLOAT),
        (b"1 nan BYSCORE", NOT_A_FLOAT),
        (b"a [b BYLEX", NOT_A_MEMBER),
        (b"0 1 junk", SYNTAX),
        (b"0 1 REV REV", SYNTAX),
        (b"0 1 BYSCORE BYLEX", SYNTAX),
        (b"0 1 LIMIT 1", SYNTAX),
        (b"0 1 BYSCORE LIMIT x", SYNTAX),
        (b"0 1 BYSCORE LIMIT x 1", NOT_AN_INTEGER),
        (
            b"a b LIMIT 0 1",
            b"-ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX\r\n",
        ),
        (b"a b BYLEX WITHSCORES", b"-ERR syntax error, WITHSCORES not supported in combination with BYLEX\r\n"),
    ],
)
def test_zrange_refuses(session: Session, arguments: bytes, reply: bytes) -> None:
    for key in (b"z", b"s", b"missing"):
        assert talk(session, b"ZRANGE " + key + b" " + arguments) == reply
    if b"WITHSCORES" not in arguments:
        assert talk(session, b"ZRANGESTORE d z " + arguments) == reply


@pytest.mark.parametrize(
    "request_",
    [
        b"ZREVRANGE z 0 1 REV",
        b"ZREVRANGE z 0 1 BYSCORE",
        b"ZRANGEBYSCORE z 0 1 REV",
        b"ZRANGEBYSCORE z 0 1 BYSCORE",
        b"ZREVRANGEBYSCORE z 0 1 BYLEX",
        b"ZRANGEBYLEX z - + BYLEX",
        b"ZRANGESTORE d z 0 1 WITHSCORES",
    ],
)
def test_an_old_name_says_what_no_option_may(session: Session, request_: bytes) -> None:
    assert talk(session, request_) == SYNTAX


def test_counting(session: Session) -> None:
    assert talk(session, b"ZCOUNT z (1 3") == b":2\r\n"
    assert talk(session, b"ZCOUNT z 9 8") == b":0\r\n"
    assert talk(session, b"ZCOUNT missing 0 1") == b":0\r\n"
    assert talk(session, b"ZCOUNT s a 1") == NOT_A_FLOAT
    assert talk(session, b"ZLEXCOUNT lex [b [d") == b":3\r\n"
    assert talk(session, b"ZLEXCOUNT missing - +") == b":0\r\n"
    assert talk(session, b"ZLEXCOUNT s b +") == NOT_A_MEMBER


@pytest.mark.parametrize(
    ("request_", "left"),
    [
        (b"ZREMRANGEBYRANK k 1 -2", b"a e"),
        (b"ZREMRANGEBYRANK k 5 9", b"a b c d e"),
        (b"ZREMRANGEBYSCORE k (0 +inf", b"a b c d e"),
        (b"ZREMRANGEBYSCORE k -inf +inf", b""),
        (b"ZREMRANGEBYLEX k [b (d", b"a d e"),
        (b"ZREMRANGEBYLEX k - +", b""),
    ],
)
def test_taking_away(session: Session, request_: bytes, left: bytes) -> None:
    talk(session, b"COPY lex k")
    assert talk(session, request_) == b":%d\r\n" % (5 - len(left.split()))
    assert talk(session, b"ZRANGE k 0 -1") == array(*left.split())
    assert talk(session, b"EXISTS k") == b":%d\r\n" % bool(left)
    assert talk(session, request_.replace(b" k ", b" missing ")) == b":0\r\n"
    assert talk(session, request_.replace(b" k ", b" s ")) == WRONG_TYPE


def test_storing(session: Session) -> None:
    talk(session, b"EXPIRE s 100")
    assert talk(session, b"ZRANGESTORE s z 2 +inf BYSCORE LIMIT 1 2") == b":2\r\n"
    assert talk(session, b"ZRANGE s 0 -1 WITHSCORES") == array(b"c", b"3", b"d", b"4")
    assert talk(session, b"TTL s") == b":-1\r\n"
    assert talk(session, b"ZRANGESTORE z z 0 1 REV") == b":2\r\n"
    assert talk(session, b"ZRANGE z 0 -1") == array(b"d", b"e")
    assert talk(session, b"ZRANGESTORE z missing 0 1") == b":0\r\n"
    assert talk(session, b"EXISTS z") == b":0\r\n"
    talk(session, b"SET s text")
    assert talk(session, b"ZRANGESTORE d s 0 1") == WRONG_TYPE


def test_what_is_stored_is_small_or_large_anew() -> None:
    session = Session(make_engine(zset_max_listpack_entries=2))
    talk(session, b"ZADD z 1 a -0 b 2 c")
    assert talk(session, b"ZRANGESTORE d z 0 1") == b":2\r\n"
    assert talk(session, b"OBJECT ENCODING d") == b"$8\r\nlistpack\r\n"
    assert talk(session, b"ZRANGESTORE d z 0 2") == b":3\r\n"
    assert talk(session, b"OBJECT ENCODING d") == b"$8\r\nskiplist\r\n"


@pytest.mark.parametrize("request_", [b"ZRANGE s 0 1", b"ZRANGE s 0 1 BYSCORE", b"ZCOUNT s 0 1", b"ZLEXCOUNT s - +"])
def test_another_type(session: Session, request_: bytes) -> None:
    assert talk(session, request_) == WRONG_TYPE
