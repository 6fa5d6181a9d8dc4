"""HyperLogLog commands; every text and string as redis-server 7.0.15 sends it."""

import pytest

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from respstore.keyspace import hyperloglog as hll
from tests.talk import OK, WRONG_TYPE, bulk, make_engine, talk

NOT_ONE = b"-WRONGTYPE Key is not a valid HyperLogLog string value.\r\n"
CORRUPTED = b"-INVALIDOBJ Corrupted HLL object detected\r\n"
HEAD = b"HYLL\x01\x00\x00\x00"
STALE = b"\x00\x00\x00\x00\x00\x00\x00\x80"
ABC = b"\x60\xf3\x80\x50\xb1\x84\x4b\xfb\x80\x42\x5a"
"""The registers after a, b and c."""


def test_pfadd_makes_the_string_that_redis_makes(session: Session) -> None:
    assert talk(session, b"PFADD h") == b":1\r\n"
    assert talk(session, b"PFADD h") == b":0\r\n"
    assert talk(session, b"PFADD h a b") == b":1\r\n"
    assert talk(session, b"PFADD h a b") == b":0\r\n"
    assert talk(session, b"PFADD h b c") == b":1\r\n"
    assert talk(session, b"GET h") == bulk(HEAD + STALE + ABC)
    assert talk(session, b"TYPE h") == b"+string\r\n"
    assert talk(session, b"OBJECT ENCODING h") == bulk(b"raw")


def test_pfcount_keeps_what_it_found_in_the_string(session: Session, engine: Engine) -> None:
    talk(session, b"PFADD h a b c")
    before = engine.keyspace.changes
    assert talk(session, b"PFCOUNT h") == b":3\r\n"
    assert talk(session, b"GET h") == bulk(HEAD + b"\x03" + bytes(7) + ABC)
    assert talk(session, b"PFCOUNT h") == b":3\r\n"
    assert engine.keyspace.changes == before + 1
    assert talk(session, b"PFADD h d") == b":1\r\n"
    assert talk(session, b"PFCOUNT h") == b":4\r\n"


def test_pfcount_believes_the_cache(session: Session) -> None:
    talk(session, b"SET", b"h", HEAD + b"\x09" + bytes(7) + ABC)
    assert talk(session, b"PFCOUNT h") == b":9\r\n"
    assert talk(session, b"PFCOUNT h missing") == b":3\r\n"


def test_pfcount_of_several(session: Session) -> None:
    talk(session, b"PFADD a 1 2 3")
    talk(session, b"PFADD b 3 4")
    before = talk(session, b"GET a")
    assert talk(session, b"PFCOUNT a b missing") == b":4\r\n"
    assert talk(session, b"GET a") == before
    assert talk(session, b"PFCOUNT missing") == talk(session, b"PFCOUNT missing missing") == b":0\r\n"
    assert talk(session, b"EXISTS missing") == b":0\r\n"


def test_pfmerge(session: Session) -> None:
    talk(session, b"PFADD a a")
    talk(session, b"PFADD b b c")
    assert talk(session, b"PFMERGE r a b missing") == OK
    assert talk(session, b"GET r") == bulk(HEAD + STALE + ABC)
    assert talk(session, b"PFMERGE a b") == OK
    assert talk(session, b"PFCOUNT a") == b":3\r\n"
    assert talk(session, b"PFMERGE new") == OK
    assert talk(session, b"GET new") == bulk(HEAD + STALE + b"\x7f\xff")


def test_what_is_merged_with_a_dense_one_is_dense(session: Session) -> None:
    talk(session, b"PFADD a a")
    talk(session, b"PFADD b b")
    talk(session, b"PFDEBUG TODENSE b")
    talk(session, b"PFMERGE a b")
    assert talk(session, b"PFDEBUG ENCODING a") == b"+dense\r\n"
    assert talk(session, b"PFCOUNT a") == b":2\r\n"


def test_hll_sparse_max_bytes() -> None:
    session = Session(make_engine(hll_sparse_max_bytes=20))
    talk(session, b"PFADD h")
    assert talk(session, b"PFDEBUG ENCODING h") == b"+sparse\r\n"
    assert talk(session, b"PFADD h a b") == b":1\r\n"
    assert talk(session, b"PFDEBUG ENCODING h") == b"+dense\r\n"
    assert talk(session, b"PFADD h a b") == b":0\r\n"
    assert talk(session, b"PFCOUNT h") == b":2\r\n"


def test_times_to_live_stay(session: Session) -> None:
    talk(session, b"PFADD h a")
    talk(session, b"EXPIRE h 100")
    for words in (b"PFADD h b", b"PFCOUNT h", b"PFMERGE h other", b"PFDEBUG TODENSE h"):
        talk(session, words)
        assert talk(session, b"TTL h") == b":100\r\n"


@pytest.mark.parametrize(
    "string", [b"", b"12", b"HYLL", HEAD + STALE[1:], b"HYLL\x00" + bytes(100), b"hyll" + bytes(20)]
)
def test_what_is_no_hyperloglog(session: Session, string: bytes) -> None:
    talk(session, b"SET", b"s", string)
    talk(session, b"RPUSH l a")
    for words in (b"PFADD %b a", b"PFCOUNT %b", b"PFCOUNT x %b", b"PFMERGE %b", b"PFMERGE x %b", b"PFDEBUG GETREG %b"):
        assert talk(session, words % b"s") == NOT_ONE
        assert talk(session, words % b"l") == WRONG_TYPE
    assert talk(session, b"GET s") == bulk(string)
    assert talk(session, b"EXISTS x") == b":0\r\n"


def test_corrupted(session: Session) -> None:
    talk(session, b"SET", b"h", HEAD + STALE + b"\x00")
    for words in (
        *(b"PFADD h a", b"PFCOUNT h", b"PFCOUNT h h", b"PFMERGE h", b"PFMERGE x h", b"PFDEBUG GETREG h"),
        b"PFDEBUG TODENSE h",
    ):
        assert talk(session, words) == CORRUPTED
    assert talk(session, b"EXISTS x") == b":0\r\n"


def test_pfdebug(session: Session) -> None:
    talk(session, b"PFADD h a b c")
    assert talk(session, b"PFDEBUG decode h") == bulk(b"Z:8436 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:603")
    assert talk(session, b"PFDEBUG TODENSE h") == b":1\r\n"
    assert talk(session, b"PFDEBUG TODENSE h") == b":0\r\n"
    assert talk(session, b"PFDEBUG DECODE h") == b"-ERR HLL encoding is not sparse\r\n"
    registers = talk(session, b"PFDEBUG GETREG h").split(b"\r\n")
    assert registers[0] == b"*%d" % hll.REGISTERS
    assert {index: value for index, value in enumerate(registers[1:-1]) if value != b":0"} == {
        8436: b":1",
        12711: b":2",
        15780: b":1",
    }
    assert talk(session, b"PFDEBUG junk h") == b"-ERR Unknown PFDEBUG subcommand 'junk'\r\n"
    assert talk(session, b"PFDEBUG junk missing") == b"-ERR The specified key does not exist\r\n"


def test_short_runs_of_zeros_are_shown_with_a_small_letter(session: Session) -> None:
    talk(session, b"SET", b"h", HEAD + STALE + b"\x09\x84\x7f\xf4")
    assert talk(session, b"PFDEBUG DECODE h") == bulk(b"z:10 v:2,1 Z:16373")


def test_pfselftest(session: Session) -> None:
    assert talk(session, b"PFSELFTEST") == OK


def test_pfselftest_of_wrong_estimates(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hll, "cardinality_of", lambda data: 1000)
    assert talk(session, b"PFSELFTEST") == b"-TESTFAILED 10 elements are estimated as 1000\r\n"


def test_pfselftest_of_wrong_registers(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    found = iter([bytearray(hll.REGISTERS)])  # to make one dense, then what is never equal
    monkeypatch.setattr(hll, "registers_of", lambda data: next(found, object()))
    assert talk(session, b"PFSELFTEST").startswith(b"-TESTFAILED registers of a sparse")


def test_pfselftest_of_wrong_additions(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hll, "add", lambda data, element, limit: hll.is_sparse(data))
    assert talk(session, b"PFSELFTEST").startswith(b"-TESTFAILED element 1 changed only one")
