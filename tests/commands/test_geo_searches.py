"""Searches for places; every text as redis-server 7.0.15 sends it."""

import pytest

from respstore.engine.session import Session
from tests.talk import NOT_AN_INTEGER, SYNTAX, WRONG_TYPE, array, bulk, talk

UNIT = b"-ERR unsupported unit provided. please use M, KM, FT, MI\r\n"
NOT_A_MEMBER = b"-ERR could not decode requested zset member\r\n"
NOT_A_PLACE = b"-ERR invalid longitude,latitude pair 181.000000,0.000000\r\n"
COUNT = b"-ERR COUNT must be > 0\r\n"
ANY = b"-ERR the ANY argument requires COUNT argument\r\n"
EMPTY = b"*0\r\n"


@pytest.fixture(autouse=True)
def data(session: Session) -> None:
    """Five places, and a string."""
    talk(session, b"GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania 0 0 null")
    talk(session, b"GEOADD g 12.758489 38.788135 edge1 17.241510 38.788135 edge2")
    talk(session, b"SET s text")


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (b"FROMLONLAT 15 37 BYRADIUS 200 km ASC", b"Catania Palermo"),
        (b"BYRADIUS 200 km DESC FROMLONLAT 15 37", b"Palermo Catania"),
        (b"fromlonlat 15 37 bybox 400 400 km asc", b"Catania Palermo edge2 edge1"),
        (b"FROMLONLAT 15 37 BYBOX 400 400 km COUNT 3", b"Catania Palermo edge2"),
        (b"FROMLONLAT 15 37 BYBOX 400 400 km COUNT 1 DESC", b"edge1"),
        (b"FROMMEMBER Palermo BYRADIUS 0 m", b"Palermo"),
        (b"FROMMEMBER Palermo BYRADIUS 100 mi", b"Palermo edge1"),
        (b"FROMMEMBER null BYRADIUS 5000 km COUNT 100 ANY ASC", b"null Catania Palermo edge1 edge2"),
        (b"FROMLONLAT 15 37 BYRADIUS inf m ASC", b"Catania Palermo edge2 edge1 null"),
        (b"FROMLONLAT -100 37 BYRADIUS 1 km", b""),
    ],
)
def test_geosearch(session: Session, arguments: bytes, found: bytes) -> None:
    reply = talk(session, b"GEOSEARCH g " + arguments)
    if b"SC" in arguments.upper() or b"COUNT" in arguments:
        assert reply == array(*found.split())
    else:
        assert sorted(reply.split()) == sorted(array(*found.split()).split())
    assert talk(session, b"GEOSEARCH missing " + arguments) == EMPTY


def test_any_so_many(session: Session) -> None:
    reply = talk(session, b"GEOSEARCH g FROMLONLAT 15 37 BYBOX 400 400 km COUNT 2 ANY")
    assert reply.startswith(b"*2\r\n")


def test_a_search_shows_what_is_asked_for(session: Session) -> None:
    request_ = b"GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 100 km WITHHASH WITHCOORD WITHDIST"
    head = b"*1\r\n*4\r\n" + bulk(b"Catania") + bulk(b"56.4413") + b":3479447370796909\r\n"
    assert talk(session, request_) == head + array(b"15.08726745843887329", b"37.50266842333162032")
    session.protocol = 3
    assert talk(session, request_) == head + b"*2\r\n,15.08726745843887329\r\n,37.50266842333162032\r\n"
    assert talk(session, b"GEOSEARCH g FROMMEMBER null BYRADIUS 1 mi WITHDIST") == b"*1\r\n" + array(b"null", b"0.0000")


@pytest.mark.parametrize(
    ("arguments", "reply"),
    [
        (b"FROMMEMBER missing BYRADIUS 1 x", NOT_A_MEMBER),
        (b"FROMLONLAT 181 0 BYRADIUS 1 m", NOT_A_PLACE),
        (b"FROMLONLAT x 0 BYRADIUS 1 m", b"-ERR value is not a valid float\r\n"),
        (b"FROMLONLAT 0 0 BYRADIUS x m", b"-ERR need numeric radius\r\n"),
        (b"FROMLONLAT 0 0 BYRADIUS -1 x", b"-ERR radius cannot be negative\r\n"),
        (b"FROMLONLAT 0 0 BYRADIUS 1 x", UNIT),
        (b"FROMLONLAT 0 0 BYBOX x x x", b"-ERR need numeric width\r\n"),
        (b"FROMLONLAT 0 0 BYBOX 1 x x", b"-ERR need numeric height\r\n"),
        (b"FROMLONLAT 0 0 BYBOX 1 -1 x", b"-ERR height or width cannot be negative\r\n"),
        (b"FROMLONLAT 0 0 BYBOX 1 1 x", UNIT),
        (b"FROMLONLAT 0 0 BYRADIUS 1 m COUNT 0", COUNT),
        (b"FROMLONLAT 0 0 BYRADIUS 1 m COUNT x", NOT_AN_INTEGER),
        (b"FROMLONLAT 0 0 BYRADIUS 1 m COUNT", SYNTAX),
        (b"FROMLONLAT 0 0 BYRADIUS 1 m ANY", ANY),
        (b"FROMLONLAT 0 0 BYRADIUS 1 m STORE d", SYNTAX),
        (b"FROMLONLAT 0 0 BYRADIUS 1 m junk", SYNTAX),
        (b"FROMLONLAT 0 0 FROMMEMBER a BYRADIUS 1 m", SYNTAX),
        (b"FROMMEMBER null FROMLONLAT 0 0 BYRADIUS 1 m", SYNTAX),
        (b"FROMLONLAT 0 0 BYRADIUS 1 m BYBOX 1 1 m", SYNTAX),
        (b"FROMLONLAT 0 0 BYBOX 1 1 m BYRADIUS 1 m", SYNTAX),
        (
            b"BYRADIUS 1 m ASC ASC",
            b"-ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for GEOSEARCH\r\n",
        ),
        (b"FROMLONLAT 0 0 ASC ANY", b"-ERR exactly one of BYRADIUS and BYBOX can be specified for GEOSEARCH\r\n"),
    ],
)
def test_geosearch_refuses(session: Session, arguments: bytes, reply: bytes) -> None:
    assert talk(session, b"GEOSEARCH g " + arguments) == reply
    if reply != NOT_A_MEMBER:
        assert talk(session, b"GEOSEARCH missing " + arguments) == reply
    assert talk(session, b"GEOSEARCH s " + arguments) == WRONG_TYPE  # judged before anything else


def test_geosearchstore(session: Session) -> None:
    request_ = b"GEOSEARCHSTORE s g FROMLONLAT 15 37 BYRADIUS 200 km"
    assert talk(session, request_) == b":2\r\n"
    expected = array(b"Palermo", b"3479099956230698", b"Catania", b"3479447370796909")
    assert talk(session, b"ZRANGE s 0 -1 WITHSCORES") == expected
    assert talk(session, request_ + b" STOREDIST COUNT 1") == b":1\r\n"
    assert talk(session, b"ZSCORE s Catania").startswith(b"$18\r\n56.4412578701582")
    assert talk(session, b"GEOSEARCHSTORE s g FROMLONLAT -100 37 BYRADIUS 1 m") == b":0\r\n"
    assert talk(session, b"EXISTS s") == b":0\r\n"
    talk(session, b"SET s text")
    assert talk(session, b"GEOSEARCHSTORE s missing FROMMEMBER a BYRADIUS 1 m") == b":0\r\n"
    assert talk(session, b"EXISTS s") == b":0\r\n"


@pytest.mark.parametrize("option", [b"WITHDIST", b"WITHCOORD", b"WITHHASH"])
def test_what_is_stored_is_not_shown(session: Session, option: bytes) -> None:
    error = b" is not compatible with WITHDIST, WITHHASH and WITHCOORD options\r\n"
    reply = talk(session, b"GEOSEARCHSTORE d g FROMMEMBER null BYRADIUS 1 m " + option)
    assert reply == b"-ERR GEOSEARCHSTORE" + error
    for name in (b"GEORADIUS g 0 0", b"GEORADIUSBYMEMBER g null"):
        assert talk(session, name + b" 1 m STORE d " + option) == b"-ERR STORE option in GEORADIUS" + error


@pytest.mark.parametrize("name", [b"GEORADIUS", b"GEORADIUS_RO"])
def test_georadius(session: Session, name: bytes) -> None:
    assert talk(session, name + b" g 15 37 200 km ASC") == array(b"Catania", b"Palermo")
    assert talk(session, name + b" g 15 37 200 km COUNT 1 WITHDIST") == b"*1\r\n" + array(b"Catania", b"56.4413")
    assert talk(session, name + b" g 181 0 x m") == NOT_A_PLACE
    assert talk(session, name + b" missing 15 37 x m") == b"-ERR need numeric radius\r\n"
    assert talk(session, name + b" missing 15 37 1 m") == EMPTY
    assert talk(session, name + b" g 15 37 1 m BYRADIUS 1 m") == SYNTAX
    assert talk(session, name + b" s x 37 1 m") == WRONG_TYPE


@pytest.mark.parametrize("name", [b"GEORADIUSBYMEMBER", b"GEORADIUSBYMEMBER_RO"])
def test_georadiusbymember(session: Session, name: bytes) -> None:
    assert talk(session, name + b" g Catania 200 km ASC") == array(b"Catania", b"Palermo")
    assert talk(session, name + b" g missing x m") == NOT_A_MEMBER
    assert talk(session, name + b" g null 1 x") == UNIT
    assert talk(session, name + b" missing a x junk ASC") == EMPTY  # nobody looks
    assert talk(session, name + b" missing a x junk ANY") == ANY
    assert talk(session, name + b" s a x m") == WRONG_TYPE


def test_georadius_stores(session: Session) -> None:
    assert talk(session, b"GEORADIUS g 15 37 200 km STORE d") == b":2\r\n"
    assert talk(session, b"ZRANGE d 0 -1") == array(b"Palermo", b"Catania")
    assert talk(session, b"GEORADIUSBYMEMBER g Catania 200 km STORE x STOREDIST d") == b":2\r\n"
    assert talk(session, b"ZRANGE d 0 -1") == array(b"Catania", b"Palermo")
    assert talk(session, b"EXISTS x") == b":0\r\n"
    assert talk(session, b"GEORADIUSBYMEMBER missing a 1 m STORE d") == b":0\r\n"
    assert talk(session, b"EXISTS d") == b":0\r\n"
    assert talk(session, b"GEORADIUS g 15 37 200 km STORE") == SYNTAX


@pytest.mark.parametrize(
    "request_", [b"GEORADIUS_RO g 15 37 200 km STORE d", b"GEORADIUSBYMEMBER_RO g null 1 m STORE d"]
)
def test_who_only_reads_stores_nothing(session: Session, request_: bytes) -> None:
    assert talk(session, request_) == SYNTAX


def test_a_search_with_any_looks_no_further(session: Session) -> None:
    """It stops within a piece of the places, however many there are."""
    places = b" ".join(b"13.36%04d 38.11 p%d" % (number % 10_000, number) for number in range(2000))
    talk(session, b"GEOADD many " + places)
    value = session.db.get(b"many")
    looked_at = 0
    original = type(value).slice

    def counting(self: object, low: int, high: int) -> object:
        nonlocal looked_at
        looked_at += high - low
        return original(self, low, high)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(value), "slice", counting)
        assert talk(session, b"GEOSEARCH many FROMLONLAT 13.36 38.11 BYRADIUS 900 km COUNT 3 ANY").startswith(b"*3\r\n")
    assert 3 <= looked_at <= 256


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        (b"", b"g"),
        (b"STORE a", b"g a"),
        (b"COUNT 1 ANY STOREDIST a ASC STORE b", b"g b a"),
        (b"STORE a STORE b", b"g a b"),
        (b"STORE store STOREDIST a", b"g store a"),
        (b"STORE", b"g"),
    ],
)
def test_which_keys_are_read_and_written(session: Session, options: bytes, keys: bytes) -> None:
    assert talk(session, b"COMMAND GETKEYS GEORADIUS g 0 0 1 m " + options) == array(*keys.split())
    assert talk(session, b"COMMAND GETKEYS GEORADIUSBYMEMBER g m 1 m " + options) == array(*keys.split())
    assert talk(session, b"COMMAND GETKEYS GEORADIUS_RO g 0 0 1 m " + options) == array(b"g")
