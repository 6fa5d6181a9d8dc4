"""One number for all data: equal data gives an equal digest, here and in Redis (DEBUG DIGEST and DIGEST-VALUE).

The rule is Redis's, so that a data set can be compared with a real server's. A digest has 160 bits and starts at 0. To
**add** bytes to it is to xor it with their SHA-1: the order does not matter. To **mix** bytes in is to add them and to
take the SHA-1 of the result: the order matters. So the keys of a database and the members of a set are added, the
elements of a list and the entries of a stream mixed in.

A new type needs its number in `TYPE_NUMBERS` and its elements in `_contents`.
"""

from collections import deque
from collections.abc import Mapping
from hashlib import sha1
from itertools import chain
from typing import Final

from respstore.keyspace.containers import Hash, Set
from respstore.keyspace.database import Database, Keyspace, Value
from respstore.keyspace.list import LongList
from respstore.keyspace.sorted_set import SortedSet
from respstore.keyspace.stream import Stream
from respstore.numbers import format_double

BYTES: Final = 20
TYPE_NUMBERS: Final[dict[type, int]] = {
    bytes: 0,
    bytearray: 0,
    int: 0,
    deque: 1,
    LongList: 1,
    Set: 2,
    SortedSet: 3,
    Hash: 4,
    Stream: 6,
}


def digest_of_keyspace(keyspace: Keyspace) -> str:
    """The digest of all databases, 40 hexadecimal digits; 0 if there is no key."""
    sums: dict[int, int] = {}
    for db in keyspace.databases:
        keys = list(db.keys())
        if keys:
            sums[db.index] = 0
        for key in keys:
            sums[db.index] ^= digest_of_key(key, db.data[key], expires=db.deadline(key) is not None)
    return digest_of_sums(sums)


def digest_of_key(key: bytes, value: Value, *, expires: bool) -> int:
    """What a key adds to the sum of its database: all of these are xored."""
    return _sha1(_bytes(_value(mix(0, key), value, expires=expires)))


def digest_of_sums(sums: Mapping[int, int]) -> str:
    """The digest of databases, by the sum of each that is not empty."""
    total = 0
    for index in sorted(sums):
        total = mix(total, index.to_bytes(4, "big")) ^ sums[index]
    return _bytes(total).hex()


def digest_of_value(db: Database, key: bytes) -> str:
    """The digest of a key's value and time to live, without its name; 0 if there is no such key.

    One whose time is over, but that nobody has deleted yet, is there.
    """
    value = db.peek_even_dead(key)
    return _bytes(0 if value is None else _value(0, value, expires=db.deadline(key) is not None)).hex()


def mix(digest: int, data: bytes | bytearray) -> int:
    """The digest with bytes mixed in."""
    return _sha1(_bytes(_add(digest, data)))


def _value(digest: int, value: Value, *, expires: bool) -> int:
    digest = _contents(mix(digest, TYPE_NUMBERS[type(value)].to_bytes(4, "big")), value)
    return _add(digest, b"!!expire!!") if expires else digest


def _contents(digest: int, value: Value) -> int:
    if isinstance(value, deque | LongList):
        for element in value:
            digest = mix(digest, element)
        return digest
    if isinstance(value, Set):
        for member in value:
            digest = _add(digest, member)
        return digest
    if isinstance(value, SortedSet):
        for member, score in value.scores.items():
            digest = _add(digest, _bytes(mix(mix(0, member), format_double(score))))
        return digest
    if isinstance(value, Hash):
        for field, text in value.items():
            digest = _add(digest, _bytes(mix(mix(0, field), text)))
        return digest
    if isinstance(value, Stream):
        for id_, fields, values in value:
            digest = mix(digest, b"%d.%d" % id_)
            for text in chain.from_iterable(zip(fields, values, strict=True)):
                digest = mix(digest, text)
        return digest
    return mix(digest, b"%d" % value if isinstance(value, int) else value)


def _add(digest: int, data: bytes | bytearray) -> int:
    return digest ^ _sha1(data)


def _sha1(data: bytes | bytearray) -> int:
    return int.from_bytes(sha1(data, usedforsecurity=False).digest(), "big")


def _bytes(digest: int) -> bytes:
    return digest.to_bytes(BYTES, "big")
