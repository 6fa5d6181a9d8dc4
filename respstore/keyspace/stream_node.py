"""A run of a stream's entries, about as many as Redis keeps together in one node of its radix tree.

Redis packs the entries of a node into a listpack; so many Python objects would take ten times the memory. So here, a
node is **open** while somebody works with it, a sorted list of entries, and is **closed** after that: packed into one
bytes object, which is smaller than the listpack. The stream says when. Who opens a node to look into it need not pack
it again: what was packed is kept until the entries change.

Where one node ends and the next begins is Redis's rule, for approximate trimming removes whole nodes and XINFO counts
them: a node takes entries until the listpack would have become too long. `size` is the listpack's length to the byte.
An entry that was deleted stays in the listpack, so it counts in `size` and `total`, and the node ends at it (`last`),
but it is not among the entries any more. Rules: streamAppendItem in Redis's t_stream.c, and listpack.c.
"""

import marshal
from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate, islice, repeat
from operator import sub
from typing import Final

from respstore.keyspace.listpack_sizes import LISTPACK_FRAME, integer_size, text_size

StreamId = tuple[int, int]
"""Milliseconds and a number in sequence, both unsigned and of 64 bits."""

Entry = tuple[StreamId, tuple[bytes, ...], tuple[bytes, ...]]
"""An entry's id, its fields and their values."""

MAX_NODE_BYTES: Final = 1 << 30
"""What holds for a node where stream-node-max-bytes is 0 or more than this, and for a single entry."""
CLOSABLE_BYTES: Final = 1 << 16
"""A node with more data stays open: to pack it would take long and save little."""
_TYPECODES: Final = (("H", 1 << 16), ("I", 1 << 32), ("Q", 1 << 64))


def id_bytes(id_: StreamId) -> bytes:
    """An id as a key of Redis's radix trees: ids sort as these bytes do."""
    return id_[0].to_bytes(8, "big") + id_[1].to_bytes(8, "big")


class Node:
    """Entries that follow one another.

    Attributes:
        first: the id of the entry that it was made for, which may be deleted since.
        last: the id of the entry that came last, which may be deleted since.
        fields: those of the entry that it was made for; most others have the same.
        live: how many entries it has.
        total: the same, with those that were deleted.
        size: the length of Redis's listpack in bytes, but for the two counters.
        entries: all of them in order; None of a closed node.
    """

    __slots__ = ("_is_changed", "_packed", "entries", "fields", "first", "last", "live", "size", "total")

    def __init__(self, first: StreamId, fields: tuple[bytes, ...]) -> None:
        self.first = self.last = first
        self.fields = fields
        self.live = self.total = 0
        self.size = LISTPACK_FRAME + integer_size(len(fields)) + sum(map(text_size, fields)) + integer_size(0)
        self.entries: list[Entry] | None = []
        self._packed = b""
        self._is_changed = True

    def __copy__(self) -> "Node":
        node = Node(self.first, self.fields)
        node.last, node.live, node.total, node.size = self.last, self.live, self.total, self.size
        node.entries = None if self.entries is None else self.entries.copy()
        node._packed, node._is_changed = self._packed, self._is_changed
        return node

    def has_room(self, length: int, max_bytes: int, max_entries: int) -> bool:
        """Whether one more entry goes in.

        Args:
            length: bytes of its fields and values together.
            max_bytes, max_entries: stream-node-max-bytes and stream-node-max-entries; 0 for no limit.
        """
        total, live = self.total, self.live
        if max_entries and total >= max_entries:
            return False
        limit = max_bytes if 0 < max_bytes <= MAX_NODE_BYTES else MAX_NODE_BYTES
        return self.size + integer_size(live) + integer_size(total - live) + length < limit

    def append(self, entry: Entry) -> None:
        """Add an entry behind the last one; the node must be open, and have room."""
        id_, fields, values = entry
        count = len(values)
        ms, sequence = id_
        first_ms, first_sequence = self.first
        size = self.size + 6
        # Of most entries these are small, and so is the number of fields; calls cost more than the rest.
        if not (0 <= ms - first_ms < 1 << 7 and 0 <= sequence - first_sequence < 1 << 7):
            size += _difference_size(ms - first_ms) + _difference_size(sequence - first_sequence) - 4
        if fields == self.fields:
            entry = id_, self.fields, values
            size += 2 if count < 1 << 6 else integer_size(count + 3)
        else:
            size += integer_size(count) + sum(map(text_size, fields)) + integer_size(2 * count + 4)
        self.size = size + (text_size(values[0]) if count == 1 else sum(map(text_size, values)))
        self.live += 1
        self.total += 1
        self.last = id_
        if not self._is_changed:
            self._change()
        assert self.entries is not None
        self.entries.append(entry)

    def delete(self, start: int, stop: int) -> None:
        """Delete entries by their position; the node must be open."""
        assert self.entries is not None
        del self.entries[start:stop]
        self.live -= stop - start
        if not self._is_changed:
            self._change()

    def open(self) -> list[Entry]:
        """Unpack the entries, if they are packed, and answer them."""
        entries = self.entries
        if entries is None:
            entries = self.entries = self._unpack()
        return entries

    def close(self) -> None:
        """Pack the entries, unless that would not pay."""
        if self.entries is None or self.size > CLOSABLE_BYTES:
            return
        if self._is_changed:
            self._packed = self._pack(self.entries)
            self._is_changed = False
        self.entries = None

    def packed_size(self) -> int:
        """How many bytes the packed entries take, if they are packed."""
        return len(self._packed)

    def _change(self) -> None:
        self._is_changed = True
        self._packed = b""

    def _pack(self, entries: Sequence[Entry]) -> bytes:
        ids, fields, values = zip(*entries, strict=True) if entries else ((), (), ())
        times, sequences = zip(*ids, strict=True) if ids else ((), ())
        steps = [*map(sub, times, (self.first[0], *times))]
        mine = self.fields
        other_fields = None
        if fields.count(mine) < len(fields):
            other_fields = [None if each is mine else each for each in fields]
        return marshal.dumps((column(steps), column(sequences), other_fields, values))

    def _unpack(self) -> list[Entry]:
        steps, sequences, fields, values = marshal.loads(self._packed)  # noqa: S302 - from nobody but `_pack`
        times: Iterable[int]
        if steps == bytes(len(values)):  # all are of one time, and share the number
            times = repeat(self.first[0], len(values))
        else:
            times = islice(accumulate(numbers(steps), initial=self.first[0]), 1, None)
        mine = self.fields
        of_entries = repeat(mine, len(values)) if fields is None else [each or mine for each in fields]
        return list(zip(zip(times, numbers(sequences), strict=True), of_entries, values, strict=True))


def column(values: Sequence[int]) -> bytes | tuple[str, bytes]:
    """Unsigned numbers of 64 bits in as many bytes each as the largest needs: if more than one, what `array` takes."""
    try:
        return bytes(values)
    except ValueError:
        typecode = next(typecode for typecode, limit in _TYPECODES if max(values) < limit)
        return typecode, array(typecode, values).tobytes()


def numbers(packed: bytes | tuple[str, bytes]) -> Iterable[int]:
    """The numbers of which `column` made that."""
    return packed if isinstance(packed, bytes) else array(*packed)


def _difference_size(number: int) -> int:
    """The same for the difference of two unsigned 64-bit integers, which wraps around."""
    if 0 <= number < 1 << 7:
        return 2
    return integer_size((number + (1 << 63)) % (1 << 64) - (1 << 63))
