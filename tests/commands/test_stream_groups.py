"""Consumer groups; every text as redis-server 7.0.15 sends it."""

import pytest

from respstore import errors
from respstore.engine.engine import Engine
from respstore.engine.session import Session
from tests.commands.test_streams import entries
from tests.talk import NULL, NULL_ARRAY, OK, WRONG_TYPE, array, bulk, pass_time, received, talk

PARKED = b""


@pytest.fixture
def other(engine: Engine) -> Session:
    return Session(engine)


@pytest.fixture(autouse=True)
def data(session: Session) -> None:
    """A stream of three with a group from its start, and a string."""
    for number in (1, 2, 3):
        talk(session, b"XADD x %d-0 f v%d" % (number, number))
    talk(session, b"XGROUP CREATE x g 0")
    talk(session, b"SET s text")


def wanted(*numbers: int) -> bytes:
    return entries(*[(b"%d-0" % number, b"f v%d" % number) for number in numbers])


def read(*numbers: int) -> bytes:
    """The reply that has these entries of x."""
    return b"*1\r\n*2\r\n" + bulk(b"x") + wanted(*numbers)


def pending(session: Session, consumer: bytes = b"") -> bytes:
    """Ids, consumers and deliveries, as `1-0 c 1`, separated by commas."""
    reply = talk(session, b"XPENDING x g - + 10 " + consumer)
    lines = [line for line in reply.split(b"\r\n")[1:] if line[:1] not in (b"*", b"$")]
    return b",".join(b" ".join((lines[at], lines[at + 1], lines[at + 3][1:])) for at in range(0, len(lines) - 1, 4))


# Reading


def test_a_group_gives_each_entry_to_one_consumer(session: Session) -> None:
    assert talk(session, b"XREADGROUP GROUP g c COUNT 2 STREAMS x >") == read(1, 2)
    assert talk(session, b"XREADGROUP GROUP g d STREAMS x >") == read(3)
    assert talk(session, b"XREADGROUP GROUP g d STREAMS x >") == NULL_ARRAY
    assert pending(session) == b"1-0 c 1,2-0 c 1,3-0 d 1"


def test_a_consumer_reads_its_history_again(session: Session) -> None:
    talk(session, b"XREADGROUP GROUP g c COUNT 2 STREAMS x >")
    talk(session, b"XDEL x 1-0")
    assert talk(session, b"XREADGROUP GROUP g c STREAMS x 0") == (
        b"*1\r\n*2\r\n" + bulk(b"x") + b"*2\r\n*2\r\n" + bulk(b"1-0") + NULL_ARRAY + wanted(2)[4:]
    )
    assert talk(session, b"XREADGROUP GROUP g c COUNT 1 STREAMS x 1") == read(2)
    assert talk(session, b"XREADGROUP GROUP g new STREAMS x 0") == read()
    assert pending(session) == b"1-0 c 1,2-0 c 3"


def test_noack_leaves_nothing_pending(session: Session) -> None:
    assert talk(session, b"XREADGROUP GROUP g c NOACK STREAMS x >") == read(1, 2, 3)
    assert pending(session) == b""
    assert talk(session, b"XREADGROUP GROUP g c STREAMS x $")[:5] == b"-ERR "


def test_who_waits_in_a_group_gets_an_entry_each(session: Session, other: Session, engine: Engine) -> None:
    talk(session, b"XGROUP SETID x g $")
    second, writer = other, Session(engine)
    assert talk(session, b"XREADGROUP GROUP g c BLOCK 0 COUNT 1 STREAMS x >") == PARKED
    assert talk(second, b"XREADGROUP GROUP g d BLOCK 0 COUNT 1 STREAMS x >") == PARKED
    talk(writer, b"XADD x 4-0 f v4")
    assert (received(session), received(second)) == (read(4), PARKED)
    talk(writer, b"XADD x 5-0 f v5")
    assert received(second) == read(5)
    assert pending(writer) == b"4-0 c 1,5-0 d 1"


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        (b"XGROUP DESTROY x g", errors.READ_GROUP_GONE),
        (b"DEL x", errors.READ_STREAM_GONE),
        (b"SET x text", errors.READ_STREAM_GONE),
        (b"RENAME x y", errors.READ_STREAM_GONE),
        (b"FLUSHALL", errors.READ_STREAM_GONE),
        (b"PEXPIRE x 0", errors.READ_STREAM_GONE),
        (b"COPY y x REPLACE", errors.READ_GROUP_GONE),
    ],
)
def test_who_waits_hears_that_the_group_is_gone(session: Session, other: Session, request_: bytes, text: str) -> None:
    talk(session, b"XADD y 1 f v")
    talk(session, b"XGROUP SETID x g $")
    assert talk(session, b"XREADGROUP GROUP g c BLOCK 0 STREAMS x >") == PARKED
    talk(other, request_)
    assert received(session) == b"-%b\r\n" % text.encode()


@pytest.mark.parametrize("request_", [b"XSETID x 9", b"XTRIM x MAXLEN 1", b"XDEL x 1", b"XGROUP CREATE x h 0"])
def test_nothing_else_disturbs_who_waits(session: Session, other: Session, request_: bytes) -> None:
    talk(session, b"XGROUP SETID x g $")
    talk(session, b"XREADGROUP GROUP g c BLOCK 1000 STREAMS x >")
    talk(other, request_)
    assert received(session) == PARKED
    pass_time(session.engine, 1)
    assert received(session) == NULL_ARRAY


# Groups


def test_xgroup_create(session: Session) -> None:
    assert talk(session, b"XGROUP CREATE x g $") == b"-BUSYGROUP Consumer Group name already exists\r\n"
    assert talk(session, b"XGROUP CREATE x h $ ENTRIESREAD 2") == OK
    assert talk(session, b"XREADGROUP GROUP h c STREAMS x >") == NULL_ARRAY
    assert talk(session, b"XGROUP CREATE new g $") == b"-%b\r\n" % errors.XGROUP_WITHOUT_KEY.encode()
    assert talk(session, b"XGROUP CREATE new g $ MKSTREAM") == OK
    assert talk(session, b"XLEN new") == b":0\r\n"
    assert talk(session, b"XGROUP CREATE s g 0") == WRONG_TYPE


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        (b"XGROUP CREATE x h junk", errors.INVALID_STREAM_ID),
        (b"XGROUP CREATE x h -", errors.INVALID_STREAM_ID),
        (b"XGROUP CREATE x h 0 ENTRIESREAD -2", errors.ENTRIES_READ_NEGATIVE),
        (b"XGROUP CREATE x h 0 ENTRIESREAD x", errors.NOT_AN_INTEGER),
        (
            b"XGROUP CREATE x h 0 junk",
            "ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try XGROUP HELP.",
        ),
        (
            b"XGROUP CREATE x h 0 MKSTREAM MKSTREAM MKSTREAM MKSTREAM",
            "ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try XGROUP HELP.",
        ),
        (
            b"XGROUP SETID x g 0 MKSTREAM",
            "ERR unknown subcommand or wrong number of arguments for 'SETID'. Try XGROUP HELP.",
        ),
        (b"XGROUP SETID x h 0", "NOGROUP No such consumer group 'h' for key name 'x'"),
        (b"XGROUP DELCONSUMER x h c", "NOGROUP No such consumer group 'h' for key name 'x'"),
        (b"XGROUP DELCONSUMER new h c", errors.XGROUP_WITHOUT_KEY),
        (b"XGROUP DESTROY new h", errors.XGROUP_WITHOUT_KEY),
        (b"XPENDING x h", "NOGROUP No such key 'x' or consumer group 'h'"),
        (b"XPENDING x g - +", errors.SYNTAX),
        (b"XPENDING x g IDLE 0 - +", errors.SYNTAX),
        (b"XCLAIM x h c 0 1", "NOGROUP No such key 'x' or consumer group 'h'"),
        (b"XCLAIM x g c junk 1", errors.XCLAIM_MIN_IDLE),
        (b"XCLAIM x g c 0 1 junk", "ERR Unrecognized XCLAIM option 'junk'"),
        (b"XCLAIM x g c 0 1 IDLE", "ERR Unrecognized XCLAIM option 'IDLE'"),
        (b"XCLAIM x g c 0 1 IDLE x", errors.XCLAIM_IDLE),
        (b"XCLAIM x g c 0 1 TIME x", errors.XCLAIM_TIME),
        (b"XCLAIM x g c 0 1 RETRYCOUNT x", errors.XCLAIM_RETRYCOUNT),
        (b"XCLAIM x g c 0 1 LASTID x", errors.INVALID_STREAM_ID),
        (b"XAUTOCLAIM x g c x 0", errors.XAUTOCLAIM_MIN_IDLE),
        (b"XAUTOCLAIM x g c 0 x", errors.INVALID_STREAM_ID),
        (b"XAUTOCLAIM x g c 0 0 COUNT 0", errors.COUNT_NOT_ABOVE_ZERO),
        (b"XAUTOCLAIM x g c 0 0 COUNT 576460752303423487", errors.XAUTOCLAIM_MEMORY),
        (b"XAUTOCLAIM x g c 0 0 junk", errors.SYNTAX),
    ],
)  # fmt: skip
def test_mistakes(session: Session, request_: bytes, text: str) -> None:
    assert talk(session, request_) == b"-%b\r\n" % text.encode()


def test_xgroup_setid_destroy_and_consumers(session: Session) -> None:
    assert talk(session, b"XGROUP CREATECONSUMER x g c") == b":1\r\n"
    assert talk(session, b"XGROUP CREATECONSUMER x g c") == b":0\r\n"
    talk(session, b"XREADGROUP GROUP g c STREAMS x >")
    assert talk(session, b"XGROUP SETID x g 2") == OK
    assert talk(session, b"XREADGROUP GROUP g d STREAMS x >") == read(3)
    assert pending(session) == b"1-0 c 1,2-0 c 1,3-0 d 1"
    assert talk(session, b"XGROUP DELCONSUMER x g c") == b":2\r\n"
    assert talk(session, b"XGROUP DELCONSUMER x g c") == b":0\r\n"
    assert pending(session) == b"3-0 d 1"
    assert talk(session, b"XGROUP DESTROY x g") == b":1\r\n"
    assert talk(session, b"XGROUP DESTROY x g") == b":0\r\n"
    assert b"XGROUP <subcommand>" in talk(session, b"XGROUP HELP")


def test_groups_break_no_watch(session: Session, other: Session) -> None:
    for request_ in (b"XGROUP CREATE x h 0", b"XREADGROUP GROUP h c STREAMS x >", b"XACK x h 1", b"XGROUP DESTROY x h"):
        talk(session, b"WATCH x")
        talk(other, request_)
        talk(session, b"MULTI")
        assert talk(session, b"EXEC") == b"*0\r\n"


# What is pending


def test_xack(session: Session) -> None:
    talk(session, b"XREADGROUP GROUP g c STREAMS x >")
    assert talk(session, b"XACK x g 1 1 3 9") == b":2\r\n"
    assert pending(session) == b"2-0 c 1"
    assert talk(session, b"XACK x g 2 junk") == b"-ERR Invalid stream ID specified as stream command argument\r\n"
    assert talk(session, b"XACK x h junk") == talk(session, b"XACK missing g junk") == b":0\r\n"
    assert talk(session, b"XACK s g 1") == WRONG_TYPE


def test_xpending(session: Session, engine: Engine) -> None:
    assert talk(session, b"XPENDING x g") == b"*4\r\n:0\r\n" + NULL * 2 + NULL_ARRAY
    talk(session, b"XREADGROUP GROUP g d COUNT 1 STREAMS x >")
    pass_time(engine, 2)
    talk(session, b"XREADGROUP GROUP g c STREAMS x >")
    assert talk(session, b"XPENDING x g") == (
        b"*4\r\n:3\r\n" + bulk(b"1-0") + bulk(b"3-0") + b"*2\r\n" + array(b"c", b"2") + array(b"d", b"1")
    )
    assert talk(session, b"XPENDING x g IDLE 2000 - + 9") == (
        b"*1\r\n*4\r\n" + bulk(b"1-0") + bulk(b"d") + b":2000\r\n:1\r\n"
    )
    assert talk(session, b"XPENDING x g IDLE 2001 - + 9") == b"*0\r\n"
    assert talk(session, b"XPENDING x g (1 3 1 c").count(b"2-0") == 1
    assert talk(session, b"XPENDING x g - + 0") == talk(session, b"XPENDING x g - + 9 nobody") == b"*0\r\n"


def test_xclaim(session: Session, engine: Engine) -> None:
    talk(session, b"XREADGROUP GROUP g c COUNT 2 STREAMS x >")
    pass_time(engine, 1)
    assert talk(session, b"XCLAIM x g d 1001 1 2") == b"*0\r\n"
    assert talk(session, b"XCLAIM x g d 1000 1 3") == wanted(1)
    assert pending(session) == b"1-0 d 2,2-0 c 1"
    assert talk(session, b"XCLAIM x g d 0 2 3 FORCE JUSTID") == array(b"2-0", b"3-0")
    assert pending(session) == b"1-0 d 2,2-0 d 1,3-0 d 1"
    assert talk(session, b"XCLAIM x g c 0 3 RETRYCOUNT 7 IDLE 500 LASTID 9") == wanted(3)
    assert talk(session, b"XPENDING x g 3 3 1") == b"*1\r\n*4\r\n" + bulk(b"3-0") + bulk(b"c") + b":500\r\n:7\r\n"
    assert talk(session, b"XREADGROUP GROUP g c STREAMS x >") == NULL_ARRAY
    talk(session, b"XDEL x 1-0")
    assert talk(session, b"XCLAIM x g c 0 1-0") == b"*0\r\n"
    assert pending(session) == b"2-0 d 1,3-0 c 7"


def test_a_consumer_that_claims_nothing_is_not_made(session: Session) -> None:
    talk(session, b"XREADGROUP GROUP g c STREAMS x >")
    for request_ in (b"XCLAIM x g d 9000 1", b"XCLAIM x g d 0 7-7 FORCE", b"XAUTOCLAIM x g d 9000 0"):
        talk(session, request_)
        assert talk(session, b"XGROUP CREATECONSUMER x g d") == b":1\r\n"
        talk(session, b"XGROUP DELCONSUMER x g d")


def test_xautoclaim(session: Session, engine: Engine) -> None:
    talk(session, b"XREADGROUP GROUP g c STREAMS x >")
    talk(session, b"XDEL x 2-0")
    pass_time(engine, 1)
    assert talk(session, b"XAUTOCLAIM x g d 2000 0") == b"*3\r\n" + bulk(b"0-0") + b"*0\r\n*1\r\n" + bulk(b"2-0")
    assert talk(session, b"XAUTOCLAIM x g d 1000 - COUNT 1") == (b"*3\r\n" + bulk(b"3-0") + wanted(1) + b"*0\r\n")
    assert talk(session, b"XAUTOCLAIM x g d 0 (1 JUSTID") == b"*3\r\n" + bulk(b"0-0") + array(b"3-0") + b"*0\r\n"
    assert pending(session) == b"1-0 d 2,3-0 d 1"
