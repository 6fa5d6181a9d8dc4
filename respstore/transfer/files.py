"""A file in the format of dump.rdb as an end of a copy. What it holds is in memory as long as the copy takes."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from respstore.config import Config
from respstore.engine import REDIS_VERSION
from respstore.engine.snapshots import describe
from respstore.keyspace import Keyspace
from respstore.keyspace.digest import digest_of_keyspace
from respstore.server.disk import Disk
from respstore.transfer.entries import Entry, TransferError

KEYS_PER_BATCH: Final = 500
_DATABASES: Final = 1024
"""More than anybody has."""


class FileEnd:
    """A file.

    Args:
        path: where it is, or shall be.
        now: the wall clock, in ms.
    """

    def __init__(self, path: Path, now: Callable[[], int]) -> None:
        config = Config()
        config.dir, config.dbfilename = str(path.parent), path.name
        self._path = path
        self._now = now
        self._disk = Disk(config, may_fork=False)
        self._keyspace = self._empty()

    def count(self) -> int:
        """How many keys there are; it is read for that. Raises TransferError."""
        self._keyspace = self._load()
        return sum(len(db.data) for db in self._keyspace.databases)

    def batches(self) -> Iterator[list[Entry]]:
        """All keys; to be called after `count`."""
        for db in self._keyspace.databases:
            names = iter(db.data)
            while keys := list(islice(names, KEYS_PER_BATCH)):
                yield [Entry(db.index, key, db.data[key], db.deadline(key)) for key in keys]

    def libraries(self) -> Sequence[bytes]:
        """The code of the libraries of functions; to be called after `count`."""
        return self._keyspace.libraries

    def load(self, libraries: Sequence[bytes], *, replaces: bool) -> None:
        """Have these libraries of functions."""
        self._keyspace.libraries = tuple(libraries)

    def write(self, entries: Sequence[Entry], *, replaces: bool) -> int:
        """Make the keys. None is there before."""
        for entry in entries:
            db = self._keyspace.databases[entry.db]
            db.hold(entry.key, entry.value)
            if entry.deadline is not None:
                db.set_deadline(entry.key, entry.deadline)
        return 0

    def read(self, entries: Sequence[Entry]) -> list[Entry | None]:
        """What there is of these keys; whether the file has them, `finish` sees."""
        return list(entries)

    def finish(self) -> None:
        """Write the file, and read it again."""
        about: dict[str, str | int] = {
            "redis-ver": REDIS_VERSION,
            "redis-bits": 64,
            "ctime": self._now() // 1000,
            "used-mem": 0,
        }
        try:
            self._disk.save(self._keyspace, about)
        except OSError as error:
            raise TransferError(describe(error)) from None
        written = self._load()
        is_same = digest_of_keyspace(written) == digest_of_keyspace(self._keyspace)
        if not is_same or written.libraries != self._keyspace.libraries:
            raise TransferError(f"{self._path} does not hold what was written to it")

    def _load(self) -> Keyspace:
        keyspace = self._empty()
        try:
            found = self._disk.load(keyspace)
            if found is None:
                raise TransferError(f"{self._path}: there is no such file")
            for _ in found[1]:
                pass
        except OSError as error:
            raise TransferError(describe(error)) from None
        return keyspace

    def _empty(self) -> Keyspace:
        keyspace = Keyspace(_DATABASES)
        keyspace.now = self._now()
        return keyspace
