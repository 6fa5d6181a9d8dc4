"""Sessions that wait for keys, as data: a parked session holds no task and no thread.

A handler that cannot answer yet returns `Park(keys, retry, timeout)`. The session runs no further commands, and stands
in the queue of each of its keys. When such a key changes it becomes **ready**; once the command that changed it
is over (a whole EXEC, not each of its commands) the sessions of its queue are retried in order of arrival, until the
key is gone or all were tried. Whoever releases a session makes its reply; the server sends it in the same turn.

Those who wait at a barrier stand in no queue: the barrier (barriers.py, counters.py) releases them itself, and judges
them when its key changes.

A session leaves the room in one of five ways, and each takes it out of all queues: released with a reply, timed out,
unblocked by CLIENT UNBLOCK, closed, or the server stops.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from heapq import heapify, heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import attrs

from respstore import errors
from respstore.errors import RespError
from respstore.keyspace import Database
from respstore.protocol.replies import NULL_ARRAY

if TYPE_CHECKING:
    from respstore.engine.barriers import Arrival, Barrier
    from respstore.engine.counters import Counter, CounterArrival
    from respstore.engine.session import Session

logger = logging.getLogger("respstore")


class _Pending:
    """What a retry answers when it still has to wait."""

    def __repr__(self) -> str:
        return "PENDING"


class _Leave:
    """What a retry answers when it still has to wait, but not for this key any more."""

    def __repr__(self) -> str:
        return "LEAVE"


PENDING: Final = _Pending()
LEAVE: Final = _Leave()


@attrs.define(eq=False)  # made for each wait, so not frozen: that would take twice the time
class Park:
    """A reply that comes later.

    Args:
        keys: what to wait for, in the session's database.
        retry: called with one of the keys when it changed and exists; gives the reply, PENDING to wait on, LEAVE to
            wait on for the other keys only, or another Park to wait for what that one says, until the same deadline.
        timeout: how long to wait at most, in seconds; None for ever.
        on_timeout: the reply when the time is over, or what makes it then (a RespError for an error).
        on_gone: the reply when one of the keys does not exist any more; PENDING to wait on.
        if_denied: the reply where nothing may wait (MULTI, scripts).
        arrival: for who waits at a barrier, which does the releasing and makes the reply when the time is over; it is
            told when the session waits and when no more. The session stands in no queue.
    """

    keys: Sequence[bytes]
    retry: Callable[[bytes], Any]
    timeout: float | None
    on_timeout: Any = NULL_ARRAY
    on_gone: Any = PENDING
    if_denied: Any = NULL_ARRAY
    arrival: "Arrival | CounterArrival | None" = None

    def late_reply(self) -> Any:
        """The reply when the time is over; to be made before anybody whose time is over at once has left."""
        if self.arrival is not None:
            return self.arrival.time_out()
        return self.on_timeout() if callable(self.on_timeout) else self.on_timeout


class Wait(NamedTuple):
    """What the room knows of a parked session: for what, in which database, since when (monotonic clock, seconds)."""

    park: Park
    db: Database
    since: float
    serial: int


class WaitingRoom:
    """All parked sessions of an engine.

    Attributes:
        barriers: those at which somebody waits.
        counters: torch's barriers at which somebody waits.
        promised: how many items of a list torch clients were told of that have not come for them yet.
        ready: keys that changed and have waiters; `serve` empties it.
        is_held: nobody is served, for a script is in the midst of its work.
        rearm: called with the new soonest deadline when it became sooner; the server's timers set it.
    """

    __slots__ = (
        "_deadlines",
        "_needy",
        "_queues",
        "_serials",
        "_sessions",
        "_timed",
        "barriers",
        "counters",
        "is_held",
        "promised",
        "ready",
        "rearm",
    )

    def __init__(self) -> None:
        self.barriers: dict[tuple[Database, bytes], Barrier] = {}
        self.counters: dict[tuple[Database, bytes], Counter] = {}
        self.promised: dict[tuple[Database, bytes], int] = {}
        self.ready: dict[tuple[Database, bytes], None] = {}
        self.is_held = False
        self.rearm: Callable[[float], None] = lambda deadline: None
        self._queues: dict[tuple[Database, bytes], OrderedDict[Session, None]] = {}
        self._sessions: dict[Session, Wait] = {}
        # Keys in whose queue somebody is, or was, who does not wait on when the key is gone. The others are most: no
        # queue is searched for such a one in vain.
        self._needy: set[tuple[Database, bytes]] = set()
        # A wait that ended early leaves its deadline behind; its number tells, for that is not in `_timed` any more.
        self._deadlines: list[tuple[float, int]] = []
        self._timed: dict[int, Session] = {}
        self._serials = count(1)

    def __len__(self) -> int:
        """How many wait."""
        return len(self._sessions)

    def park(self, session: "Session", park: Park, now: float) -> None:
        """Let a session wait.

        Args:
            session: who.
            park: for what.
            now: the monotonic clock, in seconds.
        """
        serial = next(self._serials)
        self._sessions[session] = Wait(park, session.db, now, serial)
        if park.timeout is not None:
            deadline = now + park.timeout
            self._forget_stale_deadlines()
            self._timed[serial] = session
            heappush(self._deadlines, (deadline, serial))
            if self._deadlines[0][1] == serial:
                self.rearm(deadline)
        if park.arrival is None:
            self._join(session, session.db, park)
        else:
            park.arrival.enter(now)

    def serve(self) -> None:
        """Retry the waiters of all ready keys, in the order in which they changed; then of those that this changed."""
        while self.ready and not self.is_held:
            keys = list(self.ready)
            self.ready.clear()
            for db, key in keys:
                barrier = self.barriers.get((db, key))
                if barrier is not None:
                    barrier.judge()
                counter = self.counters.get((db, key))
                if counter is not None:
                    counter.judge()
                queue = self._queues.get((db, key))
                if queue is not None:
                    self._serve_key(db, key, queue)

    def _serve_key(self, db: Database, key: bytes, queue: "OrderedDict[Session, None]") -> None:
        # Each is tried once. Who must go on waiting steps to the end meanwhile, so that nobody is looked at in vain:
        # a push that serves one of many must not cost as much as there are others.
        passed: list[Session] = []
        sessions, get = self._sessions, db.get
        while len(passed) < len(queue) and get(key) is not None:
            session = next(iter(queue))
            retry = sessions[session].park.retry
            try:
                value = retry(key) if session.tracking is None else _track(session, retry, key)
            except RespError as error:
                value = error
            except Exception:
                logger.exception("bug: client %s could not be served", session.describe())
                value = RespError(errors.INTERNAL)
            if value is PENDING:
                queue.move_to_end(session)
                passed.append(session)
            elif value is LEAVE:
                self._leave(session, db, key)
            elif type(value) is Park:
                self._wait_for(session, value)
            else:
                self.release(session, value)
        for session in reversed(passed):
            queue.move_to_end(session, last=False)
        if (db, key) in self._needy and db.get(key) is None:
            for session in list(queue):
                on_gone = self._sessions[session].park.on_gone
                if on_gone is not PENDING:
                    self.release(session, on_gone)

    def notice(self, db: Database, key: bytes) -> None:
        """Retry who waits for a key, though the key did not change."""
        if (db, key) in self._queues:
            self._changed(db, key)

    def release(self, session: "Session", value: Any) -> None:
        """End a session's wait with a reply (a RespError for an error)."""
        self.withdraw(session)
        session.resume(value)

    def withdraw(self, session: "Session") -> bool:
        """End a session's wait without a reply.

        Returns:
            Whether it waited.
        """
        wait = self._sessions.pop(session, None)
        if wait is None:
            return False
        park = wait.park
        self._timed.pop(wait.serial, None)
        if park.arrival is None:
            for key in park.keys:
                self._leave(session, wait.db, key)
        else:
            park.arrival.leave()
        return True

    def unblock(self, session: "Session", error: RespError | None) -> bool:
        """CLIENT UNBLOCK: as if the time were over, or with an error.

        Returns:
            Whether the session waited.
        """
        wait = self._sessions.get(session)
        if wait is None:
            return False
        self.release(session, wait.park.late_reply() if error is None else error)
        return True

    def next_deadline(self) -> float | None:
        """The soonest time, on the monotonic clock in seconds, at which somebody's wait ends."""
        deadlines = self._deadlines
        while deadlines:
            if deadlines[0][1] in self._timed:
                return deadlines[0][0]
            heappop(deadlines)
        return None

    def expire(self, now: float) -> None:
        """Answer those whose time is over at `now`, on the monotonic clock in seconds."""
        late: list[tuple[Session, Any]] = []
        while (deadline := self.next_deadline()) is not None and deadline <= now:
            session = self._timed.pop(heappop(self._deadlines)[1])
            late.append((session, self._sessions[session].park.late_reply()))
        for session, reply in late:
            self.release(session, reply)

    def close(self, error: RespError) -> None:
        """Answer everybody with an error, because the server stops."""
        for session in list(self._sessions):
            self.release(session, error)

    def waits(self) -> Iterator[tuple["Session", Wait]]:
        """Who waits, in order of arrival."""
        return iter(self._sessions.items())

    def keys_of(self, session: "Session", wait: Wait) -> list[bytes]:
        """The keys that could still release a session, or the name of its barrier."""
        if wait.park.arrival is not None:
            return list(wait.park.keys)
        return [key for key in dict.fromkeys(wait.park.keys) if session in self._queues.get((wait.db, key), ())]

    def with_deadline(self) -> int:
        """How many wait with a time limit."""
        return len(self._timed)

    def _wait_for(self, session: "Session", park: Park) -> None:
        wait = self._sessions[session]
        for key in wait.park.keys:
            self._leave(session, wait.db, key)
        self._sessions[session] = wait._replace(park=park)
        self._join(session, wait.db, park)

    def _join(self, session: "Session", db: Database, park: Park) -> None:
        for key in park.keys:
            queue = self._queues.get((db, key))
            if queue is None:
                queue = self._queues[db, key] = OrderedDict()
                db.observe(key, self._changed)
            queue[session] = None
            if park.on_gone is not PENDING:
                self._needy.add((db, key))

    def _leave(self, session: "Session", db: Database, key: bytes) -> None:
        queue = self._queues.get((db, key))
        if queue is not None:
            queue.pop(session, None)
            if not queue:
                del self._queues[db, key]
                self._needy.discard((db, key))
                db.unobserve(key, self._changed)

    def _forget_stale_deadlines(self) -> None:
        # They would pile up under a busy queue.
        if len(self._deadlines) > 2 * len(self._timed) + 1024:
            self._deadlines = [deadline for deadline in self._deadlines if deadline[1] in self._timed]
            heapify(self._deadlines)

    def _changed(self, db: Database, key: bytes) -> None:
        self.ready[db, key] = None


def _track(session: "Session", retry: Callable[[bytes], Any], key: bytes) -> Any:
    """A retry of a client that is told of what it may have cached."""
    trackers = session.engine.trackers
    trackers.current = session  # what it changes now is told behind its reply, or not at all
    try:
        return retry(key)
    finally:
        trackers.current = None
