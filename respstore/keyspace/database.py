"""The data: numbered databases, each a dictionary of keys to values, and the times at which keys expire.

A value is a plain Python object, and its type is the Redis type:

- `bytes`: a string; or `bytearray` once it was changed in place, or `int` once it was counted with (Redis calls these
  encodings "raw" and "int");
- `deque` of `bytes`: a list; or `LongList` once it has become long (list.py);
- `Hash` and `Set`: dicts that also know what Redis would keep them in (containers.py);
- `SortedSet` (sorted_set.py);
- `Stream` (stream.py).

A new type is named in `Value` and `TYPE_NAMES`, and gets its lines in encodings.py, sizes.py and digest.py.

What must stay true:

- A container that became empty is no key: whoever takes the last element deletes the key. A stream may be empty.
- Every change goes through `put`, `replace`, `delete` or is followed by `changed`, once per key and event. That is the
  one hook for WATCH, for clients that wait for a key, and (its `event`) for keyspace notifications. (`noted` is for
  what happens to a key without changing what a reader finds there, such as a group of a stream.)
- `get` never shows a value whose time is over. Who reads `data` directly, to iterate or to save a call, asks `is_live`
  of each key, or nothing where `expires` is empty.
- This room knows no clock: the engine sets `keyspace.now` before each batch of commands.
"""

from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from heapq import heapify, heappop, heappush
from random import Random
from sys import getsizeof
from typing import Any, ClassVar, Final

from respstore.keyspace.containers import Hash, Set
from respstore.keyspace.key_order import KeyOrder
from respstore.keyspace.list import List, LongList
from respstore.keyspace.sorted_set import SortedSet
from respstore.keyspace.stream import Stream
from respstore.keyspace.streams_in_use import StreamsInUse

STALE_DEADLINES: Final = 64
"""So many times that were changed may wait in vain, besides as many as there are keys that expire."""

Value = bytes | bytearray | int | List | Hash | Set | SortedSet | Stream
Observer = Callable[["Database", bytes], None]
Notify = Callable[[int, bytes, str], None]
"""Called with the number of the database, the key, and the name of the event."""
Modified = Callable[[bytes, str], None]
"""Called with a key that is another now, in whichever database, and the event."""
Propagated = Callable[[int, Sequence[bytes]], None]
"""Called with the number of the database and the words of a command."""
ReadItems = Callable[[dict[bytes, Any]], Iterable[tuple[bytes, Any]]]
"""`dict.items`, or what gives the same in another way."""
Vanished = Callable[[int, bytes], None]
"""Called with the number of the database and a key that was deleted because its time was over."""

TYPE_NAMES: Final[dict[type, str]] = {
    bytes: "string",
    bytearray: "string",
    int: "string",
    deque: "list",
    LongList: "list",
    Hash: "hash",
    Set: "set",
    SortedSet: "zset",
    Stream: "stream",
}


class Database:
    """One numbered database.

    Attributes:
        index: its number, as SELECT gives it.
        data: keys to values, those whose time is over but that nobody touched since included.
        expires: keys to the wall-clock time in ms at which they expire, for those that do.
        hits, misses: how often `read` found a key, and found none, since they were added up last.
        observed: keys to those who want to know when they change, in order of arrival.
    """

    __slots__ = (
        "_deadlines",
        "_order",
        "_order_used",
        "data",
        "expires",
        "hits",
        "index",
        "keyspace",
        "misses",
        "observed",
    )

    def __init__(self, keyspace: "Keyspace", index: int) -> None:
        self.keyspace = keyspace
        self.index = index
        self.hits = 0
        self.misses = 0
        self.data: dict[bytes, Value] = {}
        self.expires: dict[bytes, int] = {}
        self.observed: dict[bytes, dict[Observer, None]] = {}
        # Times in `expires`, soonest first. A time that was changed stays behind and is skipped when it comes up.
        self._deadlines: list[tuple[int, bytes]] = []
        # Made when somebody scans or asks for random keys, forgotten when nobody did for a while.
        self._order: KeyOrder | None = None
        self._order_used = 0

    # Reading. Most keys do not expire: for them the conditions below say what `is_live` would, without the call.

    def get(self, key: bytes) -> Value | None:
        """The value of a key, or None. A key whose time is over is deleted on the way."""
        value = self.data.get(key)
        if value is not None and self.expires and key in self.expires and not self.is_live(key):
            return None
        return value

    def read(self, key: bytes) -> Value | None:
        """As `get`, for commands that read: counts in INFO's keyspace_hits and keyspace_misses."""
        value = self.data.get(key)
        if value is None or (self.expires and key in self.expires and not self.is_live(key)):
            self.misses += 1
            return None
        self.hits += 1
        return value

    # Who uses a key asks `data.get` for it, which notes that where it matters (usage.py). These do not:

    def peek(self, key: bytes) -> Value | None:
        """As `get`, without using the key."""
        if key not in self.data or (self.expires and key in self.expires and not self.is_live(key)):
            return None
        return self.data[key]

    def peek_even_dead(self, key: bytes) -> Value | None:
        """As `peek`, but a key whose time is over is there as long as nobody has deleted it."""
        return self.data[key] if key in self.data else None  # noqa: SIM401 - `get` would use the key

    def look(self, key: bytes) -> Value | None:
        """As `read`, without using the key: for TYPE, TTL and their like."""
        if key not in self.data or (self.expires and key in self.expires and not self.is_live(key)):
            self.misses += 1
            return None
        self.hits += 1
        return self.data[key]

    def inspect(self, key: bytes) -> Value | None:
        """As `look`, but to miss a key is no event: for OBJECT."""
        return self.look(key)

    def is_live(self, key: bytes) -> bool:
        """Whether the time of a key, which must exist, is not over; if it is, the key is deleted, now or later."""
        deadline = self.expires.get(key)
        if deadline is None or deadline > self.keyspace.now:
            return True
        if not self.keyspace.keeps_expired:
            self._expire(key)
        return False

    def keys(self) -> Iterator[bytes]:
        """All live keys. The database must not be changed meanwhile."""
        if not self.expires:
            return iter(self.data)
        now, expires = self.keyspace.now, self.expires
        return (key for key in self.data if key not in expires or expires[key] > now)

    def scan(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """A part of the keys in an order of their own (see `KeyOrder.scan`); dead ones may be among them."""
        return self._ordered().scan(cursor, count)

    def random_key(self, random: Random) -> bytes | None:
        """A live key, each equally likely, or None if there is none."""
        if self.keyspace.keeps_expired:  # what is drawn below might be dead for ever
            live = list(self.keys())
            return live[random.randrange(len(live))] if live else None
        while self.data:
            key = self._ordered().random(random)
            if not self.expires or self.is_live(key):
                return key
        return None

    def random_expiring_key(self, random: Random) -> bytes | None:
        """A key that expires, by chance, or None if there is none."""
        deadlines, expires = self._deadlines, self.expires
        while expires:
            deadline, key = deadlines[int(random.random() * len(deadlines))]
            if expires.get(key) == deadline:
                return key
            if len(deadlines) > 2 * len(expires):
                self._drop_stale_deadlines()
                deadlines = self._deadlines
        return None

    def next_to_expire(self) -> tuple[int, bytes] | None:
        """The soonest of all deadlines, in wall-clock ms, and whose it is."""
        deadlines = self._deadlines
        while deadlines and self.expires.get(deadlines[0][1]) != deadlines[0][0]:
            heappop(deadlines)
        return deadlines[0] if deadlines else None

    # Changing

    def put(self, key: bytes, value: Value, event: str) -> None:
        """Give a key a value, new or in place of any other; its time to live is discarded, as by SET."""
        if self._order is not None and key not in self.data:
            self._order.add(key)
        self.data[key] = value
        if self.expires:
            self.expires.pop(key, None)
        self.keyspace.changes += 1
        if key in self.observed:
            self._tell(key)

    def put_several(self, pairs: Sequence[bytes], event: str) -> None:
        """As `put` for keys and strings in turn, in a fraction of the time."""
        if self.expires or self.observed or self._order is not None:
            self._put_each(pairs, event)
        else:
            data = self.data
            turns = iter(pairs)
            for key in turns:  # in less time than slices, or `update` of a zip
                data[key] = next(turns)
            self.keyspace.changes += len(pairs) // 2

    def _put_each(self, pairs: Sequence[bytes], event: str) -> None:
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            self.put(key, value, event)

    def replace(self, key: bytes, value: Value, event: str) -> None:
        """Give a key a value and keep its time to live, as INCR and SET KEEPTTL do."""
        if self._order is not None and key not in self.data:
            self._order.add(key)
        self.data[key] = value
        self.keyspace.changes += 1
        if key in self.observed:
            self._tell(key)

    def hold(self, key: bytes, value: Value) -> None:
        """Keep a value for a key and tell nobody: for what is another form of the same, or is no change to Redis."""
        if self._order is not None and key not in self.data:
            self._order.add(key)
        self.data[key] = value

    def changed(self, key: bytes, event: str) -> None:
        """Say that the value of a key was changed in place.

        Args:
            key: the key.
            event: the name of the keyspace event ("lpush", "expire", ...), as Redis's documentation lists them; empty
                for a change of which there is none.
        """
        self.keyspace.changes += 1
        if key in self.observed:
            self._tell(key)

    def shrunk(self, key: bytes, value: Sized, event: str) -> None:
        """Say that something was taken from the container at a key, which is deleted if nothing is left in it."""
        self.changed(key, event)
        if not value:
            self.delete(key)

    def noted(self, key: bytes, event: str, count: int = 1) -> None:
        """As `changed`, for what nobody who observes the key wants to know: what is beside its data.

        Redis does not let the groups of a stream, nor XSETID, break a WATCH. `count` says how many changes it is.
        """
        self.keyspace.changes += count

    propagates: ClassVar[bool] = False
    """Whether anybody hears what `propagate` says: to be asked where it takes long to say."""

    def propagate(self, *words: bytes) -> None:
        """Say which command has the effect of the one in hand, for the AOF (see engine/effects.py).

        A command whose effect depends on chance, on time, or on a client that waits says so, once or several times;
        without words, that it has none. All others are written down as they came if they changed something.
        """

    def announce(self, key: bytes, event: str) -> None:
        """Tell of an event alone, of a change that `take` or `place` was told of without one."""

    def delete(self, key: bytes, event: str = "del") -> bool:
        """Remove a key.

        Returns:
            Whether it was there; a key whose time was over was not.
        """
        if key not in self.data or (self.expires and key in self.expires and not self.is_live(key)):
            return False
        self._remove(key)
        self.changed(key, event)
        return True

    def delete_even_dead(self, key: bytes) -> None:
        """As `delete`, where nobody asks whether its time is over: for commands that find nothing to store there."""
        if key in self.data:
            self._remove(key)
            self.changed(key, "del")

    def take(self, key: bytes, event: str) -> tuple[Value, int | None] | None:
        """Remove a key and give its value and expiry, for RENAME and MOVE; None if there is none."""
        value = self.get(key)
        if value is None:
            return None
        deadline = self.expires.get(key)
        self._remove(key)
        self.changed(key, event)
        return value, deadline

    def place(self, key: bytes, value: Value, deadline: int | None, event: str) -> None:
        """Give a key a value together with its expiry (wall-clock ms, or None), as RENAME, MOVE and COPY do."""
        if self._order is not None and key not in self.data:
            self._order.add(key)
        self.data[key] = value
        if deadline is None:
            self.expires.pop(key, None)
        else:
            self.set_deadline(key, deadline)
        self.changed(key, event)

    def clear(self) -> int:
        """Remove all keys (FLUSHDB).

        Returns:
            How many there were.
        """
        removed = len(self.data)
        observed = [key for key in self.observed if key in self.data]
        if type(self.data) is dict:
            self.data.clear()
        else:  # somebody may be reading it still
            self.data = {}
        self.expires.clear()
        self._deadlines.clear()
        self._order = None
        self.keyspace.changes += removed
        for key in observed:
            self._tell(key)
        return removed

    def swap(self, other: "Database") -> None:
        """Exchange the contents of two databases (SWAPDB); who observes a key goes on to observe this number's."""
        if other is self:
            return
        observed = [(db, key) for db in (self, other) for key in db.observed]
        for _, key in observed:  # a key whose time is over is none, on either side
            self.get(key)
            other.get(key)
        observed = [(db, key) for db, key in observed if key in self.data or key in other.data]
        for name in ("data", "expires", "_deadlines", "_order", "_order_used"):
            mine, theirs = getattr(self, name), getattr(other, name)
            setattr(self, name, theirs)
            setattr(other, name, mine)
        self.keyspace.changes += 1
        for db, key in observed:
            db._tell(key)  # noqa: SLF001 - another database, the same class

    # Expiry

    def deadline(self, key: bytes) -> int | None:
        """When a key expires, in wall-clock ms, or None if it does not."""
        return self.expires.get(key)

    def expire_at(self, key: bytes, deadline: int) -> bool:
        """Let an existing key expire at a wall-clock time in ms; a time that is past already deletes it.

        Returns:
            Whether the key is still there.
        """
        if self.is_past(deadline):
            self._remove(key)
            self.changed(key, "del")
            return False
        self.set_deadline(key, deadline)
        self.changed(key, "expire")
        return True

    def is_past(self, deadline: int) -> bool:
        """Whether a key that is to expire at a wall-clock time in ms does so at once."""
        return deadline <= self.keyspace.now

    def persist(self, key: bytes) -> bool:
        """Let a key live for ever.

        Returns:
            Whether it had a time to live.
        """
        if self.expires.pop(key, None) is None:
            return False
        self.changed(key, "persist")
        return True

    def is_over(self, key: bytes) -> bool:
        """Whether the time of a key is over; the key stays where it is, if it is still there."""
        deadline = self.expires.get(key)
        return deadline is not None and deadline <= self.keyspace.now

    def average_ttl(self) -> int:
        """Mean time to live in ms, over at most a hundred of the keys that have one; 0 if none has."""
        sample = [deadline - self.keyspace.now for _, deadline in zip(range(100), self.expires.values(), strict=False)]
        return max(sum(sample) // len(sample), 0) if sample else 0

    def set_deadline(self, key: bytes, deadline: int) -> None:
        """Let an existing key expire at a wall-clock time in ms, and tell nobody."""
        self.expires[key] = deadline
        heappush(self._deadlines, (deadline, key))
        if len(self._deadlines) > 2 * len(self.expires) + STALE_DEADLINES:
            self._drop_stale_deadlines()

    def expire_due(self, limit: int) -> int:
        """Delete keys whose time is over, soonest first, at most `limit` (active expiry).

        Returns:
            How many entries were looked at; `limit` means that there may be more.
        """
        deadlines, now = self._deadlines, self.keyspace.now
        for done in range(limit):
            if not deadlines or deadlines[0][0] > now:
                return done
            deadline, key = heappop(deadlines)
            if self.expires.get(key) == deadline:
                self._expire(key)
        return limit

    # Observers

    def observe(self, key: bytes, observer: Observer) -> None:
        """Call `observer(db, key)` whenever the key changes, is deleted or expires."""
        self.observed.setdefault(key, {})[observer] = None

    def unobserve(self, key: bytes, observer: Observer) -> None:
        """Undo `observe`; an observer that is not there is no error."""
        observers = self.observed.get(key)
        if observers is not None:
            observers.pop(observer, None)
            if not observers:
                del self.observed[key]

    def forget_unused_order(self, generation: int) -> None:
        """Drop the order of keys if nobody used it since the last but one call with a new generation."""
        if self._order is not None and generation - self._order_used > 1:
            self._order = None

    def order_size(self) -> int:
        """Bytes of the order of keys, 0 as long as nobody uses it."""
        return 0 if self._order is None else getsizeof(self._order)

    # Inside

    def _ordered(self) -> KeyOrder:
        self._order_used = self.keyspace.generation
        if self._order is None:
            self._order = KeyOrder(self.data)
        return self._order

    def _drop_stale_deadlines(self) -> None:
        # In place: a list that is made while there is much data would stay in the midst of it when that is gone.
        self._deadlines[:] = [(time, key) for key, time in self.expires.items()]
        heapify(self._deadlines)

    def _remove(self, key: bytes) -> None:
        del self.data[key]
        self.expires.pop(key, None)
        if self._order is not None and not self._order.discard(key):
            self._order = None

    def _expire(self, key: bytes) -> None:
        self._remove(key)
        self.keyspace.count_expired()
        self.changed(key, "expired")
        self.keyspace.changes -= 1  # to Redis it is none, for nobody made it

    def _tell(self, key: bytes) -> None:
        for observer in list(self.observed[key]):
            observer(self, key)


class Keyspace:
    """All databases, and what they count together.

    Attributes:
        now: wall-clock ms, set by the engine.
        changes: how often anything was changed, ever.
        keeps_expired: keys whose time is over stay, though nobody sees them, for no data is to change (CLIENT PAUSE).
        generation: counts up once a minute or so; tells what was not used for a while.
        notify, modified: whom events and changes are told to, while somebody wants to know (see notifying.py).
        propagated, vanished: the same for effects of commands, and for keys whose time is over (see propagating.py).
        flushed: called when databases were emptied.
        libraries: the code of libraries of functions; another object when they are others.
        streams_in_use: those that are not packed.
        is_frozen: nobody gets a container that was there at a certain moment (see freezing.py).
    """

    __slots__ = (
        "_totals",
        "changes",
        "databases",
        "flushed",
        "generation",
        "is_frozen",
        "keeps_expired",
        "libraries",
        "modified",
        "notify",
        "now",
        "propagated",
        "streams_in_use",
        "vanished",
    )

    def __init__(self, count: int) -> None:
        self.now = 0
        self.changes = 0
        self.keeps_expired = False
        self.generation = 0
        self.is_frozen = False
        self.notify: Notify = lambda index, key, event: None
        self.modified: Modified = lambda key, event: None
        self.propagated: Propagated = lambda index, words: None
        self.vanished: Vanished = lambda index, key: None
        self.flushed: Callable[[], None] = lambda: None
        self.libraries: tuple[bytes, ...] = ()
        self.streams_in_use = StreamsInUse()
        self.databases = [Database(self, index) for index in range(count)]
        self._totals = array("Q", (0, 0, 0))  # hits and misses that are added up, and expired keys

    @property
    def expired(self) -> int:
        """How many keys were deleted because their time was over."""
        return self._totals[2]

    def count_expired(self) -> None:
        """A key was deleted because its time was over."""
        self._totals[2] += 1

    @property
    def hits(self) -> int:
        """How often `Database.read` found a key."""
        return self._totals[0] + sum([db.hits for db in self.databases])

    @property
    def misses(self) -> int:
        """How often it found none."""
        return self._totals[1] + sum([db.misses for db in self.databases])

    def add_up(self) -> None:
        """Count the databases' new hits and misses among all; to be called now and then.

        The totals are no objects, which would lie in memory that is not given back as long as there is one.
        """
        totals = self._totals
        for db in self.databases:
            totals[0] += db.hits
            totals[1] += db.misses
            db.hits = db.misses = 0

    def flush(self, databases: Sequence[Database]) -> None:
        """Remove all keys of some databases (FLUSHDB, FLUSHALL)."""
        for db in databases:
            db.clear()
        self.streams_in_use.clear()
        self.flushed()

    def reset_statistics(self) -> None:
        """CONFIG RESETSTAT."""
        self._totals = array("Q", (0, 0, 0))
        for db in self.databases:
            db.hits = db.misses = 0
