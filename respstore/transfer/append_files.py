"""An append-only file as an end of a copy: a folder with a manifest, as since Redis 7.0, or one file, as before.

One that is there is run, and so in memory as a whole; nothing of it is changed. One that is written is a folder with a
base, an RDB, behind which a server goes on.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from respstore.config import Config
from respstore.keyspace import Keyspace
from respstore.persistence.aof.manifest import Manifest
from respstore.persistence.aof.reader import TruncatedError
from respstore.server.append_loading import Replay, read_manifest
from respstore.server.disk import sync_folder
from respstore.server.serve import Server
from respstore.transfer.copying import Tally
from respstore.transfer.entries import Entry, telling
from respstore.transfer.rdb_files import DATABASES, RDBTarget, entries_of

logger = logging.getLogger("respstore")

NAME: Final = "appendonly.aof"
SUFFIX: Final = ".manifest"


class AppendOnlySource:
    """An append-only file that is there.

    Args:
        path: of its manifest, or of the one file.
        now: the wall clock, in ms; keys whose time is over are none.
    """

    def __init__(self, path: Path, now: Callable[[], int]) -> None:
        self._path = path
        self._now = now
        self._keyspace = Keyspace(DATABASES)

    def __str__(self) -> str:
        return str(self._path)

    @telling()
    def count(self) -> int:
        """How many keys there are; all commands are run for that. Raises TransferError."""
        config = Config()
        config.databases = DATABASES
        engine = Server(config).engine
        replay = Replay(self._paths(), engine.keyspace, config)
        found = engine.append_only.replay(lambda keyspace, run: (replay, replay.load(run, _pass_over)))
        assert found is not None
        for _ in found[1]:
            pass
        self._keyspace = engine.keyspace
        return sum([len(db.data) for db in self._keyspace.databases])

    def batches(self) -> Iterator[list[Entry]]:
        """All keys; to be called after `count`."""
        now = self._now()
        for db in self._keyspace.databases:
            for batch in entries_of(db):
                yield [entry for entry in batch if entry.deadline is None or entry.deadline > now]

    def libraries(self) -> Sequence[bytes]:
        """The code of the libraries of functions; to be called after `count`."""
        return self._keyspace.libraries

    def _paths(self) -> list[Path]:
        if self._path.suffix != SUFFIX:
            return [self._path]
        return [self._path.parent / file.name for file in read_manifest(self._path).parts()]


def _pass_over(path: Path, error: TruncatedError) -> None:
    """Its server was stopped, or is at work: what is not whole was not done."""
    logger.warning("%s: %s; what is behind that is left out", path, error)


class AppendOnlyTarget(RDBTarget):
    """A folder that is to be written, with the name that `appenddirname` gives.

    Args:
        path: where it shall be; it may be there, if it is empty.
        now: the wall clock, in ms.

    Raises:
        TransferError: it cannot be written there.
    """

    def __init__(self, path: Path, now: Callable[[], int]) -> None:
        with telling():
            path.mkdir(exist_ok=True)
        self._folder = path
        self._manifest = Manifest().with_base(NAME, "rdb", keeping=0)
        assert self._manifest.base is not None
        super().__init__(path / self._manifest.base.name, now, is_base=True)

    def __str__(self) -> str:
        return str(self._folder)

    def finish(self, given: Tally) -> None:
        """As of `RDBTarget`, and then the manifest."""
        super().finish(given)
        with telling():
            (self._folder / f"{NAME}{SUFFIX}").write_text(self._manifest.text())
            sync_folder(self._folder)
