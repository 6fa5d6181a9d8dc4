"""SORT and SORT_RO: https://redis.io/docs/latest/commands/sort/

Elements are numbers, or with ALPHA strings, which are compared byte by byte, as Redis does in the C locale. A weight
from elsewhere may stand for an element (BY), and in the reply other values that belong to it (GET).
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

import attrs

from respstore import errors
from respstore.commands.strings import as_string, is_string
from respstore.engine.acl.selector import READ
from respstore.engine.arguments import Words, integer
from respstore.engine.command import command
from respstore.engine.dispatch import RESTRICTED
from respstore.engine.keyspecs import FoundKey, first, unknown
from respstore.engine.session import Session
from respstore.errors import RespError
from respstore.keyspace import Database, List
from respstore.keyspace.containers import Hash, Set
from respstore.keyspace.list import LongList, list_of
from respstore.keyspace.sorted_set import SortedSet
from respstore.numbers import SMALLEST_NORMAL, parse_float

_SPACES: Final = b" \t\n\v\f\r"

Lookup = Callable[[bytes], bytes | None]
"""From an element to what a pattern of BY or GET means for it."""


@attrs.define
class _Request:
    """What the options ask for; a `count` below 0 is no limit, one BY without a `*` says that nothing is sorted."""

    by: bytes | None = None
    is_sorted: bool = True
    gets: list[bytes] = attrs.field(factory=list)
    start: int = 0
    count: int = -1
    descending: bool = False
    alpha: bool = False
    store: bytes | None = None


def _parse(session: Session, name: bytes, key: bytes, options: Sequence[bytes]) -> _Request:
    """What the options ask for; patterns, which can mean any key, are for users that may read all keys.

    Raises:
        RespError: they make no sense, or are not permitted.
    """
    request = _Request()
    may_store = name == b"sort"
    words = Words(options)
    for word in words:
        match word.upper():
            case b"ASC":
                request.descending = False
            case b"DESC":
                request.descending = True
            case b"ALPHA":
                request.alpha = True
            case b"LIMIT":
                start, count = words.argument(), words.argument()
                request.start, request.count = integer(start), integer(count)
            case b"STORE" if may_store:
                request.store = words.argument()
            case b"BY":
                request.by = words.argument()
                has_pattern = b"*" in _c_string(request.by)
                request.is_sorted = request.is_sorted and has_pattern
                if has_pattern and not _may_read_all(session, [name, key, *options]):
                    raise RespError(errors.ACL_SORT_BY)
            case b"GET":
                request.gets.append(words.argument())
                if not _may_read_all(session, [name, key, *options]):
                    raise RespError(errors.ACL_SORT_GET)
            case _:
                raise RespError(errors.SYNTAX)
    return request


def _may_read_all(session: Session, request: Sequence[bytes]) -> bool:
    if not session.gate & RESTRICTED:
        return True
    return session.user.may_touch_all(session.engine.originals[request[0]].command, request, READ)


def keys_of_sort(request: Sequence[bytes]) -> list[FoundKey]:
    """The key that is sorted, and the last one that STORE names; keys that patterns mean are not told."""
    found = keys_of_sort_ro(request)
    store = None
    place = 2
    while place < len(request):
        word = request[place].upper()
        if word == b"STORE" and place + 1 < len(request):
            store = FoundKey(place + 1, frozenset(("OW", "update")))
        place += {b"LIMIT": 3, b"GET": 2, b"BY": 2, b"STORE": 2}.get(word, 1)
    return found if store is None else [*found, store]


def keys_of_sort_ro(request: Sequence[bytes]) -> list[FoundKey]:
    """The key that is sorted; keys that patterns mean are not told."""
    return [FoundKey(1, frozenset(("RO", "access")))]


@command(
    "sort key [BY pattern#1] [LIMIT (offset count)] [GET pattern#1]... order=[ASC | DESC] [sorting=ALPHA]"
    " [STORE destination#2]",
    group="generic",
    since="1.0.0",
    flags="write denyoom",
    categories="set sortedset list dangerous",
    keys=(first("RO access"), unknown("RO access"), unknown("OW update")),
    key_finder=keys_of_sort,
    complexity="O(N log N) in the number of elements; O(N) where they are not sorted (BY without a `*`)",
)
def sort(session: Session, key: bytes, *options: bytes) -> list[bytes | None] | int:
    """Sort the elements of a list, set or sorted set; answer or store them, or values that belong to them."""
    request = _parse(session, b"sort", key, options)
    values = _sorted_values(session.db, key, request)
    if request.store is None:
        return values
    if values:
        session.db.put(request.store, list_of(value or b"" for value in values), "sortstore")
    else:
        session.db.delete_even_dead(request.store)
    return len(values)


@command(
    "sort_ro key [BY pattern#1] [LIMIT (offset count)] [GET pattern#1]... order=[ASC | DESC] [sorting=ALPHA]",
    group="generic",
    since="7.0.0",
    flags="readonly",
    categories="set sortedset list dangerous",
    keys=(first("RO access"), unknown("RO access")),
    key_finder=keys_of_sort_ro,
    complexity="O(N log N) in the number of elements; O(N) where they are not sorted (BY without a `*`)",
)
def sort_ro(session: Session, key: bytes, *options: bytes) -> list[bytes | None]:
    """Sort the elements of a list, set or sorted set; answer them, or values that belong to them."""
    return _sorted_values(session.db, key, _parse(session, b"sort_ro", key, options))


def _sorted_values(db: Database, key: bytes, request: _Request) -> list[bytes | None]:
    value = db.read(key)
    if not isinstance(value, deque | LongList | Set | SortedSet | None):
        raise RespError(errors.WRONG_TYPE)
    by, is_sorted, alpha = request.by, request.is_sorted, request.alpha
    if not is_sorted and isinstance(value, Set) and request.store is not None:
        by, is_sorted, alpha = None, True, True  # what is stored shall not depend on the order of a hash table
    length = len(value or ())
    start = max(request.start, 0)
    stop = length if request.count < 0 else min(start + request.count, length)
    elements = _elements(value)
    if is_sorted:
        elements.sort(key=_order(db, by, alpha=alpha, binary=request.store is not None), reverse=request.descending)
    elif request.descending and not isinstance(value, Set):
        elements.reverse()
    picked = elements[start:stop]
    if not request.gets:
        return list(picked)
    lookups = [_lookup(db, pattern) for pattern in request.gets]
    return [lookup(element) for element in picked for lookup in lookups]


def _elements(value: List | Set | SortedSet | None) -> list[bytes]:
    if value is None:
        return []
    if isinstance(value, SortedSet):
        value.is_skiplist = True  # Redis makes one of it in order to walk through it
        return value.slice(0, len(value))[0]
    return value.in_order() if isinstance(value, Set) else list(value)


def _order(db: Database, by: bytes | None, *, alpha: bool, binary: bool) -> Callable[[bytes], Any]:
    """The key by which to sort; with ALPHA, elements of equal weight keep their order.

    `binary` strings are compared whole, others up to their first NUL.
    """
    weight = _lookup(db, by) if by is not None else None
    cut = bytes if binary else _c_string
    if not alpha:
        if weight is None:
            return lambda element: (_number(element), element)
        return lambda element: (_number(weight(element) or b""), element)
    if weight is None:
        return cut

    def order(element: bytes) -> tuple[bool, bytes]:
        found = weight(element)
        return found is not None, cut(found or b"")

    return order


def _lookup(db: Database, pattern: bytes) -> Lookup:
    """What a pattern means: `#` is the element, `a*b` a string at the key with the element in it, `a*b->f` a field."""
    if pattern == b"#":
        return lambda element: element
    text = _c_string(pattern)
    star = text.find(b"*")
    if star < 0:
        return lambda element: None
    arrow = text.find(b"->", star + 1)
    prefix = pattern[:star]
    if 0 <= arrow < len(text) - 2:
        infix, field = pattern[star + 1 : arrow], pattern[arrow + 2 :]

        def field_of(element: bytes) -> bytes | None:
            value = db.read(prefix + element + infix)
            return value.get(field) if isinstance(value, Hash) else None

        return field_of
    suffix = pattern[star + 1 :]

    def string_of(element: bytes) -> bytes | None:
        value = db.read(prefix + element + suffix)
        return as_string(value) if is_string(value) else None

    return string_of


def _number(text: bytes) -> float:
    """A weight as C's strtod reads it: nothing is 0, spaces may stand in front, a NUL ends it."""
    text = _c_string(text)
    if not text:
        return 0.0
    number = parse_float(text.lstrip(_SPACES))
    if number is None or 0 < abs(number) < SMALLEST_NORMAL:
        raise RespError(errors.SORT_NOT_A_DOUBLE)
    return number


def _c_string(text: bytes) -> bytes:
    """What of a string C's functions see."""
    return text.partition(b"\0")[0]
