"""A file in the format of dump.rdb as an end of a copy. It is read and written bit by bit."""

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from respstore.config import Config
from respstore.engine.snapshots import facts_of_file
from respstore.engine.system import Facts
from respstore.keyspace import Database, Keyspace
from respstore.persistence.rdb.file import FileReader, FileWriter
from respstore.persistence.rdb.primitives import CorruptError
from respstore.server.disk import map_file, sync_folder
from respstore.transfer.copying import Tally
from respstore.transfer.entries import Entry, TransferError, telling

DATABASES: Final = 1024
"""More than anybody has."""
KEYS_PER_BATCH: Final = 500
_NOTHING_IS_OVER: Final = 0


class RDBSource:
    """A file that is there.

    Args:
        path: where it is.
        now: the wall clock, in ms; keys whose time is over are none.
    """

    def __init__(self, path: Path, now: Callable[[], int]) -> None:
        self._path = path
        self._now = now
        self._libraries: Sequence[bytes] = ()

    def __str__(self) -> str:
        return str(self._path)

    def count(self) -> int:
        """How many keys there are; the file is read for that, to the end, so that none that is damaged is copied."""
        keyspace = Keyspace(DATABASES)
        keys = sum(map(len, read_file(self._path, keyspace, self._now())))
        self._libraries = keyspace.libraries
        return keys

    def batches(self) -> Iterator[list[Entry]]:
        """All keys."""
        return read_file(self._path, Keyspace(DATABASES), self._now())

    def libraries(self) -> Sequence[bytes]:
        """The code of the libraries of functions; to be called after `count`."""
        return self._libraries


class RDBTarget:
    """A file that is to be written. It has its name when it is whole, and what was there before is gone then.

    Args:
        path: where it shall be.
        now: the wall clock, in ms.
        is_base: an append-only file may go on behind it.

    Raises:
        TransferError: it cannot be written there.
    """

    def __init__(self, path: Path, now: Callable[[], int], *, is_base: bool = False) -> None:
        self._path = path
        self._about: Facts = facts_of_file(now(), 0, is_base=is_base)
        self._libraries: Sequence[bytes] = ()
        self._writer = FileWriter(Config())
        self._db: int | None = None  # the one that was written to last
        self._temporary = path.with_name(f"temp-{os.getpid()}-{path.name}")
        with telling(path):
            self._file: BinaryIO | None = self._temporary.open("wb")

    def __str__(self) -> str:
        return str(self._path)

    def load(self, libraries: Sequence[bytes], *, replaces: bool) -> None:
        """Have these libraries of functions; to be called before `write`."""
        self._libraries = libraries

    def write(self, entries: Sequence[Entry], *, replaces: bool) -> int:
        """Write the keys. None is there before."""
        for index in sorted({entry.db for entry in entries}):
            keyspace = Keyspace(1)
            keyspace.now = _NOTHING_IS_OVER
            db = keyspace.databases[0]
            for entry in entries:
                if entry.db == index:
                    db.hold(entry.key, entry.value)
                    if entry.deadline is not None:
                        db.set_deadline(entry.key, entry.deadline)
            self._begin()
            if index != self._db:
                self._put(self._writer.select(index, len(db.data), len(db.expires)))
                self._db = index
            for piece in self._writer.keys(db):
                self._put(piece)
        return 0

    def read(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """What there is of these keys; whether the file has them, `finish` sees."""
        return entries

    @telling()
    def finish(self, given: Tally) -> None:
        """Bring the file to disk, read it again, and give it its name.

        Raises:
            TransferError: it cannot be written, or does not hold what was given.
        """
        self._begin()
        self._put(self._writer.end())
        assert self._file is not None
        self._file.flush()
        os.fsync(self._file.fileno())
        written, keyspace = Tally(), Keyspace(DATABASES)
        for batch in read_file(self._temporary, keyspace, _NOTHING_IS_OVER):
            for entry in batch:
                written.add(entry, entry.digest())
        is_same = (written.keys, written.digest) == (given.keys, given.digest)
        if not is_same or list(keyspace.libraries) != list(self._libraries):
            raise TransferError(f"{self._path} does not hold what was written to it")
        self._file.close()
        self._file = None
        self._temporary.replace(self._path)
        sync_folder(self._path.parent)

    def close(self) -> None:
        """Leave nothing behind if it is not finished."""
        if self._file is not None:
            self._file.close()
            self._file = None
            self._temporary.unlink(missing_ok=True)

    def _begin(self) -> None:
        """Write the head, once."""
        if self._about:
            self._put(self._writer.begin(self._about, self._libraries))
            self._about = {}

    def _put(self, data: bytes) -> None:
        assert self._file is not None
        with telling(self._path):
            self._file.write(data)


def read_file(path: Path, keyspace: Keyspace, now: int) -> Iterator[list[Entry]]:
    """The keys of a file bit by bit.

    Args:
        path: where it is.
        keyspace: gets the libraries of functions; it is empty.
        now: the wall clock, in ms.

    Raises:
        TransferError: it cannot be read, or is damaged.
    """
    keyspace.now = now
    try:
        with telling():
            data = map_file(path)
        reader = FileReader(data, keyspace, Config())
        for _ in reader.load():
            yield from _taken(keyspace)
        yield from _taken(keyspace)
        if reader.at < len(data):
            raise TransferError(f"{path} goes on at byte {reader.at}, as an append-only file does: call it .aof then")
    except CorruptError as error:
        raise TransferError(f"{path} cannot be read: {error}; 'redis-check-rdb {path}' tells more") from None


def _taken(keyspace: Keyspace) -> Iterator[list[Entry]]:
    """All keys; they are gone then."""
    for db in keyspace.databases:
        if db.data:
            yield from entries_of(db)
            db.clear()


def entries_of(db: Database) -> Iterator[list[Entry]]:
    """All keys of a database."""
    names = iter(db.data)
    while keys := list(islice(names, KEYS_PER_BATCH)):
        yield [Entry(db.index, key, db.data[key], db.deadline(key)) for key in keys]
