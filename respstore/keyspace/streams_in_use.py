"""The streams that somebody works with: some of their nodes are open (stream_node.py), all others' are packed.

An open node takes some times the memory of a packed one: so a stream stays open for a moment after it was used, and is
packed then. Who uses one time and again pays for that, which takes microseconds, a few times a second only.
"""

from collections import deque
from typing import Final

from respstore.keyspace.stream import Stream

PACKED_AT_ONCE: Final = 100
"""So many are packed by one call at most: it takes a millisecond or two."""


class StreamsInUse:
    """Streams that are to be packed before long, those first that have waited longest."""

    __slots__ = ("_due", "_streams")

    def __init__(self) -> None:
        self._streams: deque[Stream] = deque()
        self._due = 0  # so many of them were there when `pack_unused` was called last

    def __len__(self) -> int:
        return len(self._streams)

    def add(self, stream: Stream) -> None:
        """Somebody begins to work with a stream whose `is_in_use` does not say so."""
        stream.is_in_use = True
        self._streams.append(stream)

    def pack_unused(self) -> None:
        """Pack streams that came in before the last call; to be called some times a second."""
        streams = self._streams
        for _ in range(min(self._due, PACKED_AT_ONCE)):
            stream = streams.popleft()
            stream.is_in_use = False
            stream.pack()
        self._due = len(streams)

    def clear(self) -> None:
        """Hold none of them any longer; they stay as they are, and are added again once they are used."""
        for stream in self._streams:
            stream.is_in_use = False
        self._streams.clear()
        self._due = 0
