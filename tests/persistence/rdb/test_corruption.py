"""Files without a checksum that are not as they were written: they load as what they seem to be, or are refused."""

from collections import Counter
from collections.abc import Iterator

import pytest

from respstore.keyspace import Hash, Set, SortedSet
from respstore.keyspace.digest import digest_of_keyspace
from respstore.persistence.rdb.checksum import CHECKSUM_BYTES
from respstore.persistence.rdb.primitives import CorruptError, encode_string
from tests.persistence.rdb.test_file import filled, read, written
from tests.persistence.rdb.test_streams import FROM_REDIS
from tests.persistence.rdb.test_values import OF_OTHER_VERSIONS


def everything() -> bytes:
    """A small file with a value of each type, in every form that any version wrote, and no checksum."""
    keyspace = filled()
    db = keyspace.databases[0]
    db.put(b"compressed", b"ab" * 30, "set")
    db.put(b"table", Hash({b"f": b"v"}, is_table=True), "hset")
    db.put(b"set", Set({b"1": None, b"-300": None}), "sadd")
    db.put(b"set table", Set({b"a": None}, is_table=True), "sadd")
    db.put(b"skiplist", SortedSet({b"a": 1.5}, is_skiplist=True), "zadd")
    others = [
        bytes((kind,)) + encode_string(b"other %d" % number) + data
        for number, (kind, data, _) in enumerate(OF_OTHER_VERSIONS)
    ]
    others.append(b"\x13\x06stream" + FROM_REDIS)
    data = written(keyspace)
    notes = b"\xf8\x05\x00\x01i\x01x" + b"\xf9\x05\x00\x01j\x01x" + b"\xfd\xff\xff\xff\x7f\x00\x01k\x01x"
    return data[: -1 - CHECKSUM_BYTES] + b"".join(others) + notes + b"\xff" + bytes(CHECKSUM_BYTES)


@pytest.mark.slow
def test_whatever_byte_is_changed_it_loads_as_something_or_is_refused() -> None:
    data = everything()
    outcomes = Counter(outcome(data))
    assert outcomes == {"loaded": 1}
    for at in range(len(data)):
        for change in (0x01, 0x10, 0x80, 0xFF):
            outcomes.update(outcome(data[:at] + bytes([data[at] ^ change]) + data[at + 1 :]))
    assert outcomes.keys() == {"loaded", "refused"}


def outcome(data: bytes) -> Iterator[str]:
    """What comes of a file. What is loaded is whole: it can be told, and written again."""
    try:
        keyspace, _ = read(data)
    except CorruptError:
        yield "refused"
    else:
        digest = digest_of_keyspace(keyspace)
        yield "loaded" if digest_of_keyspace(read(written(keyspace))[0]) == digest else "lost"
