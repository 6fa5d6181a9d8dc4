"""The file that the data is saved to as a whole, as the engine sees it (`engine/system.Disk`).

A save in the background is a forked process: it has the data as it was at that moment, and writes it while the server
goes on. Where a fork is not possible, or not safe (in a program whose other threads may hold locks), the data is frozen
(keyspace/freezing.py) and written a bit with each look at how far it is; where maxmemory weighs it, at once. In any
case a new file takes the place of the old one when it is on disk whole.
"""

import errno
import gc
import logging
import mmap
import os
import signal
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from math import inf
from pathlib import Path
from typing import Final, NoReturn

from respstore.config import Config
from respstore.engine.snapshots import describe
from respstore.engine.system import Facts
from respstore.keyspace import Keyspace, ReadItems
from respstore.keyspace.freezing import freeze, thaw
from respstore.persistence.rdb.file import FileReader, write_file
from respstore.persistence.rdb.primitives import Buffer, CorruptError
from respstore.server import untouched

logger = logging.getLogger("respstore")

SLICE_SECONDS: Final = 0.01
"""How long a save that is not a process of its own keeps others waiting, again and again."""
_UNKNOWN_PROBLEM: Final = 255
"""Exit status of a child that failed for a reason that has no number in errno."""


class Disk:
    """The file that `dir` and `dbfilename` name.

    Args:
        config: the options.
        may_fork: the process is the server's own.
        in_child: what a forked process does first.
    """

    def __init__(self, config: Config, *, may_fork: bool, in_child: Callable[[], None] = lambda: None) -> None:
        self._config = config
        self._may_fork = may_fork and hasattr(os, "fork")
        self._in_child = in_child
        self._child = 0
        self._gradual: tuple[Keyspace, Facts, Generator[None]] | None = None
        self._problem: str | None = None

    @property
    def path(self) -> Path:
        """The file."""
        return Path(self._config.dir, self._config.dbfilename)

    # Saving

    def pieces(self, keyspace: Keyspace, about: Facts, read_items: ReadItems) -> Iterator[bytes]:
        """What is written."""
        return write_file(keyspace, about, self._config, read_items)

    def save(self, keyspace: Keyspace, about: Facts, read_items: ReadItems = dict.items) -> None:
        """Save now; raises OSError."""
        for _ in self._write(keyspace, about, read_items):
            pass

    def _write(self, keyspace: Keyspace, about: Facts, read_items: ReadItems = dict.items) -> Generator[None]:
        """Save in steps; who closes this gives it up. Raises OSError."""
        temporary = self._temporary(os.getpid())
        try:
            with temporary.open("wb") as file:
                for piece in self.pieces(keyspace, about, read_items):
                    file.write(piece)
                    yield
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)
            sync_folder(self.path.parent)
        except BaseException:
            _discard(temporary)
            raise

    def start_save(self, keyspace: Keyspace, about: Facts) -> int:
        """Begin to save the data as it is now; answer the process that does it. Raises OSError if there can be none."""
        if not self._may_fork:
            frozen = freeze(keyspace)
            if frozen is None:
                self._problem = _run(self._write(keyspace, about))
            else:
                self._gradual = keyspace, about, self._write(frozen, about)
            return os.getpid()
        # Python 3.12 and later can warn (-W) that there are threads. Ours only sync files, or watch our parent: they
        # hold nothing that the child needs.
        child = os.fork()
        if not child:
            self._save_and_exit(keyspace, about)
        self._child = child
        return child

    def poll_save(self) -> str | None:
        """What came of it: None while it is under way, else what went wrong, nothing if nothing did."""
        if self._child:
            child, status = os.waitpid(self._child, os.WNOHANG)
            if child:
                self._child = 0
                self._problem = self._judge(child, os.waitstatus_to_exitcode(status))
        elif self._gradual is not None:
            self._problem = self._go_on()
        problem, self._problem = self._problem, None
        return problem

    def stop_save(self) -> None:
        """Give up what `start_save` began; the file stays as it was."""
        if self._child:
            os.kill(self._child, signal.SIGKILL)
            os.waitpid(self._child, 0)
            _discard(self._temporary(self._child))
            self._child = 0
        if self._gradual is not None:
            self._end_gradual()
        self._problem = None

    def _go_on(self) -> str | None:
        """Write a bit more of what is frozen; answer as `poll_save`."""
        assert self._gradual is not None
        keyspace, about, steps = self._gradual
        if keyspace.is_frozen:
            problem = _run(steps, SLICE_SECONDS)
        else:  # the data is weighed since, and what was written so far does not fit with the rest
            steps.close()
            problem = self.save_as_it_is_now(keyspace, about)
        if problem is not None:
            self._end_gradual()
        return problem

    def save_as_it_is_now(self, keyspace: Keyspace, about: Facts) -> str | None:
        """The data as it was when the save began is not to be had any more; answer as `poll_save`."""
        return _run(self._write(keyspace, about))

    def _end_gradual(self) -> None:
        assert self._gradual is not None
        keyspace, _, steps = self._gradual
        steps.close()
        thaw(keyspace)
        self._gradual = None

    def _save_and_exit(self, keyspace: Keyspace, about: Facts) -> NoReturn:
        """The child's part: nothing but this, and nothing that the parent holds is kept open by it."""
        status = _UNKNOWN_PROBLEM
        try:
            gc.disable()  # it would write to memory that is shared, and so double it, as reading would
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is the parent's
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.closerange(3, os.sysconf("SC_OPEN_MAX"))
            self._in_child()
            self.save(keyspace, about, untouched.consume_items if untouched.can_read() else dict.items)
            status = 0
        except OSError as error:
            status = error.errno or _UNKNOWN_PROBLEM
        finally:
            os._exit(status)

    def _judge(self, child: int, status: int) -> str:
        if not status:
            return ""
        _discard(self._temporary(child))
        if status < 0:
            return f"signal {-status} ended the process"
        return f"{self.path}: {os.strerror(status)}" if status != _UNKNOWN_PROBLEM else "a bug"

    def _temporary(self, pid: int) -> Path:
        return self.path.with_name(f"temp-{pid}.rdb")

    # Loading

    def load(self, keyspace: Keyspace) -> tuple[FileReader, Iterator[None]] | None:
        """Begin to load the file; None if there is none. Raises OSError if it cannot be read."""
        if not self._config.dbfilename:
            return None
        try:
            data = map_file(self.path)
        except FileNotFoundError:
            return None
        reader = FileReader(data, keyspace, self._config)
        return reader, self._steps(reader)

    def _steps(self, reader: FileReader) -> Iterator[None]:
        try:
            yield from reader.load()
        except CorruptError as error:
            advice = "'redis-check-rdb' tells more; without the file the server starts with no data"
            raise OSError(errno.EINVAL, f"the data cannot be loaded: {error}. {advice}", str(self.path)) from None


def _run(steps: Iterator[None], seconds: float = inf) -> str | None:
    """Write, for so long at most; answer as `poll_save`."""
    end = time.monotonic() + seconds
    try:
        for _ in steps:
            if time.monotonic() > end:
                return None
    except OSError as error:
        return describe(error)
    except Exception:
        logger.exception("bug: a save was cut short")
        return "a bug"
    return ""


def _discard(path: Path) -> None:
    """Remove what is of no use; where the disk may only be read that is an error even if there is nothing."""
    with suppress(OSError):
        path.unlink()


def map_file(path: Path) -> Buffer:
    """What is in a file, without all of it being in memory. Raises OSError."""
    with path.open("rb") as file:
        is_empty = not file.seek(0, os.SEEK_END)
        return b"" if is_empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def sync_folder(folder: Path) -> None:
    """Let the new name of a file last, too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
