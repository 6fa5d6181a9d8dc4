"""To take from the first of several keys that holds something, or to wait for it: BLPOP, BZPOPMIN and their like.

Each looks at its keys in order. If none holds what it takes from, the client parks; then the key at which such a value
appears first decides, whatever the order of the keys, and a key of another type is as good as none.
"""

from collections.abc import Callable, Mapping, Sequence, Sized
from types import MappingProxyType
from typing import Any, Final, TypeVar

from respstore import errors
from respstore.engine.arguments import timeout_seconds
from respstore.engine.waiting import PENDING, Park
from respstore.errors import RespError
from respstore.keyspace import Database
from respstore.protocol.replies import NULL_ARRAY

V = TypeVar("V", bound=Sized)

Promised = Mapping[tuple[Database, bytes], int]
"""How many items of a key are for others; as `WaitingRoom.promised`."""

NOTHING: Final[Promised] = MappingProxyType({})


def take_or_wait(
    db: Database,
    kind: type[V] | tuple[type[V], ...],
    keys: Sequence[bytes],
    timeout: bytes,
    take_from: Callable[[bytes, V], Any],
    *,
    if_denied: Any = NULL_ARRAY,
    promised: Promised = NOTHING,
) -> Any:
    """Take from the first key that holds a value of a type, now or when one appears.

    Args:
        db: where the keys are.
        kind: the type, or the types, of values to take from.
        keys: in the order in which to look.
        timeout: how long to wait, in seconds.
        take_from: takes from the value at a key and gives the reply.
        if_denied: the reply where there is no such value and nothing may wait.
        promised: whom somebody else's item wakes, goes on waiting.

    Raises:
        RespError: the timeout is none, or a key before the first value is of another type.
    """
    seconds = timeout_seconds(timeout)
    for key in keys:
        value = db.get(key)
        if isinstance(value, kind):
            return take_from(key, value)
        if value is not None:
            raise RespError(errors.WRONG_TYPE)

    def retry(key: bytes) -> Any:
        value = db.get(key)
        if not isinstance(value, kind) or (promised and promised.get((db, key), 0) >= len(value)):
            return PENDING
        return take_from(key, value)

    return Park(keys, retry, seconds, if_denied=if_denied)
