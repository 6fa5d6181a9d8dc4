"""maxmemory: how much memory the data takes, and what happens when that is too much.

While maxmemory is set, the keyspace weighs its data (keyspace/weighing.py), and each command that may need memory asks
for room before it runs: keys are evicted until what it brings fits in, or it is refused. Such commands ask by
themselves (`Entry.ask_by`), so that nobody else, and no server without a limit, pays. What grows without such commands
(the buffers of clients) is looked at ten times a second.

What counts against maxmemory is the data and what is held for clients, what is remembered for trackers included; the
memory that the interpreter takes without any data does not (INFO: mem_not_counted_for_evict).
"""

import gc
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from respstore import errors
from respstore.engine.dispatch import Entry
from respstore.engine.eviction import Evictor
from respstore.errors import RespError
from respstore.keyspace.footprint import footprint_beside
from respstore.keyspace.usage import CountedKeys, TimedKeys, Usage
from respstore.keyspace.weighing import WeighedKeys, weigh

if TYPE_CHECKING:
    from respstore.engine.command import Handler
    from respstore.engine.engine import Engine
    from respstore.engine.session import Session

RETURN_ABOVE: Final = 1.2
"""Memory that is free within the process is given back to the system where it has so many times as much as it uses."""
RETURN_SECONDS: Final = 1.0
RETURN_SHARE: Final = 0.01
"""... and looked for at most so often, in at most that share of the server's time."""
PURGE_SECONDS: Final = 0.3
"""After how long MEMORY PURGE replies. By then are done, unless the server is busy, ..."""
_PURGE_STEPS: Final = 12
"""... so many steps, ..."""
_PURGE_STEP_SECONDS: Final = 0.012
"""... so far apart: at each the server wakes, and makes anew what it does whenever it wakes. The last ..."""
_STEPS_GATHERED: Final = 10
"""... of them, with a tick among them, come after it was said where that is to lie."""
_GENTLE_TENACITY: Final = 10
_WAYS_OUT: Final = frozenset(("discard", "quit", "reset"))
"""What a client may always do in MULTI."""


class Memory:
    """What the data and the clients take, and what is done when that is too much.

    Args:
        engine: whose.

    Attributes:
        limit: maxmemory in bytes, 0 for none.
    """

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        config = engine.config
        self.limit = 0
        self._usage = Usage(engine.keyspace, engine.random, config.lfu_log_factor, config.lfu_decay_time)
        self._kind: type[WeighedKeys] | None = None
        self._evictor = Evictor(engine.keyspace, config, engine.random)
        self._beside = 0  # what is not weighed, when it was last added up
        self._peak = 0
        self._again: float | None = None
        self._next_return = 0.0
        self._purge_steps = 0
        self._next_purge_step = 0.0
        for name in ("maxmemory", "maxmemory-policy", "lfu-log-factor", "lfu-decay-time"):
            config.on_change(name, self._configure)
        self._configure()

    # How much

    @property
    def is_weighed(self) -> bool:
        """Whether the data is weighed; if not, only the whole process is known."""
        return self._kind is not None

    def used(self) -> int:
        """Bytes in use: of data and clients, and what the process took before there were any."""
        if not self.is_weighed:
            return self._engine.system.memory()
        self.add_up()
        return self._last_used()

    def peak(self) -> int:
        """The most that there ever was."""
        if not self.is_weighed:
            return self._engine.system.peak_memory()
        return self._peak

    def add_up(self) -> None:
        """Look again at what is not weighed as it grows; to be called several times a second."""
        if not self.is_weighed:
            return
        engine = self._engine
        clients = sum([session.memory() for session in engine.sessions.values()])
        databases = sum([footprint_beside(db) for db in engine.keyspace.databases])
        self._beside = clients + databases + engine.trackers.memory()
        self._peak = max(self._peak, self._last_used())

    def _last_used(self) -> int:
        return self._engine.startup_memory + self._usage.total + self._beside

    # Asking for room

    def is_short(self, session: "Session", entry: Entry, args: Sequence[bytes]) -> bool:
        """Whether a command may not be run, or queued by MULTI, as there is no room for it and none can be made."""
        name, transaction = entry.command.name, session.transaction
        if transaction is None:
            may_grow = "denyoom" in entry.command.flags
        elif name == "exec":
            may_grow = any("denyoom" in queued.command.flags for queued, _ in transaction.requests)
        else:
            may_grow = name not in _WAYS_OUT  # to queue a command takes memory, too
        return may_grow and not self.has_room_for(args)

    def has_room_for(self, args: Sequence[bytes]) -> bool:
        """Whether there is room for these arguments of a command; keys are evicted to make some."""
        usage, size = self._usage, sum(map(len, args))
        has_room = usage.total + self._beside + size <= self.limit or self.make_room(size)
        usage.written += size
        return has_room

    def make_room(self, size: int = 0) -> bool:
        """Evict keys until `size` bytes more fit in, or for as long as maxmemory-eviction-tenacity allows.

        Returns:
            Whether there is room, or will be soon; not if nothing that may be evicted is left.
        """
        engine, usage = self._engine, self._usage
        if not self.limit or engine.is_paused():  # a paused server does not change its data
            return True
        monotonic = engine.system.monotonic
        started = now = monotonic()
        deadline = started + eviction_seconds(engine.config.maxmemory_eviction_tenacity)
        self._again = None
        is_exceeded = usage.total + self._beside + size > self.limit
        evicted = 0
        while is_exceeded and now <= deadline and (victim := self._evictor.victim()) is not None:
            db, key = victim
            evicted += db.delete(key, "evicted")
            db.propagate(b"DEL", key)
            now = monotonic()
            is_exceeded = usage.total + self._beside + size > self.limit
        engine.statistics.evicted_keys += evicted
        engine.statistics.note_memory(now, is_exceeded=is_exceeded)
        engine.timing.happened("eviction-cycle", now - started)
        if is_exceeded and now > deadline:
            self._again = 2 * now - started  # others have as much time in between
            engine.waiting.rearm(self._again)
        return not is_exceeded or now > deadline

    def return_free(self) -> None:
        """Give back what deleted data leaves free, while the data is weighed: else nobody knows how much that is.

        Where small values make room for large ones, the process would take twice as much as it uses.
        """
        system = self._engine.system
        if not self.is_weighed or (now := system.monotonic()) < self._next_return:
            return
        took = 0.0
        if system.memory() > RETURN_ABOVE * self._last_used():
            system.return_memory()
            took = system.monotonic() - now
        self._next_return = now + max(RETURN_SECONDS, took / RETURN_SHARE)

    def purge(self) -> None:
        """Begin to give back all that is free, be the data weighed or not; `go_on` goes on with that in steps.

        Python gives back no memory around small objects that lie here and there, where there was much data. What is
        made anew time and again comes to lie elsewhere from now on; what rests is made anew here.
        """
        gc.collect()
        self._engine.system.gather_small_objects()  # what keeps the client waiting lies well, too
        self._purge_steps = _PURGE_STEPS
        self._next_purge_step = self._engine.system.monotonic()
        self._engine.waiting.rearm(self._next_purge_step)

    def _step_purge(self) -> None:
        system = self._engine.system
        system.let_go_of_small_objects()
        if self._purge_steps == _STEPS_GATHERED:
            system.gather_small_objects()
            self._make_anew()
        self._purge_steps -= 1
        self._next_purge_step = system.monotonic() + _PURGE_STEP_SECONDS
        if not self._purge_steps:
            system.return_memory()

    def _make_anew(self) -> None:
        """Let what rests lie elsewhere, and have no room for what is gone."""
        engine = self._engine
        engine.parser.renew()
        engine.keyspace.changes += 0  # which is another object
        for table in gc.get_referents(engine.waiting, engine.channels, engine.trackers, engine.timing):
            if type(table) is dict and not table:
                table.clear()  # it has room for those that it once had

    def go_on(self, now: float) -> None:
        """Go on with a purge, or an eviction that was cut short; to be called at `next_deadline`."""
        if self._purge_steps and now >= self._next_purge_step:
            self._step_purge()
        if self._again is not None and now >= self._again:
            self.make_room()

    def next_deadline(self) -> float | None:
        """When `go_on` has something to do, on the monotonic clock in seconds."""
        if not self._purge_steps:
            return self._again
        return self._next_purge_step if self._again is None else min(self._again, self._next_purge_step)

    # Configuration

    def _configure(self) -> None:
        config, usage = self._engine.config, self._usage
        usage.log_factor, usage.decay_time = config.lfu_log_factor, config.lfu_decay_time
        self._evictor.forget_candidates()
        kind: type[WeighedKeys] | None = WeighedKeys if config.maxmemory else None
        if config.maxmemory_policy.endswith("-lru"):
            kind = TimedKeys
        elif config.maxmemory_policy.endswith("-lfu"):
            kind = CountedKeys
        if kind is not self._kind:
            self._kind = kind
            weigh(self._engine.keyspace, None if kind is None else lambda keys: kind(usage, keys))
        self.limit = config.maxmemory
        for entry in self._engine.all_entries:
            if "denyoom" in entry.command.flags:
                entry.ask_by(self._limited(entry) if self.limit else entry.run)
        self.add_up()
        self.make_room()

    def _limited(self, entry: Entry) -> "Handler":
        """A command's handler that asks for room first."""
        has_room_for = self.has_room_for

        def handler(session: "Session", *args: bytes) -> Any:
            if not has_room_for(args):
                entry.new_calls -= 1  # it is refused, which whoever called cannot know
                entry.new_failed -= 1
                entry.new_rejected += 1
                raise RespError(errors.OUT_OF_MEMORY)
            return entry.run(session, *args)

        return handler


def eviction_seconds(tenacity: int) -> float:
    """How long one command may wait for evictions, by maxmemory-eviction-tenacity."""
    if tenacity >= 100:
        return float("inf")
    if tenacity <= _GENTLE_TENACITY:
        return 50e-6 * tenacity
    return float(500e-6 * 1.15 ** (tenacity - _GENTLE_TENACITY))
