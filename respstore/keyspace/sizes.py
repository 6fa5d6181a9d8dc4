"""What a key costs in the memory of this process: an estimate from how CPython keeps objects (MEMORY USAGE).

Every object is counted as if nothing else referred to it. A new type needs a line in `_value_size`.
"""

from collections import deque
from itertools import islice
from sys import getsizeof
from typing import Final

from respstore.keyspace.containers import Hash, Set
from respstore.keyspace.database import Database, Value
from respstore.keyspace.sorted_set import SortedSet
from respstore.keyspace.stream import Stream
from respstore.keyspace.stream_node import Entry

DICT_ENTRY: Final = 44
"""A dictionary's bytes per key, on average: 24 for hash, key and value, and 6 of an index, in a table of which a half
to all is in use."""
LIST_ENTRY: Final = 9
"""A Python list's bytes per element: a pointer, and the spare room of a list that grew."""

FLOAT: Final = 32
"""A float's bytes."""
INTEGER: Final = 32
NODE: Final = 320
"""What a node of a stream takes beside its entries: the object, its ids, its number and its place."""
GROUP: Final = 300
"""A group or a consumer of a stream, without its name."""
PENDING: Final = 450
"""An entry that was delivered: the object, its id, its time, and its places in two dictionaries."""


def size_of_key(db: Database, key: bytes, samples: int | None) -> int | None:
    """The bytes that a key, its value and its time to live take.

    Args:
        db: its database.
        key: its name.
        samples: how many elements of a container to look at; the others are taken to be like them. None for all.

    Returns:
        None if there is no such key; one whose time is over, but that nobody has deleted yet, still costs memory.
    """
    value = db.peek_even_dead(key)
    if value is None:
        return None
    size = DICT_ENTRY + _allocated(key) + _value_size(value, samples)
    deadline = db.deadline(key)
    if deadline is not None:  # one more entry, the number, and the pair that waits in order
        size += DICT_ENTRY + _allocated(deadline) + _allocated((deadline, key)) + LIST_ENTRY
    return size


def _value_size(value: Value, samples: int | None) -> int:
    size = _allocated(value)
    if isinstance(value, Hash):
        seen = [_allocated(field) + _allocated(text) for field, text in islice(value.items(), samples)]
    elif isinstance(value, SortedSet):
        size += _allocated(value.scores)
        seen = [_allocated(member) + FLOAT + 2 * LIST_ENTRY for member in islice(value.scores, samples)]
    elif isinstance(value, Stream):
        return size + _stream_size(value, samples)
    elif isinstance(value, deque | Set):
        seen = [_allocated(element) for element in islice(value, samples)]
    else:
        return size
    if isinstance(value, Hash | Set | SortedSet) and value.order is not None:
        size += _allocated(value.order)
    return size + (sum(seen) * len(value) // len(seen) if seen else 0)


def _stream_size(stream: Stream, samples: int | None) -> int:
    """All but the object itself; the samples are of nodes."""
    nodes = stream.nodes()
    seen = [NODE + sum(map(_entry_size, node.entries or ())) + node.packed_size() for node in nodes[:samples]]
    size = sum(seen) * len(nodes) // len(seen) if seen else 0
    for name, group in stream.groups.items():
        size += GROUP + DICT_ENTRY + _allocated(name) + PENDING * len(group.pending)
        size += sum(GROUP + DICT_ENTRY + _allocated(consumer) for consumer in group.consumers)
    return size


def _entry_size(entry: Entry) -> int:
    id_, _, values = entry  # the fields are those of most entries
    return LIST_ENTRY + INTEGER + sum(map(_allocated, (entry, id_, values, *values)))


def _allocated(thing: object) -> int:
    """An object's bytes, rounded up to what the allocator gives."""
    return getsizeof(thing) + 15 & ~15
