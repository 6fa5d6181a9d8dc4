"""What keys and values really cost in the memory of this process: what is held against maxmemory.

CPython's allocator rounds up to 16 bytes, and so does the system's, from which it takes what is larger than 512. Every
object is counted as if nothing else referred to it, but for those that the interpreter itself shares. A new type needs
its lines in `own_size`, `elements_size` and `count_of`. (MEMORY USAGE is another figure: see sizes.py.)
"""

from collections import deque
from collections.abc import Iterable
from sys import getsizeof
from typing import Final

from respstore.keyspace.containers import Hash, Set
from respstore.keyspace.database import Database, Value
from respstore.keyspace.list import LongList
from respstore.keyspace.list_node import Node as ListNode
from respstore.keyspace.sorted_set import SortedSet
from respstore.keyspace.stream import Stream
from respstore.keyspace.stream_group import Group

_BYTES: Final = 48
"""What a bytes object takes beside its contents, rounding included: `len + 48 & ~15` is the whole."""
_SMALL: Final = 257
"""Integers below are shared by all who use them, as are bytes objects of one byte or none."""
INTEGER: Final = 32
_FLOAT: Final = 32
_NODE: Final = 256
"""A node of a stream without its entries, as measured: the object, its ids, its numbers, its places in two lists."""
_LIST_NODE: Final = 72
"""A node of a list without its elements: the object, and its place in a list."""
_ENTRY: Final = 72
"""What an open entry takes beside its values: its places in three lists and, mostly, the number that its time is."""
_GROUP: Final = 600
"""A group: the object, its name, its list, its dictionaries."""
_CONSUMER: Final = 200
"""The object, its name, its place in a dictionary, the time at which it was seen."""
_DEADLINE: Final = 112
"""A time to live, beside its place in a dictionary: the number, and the pair that waits in a heap."""


def allocated(thing: object) -> int:
    """An object's own bytes."""
    return getsizeof(thing) + 15 & ~15


def of_text(text: bytes) -> int:
    """A bytes object."""
    return len(text) + _BYTES & ~15 if len(text) > 1 else 0


def of_integer(number: int) -> int:
    """An integer."""
    return 0 if -6 < number < _SMALL else INTEGER


def of_texts(texts: Iterable[bytes]) -> int:
    """All of them together."""
    # Without a list: of a large container it would take some megabytes for a moment, and leave holes.
    return sum(len(text) + _BYTES & ~15 for text in texts if len(text) > 1)


def own_size(value: Value) -> int:
    """What a value takes without its elements: O(1), of a stream O(N) in the number of its groups."""
    if isinstance(value, bytes):
        return of_text(value)
    if isinstance(value, int):
        return of_integer(value)
    size = allocated(value)
    if isinstance(value, SortedSet):
        size += allocated(value.scores)
    if isinstance(value, LongList):
        return size + sum(map(allocated, value.ends()))
    if isinstance(value, Stream):
        return size + sum(map(_group_size, value.groups.values()))
    if isinstance(value, Hash | Set | SortedSet) and value.order is not None:
        size += getsizeof(value.order)
    return size


def elements_size(value: Value) -> int:
    """What the elements of a container take: O(N)."""
    if isinstance(value, Hash):
        return of_texts(value) + of_texts(value.values())
    if isinstance(value, SortedSet):
        return of_texts(value.scores) + _FLOAT * len(value.scores) + value.blocks_size()
    if isinstance(value, deque | Set):
        return of_texts(value)
    if isinstance(value, LongList):
        return sum(map(of_texts, value.ends())) + sum(map(_list_node_size, value.nodes()))
    return _stream_size(value) if isinstance(value, Stream) else 0


def _list_node_size(node: ListNode) -> int:
    return _LIST_NODE + (of_texts(node.elements()) if node.packed is None else of_text(node.packed))


def _stream_size(stream: Stream) -> int:
    size = 0
    for node in stream.nodes():
        size += _NODE + allocated(node.fields) + node.packed_size()
        if node.columns is not None:
            size += sum(map(_values_size, node.columns.values))
    return size


def _group_size(group: Group) -> int:
    return _GROUP + _CONSUMER * len(group.consumers) + group.pending_size()


def _values_size(values: tuple[bytes, ...]) -> int:
    """Those of an open entry, with its places in the columns; the fields are those of most entries."""
    return _ENTRY + allocated(values) + of_texts(values)


def count_of(value: Value) -> int:
    """How many elements a container has; what is none has none."""
    if isinstance(value, Stream):
        return value.length
    return 0 if isinstance(value, bytes | bytearray | int) else len(value)


def footprint_beside(db: Database) -> int:
    """What a database takes beside its keys and values: times to live, and the order that scans follow."""
    size = getsizeof(db.expires) + _DEADLINE * len(db.expires) if db.expires else 0
    return size + db.order_size()
