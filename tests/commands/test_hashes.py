"""Hash commands; every text as redis-server 7.0.15 sends it."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from tests.talk import NOT_AN_INTEGER, NULL, SYNTAX, WRONG_TYPE, array, make_engine, talk

NOT_A_FLOAT = b"-ERR value is not a valid float\r\n"
OUT_OF_RANGE = b"-ERR value is out of range\r\n"


def fields(session: Session, key: bytes = b"h") -> dict[bytes, bytes]:
    """What the hash at a key holds, taken from the database itself."""
    value = session.db.get(key)
    assert value is None or isinstance(value, dict)
    return {field: text or b"" for field, text in (value or {}).items()}


def arity(name: bytes) -> bytes:
    return b"-ERR wrong number of arguments for '%b' command\r\n" % name


@pytest.fixture(autouse=True)
def data(session: Session) -> None:
    """A hash of three, and a string."""
    talk(session, b"HSET h a 1 b 2 c 3")
    talk(session, b"SET s text")


# Setting


def test_hset_counts_new_fields(session: Session) -> None:
    assert talk(session, b"HSET h c 33 d 4 e 5") == b":2\r\n"
    assert talk(session, b"HSET new a 1 a 2") == b":1\r\n"
    assert fields(session) == {b"a": b"1", b"b": b"2", b"c": b"33", b"d": b"4", b"e": b"5"}
    assert fields(session, b"new") == {b"a": b"2"}


@pytest.mark.parametrize("name", [b"hset", b"hmset"])
def test_pairs_must_be_whole(session: Session, name: bytes) -> None:
    for arguments in (b" h", b" h x", b" h x 1 y", b" s x 1 y"):
        assert talk(session, name + arguments) == arity(name)
    assert b"x" not in fields(session)


def test_hmset_says_ok(session: Session) -> None:
    assert talk(session, b"HMSET h a 5 z 6") == b"+OK\r\n"
    assert talk(session, b"HMGET h a z") == array(b"5", b"6")


def test_a_hash_keeps_bytes_as_they_are_and_its_time_to_live(session: Session) -> None:
    talk(session, b"EXPIRE h 100")
    assert talk(session, b"HSET", b"h", b"", b"\x00\r\n", b"01", b"") == b":2\r\n"
    assert talk(session, b"HMGET", b"h", b"", b"01") == array(b"\x00\r\n", b"")
    assert talk(session, b"TTL h") == b":100\r\n"


def test_hsetnx_keeps_what_there_is(session: Session) -> None:
    assert talk(session, b"HSETNX h a 9") == b":0\r\n"
    assert talk(session, b"HSETNX h d 4") == b":1\r\n"
    assert talk(session, b"HSETNX new a 1") == b":1\r\n"
    assert talk(session, b"HMGET h a d") == array(b"1", b"4")


def test_hincrby(session: Session) -> None:
    assert talk(session, b"HINCRBY h a 41") == b":42\r\n"
    assert talk(session, b"HINCRBY h a -50") == b":-8\r\n"
    assert talk(session, b"HINCRBY new n 9223372036854775807") == b":9223372036854775807\r\n"
    assert talk(session, b"HINCRBY new n 1") == b"-ERR increment or decrement would overflow\r\n"
    assert talk(session, b"HGET new n") == array(b"9223372036854775807")[4:]
    talk(session, b"HSET h text x")
    assert talk(session, b"HINCRBY h text 1") == b"-ERR hash value is not an integer\r\n"
    assert talk(session, b"HINCRBY h text x") == talk(session, b"HINCRBY s a x") == NOT_AN_INTEGER
    assert talk(session, b"HINCRBY s a 1") == WRONG_TYPE


def test_hincrbyfloat(session: Session) -> None:
    assert talk(session, b"HINCRBYFLOAT new n 10.5") == array(b"10.5")[4:]
    assert talk(session, b"HINCRBYFLOAT new n 0.1") == array(b"10.6")[4:]
    talk(session, b"HSET h text x inf inf big 1e4932")
    assert talk(session, b"HINCRBYFLOAT h text 1") == b"-ERR hash value is not a float\r\n"
    for amount in (b"x", b"nan", b"1e5000"):
        assert talk(session, b"HINCRBYFLOAT h text " + amount) == NOT_A_FLOAT
    assert talk(session, b"HINCRBYFLOAT s a inf") == b"-ERR value is NaN or Infinity\r\n"
    for field in (b"inf", b"big"):
        assert talk(session, b"HINCRBYFLOAT h " + field + b" 1e4932") == (
            b"-ERR increment would produce NaN or Infinity\r\n"
        )
    assert talk(session, b"HINCRBYFLOAT s a 1") == WRONG_TYPE


# Taking


def test_hdel_counts_what_was_there(session: Session) -> None:
    assert talk(session, b"HDEL h a missing a c") == b":2\r\n"
    assert fields(session) == {b"b": b"2"}
    assert talk(session, b"HDEL missing a") == b":0\r\n"


def test_an_empty_hash_is_no_key(session: Session) -> None:
    assert talk(session, b"HDEL h a b c d") == b":3\r\n"
    assert talk(session, b"EXISTS h") == b":0\r\n"
    assert talk(session, b"TYPE h") == b"+none\r\n"


@pytest.mark.parametrize(
    ("request_", "is_change"),
    [
        (b"HSET h a 1", True),
        (b"HSETNX h a 1", False),
        (b"HSETNX h d 1", True),
        (b"HDEL h missing", False),
        (b"HDEL h a", True),
        (b"HINCRBY h a 0", True),
        (b"HINCRBY h a x", False),
        (b"HINCRBYFLOAT h a 0", True),
        (b"HGETALL h", False),
        (b"HRANDFIELD h", False),
    ],
)
def test_what_changes_a_watched_key(engine: Engine, session: Session, request_: bytes, is_change: bool) -> None:
    watcher = Session(engine)
    for line in (b"WATCH h", b"MULTI", b"PING"):
        talk(watcher, line)
    talk(session, request_)
    assert talk(watcher, b"EXEC") == (b"*-1\r\n" if is_change else b"*1\r\n+PONG\r\n")


# Looking


def test_looking_at_fields(session: Session) -> None:
    assert talk(session, b"HGET h b") == array(b"2")[4:]
    assert talk(session, b"HGET h missing") == NULL
    assert talk(session, b"HMGET h c missing a") == b"*3\r\n$1\r\n3\r\n" + NULL + b"$1\r\n1\r\n"
    assert talk(session, b"HLEN h") == b":3\r\n"
    assert talk(session, b"HEXISTS h a") == b":1\r\n"
    assert talk(session, b"HEXISTS h missing") == b":0\r\n"
    talk(session, b"HSET h long 12345")
    assert talk(session, b"HSTRLEN h long") == b":5\r\n"
    assert talk(session, b"HSTRLEN h missing") == b":0\r\n"


def test_all_fields_come_in_the_order_of_their_addition(session: Session) -> None:
    talk(session, b"HDEL h a")
    talk(session, b"HSET h b 22 a 11")
    assert talk(session, b"HKEYS h") == array(b"b", b"c", b"a")
    assert talk(session, b"HVALS h") == array(b"22", b"3", b"11")
    flat = array(b"b", b"22", b"c", b"3", b"a", b"11")
    assert talk(session, b"HGETALL h") == flat
    session.protocol = 3
    assert talk(session, b"HGETALL h") == flat.replace(b"*6", b"%3")


@pytest.mark.parametrize(
    ("request_", "reply"),
    [
        (b"HGET m f", NULL),
        (b"HMGET m f g", b"*2\r\n" + NULL * 2),
        (b"HLEN m", b":0\r\n"),
        (b"HEXISTS m f", b":0\r\n"),
        (b"HSTRLEN m f", b":0\r\n"),
        (b"HKEYS m", b"*0\r\n"),
        (b"HVALS m", b"*0\r\n"),
        (b"HGETALL m", b"*0\r\n"),
        (b"HSCAN m 0 JUNK", b"*2\r\n$1\r\n0\r\n*0\r\n"),
        (b"HRANDFIELD m", NULL),
        (b"HRANDFIELD m 3", b"*0\r\n"),
        (b"HRANDFIELD m -9223372036854775807", b"*0\r\n"),
    ],
)
def test_a_missing_hash_is_an_empty_one(session: Session, request_: bytes, reply: bytes) -> None:
    assert talk(session, request_) == reply
    assert talk(session, b"EXISTS m") == b":0\r\n"
    assert talk(session, request_.replace(b" m", b" s")) == WRONG_TYPE


def test_reading_counts_hits_and_misses(session: Session) -> None:
    hits, misses = session.db.hits, session.db.misses
    for line in (b"HGET h a", b"HGET h missing", b"HGETALL h", b"HGET m a", b"HSET h a 1", b"HDEL m a"):
        talk(session, line)
    assert (session.db.hits - hits, session.db.misses - misses) == (3, 1)


# Scanning and drawing


def test_hscan_gives_a_small_hash_at_once(session: Session) -> None:
    assert talk(session, b"HSCAN h 0 COUNT 1") == b"*2\r\n$1\r\n0\r\n" + array(b"a", b"1", b"b", b"2", b"c", b"3")
    assert talk(session, b"HSCAN h 0 MATCH [^a]") == b"*2\r\n$1\r\n0\r\n" + array(b"b", b"2", b"c", b"3")
    assert talk(session, b"HSCAN h 0 TYPE hash") == SYNTAX
    assert talk(session, b"HSCAN s x") == b"-ERR invalid cursor\r\n"


def test_hscan_goes_through_a_table_in_pages(session: Session) -> None:
    for number in range(600):
        talk(session, b"HSET t f%d %d" % (number, number))
    cursor, calls, found = b"0", 0, dict[bytes, bytes]()
    while cursor != b"0" or not calls:
        words = talk(session, b"HSCAN t " + cursor + b" COUNT 100").split(b"\r\n")
        cursor, items = words[2], words[5::2]
        found |= dict(zip(items[::2], items[1::2], strict=True))
        calls += 1
    assert found == fields(session, b"t")
    assert calls == 6


def test_hrandfield_draws_fields_that_are_there(session: Session) -> None:
    assert {talk(session, b"HRANDFIELD h") for _ in range(100)} == {array(field)[4:] for field in (b"a", b"b", b"c")}
    for count in (b"3", b"4", b"9223372036854775807"):
        assert talk(session, b"HRANDFIELD h " + count) == array(b"a", b"b", b"c")
    assert len(set(talk(session, b"HRANDFIELD h 2").split(b"\r\n")[2::2])) == 2
    assert talk(session, b"HRANDFIELD h -50").startswith(b"*50\r\n")
    assert talk(session, b"HRANDFIELD h 0") == b"*0\r\n"


def test_hrandfield_with_values(session: Session) -> None:
    flat = [b"a", b"1", b"b", b"2", b"c", b"3"]
    assert talk(session, b"HRANDFIELD h 5 withvalues") == array(*flat)
    session.protocol = 3
    assert talk(session, b"HRANDFIELD h 5 WITHVALUES") == b"*3\r\n" + array(*flat[:2]) + array(*flat[2:4]) + array(
        *flat[4:]
    )


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (b"x", NOT_AN_INTEGER),
        (b"x JUNK", NOT_AN_INTEGER),
        (b"1 JUNK", SYNTAX),
        (b"1 WITHVALUES x", SYNTAX),
        (b"4611686018427387904 WITHVALUES", OUT_OF_RANGE),
        (b"-4611686018427387904 WITHVALUES", OUT_OF_RANGE),
        (b"-9223372036854775807", OUT_OF_RANGE),  # where Redis would not come to an end
    ],
)
def test_hrandfield_refuses(session: Session, arguments: bytes, error: bytes) -> None:
    assert talk(session, b"HRANDFIELD h " + arguments) == error


def test_hrandfield_draws_each_field_equally_often(session: Session) -> None:
    drawn = Counter(talk(session, b"HRANDFIELD h -30000").split(b"\r\n")[2::2])
    assert drawn.total() == 30_000
    assert sum((count - 10_000) ** 2 / 10_000 for count in drawn.values()) < 14  # 2 degrees of freedom, p = 0.001


# Encodings


@pytest.mark.parametrize(
    ("line", "encoding"),
    [
        (b"HSET e f " + b"x" * 64, b"listpack"),
        (b"HSET e f " + b"x" * 65, b"hashtable"),
        (b"HSETNX e %b v" % (b"x" * 65), b"hashtable"),
        (b"HMSET e f v g %b" % (b"x" * 65), b"hashtable"),
        (b"HINCRBY e %b 1" % (b"x" * 65), b"hashtable"),
        (b"HINCRBYFLOAT e f 1e70", b"hashtable"),
        (b"HSET e " + b" ".join(b"%d x" % number for number in range(512)), b"listpack"),
        (b"HSET e " + b" ".join(b"%d x" % number for number in range(513)), b"hashtable"),
    ],
)
def test_encoding(session: Session, line: bytes, encoding: bytes) -> None:
    talk(session, line)
    assert talk(session, b"OBJECT ENCODING e") == array(encoding)[4:]


def test_encoding_follows_the_configuration_at_the_next_change() -> None:
    session = Session(make_engine(hash_max_listpack_entries=2, hash_max_listpack_value=3))
    talk(session, b"HSET h a 123 b 1")
    assert talk(session, b"OBJECT ENCODING h") == array(b"listpack")[4:]
    session.engine.config.hash_max_listpack_entries = 1
    assert talk(session, b"OBJECT ENCODING h") == array(b"listpack")[4:]
    talk(session, b"HSET h a 1")
    assert talk(session, b"OBJECT ENCODING h") == array(b"hashtable")[4:]
    talk(session, b"HDEL h a")
    assert talk(session, b"OBJECT ENCODING h") == array(b"hashtable")[4:]


# Against a model

FIELD = st.sampled_from([b"a", b"b", b"c", b"", b"x" * 65])
TEXT = st.sampled_from([b"", b"1", b"-7", b"text", b"y" * 65])
PAIRS = st.lists(st.tuples(FIELD, TEXT), min_size=1, max_size=4)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just(b"HSET"), PAIRS),
        st.tuples(st.just(b"HDEL"), PAIRS),
        st.tuples(st.just(b"HSETNX"), PAIRS),
        st.tuples(st.just(b"HSCAN"), PAIRS),
    ),
    max_size=30,
)


@given(STEPS)
def test_a_hash_behaves_as_a_dict(steps: list[tuple[bytes, list[tuple[bytes, bytes]]]]) -> None:
    session, model = Session(make_engine()), dict[bytes, bytes]()
    for name, pairs in steps:
        before, names = len(model), [field for field, _ in pairs]
        match name:
            case b"HSET":
                model |= pairs
                reply = talk(session, name, b"h", *(text for pair in pairs for text in pair))
                assert reply == b":%d\r\n" % (len(model) - before)
            case b"HDEL":
                for field in names:
                    model.pop(field, None)
                assert talk(session, name, b"h", *names) == b":%d\r\n" % (before - len(model))
            case b"HSETNX":
                assert talk(session, name, b"h", *pairs[0]) == b":%d\r\n" % (pairs[0][0] not in model)
                model.setdefault(*pairs[0])
            case _:
                talk(session, b"HSCAN h 0 COUNT 2")  # makes an order, which must follow from here on
        assert talk(session, b"HGETALL h") == array(*(text for pair in model.items() for text in pair))
        assert talk(session, b"HMGET", b"h", *names) == b"*%d\r\n" % len(names) + b"".join(
            array(model[field])[4:] if field in model else NULL for field in names
        )
        assert talk(session, b"EXISTS h") == b":%d\r\n" % bool(model)
