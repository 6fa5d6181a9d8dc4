"""The process that a server runs in, as the engine sees it (`engine/system.py`)."""

import ctypes
import gc
import os
import platform
import resource
import secrets
import select
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from respstore.config import Config
from respstore.engine import system
from respstore.server.append_files import AppendFiles
from respstore.server.disk import Disk
from respstore.server.gathering import gather, let_go
from respstore.server.oom_score import OomScore, Role
from respstore.server.peer import Peer

YOUNG_OBJECTS: Final = 1000
"""So many new containers are looked through for unreachable cycles at once, in less than a tenth of a millisecond.

More at once make nothing cheaper, for each is looked at as often; but clients wait for it, and caches run over.
"""
YOUNG_COLLECTIONS: Final = 5
"""What has outlived so many of these is looked through once more, and never again."""
NEVER: Final = 2**31 - 1


class Process:
    """Clocks, memory, files of the running process.

    Args:
        config: the options.
        stop: what begins a shutdown.
        fail: the same, because of a problem.
        is_own: nothing but the server runs in it.

    Attributes:
        is_own: the same.
        oom_score: how soon the system ends it for want of memory.
    """

    def __init__(
        self, config: Config, stop: Callable[[], None], fail: Callable[[OSError], None], *, is_own: bool
    ) -> None:
        self.pid = os.getpid()
        self.is_own = is_own
        self.config_file = config.config_file
        self.disk: system.Disk = Disk(config, may_fork=is_own, in_child=self._enter_child)
        files = AppendFiles(config, may_fork=is_own, in_child=self._enter_child)
        self.append_files: system.AppendFiles = files
        self.run_syncs = files.run_syncs
        self.oom_score = OomScore(config)
        self.tcp_port = 0
        self.executable = sys.executable
        self.io_backend = ""
        self.monotonic = time.monotonic  # the function itself: it is called once for each request
        self._stop = stop
        self._gathered: list[object] = []
        self._fail = fail
        self._page = os.sysconf("SC_PAGE_SIZE")
        self._malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it

    def wall_clock_us(self) -> int:
        """Microseconds since 1970."""
        return time.time_ns() // 1000

    def sleep(self, seconds: float) -> None:
        """Let the whole server stand still."""
        time.sleep(seconds)

    def memory(self) -> int:
        """Resident memory of the process, in bytes."""
        try:  # as bytes: each time that Python reads a text, a name may stay in its cache of attributes
            return int(Path("/proc/self/statm").read_bytes().split()[1]) * self._page
        except OSError:
            return self.peak_memory()

    def peak_memory(self) -> int:
        """The most resident memory that the process ever had, in bytes."""
        try:  # getrusage would count what the parent process occupied, too
            return int(Path("/proc/self/status").read_bytes().partition(b"VmHWM:")[2].split()[0]) * 1024
        except (OSError, IndexError):
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            return peak if sys.platform == "darwin" else peak * 1024

    def return_memory(self) -> None:
        """Give memory that the allocator keeps back to the system: all whole pages that are free."""
        if self._malloc_trim is not None:
            self._malloc_trim(0)

    def gather_small_objects(self) -> None:
        """Have small objects that are made from now on lie where most are, so that others' memory is given back."""
        self._gathered.clear()
        self._gathered += gather()

    def let_go_of_small_objects(self) -> None:
        """Give up the memory that is kept for the next small objects."""
        let_go()

    @contextmanager
    def without_full_collections(self) -> Iterator[None]:
        """Meanwhile keep Python's garbage collector from walking through all data, if the process is the server's own.

        With a million hashes that takes 150 ms, in which nobody is served, and finds nothing: serving leaves no cycles
        but those of failed scripts, which die young. MEMORY PURGE looks through everything.
        """
        if not self.is_own:
            yield
            return
        before = gc.get_threshold()
        gc.collect()  # what making classes has left
        gc.set_threshold(YOUNG_OBJECTS, YOUNG_COLLECTIONS, NEVER)
        try:
            yield
        finally:
            gc.set_threshold(*before)

    def total_memory(self) -> int:
        """Memory of the machine, in bytes."""
        return self._page * os.sysconf("SC_PHYS_PAGES")

    def multiplexing(self) -> str:
        """What the connections are watched with."""
        return next(name for name in ("epoll", "kqueue", "select") if hasattr(select, name))

    def cpu_seconds(self) -> tuple[float, float, float, float]:
        """System and user time of the process, then of its children."""
        times = os.times()
        return times.system, times.user, times.children_system, times.children_user

    def thread_cpu_seconds(self) -> tuple[float, float] | None:
        """System and user time of the calling thread, None where the system does not tell."""
        if not hasattr(resource, "RUSAGE_THREAD"):
            return None
        usage = resource.getrusage(resource.RUSAGE_THREAD)
        return usage.ru_stime, usage.ru_utime

    def platform(self) -> str:
        """Operating system, release and machine."""
        return f"{platform.system()} {platform.release()} {platform.machine()}"

    def read_file(self, path: str) -> str:
        """The text of a file; raises OSError."""
        return Path(path).read_text(encoding="utf-8", errors="surrogateescape")

    def replace_file(self, path: str, text: str) -> None:
        """Put a text in the place of a file, whole or not at all; raises OSError."""
        target = Path(path)
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=target.name)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            if target.exists():
                Path(temporary).chmod(target.stat().st_mode & 0o7777)
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink()
            raise

    def connect(self, host: str, port: str, timeout: float) -> system.Peer:
        """Connect to another server."""
        return Peer(host, port, timeout)

    def secret(self, digits: int) -> str:
        """So many hexadecimal digits that nobody can guess."""
        return secrets.token_hex((digits + 1) // 2)[:digits]

    def stop(self) -> None:
        """Begin to shut the server down."""
        self._stop()

    def _enter_child(self) -> None:
        with suppress(OSError):
            self.oom_score.apply(Role.CHILD)

    def fail(self, problem: OSError) -> None:
        """Shut the server down, for it cannot do what it has promised."""
        self._fail(problem)
