"""Commands on lists that answer at once: https://redis.io/docs/latest/commands/?group=list

Those that wait stand in `blocking_lists.py` and take with the functions of this file. A list is a `deque`, or a
`LongList` (keyspace/list.py).

What must stay true: whoever takes elements calls `Database.shrunk`, which deletes a list that became empty; whoever
adds some asks whether the list is long now.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from operator import indexOf
from typing import Final

from respstore import errors
from respstore.engine.arguments import Words, integer, integer_between, pop_from_several
from respstore.engine.command import command
from respstore.engine.keyspecs import at, counted, first
from respstore.engine.ranges import positions_between
from respstore.engine.session import Session
from respstore.errors import RespError
from respstore.keyspace import Database, List, Value
from respstore.keyspace.list import LONG, LongList, delete, keep, list_of, part
from respstore.numbers import MAX_INTEGER
from respstore.protocol.replies import NULL_ARRAY, OK, Special

LEFT: Final = b"LEFT"
RIGHT: Final = b"RIGHT"


def as_list(value: Value | None) -> List | None:
    """A looked-up value as a list, None if there is none.

    Raises:
        RespError: it is no list.
    """
    if value is None or type(value) is deque or type(value) is LongList:
        return value
    raise RespError(errors.WRONG_TYPE)


def end_of(arg: bytes) -> bytes:
    """LEFT or RIGHT, whatever the case it is written in; otherwise, a syntax error."""
    end = arg.upper()
    if end not in (LEFT, RIGHT):
        raise RespError(errors.SYNTAX)
    return end


# Pushing


@command(
    "lpush key element...",
    group="list",
    since="1.0.0",
    flags="write denyoom fast",
    keys=first("RW insert"),
    complexity="O(1) per element",
)
def lpush(session: Session, key: bytes, element: bytes, *more: bytes) -> int:
    """Put elements before the first of a list, one after the other; make the list if there is none."""
    db = session.db
    value = db.get(key) if db.expires else db.data.get(key)
    if type(value) is deque:
        value.appendleft(element)
        if more:
            value.extendleft(more)
        length = len(value)
        if length >= LONG:
            db.hold(key, LongList(value))
    elif type(value) is LongList:
        value.head.appendleft(element)  # `appendleft` without the call
        value.length = length = value.length + 1
        if length >= value.limit:
            value.settle()
        if more:
            value.extendleft(more)
            length = value.length
    else:
        as_list(value)
        db.put(key, list_of((*more[::-1], element)) if more else deque((element,)), "lpush")
        return 1 + len(more)
    db.changed(key, "lpush")
    return length


@command(
    "rpush key element...",
    group="list",
    since="1.0.0",
    flags="write denyoom fast",
    keys=first("RW insert"),
    complexity="O(1) per element",
)
def rpush(session: Session, key: bytes, element: bytes, *more: bytes) -> int:
    """Put elements behind the last of a list, one after the other; make the list if there is none."""
    db = session.db
    value = db.get(key) if db.expires else db.data.get(key)
    if type(value) is deque:
        value.append(element)
        if more:
            value.extend(more)
        length = len(value)
        if length >= LONG:
            db.hold(key, LongList(value))
    elif type(value) is LongList:
        value.tail.append(element)  # `append` without the call
        value.length = length = value.length + 1
        if length >= value.limit:
            value.settle()
        if more:
            value.extend(more)
            length = value.length
    else:
        as_list(value)
        db.put(key, list_of((element, *more)) if more else deque((element,)), "rpush")
        return 1 + len(more)
    db.changed(key, "rpush")
    return length


@command(
    "lpushx key element...",
    group="list",
    since="2.2.0",
    flags="write denyoom fast",
    keys=first("RW insert"),
    complexity="O(1) per element",
)
def lpushx(session: Session, key: bytes, element: bytes, *more: bytes) -> int:
    """Put elements before the first of a list, one after the other, unless there is no list."""
    if session.db.get(key) is None:
        return 0
    return lpush(session, key, element, *more)


@command(
    "rpushx key element...",
    group="list",
    since="2.2.0",
    flags="write denyoom fast",
    keys=first("RW insert"),
    complexity="O(1) per element",
)
def rpushx(session: Session, key: bytes, element: bytes, *more: bytes) -> int:
    """Put elements behind the last of a list, one after the other, unless there is no list."""
    if session.db.get(key) is None:
        return 0
    return rpush(session, key, element, *more)


@command(
    "linsert key where=(BEFORE | AFTER) pivot element",
    group="list",
    since="2.2.0",
    flags="write denyoom",
    keys=first("RW insert"),
    complexity="O(N) in the number of elements",
)
def linsert(session: Session, key: bytes, where: bytes, pivot: bytes, element: bytes) -> int:
    """Put an element next to the first one that equals another."""
    side = where.upper()
    if side not in (b"BEFORE", b"AFTER"):
        raise RespError(errors.SYNTAX)
    db = session.db
    value = as_list(db.get(key))
    if value is None:
        return 0
    position = next(positions(value, pivot), None)
    if position is None:
        return -1
    value.insert(position + (side == b"AFTER"), element)
    _check_length(db, key, value)
    db.changed(key, "linsert")
    return len(value)


# Taking


@command(
    "lpop key [count]@6.2.0",
    group="list",
    since="1.0.0",
    flags="write fast",
    keys=first("RW access delete"),
    complexity="O(N) in the number of elements returned",
)
def lpop(session: Session, key: bytes, count: bytes | None = None) -> bytes | list[bytes] | Special | None:
    """Take the first elements of a list."""
    if count is not None:
        return _pop_several(session, key, LEFT, count)
    db = session.db
    value = db.get(key) if db.expires else db.data.get(key)
    if type(value) is deque:
        head = value
        element = head.popleft()
    elif type(value) is LongList:
        head = value.head
        element = head.popleft()  # `popleft` without the call
        value.length -= 1
        if not head:
            value.fill_head()
            head = value.head
    else:
        as_list(value)
        return None
    db.changed(key, "lpop")  # from here on `shrunk`, without the call
    if not head:
        db.delete(key)
    return element


@command(
    "rpop key [count]@6.2.0",
    group="list",
    since="1.0.0",
    flags="write fast",
    keys=first("RW access delete"),
    complexity="O(N) in the number of elements returned",
)
def rpop(session: Session, key: bytes, count: bytes | None = None) -> bytes | list[bytes] | Special | None:
    """Take the last elements of a list."""
    if count is not None:
        return _pop_several(session, key, RIGHT, count)
    db = session.db
    value = db.get(key) if db.expires else db.data.get(key)
    if type(value) is deque:
        tail = value
        element = tail.pop()
    elif type(value) is LongList:
        tail = value.tail
        element = tail.pop()  # `pop` without the call
        value.length -= 1
        if not tail:
            value.fill_tail()
            tail = value.tail
    else:
        as_list(value)
        return None
    db.changed(key, "rpop")  # from here on `shrunk`, without the call
    if not tail:
        db.delete(key)
    return element


def _pop_several(session: Session, key: bytes, end: bytes, count: bytes) -> list[bytes] | Special:
    number = integer_between(count, 0, MAX_INTEGER, errors.NOT_POSITIVE)
    value = as_list(session.db.get(key))
    if value is None:
        return NULL_ARRAY
    return take(session.db, key, value, end, number) if number else []


def take(db: Database, key: bytes, value: List, end: bytes, count: int) -> list[bytes]:
    """Take at most `count` elements, at least one, from an end of the list at `key`, in the order of taking."""
    if count == 1:
        elements = [value.popleft() if end == LEFT else value.pop()]
    elif end == LEFT:
        elements = part(value, 0, min(count, len(value)))
        keep(value, len(elements), len(value))
    else:
        elements = part(value, max(len(value) - count, 0), len(value))[::-1]
        keep(value, 0, len(value) - len(elements))
    db.shrunk(key, value, "lpop" if end == LEFT else "rpop")
    return elements


@command(
    "lmpop numkeys key... where=(LEFT | RIGHT) [COUNT count]",
    group="list",
    since="7.0.0",
    flags="write",
    keys=counted("RW access delete", at=1),
    complexity="O(N+M) in the numbers of keys and of elements returned",
)
def lmpop(session: Session, numkeys: bytes, key: bytes, where: bytes, *options: bytes) -> list[object] | Special:
    """Take elements from the first of several keys that holds a list."""
    keys, end, count = pop_from_several((numkeys, key, where, *options), (LEFT, RIGHT))
    db = session.db
    for name in keys:
        value = as_list(db.get(name))
        if value is not None:
            return take_several(db, name, value, end, count)
    return NULL_ARRAY


def take_several(db: Database, key: bytes, value: List, end: bytes, count: int) -> list[object]:
    """As `take`, for LMPOP and BLMPOP: the reply."""
    elements = take(db, key, value, end, count)
    db.propagate(b"LPOP" if end == LEFT else b"RPOP", key, b"%d" % len(elements))
    return [key, elements]


@command(
    "lrem key count element",
    group="list",
    since="1.0.0",
    flags="write",
    keys=first("RW delete"),
    complexity="O(N) in the number of elements",
)
def lrem(session: Session, key: bytes, count: bytes, element: bytes) -> int:
    """Take away elements that equal another: some from the left, some from the right (a negative count), or all (0)."""
    limit = integer(count)
    db = session.db
    value = as_list(db.get(key))
    if value is None:
        return 0
    from_left = limit >= 0
    found_all = positions(value if from_left else reversed(value), element)
    found = list(islice(found_all, min(abs(limit), MAX_INTEGER) or None))
    if not found:
        return 0
    delete(value, found if from_left else [len(value) - 1 - position for position in reversed(found)])
    db.shrunk(key, value, "lrem")
    return len(found)


@command(
    "ltrim key start:integer stop:integer",
    group="list",
    since="1.0.0",
    flags="write",
    keys=first("RW delete"),
    complexity="O(N) in the number of elements taken away",
)
def ltrim(session: Session, key: bytes, start: bytes, stop: bytes) -> str:
    """Take away the elements outside of a range; negative positions count from the end."""
    low, high = integer(start), integer(stop)
    db = session.db
    value = as_list(db.get(key))
    if value is None:
        return OK
    length = len(value)
    keep(value, *positions_between(low, high, length))
    db.shrunk(key, value, "ltrim")
    if len(value) == length:
        db.propagate()
    return OK


# Moving


@command(
    "lmove source destination wherefrom=(LEFT | RIGHT) whereto=(LEFT | RIGHT)",
    group="list",
    since="6.2.0",
    flags="write denyoom",
    keys=(first("RW access delete"), at(2, "RW insert")),
    complexity="O(1)",
)
def lmove(session: Session, source: bytes, destination: bytes, wherefrom: bytes, whereto: bytes) -> bytes | None:
    """Take an element from an end of a list and put it to an end of another, or of the same."""
    return move(session.db, source, destination, end_of(wherefrom), end_of(whereto))


@command(
    "rpoplpush source destination",
    group="list",
    since="1.2.0",
    flags="write denyoom",
    keys=(first("RW access delete"), at(2, "RW insert")),
    complexity="O(1)",
    deprecated_since="6.2.0",
    replaced_by="`LMOVE` with the `RIGHT` and `LEFT` arguments",
)
def rpoplpush(session: Session, source: bytes, destination: bytes) -> bytes | None:
    """Take the last element of a list and put it before the first of another, or of the same."""
    return move(session.db, source, destination, RIGHT, LEFT)


def move(db: Database, source: bytes, destination: bytes, wherefrom: bytes, whereto: bytes) -> bytes | None:
    """LMOVE.

    Args:
        db: where both keys are.
        source, destination: the keys.
        wherefrom, whereto: LEFT or RIGHT.

    Returns:
        The element, or None if there is no source.

    Raises:
        RespError: one of the two is no list; nothing is moved.
    """
    value = as_list(db.get(source))
    if value is None:
        return None
    target = as_list(db.get(destination))
    element = value.popleft() if wherefrom == LEFT else value.pop()
    event = "lpush" if whereto == LEFT else "rpush"
    if target is None:
        db.put(destination, deque((element,)), event)
    else:
        if whereto == LEFT:
            target.appendleft(element)
        else:
            target.append(element)
        _check_length(db, destination, target)
        db.changed(destination, event)
    db.shrunk(source, value, "lpop" if wherefrom == LEFT else "rpop")
    return element


# Looking


@command("llen key", group="list", since="1.0.0", flags="readonly fast", keys=first("RO"), complexity="O(1)")
def llen(session: Session, key: bytes) -> int:
    """Answer the number of elements of a list, 0 if there is none."""
    return len(as_list(session.db.read(key)) or ())


@command(
    "lindex key index",
    group="list",
    since="1.0.0",
    flags="readonly",
    keys=first("RO access"),
    complexity="O(N) in the distance from the nearer end",
)
def lindex(session: Session, key: bytes, index: bytes) -> bytes | None:
    """Answer the element at a position; a negative one counts from the end."""
    value = as_list(session.db.read(key))
    if value is None:
        return None
    try:
        return value[integer(index)]
    except IndexError:
        return None


@command(
    "lset key index element",
    group="list",
    since="1.0.0",
    flags="write denyoom",
    keys=first("RW update"),
    complexity="O(N) in the distance from the nearer end",
)
def lset(session: Session, key: bytes, index: bytes, element: bytes) -> str:
    """Put an element in the place of the one at a position; a negative one counts from the end."""
    value = as_list(session.db.get(key))
    if value is None:
        raise RespError(errors.NO_SUCH_KEY)
    try:
        value[integer(index)] = element
    except IndexError:
        raise RespError(errors.INDEX_OUT_OF_RANGE) from None
    session.db.changed(key, "lset")
    return OK


@command(
    "lrange key start:integer stop:integer",
    group="list",
    since="1.0.0",
    flags="readonly",
    keys=first("RO access"),
    complexity="O(S+N) in the distance from the nearer end and the number of elements returned",
)
def lrange(session: Session, key: bytes, start: bytes, stop: bytes) -> list[bytes]:
    """Answer the elements of a range; negative positions count from the end."""
    low, high = integer(start), integer(stop)
    value = as_list(session.db.read(key))
    if value is None:
        return []
    return part(value, *positions_between(low, high, len(value)))


@command(
    "lpos key element [RANK rank] [COUNT num-matches] [MAXLEN len]",
    group="list",
    since="6.0.6",
    flags="readonly",
    keys=first("RO access"),
    complexity="O(N) in the number of elements compared",
)
def lpos(session: Session, key: bytes, element: bytes, *options: bytes) -> int | list[int] | None:
    """Answer the positions of elements that equal another."""
    rank, count, limit = 1, None, 0
    words = Words(options)
    for word in words:
        match word.upper():
            case b"RANK":
                rank = integer(words.argument())
                if not rank:
                    raise RespError(errors.LPOS_RANK_ZERO)
            case b"COUNT":
                count = integer_between(words.argument(), 0, MAX_INTEGER, errors.LPOS_COUNT_NEGATIVE)
            case b"MAXLEN":
                limit = integer_between(words.argument(), 0, MAX_INTEGER, errors.LPOS_MAXLEN_NEGATIVE)
            case _:
                raise RespError(errors.SYNTAX)
    value = as_list(session.db.read(key)) or deque()
    compared = islice(reversed(value) if rank < 0 else value, limit or None)
    # The lowest integer has no opposite: Redis finds it lower than any number of matches, so that it skips none.
    skipped = abs(rank) - 1 if rank >= -MAX_INTEGER else 0
    found: Iterable[int] = islice(positions(compared, element), skipped, None)
    if rank < 0:
        last = len(value) - 1
        found = (last - position for position in found)
    if count is None:
        return next(iter(found), None)
    return list(islice(found, count or None))


# Inside of a list


def _check_length(db: Database, key: bytes, value: List) -> None:
    """Put a list that has become longer into its other form if it is long now."""
    if type(value) is deque and len(value) >= LONG:
        db.hold(key, LongList(value))


def positions(elements: Iterable[bytes], element: bytes) -> Iterator[int]:
    """Where elements equal another, one by one, so that nobody compares more of them than asked for."""
    rest = iter(elements)
    position = -1
    while True:
        try:
            position += 1 + indexOf(rest, element)
        except ValueError:
            return
        yield position
