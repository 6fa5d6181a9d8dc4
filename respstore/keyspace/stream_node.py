"""A run of a stream's entries, about as many as Redis keeps together in one node of its radix tree.

Redis packs the entries of a node into a listpack; so many Python objects would take ten times the memory. So here, a
node is **open** while somebody works with it, and is **closed** after that: packed into one bytes object, which is
smaller than the listpack. The stream says when. Who opens a node to look into it need not pack it again: what was
packed is kept until the entries change.

An open node has its entries by column: their times, their numbers in sequence, their values. So, too, they are handed
to who reads them, in **runs**: to cut some lists takes less than to make an object of each entry.

Where one node ends and the next begins is Redis's rule, for approximate trimming removes whole nodes and XINFO counts
them: a node takes entries until the listpack would have become too long. `size` is the listpack's length to the byte.
An entry that was deleted stays in the listpack, so it counts in `size` and `total`, and the node ends at it (`last`),
but it is not among the entries any more. Rules: streamAppendItem in Redis's t_stream.c, and listpack.c.
"""

import marshal
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, MutableSequence, Sequence
from copy import copy
from itertools import accumulate, groupby, islice
from operator import itemgetter, sub
from typing import Final, TypeVar

from respstore.keyspace.listpack_sizes import LISTPACK_FRAME, NINE, integer_size, text_size

StreamId = tuple[int, int]
"""Milliseconds and a number in sequence, both unsigned and of 64 bits."""

Entry = tuple[StreamId, tuple[bytes, ...], tuple[bytes, ...]]
"""An entry's id, its fields and their values."""

Run = tuple[list[int], list[int], tuple[bytes, ...], list[tuple[bytes, ...]]]
"""Entries, at least one, that have the same fields.

The milliseconds of their ids, the numbers in sequence, the fields, and the values of each.
"""

Fields = TypeVar("Fields")

MAX_NODE_BYTES: Final = 1 << 30
"""What holds for a node where stream-node-max-bytes is 0 or more than this, and for a single entry."""
CLOSABLE_BYTES: Final = 1 << 16
"""A node with more data stays open: to pack it would take long and save little."""
UNSIGNED: Final = "L" if array("L").itemsize == 8 else "Q"
"""Of `array`: unsigned numbers of 64 bits. To turn a `long` into an integer of Python takes half of a `long long`'s."""
_TYPECODES: Final = (("H", 1 << 16), ("I", 1 << 32), (UNSIGNED, 1 << 64))


def id_bytes(id_: StreamId) -> bytes:
    """An id as a key of Redis's radix trees: ids sort as these bytes do."""
    return id_[0].to_bytes(8, "big") + id_[1].to_bytes(8, "big")


class Ids:
    """Ids in order.

    Attributes:
        times, sequences: their halves.
    """

    __slots__ = ("sequences", "times")

    times: MutableSequence[int]
    sequences: MutableSequence[int]

    def at(self, place: int) -> StreamId:
        """The id that stands there."""
        return self.times[place], self.sequences[place]

    def place_of(self, id_: StreamId) -> int:
        """Where an id stands, or would."""
        ms, sequence = id_
        times, sequences = self.times, self.sequences
        start = bisect_left(times, ms)
        if start == len(times) or times[start] != ms or sequences[start] >= sequence:
            return start
        return bisect_left(sequences, sequence, start, bisect_right(times, ms, start))

    def find(self, id_: StreamId) -> int:
        """Where an id stands; -1 if it is not there."""
        ms, sequence = id_
        times, sequences = self.times, self.sequences
        place = bisect_left(times, ms)
        if place == len(times) or times[place] != ms:
            return -1
        if sequences[place] != sequence:
            end = bisect_right(times, ms, place)
            place = bisect_left(sequences, sequence, place, end)
            if place == end or sequences[place] != sequence:
                return -1
        return place


class Columns(Ids):
    """Entries in order.

    Attributes:
        times, sequences: the halves of their ids.
        fields: those of most of them.
        other_fields: of each, None of those that have `fields`; None if all have.
        values: of each.
    """

    __slots__ = ("fields", "other_fields", "values")

    times: list[int]
    sequences: list[int]

    def __init__(self, fields: tuple[bytes, ...]) -> None:
        self.times = []
        self.sequences = []
        self.fields = fields
        self.other_fields: list[tuple[bytes, ...] | None] | None = None
        self.values: list[tuple[bytes, ...]] = []

    def __copy__(self) -> "Columns":
        columns = Columns(self.fields)
        columns.times, columns.sequences = self.times.copy(), self.sequences.copy()
        columns.other_fields = None if self.other_fields is None else self.other_fields.copy()
        columns.values = self.values.copy()
        return columns

    def delete(self, start: int, stop: int) -> None:
        """Delete entries by their position."""
        del self.times[start:stop], self.sequences[start:stop], self.values[start:stop]
        if self.other_fields is not None:
            del self.other_fields[start:stop]

    def runs(self, start: int, stop: int) -> list[Run]:
        """The entries from one position to another, at least one, as few runs."""
        times, sequences, values = self.times[start:stop], self.sequences[start:stop], self.values[start:stop]
        if self.other_fields is None:
            return [(times, sequences, self.fields, values)]
        runs: list[Run] = []
        first = 0
        for fields, same in groupby(self.other_fields[start:stop]):
            last = first + len(list(same))
            runs.append((times[first:last], sequences[first:last], fields or self.fields, values[first:last]))
            first = last
        return runs

    def entry(self, place: int) -> Entry:
        """One entry."""
        fields = None if self.other_fields is None else self.other_fields[place]
        return self.at(place), fields or self.fields, self.values[place]

    def entries(self) -> list[Entry]:
        """All entries, each for itself."""
        return entries_of(self.runs(0, len(self.times))) if self.times else []


class Node:
    """Entries that follow one another.

    Attributes:
        first: the id of the entry that it was made for, which may be deleted since.
        last: the id of the entry that came last, which may be deleted since.
        fields: those of the entry that it was made for; most others have the same.
        live: how many entries it has.
        total: the same, with those that were deleted.
        size: the length of Redis's listpack in bytes, but for the two counters.
        columns: all of them in order; None of a closed node.
    """

    __slots__ = ("_is_changed", "_packed", "columns", "fields", "first", "last", "live", "size", "total")

    def __init__(self, first: StreamId, fields: tuple[bytes, ...]) -> None:
        self.first = self.last = first
        self.fields = fields
        self.live = self.total = 0
        self.size = LISTPACK_FRAME + integer_size(len(fields)) + sum(map(text_size, fields)) + integer_size(0)
        self.columns: Columns | None = Columns(fields)
        self._packed = b""
        self._is_changed = True

    def __copy__(self) -> "Node":
        node = Node(self.first, self.fields)
        node.last, node.live, node.total, node.size = self.last, self.live, self.total, self.size
        node.columns = None if self.columns is None else copy(self.columns)
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
        columns = self.columns
        assert columns is not None
        if fields == self.fields:
            size += 2 if count < 1 << 6 else integer_size(count + 3)
            if columns.other_fields is not None:
                columns.other_fields.append(None)
        else:
            size += integer_size(count) + sum(map(text_size, fields)) + integer_size(2 * count + 4)
            if columns.other_fields is None:
                columns.other_fields = [None] * self.live
            columns.other_fields.append(fields)
        if count == 1 and 0 < (length := len(values[0])) < 1 << 6 and values[0][0] > NINE:
            self.size = size + length + 2
        else:
            self.size = size + sum(map(text_size, values))
        self.live += 1
        self.total += 1
        self.last = id_
        if not self._is_changed:
            self._change()
        columns.times.append(ms)
        columns.sequences.append(sequence)
        columns.values.append(values)

    def delete(self, start: int, stop: int) -> None:
        """Delete entries by their position; the node must be open."""
        assert self.columns is not None
        self.columns.delete(start, stop)
        self.live -= stop - start
        if not self._is_changed:
            self._change()

    def open(self) -> Columns:
        """Unpack the entries, if they are packed, and answer them."""
        columns = self.columns
        if columns is None:
            columns = self.columns = self._unpack()
        return columns

    def close(self) -> None:
        """Pack the entries, unless that would not pay."""
        if self.columns is None or self.size > CLOSABLE_BYTES:
            return
        if self._is_changed:
            self._packed = self._pack(self.columns)
            self._is_changed = False
        self.columns = None

    def packed_size(self) -> int:
        """How many bytes the packed entries take, if they are packed."""
        return len(self._packed)

    def _change(self) -> None:
        self._is_changed = True
        self._packed = b""

    def _pack(self, columns: Columns) -> bytes:
        times = columns.times
        steps = [*map(sub, times, (self.first[0], *times))]
        return marshal.dumps((column(steps), column(columns.sequences), columns.other_fields, tuple(columns.values)))

    def _unpack(self) -> Columns:
        columns = Columns(self.fields)
        steps, sequences, columns.other_fields, values = marshal.loads(self._packed)  # noqa: S302 - from nobody but `_pack`
        columns.values = [*values]
        columns.sequences = [*numbers(sequences)]
        if steps == bytes(len(values)):  # all are of one time, and share the number
            columns.times = [self.first[0]] * len(values)
        else:
            columns.times = [*islice(accumulate(numbers(steps), initial=self.first[0]), 1, None)]
        return columns


def entries_of(runs: Iterable[Run]) -> list[Entry]:
    """The entries, each for itself."""
    return [
        (id_, fields, each)
        for times, sequences, fields, values in runs
        for id_, each in zip(ids_of(times, sequences), values, strict=True)
    ]


def runs_of(
    entries: Sequence[tuple[StreamId, Fields, tuple[bytes, ...]]],
) -> list[tuple[list[int], list[int], Fields, list[tuple[bytes, ...]]]]:
    """Entries as runs, as few as there can be; what stands for their fields does not matter."""
    runs = []
    for fields, same in groupby(entries, itemgetter(1)):
        ids, _, values = zip(*same, strict=True)
        times, sequences = zip(*ids, strict=True)
        runs.append(([*times], [*sequences], fields, [*values]))
    return runs


def ids_of(times: Sequence[int], sequences: Sequence[int]) -> Iterable[StreamId]:
    """Ids of their halves."""
    return zip(times, sequences, strict=True)


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
