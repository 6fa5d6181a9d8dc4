"""EXPIRE, PERSIST, TTL and their kin; every text as redis-server 7.0.15 sends it."""

import pytest

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from tests.talk import NOT_AN_INTEGER, pass_time, talk

NOW = 1_700_000_000  # seconds; where tests/talk.py lets the clock start
NAMES = (b"EXPIRE", b"PEXPIRE", b"EXPIREAT", b"PEXPIREAT")
MAX_INTEGER = 2**63 - 1


def time_for(name: bytes, seconds: int) -> bytes:
    """The argument with which one of NAMES lets a key expire that many seconds from now."""
    time = seconds + (NOW if name.endswith(b"AT") else 0)
    return b"%d" % (time * (1000 if name.startswith(b"P") else 1))


@pytest.fixture(autouse=True)
def data(session: Session) -> None:
    talk(session, b"SET k v")
    talk(session, b"SET t v EX 500")


# Setting


@pytest.mark.parametrize("name", NAMES)
def test_expire(session: Session, engine: Engine, name: bytes) -> None:
    assert talk(session, name, b"k", time_for(name, 100)) == b":1\r\n"
    assert talk(session, b"PTTL k") == b":100000\r\n"
    assert talk(session, name, b"k", time_for(name, 50)) == b":1\r\n"
    assert talk(session, name, b"missing", time_for(name, 100)) == b":0\r\n"
    pass_time(engine, 49.999)
    assert talk(session, b"EXISTS k") == b":1\r\n"
    pass_time(engine, 0.001)
    assert talk(session, b"DBSIZE") == b":1\r\n"
    assert talk(session, b"GET k") == b"$-1\r\n"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seconds", [0, -1, -NOW])
def test_a_time_that_is_past_deletes(session: Session, engine: Engine, name: bytes, seconds: int) -> None:
    assert talk(session, name, b"k", time_for(name, seconds)) == b":1\r\n"
    assert talk(session, b"DBSIZE") == b":1\r\n"
    assert engine.keyspace.expired == 0  # deleted, not expired


@pytest.mark.parametrize(
    ("name", "first_too_late", "last_too_early"),
    [
        (b"EXPIRE", (MAX_INTEGER - NOW * 1000) // 1000 + 1, -(2**63 // 1000) - 1),
        (b"EXPIREAT", MAX_INTEGER // 1000 + 1, -(2**63 // 1000) - 1),
        (b"PEXPIRE", MAX_INTEGER - NOW * 1000 + 1, None),
    ],
)
def test_a_time_beyond_64_bits_is_refused(
    session: Session, name: bytes, first_too_late: int, last_too_early: int | None
) -> None:
    error = b"-ERR invalid expire time in '%b' command\r\n" % name.lower()
    assert talk(session, name, b"k", b"%d" % first_too_late) == error
    assert talk(session, name, b"missing", b"%d" % first_too_late) == error
    assert talk(session, name, b"k", b"%d" % (first_too_late - 1)) == b":1\r\n"
    if last_too_early is not None:
        assert talk(session, name, b"k", b"%d" % last_too_early) == error
        assert talk(session, b"EXISTS k") == b":1\r\n"
        assert talk(session, name, b"k", b"%d" % (last_too_early + 1)) == b":1\r\n"
    assert talk(session, name, b"k", b"9223372036854775808") == NOT_AN_INTEGER


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("time", [b"a", b"1.5", b"", b" 1", b"+1", b"01", b"1e3", b"-9223372036854775809"])
def test_a_time_that_is_no_integer_is_refused(session: Session, name: bytes, time: bytes) -> None:
    assert talk(session, name, b"k", time) == NOT_AN_INTEGER
    assert talk(session, name, b"missing", time, b"NX") == NOT_AN_INTEGER


# Conditions


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("key", "seconds", "conditions", "is_set"),
    [
        (b"k", 400, b"NX", True),
        (b"k", 400, b"XX", False),
        (b"k", 400, b"GT", False),
        (b"k", 400, b"LT", True),
        (b"t", 400, b"NX", False),
        (b"t", 400, b"XX", True),
        (b"t", 400, b"GT", False),
        (b"t", 400, b"LT", True),
        (b"t", 600, b"GT", True),
        (b"t", 600, b"LT", False),
        (b"t", 500, b"GT", False),
        (b"t", 500, b"LT", False),
        (b"k", 400, b"XX LT", False),
        (b"t", 600, b"gt xx XX", True),
        (b"t", 600, b"XX LT", False),
        (b"t", -1, b"GT", False),
        (b"t", -1, b"NX", False),
        (b"k", -1, b"XX", False),
        (b"t", -1, b"LT", True),
        (b"k", -1, b"NX", True),
        (b"missing", 400, b"NX", False),
    ],
)
def test_conditions(
    session: Session, name: bytes, key: bytes, seconds: int, conditions: bytes, *, is_set: bool
) -> None:
    before = talk(session, b"TTL", key)
    assert talk(session, name, key, time_for(name, seconds), *conditions.split()) == b":%d\r\n" % is_set
    after = b":%d\r\n" % seconds if seconds > 0 else b":-2\r\n"
    assert talk(session, b"TTL", key) == (after if is_set else before)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("words", "error"),
    [
        (b"NX XX", b"NX and XX, GT or LT options at the same time are not compatible"),
        (b"GT NX", b"NX and XX, GT or LT options at the same time are not compatible"),
        (b"LT GT NX", b"NX and XX, GT or LT options at the same time are not compatible"),
        (b"GT LT", b"GT and LT options at the same time are not compatible"),
        (b"XX lt gt", b"GT and LT options at the same time are not compatible"),
        (b"Junk", b"Unsupported option Junk"),
        (b"NX XX Junk More", b"Unsupported option Junk"),
    ],
)
def test_conditions_that_are_refused(session: Session, name: bytes, words: bytes, error: bytes) -> None:
    for key in (b"k", b"missing"):
        for time in (b"100", b"not a time"):
            assert talk(session, name, key, time, *words.split()) == b"-ERR %b\r\n" % error


def test_persist(session: Session, engine: Engine) -> None:
    assert talk(session, b"PERSIST t") == b":1\r\n"
    assert talk(session, b"PERSIST t") == b":0\r\n"
    assert talk(session, b"PERSIST missing") == b":0\r\n"
    pass_time(engine, 1000)
    assert talk(session, b"TTL t") == b":-1\r\n"


def test_a_key_whose_time_is_over_cannot_be_kept(session: Session, engine: Engine) -> None:
    engine.active_expiry = False
    pass_time(engine, 500)
    assert talk(session, b"PERSIST t") == b":0\r\n"
    assert talk(session, b"EXPIRE t 100") == b":0\r\n"
    assert talk(session, b"EXISTS t") == b":0\r\n"


# Asking


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        (b"TTL", 500),
        (b"PTTL", 500_000),
        (b"EXPIRETIME", NOW + 500),
        (b"PEXPIRETIME", (NOW + 500) * 1000),
    ],
)
def test_asking(session: Session, name: bytes, answer: int) -> None:
    assert talk(session, name + b" t") == b":%d\r\n" % answer
    assert talk(session, name + b" k") == b":-1\r\n"
    assert talk(session, name + b" missing") == b":-2\r\n"


@pytest.mark.parametrize(("ms", "seconds"), [(1, 0), (499, 0), (500, 1), (1499, 1), (1500, 2)])
def test_seconds_are_rounded_to_the_nearest(session: Session, ms: int, seconds: int) -> None:
    talk(session, b"PEXPIRE k %d" % ms)
    assert talk(session, b"TTL k") == b":%d\r\n" % seconds
    assert talk(session, b"EXPIRETIME k") == b":%d\r\n" % (NOW + seconds)


def test_the_latest_time_of_all(session: Session) -> None:
    assert talk(session, b"PEXPIREAT k 9223372036854775807") == b":1\r\n"
    assert talk(session, b"PEXPIRETIME k") == b":9223372036854775807\r\n"
    assert talk(session, b"EXPIRETIME k") == b":9223372036854776\r\n"


def test_asking_for_a_key_whose_time_is_over(session: Session, engine: Engine) -> None:
    engine.active_expiry = False
    for name in (b"TTL", b"PTTL", b"EXPIRETIME", b"PEXPIRETIME"):
        talk(session, b"SET t v PX 1")
        pass_time(engine, 1)
        assert talk(session, name + b" t") == b":-2\r\n"
