"""A value in RDB: a byte that tells its type and its form, and the rest.

A collection that Redis would keep packed is written packed, any other as its elements in turn, so that what Redis makes
of a file is what it would have made of the commands. Which it is after reading, the limits of the configuration decide
(`hash-max-listpack-entries` and its like), as in Redis.
"""

import string
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Final

from respstore.config import Config
from respstore.keyspace import ReadItems, Value
from respstore.keyspace.containers import Hash, Set
from respstore.keyspace.list import list_of
from respstore.keyspace.listpack_sizes import whole_score
from respstore.keyspace.sorted_set import SortedSet
from respstore.keyspace.stream import Stream
from respstore.numbers import format_double, parse_float
from respstore.persistence.rdb import listpack, streams, ziplist
from respstore.persistence.rdb.primitives import (
    CorruptError,
    EncodeString,
    Reader,
    encode_double,
    encode_integer,
    encode_length,
)

STRING: Final = 0
_LIST: Final = 1
_SET: Final = 2
_ZSET: Final = 3
_HASH: Final = 4
_ZSET_2: Final = 5
_MODULES: Final = (6, 7)
_HASH_ZIPMAP: Final = 9
_LIST_ZIPLIST: Final = 10
_SET_INTSET: Final = 11
_ZSET_ZIPLIST: Final = 12
_HASH_ZIPLIST: Final = 13
_QUICKLIST: Final = 14
_STREAM: Final = 15
_HASH_LISTPACK: Final = 16
_ZSET_LISTPACK: Final = 17
_QUICKLIST_2: Final = 18
_STREAM_2: Final = 19
_SET_LISTPACK: Final = 20
_STREAM_3: Final = 21
"""The types, as rdb.h numbers them; 20 and 21 are Redis 7.2's."""

_PLAIN, _PACKED = 1, 2
_MODULE_LETTERS: Final = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
_NODE_BYTES: Final = 8192
"""Data in a listpack of a list, about: `list-max-listpack-size -2`."""
_PARTS_PER_PIECE: Final = 1024
_ANY_LENGTH: Final = 1 << 64
"""What is packed already stays so however long its elements are, if there are not too many, as in Redis."""


class EmptyError(CorruptError):
    """A collection without elements, which is no key."""


# Writing


def encode_value(value: Value, encode: EncodeString, read_items: ReadItems = dict.items) -> tuple[int, Iterable[bytes]]:
    """A value's type, and the value.

    Args:
        value: the value.
        encode: makes its strings.
        read_items: how hashes and sets are read.

    Returns:
        The byte for the type, and what stands behind the key, in pieces: of a large hash, set or sorted set each is a
        small part.
    """
    if isinstance(value, int):
        return STRING, (encode_integer(value),)
    if isinstance(value, bytes | bytearray):
        return STRING, (encode(value),)
    if isinstance(value, Hash):
        words = chain.from_iterable(read_items(value))
        if value.is_table:
            return _HASH, _sequence(len(value), map(encode, words))
        return _HASH_LISTPACK, (encode(listpack.encode(words)),)
    if isinstance(value, Set):
        if value.is_table:
            return _SET, _sequence(len(value), (encode(member) for member, _ in read_items(value)))
        return _SET_INTSET, (encode(ziplist.encode_intset(map(int, value.in_order()))),)
    if isinstance(value, SortedSet):
        if value.is_skiplist:  # the greatest first: so Redis need not search when it reads
            pairs = ((encode(member), encode_double(score)) for member, score in value.descending())
            return _ZSET_2, _sequence(len(value), chain.from_iterable(pairs))
        members, scores = value.slice(0, len(value))
        elements = chain.from_iterable(zip(members, map(_score, scores), strict=True))
        return _ZSET_LISTPACK, (encode(listpack.encode(elements)),)
    if isinstance(value, Stream):
        return _STREAM_2, (streams.encode_stream(value, encode),)
    nodes = [encode_length(_PACKED) + encode(listpack.encode(node)) for node in _nodes(value)]
    return _QUICKLIST_2, _sequence(len(nodes), nodes)


def _nodes(elements: Iterable[bytes]) -> Iterator[list[bytes]]:
    """The elements of a list in runs that fit into a node each."""
    node: list[bytes] = []
    size = 0
    for element in elements:
        if node and size + len(element) > _NODE_BYTES:
            yield node
            node, size = [], 0
        node.append(element)
        size += len(element) + 2
    if node:
        yield node


def _score(score: float) -> listpack.Element:
    number = whole_score(score)
    return format_double(score) if number is None else number


def _sequence(count: int, parts: Iterable[bytes]) -> Iterator[bytes]:
    rest = iter(parts)
    yield encode_length(count)
    while batch := list(islice(rest, _PARTS_PER_PIECE)):
        yield b"".join(batch)


# Reading


def decode_value(kind: int, reader: Reader, config: Config) -> Value:
    """Read a value.

    Args:
        kind: the byte for its type.
        reader: where it begins.
        config: says which collections are kept packed.

    Raises:
        CorruptError: it is not whole, has an element twice, or is of a type that nobody but a module knows.
        EmptyError: it is a collection without elements.
    """
    start = reader.at
    decode = _DECODERS.get(kind)
    if decode is None:
        what = module_name(reader.length()) if kind in _MODULES else f"the unknown type {kind}"
        raise CorruptError(f"a value of {what}", start)
    try:
        value = decode(reader, config)
    except (ValueError, OverflowError) as error:
        raise CorruptError(str(error), start) from None
    if not isinstance(value, bytes | Stream) and not value:
        raise EmptyError("a collection without elements", start)
    return value


def module_name(number: int) -> str:
    """What a module calls its type, of the number that stands for it: nine letters of six bits, then a version."""
    letters = "".join(_MODULE_LETTERS[number >> 10 + 6 * at & 0x3F] for at in reversed(range(9)))
    return f"the module type {letters}"


def _string(reader: Reader, config: Config) -> Value:
    return reader.string()


def _list(elements: Iterable[bytes]) -> Value:
    return list_of(elements)


def _plain_list(reader: Reader, config: Config) -> Value:
    return _list(_strings(reader, reader.length()))


def _quicklist(reader: Reader, config: Config) -> Value:
    return _list(chain.from_iterable(_unpack_ziplist(reader) for _ in range(reader.length())))


def _quicklist_2(reader: Reader, config: Config) -> Value:
    return _list(chain.from_iterable(_quicklist_node(reader) for _ in range(reader.length())))


def _quicklist_node(reader: Reader) -> Sequence[bytes]:
    container = reader.length()
    if container == _PLAIN:
        element = reader.string()
        if not element:
            raise reader.corrupt("a node of a list for one large element that is empty")
        return (element,)
    if container != _PACKED:
        raise reader.corrupt(f"a node of a list of the unknown kind {container}")
    return _unpack_listpack(reader)


def _set(members: Sequence[bytes], config: Config) -> Value:
    value = Set.of(members, config.set_max_intset_entries)
    if len(value) != len(members):
        raise ValueError("a set that has a member twice")
    return value


def _hash(pairs: Sequence[bytes], most: int, longest: int = _ANY_LENGTH) -> Value:
    if len(pairs) % 2:
        raise ValueError("a hash with a field that has no value")
    value = Hash()
    if pairs:
        value.put(pairs, most, longest)
    if len(value) * 2 != len(pairs):
        raise ValueError("a hash that has a field twice")
    return value


def _sorted_set(members: Sequence[bytes], scores: Sequence[float], most: int, longest: int = _ANY_LENGTH) -> Value:
    pairs = dict(zip(members, scores, strict=True))
    if len(pairs) != len(members):
        raise ValueError("a sorted set that has a member twice")
    if any(score != score for score in scores):  # noqa: PLR0124 - that is how to ask for NaN
        raise ValueError("a sorted set with a score that is no number")
    is_skiplist = len(pairs) > most or max(map(len, pairs), default=0) > longest
    return SortedSet(pairs, is_skiplist=is_skiplist)


def _packed_sorted_set(elements: Sequence[bytes], config: Config) -> Value:
    if len(elements) % 2:
        raise ValueError("a sorted set with a member that has no score")
    scores = [parse_float(text) for text in elements[1::2]]
    if None in scores:
        raise ValueError("a sorted set with a score that is no number")
    known = [score for score in scores if score is not None]
    return _sorted_set(elements[::2], known, config.zset_max_listpack_entries)


def _scored(reader: Reader, read_score: Callable[[Reader], float], config: Config) -> Value:
    members, scores = [], []
    for _ in range(reader.length()):
        members.append(reader.string())
        scores.append(read_score(reader))
    return _sorted_set(members, scores, config.zset_max_listpack_entries, config.zset_max_listpack_value)


def _strings(reader: Reader, count: int) -> list[bytes]:
    return [reader.string() for _ in range(count)]


def _unpack_listpack(reader: Reader) -> list[bytes]:
    return [b"%d" % element if isinstance(element, int) else element for element in listpack.decode(reader.string())]


def _unpack_ziplist(reader: Reader) -> list[bytes]:
    return ziplist.decode_ziplist(reader.string())


_DECODERS: Final[dict[int, Callable[[Reader, Config], Value]]] = {
    STRING: _string,
    _LIST: _plain_list,
    _LIST_ZIPLIST: lambda reader, config: _list(_unpack_ziplist(reader)),
    _QUICKLIST: _quicklist,
    _QUICKLIST_2: _quicklist_2,
    _SET: lambda reader, config: _set(_strings(reader, reader.length()), config),
    _SET_INTSET: lambda reader, config: _set(ziplist.decode_intset(reader.string()), config),
    _SET_LISTPACK: lambda reader, config: _set(_unpack_listpack(reader), config),
    _HASH: lambda reader, config: _hash(
        _strings(reader, 2 * reader.length()), config.hash_max_listpack_entries, config.hash_max_listpack_value
    ),
    _HASH_ZIPMAP: lambda reader, config: _hash(
        ziplist.decode_zipmap(reader.string()), config.hash_max_listpack_entries, config.hash_max_listpack_value
    ),
    _HASH_ZIPLIST: lambda reader, config: _hash(_unpack_ziplist(reader), config.hash_max_listpack_entries),
    _HASH_LISTPACK: lambda reader, config: _hash(_unpack_listpack(reader), config.hash_max_listpack_entries),
    _ZSET: lambda reader, config: _scored(reader, Reader.double_as_text, config),
    _ZSET_2: lambda reader, config: _scored(reader, Reader.double, config),
    _ZSET_ZIPLIST: lambda reader, config: _packed_sorted_set(_unpack_ziplist(reader), config),
    _ZSET_LISTPACK: lambda reader, config: _packed_sorted_set(_unpack_listpack(reader), config),
    _STREAM: lambda reader, config: streams.decode_stream(reader, 1),
    _STREAM_2: lambda reader, config: streams.decode_stream(reader, 2),
    _STREAM_3: lambda reader, config: streams.decode_stream(reader, 3),
}
