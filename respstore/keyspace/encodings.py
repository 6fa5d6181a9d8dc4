"""How Redis 7.0 would hold a value in its memory: what OBJECT ENCODING, OBJECT REFCOUNT and DEBUG OBJECT tell.

Here a value is whatever Python object suits it (see `database.py`), and the names are Redis's, for the tools and people
who ask. Where Redis would also look at how a string was made (INCRBYFLOAT leaves no "int"),
it is told as if the string had been set.
"""

from collections import deque
from typing import Final

from respstore.keyspace.database import Value
from respstore.numbers import parse_integer

EMBEDDED_LENGTH: Final = 44
"""Bytes of the longest string that Redis keeps in one piece with its header."""
SHARED_INTEGERS: Final = 10_000
SHARED_REFCOUNT: Final = 2**31 - 1
"""What Redis answers as the number of references to an integer below SHARED_INTEGERS, which is kept but once."""


def encoding_of(value: Value) -> str:
    """The name of Redis's representation, as OBJECT ENCODING gives it: https://redis.io/docs/latest/commands/object-encoding/"""
    if isinstance(value, deque):
        return "quicklist"
    if isinstance(value, bytearray):
        return "raw"
    if parse_integer(value) is not None:
        return "int"
    return "embstr" if len(value) <= EMBEDDED_LENGTH else "raw"


def refcount_of(value: Value) -> int:
    """How often Redis would refer to the value: once, but for small integers, which all keys share."""
    number = parse_integer(value) if isinstance(value, bytes) else None
    return 1 if number is None or not 0 <= number < SHARED_INTEGERS else SHARED_REFCOUNT
