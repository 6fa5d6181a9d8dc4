"""A running server as an end of a copy: SCAN and DUMP on the way out, RESTORE on the way in, many at a time."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from respstore.config import Config
from respstore.persistence.rdb.dump import decode_dump, decode_libraries, dump_libraries, encode_dump
from respstore.persistence.rdb.primitives import CorruptError
from respstore.transfer.copying import Tally
from respstore.transfer.entries import Entry, TransferError, name_of

if TYPE_CHECKING:
    import redis

KEYS_PER_BATCH: Final = 500
BYTES_PER_BATCH: Final = 1 << 22
"""... if values are large, but one key at least."""
_NEVER: Final = -1
"""What PTTL and PEXPIRETIME answer where there is no time to live; where there is no key they answer less."""
_NEW: Final = 7
"""The version of Redis since which there are PEXPIRETIME, functions, and values as they are written here."""


class ServerEnd:
    """A server.

    Args:
        client: of it; a connection of its pool may be left in any database.
        now: the wall clock, in ms.
    """

    def __init__(self, client: "redis.Redis", now: Callable[[], int]) -> None:
        self._client = client
        self._now = now
        self._config = Config()
        self._version: int | None = None  # not asked yet
        self._portion = 1  # keys whose values are asked for at a time

    def __str__(self) -> str:
        """Where it is, as people read it."""
        where = self._client.connection_pool.connection_kwargs
        return str(where["path"]) if "path" in where else f"{where['host']}:{where['port']}"

    def count(self) -> int:
        """How many keys there are."""
        return sum(self._databases().values())

    def batches(self) -> Iterator[list[Entry]]:
        """All keys."""
        for db in sorted(self._databases()):
            with closing(_Seen()) as seen:
                cursor: bytes | int | None = None
                while cursor != 0:
                    ((cursor, keys),) = self._ask(db, [("SCAN", cursor or 0, "COUNT", KEYS_PER_BATCH)])
                    for some in self._portions(seen.new(keys)):
                        yield [entry for entry in self._entries(db, some) if entry is not None]

    def libraries(self) -> Sequence[bytes]:
        """The code of the libraries of functions; servers older than Redis 7.0 have none."""
        return decode_libraries(self._ask(0, [("FUNCTION", "DUMP")])[0]) if self._is_new() else ()

    def load(self, libraries: Sequence[bytes], *, replaces: bool) -> None:
        """Load libraries of functions that are not there already."""
        known = self.libraries()
        new = [code for code in libraries if code not in known]
        if new:
            payload = dump_libraries(new, self._config)
            self._ask(0, [("FUNCTION", "RESTORE", payload, "REPLACE" if replaces else "APPEND")])

    def write(self, entries: Sequence[Entry], *, replaces: bool) -> int:
        """Make the keys."""
        if not self._is_new():
            raise TransferError(f"{self}, Redis {self._version}, does not take values as Redis 7.0 and later have them")
        present = 0
        for db, group in _by_database(entries):
            exists = self._ask(db, [("EXISTS", entry.key) for entry in group])
            present += sum(exists)
            wanted = [entry for entry, found in zip(group, exists, strict=True) if replaces or not found]
            replies = self._ask(db, [self._restore(entry, replaces=replaces) for entry in wanted], raises=False)
            for entry, reply in zip(wanted, replies, strict=True):
                if isinstance(reply, Exception):
                    raise TransferError(f"{self}: {entry} is refused: {reply}")
        return present

    def read(self, entries: Sequence[Entry]) -> list[Entry | None]:
        """What is found of these keys."""
        found: list[Entry | None] = []
        for db, group in _by_database(entries):
            found += self._entries(db, [entry.key for entry in group])
        return found

    def finish(self, given: Tally) -> None:
        """Nothing to do: the data is where it should be."""

    def _databases(self) -> dict[int, int]:
        """How many keys there are, by database."""
        (found,) = self._ask(0, [("INFO", "keyspace")])
        return {int(name.removeprefix("db")): facts["keys"] for name, facts in found.items() if name.startswith("db")}

    def _entries(self, db: int, keys: Sequence[bytes]) -> list[Entry | None]:
        word = "PEXPIRETIME" if self._is_new() else "PTTL"
        answers = self._ask(db, [(question, key) for key in keys for question in ("DUMP", word)])
        size = sum([len(payload or b"") for payload in answers[::2]])
        fitting = len(keys) * BYTES_PER_BATCH // size if size else KEYS_PER_BATCH
        self._portion = max(1, min(fitting, self._portion * 2, KEYS_PER_BATCH))
        if not self._is_new():
            now = self._now()
            answers[1::2] = [ttl if ttl <= _NEVER else now + ttl for ttl in answers[1::2]]
        return [
            None if payload is None or deadline < _NEVER else self._entry(db, key, payload, deadline)
            for key, payload, deadline in zip(keys, answers[::2], answers[1::2], strict=True)
        ]

    def _portions(self, keys: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
        """The keys, only so many at a time that what they hold is not too much, going by the last ones."""
        at = 0
        while at < len(keys):
            end = at + self._portion
            yield keys[at:end]
            at = end

    def _is_new(self) -> bool:
        """Whether it is Redis 7.0 or later."""
        if self._version is None:
            (server,) = self._ask(0, [("INFO", "server")])
            self._version = int(server["redis_version"].partition(".")[0])
        return self._version >= _NEW

    def _entry(self, db: int, key: bytes, payload: bytes, deadline: int) -> Entry:
        try:
            value = decode_dump(payload, self._config)
        except CorruptError as error:
            raise TransferError(f"{name_of(db, key)} cannot be read: {error}") from None
        return Entry(db, key, value, None if deadline == _NEVER else deadline)

    def _restore(self, entry: Entry, *, replaces: bool) -> tuple[str | bytes | int, ...]:
        payload = encode_dump(entry.value, self._config)
        return ("RESTORE", entry.key, entry.deadline or 0, payload, "ABSTTL", *(("REPLACE",) if replaces else ()))

    def _ask(self, db: int, requests: Sequence[tuple[str | bytes | int, ...]], *, raises: bool = True) -> list[Any]:
        """The replies to some requests in a database, of which there may be none."""
        import redis  # noqa: PLC0415 - `respstore serve`, which does without, would take longer to start

        pipeline = self._client.pipeline(transaction=False)
        pipeline.execute_command("SELECT", db)  # type: ignore[no-untyped-call]
        for request in requests:
            pipeline.execute_command(*request)  # type: ignore[no-untyped-call]
        try:
            selected, *replies = pipeline.execute(raise_on_error=raises)
        except redis.AuthenticationError as error:
            advice = "a URL brings the password along: redis://:PASSWORD@HOST:PORT or redis://USER:PASSWORD@HOST:PORT"
            raise TransferError(f"{self}: {error} ({advice})") from None
        except (redis.ConnectionError, OSError) as error:  # which say where
            raise TransferError(str(error)) from None
        except redis.RedisError as error:
            raise TransferError(f"{self}: {error}") from None
        if isinstance(selected, Exception):
            raise TransferError(f"{self}: db {db}: {selected}")
        return replies


class _Seen:
    """Keys that SCAN has named, as it may do twice. What is too much for memory is in a temporary file."""

    def __init__(self) -> None:
        self._table = sqlite3.connect("")
        for line in ("PRAGMA journal_mode = OFF", "CREATE TABLE seen (key BLOB PRIMARY KEY) WITHOUT ROWID", "BEGIN"):
            self._table.execute(line)

    def new(self, keys: Sequence[bytes]) -> list[bytes]:
        """Those that were not named before."""
        add = self._table.execute
        return [key for key in keys if add("INSERT OR IGNORE INTO seen VALUES (?)", (key,)).rowcount]

    def close(self) -> None:
        """Forget them."""
        self._table.close()


def _by_database(entries: Sequence[Entry]) -> Iterator[tuple[int, list[Entry]]]:
    for db, group in groupby(entries, lambda entry: entry.db):
        yield db, list(group)
