"""A key on its way: what it is called, what it holds, when it expires."""

import attrs

from respstore.keyspace import Value
from respstore.keyspace.digest import digest_of_key


class TransferError(Exception):
    """The data cannot be read, written, or told to be the same."""


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
        """What it adds to the sum of its database (see `keyspace/digest.py`)."""
        return digest_of_key(self.key, self.value, expires=self.deadline is not None)

    def __str__(self) -> str:
        return name_of(self.db, self.key)


def name_of(db: int, key: bytes) -> str:
    """A key as people read it."""
    text = key.decode(errors="backslashreplace")
    return f"{text!r} of db {db}"
