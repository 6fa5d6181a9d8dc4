"""Databases that tell what commands do to them: for the AOF, while there is one (engine/effects.py)."""

from typing import ClassVar

from respstore.keyspace.database import Database, Keyspace, Propagated, Vanished
from respstore.keyspace.traits import set_trait


class PropagatingDatabase(Database):
    """A database that tells of effects, and of each key whose time is over."""

    __slots__ = ()
    propagates: ClassVar[bool] = True

    def propagate(self, *words: bytes) -> None:
        self.keyspace.propagated(self.index, words)

    def _expire(self, key: bytes) -> None:
        super()._expire(key)
        self.keyspace.vanished(self.index, key)


class ReplayedDatabase(Database):
    """A database that gets back what it had: no time is over until all is there.

    What a command found when it ran first it must find again, however late that is.
    """

    __slots__ = ()

    def is_live(self, key: bytes) -> bool:
        return True

    def is_over(self, key: bytes) -> bool:
        return False

    def is_past(self, deadline: int) -> bool:
        return False


def propagate_effects(keyspace: Keyspace, propagated: Propagated | None, vanished: Vanished | None) -> None:
    """Call these from now on, or with None for no more."""
    keyspace.propagated = propagated or keyspace.propagated
    keyspace.vanished = vanished or keyspace.vanished
    set_trait(keyspace, PropagatingDatabase, on=propagated is not None)


def keep_dead(keyspace: Keyspace, *, on: bool) -> None:
    """Let no key expire as long as commands of the past are run again."""
    set_trait(keyspace, ReplayedDatabase, on=on)
