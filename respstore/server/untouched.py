"""The items of a dictionary, read without touching them: for a forked child, which shares its memory with the parent.

Whoever asks Python for an object writes to it, for an object counts who refers to it. In a child that saves the data,
each such write has the system copy a page of memory, in the end nearly all of them. `marshal` is one of the few that
look at the elements of a list without counting. So here the addresses of keys and values are put into a list that does
not own them, marshal packs what it takes for its elements, and what it unpacks are copies.

For that one must know how CPython lays out dictionaries and lists (dictobject.c, pycore_dict.h, listobject.h), which is
the same in the versions with which this was tried. With any other, items are read as usual.

What is read must not change meanwhile. In a forked child there is nobody to change it.
"""

import marshal
import sys
from array import array
from collections.abc import Iterable, Iterator
from ctypes import c_uint64, cast, py_object
from functools import cache
from typing import Any, Final

Table = dict[bytes, Any]

_KNOWN_VERSIONS: Final = ((3, 11), (3, 12), (3, 13))
_KNOWN_SIZES: Final = ((object, 16), (list, 40), (dict, 48))
"""Bytes of an object itself. Where something is added to each of them, for debugging or for threads, they are more."""
_FORMAT: Final = 2
"""The version of marshal's format that does not look for objects that occur twice, for which it would count."""

_WORD: Final = 8
"""Bytes of a pointer, and of a length."""
_TYPE: Final = 1
_LENGTH: Final = 2
_ELEMENTS: Final = 3
_KEYS: Final = 4
"""Words of an object: its type, the length of bytes, where a list has its elements, where a dictionary has its keys."""
_INDEX_SIZE: Final = 9
_KIND: Final = 10
"""Bytes of the keys: the binary logarithm of how long the index is, and what sort of keys they are."""
_ANY_KIND: Final = 0
_COUNT: Final = 3
"""The word that tells how many entries there are."""
_INDEX: Final = 32
"""Bytes of the keys before the index; behind it are the entries, in order: a hash, a key and a value each."""
_ENTRY: Final = 3
_VALUE: Final = 2
"""Words of an entry, and which of them is the value: 0 if the entry was deleted."""
_ENTRIES_AT_ONCE: Final = 128
_LONG: Final = 1 << 15
"""Bytes of a text of which to touch one page matters less than to copy all."""


def can_read() -> bool:
    """Whether this interpreter is known to keep dictionaries as `read_items` takes it."""
    return (
        sys.implementation.name == "cpython"
        and sys.version_info[:2] in _KNOWN_VERSIONS
        and all(kind.__basicsize__ == size for kind, size in _KNOWN_SIZES)
    )


def read_items(table: Table) -> Iterable[tuple[bytes, Any]]:
    """As `dict.items`, in the same order, of a dictionary whose keys are bytes.

    Keys and short values, be they bytes, whole numbers or None, are copies; others are the objects that are there.
    """
    octets, words = _memory()
    keys = words[id(table) // _WORD + _KEYS]
    if not table or octets[keys + _KIND] != _ANY_KIND:
        return table.items()
    first = (keys + _INDEX + (1 << octets[keys + _INDEX_SIZE])) // _WORD
    return _read_entries(first, first + _ENTRY * words[keys // _WORD + _COUNT])


@cache
def _memory() -> tuple[memoryview, memoryview]:
    """All that a process may address, as bytes and as words. Nothing is read before somebody asks for a part of it."""
    octets = memoryview((c_uint64 * (1 << 44)).from_address(0)).cast("B")
    return octets, octets.cast("Q")


def _read_entries(first: int, end: int) -> Iterator[tuple[bytes, Any]]:
    (_, words), kinds, instead = _memory(), tuple(map(id, (bytes, int, type(None)))), id(None)
    step = _ENTRY * _ENTRIES_AT_ONCE
    for start in range(first, end, step):
        entries = words[start : min(start + step, end)].tolist()
        keys, values = entries[1::_ENTRY], entries[_VALUE::_ENTRY]
        if 0 in values:
            keys = [key for key, value in zip(keys, values, strict=True) if value]
            values = [value for value in values if value]
        short = [
            value if words[(value >> 3) + _TYPE] in kinds and words[(value >> 3) + _LENGTH] < _LONG else instead
            for value in values
        ]
        copies = _copy(keys + short)
        names, found = copies[: len(keys)], copies[len(keys) :]
        if short != values:
            for place, (value, copied) in enumerate(zip(values, short, strict=True)):
                if value != copied:
                    found[place] = cast(value, py_object).value
        yield from zip(names, found, strict=True)


def _copy(addresses: list[int]) -> list[Any]:
    """Copies of the objects at these addresses, which marshal must know."""
    borrowed: list[Any] = [None] * len(addresses)
    _, words = _memory()
    start = words[id(borrowed) // _WORD + _ELEMENTS] // _WORD
    place = slice(start, start + len(addresses))
    own = array("Q", words[place])
    words[place] = array("Q", addresses)
    try:
        packed = marshal.dumps(borrowed, _FORMAT)
    finally:
        words[place] = own
    copies: list[Any] = marshal.loads(packed)  # noqa: S302 - from a few lines above
    return copies
