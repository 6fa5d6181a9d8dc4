"""Stream commands that add, delete and list; every text as redis-server 7.0.15 sends it."""

import pytest

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from tests.talk import NULL, NULL_ARRAY, OK, SYNTAX, WRONG_TYPE, array, bulk, make_engine, talk

NOW = 1_700_000_000_000
TOO_SMALL = b"-ERR The ID specified in XADD is equal or smaller than the target stream top item\r\n"
BELOW_LENGTH = b"The entries_added specified in XSETID is smaller than the target stream length"
BELOW_GIVEN = b"The ID specified in XSETID is smaller than the provided max_deleted_entry_id"
INVALID = b"-ERR Invalid stream ID specified as stream command argument\r\n"


def entries(*wanted: tuple[bytes, bytes]) -> bytes:
    """The reply that lists these: an id, and fields and values in turn."""
    items = [b"*2\r\n" + bulk(id_) + array(*words.split()) for id_, words in wanted]
    return b"*%d\r\n" % len(items) + b"".join(items)


@pytest.fixture(autouse=True)
def data(session: Session) -> None:
    """A stream of three, and a string."""
    for number in (1, 2, 3):
        talk(session, b"XADD x %d-%d f v%d" % (number, number, number))
    talk(session, b"SET s text")


# Adding


def test_ids_come_from_the_clock(session: Session, engine: Engine) -> None:
    assert talk(session, b"XADD x * f v") == bulk(b"%d-0" % NOW)
    assert talk(session, b"XADD x * f v") == bulk(b"%d-1" % NOW)
    assert talk(session, b"XADD x %d-* f v" % NOW) == bulk(b"%d-2" % NOW)
    engine.system.wall_us += 1000  # type: ignore[attr-defined] # a FakeSystem
    assert talk(session, b"XADD x * f v") == bulk(b"%d-0" % (NOW + 1))
    engine.system.wall_us -= 5_000_000  # type: ignore[attr-defined]
    assert talk(session, b"XADD x * f v") == bulk(b"%d-1" % (NOW + 1))


def test_ids_may_be_given(session: Session) -> None:
    assert talk(session, b"XADD x 4 f v") == bulk(b"4-0")
    assert talk(session, b"XADD x 4-* f v") == bulk(b"4-1")
    assert talk(session, b"XADD new 0-* f v") == bulk(b"0-1")
    assert talk(session, b"XADD x 18446744073709551615-18446744073709551615 f v") != TOO_SMALL
    assert talk(session, b"XADD x * f v") == (
        b"-ERR The stream has exhausted the last possible ID, unable to add more items\r\n"
    )


def test_the_sequence_number_carries_over(session: Session) -> None:
    talk(session, b"XADD far 99999999999999-18446744073709551615 f v")
    assert talk(session, b"XADD far 99999999999999-* f v") == b"-ERR Elements are too large to be stored\r\n"
    assert talk(session, b"XADD far * f v") == bulk(b"100000000000000-0")


@pytest.mark.parametrize(
    ("request_", "reply"),
    [
        (b"XADD x 3-3 f v", TOO_SMALL),
        (b"XADD x 3-2 f v", TOO_SMALL),
        (b"XADD x 2-* f v", TOO_SMALL),
        (b"XADD x 0-0 f v", b"-ERR The ID specified in XADD must be greater than 0-0\r\n"),
        (b"XADD x junk f v", INVALID),
        (b"XADD x - f v", INVALID),
        (b"XADD x * f v g", b"-ERR wrong number of arguments for 'xadd' command\r\n"),
        (b"XADD x MAXLEN 1 * f", b"-ERR wrong number of arguments for 'xadd' command\r\n"),
        (b"XADD x NOMKSTREAM NOMKSTREAM NOMKSTREAM", b"-ERR wrong number of arguments for 'xadd' command\r\n"),
        (b"XADD s * f v", WRONG_TYPE),
        (b"XADD missing NOMKSTREAM * f v", NULL),
    ],
)
def test_what_is_not_added(session: Session, request_: bytes, reply: bytes) -> None:
    assert talk(session, request_) == reply
    assert talk(session, b"XLEN x") == b":3\r\n"
    assert talk(session, b"EXISTS missing") == b":0\r\n"


def test_fields_are_bytes_in_their_order_and_may_repeat(session: Session) -> None:
    talk(session, b"XADD", b"new", b"1-1", b"b%d", b"%s\r\n", b"a", b"", b"b%d", b"\x00\xff")
    assert talk(session, b"XRANGE new - +") == b"*1\r\n*2\r\n" + bulk(b"1-1") + array(
        b"b%d", b"%s\r\n", b"a", b"", b"b%d", b"\x00\xff"
    )


def test_adding_trims(session: Session) -> None:
    assert talk(session, b"XADD x MAXLEN 2 4-0 f v4") == bulk(b"4-0")
    assert talk(session, b"XRANGE x - +") == entries((b"3-3", b"f v3"), (b"4-0", b"f v4"))
    assert talk(session, b"XADD x MINID = 4 5-0 f v5") == bulk(b"5-0")
    assert talk(session, b"XADD x MAXLEN ~ 1 6-0 f v6") == bulk(b"6-0")
    assert talk(session, b"XLEN x") == b":3\r\n"
    assert talk(session, b"XADD x MAXLEN 0 7-0 f v7") == bulk(b"7-0")
    assert talk(session, b"XLEN x") == b":0\r\n"
    assert talk(session, b"EXISTS x") == b":1\r\n"


def test_xsetid(session: Session) -> None:
    assert talk(session, b"XSETID x 9-9 ENTRIESADDED 5 MAXDELETEDID 8") == OK
    assert talk(session, b"XADD x 9-9 f v") == TOO_SMALL
    for request_, text in (
        (b"XSETID x 1 ENTRIESADDED -1", b"entries_added must be positive"),
        (b"XSETID x 9 ENTRIESADDED 2", BELOW_LENGTH),
        (b"XSETID x 9 MAXDELETEDID 10", BELOW_GIVEN),
        (b"XSETID missing 9", b"no such key"),
        (b"XSETID x 9 junk", b"syntax error"),
    ):
        assert talk(session, request_) == b"-ERR %b\r\n" % text
    assert talk(session, b"XSETID s 9") == WRONG_TYPE
    for request_ in (b"XADD y 1-0 f v", b"XADD y 9-9 f v", b"XDEL y 9-9"):
        talk(session, request_)
    assert talk(session, b"XSETID y 3-2") == OK  # below an entry that was deleted, which Redis 7.0 does not mind


def test_xsetid_cannot_go_below_what_is_there(session: Session) -> None:
    assert talk(session, b"XSETID x 3-2") == (
        b"-ERR The ID specified in XSETID is smaller than the target stream top item\r\n"
    )


# Deleting


def test_xdel(session: Session) -> None:
    assert talk(session, b"XDEL x 2-2 2-2 5-0 1-1") == b":2\r\n"
    assert talk(session, b"XRANGE x - +") == entries((b"3-3", b"f v3"))
    assert talk(session, b"XDEL x 3-3 junk") == INVALID
    assert talk(session, b"XDEL missing junk") == b":0\r\n"
    assert talk(session, b"XDEL s 1") == WRONG_TYPE
    assert talk(session, b"XDEL x 3-3") == b":1\r\n"
    assert talk(session, b"TYPE x") == b"+stream\r\n"


def test_xtrim(session: Session) -> None:
    assert talk(session, b"XTRIM x MAXLEN 5") == b":0\r\n"
    assert talk(session, b"XTRIM x MAXLEN 2") == b":1\r\n"
    assert talk(session, b"XTRIM x MINID 3") == b":1\r\n"
    assert talk(session, b"XTRIM x MAXLEN ~ 0") == b":1\r\n"
    assert talk(session, b"XTRIM missing MAXLEN 0") == b":0\r\n"
    assert talk(session, b"XTRIM missing MAXLEN -1") == b"-ERR The MAXLEN argument must be >= 0.\r\n"
    assert talk(session, b"XTRIM s MAXLEN 0") == WRONG_TYPE


def test_nodes_are_as_large_as_the_options_say() -> None:
    session = Session(make_engine(stream_node_max_entries=2, stream_node_max_bytes=60))
    for _ in range(5):
        talk(session, b"XADD x * f v")
    assert talk(session, b"XTRIM x MAXLEN ~ 2") == b":2\r\n"
    talk(session, b"XADD x * f " + b"v" * 40)
    assert talk(session, b"XTRIM x MAXLEN ~ 1") == b":3\r\n"


# Listing


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        (b"- +", b"1 2 3"),
        (b"2 +", b"2 3"),
        (b"- 2", b"1 2"),
        (b"(1-1 (3-3", b"2"),
        (b"2-2 2-2", b"2"),
        (b"3 1", b""),
        (b"- + COUNT 2", b"1 2"),
        (b"- + COUNT 1 COUNT 2", b"1 2"),
    ],
)
def test_ranges(session: Session, words: bytes, ids: bytes) -> None:
    wanted = [(b"%b-%b" % (number, number), b"f v" + number) for number in ids.split()]
    assert talk(session, b"XRANGE x " + words) == entries(*wanted)
    start, end, *options = words.split()
    backwards = entries(*wanted[::-1]) if not options else entries((b"3-3", b"f v3"), (b"2-2", b"f v2"))
    assert talk(session, b" ".join((b"XREVRANGE x", end, start, *options))) == backwards


def test_ranges_of_nothing(session: Session) -> None:
    assert talk(session, b"XRANGE missing - +") == b"*0\r\n"
    assert talk(session, b"XRANGE missing - + COUNT 0") == b"*0\r\n"
    assert talk(session, b"XRANGE x - + COUNT 0") == talk(session, b"XREVRANGE x + - COUNT -1") == NULL_ARRAY
    assert talk(session, b"XRANGE x - + COUNT") == talk(session, b"XRANGE x - + LIMIT 5") == SYNTAX
    assert talk(session, b"XRANGE s - +") == talk(session, b"XLEN s") == WRONG_TYPE
    assert talk(session, b"XRANGE missing (0-0 (0-0") == b"-ERR invalid end ID for the interval\r\n"
    assert talk(session, b"XLEN missing") == b":0\r\n"


# Of any type


def test_a_stream_is_a_value_like_others(session: Session) -> None:
    assert talk(session, b"OBJECT ENCODING x") == bulk(b"stream")
    assert talk(session, b"COPY x y") == b":1\r\n"
    talk(session, b"XDEL y 1-1")
    assert talk(session, b"XLEN x") == b":3\r\n"
    assert talk(session, b"RENAME y z") == OK
    assert talk(session, b"XLEN z") == b":2\r\n"
    assert talk(session, b"SCAN 0 TYPE stream COUNT 100") == b"*2\r\n$1\r\n0\r\n" + array(b"x", b"z")
    assert talk(session, b"GET x") == WRONG_TYPE


def test_what_changes_no_entry_breaks_no_watch(session: Session, engine: Engine) -> None:
    other = Session(engine)
    for request_, breaks in ((b"XSETID x 9-9", False), (b"XDEL x 8", False), (b"XADD x 10 f v", True)):
        talk(session, b"WATCH x")
        talk(other, request_)
        talk(session, b"MULTI")
        assert talk(session, b"EXEC") == (NULL_ARRAY if breaks else b"*0\r\n")
