"""Barriers as torch's TCPStore has them: a key counts arrivals, and who waits is released once there are enough.

The count is never set back and an arrival is never taken back, not even of who has given up: a barrier that was passed
once stays open for all who come later, until its key is deleted. (Barriers that can be passed again and again are in
barriers.py; both kinds look at the key and know nothing of each other.)

The key is the truth: it may also be counted up by INCR, and whoever waits is released when the count suffices.
"""

from typing import TYPE_CHECKING

from respstore.engine.waiting import PENDING, Park
from respstore.errors import RespError
from respstore.keyspace import Database
from respstore.numbers import parse_integer

if TYPE_CHECKING:
    from respstore.engine.session import Session
    from respstore.engine.waiting import WaitingRoom


class Counter:
    """Clients that wait until a key has counted far enough.

    Attributes:
        db, name: where the key is.
        arrivals: who waits, in order of arrival.
    """

    __slots__ = ("_least", "_room", "arrivals", "db", "name")

    def __init__(self, room: "WaitingRoom", db: Database, name: bytes) -> None:
        self.db = db
        self.name = name
        self.arrivals: dict[Session, CounterArrival] = {}
        self._room = room
        self._least = 0  # no smaller count releases anybody

    def enter(self, arrival: "CounterArrival") -> None:
        """Somebody waits from now on."""
        if not self.arrivals:
            self._room.counters[self.db, self.name] = self
            self.db.observe(self.name, self._changed)
            self._least = arrival.parties
        self.arrivals[arrival.session] = arrival
        self._least = min(self._least, arrival.parties)

    def leave(self, arrival: "CounterArrival") -> None:
        """Somebody waits no more, for whatever reason."""
        del self.arrivals[arrival.session]
        if not self.arrivals:
            del self._room.counters[self.db, self.name]
            self.db.unobserve(self.name, self._changed)

    def count(self) -> int | None:
        """What the key says; None if it says no number."""
        value = self.db.get(self.name)
        if isinstance(value, bytes | bytearray):
            return parse_integer(bytes(value))
        return value if isinstance(value, int) else None

    def judge(self) -> None:
        """Release those for whom the count suffices, because the key was changed."""
        count = self.count()
        if count is None or count < self._least:
            return
        for arrival in list(self.arrivals.values()):
            if arrival.parties <= count:
                self._room.release(arrival.session, count)
        self._least = min((arrival.parties for arrival in self.arrivals.values()), default=0)

    def end(self, error: RespError) -> int:
        """Send all who wait away with an error.

        Returns:
            How many they were.
        """
        arrivals = list(self.arrivals)
        for session in arrivals:
            self._room.release(session, error)
        return len(arrivals)

    def _changed(self, db: Database, key: bytes) -> None:
        self._room.ready[db, key] = None


class CounterArrival:
    """One client at a counter, while it waits there.

    Attributes:
        session: who.
        counter: where.
        parties: the count that it waits for.
        arrived: since when (monotonic clock, seconds).
    """

    __slots__ = ("arrived", "counter", "parties", "session")

    def __init__(self, session: "Session", counter: Counter, parties: int) -> None:
        self.session = session
        self.counter = counter
        self.parties = parties
        self.arrived = 0.0

    @property
    def member(self) -> int:
        """As whom: its connection."""
        return self.session.id

    def enter(self, now: float) -> None:
        """The session is parked, at `now` on the monotonic clock in seconds."""
        self.arrived = now
        self.counter.enter(self)

    def leave(self) -> None:
        """The session waits no more."""
        self.counter.leave(self)

    def time_out(self) -> None:
        """The time is over, which here only CLIENT UNBLOCK says: null."""


def wait_for_count(session: "Session", name: bytes, parties: int) -> Park:
    """Wait until a key has counted up to `parties`; the reply is the count."""
    room, db = session.engine.waiting, session.db
    counter = room.counters.get((db, name)) or Counter(room, db, name)
    return Park((name,), _stay, None, on_timeout=None, arrival=CounterArrival(session, counter, parties))


def _stay(key: bytes) -> object:
    """Who waits at a counter is released by it: nothing is tried when the key changes."""
    return PENDING
