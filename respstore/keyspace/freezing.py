"""All data as it is at one moment, for who writes it down bit by bit while the server goes on.

What is frozen are the dictionaries themselves. The databases go on with copies of them, whose strings are the same
objects, for a string that changes is another object; containers change in place, so whoever asks for one, be it to read
or to write, gets a copy of it, which takes the place of the original in the database. So a container is copied once at
most, and one that nobody asks for never.
"""

from copy import copy
from typing import Any, Final

from respstore.keyspace.database import Keyspace, Value

_UNCHANGING: Final = frozenset({bytes, int, type(None)})
_get = dict.get


class GuardedKeys(dict[bytes, Value]):
    """Keys that give no container away that is frozen.

    Args:
        keys: the frozen ones.
        own: the containers that are not, by identity. The others all live as long as this does, so that no other
            object can have the identity of one.
    """

    __slots__ = ("_own",)

    def __init__(self, keys: dict[bytes, Value], own: set[int]) -> None:
        super().__init__(keys)
        self._own = own

    def get(self, key: bytes, default: Any = None) -> Any:
        """The value of a key, which may be changed."""
        value = _get(self, key, default)
        if type(value) in _UNCHANGING or id(value) in self._own:
            return value
        self[key] = value = copy(value)
        return value

    def __getitem__(self, key: bytes) -> Value:
        if key not in self:
            raise KeyError(key)
        return self.get(key)  # type: ignore[no-any-return]

    def __setitem__(self, key: bytes, value: Value) -> None:
        if type(value) not in _UNCHANGING:
            self._own.add(id(value))
        super().__setitem__(key, value)


def freeze(keyspace: Keyspace) -> Keyspace | None:
    """The data as it is now, to be read only; the keyspace goes on without changing it.

    Returns:
        The frozen data; None where the dictionaries are of a kind of their own, for maxmemory, or frozen already.
    """
    if any(type(db.data) is not dict for db in keyspace.databases):
        return None
    keyspace.is_frozen = True
    frozen = Keyspace(len(keyspace.databases))
    frozen.now, frozen.libraries = keyspace.now, keyspace.libraries
    own: set[int] = set()
    for db, twin in zip(keyspace.databases, frozen.databases, strict=True):
        if db.data:
            twin.data, twin.expires = db.data, dict(db.expires)
            db.data = GuardedKeys(db.data, own)
    return frozen


def thaw(keyspace: Keyspace) -> None:
    """Give the containers away again as they are: nobody needs the frozen data any more."""
    keyspace.is_frozen = False
    for db in keyspace.databases:
        if type(db.data) is GuardedKeys:
            db.data = dict(db.data)
