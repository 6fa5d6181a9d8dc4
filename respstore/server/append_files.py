"""The append-only file on disk, as the engine sees it (`engine/system.AppendFiles`).

It is a folder of files (persistence/aof/manifest.py). The manifest is replaced as a whole whenever their list changes,
and a file is in the list before anything in it is needed, so that a crash at any moment leaves what can be loaded.
"""

import logging
import os
from collections import deque
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Final

import trio

from respstore.config import Config
from respstore.engine.append_only import TIMESTAMP
from respstore.engine.snapshots import describe
from respstore.engine.system import Facts, Run
from respstore.keyspace import Keyspace, ReadItems
from respstore.persistence.aof.manifest import BASE, File, Manifest
from respstore.persistence.aof.reader import TruncatedError
from respstore.persistence.aof.rewriting import write_commands
from respstore.server.append_loading import Replay, read_manifest
from respstore.server.disk import Disk, sync_folder

logger = logging.getLogger("respstore")

_sync_data: Final = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync


class LogFile:
    """A file that is written behind its end. Raises OSError.

    Attributes:
        size: bytes of it that are good.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self.size = os.fstat(self._descriptor).st_size
        self._is_torn = False

    def append(self, data: bytes) -> None:
        """Write all of this; what could be written of it is cut off again if that fails, now or before the next."""
        if self._is_torn:
            self.truncate(self.size)
            self._is_torn = False
        rest: bytes | memoryview = data
        try:
            written = self.write(data)
            if written == len(data):  # so it is but for a disk that is full
                self.size += written
                return
            rest = memoryview(data)[written:]
            while rest:
                rest = rest[self.write(rest) :]
        except OSError:
            self._is_torn = len(rest) < len(data)
            raise
        self.size += len(data)

    def write(self, data: bytes | memoryview) -> int:
        """Write some of this; answer how much."""
        return os.write(self._descriptor, data)

    def truncate(self, size: int) -> None:
        """Cut the file off."""
        os.ftruncate(self._descriptor, size)

    def sync(self) -> None:
        """Wait until all is on disk, but for what nobody needs to read it, such as when it was written."""
        _sync_data(self._descriptor)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


class _Base(Disk):
    """A base that is written, by this process or by a child."""

    @property
    def path(self) -> Path:
        return self.folder / f"temp-{self._config.appendfilename}.base"

    @property
    def folder(self) -> Path:
        return Path(self._config.dir, self._config.appenddirname)

    @property
    def suffix(self) -> str:
        """What the name of the file ends with, by its format."""
        return "rdb" if self._config.aof_use_rdb_preamble else "aof"

    def pieces(self, keyspace: Keyspace, about: Facts, read_items: ReadItems) -> Iterator[bytes]:
        if self._config.aof_use_rdb_preamble:
            return super().pieces(keyspace, about, read_items)
        commands = write_commands(keyspace, read_items)
        return chain([TIMESTAMP % about["ctime"]], commands) if self._config.aof_timestamp_enabled else commands

    def save_as_it_is_now(self, keyspace: Keyspace, about: Facts) -> str | None:
        # What was done since stands in the next file already, and would be done twice.
        return "the data as it was at the beginning is lost, for it is weighed since (maxmemory)"


class AppendFiles:
    """The files in the folder that `dir` and `appenddirname` name.

    Args:
        config: the options.
        may_fork: the process is the server's own.
        in_child: what a forked process does first.
        open_log: opens a file to append to.
    """

    def __init__(
        self,
        config: Config,
        *,
        may_fork: bool,
        in_child: Callable[[], None] = lambda: None,
        open_log: Callable[[Path], LogFile] = LogFile,
    ) -> None:
        self._config = config
        self._open_log = open_log
        self._base = _Base(config, may_fork=may_fork, in_child=in_child)
        self._manifest = Manifest()
        self._log: LogFile | None = None
        self._older = 0  # bytes of the files before the log
        self.base_size = 0
        self._is_anew = False
        self._suffix = ""
        self._syncs: deque[tuple[LogFile, bool]] = deque()
        self._problem: str | None = None
        self._is_running = False
        self._wake = trio.Event()

    @property
    def size(self) -> int:
        """Bytes of all files that would be loaded."""
        return self._older + (0 if self._log is None else self._log.size)

    @property
    def _folder(self) -> Path:
        return self._base.folder

    @property
    def _manifest_path(self) -> Path:
        return self._folder / f"{self._config.appendfilename}.manifest"

    # Loading

    def load(self, keyspace: Keyspace, run: Run) -> tuple[Replay, Iterator[None]] | None:
        """Begin to load the files; None if there are none. Raises OSError if they cannot be read."""
        self._read_manifest()
        paths = [self._folder / file.name for file in self._manifest.parts()]
        if not paths:
            return None
        cut = self._cut if self._config.aof_load_truncated else None
        replay = Replay(paths, keyspace, self._config)
        return replay, replay.load(run, cut)

    def _read_manifest(self) -> None:
        try:
            self._manifest = read_manifest(self._manifest_path)
        except FileNotFoundError:
            self._manifest = Manifest()
        self._adopt_single_file()

    def _adopt_single_file(self) -> None:
        """Take over the one file that versions before 7.0 kept, as a base; or finish that, if a crash came in between.

        Rule: loadAppendOnlyFile's upgrade in Redis's aof.c.
        """
        name = self._config.appendfilename
        single, adopted = Path(self._config.dir, name), Manifest(File(name, 1, BASE))
        if self._manifest not in {Manifest(), adopted} or not single.is_file() or (self._folder / name).is_file():
            return
        if self._manifest != adopted:
            self._folder.mkdir(exist_ok=True)
            self._manifest = adopted
            self._write_manifest()
        single.rename(self._folder / name)
        sync_folder(self._folder)

    def _cut(self, path: Path, error: TruncatedError) -> None:
        logger.warning("%s: %s; what is behind that is cut off (aof-load-truncated)", path, error)
        os.truncate(path, error.at)

    # Appending

    def open(self, keyspace: Keyspace, about: Facts) -> None:
        """Append from now on to what was loaded; where there is nothing, begin with the data as it is now."""
        self._folder.mkdir(exist_ok=True)
        name = self._config.appendfilename
        if not self._manifest.parts():
            self._base.save(keyspace, about)
            self._manifest = self._manifest.with_base(name, self._base.suffix, keeping=0)
            self._put_base(self._manifest)
        if not self._manifest.increments:
            self._manifest = self._manifest.with_increment(name)
        self._switch(self._manifest.increments[-1].name)
        self._write_manifest()
        self._measure()
        self.base_size = self.size

    def close(self) -> None:
        """Append no more."""
        if self._log is not None:
            self._older = self.size
            self._end(self._log)
            self._log = None

    def append(self, data: bytes) -> None:
        """Write all of this or, as far as anybody will read, nothing."""
        if self._log is not None:
            self._log.append(data)

    def _switch(self, name: str) -> None:
        """Append to another file."""
        log = self._open_log(self._folder / name)
        self.close()
        self._log = log

    def _measure(self) -> None:
        """Add up the files before the one that is appended to."""
        before = self._manifest.parts()[: None if self._log is None else -1]
        self._older = sum([(self._folder / file.name).stat().st_size for file in before])

    def _write_manifest(self) -> None:
        temporary = self._folder / f"temp-{self._manifest_path.name}"
        with temporary.open("w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(self._manifest.text())
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._manifest_path)
        sync_folder(self._folder)

    # Syncing

    def sync(self) -> None:
        """Wait until all is on disk that was written."""
        if self._log is not None:
            self._log.sync()

    def start_sync(self) -> None:
        """Begin to do so without waiting."""
        if self._log is not None:
            self._syncs.append((self._log, False))
            self._wake.set()

    def poll_sync(self) -> str | None:
        """What came of it: None while it is under way, else what went wrong, nothing if nothing did."""
        return None if self._syncs else self._problem or ""

    def _end(self, log: LogFile) -> None:
        """Close a file, by the thread that may be at work with it, if there is one."""
        if self._is_running:
            self._syncs.append((log, True))
            self._wake.set()
        else:
            log.close()

    async def run_syncs(self) -> None:
        """Do in a thread what `start_sync` asks for, until cancelled."""
        self._is_running = True
        try:
            while True:
                await self._wake.wait()
                self._wake = trio.Event()
                while self._syncs:
                    await self._sync_next()
        finally:
            self._is_running = False
            for log, is_last in self._syncs:
                if is_last:
                    log.close()
            self._syncs.clear()

    async def _sync_next(self) -> None:
        log, is_last = self._syncs[0]
        try:
            await trio.to_thread.run_sync(log.sync)
            self._problem = None
        except OSError as error:
            self._problem = describe(error)
        if is_last:
            log.close()
        self._syncs.popleft()

    # Rewriting

    def start_rewrite(self, keyspace: Keyspace, about: Facts, *, anew: bool) -> int:
        """Begin to write a new base; answer the process that does it. Raises OSError if there can be none."""
        self._folder.mkdir(exist_ok=True)
        self._suffix = self._base.suffix
        self._is_anew = anew
        if anew:
            self.close()
            self._temporary.unlink(missing_ok=True)
            self._switch(self._temporary.name)
            self._older = 0
        elif self._log is not None:
            before = self._manifest
            self._manifest = before.with_increment(self._config.appendfilename)
            try:
                self._switch(self._manifest.increments[-1].name)
                self._write_manifest()
            except OSError:
                self._manifest = before
                raise
        return self._base.start_save(keyspace, about)

    def poll_rewrite(self) -> str | None:
        """What came of it; the new base counts from now on if nothing went wrong."""
        problem = self._base.poll_save()
        if problem == "":
            try:
                self._finish_rewrite()
            except OSError as error:
                return describe(error)
        return problem

    def stop_rewrite(self) -> None:
        """Give up what `start_rewrite` began."""
        self._base.stop_save()
        self._base.path.unlink(missing_ok=True)
        if self._is_anew:
            self.close()
            self._temporary.unlink(missing_ok=True)
            self._is_anew = False

    @property
    def _temporary(self) -> Path:
        """What is appended to as long as the first base is not there."""
        return self._folder / f"temp-{self._config.appendfilename}.incr"

    def _finish_rewrite(self) -> None:
        name = self._config.appendfilename
        keeping = 0 if self._is_anew or self._log is None else 1
        manifest = self._manifest.with_base(name, self._suffix, keeping=keeping)
        if self._is_anew:
            manifest = manifest.with_increment(name)
            self._temporary.rename(self._folder / manifest.increments[-1].name)
            self._is_anew = False
        self._put_base(manifest)
        self._manifest = manifest
        self._write_manifest()
        for file in manifest.history:
            (self._folder / file.name).unlink(missing_ok=True)
        self._manifest = manifest.without_history()
        self._write_manifest()
        self._measure()
        self.base_size = self.size

    def _put_base(self, manifest: Manifest) -> None:
        """Give the base that was written its name."""
        assert manifest.base is not None
        self._base.path.rename(self._folder / manifest.base.name)
