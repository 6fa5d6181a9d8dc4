"""A key on its way has the digest that it has in Redis, and a name that people can read."""

from respstore.keyspace import Keyspace
from respstore.keyspace.digest import digest_of_keyspace, digest_of_sums
from respstore.transfer.entries import Entry


def test_the_digest_is_that_of_redis() -> None:
    keyspace = Keyspace(4)
    entries = [Entry(0, b"a", b"x", None), Entry(0, b"b", b"y", 33_177_117_420_000), Entry(3, b"a", b"x", None)]
    sums: dict[int, int] = {}
    for entry in entries:
        keyspace.databases[entry.db].place(entry.key, entry.value, entry.deadline, "set")
        sums[entry.db] = sums.get(entry.db, 0) ^ entry.digest()
    assert digest_of_sums(sums) == digest_of_keyspace(keyspace)


def test_its_name() -> None:
    assert str(Entry(2, b"a\xff\n", b"x", None)) == r"'a\\xff\n' of db 2"
