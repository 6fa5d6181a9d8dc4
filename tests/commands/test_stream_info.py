"""XINFO, as redis-server 7.0.15 answers it."""

import hiredis
import pytest

from respstore import errors
from respstore.engine.engine import Engine
from respstore.engine.session import Session
from tests.talk import NULL, WRONG_TYPE, bulk, pass_time, talk


@pytest.fixture(autouse=True)
def data(session: Session) -> None:
    """A stream of three that once had five, with a group."""
    for number in range(1, 6):
        talk(session, b"XADD x %d-0 f v%d" % (number, number))
    talk(session, b"XTRIM x MAXLEN 4")
    talk(session, b"XDEL x 3-0")
    talk(session, b"XGROUP CREATE x g 0")
    talk(session, b"XREADGROUP GROUP g c COUNT 2 STREAMS x >")


def answer(session: Session, words: bytes) -> object:
    """The reply as RESP3 tells it: a map is a dict."""
    session.protocol = 3
    reader = hiredis.Reader()
    reader.feed(talk(session, words))
    return reader.gets()


def test_stream(session: Session) -> None:
    assert answer(session, b"XINFO STREAM x") == {
        b"length": 3,
        b"radix-tree-keys": 1,
        b"radix-tree-nodes": 2,
        b"last-generated-id": b"5-0",
        b"max-deleted-entry-id": b"3-0",
        b"entries-added": 5,
        b"recorded-first-entry-id": b"2-0",
        b"groups": 1,
        b"first-entry": [b"2-0", [b"f", b"v2"]],
        b"last-entry": [b"5-0", [b"f", b"v5"]],
    }


def test_an_empty_stream(session: Session) -> None:
    talk(session, b"XGROUP CREATE empty g $ MKSTREAM")
    reply = talk(session, b"XINFO STREAM empty")
    assert reply.startswith(b"*20\r\n" + bulk(b"length") + b":0\r\n" + bulk(b"radix-tree-keys") + b":0\r\n")
    assert reply.endswith(bulk(b"first-entry") + NULL + bulk(b"last-entry") + NULL)


def test_full(session: Session, engine: Engine) -> None:
    now = engine.keyspace.now
    pass_time(engine, 1)
    full = answer(session, b"XINFO STREAM x FULL COUNT 1")
    assert isinstance(full, dict)
    assert full[b"entries"] == [[b"2-0", [b"f", b"v2"]]]
    assert full[b"groups"] == [
        {
            b"name": b"g",
            b"last-delivered-id": b"4-0",
            b"entries-read": None,
            b"lag": None,
            b"pel-count": 2,
            b"pending": [[b"2-0", b"c", now, 1]],
            b"consumers": [{b"name": b"c", b"seen-time": now, b"pel-count": 2, b"pending": [[b"2-0", now, 1]]}],
        }
    ]
    for words in (b"FULL", b"FULL COUNT 0", b"full count -5"):
        full = answer(session, b"XINFO STREAM x " + words)
        assert isinstance(full, dict)
        assert len(full[b"entries"]) == 3


def test_groups(session: Session) -> None:
    talk(session, b"XGROUP CREATE x a $")
    assert answer(session, b"XINFO GROUPS x") == [
        {b"name": b"a", b"consumers": 0, b"pending": 0, b"last-delivered-id": b"5-0", b"entries-read": None, b"lag": 0},
        {
            b"name": b"g",
            b"consumers": 1,
            b"pending": 2,
            b"last-delivered-id": b"4-0",
            b"entries-read": None,
            b"lag": None,
        },
    ]


def test_consumers(session: Session, engine: Engine) -> None:
    talk(session, b"XGROUP CREATECONSUMER x g a")
    pass_time(engine, 2)
    talk(session, b"XREADGROUP GROUP g a STREAMS x 0")
    assert answer(session, b"XINFO CONSUMERS x g") == [
        {b"name": b"a", b"pending": 0, b"idle": 0},
        {b"name": b"c", b"pending": 2, b"idle": 2000},
    ]


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        (b"XINFO STREAM missing", errors.NO_SUCH_KEY),
        (b"XINFO CONSUMERS missing g", errors.NO_SUCH_KEY),
        (b"XINFO CONSUMERS x h", "NOGROUP No such consumer group 'h' for key name 'x'"),
        (b"XINFO STREAM x junk", "ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP."),
        (b"XINFO STREAM x FULL x", "ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP."),
        (b"XINFO STREAM x FULL COUNT x", errors.NOT_AN_INTEGER),
    ],
)
def test_mistakes(session: Session, request_: bytes, text: str) -> None:
    assert talk(session, request_) == b"-%b\r\n" % text.encode()


def test_what_is_no_stream(session: Session) -> None:
    talk(session, b"SET s text")
    assert talk(session, b"XINFO STREAM s") == talk(session, b"XINFO GROUPS s") == WRONG_TYPE
    assert b"XINFO <subcommand>" in talk(session, b"XINFO HELP")
