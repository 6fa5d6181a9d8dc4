"""Commands on places; every text as redis-server 7.0.15 sends it."""

import pytest

from respstore.engine.session import Session
from tests.talk import NULL, NULL_ARRAY, SYNTAX, WRONG_TYPE, array, bulk, talk

UNIT = b"-ERR unsupported unit provided. please use M, KM, FT, MI\r\n"
NOT_A_FLOAT = b"-ERR value is not a valid float\r\n"
PALERMO = array(b"13.36138933897018433", b"38.11555639549629859")


@pytest.fixture(autouse=True)
def data(session: Session) -> None:
    """Two places, and a string."""
    talk(session, b"GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania")
    talk(session, b"SET s text")


def test_places_are_members_of_a_sorted_set(session: Session) -> None:
    expected = array(b"Palermo", b"3479099956230698", b"Catania", b"3479447370796909")
    assert talk(session, b"ZRANGE g 0 -1 WITHSCORES") == expected
    assert talk(session, b"TYPE g") == b"+zset\r\n"


def test_geoadd(session: Session) -> None:
    assert talk(session, b"GEOADD g 1 1 a 2 2 Palermo") == b":1\r\n"
    assert talk(session, b"GEOADD g CH 1 1 a 3 3 Palermo 4 4 b") == b":2\r\n"
    assert talk(session, b"GEOADD g nx ch 5 5 a 6 6 c") == b":1\r\n"
    assert talk(session, b"GEOADD g XX 7 7 missing") == b":0\r\n"
    assert talk(session, b"ZCARD g") == b":5\r\n"


@pytest.mark.parametrize(
    ("arguments", "reply"),
    [
        (b"1 1 a 2", SYNTAX),
        (b"NX XX 1 1 a", SYNTAX),
        (b"NX CH NX", SYNTAX),
        (b"GT 1 1 a", SYNTAX),
        (b"x 1 a", NOT_A_FLOAT),
        (b"1 nan a", NOT_A_FLOAT),
        (b"1 1 a 181 2.5 b", b"-ERR invalid longitude,latitude pair 181.000000,2.500000\r\n"),
        (b"inf -85.06 a", b"-ERR invalid longitude,latitude pair inf,-85.060000\r\n"),
    ],
)
def test_geoadd_refuses(session: Session, arguments: bytes, reply: bytes) -> None:
    assert talk(session, b"GEOADD g " + arguments) == reply
    assert talk(session, b"GEOADD s " + arguments) == reply
    assert talk(session, b"ZCARD g") == b":2\r\n"


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        (b"", b"166274.1516"),
        (b"m", b"166274.1516"),
        (b"KM", b"166.2742"),
        (b"mi", b"103.3182"),
        (b"ft", b"545518.8700"),
    ],
)
def test_geodist(session: Session, unit: bytes, expected: bytes) -> None:
    for protocol in (2, 3):
        session.protocol = protocol
        assert talk(session, b"GEODIST g Palermo Catania " + unit) == bulk(expected)


def test_geodist_without_a_distance(session: Session) -> None:
    assert talk(session, b"GEODIST g Palermo missing") == NULL
    assert talk(session, b"GEODIST missing a b") == NULL
    assert talk(session, b"GEODIST missing a b parsec") == UNIT
    assert talk(session, b"GEODIST g Palermo Catania m km") == SYNTAX
    assert talk(session, b"GEODIST s a b") == WRONG_TYPE


def test_geohash(session: Session) -> None:
    assert talk(session, b"GEOHASH g Palermo missing") == b"*2\r\n" + bulk(b"sqc8b49rny0") + NULL
    assert talk(session, b"GEOHASH missing a") == b"*1\r\n" + NULL
    assert talk(session, b"GEOHASH g") == b"*0\r\n"
    assert talk(session, b"GEOHASH s a") == WRONG_TYPE


def test_geopos(session: Session) -> None:
    assert talk(session, b"GEOPOS g Palermo missing") == b"*2\r\n" + PALERMO + NULL_ARRAY
    assert talk(session, b"GEOPOS missing a") == b"*1\r\n" + NULL_ARRAY
    assert talk(session, b"GEOPOS s a") == WRONG_TYPE
    session.protocol = 3
    expected = b"*2\r\n*2\r\n,13.36138933897018433\r\n,38.11555639549629859\r\n_\r\n"
    assert talk(session, b"GEOPOS g Palermo missing") == expected
