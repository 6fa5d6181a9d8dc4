"""SORT; every text as redis-server 7.0.15 sends it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from tests.talk import NOT_AN_INTEGER, NULL, SYNTAX, WRONG_TYPE, array, bulk, make_engine, received, talk

NOT_A_DOUBLE = b"-ERR One or more scores can't be converted into double\r\n"


def items(reply: bytes) -> list[bytes]:
    """The bulk strings of an array, of which none has a line's end in it."""
    lines = reply.split(b"\r\n")
    assert lines[0].startswith(b"*"), reply
    return lines[2::2]


@pytest.fixture(autouse=True)
def data(session: Session) -> None:
    """A list, a set, a sorted set, weights as strings and in hashes."""
    for words in (
        *(b"RPUSH l 3 1 2", b"SADD s 3 1 2", b"ZADD z 1 b 2 a 3 c", b"MSET w1 30 w2 10 w3 20"),
        *(b"HSET h1 f 3 g one", b"HSET h2 f 1 g two", b"HSET h3 f 2"),
    ):
        talk(session, words)


@pytest.mark.parametrize("name", [b"SORT", b"SORT_RO"])
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        *((b"", b"1 2 3"), (b"DESC", b"3 2 1"), (b"desc asc", b"1 2 3"), (b"LIMIT 1 1", b"2"), (b"LIMIT -5 2", b"1 2")),
        *((b"LIMIT 1 -1", b"2 3"), (b"LIMIT 1 100 DESC", b"2 1"), (b"LIMIT 3 1", b""), (b"LIMIT 0 0", b"")),
        *((b"BY w*", b"2 3 1"), (b"BY w* DESC LIMIT 0 1", b"1"), (b"BY h*->f", b"2 3 1"), (b"BY missing*", b"1 2 3")),
        *((b"BY nosort", b"3 1 2"), (b"BY nosort DESC", b"2 1 3"), (b"BY nosort LIMIT 1 1", b"1"), (b"BY #", b"3 1 2")),
        *((b"BY nosort BY w*", b"3 1 2"), (b"BY w* ALPHA", b"2 3 1"), (b"ALPHA", b"1 2 3")),
        *((b"GET w*", b"30 10 20"), (b"GET # GET w* DESC", b"3 20 2 10 1 30"), (b"GET h*->f", b"3 1 2")),
    ],
)
def test_sort(session: Session, name: bytes, options: bytes, expected: bytes) -> None:
    assert talk(session, name + b" l " + options) == array(*expected.split())


def test_what_get_does_not_find_is_null(session: Session) -> None:
    assert talk(session, b"SORT l GET h*->g LIMIT 1 2") == b"*2\r\n" + bulk(b"two") + NULL
    for pattern in (b"nothing", b"l", b"w*->f", b"h*", b"h*->", b""):
        assert talk(session, b"SORT", b"l", b"GET", pattern) == b"*3\r\n" + 3 * NULL


def test_patterns(session: Session) -> None:
    for key, value in ((b"a1b*", b"x"), (b"a1b", b"y"), (b"a1", b"z")):
        talk(session, b"SET", key, value)
    talk(session, b"HSET e1->b c->d v")
    talk(session, b"HSET e1b c->d w")
    talk(session, b"RPUSH one 1")
    for pattern, found in (
        *((b"a*b*", b"x"), (b"a*b", b"y"), (b"a*", b"z"), (b"e*b->c->d", b"w"), (b"e*->b->c->d", None)),
        *((b"a\0*", None), (b"a*\0", None), (b"e*b->c->d\0", None)),
    ):
        assert talk(session, b"SORT", b"one", b"GET", pattern) == b"*1\r\n" + (NULL if found is None else bulk(found))


def test_sets(session: Session, engine: Engine) -> None:
    assert talk(session, b"SORT s DESC") == array(b"3", b"2", b"1")
    assert sorted(items(talk(session, b"SORT s BY nosort"))) == [b"1", b"2", b"3"]
    assert talk(session, b"SORT s BY nosort DESC STORE d") == b":3\r\n"
    assert talk(session, b"LRANGE d 0 -1") == array(b"3", b"2", b"1")


def test_sorted_sets(session: Session) -> None:
    assert talk(session, b"OBJECT ENCODING z") == bulk(b"listpack")
    assert talk(session, b"SORT z BY nosort") == array(b"b", b"a", b"c")
    assert talk(session, b"SORT z BY nosort DESC LIMIT 0 2") == array(b"c", b"a")
    assert talk(session, b"SORT z ALPHA") == array(b"a", b"b", b"c")
    assert talk(session, b"OBJECT ENCODING z") == bulk(b"skiplist")


@pytest.mark.parametrize("text", [b"a", b"1 ", b" ", b"nan", b"1x", b"1e400", b"1e-310", b"1e-400", b"--1", b"1_0"])
def test_what_is_no_number(session: Session, text: bytes) -> None:
    talk(session, b"RPUSH", b"m", b"1", text)
    talk(session, b"SET", b"w1", text)
    talk(session, b"SET d old")
    assert talk(session, b"SORT m") == talk(session, b"SORT l BY w*") == NOT_A_DOUBLE
    assert talk(session, b"SORT m STORE d") == NOT_A_DOUBLE
    assert talk(session, b"GET d") == bulk(b"old")
    assert talk(session, b"SORT", b"m", b"BY", b"nosort") == array(b"1", text)
    assert talk(session, b"SORT", b"m", b"BY", b"missing*") == array(*sorted((b"1", text)))


@pytest.mark.parametrize("text", [b"", b" 0", b"\t0", b"0\0x", b"\0", b"0x0", b"-.0"])
def test_odd_numbers(session: Session, text: bytes) -> None:
    talk(session, b"RPUSH", b"m", b"1", b"-1", text)
    assert talk(session, b"SORT", b"m") == array(b"-1", text, b"1")


def test_equal_numbers_are_sorted_as_strings(session: Session) -> None:
    talk(session, b"RPUSH m 1.0 1 +1 01")
    assert talk(session, b"SORT m") == array(b"+1", b"01", b"1", b"1.0")
    assert talk(session, b"SORT m DESC") == array(b"1.0", b"1", b"01", b"+1")


def test_alpha_compares_up_to_a_nul_unless_it_stores(session: Session) -> None:
    talk(session, b"RPUSH", b"m", b"b", b"a\0b", b"a\0a", b"\xff", b"")
    assert talk(session, b"SORT m ALPHA") == array(b"", b"a\0b", b"a\0a", b"b", b"\xff")
    talk(session, b"SORT m ALPHA STORE d")
    assert talk(session, b"LRANGE d 0 -1") == array(b"", b"a\0a", b"a\0b", b"b", b"\xff")


def test_alpha_puts_missing_weights_first(session: Session) -> None:
    talk(session, b"SET", b"w1", b"")
    talk(session, b"DEL w3")
    assert talk(session, b"SORT l BY w* ALPHA") == array(b"3", b"1", b"2")
    assert talk(session, b"SORT l BY w* ALPHA DESC") == array(b"2", b"1", b"3")


def test_store(session: Session) -> None:
    talk(session, b"SET d old EX 100")
    assert talk(session, b"SORT l STORE d") == b":3\r\n"
    assert talk(session, b"LRANGE d 0 -1") == array(b"1", b"2", b"3")
    assert talk(session, b"TTL d") == b":-1\r\n"
    assert talk(session, b"SORT l GET h*->g DESC STORE l") == b":3\r\n"
    assert talk(session, b"LRANGE l 0 -1") == array(b"", b"two", b"one")
    assert talk(session, b"SORT missing STORE d") == b":0\r\n"
    assert talk(session, b"EXISTS d") == b":0\r\n"


def test_store_serves_who_waits_for_the_list(session: Session, engine: Engine) -> None:
    waiting = Session(engine)
    assert talk(waiting, b"BLPOP d 0") == b""
    talk(session, b"SORT l STORE d")
    assert received(waiting) == array(b"d", b"1")


def test_nothing(session: Session) -> None:
    for options in (b"", b" DESC", b" ALPHA BY w*", b" BY nosort LIMIT 0 1"):
        assert talk(session, b"SORT missing" + options) == b"*0\r\n"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        *(
            (b"SORT l junk", SYNTAX),
            (b"SORT l LIMIT 1", SYNTAX),
            (b"SORT l LIMIT junk", SYNTAX),
            (b"SORT l BY", SYNTAX),
        ),
        *((b"SORT l GET", SYNTAX), (b"SORT l STORE", SYNTAX), (b"SORT_RO l STORE d", SYNTAX)),
        *((b"SORT l LIMIT a 1", NOT_AN_INTEGER), (b"SORT l LIMIT 1 1.5", NOT_AN_INTEGER)),
        *((b"SORT w1", WRONG_TYPE), (b"SORT h1 BY nosort", WRONG_TYPE), (b"SORT_RO w1", WRONG_TYPE)),
        (b"SORT w1 junk", SYNTAX),
    ],
)
def test_errors(session: Session, words: bytes, error: bytes) -> None:
    assert talk(session, words) == error


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        *((b"", b"l"), (b"STORE d STORE e", b"l e"), (b"BY STORE d", b"l"), (b"LIMIT STORE d GET x STORE y", b"l y")),
        *((b"STORE", b"l"), (b"STORE limit ASC STORE e", b"l e"), (b"STORE store STORE get", b"l get")),
    ],
)
def test_keys_of_sort(session: Session, options: bytes, keys: bytes) -> None:
    assert talk(session, b"COMMAND GETKEYS SORT l " + options) == array(*keys.split())
    assert talk(session, b"COMMAND GETKEYS SORT_RO l " + options) == array(b"l")


@given(st.lists(st.integers(-50, 50)), st.dictionaries(st.integers(-50, 50), st.integers(-5, 5)), st.booleans())
def test_sorting_is_sorting(numbers: list[int], weights: dict[int, int], descending: bool) -> None:
    session = Session(make_engine())
    for number in numbers:
        talk(session, b"RPUSH l %d" % number)
    for number, weight in weights.items():
        talk(session, b"SET w%d %d" % (number, weight))
    order = b" DESC" if descending else b""

    expected = sorted(numbers, reverse=descending)
    assert talk(session, b"SORT l" + order) == array(*(b"%d" % number for number in expected))
    elements = [b"%d" % number for number in numbers]
    assert talk(session, b"SORT l ALPHA" + order) == array(*sorted(elements, reverse=descending))
    weighed = sorted(elements, key=lambda element: (weights.get(int(element), 0), element), reverse=descending)
    assert talk(session, b"SORT l BY w*" + order) == array(*weighed)
