"""Commands on bits; every text as redis-server 7.0.15 sends it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from tests.talk import NOT_AN_INTEGER, NULL, SYNTAX, WRONG_TYPE, bulk, make_engine, pass_time, request, talk

BIT_OFFSET = b"-ERR bit offset is not an integer or out of range\r\n"
BIT_VALUE = b"-ERR bit is not an integer or out of range\r\n"
FIELD_TYPE = b"-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.\r\n"


def number(session: Session, *words: bytes) -> int:
    reply = talk(session, *words)
    assert reply.startswith(b":"), reply
    return int(reply[1:])


def numbers(*values: int) -> bytes:
    return b"*%d\r\n" % len(values) + b"".join(b":%d\r\n" % value for value in values)


# SETBIT and GETBIT


def test_setbit_answers_what_the_bit_was(session: Session) -> None:
    assert number(session, b"SETBIT k 7 1") == 0
    assert number(session, b"SETBIT k 7 0") == 1
    assert talk(session, b"GET k") == bulk(b"\0")
    assert number(session, b"SETBIT k 16 1") == 0
    assert talk(session, b"GET k") == bulk(b"\0\0\x80")


@given(st.dictionaries(st.integers(0, 300), st.integers(0, 1), min_size=1))
def test_bits_are_kept(bits: dict[int, int]) -> None:
    session = Session(make_engine())
    for offset, bit in bits.items():
        assert number(session, b"SETBIT k %d %d" % (offset, bit)) == 0
    for offset in range(310):
        assert number(session, b"GETBIT k %d" % offset) == bits.get(offset, 0)
    assert number(session, b"BITCOUNT k") == sum(bits.values())
    assert number(session, b"STRLEN k") == max(bits) // 8 + 1


@pytest.mark.parametrize("offset", [b"-1", b"junk", b"1.5", b"#1", b"4294967296", b"9223372036854775808"])
def test_bit_offsets(session: Session, offset: bytes) -> None:
    assert talk(session, b"SETBIT k %b 1" % offset) == BIT_OFFSET
    assert talk(session, b"GETBIT k %b" % offset) == BIT_OFFSET


@pytest.mark.parametrize("bit", [b"2", b"-1", b"junk", b"10"])
def test_bit_values(session: Session, bit: bytes) -> None:
    assert talk(session, b"SETBIT k 0 %b" % bit) == BIT_VALUE


def test_proto_max_bulk_len_limits_a_bitmap() -> None:
    session = Session(make_engine(proto_max_bulk_len=1024**2))
    assert number(session, b"SETBIT k 8388607 1") == 0
    assert talk(session, b"SETBIT k 8388608 1") == BIT_OFFSET
    assert number(session, b"STRLEN k") == 1024**2


def test_a_bitmap_keeps_its_time_to_live(session: Session) -> None:
    talk(session, b"SET k 12 EX 100")
    assert number(session, b"SETBIT k 1 1") == 0
    assert number(session, b"TTL k") == 100
    assert number(session, b"SETBIT k 1 1") == 1
    assert number(session, b"TTL k") == 100


def test_a_changed_string_is_raw(session: Session) -> None:
    talk(session, b"SET k 12")
    assert number(session, b"SETBIT k 1 0") == 0
    assert talk(session, b"OBJECT ENCODING k") == bulk(b"raw")
    assert talk(session, b"INCR k") == b":13\r\n"
    assert talk(session, b"SETBIT k 15 1") == b":1\r\n"


def test_only_changes_are_told(session: Session, engine: Engine) -> None:
    talk(session, b"SET k abc")
    before = engine.keyspace.changes
    for words in (b"SETBIT k 1 1", b"SETBIT k 0 0", b"BITFIELD k SET u8 0 97 INCRBY u8 0 0 GET u8 0"):
        assert b"-" not in talk(session, words)
    assert engine.keyspace.changes == before
    talk(session, b"SETBIT k 30 0")  # made it longer
    talk(session, b"BITFIELD k SET u8 0 98")
    assert engine.keyspace.changes == before + 2


def test_wrong_type(session: Session) -> None:
    talk(session, b"RPUSH l a")
    for words in (
        *(b"SETBIT l 0 1", b"GETBIT l 0", b"BITCOUNT l", b"BITPOS l 1", b"BITOP AND r l", b"BITOP OR r missing l"),
        *(b"BITFIELD l", b"BITFIELD l GET u8 0", b"BITFIELD l SET u8 0 1", b"BITFIELD_RO l GET u8 0"),
    ):
        assert talk(session, words) == WRONG_TYPE


# BITCOUNT and BITPOS


@pytest.mark.parametrize(
    ("limits", "count"),
    [
        *((b"", 26), (b"0 0", 4), (b"1 1", 6), (b"0 -1", 26), (b"-2 -1", 7), (b"-1 -2", 0), (b"100 200", 0)),
        *((b"5 30 BIT", 17), (b"1 1 byte", 6), (b"0 -1 bit", 26), (b"-50 -49 BIT", 0), (b"47 48 BIT", 0)),
    ],
)
def test_bitcount(session: Session, limits: bytes, count: int) -> None:
    talk(session, b"SET k foobar")
    assert number(session, b"BITCOUNT k " + limits) == count


def test_bitcount_of_nothing(session: Session) -> None:
    talk(session, b"SET", b"empty", b"")
    assert number(session, b"BITCOUNT empty") == number(session, b"BITCOUNT empty 0 -1") == 0
    assert number(session, b"BITCOUNT missing") == 0
    assert number(session, b"BITCOUNT missing junk junk junk junk") == 0


@pytest.mark.parametrize(
    ("limits", "error"),
    [
        *((b"0", SYNTAX), (b"0 1 junk", SYNTAX), (b"0 1 BIT BIT", SYNTAX)),
        *((b"junk 1 junk", NOT_AN_INTEGER), (b"0 junk", NOT_AN_INTEGER)),
    ],
)
def test_bitcount_errors(session: Session, limits: bytes, error: bytes) -> None:
    talk(session, b"SET k foobar")
    assert talk(session, b"BITCOUNT k " + limits) == error


@pytest.mark.parametrize(
    ("arguments", "position"),
    [
        *((b"1", 8), (b"0", 0), (b"0 1", 20), (b"1 1", 8), (b"1 2 2", 16), (b"1 3", -1), (b"0 1 1", -1)),
        *((b"1 9 -1 BIT", 9), (b"0 8 19 BIT", -1), (b"0 8 20 BIT", 20), (b"1 -4 -1 BIT", -1), (b"1 5 2", -1)),
    ],
)
def test_bitpos(session: Session, arguments: bytes, position: int) -> None:
    talk(session, b"SET", b"k", b"\x00\xff\xf0")
    assert number(session, b"BITPOS k " + arguments) == position


def test_zeros_follow_an_open_end(session: Session) -> None:
    talk(session, b"SET", b"k", b"\xff\xff")
    assert number(session, b"BITPOS k 0") == number(session, b"BITPOS k 0 1") == 16
    assert number(session, b"BITPOS k 0 0 -1") == -1
    assert number(session, b"BITPOS missing 0") == 0
    assert number(session, b"BITPOS missing 1") == -1


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        *((b"2", b"-ERR The bit argument must be 1 or 0.\r\n"), (b"junk", NOT_AN_INTEGER), (b"1 junk", NOT_AN_INTEGER)),
        *((b"1 0 junk", NOT_AN_INTEGER), (b"1 0 junk junk", SYNTAX), (b"1 junk 0 junk", NOT_AN_INTEGER)),
        (b"1 0 1 BIT more", SYNTAX),
    ],
)
def test_bitpos_errors(session: Session, arguments: bytes, error: bytes) -> None:
    talk(session, b"SET k foobar")
    assert talk(session, b"BITPOS k " + arguments) == error


# BITOP


def test_bitop(session: Session) -> None:
    talk(session, b"SET", b"a", b"\xff\x0f\x01")
    talk(session, b"SET", b"b", b"\xf0\xff")
    assert number(session, b"BITOP and r a b") == 3
    assert talk(session, b"GET r") == bulk(b"\xf0\x0f\x00")
    assert number(session, b"BITOP OR r a b missing") == 3
    assert talk(session, b"GET r") == bulk(b"\xff\xff\x01")
    assert number(session, b"BITOP XOR r a b") == 3
    assert talk(session, b"GET r") == bulk(b"\x0f\xf0\x01")
    assert number(session, b"BITOP NOT a a") == 3
    assert talk(session, b"GET a") == bulk(b"\x00\xf0\xfe")


def test_bitop_replaces_whatever_was_there(session: Session) -> None:
    talk(session, b"RPUSH l x")
    talk(session, b"SET k 1 EX 100")
    assert number(session, b"BITOP NOT l k") == 1
    assert talk(session, b"GET l") == bulk(b"\xce")
    assert number(session, b"BITOP OR k l") == 1
    assert number(session, b"TTL k") == -1
    assert talk(session, b"OBJECT ENCODING k") == bulk(b"raw")
    assert number(session, b"BITOP AND l missing") == 0
    assert number(session, b"EXISTS l") == 0


def test_bitop_errors(session: Session) -> None:
    assert talk(session, b"BITOP DIFF r a") == SYNTAX
    assert talk(session, b"BITOP NOT r a b") == b"-ERR BITOP NOT must be called with a single source key.\r\n"


# BITFIELD


def test_bitfield(session: Session) -> None:
    assert talk(session, b"BITFIELD k SET u8 0 255 GET u8 0 INCRBY u4 4 1 GET i8 0 GET u4 #1") == numbers(
        0, 255, 0, -16, 0
    )
    assert talk(session, b"BITFIELD k SET i8 #2 -1 get i8 #2 GET u63 1000") == numbers(0, -1, 0)
    assert talk(session, b"GET k") == bulk(b"\xf0\x00\xff")
    assert talk(session, b"BITFIELD_RO k GET u8 0 GET i8 16") == numbers(240, -1)


def test_reading_makes_no_key(session: Session) -> None:
    assert talk(session, b"BITFIELD k") == talk(session, b"BITFIELD_RO k") == b"*0\r\n"
    assert talk(session, b"BITFIELD k GET u8 0 GET i64 100") == numbers(0, 0)
    assert number(session, b"EXISTS k") == 0


def test_overflow(session: Session) -> None:
    add = b"INCRBY u2 0 3 "
    assert talk(session, b"BITFIELD k OVERFLOW FAIL " + 2 * add + b"OVERFLOW sat " + add + b"OVERFLOW wrap " + add) == (
        b"*4\r\n:3\r\n" + NULL + b":3\r\n:2\r\n"
    )


def test_a_key_is_made_even_if_all_fails(session: Session, engine: Engine) -> None:
    talk(session, b"SCAN 0")
    before = engine.keyspace.changes
    assert talk(session, b"BITFIELD k OVERFLOW FAIL SET u8 16 256") == b"*1\r\n" + NULL
    assert talk(session, b"SCAN 0") == b"*2\r\n$1\r\n0\r\n*1\r\n$1\r\nk\r\n"
    assert number(session, b"STRLEN k") == 3
    assert engine.keyspace.changes == before


@pytest.mark.parametrize(
    ("operations", "error"),
    [
        *((b"GET", SYNTAX), (b"GET u8", SYNTAX), (b"SET u8 0", SYNTAX), (b"OVERFLOW", SYNTAX), (b"junk", SYNTAX)),
        *((b"GET u8 0 junk", SYNTAX), (b"OVERFLOW junk", b"-ERR Invalid OVERFLOW type specified\r\n")),
        *((b"GET %b 0" % kind, FIELD_TYPE) for kind in (b"u64", b"i65", b"u0", b"x8", b"8", b"u", b"U8", b"u08")),
        *((b"GET u8 %b" % offset, BIT_OFFSET) for offset in (b"-1", b"#", b"#-1", b"junk", b"4294967296")),
        (b"SET u8 0 junk", NOT_AN_INTEGER),
    ],
)
def test_bitfield_errors(session: Session, operations: bytes, error: bytes) -> None:
    assert talk(session, b"BITFIELD k " + operations) == error
    assert talk(session, b"BITFIELD_RO k " + operations) == error
    assert number(session, b"EXISTS k") == 0


def test_an_offset_that_overflows_in_redis(session: Session) -> None:
    assert talk(session, b"BITFIELD k GET u4 #4611686018427387904") == numbers(0)  # 2 ** 64 bits on


def test_bitfield_ro_only_reads(session: Session) -> None:
    assert talk(session, b"BITFIELD_RO k SET u8 0 1") == b"-ERR BITFIELD_RO only supports the GET subcommand\r\n"


@pytest.mark.parametrize(
    ("operations", "flags"),
    [
        *((b"", b"RO"), (b"GET u8 0 OVERFLOW SAT GET u8 0", b"RO"), (b"GET SET 0", b"RO")),
        *((b"GET u8 0 SET u8 0 1", b"RW"), (b"GET u8", b"RW"), (b"junk", b"RW")),
    ],
)
def test_keys_of_bitfield(session: Session, operations: bytes, flags: bytes) -> None:
    assert b"+%b\r\n" % flags in talk(session, b"COMMAND GETKEYSANDFLAGS BITFIELD k " + operations)


def test_a_bitmap_whose_time_is_over_is_gone(session: Session, engine: Engine) -> None:
    engine.active_expiry = False
    talk(session, b"SET k \xff PX 10")
    pass_time(engine, 1)
    assert number(session, b"GETBIT k 0") == 0
    assert number(session, b"SETBIT k 9 1") == 0
    assert talk(session, b"GET k") == bulk(b"\x00\x40")


def test_setbit_changes_a_long_string_in_place(session: Session, engine: Engine) -> None:
    talk(session, b"SETBIT k 80000000 1")
    value = engine.keyspace.databases[0].data[b"k"]
    session.receive_data(b"".join(request(b"SETBIT k %d 1" % (offset * 1000)) for offset in range(1000)))
    assert engine.keyspace.databases[0].data[b"k"] is value
