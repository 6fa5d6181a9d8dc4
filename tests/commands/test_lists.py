"""List commands that answer at once; every text as redis-server 7.0.15 sends it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respstore.commands.lists import positions
from respstore.engine.engine import Engine
from respstore.engine.session import Session
from respstore.keyspace.list import LONG, LongList
from tests.talk import NOT_AN_INTEGER, NULL, NULL_ARRAY, OK, SYNTAX, WRONG_TYPE, array, make_engine, talk

NOT_POSITIVE = b"-ERR value is out of range, must be positive\r\n"
RANK_ZERO = (
    b"-ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... "
    b"or use negative to start from the end of the list\r\n"
)


def elements(session: Session, key: bytes = b"l") -> list[bytes]:
    """What the list at a key holds, taken from the database itself."""
    value = session.db.get(key) or ()
    return [bytes(element) for element in value]


def refill(session: Session, *items: bytes, key: bytes = b"l") -> None:
    """Put a list of these elements in the place of what there is."""
    talk(session, b"DEL", key)
    if items:
        talk(session, b"RPUSH", key, *items)


@pytest.fixture(autouse=True)
def data(session: Session) -> None:
    """A list of five, and a string."""
    talk(session, b"RPUSH l a b c d e")
    talk(session, b"SET s text")


# Pushing


def test_each_push_goes_beyond_the_last_one(session: Session) -> None:
    assert talk(session, b"LPUSH new c b a") == b":3\r\n"
    assert talk(session, b"RPUSH new d e f") == b":6\r\n"
    assert elements(session, b"new") == [b"a", b"b", b"c", b"d", b"e", b"f"]


@pytest.mark.parametrize("name", [b"LPUSH", b"RPUSH", b"LPUSHX", b"RPUSHX"])
def test_a_push_keeps_bytes_as_they_are_and_the_time_to_live(session: Session, name: bytes) -> None:
    talk(session, b"EXPIRE l 100")
    assert talk(session, name, b"l", b"", b"\x00\r\n", b"01") == b":8\r\n"
    pushed = elements(session)[5:] if name.startswith(b"R") else elements(session)[2::-1]
    assert pushed == [b"", b"\x00\r\n", b"01"]
    assert talk(session, b"TTL l") == b":100\r\n"


@pytest.mark.parametrize("name", [b"LPUSHX", b"RPUSHX"])
def test_pushing_to_what_exists_makes_no_list(session: Session, name: bytes) -> None:
    assert talk(session, name + b" missing x y") == b":0\r\n"
    assert talk(session, b"EXISTS missing") == b":0\r\n"


@pytest.mark.parametrize(
    ("where", "expected"),
    [(b"BEFORE", [b"x", b"a", b"b", b"a"]), (b"after", [b"a", b"x", b"b", b"a"])],
)
def test_linsert_goes_next_to_the_first_that_equals(session: Session, where: bytes, expected: list[bytes]) -> None:
    refill(session, b"a", b"b", b"a")
    assert talk(session, b"LINSERT l " + where + b" a x") == b":4\r\n"
    assert elements(session) == expected


def test_linsert_without_a_place(session: Session) -> None:
    assert talk(session, b"LINSERT l BEFORE nothing x") == b":-1\r\n"
    assert talk(session, b"LINSERT missing BEFORE a x") == b":0\r\n"
    assert talk(session, b"LINSERT s BESIDE a x") == SYNTAX


# Taking


def test_pops_take_from_their_end(session: Session) -> None:
    assert talk(session, b"LPOP l") == b"$1\r\na\r\n"
    assert talk(session, b"RPOP l") == b"$1\r\ne\r\n"
    assert talk(session, b"LPOP l 2") == array(b"b", b"c")
    refill(session, b"a", b"b", b"c")
    assert talk(session, b"RPOP l 2") == array(b"c", b"b")
    assert elements(session) == [b"a"]


@pytest.mark.parametrize(
    "request_",
    [
        b"LPOP l",
        b"RPOP l",
        b"LPOP l 1",
        b"RPOP l 9223372036854775807",
        b"LMPOP 1 l LEFT",
        b"LMPOP 1 l RIGHT COUNT 7",
        b"LREM l 0 x",
        b"LTRIM l 1 0",
        b"LMOVE l other LEFT LEFT",
        b"RPOPLPUSH l other",
    ],
)
def test_an_empty_list_is_no_key(session: Session, request_: bytes) -> None:
    refill(session, b"x")
    assert not talk(session, request_).startswith(b"-")
    assert talk(session, b"EXISTS l") == b":0\r\n"
    assert talk(session, b"TYPE l") == b"+none\r\n"


@pytest.mark.parametrize("name", [b"LPOP", b"RPOP"])
def test_a_pop_with_a_count(session: Session, name: bytes) -> None:
    assert talk(session, name + b" l 0") == b"*0\r\n"
    assert talk(session, name + b" missing 0") == NULL_ARRAY
    assert talk(session, name + b" missing 3") == NULL_ARRAY
    assert talk(session, name + b" missing") == NULL
    for count in (b"-1", b"x", b"9223372036854775808"):
        assert talk(session, name + b" l " + count) == NOT_POSITIVE
        assert talk(session, name + b" s " + count) == NOT_POSITIVE  # judged before the key
    assert len(elements(session)) == 5


@pytest.mark.parametrize("request_", [b"LPOP missing", b"RPOP missing 1", b"LMPOP 1 missing LEFT", b"LINDEX l 9"])
def test_resp3_has_one_null(session: Session, request_: bytes) -> None:
    session.protocol = 3
    assert talk(session, request_) == b"_\r\n"


def test_lmpop_takes_from_the_first_list_only(session: Session) -> None:
    refill(session, b"x", b"y", key=b"m")
    first, second = array(b"m")[4:], array(b"l")[4:]
    assert talk(session, b"LMPOP 3 missing m l LEFT") == b"*2\r\n" + first + array(b"x")
    assert talk(session, b"LMPOP 3 missing m l right COUNT 5") == b"*2\r\n" + first + array(b"y")
    assert talk(session, b"LMPOP 3 missing m l RIGHT count 2") == b"*2\r\n" + second + array(b"e", b"d")
    assert talk(session, b"LMPOP 2 missing m LEFT") == NULL_ARRAY
    assert talk(session, b"LMPOP 2 l s LEFT") == b"*2\r\n" + second + array(b"a")
    assert talk(session, b"LMPOP 2 s l LEFT") == WRONG_TYPE


@pytest.mark.parametrize(
    ("arguments", "reply"),
    [
        (b"0 l LEFT", b"-ERR numkeys should be greater than 0\r\n"),
        (b"-1 l LEFT", b"-ERR numkeys should be greater than 0\r\n"),
        (b"x l MIDDLE", b"-ERR numkeys should be greater than 0\r\n"),
        (b"2 l LEFT", SYNTAX),
        (b"9223372036854775807 l LEFT", SYNTAX),
        (b"1 l MIDDLE", SYNTAX),
        (b"1 s MIDDLE", SYNTAX),
        (b"1 l LEFT COUNT", SYNTAX),
        (b"1 l LEFT 3", SYNTAX),
        (b"1 l LEFT COUNT 1 COUNT 1", SYNTAX),
        (b"1 l LEFT COUNT 1 more", SYNTAX),
        (b"1 l LEFT COUNT 0", b"-ERR count should be greater than 0\r\n"),
        (b"1 l LEFT COUNT x more", b"-ERR count should be greater than 0\r\n"),
    ],
)
def test_lmpop_refuses(session: Session, arguments: bytes, reply: bytes) -> None:
    assert talk(session, b"LMPOP " + arguments) == reply
    assert talk(session, b"BLMPOP 0 " + arguments) == reply
    assert len(elements(session)) == 5


@pytest.mark.parametrize(
    ("count", "reply", "left"),
    [
        (b"0", b":3\r\n", b"b c"),
        (b"1", b":1\r\n", b"b a c a"),
        (b"2", b":2\r\n", b"b c a"),
        (b"-1", b":1\r\n", b"a b a c"),
        (b"-2", b":2\r\n", b"a b c"),
        (b"100", b":3\r\n", b"b c"),
        (b"-100", b":3\r\n", b"b c"),
        (b"9223372036854775807", b":3\r\n", b"b c"),
        (b"-9223372036854775808", b":3\r\n", b"b c"),
    ],
)
def test_lrem_counts_from_the_end_that_the_sign_says(session: Session, count: bytes, reply: bytes, left: bytes) -> None:
    refill(session, *b"a b a c a".split())
    assert talk(session, b"LREM l " + count + b" a") == reply
    assert elements(session) == left.split()


def test_lrem_of_nothing(session: Session) -> None:
    assert talk(session, b"LREM l 0 x") == b":0\r\n"
    assert talk(session, b"LREM missing 0 x") == b":0\r\n"
    assert talk(session, b"LREM s x x") == NOT_AN_INTEGER
    assert len(elements(session)) == 5


# Moving


@pytest.mark.parametrize(
    ("ends", "moved", "source", "destination"),
    [
        (b"LEFT LEFT", b"1", b"2 3", b"1 x y"),
        (b"LEFT RIGHT", b"1", b"2 3", b"x y 1"),
        (b"RIGHT left", b"3", b"1 2", b"3 x y"),
        (b"right RIGHT", b"3", b"1 2", b"x y 3"),
    ],
)
def test_lmove(session: Session, ends: bytes, moved: bytes, source: bytes, destination: bytes) -> None:
    refill(session, b"1", b"2", b"3")
    refill(session, b"x", b"y", key=b"m")
    assert talk(session, b"LMOVE l m " + ends) == b"$1\r\n%b\r\n" % moved
    assert elements(session) == source.split()
    assert elements(session, b"m") == destination.split()


def test_a_list_turns_around_itself(session: Session) -> None:
    assert talk(session, b"RPOPLPUSH l l") == b"$1\r\ne\r\n"
    assert elements(session) == [b"e", b"a", b"b", b"c", b"d"]
    refill(session, b"only")
    talk(session, b"EXPIRE l 100")
    assert talk(session, b"LMOVE l l LEFT RIGHT") == b"$4\r\nonly\r\n"
    assert talk(session, b"TTL l") == b":100\r\n"


def test_a_move_makes_the_destination_and_keeps_its_time_to_live(session: Session) -> None:
    assert talk(session, b"RPOPLPUSH l new") == b"$1\r\ne\r\n"
    talk(session, b"EXPIRE new 100")
    assert talk(session, b"LMOVE l new RIGHT LEFT") == b"$1\r\nd\r\n"
    assert elements(session, b"new") == [b"d", b"e"]
    assert talk(session, b"TTL new") == b":100\r\n"


def test_what_a_move_asks_first(session: Session) -> None:
    assert talk(session, b"LMOVE s s LEFT UP") == SYNTAX
    assert talk(session, b"LMOVE missing s LEFT LEFT") == NULL  # nothing to move: the destination does not matter
    assert talk(session, b"RPOPLPUSH missing l") == NULL
    assert talk(session, b"RPOPLPUSH s l") == WRONG_TYPE
    assert talk(session, b"RPOPLPUSH l s") == WRONG_TYPE
    assert len(elements(session)) == 5


# Looking


def test_llen(session: Session) -> None:
    assert talk(session, b"LLEN l") == b":5\r\n"
    assert talk(session, b"LLEN missing") == b":0\r\n"


@pytest.mark.parametrize(
    ("index", "reply"),
    [
        (b"0", b"$1\r\na\r\n"),
        (b"4", b"$1\r\ne\r\n"),
        (b"-1", b"$1\r\ne\r\n"),
        (b"-5", b"$1\r\na\r\n"),
        (b"5", NULL),
        (b"-6", NULL),
        (b"9223372036854775807", NULL),
        (b"-9223372036854775808", NULL),
        (b"01", NOT_AN_INTEGER),
        (b"9223372036854775808", NOT_AN_INTEGER),
    ],
)
def test_lindex(session: Session, index: bytes, reply: bytes) -> None:
    assert talk(session, b"LINDEX l " + index) == reply


def test_lset(session: Session) -> None:
    assert talk(session, b"LSET l 1 B") == b"+OK\r\n"
    assert talk(session, b"LSET l -1 E") == b"+OK\r\n"
    assert elements(session) == [b"a", b"B", b"c", b"d", b"E"]
    for index in (b"5", b"-6", b"9223372036854775807", b"-9223372036854775808"):
        assert talk(session, b"LSET l " + index + b" x") == b"-ERR index out of range\r\n"


def test_a_key_is_judged_before_an_index(session: Session) -> None:
    assert talk(session, b"LINDEX missing x") == NULL
    assert talk(session, b"LINDEX s x") == WRONG_TYPE
    assert talk(session, b"LSET missing x x") == b"-ERR no such key\r\n"
    assert talk(session, b"LSET s x x") == WRONG_TYPE
    assert talk(session, b"LSET l x x") == NOT_AN_INTEGER


@pytest.mark.parametrize("key", [b"l", b"s", b"missing"])
@pytest.mark.parametrize("bounds", [b"x 0", b"0 x", b"0 9223372036854775808"])
def test_a_range_is_judged_before_the_key(session: Session, key: bytes, bounds: bytes) -> None:
    assert talk(session, b"LRANGE " + key + b" " + bounds) == NOT_AN_INTEGER
    assert talk(session, b"LTRIM " + key + b" " + bounds) == NOT_AN_INTEGER


def test_a_range_of_nothing(session: Session) -> None:
    assert talk(session, b"LRANGE missing 0 -1") == b"*0\r\n"
    assert talk(session, b"LTRIM missing 0 -1") == b"+OK\r\n"


INDEX = st.integers(-8, 8) | st.sampled_from([2**63 - 1, -(2**63)])


@given(st.lists(st.sampled_from([b"a", b"b"]), max_size=6), INDEX, INDEX)
def test_ranges_are_those_of_a_list(items: list[bytes], start: int, stop: int) -> None:
    low = max(start + len(items), 0) if start < 0 else start
    high = stop + len(items) if stop < 0 else stop
    expected = items[low : high + 1] if high >= 0 else []

    session = Session(make_engine())
    refill(session, *items)
    assert talk(session, b"LRANGE l %d %d" % (start, stop)) == array(*expected)
    assert elements(session) == items
    assert talk(session, b"LTRIM l %d %d" % (start, stop)) == b"+OK\r\n"
    assert elements(session) == expected
    assert (session.db.get(b"l") is None) == (not expected)


@pytest.mark.parametrize(
    ("options", "reply"),
    [
        (b"", b":1\r\n"),
        (b"RANK 1", b":1\r\n"),
        (b"RANK 2", b":3\r\n"),
        (b"RANK 4", NULL),
        (b"RANK -1", b":4\r\n"),
        (b"RANK -3", b":1\r\n"),
        (b"RANK -4", NULL),
        (b"RANK 9223372036854775807", NULL),
        (b"RANK -9223372036854775807", NULL),
        (b"RANK -9223372036854775808", b":4\r\n"),  # Redis overflows here, and skips nothing
        (b"COUNT 0", b"*3\r\n:1\r\n:3\r\n:4\r\n"),
        (b"COUNT 2", b"*2\r\n:1\r\n:3\r\n"),
        (b"COUNT 9", b"*3\r\n:1\r\n:3\r\n:4\r\n"),
        (b"COUNT 2 RANK 2", b"*2\r\n:3\r\n:4\r\n"),
        (b"COUNT 2 RANK -2", b"*2\r\n:3\r\n:1\r\n"),
        (b"count 0 rank -1 maxlen 2", b"*2\r\n:4\r\n:3\r\n"),
        (b"MAXLEN 1", NULL),
        (b"MAXLEN 2", b":1\r\n"),
        (b"MAXLEN 0", b":1\r\n"),
        (b"COUNT 0 MAXLEN 1", b"*0\r\n"),
        (b"RANK 1 RANK 2", b":3\r\n"),
        (b"RANK 0", RANK_ZERO),
        (b"RANK x", NOT_AN_INTEGER),
        (b"RANK", SYNTAX),
        (b"COUNT", SYNTAX),
        (b"FIRST 1", SYNTAX),
        (b"COUNT -1", b"-ERR COUNT can't be negative\r\n"),
        (b"COUNT x", b"-ERR COUNT can't be negative\r\n"),
        (b"MAXLEN -1", b"-ERR MAXLEN can't be negative\r\n"),
    ],
)
def test_lpos(session: Session, options: bytes, reply: bytes) -> None:
    refill(session, *b"a x b x x".split())
    assert talk(session, b"LPOS l x " + options) == reply


def test_lpos_without_a_list(session: Session) -> None:
    assert talk(session, b"LPOS missing x") == NULL
    assert talk(session, b"LPOS missing x COUNT 1") == b"*0\r\n"
    assert talk(session, b"LPOS s x RANK 0") == RANK_ZERO


@given(st.lists(st.sampled_from("ab")))
def test_positions_are_found_as_they_are_asked_for(letters: list[str]) -> None:
    items = [letter.encode() for letter in letters]
    rest = iter(items)
    found = positions(rest, b"a")
    first = next(found, None)
    assert first == (items.index(b"a") if b"a" in items else None)
    assert list(rest) == ([] if first is None else items[first + 1 :])  # compared no more than needed


# All of them


@pytest.mark.parametrize(
    "request_",
    [
        b"LPUSH s x",
        b"RPUSH s x",
        b"LPUSHX s x",
        b"RPUSHX s x",
        b"LINSERT s BEFORE a x",
        b"LPOP s",
        b"RPOP s",
        b"LPOP s 0",
        b"RPOP s 1",
        b"LMPOP 1 s LEFT",
        b"LREM s 0 x",
        b"LTRIM s 0 1",
        b"LMOVE s l LEFT LEFT",
        b"RPOPLPUSH s s",
        b"LLEN s",
        b"LINDEX s 0",
        b"LSET s 0 x",
        b"LRANGE s 0 -1",
        b"LPOS s x",
    ],
)
def test_a_string_is_no_list(session: Session, request_: bytes) -> None:
    assert talk(session, request_) == WRONG_TYPE
    assert talk(session, b"GET s") == b"$4\r\ntext\r\n"


@pytest.mark.parametrize(
    "request_",
    [
        b"LPUSH l x",
        b"RPUSH l x",
        b"LPUSHX l x",
        b"RPUSHX l x",
        b"RPUSH new x",
        b"LINSERT l BEFORE a x",
        b"LPOP l",
        b"RPOP l 2",
        b"LMPOP 1 l LEFT",
        b"LREM l 0 a",
        b"LTRIM l 0 -1",
        b"LMOVE l l LEFT LEFT",
        b"RPOPLPUSH l new",
        b"LMOVE l m LEFT LEFT",
        b"LSET l 0 a",
    ],
)
def test_watchers_notice_a_change(session: Session, engine: Engine, request_: bytes) -> None:
    talk(session, b"RPUSH m x")
    changed = request_.split()[-1 if request_.startswith(b"RPOPL") else 2 if request_.startswith(b"LMPOP") else 1]
    watcher = Session(engine)
    talk(watcher, b"WATCH " + changed)
    talk(session, request_)
    talk(watcher, b"MULTI")
    assert talk(watcher, b"EXEC") == NULL_ARRAY


@pytest.mark.parametrize(
    "request_",
    [
        b"LPUSHX missing x",
        b"LINSERT l BEFORE nothing x",
        b"LPOP missing",
        b"LPOP l 0",
        b"LMPOP 1 missing LEFT",
        b"LREM l 0 nothing",
        b"LTRIM missing 0 1",
        b"LMOVE missing l LEFT LEFT",
        b"RPOPLPUSH l s",
        b"LSET l 9 x",
        b"LRANGE l 1 2",
        b"LPOS l a",
    ],
)
def test_watchers_notice_nothing_where_nothing_changes(session: Session, engine: Engine, request_: bytes) -> None:
    watcher = Session(engine)
    talk(watcher, b"WATCH l missing s")
    talk(session, request_)
    talk(watcher, b"MULTI")
    assert talk(watcher, b"EXEC") == b"*0\r\n"


# Long lists: kept in another way (keyspace/list.py), and nobody can tell


@pytest.fixture
def long(session: Session) -> list[bytes]:
    """The elements of a list that is long; 0 to 9999."""
    numbers = [b"%d" % number for number in range(10_000)]
    for number in numbers:
        talk(session, b"RPUSH", b"long", number)
    assert isinstance(session.db.get(b"long"), LongList)
    return numbers


def test_a_list_that_grew_long_is_taken_from_either_end(session: Session, long: list[bytes]) -> None:
    for number in long[:4000]:
        assert talk(session, b"LPOP long") == b"$%d\r\n%s\r\n" % (len(number), number)
        last = long.pop()
        assert talk(session, b"RPOP long") == b"$%d\r\n%s\r\n" % (len(last), last)
    assert talk(session, b"LPOP long 1000") == array(*long[4000:5000])
    assert talk(session, b"RPOP long 900") == array(*long[:5099:-1])
    assert elements(session, b"long") == long[5000:5100]
    assert talk(session, b"BRPOP long 0") == array(b"long", b"5099")
    assert talk(session, b"LPOP long 100") == array(*long[5000:5099])
    assert talk(session, b"EXISTS long") == b":0\r\n"


@pytest.mark.parametrize("name", [b"LPUSH", b"RPUSH"])
def test_one_push_makes_a_list_long(session: Session, name: bytes) -> None:
    numbers = [b"%d" % number for number in range(5000)]
    assert talk(session, name, b"new", *numbers) == b":5000\r\n"
    assert talk(session, name, b"new", b"x", b"y") == b":5002\r\n"
    assert isinstance(session.db.get(b"new"), LongList)
    assert talk(session, b"LINDEX new 2501") == (b"$4\r\n2500\r\n" if name == b"LPUSH" else b"$4\r\n2501\r\n")
    assert talk(session, b"LPOP new") == (b"$1\r\ny\r\n" if name == b"LPUSH" else b"$1\r\n0\r\n")


def test_the_middle_of_a_long_list(session: Session, long: list[bytes]) -> None:
    assert talk(session, b"LRANGE long 4998 5001") == array(*long[4998:5002])
    assert talk(session, b"LPOS long 5000") == b":5000\r\n"
    assert talk(session, b"LSET long 5000 x") == OK
    assert talk(session, b"LINSERT long AFTER x y") == b":10001\r\n"
    assert talk(session, b"LREM long -1 5001") == b":1\r\n"
    assert talk(session, b"LRANGE long 4999 5002") == array(b"4999", b"x", b"y", b"5002")
    assert talk(session, b"LTRIM long 4999 5001") == OK
    assert talk(session, b"LRANGE long 0 -1") == array(b"4999", b"x", b"y")


def test_moving_and_copying_long_lists(session: Session, long: list[bytes]) -> None:
    assert talk(session, b"COPY long other") == b":1\r\n"
    for _ in range(5000):
        talk(session, b"RPOPLPUSH long other")
    assert elements(session, b"other") == long[5000:] + long
    assert elements(session, b"long") == long[:5000]
    for _ in range(5000):
        talk(session, b"LMOVE other other LEFT RIGHT")
    assert elements(session, b"other") == long + long[5000:]


def test_linsert_can_make_a_list_long(session: Session) -> None:
    talk(session, b"RPUSH", b"new", *[b"x"] * (LONG - 1))
    assert talk(session, b"LINSERT new BEFORE x y") == b":%d\r\n" % LONG
    assert isinstance(session.db.get(b"new"), LongList)
