"""Barriers: clients that wait for one another, and the counter that says how often they met.

A barrier is a counter key plus the clients parked on it. The key is a plain string that holds how often the barrier has
been passed, its **epoch**; as long as it does not exist the epoch is 0, or the one that the first to arrive named, for
then the server has lost the key and the clients have not. A `Barrier` exists while somebody waits at it, in the waiting
room under its database and name, and holds nothing that a client could not say again.

What must stay true:

- The key is the truth. When anything but a release changes it, those who wait are judged anew as if they arrived now,
  each in its old place.
- A release answers each who waits exactly once, counts up once, and leaves no barrier behind.
- Whoever leaves in another way (see waiting.py) has not arrived. An error never names as missing who was there until
  its own time was over: those are remembered, apart, until they come again or the epoch ends.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from respstore import errors, own_errors
from respstore.engine.waiting import PENDING, Park
from respstore.errors import RespError
from respstore.keyspace import Database
from respstore.numbers import MAX_INTEGER, parse_integer
from respstore.wording import listed, shown_member, time_waited

if TYPE_CHECKING:
    from respstore.engine.session import Session
    from respstore.engine.waiting import WaitingRoom

Member = bytes | int
"""Who arrives: as MEMBER names it, or else the number of its connection."""

PASSED: Final = -1
"""In the place of an index: the epoch was over already."""


class Barrier:
    """Clients that wait at a name.

    Attributes:
        db, name: where its counter is.
        parties: how many have to come.
        epoch: which epoch they wait for.
        arrivals: who waits, in order of arrival; a member that comes again keeps its place.
        gave_up: members whose time was over in this epoch, in this order.
    """

    __slots__ = ("_counter", "_room", "_state", "arrivals", "db", "epoch", "gave_up", "name", "parties")

    def __init__(self, room: "WaitingRoom", db: Database, name: bytes, parties: int, epoch: int | None) -> None:
        """A barrier at which nobody waits yet; `epoch` is what the first to arrive named."""
        self.db = db
        self.name = name
        self.parties = parties
        self.arrivals: dict[Member, Arrival] = {}
        self.gave_up: dict[Member, None] = {}
        self._room = room
        self._counter = read_counter(db, name)
        self.epoch = (epoch or 0) if self._counter is None else self._counter
        self._state: tuple[str, str] | None = None

    # Those who come and go

    def enter(self, arrival: "Arrival") -> None:
        """Somebody waits from now on. If the member waits already, by another connection, that one is answered."""
        if not self.arrivals:
            self._room.barriers[self.db, self.name] = self
            self.db.observe(self.name, self._changed)
        self._state = None
        self.gave_up.pop(arrival.member, None)
        older = self.arrivals.get(arrival.member)
        self.arrivals[arrival.member] = arrival
        if older is not None:
            arrival.arrived = older.arrived
            self._room.release(older.session, own_errors.member_replaced(arrival.member))

    def leave(self, arrival: "Arrival") -> None:
        """Somebody waits no more, for whatever reason."""
        if self.arrivals.get(arrival.member) is not arrival:
            return  # another connection has taken its place
        self._state = None
        del self.arrivals[arrival.member]
        if arrival.is_late:
            self.gave_up[arrival.member] = None
            if len(self.gave_up) > self.parties:  # somebody makes up names
                del self.gave_up[next(iter(self.gave_up))]
        if not self.arrivals:
            del self._room.barriers[self.db, self.name]
            self.db.unobserve(self.name, self._changed)

    # How all of them get on

    def release(self) -> list[int]:
        """The last one has come: count up, and answer all who wait.

        Returns:
            The answer for the last one.
        """
        epoch, arrivals = self.epoch, list(self.arrivals.values())
        if self._counter is None and epoch:
            self.db.replace(self.name, epoch + 1, "set")
            self.db.propagate(b"SET", self.name, b"%d" % (epoch + 1))
        else:
            self.db.replace(self.name, epoch + 1, "incrby")
            self.db.propagate(b"INCR", self.name)
        for index, arrival in enumerate(arrivals):
            self._room.release(arrival.session, [epoch, index])
        return [epoch, len(arrivals)]

    def end(self, error: RespError) -> int:
        """Answer all who wait with an error.

        Returns:
            How many they were.
        """
        arrivals = list(self.arrivals.values())
        for arrival in arrivals:
            self._room.release(arrival.session, error)
        return len(arrivals)

    def judge(self) -> None:
        """Answer those who could not wait here any more if they arrived now, because the key was changed."""
        try:
            counter = read_counter(self.db, self.name)
        except RespError as error:
            self.end(error)
            return
        if counter == self._counter:
            return
        self._counter = counter
        if counter is None:  # those who name an epoch name this one
            counter = self.epoch if any(arrival.epoch is not None for arrival in self.arrivals.values()) else 0
        if counter == self.epoch:
            return
        self.epoch = counter
        self._state = None
        self.gave_up.clear()
        for arrival in list(self.arrivals.values()):
            if arrival.epoch is None or arrival.epoch == counter:
                continue
            if arrival.epoch < counter:
                self._room.release(arrival.session, [arrival.epoch, PASSED])
            else:
                self._room.release(arrival.session, own_errors.wrong_epoch(self.name, counter, arrival.epoch))

    def _changed(self, db: Database, key: bytes) -> None:
        self._room.ready[db, key] = None

    # What is told about them

    def missing(self) -> list[int] | None:
        """The ranks of those who have not come in this epoch; None where members are no ranks, for nobody can tell."""
        ranks = self._ranks()
        return None if ranks is None else [*self._others(ranks)]

    def _ranks(self) -> set[int] | None:
        """Those who have come, if all are integers from 0 to below the number of parties."""
        ranks = set()
        for member in (*self.arrivals, *self.gave_up):
            rank = parse_integer(member) if isinstance(member, bytes) else None
            if rank is None or not 0 <= rank < self.parties:
                return None
            ranks.add(rank)
        return ranks

    def _others(self, ranks: set[int]) -> Iterator[int]:
        return (rank for rank in range(self.parties) if rank not in ranks)

    def timeout(self, seconds: float) -> RespError:
        """What somebody hears whose time is over.

        Args:
            seconds: how long it has waited.
        """
        if self._state is None:  # the same for all whose time is over at once
            ranks = self._ranks()
            others = ""
            if ranks is None:
                others = f"; present: {listed(map(shown_member, self.arrivals), len(self.arrivals))}"
            elif len(ranks) < self.parties:
                missing = map(str, self._others(ranks))
                others = f"; missing: {listed(missing, self.parties - len(ranks))}"
            if self.gave_up:
                others += f"; gave up before: {listed(map(shown_member, self.gave_up), len(self.gave_up))}"
            self._state = f"{len(self.arrivals)} of {self.parties} arrived", others
        came, others = self._state
        return own_errors.barrier_timeout(self.name, self.epoch, f"{came} after {time_waited(seconds)}{others}")


class Arrival:
    """One client at a barrier, while it waits there.

    Attributes:
        session: who.
        barrier: where.
        member: as whom.
        epoch: the epoch that it named, None if it named none.
        arrived: when the member came first in this wait, by whatever connection (monotonic clock, seconds).
        is_late: its time is over.
    """

    __slots__ = ("_since", "arrived", "barrier", "epoch", "is_late", "member", "session")

    def __init__(self, session: "Session", barrier: Barrier, member: Member, epoch: int | None) -> None:
        self.session = session
        self.barrier = barrier
        self.member = member
        self.epoch = epoch
        self.is_late = False
        self.arrived = self._since = 0.0

    def enter(self, now: float) -> None:
        """The session is parked, at `now` on the monotonic clock in seconds."""
        self.arrived = self._since = now
        self.barrier.enter(self)

    def leave(self) -> None:
        """The session waits no more."""
        self.barrier.leave(self)

    def time_out(self) -> RespError:
        """The time is over: what the session is to hear, once it has left."""
        self.is_late = True
        return self.barrier.timeout(self.session.engine.system.monotonic() - self._since)


def arrive(
    session: "Session",
    name: bytes,
    parties: int,
    *,
    member: bytes | None = None,
    epoch: int | None = None,
    timeout: float | None = None,
) -> Any:
    """Somebody comes to a barrier.

    Args:
        session: who.
        name: of the barrier, in the session's database.
        parties: how many have to come.
        member: as whom; None for the connection itself.
        epoch: the epoch that it comes for; None for whichever is now.
        timeout: how long to wait at most, in seconds; None for ever.

    Returns:
        Epoch and index if the last one has come or the epoch is over already, else a Park.

    Raises:
        RespError: the key is no counter, the epoch is still to come, or others have come for another number of parties.
    """
    room, db = session.engine.waiting, session.db
    barrier = find(room, db, name) or Barrier(room, db, name, parties, epoch)
    if epoch is not None and epoch != barrier.epoch:
        if epoch < barrier.epoch:
            return [epoch, PASSED]
        raise own_errors.wrong_epoch(name, barrier.epoch, epoch)
    if parties != barrier.parties:
        raise own_errors.wrong_parties(name, barrier.parties, parties)
    who = session.id if member is None else member
    if len(barrier.arrivals) == parties - 1 and who not in barrier.arrivals:
        return barrier.release()
    return Park((name,), _stay, timeout, if_denied=None, arrival=Arrival(session, barrier, who, epoch))


def _stay(key: bytes) -> Any:
    """Who waits at a barrier is released by it: nothing is tried when the key changes."""
    return PENDING


def find(room: "WaitingRoom", db: Database, name: bytes) -> Barrier | None:
    """The barrier at which somebody waits now, even if a transaction in progress has changed its counter."""
    barrier = room.barriers.get((db, name))
    if barrier is None:
        return None
    barrier.judge()
    return barrier if barrier.arrivals else None


def read_counter(db: Database, name: bytes) -> int | None:
    """How often a barrier has been passed, None if there is no such key.

    Raises:
        RespError: the key is no string or holds no integer, or nothing can be added to it.
    """
    value = db.get(name)
    if value is None:
        return None
    if isinstance(value, bytes | bytearray):
        number = parse_integer(bytes(value))
    elif type(value) is int:
        number = value
    else:
        raise RespError(errors.WRONG_TYPE)
    if number is None:
        raise RespError(errors.NOT_AN_INTEGER)
    if number == MAX_INTEGER:
        raise RespError(errors.INCREMENT_OVERFLOW)
    return number
