"""Databases that tell of every change: of its event, for keyspace notifications, or of the key that is another now.

Events, and which class of them each is, are Redis's: https://redis.io/docs/latest/develop/use/keyspace-notifications/.
As long as nobody wants to know, databases are plain ones, so that events cost nothing; `notify_of_events` and
`tell_of_changes` give those that are there a trait (traits.py).
"""

from collections.abc import Sequence
from typing import Final

from respstore.keyspace.database import Database, Keyspace, Modified, Notify, Value
from respstore.keyspace.traits import set_trait

CLASSES: Final = {
    event: letter
    for letter, events in {
        "g": "del expire persist rename_from rename_to move_from move_to copy_to restore",
        "$": "set setrange append incrby incrbyfloat setbit pfadd",
        "l": "lpush rpush lpop rpop linsert lset ltrim lrem sortstore",
        "s": "sadd srem spop sinterstore sunionstore sdiffstore",
        "h": "hset hdel hincrby hincrbyfloat",
        "z": "zadd zincr zrem zpopmin zpopmax zremrangebyrank zremrangebyscore zremrangebylex zrangestore zunionstore "
        "zinterstore zdiffstore geosearchstore georadiusstore",
        "t": "xadd xdel xtrim xsetid xgroup-create xgroup-setid xgroup-destroy xgroup-createconsumer "
        "xgroup-delconsumer",
        "x": "expired",
        "e": "evicted",
        "m": "keymiss",
        "n": "new",
    }.items()
    for event in events.split()
}
"""Events, and the letter of their class in notify-keyspace-events."""


class NotifyingDatabase(Database):
    """A database whose events somebody wants to know."""

    __slots__ = ()

    def announce(self, key: bytes, event: str) -> None:
        if event:
            self.keyspace.notify(self.index, key, event)

    def _is_new(self, key: bytes) -> bool:
        """Whether a key is not there; one whose time is over vanishes now, with its own event."""
        return self.peek(key) is None

    def read(self, key: bytes) -> Value | None:
        value = super().read(key)
        if value is None:
            self.announce(key, "keymiss")
        return value

    def look(self, key: bytes) -> Value | None:
        value = super().look(key)
        if value is None:
            self.announce(key, "keymiss")
        return value

    def inspect(self, key: bytes) -> Value | None:
        return super().look(key)

    def put(self, key: bytes, value: Value, event: str) -> None:
        is_new = self._is_new(key)
        super().put(key, value, event)
        if is_new:
            self.announce(key, "new")
        self.announce(key, event)

    def put_several(self, pairs: Sequence[bytes], event: str) -> None:
        self._put_each(pairs, event)

    def replace(self, key: bytes, value: Value, event: str) -> None:
        is_new = self._is_new(key)
        super().replace(key, value, event)
        if is_new:
            self.announce(key, "new")
        self.announce(key, event)

    def hold(self, key: bytes, value: Value) -> None:
        is_new = self._is_new(key)
        super().hold(key, value)
        if is_new:
            self.announce(key, "new")

    def place(self, key: bytes, value: Value, deadline: int | None, event: str) -> None:
        self.announce(key, "new")  # of one that was there before, too: Redis deletes that first
        super().place(key, value, deadline, event)

    def changed(self, key: bytes, event: str) -> None:
        super().changed(key, event)
        self.announce(key, event)

    def noted(self, key: bytes, event: str, count: int = 1) -> None:
        super().noted(key, event, count)
        self.announce(key, event)


class TellingDatabase(Database):
    """A database of which somebody wants to know every key whose value, or time to live, is another now."""

    __slots__ = ()

    def put(self, key: bytes, value: Value, event: str) -> None:
        super().put(key, value, event)
        self.keyspace.modified(key, event)

    def put_several(self, pairs: Sequence[bytes], event: str) -> None:
        self._put_each(pairs, event)

    def replace(self, key: bytes, value: Value, event: str) -> None:
        super().replace(key, value, event)
        self.keyspace.modified(key, event)

    def changed(self, key: bytes, event: str) -> None:
        super().changed(key, event)
        self.keyspace.modified(key, event)


def notify_of_events(keyspace: Keyspace, notify: Notify | None) -> None:
    """Call `notify` for every event from now on, or with None for no more."""
    keyspace.notify = notify or keyspace.notify
    set_trait(keyspace, NotifyingDatabase, on=notify is not None, is_last=True)


def tell_of_changes(keyspace: Keyspace, modified: Modified | None) -> None:
    """Call `modified` for every change of a key from now on, before its event; or with None for no more.

    To flush or to swap databases is no change of a key.
    """
    keyspace.modified = modified or keyspace.modified
    set_trait(keyspace, TellingDatabase, on=modified is not None)
