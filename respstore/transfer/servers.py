"""A running server as an end of a copy: SCAN and DUMP on the way out, RESTORE on the way in, many at a time."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from respstore.config import Config
from respstore.persistence.rdb.dump import decode_dump, decode_libraries, dump_libraries, encode_dump
from respstore.persistence.rdb.primitives import CorruptError
from respstore.transfer.entries import Entry, TransferError, name_of

if TYPE_CHECKING:
    import redis

KEYS_PER_BATCH: Final = 500
_NEVER: Final = -1
"""What PTTL and PEXPIRETIME answer where there is no time to live; where there is no key they answer less."""
_KNOWS_PEXPIRETIME: Final = 7


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

    def count(self) -> int:
        """How many keys there are."""
        return sum(self._databases().values())

    def batches(self) -> Iterator[list[Entry]]:
        """All keys."""
        for db in sorted(self._databases()):
            seen: set[bytes] = set()  # SCAN may name a key twice
            cursor: bytes | int | None = None
            while cursor != 0:
                ((cursor, keys),) = self._ask(db, [("SCAN", cursor or 0, "COUNT", KEYS_PER_BATCH)])
                new = list(dict.fromkeys(key for key in keys if key not in seen))
                seen.update(new)
                yield [entry for entry in self._entries(db, new) if entry is not None]

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
        present = 0
        for db, group in _by_database(entries):
            exists = self._ask(db, [("EXISTS", entry.key) for entry in group])
            present += sum(exists)
            wanted = [entry for entry, found in zip(group, exists, strict=True) if replaces or not found]
            replies = self._ask(db, [self._restore(entry, replaces=replaces) for entry in wanted], raises=False)
            for entry, reply in zip(wanted, replies, strict=True):
                if isinstance(reply, Exception):
                    raise TransferError(f"{entry} is refused: {reply}")
        return present

    def read(self, entries: Sequence[Entry]) -> list[Entry | None]:
        """What is found of these keys."""
        found: list[Entry | None] = []
        for db, group in _by_database(entries):
            found += self._entries(db, [entry.key for entry in group])
        return found

    def finish(self) -> None:
        """Nothing to do: the data is where it should be."""

    def _databases(self) -> dict[int, int]:
        """How many keys there are, by database."""
        (found,) = self._ask(0, [("INFO", "keyspace")])
        return {int(name.removeprefix("db")): facts["keys"] for name, facts in found.items() if name.startswith("db")}

    def _entries(self, db: int, keys: Sequence[bytes]) -> list[Entry | None]:
        word = "PEXPIRETIME" if self._is_new() else "PTTL"
        answers = self._ask(db, [(question, key) for key in keys for question in ("DUMP", word)])
        if not self._is_new():
            now = self._now()
            answers[1::2] = [ttl if ttl <= _NEVER else now + ttl for ttl in answers[1::2]]
        return [
            None if payload is None or deadline < _NEVER else self._entry(db, key, payload, deadline)
            for key, payload, deadline in zip(keys, answers[::2], answers[1::2], strict=True)
        ]

    def _is_new(self) -> bool:
        """Whether it can tell when a key expires, rather than how long that is from now."""
        if self._version is None:
            (server,) = self._ask(0, [("INFO", "server")])
            self._version = int(server["redis_version"].partition(".")[0])
        return self._version >= _KNOWS_PEXPIRETIME

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
        except (redis.RedisError, OSError) as error:
            raise TransferError(str(error)) from None
        if isinstance(selected, Exception):
            raise TransferError(f"db {db}: {selected}")
        return replies


def _by_database(entries: Sequence[Entry]) -> Iterator[tuple[int, list[Entry]]]:
    for db, group in groupby(entries, lambda entry: entry.db):
        yield db, list(group)
