"""Dictionaries of keys that note each use of a key: when it was last used, or how often. LRU and LFU eviction ask.

To use a key is to ask its dictionary for it by `get`, which all commands do that read or change a value; `in` and `[]`
are no uses. A plain dictionary notes nothing, so this costs nobody anything who has no such policy.

How often a key was used is a number up to 255, as in Redis: the more it has counted already the less likely it counts
one more, by lfu-log-factor, and it loses one for every lfu-decay-time minutes in which the key is not used.
(https://redis.io/docs/latest/develop/reference/eviction/)
"""

from random import Random
from sys import getsizeof
from typing import Any, Final

from respstore.keyspace.database import Keyspace, Value
from respstore.keyspace.footprint import INTEGER
from respstore.keyspace.weighing import Scale, WeighedKeys

NEW_KEY_FREQUENCY: Final = 5
"""What a key has counted when it is made, so that it is not evicted at once."""
MOST_FREQUENT: Final = 255
_MINUTE: Final = 60_000
_BITS: Final = 8

_get = dict.get


class Usage(Scale):
    """What the dictionaries of a keyspace share.

    Args:
        keyspace: whose clock counts.
        random: decides what a use counts.

    Attributes:
        log_factor, decay_time: lfu-log-factor, and lfu-decay-time in minutes.
    """

    __slots__ = ("decay_time", "keyspace", "log_factor", "random")

    def __init__(self, keyspace: Keyspace, random: Random, log_factor: int, decay_time: int) -> None:
        super().__init__()
        self.keyspace = keyspace
        self.random = random
        self.log_factor = log_factor
        self.decay_time = decay_time


class UsedKeys(WeighedKeys):
    """Keys with a note each, a number that tells of their use."""

    __slots__ = ("_notes", "_usage")

    def __init__(self, scale: Usage, keys: dict[bytes, Value]) -> None:
        self._usage = scale
        self._notes: dict[bytes, int] = dict.fromkeys(keys, self._first_note())
        super().__init__(scale, keys)

    def __setitem__(self, key: bytes, value: Value) -> None:
        if key not in self._notes:
            self._notes[key] = self._first_note()
        super().__setitem__(key, value)

    def __delitem__(self, key: bytes) -> None:
        del self._notes[key]
        super().__delitem__(key)

    def renew(self, key: bytes) -> None:
        self._notes[key] = self._first_note()

    def note_of(self, key: bytes) -> int:
        """What is known of the use of a key, to give it to another."""
        return self._notes[key]

    def set_note(self, key: bytes, note: int) -> None:
        """Take this for the use of a key, as `note_of` gave it."""
        self._notes[key] = note

    def evictability(self, key: bytes) -> int:
        """The greater, the less is lost if the key is evicted."""
        raise NotImplementedError

    def _table_size(self) -> int:
        return super()._table_size() + getsizeof(self._notes) + INTEGER * len(self._notes)

    def _first_note(self) -> int:
        raise NotImplementedError


class TimedKeys(UsedKeys):
    """Keys that know when they were last used: the note is the time, in wall-clock ms."""

    __slots__ = ()

    def get(self, key: bytes, default: Any = None) -> Any:
        """The value of a key, which is used by that."""
        value = _get(self, key, default)
        if value is not default:
            self._notes[key] = self._usage.keyspace.now
        return value

    def idle_ms(self, key: bytes) -> int:
        """For how long a key has not been used."""
        return max(self._usage.keyspace.now - self._notes[key], 0)

    def set_idle_ms(self, key: bytes, idle: int) -> None:
        """Take a key for one that has not been used for so long."""
        self._notes[key] = self._usage.keyspace.now - idle

    def evictability(self, key: bytes) -> int:
        return self.idle_ms(key)

    def _first_note(self) -> int:
        return self._usage.keyspace.now


class CountedKeys(UsedKeys):
    """Keys that know how often they are used: the note is a minute, as a whole number, and the count that was then."""

    __slots__ = ()

    def get(self, key: bytes, default: Any = None) -> Any:
        """The value of a key, which is used by that."""
        value = _get(self, key, default)
        if value is not default:
            count = self.frequency(key)
            if count < MOST_FREQUENT and self._counts(count):
                count += 1
            self._notes[key] = self._note(count)
        return value

    def frequency(self, key: bytes) -> int:
        """How often a key was used lately, on a scale of 0 to MOST_FREQUENT."""
        minute, count = divmod(self._notes[key], 1 << _BITS)
        decay_time = self._usage.decay_time
        if not decay_time:
            return count
        return max(count - max(self._usage.keyspace.now // _MINUTE - minute, 0) // decay_time, 0)

    def set_frequency(self, key: bytes, frequency: int) -> None:
        """Take a key for one that has been used so often."""
        self._notes[key] = self._note(frequency)

    def evictability(self, key: bytes) -> int:
        return MOST_FREQUENT - self.frequency(key)

    def _counts(self, count: int) -> bool:
        above = max(count - NEW_KEY_FREQUENCY, 0)
        return self._usage.random.random() * (above * self._usage.log_factor + 1) < 1

    def _first_note(self) -> int:
        return self._note(NEW_KEY_FREQUENCY)

    def _note(self, count: int) -> int:
        return self._usage.keyspace.now // _MINUTE << _BITS | count
