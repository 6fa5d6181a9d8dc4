"""Dictionaries of keys that know their own weight: what the keys and values in them cost (see footprint.py).

They take the place of a database's plain dictionary while maxmemory is set, so that to know the weight costs nothing as
long as nobody asks. A value that cannot change (bytes, int) is weighed when it comes and when it goes. One that changes
in place is weighed whole only once so much of it may have changed as would tell: a quarter of its elements, or as many
bytes were sent as a quarter of them has at least. In between its elements are taken to be as heavy as they were on
average. So a change costs the weighing of some four elements, however large the container is.

`usage.py` has the dictionaries that know, besides, when or how often each key was used.
"""

from collections.abc import Callable
from typing import Final

from respstore.keyspace.database import Database, Keyspace, Value
from respstore.keyspace.footprint import count_of, elements_size, of_integer, of_text, of_texts, own_size
from respstore.keyspace.traits import set_trait

_RECORD: Final = 144
"""What is kept about a value that changes in place, with its place in a dictionary."""
_LIGHT_ELEMENT: Final = 64
"""Bytes of which a new element may be made, at least."""

_get = dict.get
_set = dict.__setitem__


class Scale:
    """The weight of all dictionaries of a keyspace.

    Attributes:
        total: bytes.
        written: how many bytes the requests in hand bring; whoever looks for where they went sets it back.
    """

    __slots__ = ("total", "written")

    def __init__(self) -> None:
        self.total = 0
        self.written = 0


class _Record:
    """What is known of a value that changes in place.

    Attributes:
        size: its weight as it stands in the total, this record included.
        elements: the part of its elements in that.
        count: of its elements, then.
        changes: how many elements may have changed since it was weighed whole.
    """

    __slots__ = ("changes", "count", "elements", "size")

    def __init__(self, value: Value) -> None:
        self.elements = elements_size(value)
        self.size = own_size(value) + self.elements + _RECORD
        self.count = count_of(value)
        self.changes = 0


class WeighedKeys(dict[bytes, Value]):
    """Keys and values, weighed.

    Args:
        scale: where the weight is added up.
        keys: what is there already.

    Attributes:
        weight: bytes of all, included in the scale's total.
    """

    __slots__ = ("_records", "_scale", "_table", "weight")

    def __init__(self, scale: Scale, keys: dict[bytes, Value]) -> None:
        super().__init__(keys)
        self._scale = scale
        self._records: dict[bytes, _Record] = {}
        self.weight = self._table = self._table_size()
        self.weight += of_texts(keys) + of_texts([value for value in keys.values() if type(value) is bytes])
        for key, value in keys.items():
            if type(value) is not bytes:
                self.weight += self._take_in(key, value)
        scale.total += self.weight

    def __setitem__(self, key: bytes, value: Value) -> None:
        old = _get(self, key)
        if old is None:
            _set(self, key, value)
            change = self._table_change() + of_text(key)
        elif old is value:
            self.weigh(key)
            return
        else:
            change = -self._let_go(key, old)
            _set(self, key, value)
        change += of_text(value) if type(value) is bytes else self._take_in(key, value)
        self._scale.written = 0
        self._add(change)

    def __delitem__(self, key: bytes) -> None:
        change = -self._let_go(key, self[key]) - of_text(key)
        super().__delitem__(key)
        self._add(change + self._table_change())

    def emptied(self) -> "WeighedKeys":
        """A dictionary of the same kind for what comes after all was deleted; this one counts no more."""
        self.release()
        return type(self)(self._scale, {})

    def release(self) -> None:
        """Count no more."""
        self._scale.total -= self.weight

    def renew(self, key: bytes) -> None:
        """What is at a key now has nothing to do with what was there before."""

    def weigh(self, key: bytes) -> None:
        """The value of a key may have changed in place."""
        record = self._records.get(key)
        if record is None:
            return
        value = self[key]
        count = count_of(value)
        record.changes += max(abs(count - record.count), self._scale.written // _LIGHT_ELEMENT, 1)
        self._scale.written = 0
        if record.changes * 4 >= count:
            record.elements = elements_size(value)
            record.changes = 0
        else:
            record.elements = record.elements * count // record.count
        record.count = count
        size = own_size(value) + record.elements + _RECORD
        self._add(size - record.size)
        record.size = size

    def _take_in(self, key: bytes, value: Value) -> int:
        if type(value) is int:
            return of_integer(value)
        record = self._records[key] = _Record(value)
        return record.size

    def _let_go(self, key: bytes, value: Value) -> int:
        if type(value) is bytes:
            return of_text(value)
        return of_integer(value) if type(value) is int else self._records.pop(key).size

    def _add(self, change: int) -> None:
        self.weight += change
        self._scale.total += change

    def _table_change(self) -> int:
        """How much more the dictionary itself takes than when this was last asked: it grows, and shrinks, by leaps."""
        before, self._table = self._table, self._table_size()
        return self._table - before

    def _table_size(self) -> int:
        return self.__sizeof__()


class WeighedDatabase(Database):
    """A database whose keys are `WeighedKeys`, which it tells of what changes in place."""

    __slots__ = ()

    data: WeighedKeys

    def put(self, key: bytes, value: Value, event: str) -> None:
        self.data.get(key)  # to overwrite is to use what is there (see usage.py)
        super().put(key, value, event)

    def place(self, key: bytes, value: Value, deadline: int | None, event: str) -> None:
        super().place(key, value, deadline, event)
        self.data.renew(key)

    def changed(self, key: bytes, event: str) -> None:
        self.data.weigh(key)
        super().changed(key, event)

    def noted(self, key: bytes, event: str, count: int = 1) -> None:
        self.data.weigh(key)
        super().noted(key, event, count)

    def clear(self) -> int:
        keys = self.data
        removed = super().clear()
        self.data = keys.emptied()
        return removed


def weigh(keyspace: Keyspace, make: Callable[[dict[bytes, Value]], WeighedKeys] | None) -> None:
    """Keep the keys of all databases in the dictionaries that `make` makes of others, or with None in plain ones."""
    keyspace.is_frozen = False  # the new ones guard nothing
    for db in keyspace.databases:
        if isinstance(db, WeighedDatabase):
            db.data.release()
        db.data = dict(db.data) if make is None else make(db.data)
    set_trait(keyspace, WeighedDatabase, on=make is not None)
