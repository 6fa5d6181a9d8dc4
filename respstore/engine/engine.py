"""What all sessions of a server share. Two engines know nothing of each other, in one process or not.

The engine is sans-IO, like its sessions. Its owner (`server/`) promises to call `begin_turn` before it feeds sessions,
`end_of_turn` before it sends their replies, `tick` ten times a second, and `between_ticks` at `next_deadline()`.
"""

import logging
from array import array
from collections import deque
from collections.abc import Mapping, Sequence
from itertools import count
from math import inf
from random import Random
from typing import Final

from respstore import errors
from respstore.config import Config
from respstore.engine.acl.control import AccessControl
from respstore.engine.append_only import AppendOnly
from respstore.engine.channels import Channels
from respstore.engine.client_eviction import evict_clients
from respstore.engine.command import WRITING, Command
from respstore.engine.dispatch import CLOSING, MONITORED, PARKED, PAUSED, Entry, make_entries, rename
from respstore.engine.effects import Effects
from respstore.engine.memory import Memory
from respstore.engine.monitoring import Monitors
from respstore.engine.namespaces import Namespaces
from respstore.engine.notifications import Notifications
from respstore.engine.scripts import Scripts
from respstore.engine.session import Session
from respstore.engine.snapshots import Snapshots
from respstore.engine.statistics import Statistics
from respstore.engine.system import System
from respstore.engine.timing import Timing
from respstore.engine.tracking import Trackers
from respstore.engine.waiting import WaitingRoom
from respstore.errors import RespError
from respstore.keyspace import Keyspace
from respstore.protocol.requests import FastParser

logger = logging.getLogger("respstore")

EXPIRY_BATCH: Final = 64
EXPIRY_STEPS: Final = 8
"""Batches of keys that are expired in one go, so that nobody waits longer than some ms."""
EXPIRY_SHARE: Final = 0.25
"""How much of the server's time expiry may take while keys are overdue (as Redis's active expire cycle)."""
TICKS_PER_GENERATION: Final = 600
CLIENTS_PER_TICK: Final = 1000
"""With more clients than these, their memory is not added up at every tick."""
TURN_MS: Final = 10
"""How long a turn lasts before clients that sent many requests at once have to let the others go first."""
LONGEST_ERROR_CODE: Final = 30
"""An error text whose first word is longer counts as ERR, and so does one without a space (INFO errorstats)."""


class Engine:
    """The state of a server but for its connections.

    Args:
        config: its options.
        table: the commands it has (`respstore.commands.TABLE`).
        system: the process it lives in.
        random: where RANDOMKEY and its like draw from.

    Raises:
        ConfigError: `rename-command` asks for what cannot be.

    Attributes:
        keyspace: the data.
        entries: commands by the names that clients use, with their counts.
        all_entries: every command and subcommand that clients can use, once.
        originals: all commands by their own names, whatever `rename-command` says.
        acl: the users, and what they may do.
        next_session_id: called for a number for a new session.
        sessions: connected clients by id.
        parser: shared by the sessions.
        effects: what the commands did, while somebody wants to know.
        waiting: those who are parked.
        channels: who listens to what.
        namespaces: of torch jobs.
        notifications: tells of events of keys on channels, if the configuration asks for it.
        postponed: sessions that CLIENT PAUSE holds up, in the order of their requests.
        resumed: sessions whose wait is over; their further requests run at the end of the turn.
        yielded: sessions that let others go first, in the order in which they go on.
        touched: sessions that have something to send or to close though they were not fed.
        monitors: those who see everything (MONITOR).
        trackers: those who are told of keys that they may have cached (CLIENT TRACKING).
        scripts: the one that runs.
        statistics: what INFO shows.
        timing: how long commands take.
        slow_batch: how many seconds a batch of requests may last before `timing` looks closer.
        look_at: when that is for the one in hand (monotonic clock).
        active_expiry: DEBUG SET-ACTIVE-EXPIRE.
        maintenance_paused: DEBUG PAUSE-CRON.
        started: wall clock of the start, in ms.
        snapshots: when the data was and is to be saved.
        append_only: the append-only file, if there is one.
        startup_memory: resident memory before there was any data, in bytes.
        memory: maxmemory, and what is counted against it.
        run_id: 40 hexadecimal digits, different at each start.
        replication_id: the same for a history of the data that replicas could follow.
    """

    def __init__(self, config: Config, table: Mapping[str, Command], system: System, random: Random) -> None:
        self.config = config
        self.system = system
        self.random = random
        self.keyspace = Keyspace(config.databases)
        self.originals = make_entries(table)
        self.entries = rename(self.originals, config.renamings)
        self.all_entries = [
            each for entry in dict.fromkeys(self.entries.values()) for each in (entry, *entry.subcommands.values())
        ]
        self.acl = AccessControl(self, table)
        self.sessions: dict[int, Session] = {}
        self.parser = FastParser()
        self.effects = Effects(self)
        self.waiting = WaitingRoom()
        self.channels = Channels()
        self.namespaces = Namespaces(config, self.keyspace.databases[0])
        self.notifications = Notifications(config, self.keyspace, self.channels)
        self.resumed: list[Session] = []
        self.yielded: deque[Session] = deque()
        self.postponed: dict[Session, None] = {}
        self.touched: list[Session] = []
        self.scripts = Scripts(self)
        self.statistics = Statistics()
        self.monitors = Monitors(self)
        self.trackers = Trackers(self)
        self.slow_batch = self.look_at = inf
        self.timing = Timing(self)
        self.active_expiry = True
        self.maintenance_paused = False
        self.run_id = self.make_id()
        self.replication_id = self.make_id()
        self.started = self.begin_turn()
        self.startup_memory = system.memory()
        self.snapshots = Snapshots(self)
        self.append_only = AppendOnly(self)
        self._gates = 0
        self.next_session_id = count(1).__next__
        self._paused_until = 0
        self._pause_writes_only = False
        self._ticks = 0
        self._expire_again: float | None = None
        self._totals = array("q", (0, 0))  # bytes from clients that are gone, and calls that were added up
        self.memory = Memory(self)

    # Clock and names

    def read_clock(self) -> int:
        """Read the wall clock, for all commands up to the next reading.

        Returns:
            ms since 1970.
        """
        now = self.keyspace.now = self.system.wall_clock_us() // 1000
        return now

    def make_id(self) -> str:
        """40 hexadecimal digits by chance."""
        return f"{self.random.getrandbits(160):040x}"

    # Sessions

    def add(self, session: Session) -> None:
        """A session begins, in place of the one that has the same number, if any."""
        self.statistics.connections += session.id not in self.sessions
        self.sessions[session.id] = session
        session.log_out()
        if self.is_paused():
            session.set_gate(PAUSED, on=True)
        if self.monitors.sessions:
            session.set_gate(MONITORED, on=True)
        if self._gates:
            session.set_gate(self._gates, on=True)

    def set_gates(self, bit: int, *, on: bool) -> None:
        """Have a closer look at every session's commands, those that are still to come included, or no longer."""
        self._gates = self._gates | bit if on else self._gates & ~bit
        for session in self.sessions.values():
            session.set_gate(bit, on=on)

    def remove(self, session: Session) -> None:
        """A session ends: it waits for nothing, watches nothing and is not listed any more."""
        if self.sessions.pop(session.id, None) is not None:
            self._totals[0] += session.received
            self.waiting.withdraw(session)
            self.channels.forget(session)
            self.monitors.remove(session)
            self.trackers.forget(session)
            self.postponed.pop(session, None)
            session.ended()

    # Turns and ticks

    def begin_turn(self) -> int:
        """Read the clock, before sessions are fed.

        Returns:
            ms since 1970.
        """
        now = self._turn_started = self.read_clock()
        self.look_at = self.system.monotonic() + self.slow_batch
        return now

    def end_of_turn(self) -> None:
        """What must happen between the commands of a turn and the sending of their replies."""
        while self.resumed:
            resumed = self.resumed.copy()
            self.resumed.clear()
            self.touched += resumed
            for session in resumed:
                if not session.gate & (CLOSING | PARKED):
                    session.process()
        if self.effects.unwritten:
            self.append_only.write()

    def is_turn_over(self) -> bool:
        """Whether the turn has lasted so long that the rest of a pipeline must wait."""
        return not 0 <= self.system.wall_clock_us() // 1000 - self._turn_started < TURN_MS  # the clock may be set

    def yield_turn(self, session: Session) -> None:
        """Let a session go on in a turn of its own, after the others' turn."""
        self.yielded.append(session)
        self.waiting.rearm(self.system.monotonic())

    def _continue_yielded(self) -> None:
        """Let sessions that yielded go on, as long as the turn lasts."""
        for _ in range(len(self.yielded)):
            session = self.yielded.popleft()
            self.touched.append(session)
            if not session.is_closing:
                session.process()
            if self.is_turn_over():
                return

    def take_touched(self) -> list[Session]:
        """The sessions that have output or are to be closed though they were not fed; they are forgotten."""
        self.monitors.deliver()
        self.trackers.deliver()
        touched = self.touched.copy()
        self.touched.clear()
        return touched

    def tick(self) -> None:
        """Do what the passing of time asks for; to be called ten times a second."""
        now_ms = self.begin_turn()
        now = self.system.monotonic()
        if self.scripts.is_suspended:
            self.append_only.sync_if_due()
            self._continue_script(now)
            return
        self.waiting.expire(now)
        if self._paused_until and now_ms >= self._paused_until:
            self.unpause()
        if not self.maintenance_paused:
            self._maintain(now, now_ms)
        self._continue_yielded()
        self.waiting.serve()
        self.end_of_turn()

    def _maintain(self, now: float, now_ms: int) -> None:
        """What may be late, for nobody waits for it."""
        self._ticks += 1
        self._add_up()
        self.timing.rearm()
        self._expire_keys(now)
        self.snapshots.tick()
        self.append_only.tick()
        self._close_idle(now_ms)
        self.namespaces.expire(now)
        if self._ticks % (1 + len(self.sessions) // CLIENTS_PER_TICK) == 0:
            evict_clients(self)
            self.memory.add_up()
        self.memory.make_room()
        self.memory.return_free()
        self.memory.go_on(now)
        if self.keyspace.is_frozen or self.memory.is_weighed:  # who reads or weighed them counts on their staying so
            self.keyspace.streams_in_use.clear()
        else:
            self.keyspace.streams_in_use.pack_unused()
        statistics = self.statistics
        statistics.operations.sample(now, self._totals[1])
        statistics.input_bytes.sample(now, self.bytes_in())
        statistics.output_bytes.sample(now, statistics.bytes_out)
        if self._ticks % TICKS_PER_GENERATION == 0:
            self.keyspace.generation += 1
            for db in self.keyspace.databases:
                db.forget_unused_order(self.keyspace.generation)

    def between_ticks(self) -> None:
        """Do what cannot wait for the next tick; to be called at `next_deadline`."""
        self.begin_turn()
        now = self.system.monotonic()
        if self.scripts.is_suspended:
            self.append_only.sync_if_due()
            self._continue_script(now)
            return
        self.waiting.expire(now)
        if self._expire_again is not None and now >= self._expire_again:
            self._expire_keys(now)
        self.memory.go_on(now)
        self._continue_yielded()
        self.waiting.serve()
        self.end_of_turn()

    def _continue_script(self, now: float) -> None:
        """What can be done while a script is in the midst of its work: nothing that looks at the data."""
        self._continue_yielded()
        self.scripts.go_on(now)
        if not self.scripts.is_suspended:
            self.waiting.serve()
        self.end_of_turn()

    def next_deadline(self) -> float | None:
        """When `between_ticks` has something to do, on the monotonic clock in seconds; None if there is nothing."""
        if self.scripts.is_suspended:
            return self.scripts.next_deadline()
        deadlines = (
            self.system.monotonic() if self.yielded else None,
            self.waiting.next_deadline(),
            self._expire_again,
            self.memory.next_deadline(),
        )
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def stop(self) -> None:
        """The server is going down: who waits gets an error, for its further requests that would wait, too."""
        self.scripts.stop()
        while self.waiting:
            self.waiting.close(RespError(errors.SHUTTING_DOWN))
            self.end_of_turn()
        self.scripts.close()

    def _expire_keys(self, now: float) -> None:
        """Delete some of the keys whose time is over; if there are more, go on soon, but let others work in between."""
        if self.is_paused() or not self.active_expiry:  # a paused server does not change its data
            self._expire_again = None
            return
        steps = EXPIRY_STEPS
        for db in self.keyspace.databases:
            while steps and db.expires and db.expire_due(EXPIRY_BATCH) == EXPIRY_BATCH:
                steps -= 1
        elapsed = self.system.monotonic() - now
        self.statistics.expire_seconds += elapsed
        self.timing.happened("expire-cycle", elapsed)
        if steps:
            self._expire_again = None
        else:
            self.statistics.expire_stopped += 1
            self._expire_again = now + elapsed / EXPIRY_SHARE

    def _close_idle(self, now_ms: int) -> None:
        timeout = self.config.timeout
        if timeout and self._ticks % 10 == 0:  # once a second
            for session in list(self.sessions.values()):
                if now_ms - session.active > timeout * 1000 and not session.is_parked and not session.subscriptions:
                    logger.info("closing client %s: idle for longer than %d s", session.describe(), timeout)
                    session.abort()

    # CLIENT PAUSE

    def is_paused(self) -> bool:
        """Whether CLIENT PAUSE holds."""
        return self._paused_until > self.keyspace.now

    def pause(self, until: int, *, writes_only: bool) -> None:
        """Postpone requests until a wall-clock time in ms, or only those that write.

        A pause that is there already is neither shortened nor softened.
        """
        if until <= self.keyspace.now and not self.is_paused():
            return
        self._pause_writes_only = writes_only and (self._pause_writes_only or not self.is_paused())
        self._paused_until = max(until, self._paused_until)
        self.keyspace.keeps_expired = True
        for session in self.sessions.values():
            session.set_gate(PAUSED, on=True)

    def unpause(self) -> None:
        """Run what was postponed."""
        self._paused_until = 0
        self.keyspace.keeps_expired = False
        for session in self.sessions.values():
            session.set_gate(PAUSED, on=False)
        for session in self.postponed:
            session.proceed()
        self.postponed.clear()
        self.memory.make_room()

    def must_pause(self, session: Session, entry: Entry, args: Sequence[bytes]) -> bool:
        """Whether a request of a session has to wait for the end of the pause."""
        if not self._pause_writes_only:
            return True
        if entry.command.name == "exec" and session.transaction is not None:
            return any(_may_write(session, queued.command, request) for queued, request in session.transaction.requests)
        return _may_write(session, entry.command, args)

    # Counting

    def count_error(self, error: RespError) -> None:
        """An error reply was made."""
        if error.is_counted:
            return
        code, space, _ = error.text[: LONGEST_ERROR_CODE + 1].partition(" ")
        self.statistics.count_error(code if space else "ERR")

    def count_fork(self, pid: int, seconds: float) -> None:
        """A process was begun that saves the data, which took so long; unless it is this one that does so."""
        if pid != self.system.pid:
            self.statistics.forks += 1
            self.statistics.fork_microseconds = round(seconds * 1e6)

    def _add_up(self) -> None:
        """Add what was counted since the last time to the totals."""
        for entry in self.all_entries:
            if entry.new_calls or entry.new_rejected:  # a failure alone may wait
                self._totals[1] += entry.new_calls
                entry.add_up()
        self.keyspace.add_up()

    def commands_processed(self) -> int:
        """How many commands ran since the start."""
        return self._totals[1] + sum(entry.new_calls for entry in self.all_entries)

    def bytes_in(self) -> int:
        """How many bytes clients sent since the start or CONFIG RESETSTAT."""
        return self._totals[0] + sum(session.received for session in self.sessions.values())

    def reset_statistics(self) -> None:
        """CONFIG RESETSTAT."""
        self.statistics.reset()
        self.keyspace.reset_statistics()
        self._totals[0] -= self.bytes_in()
        self._totals[1] = 0
        for entry in self.all_entries:
            entry.forget_calls()
        self.timing.reset()


def _may_write(session: Session, command: Command, args: Sequence[bytes]) -> bool:
    if command.flags.isdisjoint(WRITING):
        return False
    return command.only_reads is None or not command.only_reads(session, args)
