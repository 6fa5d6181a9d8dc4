"""What Redis 7.0 would say that a key costs (MEMORY USAGE), computed from the sizes of its structures on 64 bits.

Exact for strings that were set, integers, listpacks and intsets. Hash tables are counted as if they had only grown, and
skiplists with as many levels as their nodes have on average; lists as if all was appended, none of it compressed. What
Redis keeps as spare room in a string that grew is not counted. What the data costs here is told by footprint.py.

Rules: objectComputeSize in object.c; the sizes of jemalloc: http://jemalloc.net/jemalloc.3.html#size_classes
"""

from collections.abc import Iterable, Sequence
from itertools import chain, islice
from typing import Final

from respstore.keyspace.containers import Hash, Set
from respstore.keyspace.database import Database, Value
from respstore.keyspace.encodings import EMBEDDED_LENGTH
from respstore.keyspace.listpack_sizes import LISTPACK_FRAME, integer_size, text_size, whole_score
from respstore.keyspace.radix_tree import count_nodes
from respstore.keyspace.sorted_set import SortedSet
from respstore.keyspace.stream import Stream
from respstore.keyspace.stream_group import Group, PendingList
from respstore.keyspace.stream_node import id_bytes
from respstore.numbers import format_double, parse_integer

_OBJECT: Final = 16
_DICT_ENTRY: Final = 24
_DICT: Final = 56
_SLOT: Final = 8
"""A pointer: what each place of a hash table takes, be it in use or not."""
_SMALLEST_TABLE: Final = 4
_INTSET: Final = 8
"""Bytes of an intset without elements."""
_SKIPLIST: Final = 16 + 32 + 640
"""A sorted set with its skiplist: the two objects, and a first node that has all 32 levels."""
_SKIPLIST_NODE: Final = 53
"""A node with its levels: three quarters of all have one and take 48, a quarter of the others has more than two, ..."""
_QUICKLIST: Final = 40
_QUICKLIST_NODE: Final = 40
_QUICKLIST_OVERHEAD: Final = 8
"""Bytes that Redis adds to an element before it asks whether it fits into a node."""
_QUICKLIST_BYTES: Final = {-1: 4096, -2: 8192, -3: 16384, -4: 32768, -5: 65536}
"""What list-max-listpack-size says where it is negative."""
_SAFE_BYTES: Final = 8192
"""Bytes of a node where it is positive, and so counts elements."""
_STREAM: Final = 80
_STREAM_NODE: Final = 4096
"""What a node of a stream has at once, so that entries can be added, unless it may not become so large."""
_RADIX_NODE: Final = 4 + 30 * 8
_ID: Final = 16
_GROUP: Final = 40
_CONSUMER: Final = 24
_PENDING: Final = 24


def size_of_key(
    db: Database, key: bytes, samples: int | None, *, list_node: int = -2, stream_node: int = 0
) -> int | None:
    """The bytes that a key and its value take in Redis; its time to live is not counted.

    Args:
        db: its database.
        key: its name.
        samples: how many elements of a container to look at; the others are taken to be like them. None for all.
        list_node, stream_node: what fits into a node of a list and of a stream, as list-max-listpack-size and
            stream-node-max-bytes say it.

    Returns:
        None if there is no such key; one whose time is over, but that nobody has deleted yet, still costs memory.
    """
    value = db.peek_even_dead(key)
    if value is None:
        return None
    size = _DICT_ENTRY + _string(key) + _OBJECT
    if isinstance(value, Stream):
        return size + _stream(value, samples, stream_node)
    return size + _value(value, samples, list_node)


def allocated(size: int) -> int:
    """What jemalloc gives to who asks for so many bytes: four sizes between any two powers of 2 from 128 on."""
    if size <= 8:
        return 8
    step = 16 if size <= 128 else 1 << (size - 1).bit_length() - 3
    return -(-size // step) * step


def _value(value: Value, samples: int | None, list_node: int) -> int:
    """All but the object itself."""
    if isinstance(value, int):
        return 0
    if isinstance(value, bytes | bytearray):
        return _string_object(value)
    if isinstance(value, Hash | Set):
        if value.is_table:
            texts = value.items() if isinstance(value, Hash) else ((member,) for member in value)
            return _table(len(value)) + _sampled([_entry(*each) for each in islice(texts, samples)], len(value))
        if isinstance(value, Set):
            return _intset(value)
        return allocated(LISTPACK_FRAME + sum(map(text_size, chain(value, value.values()))))
    if isinstance(value, SortedSet):
        if value.is_skiplist:
            seen = [_entry(member) + _SKIPLIST_NODE for member in islice(value.scores, samples)]
            return _SKIPLIST + _table(len(value)) + _sampled(seen, len(value))
        return allocated(LISTPACK_FRAME + sum(map(text_size, value.scores)) + sum(map(_score, value.scores.values())))
    assert not isinstance(value, Stream)
    nodes = [allocated(size) + _QUICKLIST_NODE for size in _list_nodes(value, list_node)]
    return _QUICKLIST + _sampled(nodes[:samples], len(nodes))


def _sampled(seen: Sequence[int], count: int) -> int:
    return int(sum(seen) / len(seen) * count) if seen else 0


def _string(text: bytes | bytearray) -> int:
    """A string of its own, behind a header that grows with it."""
    length = len(text)
    header = 1 if length < 1 << 5 else 3 if length < 1 << 8 else 5 if length < 1 << 16 else 9
    return allocated(header + length + 1)


def _string_object(text: bytes | bytearray) -> int:
    if isinstance(text, bytearray) or len(text) > EMBEDDED_LENGTH:
        return _string(text)
    if parse_integer(text) is not None:
        return 0
    return allocated(_OBJECT + 3 + len(text) + 1) - _OBJECT  # in one piece with the object


def _entry(*texts: bytes) -> int:
    return _DICT_ENTRY + sum(map(_string, texts))


def _table(count: int) -> int:
    return _DICT + _SLOT * max(_SMALLEST_TABLE, 1 << (count - 1).bit_length())


def _score(score: float) -> int:
    """Bytes of a score as an element of a listpack."""
    number = whole_score(score)
    return text_size(format_double(score)) if number is None else integer_size(number)


def _intset(members: Set) -> int:
    numbers = [int(member) for member in members]
    widest = max((number if number >= 0 else ~number).bit_length() for number in numbers)
    return allocated(_INTSET + len(numbers) * (2 if widest < 16 else 4 if widest < 32 else 8))


def _list_nodes(elements: Iterable[bytes], list_node: int) -> list[int]:
    """The lengths of the listpacks that a list of these elements has."""
    most = list_node if list_node > 0 else len(_QUICKLIST_BYTES) << 30
    limit = _QUICKLIST_BYTES.get(list_node, _SAFE_BYTES)
    sizes: list[int] = []
    count = most
    for element in elements:
        size = text_size(element)
        if count >= most or sizes[-1] + len(element) + _QUICKLIST_OVERHEAD > limit:
            sizes.append(LISTPACK_FRAME)
            count = 0
        sizes[-1] += size
        count += 1
    return sizes


def _stream(stream: Stream, samples: int | None, stream_node: int) -> int:
    """All but the object itself; the samples are of nodes."""
    sizes = [allocated(node.size) for node in stream.nodes()]
    if sizes:
        sizes[-1] = max(sizes[-1], allocated(min(stream_node or _STREAM_NODE, _STREAM_NODE)))
    size = _STREAM + _radix_tree(len(sizes), stream.radix_tree_nodes())
    if samples is None or len(sizes) <= samples:
        size += sum(sizes)
    else:
        size += sum(sizes[:samples]) // samples * (len(sizes) - 1) + sizes[-1]
    return size + sum(map(_group, stream.groups.values()))


def _group(group: Group) -> int:
    consumers = sum(
        _CONSUMER + len(consumer.name) + _pending(group.pending_of(consumer)) for consumer in group.consumers.values()
    )
    return _GROUP + _pending(group.pending) + _PENDING * len(group.pending) + consumers


def _pending(pending: PendingList) -> int:
    keys = [id_bytes(id_) for id_, _ in pending.items((0, 0))]
    return _radix_tree(len(keys), count_nodes(keys))


def _radix_tree(keys: int, nodes: int) -> int:
    return keys * _ID + nodes * _RADIX_NODE
