"""Commands that combine sets; every text as redis-server 7.0.15 sends it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respstore.engine.session import Session
from tests.commands.test_sets import encoding, items, members
from tests.talk import SYNTAX, WRONG_TYPE, array, make_engine, talk

NUMKEYS = b"-ERR numkeys should be greater than 0\r\n"
TOO_FEW_KEYS = b"-ERR Number of keys can't be greater than number of args\r\n"
LIMIT_NEGATIVE = b"-ERR LIMIT can't be negative\r\n"


@pytest.fixture(autouse=True)
def data(session: Session) -> None:
    """Two sets of numbers, one of letters, and a string."""
    for line in (b"SADD a 4 3 2 1", b"SADD b 5 4 3", b"SADD l 4 x", b"SET s text"):
        talk(session, line)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (b"SINTER a", b"1 2 3 4"),
        (b"SINTER a b", b"3 4"),
        (b"SINTER a l b", b"4"),
        (b"SINTER a a", b"1 2 3 4"),
        (b"SINTER a missing", b""),
        (b"SUNION a b", b"1 2 3 4 5"),
        (b"SUNION missing b missing", b"3 4 5"),
        (b"SUNION missing", b""),
        (b"SDIFF a", b"1 2 3 4"),
        (b"SDIFF a b", b"1 2"),
        (b"SDIFF a l l l", b"1 2 3"),
        (b"SDIFF a a", b""),
        (b"SDIFF a missing", b"1 2 3 4"),
        (b"SDIFF missing a", b""),
    ],
)
def test_results_of_numbers_are_in_order(session: Session, request_: bytes, expected: bytes) -> None:
    assert talk(session, request_) == array(*expected.split())
    session.protocol = 3
    assert talk(session, request_) == b"~" + array(*expected.split())[1:]
    name, _, keys = request_.partition(b" ")
    session.protocol = 2
    assert talk(session, name + b"STORE r " + keys) == b":%d\r\n" % len(expected.split())
    assert talk(session, b"SMEMBERS r") == array(*expected.split())


@pytest.mark.parametrize("name", [b"SINTER", b"SUNION", b"SDIFF", b"SINTERSTORE r", b"SUNIONSTORE r", b"SDIFFSTORE r"])
@pytest.mark.parametrize("keys", [b"s", b"a s", b"s a", b"missing s", b"s missing"])
def test_every_key_must_be_a_set(session: Session, name: bytes, keys: bytes) -> None:
    assert talk(session, name + b" " + keys) == WRONG_TYPE
    assert talk(session, b"EXISTS r") == b":0\r\n"


@pytest.mark.parametrize("name", [b"SINTERSTORE", b"SUNIONSTORE", b"SDIFFSTORE"])
def test_the_result_takes_the_place_of_what_was_there(session: Session, name: bytes) -> None:
    talk(session, b"SET r text EX 100")
    assert talk(session, name + b" r a") == b":4\r\n"
    assert talk(session, b"TTL r") == b":-1\r\n"
    talk(session, b"SREM r 1")
    assert len(members(session, b"a")) == 4  # the result is another set than its source
    assert talk(session, name + b" r missing") == b":0\r\n"
    assert talk(session, b"EXISTS r") == b":0\r\n"
    assert talk(session, name + b" a a") == b":4\r\n"


def test_sintercard(session: Session) -> None:
    assert talk(session, b"SINTERCARD 2 a b") == b":2\r\n"
    assert talk(session, b"SINTERCARD 2 a missing") == b":0\r\n"
    for limit, count in ((0, 4), (1, 1), (4, 4), (9, 4)):
        assert talk(session, b"SINTERCARD 1 a limit %d" % limit) == b":%d\r\n" % count
    assert talk(session, b"SINTERCARD 1 a LIMIT 1 LIMIT 2") == b":2\r\n"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (b"0 a", NUMKEYS),
        (b"-1 a", NUMKEYS),
        (b"x a", NUMKEYS),
        (b"2 a", TOO_FEW_KEYS),
        (b"9223372036854775807 a", TOO_FEW_KEYS),
        (b"1 a b", SYNTAX),
        (b"1 a LIMIT", SYNTAX),
        (b"1 a LIMIT -1", LIMIT_NEGATIVE),
        (b"1 a LIMIT x", LIMIT_NEGATIVE),
        (b"1 s LIMIT x", LIMIT_NEGATIVE),
        (b"2 a s", WRONG_TYPE),
        (b"2 missing s", WRONG_TYPE),
    ],
)
def test_sintercard_refuses(session: Session, arguments: bytes, error: bytes) -> None:
    assert talk(session, b"SINTERCARD " + arguments) == error


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (b"SINTERSTORE r a l", b"intset"),
        (b"SINTERSTORE r l", b"hashtable"),
        (b"SUNIONSTORE r a b", b"intset"),
        (b"SUNIONSTORE r a l", b"hashtable"),
        (b"SDIFFSTORE r a l", b"intset"),
        (b"SDIFFSTORE r l a", b"hashtable"),
        (b"SDIFFSTORE r table one", b"intset"),
        (b"SDIFFSTORE r table one one one", b"hashtable"),  # a copy that was a table when the letter was in it
    ],
)
def test_encoding_of_a_result(session: Session, line: bytes, name: bytes) -> None:
    talk(session, b"SADD table 1 2 3 4 5 6 7 8 x")
    talk(session, b"SADD one x")
    talk(session, line)
    assert encoding(session, b"r") == name


def test_a_result_of_too_many_numbers_is_a_table() -> None:
    session = Session(make_engine(set_max_intset_entries=3))
    talk(session, b"SADD a 1 2 3")
    talk(session, b"SADD b 4")
    talk(session, b"SUNIONSTORE r a b")
    assert encoding(session, b"r") == b"hashtable"
    talk(session, b"SUNIONSTORE r a")
    assert encoding(session, b"r") == b"intset"


SETS = st.lists(
    st.sets(st.sampled_from([b"%d" % number for number in range(6)] + [b"a", b"b"])), min_size=1, max_size=4
)


@given(SETS)
def test_sets_combine_as_in_python(sets: list[set[bytes]]) -> None:
    session = Session(make_engine())
    keys = [b"k%d" % number for number in range(len(sets))]
    for key, value in zip(keys, sets, strict=True):
        if value:
            talk(session, b"SADD", key, *value)
    first, *others = sets
    expected = {
        b"SINTER": first.intersection(*others),
        b"SUNION": first.union(*others),
        b"SDIFF": first.difference(*others),
    }
    for name, result in expected.items():
        found = items(talk(session, name, *keys))
        assert sorted(found) == sorted(result)
        assert talk(session, name + b"STORE", b"r", *keys) == b":%d\r\n" % len(result)
        assert members(session, b"r") == result
    assert talk(session, b"SINTERCARD", b"%d" % len(keys), *keys) == b":%d\r\n" % len(expected[b"SINTER"])
