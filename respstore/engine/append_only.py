"""The append-only file: when what commands did is written to disk, and what follows if it cannot be.

At the end of each turn the effects of its commands (effects.py) are written, before their replies leave. Under
`appendfsync always` they are on disk then; if that fails the server ends, for it could keep no promise. Under
`everysec` a thread sees to it once a second; as long as the file cannot be written, commands that write are refused,
and what was not written is kept and tried again.

A **rewrite** makes a new base of the data as it is, so that the file does not grow for ever. To switch the file on
while the server runs is to begin with one. Rules: aof.c and serverCron in Redis's source.
"""

import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from respstore import errors
from respstore.engine.dispatch import UNWRITTEN, find
from respstore.engine.session import Session
from respstore.engine.snapshots import describe
from respstore.errors import RespError
from respstore.exceptions import ConfigError
from respstore.keyspace.propagating import keep_dead

if TYPE_CHECKING:
    from respstore.engine.engine import Engine
    from respstore.engine.system import Load, Loaded

logger = logging.getLogger("respstore")

TIMESTAMP: Final = b"#TS:%d\r\n"
"""A line between requests that says when what follows was done, in seconds since 1970 (aof-timestamp-enabled)."""
SYNC_SECONDS: Final = 1.0
BUSY_SECONDS: Final = 2.0
"""How long writing waits for a disk that is busy with the last second."""
REPORT_SECONDS: Final = 30.0
"""How often the log tells that the file cannot be written."""
PATIENT_FAILURES: Final = 3
"""After so many rewrites that failed in a row the next one waits for a minute, then two, ... up to an hour."""
LONGEST_WAIT: Final = 3600.0


class AppendOnly:
    """What an engine's append-only file is told to do, and did.

    Args:
        engine: whose commands it is about.

    Attributes:
        is_on: whether effects are written.
        is_replaying: what is in a file is run, and not what clients ask for.
        problem: why the file cannot be written; empty if it can.
        rewrites: how many were begun.
        failures: how many failed since the last that did not.
        seconds: how long the last rewrite took; None if there was none.
        is_scheduled: a rewrite is to begin as soon as nothing else is at work.
        delays: how often writing waited for the disk.
    """

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self.is_on = False
        self.is_replaying = False
        self.problem = ""
        self.rewrites = self.failures = self.delays = 0
        self.seconds: int | None = None
        self.is_scheduled = False
        self._is_begun = True  # there is a base that what is written goes on from
        self._rewriting_since: float | None = None
        self._next_try = 0.0
        self._synced = engine.system.monotonic()
        self._is_syncing = False
        self._is_unsynced = False
        self._postponed: float | None = None
        self._reported = -REPORT_SECONDS
        self._stamp = 0
        engine.config.on_change("appendonly", self._configure)

    # Loading

    def load(self) -> "tuple[Loaded, Iterator[None]] | None":
        """Begin to load the file; as `AppendFiles.load`."""
        return self.replay(self._engine.system.append_files.load)

    def replay(self, load: "Load") -> "tuple[Loaded, Iterator[None]] | None":
        """As `load`, from files that `load` knows."""
        engine = self._engine
        session = _Past(engine)
        self._set_replaying(on=True)
        found = None
        try:
            found = load(engine.keyspace, session.run)
        finally:
            if found is None:
                self._set_replaying(on=False)
        return None if found is None else (found[0], self._steps(found[1]))

    def _steps(self, steps: Iterator[None]) -> Iterator[None]:
        try:
            yield from steps
        finally:
            self._set_replaying(on=False)

    def _set_replaying(self, *, on: bool) -> None:
        self.is_replaying = on
        keep_dead(self._engine.keyspace, on=on)

    def start(self) -> None:
        """Go on behind what was loaded, or begin; raises OSError."""
        engine = self._engine
        engine.system.append_files.open(engine.keyspace, engine.snapshots.about(is_base=True))
        self._listen()

    def reload(self) -> None:
        """Replace all data by what the file says, at once (DEBUG LOADAOF).

        Raises:
            RespError: it cannot be loaded; the data is gone then.
        """
        engine = self._engine
        if self.is_on:
            self.write()
        engine.effects.listen(on=False)
        for db in engine.keyspace.databases:
            db.clear()
        engine.keyspace.libraries = ()
        try:
            found = self.load()
            if found is not None:
                for _ in found[1]:
                    pass
        except OSError as error:
            logger.warning("the data could not be loaded again: %s", describe(error))
            raise RespError(errors.LOADAOF_FAILED) from None
        finally:
            engine.effects.listen(on=self.is_on)

    def _listen(self) -> None:
        self.is_on = True
        self._engine.effects.begin_file()
        self._engine.effects.listen(on=True)

    # Writing

    def write(self, *, at_once: bool = False) -> None:
        """Write what commands did; `at_once` even if the disk is busy."""
        engine = self._engine
        config, files, effects = engine.config, engine.system.append_files, engine.effects
        if not at_once and config.appendfsync == "everysec" and self._must_wait():
            return
        data = effects.take()
        if config.aof_timestamp_enabled and data and self._stamp != (now := engine.keyspace.now // 1000):
            self._stamp = now
            data = TIMESTAMP % now + data
        try:
            files.append(data)
            self._is_unsynced = True
            if config.appendfsync == "always":
                files.sync()
                self._is_unsynced = False
        except OSError as error:
            effects.unwritten.insert(0, data)
            self._fail(error)
        else:
            if self.problem:
                self._succeed()

    def _must_wait(self) -> bool:
        """Whether the disk is still busy with the last second: to write now could take as long as that does."""
        if not self._is_syncing or self._engine.system.append_files.poll_sync() is not None:
            self._postponed = None
            return False
        now = self._engine.system.monotonic()
        if self._postponed is None:
            self._postponed = now
        if now - self._postponed < BUSY_SECONDS:
            return True
        self._postponed = None
        self.delays += 1
        logger.warning("the disk takes long to write the append-only file; the server may slow down")
        return False

    def _fail(self, error: OSError) -> None:
        engine = self._engine
        now = engine.system.monotonic()
        if now - self._reported >= REPORT_SECONDS:
            self._reported = now
            logger.warning("the append-only file cannot be written: %s", describe(error))
        if engine.config.appendfsync == "always":
            # What was promised in the turn in hand is not on disk: nobody shall hear of it.
            logger.critical("ending: with 'appendfsync always' nothing can be promised any more")
            engine.effects.listen(on=False)
            self.is_on = False
            engine.effects.unwritten.clear()
            for session in list(engine.sessions.values()):
                session.abort()
            engine.system.fail(error)
            return
        self._refuse_writes(error.strerror or str(error))

    def _refuse_writes(self, problem: str) -> None:
        self.problem = problem
        self._engine.set_gates(UNWRITTEN, on=True)

    def _succeed(self) -> None:
        if self.problem:
            logger.warning("the append-only file can be written again")
            self.problem = ""
            self._reported = -REPORT_SECONDS
            self._engine.set_gates(UNWRITTEN, on=False)

    # As time passes

    def tick(self) -> None:
        """Do what is due; to be called several times a second."""
        if self._rewriting_since is not None:
            self._poll_rewrite(self._rewriting_since)
        elif self._is_rewrite_due():
            try:
                self.rewrite()
            except RespError:
                pass  # it is in the log
        self.sync_if_due()

    def sync_if_due(self) -> None:
        """Have brought to disk what was written, if a second is over; and see what came of the last time."""
        if not self.is_on:
            return
        engine = self._engine
        files, now = engine.system.append_files, engine.system.monotonic()
        if self._is_syncing:
            problem = files.poll_sync()
            if problem is None:
                return
            self._is_syncing = False
            if problem:
                self._is_unsynced = True
                logger.warning("the append-only file cannot be brought to disk: %s", problem)
                self._refuse_writes(problem)
            elif not engine.effects.unwritten:
                self._succeed()
        if engine.config.appendfsync != "everysec" or not self._is_unsynced or now - self._synced < SYNC_SECONDS:
            return
        is_saving = self._rewriting_since is not None or engine.snapshots.seconds_running() is not None
        if is_saving and engine.config.no_appendfsync_on_rewrite:
            return
        self._synced, self._is_syncing, self._is_unsynced = now, True, False
        files.start_sync()

    # Rewriting

    def seconds_rewriting(self) -> int | None:
        """How long a rewrite is at work already; None if there is none."""
        since = self._rewriting_since
        return None if since is None else int(self._engine.system.monotonic() - since)

    def rewrite(self) -> bool:
        """Begin to rewrite the file, or do so later if a background save, a transaction or a script is at work.

        What these have done so far would be in the base, and be done again by the file that goes on behind it.

        Returns:
            Whether it has begun.

        Raises:
            RespError: that is under way already, or cannot be begun.
        """
        engine = self._engine
        if self._rewriting_since is not None:
            raise RespError(errors.REWRITE_IN_PROGRESS)
        if self._must_not_begin():
            self.is_scheduled = True
            return False
        self.is_scheduled = False
        self.rewrites += 1
        if self.is_on:
            self.write(at_once=True)
        if engine.effects.unwritten:
            self._note_failure("what was done before cannot be written")
            raise RespError(errors.REWRITE_FAILED)
        before = engine.system.monotonic()
        try:
            pid = engine.system.append_files.start_rewrite(
                engine.keyspace, engine.snapshots.about(is_base=True), anew=not self._is_begun
            )
        except OSError as error:
            self._note_failure(describe(error))
            raise RespError(errors.REWRITE_FAILED) from None
        logger.info("rewriting the append-only file in the background (pid %d)", pid)
        engine.effects.begin_file()
        self._rewriting_since = engine.system.monotonic()
        engine.count_fork(pid, self._rewriting_since - before)
        return True

    def _poll_rewrite(self, since: float) -> None:
        problem = self._engine.system.append_files.poll_rewrite()
        if problem is None:
            return
        self._rewriting_since = None
        self.seconds = int(self._engine.system.monotonic() - since)
        if problem:
            self._note_failure(problem)
        else:
            self.failures = 0
            self._is_begun = True
            logger.info("the append-only file is rewritten")

    def _note_failure(self, problem: str) -> None:
        self.failures += 1
        logger.warning("the append-only file could not be rewritten: %s", problem)
        wait = 0.0
        if self.failures >= PATIENT_FAILURES:
            wait = min(60.0 * 2 ** min(self.failures - PATIENT_FAILURES, 10), LONGEST_WAIT)
        self._next_try = self._engine.system.monotonic() + wait

    def _must_not_begin(self) -> bool:
        return self._engine.snapshots.seconds_running() is not None or self._engine.effects.is_in_unit

    def _is_rewrite_due(self) -> bool:
        engine = self._engine
        if self._must_not_begin():
            return False
        if self.is_scheduled:
            return True
        if not self.is_on or engine.system.monotonic() < self._next_try:
            return False
        if not self._is_begun:
            return True
        files, percentage = engine.system.append_files, engine.config.auto_aof_rewrite_percentage
        if not percentage or files.size <= engine.config.auto_aof_rewrite_min_size:
            return False
        growth = files.size * 100 // (files.base_size or 1) - 100
        if growth < percentage:
            return False
        logger.info("the append-only file has grown by %d %%", growth)
        return True

    # On and off

    def _configure(self) -> None:
        """CONFIG SET appendonly; raises ConfigError."""
        if not self._engine.config.appendonly:
            if self.is_on:
                self._stop()
            return
        if self.is_on:
            return
        if self._rewriting_since is not None:
            self._give_up_rewrite()
        self._is_begun = False
        try:
            if not self.rewrite():
                logger.info("the append-only file begins when what is at work has ended")
        except RespError:
            self._is_begun = True
            raise ConfigError(errors.APPENDONLY_FAILED) from None
        self._listen()

    def _stop(self) -> None:
        """Write no more; what is written is on disk then."""
        engine = self._engine
        self.write(at_once=True)
        if self._rewriting_since is not None:
            self._give_up_rewrite()
        self.is_on = self.is_scheduled = False
        engine.effects.listen(on=False)
        engine.effects.unwritten.clear()
        self._succeed()
        try:
            engine.system.append_files.sync()
        except OSError as error:
            logger.warning("the append-only file could not be brought to disk: %s", describe(error))
        engine.system.append_files.close()

    def _give_up_rewrite(self) -> None:
        self._engine.system.append_files.stop_rewrite()
        self._rewriting_since = None

    def finish(self) -> None:
        """Write and bring to disk what there is: the server ends."""
        if self.is_on:
            self._stop()


class _Past(Session):
    """Whose commands are run again: nobody, without a connection."""

    def __init__(self, engine: "Engine") -> None:
        super().__init__(engine, number=0)
        engine.remove(self)
        engine.statistics.connections -= 1

    def run(self, commands: Sequence[Sequence[bytes]]) -> None:
        """Run commands of the past.

        Raises:
            LookupError: there is no such command.
        """
        for words in commands:
            entry = find(self.engine.originals, words[0])
            if entry is not None:
                try:
                    entry = entry.resolve(list(words))
                except RespError:
                    entry = None
            if entry is None or not entry.command.takes(len(words)):
                raise LookupError(f"the unknown command '{errors.printable(words[0])}', before what stands")
            try:
                entry.run(self, *words[1 + entry.command.name.count("|") :])
            except RespError as error:  # it failed when it ran first, too
                logger.debug("a command of the append-only file fails: %s", error.text)
