"""From one end to the other, batch by batch; what has arrived is read again and compared.

A copy that was cut short is begun again in the same way: what is there already is not sent again. Nobody need stop
writing meanwhile, but what is changed behind the copy's back is not in it.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

import attrs

from respstore.keyspace.digest import digest_of_sums
from respstore.transfer.entries import Entry

EXAMPLES: Final = 5
"""So many of the keys that are not the same are named."""


class Source(Protocol):
    """Where the data is."""

    def count(self) -> int:
        """How many keys there are, about."""

    def batches(self) -> Iterator[list[Entry]]:
        """All of them, each once; raises TransferError."""

    def libraries(self) -> Sequence[bytes]:
        """The code of the libraries of functions; raises TransferError."""


class Target(Protocol):
    """Where it goes to. Everything raises TransferError."""

    def write(self, entries: Sequence[Entry], *, replaces: bool) -> int:
        """Make the keys; tell how many were there already, and were left alone unless it `replaces` them."""

    def load(self, libraries: Sequence[bytes], *, replaces: bool) -> None:
        """Load libraries of functions that are not there already."""

    def read(self, entries: Sequence[Entry]) -> Sequence[Entry | None]:
        """What is found of these keys; a target that can tell only in the end answers what it was given."""

    def finish(self, given: "Tally") -> None:
        """This was all: make it last."""


@attrs.define
class Tally:
    """How many keys there were, and what their digest is."""

    keys: int = 0
    _sums: dict[int, int] = attrs.Factory(dict)

    def add(self, entry: Entry, digest: int) -> None:
        """Count a key."""
        self.keys += 1
        self._sums[entry.db] = self._sums.get(entry.db, 0) ^ digest

    @property
    def digest(self) -> str:
        """The digest of all of them: that of DEBUG DIGEST if none expires or is a stream (see `Entry.digest`)."""
        return digest_of_sums(self._sums)


@attrs.define
class Copied:
    """What came of a copy.

    Attributes:
        given, found: what the source had, and what the target has of that.
        present: how many keys were there already.
        different: how many keys are not the same there.
        examples: some of them.
        libraries: how many libraries of functions the source had.
    """

    given: Tally = attrs.Factory(Tally)
    found: Tally = attrs.Factory(Tally)
    present: int = 0
    different: int = 0
    examples: list[str] = attrs.Factory(list)
    libraries: int = 0


def copy(
    source: Source, target: Target, now: Callable[[], int], tell: Callable[[int], None], *, replaces: bool
) -> Copied:
    """Copy all keys and libraries.

    Args:
        source: where from.
        target: where to.
        now: the wall clock, in ms.
        tell: called with how many keys are done, again and again.
        replaces: overwrite what is there already.

    Raises:
        TransferError: an end does not do its part.
    """
    libraries = source.libraries()
    if libraries:
        target.load(libraries, replaces=replaces)
    copied = Copied(libraries=len(libraries))
    for batch in source.batches():
        copied.present += target.write(batch, replaces=replaces)
        for entry, other in zip(batch, target.read(batch), strict=True):
            if other is None and entry.deadline is not None and entry.deadline <= now():
                continue
            digest = entry.digest()
            copied.given.add(entry, digest)
            other_digest = digest if other is entry else None if other is None else other.digest()
            if other is not None and other_digest is not None:
                copied.found.add(other, other_digest)
            if digest != other_digest:
                copied.different += 1
                if copied.different <= EXAMPLES:
                    copied.examples.append(str(entry))
        tell(copied.given.keys)
    target.finish(copied.given)
    return copied
