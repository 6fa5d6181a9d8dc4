"""How Redis 7.0 would hold a value, in memory and on disk: what OBJECT ENCODING, REFCOUNT and DEBUG OBJECT tell.

Here a value is whatever Python object suits it (see `database.py`), and the names are Redis's, for the tools and people
who ask. Where Redis would also look at how a string was made (INCRBYFLOAT leaves no "int"), it is told as if the string
had been set.
"""

from collections import deque
from itertools import chain
from typing import Final

from respstore.keyspace.containers import Hash, Set
from respstore.keyspace.database import Value
from respstore.keyspace.list import LongList
from respstore.keyspace.sorted_set import SortedSet
from respstore.keyspace.stream import Stream
from respstore.numbers import parse_integer

EMBEDDED_LENGTH: Final = 44
"""Bytes of the longest string that Redis keeps in one piece with its header."""
LONGEST_32_BIT_NUMBER: Final = 11
SHARED_INTEGERS: Final = 10_000
SHARED_REFCOUNT: Final = 2**31 - 1
"""What Redis answers as the number of references to an integer below SHARED_INTEGERS, which is kept but once."""


def encoding_of(value: Value) -> str:
    """The name of Redis's representation, as OBJECT ENCODING gives it: https://redis.io/docs/latest/commands/object-encoding/"""
    if isinstance(value, deque | LongList):
        return "quicklist"
    if isinstance(value, Hash | Set):
        return "hashtable" if value.is_table else "listpack" if isinstance(value, Hash) else "intset"
    if isinstance(value, SortedSet):
        return "skiplist" if value.is_skiplist else "listpack"
    if isinstance(value, Stream):
        return "stream"
    if isinstance(value, bytearray):
        return "raw"
    if isinstance(value, int) or parse_integer(value) is not None:
        return "int"
    return "embstr" if len(value) <= EMBEDDED_LENGTH else "raw"


def refcount_of(value: Value) -> int:
    """How often Redis would refer to the value: once, but for small integers, which all keys share."""
    number = value if isinstance(value, int) else parse_integer(value) if isinstance(value, bytes) else None
    return 1 if number is None or not 0 <= number < SHARED_INTEGERS else SHARED_REFCOUNT


def serialized_length_of(value: Value) -> int:
    """Bytes that the value would take in a dump, uncompressed; a container is counted as its elements in turn."""
    if isinstance(value, deque | LongList | Hash | Set):
        values = value.values() if isinstance(value, Hash) else ()
        return _length_of_length(len(value)) + sum(map(_serialized_string_length, chain(value, values)))
    if isinstance(value, SortedSet):
        return _length_of_length(len(value)) + sum(map(_serialized_string_length, value.scores)) + 8 * len(value)
    if isinstance(value, Stream):
        return _length_of_length(value.length) + sum(node.size for node in value.nodes())
    return _serialized_string_length(b"%d" % value if isinstance(value, int) else value)


def _serialized_string_length(text: bytes | bytearray) -> int:
    number = parse_integer(bytes(text)) if len(text) <= LONGEST_32_BIT_NUMBER else None
    if number is not None:
        for bits in (8, 16, 32):
            if -(1 << bits - 1) <= number < 1 << bits - 1:
                return 1 + bits // 8
    return _length_of_length(len(text)) + len(text)


def _length_of_length(length: int) -> int:
    return 1 if length < 1 << 6 else 2 if length < 1 << 14 else 5 if length < 1 << 32 else 9
