"""A key on its way: what it is called, what it holds, when it expires."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

from respstore.engine.snapshots import describe
from respstore.keyspace import Value
from respstore.keyspace.digest import digest_of_key, mix
from respstore.keyspace.stream import MIN_ID, Stream


class TransferError(Exception):
    """The data cannot be read, written, or told to be the same."""


@contextmanager
def telling(path: Path | None = None) -> Iterator[None]:
    """What the system refuses is a TransferError, about the file that it names itself or another."""
    try:
        yield
    except OSError as error:
        raise TransferError(describe(error) if path is None else f"{path}: {error.strerror or error}") from None


@attrs.frozen
class Entry:
    """A key.

    Attributes:
        db: number of its database.
        key: its name.
        value: what it holds.
        deadline: when it expires, in wall-clock ms; None if it does not.
    """

    db: int
    key: bytes
    value: Value
    deadline: int | None

    def digest(self) -> int:
        """What it adds to the sum of its database.

        That is what it adds to Redis's digest (`keyspace/digest.py`), and what that leaves out: when the key expires,
        and the ids and groups of a stream, but for when consumers were seen, which a replay of commands makes anew.
        """
        digest = digest_of_key(self.key, self.value, expires=self.deadline is not None)
        if self.deadline is not None:
            digest = mix(digest, b"%d" % self.deadline)
        if isinstance(self.value, Stream):
            for fact in _facts(self.value):
                digest = mix(digest, repr(fact).encode())
        return digest

    def __str__(self) -> str:
        return name_of(self.db, self.key)


def _facts(stream: Stream) -> Iterator[object]:
    """What there is beside the entries of a stream, in an order that does not depend on how it came about."""
    yield stream.last_id, stream.max_deleted_id, stream.entries_added
    for name, group in sorted(stream.groups.items()):
        yield name, group.last_id, group.entries_read
        for _, consumer in sorted(group.consumers.items()):
            yield consumer.name
            for id_, pending in group.pending_of(consumer).items(MIN_ID):
                yield id_, pending.delivered, pending.deliveries


def name_of(db: int, key: bytes) -> str:
    """A key as people read it."""
    text = key.decode(errors="backslashreplace")
    return f"{text!r} of db {db}"
