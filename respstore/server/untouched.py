"""The items of a dictionary, read without touching them: for a forked child, which shares its memory with the parent.

Whoever asks Python for an object writes to it, for an object counts who refers to it. In a child that saves the data,
each such write has the system copy a page of memory, in the end nearly all of them. `marshal` is one of the few that
look at the elements of a list without counting. So here the addresses of keys and values are put into a list that does
not own them, marshal packs what it takes for its elements, and what it unpacks are copies.

For that one must know how CPython lays out dictionaries and lists (dictobject.c, pycore_dict.h, listobject.h), which is
the same in the versions with which this was tried. With any other, items are read as usual.

What is read must not change meanwhile. In a forked child there is nobody to change it.

What is shared costs memory all the same as soon as the parent writes to it. So who needs an item once only can give its
memory back (`consume_items`): what the parent writes to then need not be copied. A server under load writes to most of
it within a fraction of a second; so all that is small is copied first, as marshal packs it, and then handed out. That
takes knowing where Python puts small objects, too (obmalloc.c): into pools of 16 KiB, each for one size.
"""

import marshal
import mmap
import sys
from array import array
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from ctypes import CDLL, c_int, c_size_t, c_uint64, c_void_p, cast, py_object
from functools import cache
from itertools import chain, compress
from operator import not_
from typing import Any, Final, NamedTuple, Self

Table = dict[bytes, Any]

_KNOWN_VERSIONS: Final = ((3, 11), (3, 12), (3, 13))
_KNOWN_SIZES: Final = ((object, 16), (list, 40), (dict, 48))
"""Bytes of an object itself. Where something is added to each of them, for debugging or for threads, they are more."""
_FORMAT: Final = 2
"""The version of marshal's format that does not look for objects that occur twice, for which it would count."""

_WORD: Final = 8
"""Bytes of a pointer, and of a length."""
_ADDRESSES: Final = 1 << 56
"""More than any processor gives a process: 47 bits of an address are usual, with ARM it is 48."""
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
_KEY: Final = 1
_VALUE: Final = 2
"""Words of an entry, and which of them are the key and the value, which is 0 if the entry was deleted."""
_ENTRIES_AT_ONCE: Final = 512
_KINDS: Final = (id(bytes), id(int), id(type(None)))
"""What marshal knows and is copied."""
_LONG: Final = 1 << 15
"""Bytes of a text of which to touch one page matters less than to copy all."""

_POOL_BITS: Final = 14
_POOL: Final = 1 << _POOL_BITS
_POOLS: Final = int.from_bytes(
    ((1 << 64 - _POOL_BITS) - 1).to_bytes(8, sys.byteorder) * _ENTRIES_AT_ONCE, sys.byteorder
)
"""The bits of so many addresses that are a pool's, when each is shifted."""
_POOL_HEAD: Final = 48
"""Bytes of a pool, and of what stands in it before the first object."""
_SIZE_CLASS: Final = 4
"""The word of that whose upper half tells the size of each object: in units of 16 bytes, and less by one."""
_SMALL: Final = 256
"""Bytes of a text that is in a pool for sure."""
_ENTRIES_PER_PART: Final = 1 << 15
"""After so many it is seen what memory there is to give back."""


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
    span = _entries_of(table)
    if span is None:
        return table.items()
    columns = _read_entries(*span)
    return _pair((_unpack(_pack(keys)), _objects(values.tolist())) for keys, values in columns)


def consume_items(table: Table) -> Iterable[tuple[bytes, Any]]:
    """As `read_items`, for a child that needs each item of the dictionary once and never again.

    Before the first item is handed out, what is small is copied, and its memory is given back. The items of hashes and
    sets are just read.
    """
    span = _entries_of(table)
    if span is None or type(table) is not dict or not _can_give_back():
        return read_items(table)
    return _pair(_consume_entries(*span))


def _can_give_back() -> bool:
    """Whether small objects are in pools, and the system takes back each pool for itself, without what is beside it."""
    has_pools = sys.getallocatedblocks() > 0  # not so with PYTHONMALLOC=malloc
    return has_pools and hasattr(mmap, "MADV_DONTNEED") and _POOL % mmap.PAGESIZE == 0


def _pair(columns: Iterable[tuple[list[bytes], list[Any]]]) -> Iterable[tuple[bytes, Any]]:
    """Keys and values as items."""
    return chain.from_iterable(zip(keys, values, strict=True) for keys, values in columns)


def _entries_of(table: Table) -> tuple[int, int] | None:
    """Where the entries of a dictionary begin and end, in words; None if there are none, or of another kind."""
    octets, words = _memory()
    keys = words[id(table) // _WORD + _KEYS]
    if not table or octets[keys + _KIND] != _ANY_KIND:
        return None
    first = (keys + _INDEX + (1 << octets[keys + _INDEX_SIZE])) // _WORD
    return first, first + _ENTRY * words[keys // _WORD + _COUNT]


@cache
def _memory() -> tuple[memoryview, memoryview]:
    """All that a process may address, as bytes and as words. Nothing is read before somebody asks for a part of it."""
    octets = memoryview((c_uint64 * (_ADDRESSES // _WORD)).from_address(0)).cast("B")
    return octets, octets.cast("Q")


def _read_entries(first: int, end: int) -> Iterator[tuple[memoryview, memoryview]]:
    """The addresses of keys, and those of their values, of some entries at a time."""
    _, words = _memory()
    for start in range(first, end, _ENTRY * _ENTRIES_AT_ONCE):
        stop = min(start + _ENTRY * _ENTRIES_AT_ONCE, end)
        keys, values = words[start + _KEY : stop : _ENTRY], words[start + _VALUE : stop : _ENTRY]
        if 0 in values.tolist():
            keys, values = memoryview(array("Q", compress(keys, values))), memoryview(array("Q", filter(None, values)))
        yield keys, values


def _consume_entries(first: int, end: int) -> Iterator[tuple[list[bytes], list[Any]]]:
    """Keys and their values, some at a time."""
    consumed, step = _Consumed(), _ENTRY * _ENTRIES_PER_PART
    parts = [(start, min(start + step, end)) for start in range(first, end, step)]
    packed_keys, packed_values = deque[bytes](), deque[_Packed]()
    # Keys come first, for most lie in the order of their entries: soon the first pool of them can be given back.
    for part in parts:
        for keys, _ in _read_entries(*part):
            consumed.count(keys)
            packed_keys.append(_pack(keys))
        consumed.give_back_pools()
    for part in parts:
        for _, values in _read_entries(*part):
            pools = consumed.count(values)
            packed_values.append(_Packed.of(values.tolist(), consumed.staying(pools)))
        consumed.give_back_pools()
        consumed.give_back_entries(*part)
    while packed_keys:
        yield _unpack(packed_keys.popleft()), packed_values.popleft().unpack()


class _Packed(NamedTuple):
    """Copies of objects, and the addresses of those that stay where they are.

    Attributes:
        copies: of a list of objects, with None in the places of those that stay.
        places: of these.
        addresses: of these.
    """

    copies: bytes
    places: list[int]
    addresses: list[int]

    @classmethod
    def of(cls, addresses: list[int], places: list[int]) -> Self:
        """Copy all but what is in these places."""
        return cls(_pack(_without(addresses, places)), places, [addresses[place] for place in places])

    def unpack(self) -> list[Any]:
        """The list of objects."""
        objects = _unpack(self.copies)
        if self.places:
            _replace(objects, self.places, _objects(self.addresses))
        return objects


def _objects(addresses: list[int]) -> list[Any]:
    """What is at these addresses: copies of what marshal knows and is not long, else the objects themselves."""
    _, words = _memory()
    others = [
        place
        for place, address in enumerate(addresses)
        if words[(address >> 3) + _TYPE] not in _KINDS or words[(address >> 3) + _LENGTH] >= _LONG
    ]
    objects = _unpack(_pack(_without(addresses, others)))
    _replace(objects, others, [cast(addresses[place], py_object).value for place in others])
    return objects


def _without(addresses: list[int], places: list[int]) -> "array[int]":
    """The addresses, with that of None in these places."""
    known = array("Q", addresses)
    for place in places:
        known[place] = id(None)
    return known


def _replace(objects: list[Any], places: list[int], others: list[Any]) -> None:
    for place, other in zip(places, others, strict=True):
        objects[place] = other


def _pack(addresses: "memoryview | array[int]") -> bytes:
    """A copy of what is at these addresses, which must be something that marshal knows."""
    borrowed: list[Any] = [None] * len(addresses)
    _, words = _memory()
    start = words[id(borrowed) // _WORD + _ELEMENTS] // _WORD
    place = slice(start, start + len(addresses))
    own = words[place].tobytes()
    words[place] = addresses
    try:
        return marshal.dumps(borrowed, _FORMAT)
    finally:
        words[place] = array("Q", own)


def _unpack(packed: bytes) -> list[Any]:
    objects: list[Any] = marshal.loads(packed)  # noqa: S302 - from nobody but `_pack`
    return objects


def _pools_of(addresses: memoryview) -> list[int]:
    """The pool that each would be in: all are shifted at once, as one number, which takes a fraction of the time."""
    shifted = int.from_bytes(addresses, sys.byteorder) >> _POOL_BITS & _POOLS
    return memoryview(shifted.to_bytes(len(addresses) * _WORD, sys.byteorder)).cast("Q").tolist()


class _Consumed:
    """Memory of which this process has no need any more, given back to the system from time to time.

    It is that of pools that are full, with texts or with whole numbers that have one reference each. Once as many of
    them were copied as there are, all those references are the dictionary's: none was counted twice, and nobody else
    needs any of them.
    """

    def __init__(self) -> None:
        _, self._words = _memory()
        self._copied = Counter[int]()
        """Objects, by pool."""
        self._room: dict[int, int] = {}
        """How many objects are in a pool; 0 if it cannot be given back, or was already."""
        self._touched = set[int]()
        """Pools of which something was copied since some were given back."""
        self._madvise = CDLL(None).madvise
        self._madvise.argtypes = c_void_p, c_size_t, c_int

    def count(self, addresses: memoryview) -> list[int]:
        """These will be copied at once, and not be read again, except for those that stay; answer the pool of each."""
        room, pools = self._room, _pools_of(addresses)
        touched = set(pools)
        self._touched |= touched
        for pool in touched.difference(room):
            room[pool] = self._room_beside(addresses[pools.index(pool)])
        self._copied.update(pools)
        return pools

    def staying(self, pools: list[int]) -> list[int]:
        """The places in this list of pools that cannot be given back: to copy what is in them early gains nothing."""
        rooms = list(map(self._room.__getitem__, pools))
        return [] if all(rooms) else list(compress(range(len(rooms)), map(not_, rooms)))

    def give_back_entries(self, first: int, end: int) -> None:
        """Give back a part of the dictionary that was read, from and to these words."""
        start = -(-first * _WORD // mmap.PAGESIZE) * mmap.PAGESIZE
        if (size := end * _WORD // mmap.PAGESIZE * mmap.PAGESIZE - start) > 0:
            self._advise(start, size)

    def give_back_pools(self) -> None:
        """Give back those of which all was copied."""
        for pool in self._touched:
            room = self._room[pool]
            if room and self._copied[pool] == room:
                self._room[pool] = 0
                self._advise(pool * _POOL, _POOL)
        self._touched.clear()

    def _room_beside(self, address: int) -> int:
        """How many objects are in the pool of an object; 0 if it may be in none, or that cannot be given back."""
        words = self._words
        own_references, kind, length = words[address // _WORD : address // _WORD + _ELEMENTS]
        # None and others that Python has once for all are in no pool: who looked for its head might read what is not
        # there. They have more than one reference.
        if own_references != 1 or kind not in _KINDS or length >= _SMALL:
            return 0
        pool = address >> _POOL_BITS << _POOL_BITS
        size = 16 * (1 + (words[pool // _WORD + _SIZE_CLASS] >> 32))
        room = (_POOL - _POOL_HEAD) // size
        step, first = size // _WORD, (pool + _POOL_HEAD) // _WORD
        end = first + room * step
        references, kinds = words[first:end:step].tobytes(), words[first + _TYPE : end : step].tobytes()
        return room if references == _as_word(1) * room and kinds == _as_word(kind) * room else 0

    def _advise(self, start: int, size: int) -> None:
        self._madvise(start, size, mmap.MADV_DONTNEED)  # where it cannot, the memory stays as it is


def _as_word(number: int) -> bytes:
    return number.to_bytes(_WORD, sys.byteorder)
