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

    Attributes:
        expired: how many keys were left out, for their time was over: none, for a later command may need them.
    """

    def __init__(self, keyspace: Keyspace) -> None:
        self._keyspace = keyspace
        self.expired = 0

    @property
    def keys(self) -> int:
        """How many keys there are so far."""
        return sum([len(db.data) for db in self._keyspace.databases])


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


def load_files(
    paths: Sequence[Path],
    keyspace: Keyspace,
    config: Config,
    run: Run,
    cut: Callable[[Path, TruncatedError], None] | None,
) -> Iterator[None]:
    """Load files in order.

    Args:
        paths: where they are.
        keyspace: gets the data of an RDB; it is empty.
        config: as of `FileReader`.
        run: runs commands that were run in one go.
        cut: called if the last file ends in the midst of something; None if that is an error.

    Yields:
        Again and again.

    Raises:
        OSError: a file is damaged, or cannot be read.
    """
    for path in paths:
        try:
            yield from _load_file(path, keyspace, config, run)
        except TruncatedError as error:
            if path is not paths[-1] or cut is None:
                raise _damaged(path, error) from None
            cut(path, error)
        except CorruptError as error:
            raise _damaged(path, error) from None


def _load_file(path: Path, keyspace: Keyspace, config: Config, run: Run) -> Iterator[None]:
    data = map_file(path)
    at = 0
    if data[: len(MAGIC)] == MAGIC:
        reader = FileReader(data, keyspace, config)
        yield from reader.load()
        at = reader.at
    for number, unit in enumerate(read_units(data, at)):
        try:
            run(unit.commands)
        except LookupError as error:
            raise CorruptError(str(error), unit.end) from None
        if number % UNITS_PER_STEP == 0:
            yield


def _damaged(path: Path, error: CorruptError) -> OSError:
    return OSError(errno.EINVAL, f"the data cannot be loaded: {error}. {_ADVICE}", str(path))
