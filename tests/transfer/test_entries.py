"""A key on its way has the digest that it has in Redis, and more in it, and a name that people can read."""

from pathlib import Path

import pytest

from respstore.config import Config
from respstore.engine.session import Session
from respstore.keyspace import Keyspace
from respstore.keyspace.digest import digest_of_keyspace, digest_of_sums
from respstore.persistence.rdb.dump import decode_dump, encode_dump
from respstore.transfer.entries import Entry, TransferError, telling
from tests.talk import make_engine, talk


def test_the_digest_is_that_of_redis_where_nothing_expires_or_is_a_stream() -> None:
    keyspace = Keyspace(4)
    entries = [Entry(0, b"a", b"x", None), Entry(0, b"b", b"y", None), Entry(3, b"a", b"x", None)]
    sums: dict[int, int] = {}
    for entry in entries:
        keyspace.databases[entry.db].place(entry.key, entry.value, entry.deadline, "set")
        sums[entry.db] = sums.get(entry.db, 0) ^ entry.digest()
    assert digest_of_sums(sums) == digest_of_keyspace(keyspace)


def test_when_a_key_expires_is_in_the_digest() -> None:
    assert len({Entry(0, b"a", b"x", deadline).digest() for deadline in (None, 5000, 5001)}) == 3


def stream(*more: bytes) -> Entry:
    """A stream with two groups, and what else was done to it."""
    session = Session(make_engine())
    lines = (
        b"XADD s 1-1 f v",
        b"XADD s 2-1 f v",
        b"XGROUP CREATE s g 0",
        b"XREADGROUP GROUP g c COUNT 1 STREAMS s >",
        b"XGROUP CREATE s h 0",
        *more,
    )
    for line in lines:
        assert not talk(session, line).startswith(b"-")
    return Entry(0, b"s", session.db.data[b"s"], None)


@pytest.mark.parametrize(
    "change",
    [
        b"XADD s 3-1 f v",
        b"XSETID s 9-9",
        b"XSETID s 2-1 ENTRIESADDED 5",
        b"XSETID s 2-1 ENTRIESADDED 2 MAXDELETEDID 1-0",
        b"XGROUP CREATE s i 0",
        b"XGROUP SETID s g 2-1",
        b"XGROUP SETID s g 1-1 ENTRIESREAD 7",
        b"XGROUP CREATECONSUMER s g d",
        b"XACK s g 1-1",
        b"XCLAIM s g d 0 1-1 JUSTID",
        b"XCLAIM s g c 0 1-1 TIME 5 RETRYCOUNT 1",
        b"XCLAIM s g c 0 1-1 TIME 5 RETRYCOUNT 2",
    ],
)
def test_what_groups_know_is_in_the_digest(change: bytes) -> None:
    assert stream(change).digest() != stream().digest()


def test_how_a_stream_came_about_is_not_in_the_digest() -> None:
    one = stream(b"XGROUP DESTROY s g", b"XGROUP CREATE s g 0", b"XGROUP CREATECONSUMER s g c")
    other = stream(b"XACK s g 1-1", b"XGROUP SETID s g 0 ENTRIESREAD -1")
    assert one.digest() == other.digest()


def test_the_digest_outlives_a_dump() -> None:
    entry, config = stream(), Config()
    again = Entry(0, b"s", decode_dump(encode_dump(entry.value, config), config), None)
    assert again.digest() == entry.digest()


def test_its_name() -> None:
    assert str(Entry(2, b"a\xff\n", b"x", None)) == r"'a\\xff\n' of db 2"


def test_what_the_system_refuses_is_told(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    with pytest.raises(TransferError, match=f"^{missing}: No such file or directory$"), telling():
        missing.read_bytes()
    with pytest.raises(TransferError, match=r"^other: No such file or directory$"), telling(Path("other")):
        missing.read_bytes()
