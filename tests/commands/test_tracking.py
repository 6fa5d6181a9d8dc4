"""CLIENT TRACKING, CACHING, GETREDIR and TRACKINGINFO; every text as redis-server 7.0.15 sends it."""

import pytest

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from tests.talk import NOT_AN_INTEGER, OK, SYNTAX, array, bulk, talk


def info(session: Session) -> tuple[list[bytes], int, list[bytes]]:
    """Flags, redirection and prefixes, but for the empty one, of CLIENT TRACKINGINFO in RESP2."""
    words = talk(session, b"CLIENT TRACKINGINFO").split(b"\r\n")
    texts = [word for word in words if word and word[:1] not in b"*$"]
    middle = texts.index(b"redirect")
    assert texts[0] == b"flags"
    assert texts[middle + 2] == b"prefixes"
    return texts[1:middle], int(texts[middle + 1][1:]), texts[middle + 3 :]


@pytest.mark.parametrize(
    ("options", "flags", "prefixes"),
    [
        (b"ON", [b"on"], []),
        (b"on NoLoop", [b"on", b"noloop"], []),
        (b"ON OPTIN", [b"on", b"optin"], []),
        (b"ON OPTOUT NOLOOP", [b"on", b"optout", b"noloop"], []),
        (b"ON BCAST", [b"on", b"bcast"], []),
        (b"ON PREFIX b BCAST PREFIX a NOLOOP", [b"on", b"bcast", b"noloop"], [b"a", b"b"]),
        (b"OFF", [b"off"], []),
    ],
)
def test_info(session: Session, options: bytes, flags: list[bytes], prefixes: list[bytes]) -> None:
    assert talk(session, b"CLIENT TRACKING " + options) == OK
    assert info(session) == (flags, -1 if flags == [b"off"] else 0, prefixes)


def test_info_is_a_map_in_resp3(session: Session) -> None:
    session.speak(3)
    talk(session, b"CLIENT TRACKING ON BCAST")
    assert talk(session, b"CLIENT TRACKINGINFO") == (
        b"%3\r\n" + bulk(b"flags") + b"~2\r\n" + bulk(b"on") + bulk(b"bcast") + bulk(b"redirect") + b":0\r\n"
        + bulk(b"prefixes") + array(b"")
    )  # fmt: skip


def test_redirection(session: Session, engine: Engine) -> None:
    other = Session(engine)
    assert talk(session, b"CLIENT GETREDIR") == b":-1\r\n"
    talk(session, b"CLIENT TRACKING ON")
    assert talk(session, b"CLIENT GETREDIR") == b":0\r\n"
    talk(session, b"CLIENT TRACKING ON REDIRECT %d" % other.id)
    assert talk(session, b"CLIENT GETREDIR") == b":%d\r\n" % other.id
    assert b" redir=%d " % other.id in talk(session, b"CLIENT INFO")
    talk(session, b"CLIENT TRACKING OFF")
    assert b" redir=-1 " in talk(session, b"CLIENT INFO")


@pytest.mark.parametrize(
    ("options", "reply"),
    [
        (b"junk", SYNTAX),
        (b"ON junk", SYNTAX),
        (b"ON REDIRECT", SYNTAX),
        (b"ON PREFIX", SYNTAX),
        (b"ON REDIRECT x", NOT_AN_INTEGER),
        (b"ON REDIRECT 0", b"-ERR The client ID you want redirect to does not exist\r\n"),
        (b"OFF REDIRECT 99", b"-ERR The client ID you want redirect to does not exist\r\n"),
        (b"ON REDIRECT 1 REDIRECT 1", b"-ERR A client can only redirect to a single other client\r\n"),
        (b"ON PREFIX x", b"-ERR PREFIX option requires BCAST mode to be enabled\r\n"),
        (b"ON BCAST OPTIN", b"-ERR OPTIN and OPTOUT are not compatible with BCAST\r\n"),
        (b"ON OPTIN OPTOUT", b"-ERR You can't specify both OPTIN mode and OPTOUT mode\r\n"),
        (
            b"ON BCAST PREFIX a PREFIX ab",
            (
                b"-ERR Prefix 'a' overlaps with another provided prefix 'ab'. "
                b"Prefixes for a single client must not overlap.\r\n"
            ),
        ),
    ],
)
def test_refused(session: Session, options: bytes, reply: bytes) -> None:
    assert talk(session, b"CLIENT TRACKING " + options) == reply
    assert session.tracking is None


@pytest.mark.parametrize(
    ("first", "second", "reply"),
    [
        (b"BCAST", b"", b"-ERR You can't switch BCAST mode on/off"),
        (b"", b"BCAST", b"-ERR You can't switch BCAST mode on/off"),
        (b"OPTIN", b"OPTOUT", b"-ERR You can't switch OPTIN/OPTOUT mode"),
        (b"OPTOUT", b"OPTIN", b"-ERR You can't switch OPTIN/OPTOUT mode"),
        (b"OPTIN", b"", OK),
        (b"OPTIN", b"OPTIN NOLOOP", OK),
        (b"BCAST PREFIX a", b"BCAST PREFIX ab", b"-ERR Prefix 'ab' overlaps with an existing prefix 'a'."),
        (b"BCAST PREFIX a", b"BCAST PREFIX b", OK),
        (b"BCAST PREFIX a", b"BCAST", OK),
    ],
)
def test_a_second_time(session: Session, first: bytes, second: bytes, reply: bytes) -> None:
    talk(session, b"CLIENT TRACKING ON " + first)
    assert talk(session, b"CLIENT TRACKING ON " + second).startswith(reply)
    talk(session, b"CLIENT TRACKING OFF")
    assert talk(session, b"CLIENT TRACKING ON " + second) == OK


def test_caching(session: Session) -> None:
    assert talk(session, b"CLIENT CACHING YES").startswith(b"-ERR CLIENT CACHING can be called only when the client is")
    talk(session, b"CLIENT TRACKING ON OPTIN")
    assert talk(session, b"CLIENT CACHING junk") == SYNTAX
    assert talk(session, b"CLIENT CACHING NO").startswith(b"-ERR CLIENT CACHING NO is only valid when tracking is")
    assert talk(session, b"CLIENT CACHING yes") == OK
    assert info(session)[0] == [b"on", b"optin", b"caching-yes"]
    talk(session, b"PING")
    assert info(session)[0] == [b"on", b"optin"]
    talk(session, b"CLIENT TRACKING OFF")
    talk(session, b"CLIENT TRACKING ON OPTOUT")
    assert talk(session, b"CLIENT CACHING YES").startswith(b"-ERR CLIENT CACHING YES is only valid when tracking is")
    assert talk(session, b"CLIENT CACHING no") == OK
    assert info(session)[0] == [b"on", b"optout", b"caching-no"]


def test_what_others_see_of_it(session: Session, engine: Engine) -> None:
    other = Session(engine)
    talk(session, b"CLIENT TRACKING ON BCAST PREFIX a PREFIX b")
    assert b" flags=tB " in talk(other, b"CLIENT LIST ID %d" % session.id)
    talk(other, b"CLIENT TRACKING ON")
    talk(other, b"MGET x y")
    assert b"tracking_clients:2\r\n" in talk(other, b"INFO clients")
    stats = talk(other, b"INFO stats")
    for line in (b"tracking_total_keys:2", b"tracking_total_items:2", b"tracking_total_prefixes:2"):
        assert line + b"\r\n" in stats


def test_reset_ends_it(session: Session) -> None:
    talk(session, b"CLIENT TRACKING ON BCAST")
    talk(session, b"RESET")
    assert info(session)[0] == [b"off"]


def test_hello_does_not(session: Session) -> None:
    talk(session, b"CLIENT TRACKING ON")
    talk(session, b"HELLO 2")
    assert info(session)[0] == [b"on"]
