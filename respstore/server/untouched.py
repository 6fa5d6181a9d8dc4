"""The items of a dictionary, read without touching them: for a forked child, which shares its memory with the parent.

Whoever asks Python for an object writes to it, for an object counts who refers to it. In a child that saves the data,
each such write has the system copy a page of memory, in the end nearly all of them. `marshal` is one of the few that
look at the elements of a list without counting. So here the addresses of keys and values are put into a list that does
not own them, marshal packs what it takes for its elements, and what it unpacks are copies.

For that one must know how CPython lays out dictionaries and lists (dictobject.c, pycore_dict.h, listobject.h), which is
the same in the versions with which this was tried. With any other, items are read as usual.

What is read must not change meanwhile. In a forked child there is nobody to change it.

What is shared costs memory all the same as soon as the parent writes to it. So who needs an item once only can give its
memory back with that (`consume_items`): what the parent writes to then need not be copied. That takes knowing where
Python puts small objects, too (obmalloc.c): into pools of 16 KiB, each for one size.
"""

import marshal
import mmap
import sys
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from ctypes import CDLL, c_int, c_size_t, c_uint64, c_void_p, cast, py_object
from functools import cache
from typing import Any, Final

Table = dict[bytes, Any]
Consume = Callable[[list[int], int, int], None]

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

_POOL_BITS: Final = 14
_POOL: Final = 1 << _POOL_BITS
_POOL_HEAD: Final = 48
"""Bytes of a pool, and of what stands in it before the first object."""
_SIZE_CLASS: Final = 4
"""The word of that whose upper half tells the size of each object: in units of 16 bytes, and less by one."""
_SMALL: Final = 256
"""Bytes of a text that is in a pool for sure."""
_TABLE_AT_ONCE: Final = 1 << 20
"""Bytes of a dictionary that are given back at once, and with them what else there is to give back by then."""


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
    return _read(table, lambda _addresses, _start, _end: None)


def consume_items(table: Table) -> Iterable[tuple[bytes, Any]]:
    """As `read_items`, for a child that needs each item of the dictionary once and never again.

    The items of hashes and sets are just read.
    """
    has_pools = sys.getallocatedblocks() > 0  # not so with PYTHONMALLOC=malloc
    if type(table) is not dict or not has_pools or not hasattr(mmap, "MADV_DONTNEED"):
        return read_items(table)
    return _read(table, _Consumed().add)


def _read(table: Table, consume: Consume) -> Iterable[tuple[bytes, Any]]:
    """The items; `consume` is called with the addresses of what was copied, and where their entries begin and end."""
    octets, words = _memory()
    keys = words[id(table) // _WORD + _KEYS]
    if not table or octets[keys + _KIND] != _ANY_KIND:
        return table.items()
    first = (keys + _INDEX + (1 << octets[keys + _INDEX_SIZE])) // _WORD
    return _read_entries(first, first + _ENTRY * words[keys // _WORD + _COUNT], consume)


@cache
def _memory() -> tuple[memoryview, memoryview]:
    """All that a process may address, as bytes and as words. Nothing is read before somebody asks for a part of it."""
    octets = memoryview((c_uint64 * (1 << 44)).from_address(0)).cast("B")
    return octets, octets.cast("Q")


def _read_entries(first: int, end: int, consume: Consume) -> Iterator[tuple[bytes, Any]]:
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
        addresses = keys + short
        copies = _copy(addresses)
        consume(addresses, start * _WORD, (start + len(entries)) * _WORD)
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


class _Consumed:
    """Memory of which this process has no need any more, given back to the system from time to time.

    A pool is of no use once as many of its objects were copied as it has room for, and each has one reference, which is
    the dictionary's: so none was counted twice, and nobody else needs any of them.
    """

    def __init__(self) -> None:
        _, self._words = _memory()
        self._copied = Counter[int]()
        """Objects, by pool."""
        self._room: dict[int, int] = {}
        """How many objects a pool has room for; 0 if it may be none, or is given back already."""
        self._table = 0
        self._madvise = CDLL(None).madvise
        self._madvise.argtypes = c_void_p, c_size_t, c_int

    def add(self, addresses: list[int], start: int, end: int) -> None:
        """These objects will not be read again, nor the entries of the dictionary from and to there."""
        pools = [address >> _POOL_BITS for address in addresses]
        self._copied.update(pools)
        for pool in set(pools).difference(self._room):
            self._room[pool] = self._room_beside(addresses[pools.index(pool)])
        self._table = self._table or -(-start // mmap.PAGESIZE) * mmap.PAGESIZE
        size = end // mmap.PAGESIZE * mmap.PAGESIZE - self._table
        if size >= _TABLE_AT_ONCE:
            self._give_back(self._table, size)
            self._table += size
            self._give_back_pools()

    def _room_beside(self, address: int) -> int:
        """How many objects there is room for in the pool of an object; 0 if it may be in none."""
        references, _, length = self._words[address // _WORD : address // _WORD + _ELEMENTS]
        return (_POOL - _POOL_HEAD) // self._size(address >> _POOL_BITS) if references == 1 and length < _SMALL else 0

    def _give_back_pools(self) -> None:
        for pool, room in self._room.items():
            if room and self._copied[pool] == room and self._is_alone(pool):
                self._room[pool] = 0
                self._give_back(pool * _POOL, _POOL)

    def _is_alone(self, pool: int) -> bool:
        """Whether each object of a full pool has one reference."""
        first, size, room = pool * _POOL + _POOL_HEAD, self._size(pool), self._room[pool]
        references = self._words[first // _WORD : (first + room * size) // _WORD : size // _WORD].tolist()
        return references.count(1) == room

    def _size(self, pool: int) -> int:
        """How many bytes there are for each object of a pool."""
        return 16 * (1 + (self._words[pool * _POOL // _WORD + _SIZE_CLASS] >> 32))

    def _give_back(self, start: int, size: int) -> None:
        self._madvise(start, size, mmap.MADV_DONTNEED)  # where it cannot, the memory stays as it is
