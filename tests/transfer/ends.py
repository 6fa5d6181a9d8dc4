"""Ends of a copy that are dictionaries."""

from collections.abc import Iterator, Sequence

from respstore.transfer.copying import Tally
from respstore.transfer.entries import Entry

Keys = dict[tuple[int, bytes], Entry]


def keys_of(*entries: Entry) -> Keys:
    return {(entry.db, entry.key): entry for entry in entries}


class FakeEnd:
    """An end.

    Attributes:
        keys: what it holds.
        code: of its libraries.
        finished: whether it was told that this is all.
    """

    def __init__(self, *entries: Entry) -> None:
        self.keys = keys_of(*entries)
        self.finished = False
        self.code: list[bytes] = []

    def count(self) -> int:
        return len(self.keys)

    def batches(self) -> Iterator[list[Entry]]:
        for entry in self.keys.values():
            yield [entry]

    def libraries(self) -> Sequence[bytes]:
        return self.code

    def load(self, libraries: Sequence[bytes], *, replaces: bool) -> None:
        self.code += libraries

    def write(self, entries: Sequence[Entry], *, replaces: bool) -> int:
        present = [entry for entry in entries if (entry.db, entry.key) in self.keys]
        for entry in entries:
            if replaces or entry not in present:
                self.keys[entry.db, entry.key] = entry
        return len(present)

    def read(self, entries: Sequence[Entry]) -> list[Entry | None]:
        return [self.keys.get((entry.db, entry.key)) for entry in entries]

    def finish(self, given: Tally) -> None:
        self.finished = True
