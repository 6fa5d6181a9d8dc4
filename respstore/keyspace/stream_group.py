"""Consumer groups of a stream: who has got which entries, and has not acknowledged them yet.

An entry that was delivered is **pending** until it is acknowledged. Its `Pending` stands in the group's list, and tells
whose it is. The lists of what each consumer has are made when somebody asks for one, and kept until the group's list is
empty: who only reads and acknowledges does not pay for them.

A list is in the order of the ids. It consists of blocks, each with some hundred ids in two columns of numbers, which
take a tenth of the memory that as many tuples would, and which Python's garbage collector need not look through. To
find an id takes two bisections, to add or remove one moves what stands behind it in its block.

While nobody works with the stream, the list is packed into one bytes object, if it is short, as the nodes are
(stream_node.py): it takes a tenth of the memory then.
"""

import marshal
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, Self

from respstore.keyspace.stream_node import UNSIGNED, Ids, StreamId, column, ids_of, numbers

_FIRST: Final[StreamId] = (0, 0)
PACKABLE: Final = 64
"""A longer list of pending entries stays as it is: to pack it, and to unpack it, would take long."""
BLOCK: Final = 512
"""The most ids of a block."""
SMALL_BLOCK: Final = BLOCK // 4
"""A block of fewer ids is joined with one beside it, if they fit into one."""
_PLACE_BYTES: Final = 8
"""In a column."""
_BLOCK_BYTES: Final = 400
"""Of a block that has no ids, with its places in the list."""
_PENDING_BYTES: Final = 112
"""Of a `Pending` with the time in it."""


class Pending(NamedTuple):
    """How an entry was delivered that is not acknowledged. All that were delivered to one at the same time share one.

    Attributes:
        consumer: who has it.
        delivered: when it was delivered last, in wall-clock ms.
        deliveries: how often.
    """

    consumer: "Consumer"
    delivered: int
    deliveries: int


_Columns = tuple["array[int]", "array[int]", list[Pending]]
"""The halves of ids, and how each entry was delivered."""


class _Block(Ids):
    """Some pending entries, side by side.

    Attributes:
        times, sequences: the halves of their ids.
        pendings: how each was delivered.
    """

    __slots__ = ("pendings",)

    times: "array[int]"
    sequences: "array[int]"

    def __init__(self) -> None:
        self.times = array(UNSIGNED)
        self.sequences = array(UNSIGNED)
        self.pendings: list[Pending] = []

    def insert(self, place: int, id_: StreamId, pending: Pending) -> None:
        """Add one there."""
        self.times.insert(place, id_[0])
        self.sequences.insert(place, id_[1])
        self.pendings.insert(place, pending)

    def join(self, other: "_Block") -> None:
        """Add those of the block behind."""
        self.times += other.times
        self.sequences += other.sequences
        self.pendings += other.pendings

    def split(self) -> "_Block":
        """Leave half of them here, and answer a block of the others."""
        half, other = len(self.times) // 2, _Block()
        other.times, self.times = self.times[half:], self.times[:half]
        other.sequences, self.sequences = self.sequences[half:], self.sequences[:half]
        other.pendings, self.pendings = self.pendings[half:], self.pendings[:half]
        return other


class PendingList:
    """Pending entries by id, in order.

    Attributes:
        greatest: no id that is or was in it is greater.
    """

    __slots__ = ("_blocks", "_changes", "_firsts", "_kinds", "_length", "greatest")

    def __init__(self) -> None:
        self.greatest = _FIRST
        self._length = 0
        self._blocks = [_Block()]  # none is empty, but a single one
        self._firsts = [_FIRST]  # by block: no id there is smaller, all before it are
        self._changes = 0  # counts up when places change
        self._kinds = 0  # so many different `Pending`s are in it at most

    def __len__(self) -> int:
        return self._length

    def blocks_size(self) -> int:
        """Bytes of the blocks."""
        return len(self._blocks) * _BLOCK_BYTES + 3 * _PLACE_BYTES * self._length

    def pendings_size(self) -> int:
        """Bytes of what tells how entries were delivered, at most."""
        return min(self._kinds, self._length) * _PENDING_BYTES

    def packed(self) -> bytes:
        """All of it, for `unpacked`."""
        places: dict[Pending, int] = {}
        times, sequences, kinds = array(UNSIGNED), array(UNSIGNED), array(UNSIGNED)
        for block in self._blocks:
            times += block.times
            sequences += block.sequences
            kinds.extend([places.setdefault(pending, len(places)) for pending in block.pendings])
        pendings = [(consumer.name, delivered, deliveries) for consumer, delivered, deliveries in places]
        return marshal.dumps((self.greatest, pendings, *[column(each.tolist()) for each in (times, sequences, kinds)]))

    @classmethod
    def unpacked(cls, packed: bytes, consumers: dict[bytes, "Consumer"]) -> Self:
        """The list of which `packed` tells; the consumers are the group's."""
        greatest, pendings, times, sequences, kinds = marshal.loads(packed)  # noqa: S302 - from nobody but `packed`
        each = [Pending(consumers[name], delivered, deliveries) for name, delivered, deliveries in pendings]
        self = cls._of(
            array(UNSIGNED, [*numbers(times)]),
            array(UNSIGNED, [*numbers(sequences)]),
            [*map(each.__getitem__, numbers(kinds))],
        )
        self.greatest = greatest
        self._kinds = len(each)
        return self

    def by_consumer(self, consumers: Iterable["Consumer"]) -> dict["Consumer", Self]:
        """A list of what each has; they must be all who have something."""
        columns: dict[Consumer, _Columns] = {each: (array(UNSIGNED), array(UNSIGNED), []) for each in consumers}
        for block in self._blocks:
            for ms, sequence, pending in zip(block.times, block.sequences, block.pendings, strict=True):
                times, sequences, pendings = columns[pending.consumer]
                times.append(ms)
                sequences.append(sequence)
                pendings.append(pending)
        return {each: self._of(*own) for each, own in columns.items()}

    @classmethod
    def _of(cls, times: "array[int]", sequences: "array[int]", pendings: list[Pending]) -> Self:
        """A list of entries that are in order."""
        self = cls()
        if times:
            self._length = self._kinds = len(times)
            self.greatest = times[-1], sequences[-1]
        for start in range(0, len(times), BLOCK):
            end = start + BLOCK
            block = self._begin_block((times[start], sequences[start])) if start else self._blocks[0]
            block.times, block.sequences = times[start:end], sequences[start:end]
            block.pendings = pendings[start:end]
        return self

    def get(self, id_: StreamId) -> Pending | None:
        """The pending entry of that id."""
        block = self._blocks[bisect_right(self._firsts, id_, 1) - 1]
        place = block.find(id_)
        return None if place < 0 else block.pendings[place]

    def put(self, id_: StreamId, pending: Pending) -> Pending | None:
        """Add an entry, or say anew how it was delivered.

        Returns:
            How it was delivered before, if it was pending.
        """
        number = bisect_right(self._firsts, id_, 1) - 1
        block = self._blocks[number]
        place = block.find(id_)
        if place >= 0:
            before = block.pendings[place]
            block.pendings[place] = pending
            self._kinds += 1
            return before
        place = block.place_of(id_)
        if not place or block.pendings[place - 1] is not pending:
            self._kinds += 1
        block.insert(place, id_, pending)
        if len(block.times) > BLOCK:
            self._blocks.insert(number + 1, other := block.split())
            self._firsts.insert(number + 1, other.at(0))
        self._length += 1
        self._changes += 1
        self.greatest = max(self.greatest, id_)
        return None

    def extend(self, times: list[int], sequences: list[int], pending: Pending) -> None:
        """Add entries, in order, whose ids are all greater than `greatest`; these are their halves."""
        block = self._blocks[-1]
        pendings = block.pendings
        count = len(times)
        if len(pendings) + count > BLOCK:
            room = BLOCK - len(pendings)
            if room:
                self.extend(times[:room], sequences[:room], pending)
            for start in range(room, count, BLOCK):
                self._begin_block((times[start], sequences[start]))
                self.extend(times[start : start + BLOCK], sequences[start : start + BLOCK], pending)
            return
        if not pendings or pendings[-1] is not pending:
            self._kinds += 1
        block.times.fromlist(times)
        block.sequences.fromlist(sequences)
        pendings += [pending] * count
        self._length += count
        self.greatest = times[-1], sequences[-1]

    def remove(self, id_: StreamId) -> Pending | None:
        """Remove an entry.

        Returns:
            How it was delivered; None if it was not pending.
        """
        number = bisect_right(self._firsts, id_, 1) - 1
        block = self._blocks[number]
        place = block.find(id_)
        if place < 0:
            return None
        del block.times[place], block.sequences[place]
        pending = block.pendings.pop(place)
        self._length -= 1
        self._changes += 1
        if not self._length:
            self._kinds = 0
        elif len(block.pendings) < SMALL_BLOCK and len(self._blocks) > 1:
            self._join_around(number)
        return pending

    def items(self, start: StreamId, end: StreamId | None = None) -> Iterator[tuple[StreamId, Pending]]:
        """Entries from an id, in order, to the end or to an id; those that were passed by may be changed meanwhile."""
        blocks = self._blocks
        number = self._number_of(start)
        place = blocks[number].place_of(start)
        changes = self._changes
        while number < len(blocks):
            block = blocks[number]
            while place < len(block.times):
                id_ = block.at(place)
                if end is not None and id_ > end:
                    return
                yield id_, block.pendings[place]
                place += 1
                if self._changes != changes:
                    changes = self._changes
                    behind = id_[0], id_[1] + 1
                    number = self._number_of(behind)
                    block = blocks[number]
                    place = block.place_of(behind)
            number += 1
            place = 0

    def ends(self) -> tuple[StreamId, StreamId]:
        """The smallest and the greatest id; there must be one."""
        return self._blocks[0].at(0), self._blocks[-1].at(-1)

    def _number_of(self, id_: StreamId) -> int:
        """The number of the block where an id stands, or would."""
        return bisect_right(self._firsts, id_, 1) - 1

    def _begin_block(self, first: StreamId) -> _Block:
        """A new one, behind all others."""
        block = _Block()
        self._blocks.append(block)
        self._firsts.append(first)
        return block

    def _join_around(self, number: int) -> None:
        """Join a block with one of those beside it, if they fit into one."""
        blocks = self._blocks
        for first in (number - 1, number):
            if 0 <= first < len(blocks) - 1 and len(blocks[first].times) + len(blocks[first + 1].times) <= BLOCK:
                blocks[first].join(blocks[first + 1])
                del blocks[first + 1], self._firsts[first + 1]
                return


class Consumer:
    """One that reads for a group.

    Attributes:
        name: its name.
        seen: when it asked for something last, in wall-clock ms.
        has: how many entries it has; `Group.pending_of` tells which.
    """

    __slots__ = ("has", "name", "seen")

    def __init__(self, name: bytes, seen: int) -> None:
        self.name = name
        self.seen = seen
        self.has = 0


class Group:
    """A consumer group.

    Attributes:
        last_id: of the last entry that was delivered.
        entries_read: how many entries of the stream, of those that there ever were, come up to it; None if unknown.
        pending: what its consumers have.
        consumers: by name.
    """

    __slots__ = ("_latest", "_packed", "_parts", "_pending", "consumers", "entries_read", "last_id")

    def __init__(self, last_id: StreamId, entries_read: int | None = None) -> None:
        self.last_id = last_id
        self.entries_read = entries_read
        self._pending: PendingList | None = PendingList()
        self._packed = b""  # `pending`, if that is packed
        self._latest: Pending | None = None  # how entries were delivered last
        self.consumers: dict[bytes, Consumer] = {}
        self._parts: dict[Consumer, PendingList] | None = None  # `pending` by consumer, once somebody asked

    def __copy__(self) -> "Group":
        group = Group(self.last_id, self.entries_read)
        for name, consumer in self.consumers.items():
            group.consumers[name] = Consumer(name, consumer.seen)
            group.consumers[name].has = consumer.has
        group._packed = self._packed or self.pending.packed()
        group._pending = None
        return group

    @property
    def pending(self) -> PendingList:
        """What its consumers have."""
        pending = self._pending
        if pending is None:
            pending = self._pending = PendingList.unpacked(self._packed, self.consumers)
            self._packed = b""
        return pending

    @property
    def is_packed(self) -> bool:
        """Whether what its consumers have is packed: who just looks, packs it again."""
        return self._pending is None

    def pack(self) -> None:
        """Pack what its consumers have, until somebody looks into it, unless that would take long."""
        pending = self._pending
        if pending is not None and len(pending) <= PACKABLE:
            self._packed = pending.packed()
            self._pending = self._parts = None

    def pending_of(self, consumer: Consumer) -> PendingList:
        """What one of the consumers has; to be looked at only."""
        parts = self._parts
        if parts is None:
            parts = self._parts = self.pending.by_consumer(self.consumers.values())
        elif consumer not in parts:
            parts[consumer] = PendingList()
        return parts[consumer]

    def pending_size(self) -> int:
        """Bytes of what is pending, which stays packed if it is."""
        pending = self._pending
        if pending is None:
            return len(self._packed)
        parts = sum([part.blocks_size() for part in (self._parts or {}).values()])
        return pending.blocks_size() + pending.pendings_size() + parts

    def deliver(self, times: list[int], sequences: list[int], consumer: Consumer, now: int) -> None:
        """Give a consumer entries for the first time; a pending one (after XGROUP SETID) changes hands.

        Args:
            times, sequences: the halves of their ids, which are in order.
            consumer: who gets them.
            now: wall-clock ms.
        """
        pending = self._latest
        if pending is None or pending.delivered != now or pending.consumer is not consumer:
            pending = self._latest = Pending(consumer, now, 1)
        known = self._pending
        if known is None:
            known = self.pending
        if (times[0], sequences[0]) > known.greatest:  # most often so: nobody need look whether one is pending already
            known.extend(times, sequences, pending)
            consumer.has += len(times)
            if self._parts is not None:
                self.pending_of(consumer).extend(times, sequences, pending)
        else:
            for id_ in ids_of(times, sequences):
                self.give(id_, pending)

    def give(self, id_: StreamId, pending: Pending) -> None:
        """Let a consumer have an entry, whoever has it up to now."""
        consumer = pending.consumer
        known = self.pending.put(id_, pending)
        if known is None or known.consumer is not consumer:
            consumer.has += 1
            if known is not None:
                known.consumer.has -= 1
                if self._parts is not None:
                    self._parts[known.consumer].remove(id_)
        if self._parts is not None:
            self.pending_of(consumer).put(id_, pending)

    def settle(self, id_: StreamId) -> bool:
        """Forget a pending entry.

        Returns:
            Whether it was pending.
        """
        pending = self.pending.remove(id_)
        if pending is None:
            return False
        consumer = pending.consumer
        consumer.has -= 1
        if self._parts is not None:
            self._parts[consumer].remove(id_)
            if not self.pending:
                self._parts = None
        return True

    def remove_consumer(self, name: bytes) -> int:
        """Remove a consumer, and forget what it has.

        Returns:
            How many entries that were; 0 as well if there is no such consumer.
        """
        consumer = self.consumers.get(name)
        if consumer is None:
            return 0
        if consumer.has:
            for id_, _ in self.pending_of(consumer).items(_FIRST):
                self.pending.remove(id_)
        if self._parts is not None:
            self._parts.pop(consumer, None)
            if not self.pending:
                self._parts = None
        del self.consumers[name]
        return consumer.has
