"""How an append-only file is read: its list of files, then the commands in each; the first may begin with an RDB."""

import errno
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from respstore.config import Config
from respstore.engine.system import Run
from respstore.keyspace import Keyspace
from respstore.persistence.aof.manifest import Manifest
from respstore.persistence.aof.reader import TruncatedError, read_units
from respstore.persistence.rdb.file import MAGIC, FileReader
from respstore.persistence.rdb.primitives import CorruptError
from respstore.server.disk import map_file

UNITS_PER_STEP: Final = 1000
_ADVICE: Final = "'redis-check-aof --fix' makes it good up to there; keep a copy"


class Replay:
    """What is read from the files.

    Args:
        paths: where they are, in order.
        keyspace: gets the data; it is empty.
        config: as of `FileReader`.

    Attributes:
        expired: how many keys were left out, for their time was over: none, for a later command may need them.
        size: bytes of all files.
        at: how many of them are read.
        used_memory: bytes of memory that the data took where an RDB was written; 0 if that is not told.

    Raises:
        OSError: there is no such file.
    """

    def __init__(self, paths: Sequence[Path], keyspace: Keyspace, config: Config) -> None:
        self.expired = 0
        self.size = sum([path.stat().st_size for path in paths])
        self.at = 0
        self.used_memory = 0
        self._paths = paths
        self._keyspace = keyspace
        self._config = config

    @property
    def keys(self) -> int:
        """How many keys there are so far."""
        return sum([len(db.data) for db in self._keyspace.databases])

    def load(self, run: Run, cut: Callable[[Path, TruncatedError], None] | None) -> Iterator[None]:
        """Load the files.

        Args:
            run: runs commands that were run in one go.
            cut: called if the last file ends in the midst of something; None if that is an error.

        Yields:
            Again and again.

        Raises:
            OSError: a file is damaged, or cannot be read.
        """
        before = 0
        for path in self._paths:
            try:
                for at in self._load_file(path, run):
                    self.at = before + at
                    yield
            except TruncatedError as error:
                if path is not self._paths[-1] or cut is None:
                    raise _damaged(path, error) from None
                cut(path, error)
            except CorruptError as error:
                raise _damaged(path, error) from None
            before += path.stat().st_size

    def _load_file(self, path: Path, run: Run) -> Iterator[int]:
        """Load a file; again and again, how far it is."""
        data = map_file(path)
        at = 0
        if data[: len(MAGIC)] == MAGIC:
            reader = FileReader(data, self._keyspace, self._config)
            for _ in reader.load():
                self.used_memory = reader.used_memory
                yield reader.at
            at = reader.at
        for number, unit in enumerate(read_units(data, at)):
            try:
                run(unit.commands)
            except LookupError as error:
                raise CorruptError(str(error), unit.end) from None
            if number % UNITS_PER_STEP == 0:
                yield unit.end


def read_manifest(path: Path) -> Manifest:
    """The list of the files.

    Raises:
        FileNotFoundError: there is none.
        OSError: it cannot be read, or is damaged.
    """
    try:
        return Manifest.parse(path.read_text(encoding="utf-8", errors="surrogateescape"))
    except CorruptError as error:
        raise OSError(errno.EINVAL, f"the list of the append-only files is damaged: {error}", str(path)) from None


def _damaged(path: Path, error: CorruptError) -> OSError:
    return OSError(errno.EINVAL, f"the data cannot be loaded: {error}. {_ADVICE}", str(path))
