"""When all data is saved to disk, and what came of it: SAVE, BGSAVE, the `save` points, the end of the server.

A snapshot is written to a file of its own, which takes the place of the last one when it is whole (see `system.Disk`).
A background save that failed stops writes (MISCONF) until one succeeds, so that nobody takes for safe what is not.
Rules: rdb.c and serverCron in Redis's source.
"""

import logging
from collections.abc import Collection
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from respstore import errors
from respstore.engine import REDIS_VERSION
from respstore.engine.dispatch import LOADING, UNSAVED
from respstore.errors import RespError

if TYPE_CHECKING:
    from respstore.engine.engine import Engine
    from respstore.engine.system import Facts, Loaded

logger = logging.getLogger("respstore")

RETRY_SECONDS: Final = 5
"""How long after a failure the `save` points wait before they try again."""


class Snapshots:
    """What an engine's disk is told to do, and did.

    Args:
        engine: whose data it is.

    Attributes:
        saved_at: wall clock of the last success, or of the start, in seconds.
        saves: how many succeeded.
        succeeded: whether the last background save did.
        seconds: how long that took; None if there was none.
        loaded: what was read at the start, or is; None if nothing was.
        is_loading: the data is not whole yet.
        loading_since: wall clock when that began, in seconds.
        is_scheduled: a background save is to begin when the append-only file is rewritten.
    """

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self.saved_at = engine.started // 1000
        self.saves = 0
        self.succeeded = True
        self.seconds: int | None = None
        self.loaded: Loaded | None = None
        self.is_loading = False
        self.loading_since = 0
        self.is_scheduled = False
        self._changes = 0  # of the keyspace when the last snapshot was made
        self._started: float | None = None
        self._changes_at_start = 0
        self._tried_at = 0
        self._saves_at_exit: bool | None = None  # the end of the server; None if that was not asked for yet

    def changes(self) -> int:
        """How often the data was changed since it was saved."""
        return self._engine.keyspace.changes - self._changes

    def seconds_running(self) -> int | None:
        """How long a background save is at work already; None if there is none."""
        return None if self._started is None else int(self._engine.system.monotonic() - self._started)

    def refuses_writes(self) -> bool:
        """Whether commands that write are refused, for the data could not be saved."""
        config = self._engine.config
        return not self.succeeded and bool(config.save) and config.stop_writes_on_bgsave_error

    # Saving

    def save(self) -> None:
        """Save now, while everybody waits.

        Raises:
            RespError: a background save is at work, or it failed (the reason is in the log).
        """
        if self._started is not None:
            raise RespError(errors.SAVE_IN_PROGRESS)
        try:
            self._engine.system.disk.save(self._engine.keyspace, self.about())
        except OSError as error:
            logger.warning("the data could not be saved: %s", describe(error))
            raise RespError(errors.SAVE_FAILED) from None
        logger.info("the data is saved")
        self._succeed(self._engine.keyspace.changes)

    def save_flushed(self) -> None:
        """All data was removed (FLUSHALL): no save of it goes on, lest a restart brings it back.

        Where there are `save` points that it is gone is saved now.
        """
        if self._engine.append_only.is_replaying:
            return
        self._stop()
        if not self._engine.config.save:
            return
        with suppress(RespError):  # it is in the log
            self.save()

    def start(self) -> None:
        """Save in the background.

        Raises:
            RespError: that is under way already, or cannot be begun.
        """
        if self._started is not None:
            raise RespError(errors.SAVE_IN_PROGRESS)
        self.is_scheduled = False
        engine = self._engine
        self._tried_at = engine.keyspace.now // 1000
        before = engine.system.monotonic()
        try:
            pid = engine.system.disk.start_save(engine.keyspace, self.about())
        except OSError as error:
            self._fail(describe(error))
            raise RespError(errors.SAVE_FAILED) from None
        logger.info("saving the data in the background (pid %d)", pid)
        self._started = engine.system.monotonic()
        engine.count_fork(pid, self._started - before)
        self._changes_at_start = engine.keyspace.changes

    def tick(self) -> None:
        """See whether a background save has ended, or is due."""
        if self._started is not None:
            problem = self._engine.system.disk.poll_save()
            if problem is not None:
                self._end(problem)
        elif not self.is_loading and (self.is_scheduled or self._is_due()) and not self._is_held_up():
            try:
                self.start()
            except RespError:
                pass  # it is in the log

    def prepare_exit(self, flags: Collection[str] = ()) -> None:
        """Save before the server ends, by default if there are `save` points.

        Args:
            flags: those of SHUTDOWN, in lower case: save, nosave, force (end even if that fails), now.

        Raises:
            RespError: it failed, so that the server should not end.
        """
        self._saves_at_exit = False
        self._stop()
        if self.is_loading or "nosave" in flags or not (self._engine.config.save or "save" in flags):
            return
        logger.info("saving the data before the server ends")
        try:
            self.save()
        except RespError:
            if "force" in flags:
                return
            self._saves_at_exit = None
            raise
        self._saves_at_exit = True

    def finish_exit(self) -> None:
        """Save what was changed since `prepare_exit`, or all if nobody called that; the server ends in any case."""
        try:
            if self._saves_at_exit is None or (self._saves_at_exit and self.changes()):
                self.prepare_exit(["save"] if self._saves_at_exit else [])
        except RespError:
            logger.error("the last changes are lost")

    # Loading

    def begin_loading(self, loaded: "Loaded") -> None:
        """From now on clients are asked to wait, unless their commands need no data."""
        self.is_loading = True
        self.loaded = loaded
        self.loading_since = self._engine.read_clock() // 1000
        self._engine.set_gates(LOADING, on=True)

    def end_loading(self) -> None:
        """The data is there."""
        self.is_loading = False
        self._changes = self._engine.keyspace.changes
        self._engine.set_gates(LOADING, on=False)

    def reload(self) -> None:
        """Replace all data by what was saved, at once (DEBUG RELOAD).

        Raises:
            RespError: it cannot be loaded; the data is gone then.
        """
        keyspace = self._engine.keyspace
        for db in keyspace.databases:
            db.clear()
        keyspace.libraries = ()
        try:
            found = self._engine.system.disk.load(keyspace)
            if found is not None:
                self.loaded, steps = found
                for _ in steps:
                    pass
        except OSError as error:
            logger.warning("the data could not be loaded again: %s", describe(error))
            raise RespError(errors.RELOAD_FAILED) from None

    def _stop(self) -> None:
        """Give up a background save, if there is one."""
        if self._started is not None:
            self._engine.system.disk.stop_save()
            self._started = None

    def _is_held_up(self) -> bool:
        """Whether the append-only file is being rewritten, one such work at a time, or a script is not done."""
        return self._engine.append_only.seconds_rewriting() is not None or self._engine.effects.is_in_unit

    def _is_due(self) -> bool:
        config = self._engine.config
        if not config.save:
            return False
        now, changes = self._engine.keyspace.now // 1000, self.changes()
        if not self.succeeded and now - self._tried_at <= RETRY_SECONDS:
            return False
        for point in config.save:
            if changes >= point.changes and now - self.saved_at > point.seconds:
                logger.info("%d changes in %d seconds", changes, point.seconds)
                return True
        return False

    def _end(self, problem: str) -> None:
        self.seconds = self.seconds_running()
        self._started = None
        if problem:
            self._fail(problem)
        else:
            logger.info("the data is saved in the background")
            self._succeed(self._changes_at_start)

    def _succeed(self, changes: int) -> None:
        self._changes = changes
        self.saved_at = self._engine.keyspace.now // 1000
        self.saves += 1
        self.succeeded = True
        self._engine.set_gates(UNSAVED, on=False)

    def _fail(self, reason: str) -> None:
        logger.warning("the data could not be saved in the background: %s", reason)
        self.succeeded = False
        self._engine.set_gates(UNSAVED, on=True)

    def about(self, *, is_base: bool = False) -> "Facts":
        """What the file says of itself; `is_base`: others go on behind it."""
        return facts_of_file(self._engine.keyspace.now, self._engine.system.memory(), is_base=is_base)


def facts_of_file(now: int, memory: int, *, is_base: bool) -> "Facts":
    """What a file says of itself.

    Args:
        now: the wall clock, in ms.
        memory: how many bytes the data takes where it was.
        is_base: an append-only file goes on behind it.
    """
    return {
        "redis-ver": REDIS_VERSION,
        "redis-bits": 64,
        "ctime": now // 1000,
        "used-mem": memory,
        "aof-base": int(is_base),
    }


def describe(error: OSError) -> str:
    """What went wrong, and with which file."""
    text = error.strerror or str(error)
    return text if error.filename is None else f"{error.filename}: {text}"
