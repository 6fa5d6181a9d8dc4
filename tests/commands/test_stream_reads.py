"""Reading what is new in streams, and waiting for it."""

import pytest

from respstore import errors
from respstore.engine.engine import Engine
from respstore.engine.session import Session
from tests.commands.test_streams import entries
from tests.talk import NULL_ARRAY, array, bulk, pass_time, received, talk

PARKED = b""


@pytest.fixture
def writer(engine: Engine) -> Session:
    return Session(engine)


@pytest.fixture(autouse=True)
def data(session: Session) -> None:
    """A stream of three, and a string."""
    for number in (1, 2, 3):
        talk(session, b"XADD x %d-%d f v%d" % (number, number, number))
    talk(session, b"SET s text")


def read(key: bytes, *wanted: tuple[bytes, bytes]) -> bytes:
    """The reply about one stream."""
    return b"*1\r\n*2\r\n" + bulk(key) + entries(*wanted)


def test_what_is_behind_an_id(session: Session) -> None:
    assert talk(session, b"XREAD STREAMS x 2") == read(b"x", (b"2-2", b"f v2"), (b"3-3", b"f v3"))
    assert talk(session, b"XREAD COUNT 1 STREAMS x 0") == read(b"x", (b"1-1", b"f v1"))
    assert talk(session, b"XREAD COUNT -1 BLOCK 9 STREAMS x missing 2-2 0") == read(b"x", (b"3-3", b"f v3"))
    assert talk(session, b"XREAD STREAMS x 3-3") == talk(session, b"XREAD STREAMS x $") == NULL_ARRAY


def test_several_streams_and_one_twice(session: Session) -> None:
    talk(session, b"XADD y 1 f w")
    wanted = b"*2\r\n" + bulk(b"x") + entries((b"3-3", b"f v3"))
    assert talk(session, b"XREAD STREAMS x y x 3 0 2-2") == (
        b"*3\r\n" + wanted + b"*2\r\n" + bulk(b"y") + entries((b"1-0", b"f w")) + wanted
    )
    talk(session, b"HELLO 3")
    wanted = bulk(b"x") + entries((b"3-3", b"f v3"))
    assert talk(session, b"XREAD STREAMS x x 2-2 2-2") == b"%2\r\n" + wanted * 2


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        (b"XREAD STREAMS x x 0", errors.UNBALANCED_STREAMS),
        (b"XREAD COUNT 1 x 0", errors.SYNTAX),
        (b"XREAD COUNT 1 STREAMS", errors.SYNTAX),
        (b"XREAD COUNT x STREAMS x 0", errors.NOT_AN_INTEGER),
        (b"XREAD BLOCK x STREAMS x 0", errors.TIMEOUT_NOT_AN_INTEGER),
        (b"XREAD BLOCK -1 STREAMS x 0", errors.TIMEOUT_NEGATIVE),
        (b"XREAD NOACK STREAMS x 0", errors.NOACK_IN_XREAD),
        (b"XREAD GROUP g c STREAMS x 0", errors.GROUP_IN_XREAD),
        (b"XREAD STREAMS x >", errors.NEW_IN_XREAD),
        (b"XREAD STREAMS s 0", errors.WRONG_TYPE),
        (b"XREAD STREAMS x junk", errors.INVALID_STREAM_ID),
        (b"XREADGROUP COUNT 1 NOACK STREAMS x 0", errors.GROUP_MISSING),
        (
            b"XREADGROUP GROUP g c STREAMS x >",
            "NOGROUP No such key 'x' or consumer group 'g' in XREADGROUP with GROUP option",
        ),
        (
            b"XREADGROUP GROUP g c STREAMS missing >",
            "NOGROUP No such key 'missing' or consumer group 'g' in XREADGROUP with GROUP option",
        ),
    ],
)
def test_mistakes(session: Session, request_: bytes, text: str) -> None:
    assert talk(session, request_) == b"-%b\r\n" % text.encode()


# Waiting


def test_a_reader_waits_for_an_entry(session: Session, writer: Session) -> None:
    assert talk(session, b"XREAD BLOCK 0 STREAMS x $") == PARKED
    talk(writer, b"XADD x 4 f v4")
    assert received(session) == read(b"x", (b"4-0", b"f v4"))


def test_a_reader_waits_for_a_stream_and_its_id(session: Session, writer: Session) -> None:
    assert talk(session, b"XREAD BLOCK 0 STREAMS new x new 7 $ 0") == PARKED
    talk(writer, b"XADD new 6 f v")
    assert received(session) == PARKED
    talk(writer, b"XADD new 8 f v")
    assert received(session) == read(b"new", (b"8-0", b"f v"))


def test_all_readers_get_an_entry(session: Session, writer: Session, engine: Engine) -> None:
    other = Session(engine)
    talk(session, b"XREAD BLOCK 0 STREAMS x $")
    talk(other, b"XREAD BLOCK 0 STREAMS x $")
    talk(writer, b"XADD x 4 f v4")
    assert received(session) == received(other) == read(b"x", (b"4-0", b"f v4"))


def test_a_reader_gives_up(session: Session, engine: Engine) -> None:
    assert talk(session, b"XREAD BLOCK 1500 STREAMS x $") == PARKED
    pass_time(engine, 1.4)
    assert received(session) == PARKED
    pass_time(engine, 0.1)
    assert received(session) == NULL_ARRAY


def test_no_reader_waits_in_a_transaction(session: Session) -> None:
    talk(session, b"MULTI")
    talk(session, b"XREAD BLOCK 0 STREAMS x $")
    assert talk(session, b"EXEC") == b"*1\r\n" + NULL_ARRAY


def test_an_entry_that_is_trimmed_at_once_is_told_as_nothing(session: Session, writer: Session) -> None:
    talk(session, b"XREAD BLOCK 0 STREAMS x $")
    talk(writer, b"XADD x MAXLEN 0 4 f v4")
    assert received(session) == read(b"x")


@pytest.mark.parametrize("request_", [b"XSETID x 9", b"XDEL x 3-3", b"XTRIM x MAXLEN 0", b"DEL x", b"SET x text"])
def test_readers_wait_on_for_entries(session: Session, writer: Session, request_: bytes) -> None:
    talk(session, b"XREAD BLOCK 0 STREAMS x $")
    talk(writer, request_)
    assert received(session) == PARKED
    talk(writer, b"DEL x")
    talk(writer, b"XADD x 10 f v")
    assert received(session) == read(b"x", (b"10-0", b"f v"))


def test_a_stream_that_is_moved_here_is_news(session: Session, writer: Session, engine: Engine) -> None:
    talk(session, b"XREAD BLOCK 0 STREAMS y 2")
    engine.keyspace.streams_in_use.clear()
    talk(writer, b"RENAME x y")
    assert received(session) == read(b"y", (b"2-2", b"f v2"), (b"3-3", b"f v3"))
    assert len(engine.keyspace.streams_in_use) == 1  # for it is open now


@pytest.mark.parametrize(
    ("request_", "keys"),
    [
        (b"XREAD COUNT 1 BLOCK 0 STREAMS a b 0 0", b"a b"),
        (b"XREAD STREAMS streams STREAMS 0 0", b"streams STREAMS"),
        (b"XREAD STREAMS a b 0", b"a"),
        (b"XREADGROUP GROUP g c COUNT 1 NOACK STREAMS a b > >", b"a b"),
        (b"XREADGROUP GROUP STREAMS streams STREAMS a >", b"a"),
        (b"XREADGROUP COUNT 1 GROUP streams c STREAMS a >", b"a"),
    ],
)
def test_which_keys_are_read(session: Session, request_: bytes, keys: bytes) -> None:
    assert talk(session, b"COMMAND GETKEYS " + request_) == array(*keys.split())
