"""Consumer groups of a stream: who has got which entries, and has not acknowledged them yet.

An entry that was delivered is **pending** until it is acknowledged. Its `Pending` stands in the group's list, and tells
whose it is. A list is a dictionary by id; its order is made when somebody asks for it first and kept until the list is
empty. So are the lists of what each consumer has: who only reads and acknowledges pays for neither.

While nobody works with the stream, the list is packed into one bytes object, if it is short, as the nodes are
(stream_node.py): it takes a tenth of the memory then.
"""

import marshal
from collections.abc import Iterable, Iterator, Sequence
from sys import getsizeof
from typing import Final, NamedTuple, Self

from sortedcontainers import SortedList  # type: ignore[import-untyped] # it has no annotations

from respstore.keyspace.stream_node import StreamId, column, numbers

PACKABLE: Final = 64
"""A longer list of pending entries stays as it is: to pack it, and to unpack it, would take long."""


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


class PendingList:
    """Pending entries by id, in order.

    Attributes:
        greatest: no id that is or was in it is greater.
    """

    __slots__ = ("_by_id", "_order", "greatest")

    def __init__(self) -> None:
        self.greatest: StreamId = (0, 0)
        self._by_id: dict[StreamId, Pending] = {}
        self._order: SortedList | None = None

    def __len__(self) -> int:
        return len(self._by_id)

    def table_size(self) -> int:
        """Bytes of the dictionary, without its entries."""
        return getsizeof(self._by_id)

    def packed(self) -> bytes:
        """All of it, for `unpacked`."""
        by_id = self._by_id
        places: dict[Pending, int] = {}
        kinds = [places.setdefault(pending, len(places)) for pending in by_id.values()]
        columns = map(column, ([id_[0] for id_ in by_id], [id_[1] for id_ in by_id], kinds))
        pendings = [(consumer.name, delivered, deliveries) for consumer, delivered, deliveries in places]
        return marshal.dumps((self.greatest, pendings, *columns))

    @classmethod
    def unpacked(cls, packed: bytes, consumers: dict[bytes, "Consumer"]) -> Self:
        """The list of which `packed` tells; the consumers are the group's."""
        greatest, pendings, times, sequences, kinds = marshal.loads(packed)  # noqa: S302 - from nobody but `packed`
        each = [Pending(consumers[name], delivered, deliveries) for name, delivered, deliveries in pendings]
        ids = zip(numbers(times), numbers(sequences), strict=True)
        self = cls()
        self.greatest = greatest
        self._by_id = dict(zip(ids, map(each.__getitem__, numbers(kinds)), strict=True))
        return self

    def get(self, id_: StreamId) -> Pending | None:
        """The pending entry of that id."""
        return self._by_id.get(id_)

    def put(self, id_: StreamId, pending: Pending) -> None:
        """Add an entry, or say anew how it was delivered."""
        if self._order is not None and id_ not in self._by_id:
            self._order.add(id_)
        self._by_id[id_] = pending
        self.greatest = max(self.greatest, id_)

    def extend(self, ids: Sequence[StreamId], pending: Pending) -> None:
        """Add entries, in order, whose ids are all greater than `greatest`."""
        self.greatest = ids[-1]
        by_id = self._by_id
        for id_ in ids:  # in less than half the time of `update` with a dictionary that is made for it
            by_id[id_] = pending
        if self._order is not None:
            self._order.update(ids)

    def remove(self, id_: StreamId) -> None:
        """Remove an entry that is there."""
        del self._by_id[id_]
        if not self._by_id:
            self._order = None
        elif self._order is not None:
            self._order.remove(id_)

    def items(self, start: StreamId, end: StreamId | None = None) -> Iterator[tuple[StreamId, Pending]]:
        """Entries from an id, in order, to the end or to an id; those that were passed by may be changed meanwhile."""
        if not self._by_id:
            return
        order = self._ordered()
        id_: StreamId | None = next(order.irange(start, end), None)
        while id_ is not None:
            yield id_, self._by_id[id_]
            id_ = next(order.irange(id_, end, inclusive=(False, True)), None)

    def ends(self) -> tuple[StreamId, StreamId]:
        """The smallest and the greatest id; there must be one."""
        order = self._ordered()
        return order[0], order[-1]

    def in_any_order(self) -> Iterable[tuple[StreamId, Pending]]:
        """All entries; nothing may be changed meanwhile."""
        return self._by_id.items()

    def _ordered(self) -> SortedList:
        if self._order is None:
            self._order = SortedList(self._by_id)
        return self._order


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
            parts = self._parts = {each: PendingList() for each in self.consumers.values()}
            for id_, pending in self.pending.in_any_order():
                parts[pending.consumer].put(id_, pending)
        elif consumer not in parts:
            parts[consumer] = PendingList()
        return parts[consumer]

    def tables_size(self) -> int:
        """Bytes of all dictionaries by id, without their entries."""
        return self.pending.table_size() + sum([part.table_size() for part in (self._parts or {}).values()])

    def deliver(self, ids: Sequence[StreamId], consumer: Consumer, now: int) -> None:
        """Give a consumer entries for the first time; a pending one (after XGROUP SETID) changes hands."""
        pending = self._latest
        if pending is None or pending.delivered != now or pending.consumer is not consumer:
            pending = self._latest = Pending(consumer, now, 1)
        known = self.pending
        if ids[0] > known.greatest:  # most often so: nobody has to look whether one is pending already
            known.extend(ids, pending)
            consumer.has += len(ids)
            if self._parts is not None:
                self.pending_of(consumer).extend(ids, pending)
        else:
            for id_ in ids:
                self.give(id_, pending)

    def give(self, id_: StreamId, pending: Pending) -> None:
        """Let a consumer have an entry, whoever has it up to now."""
        consumer = pending.consumer
        known = self.pending.get(id_)
        if known is None or known.consumer is not consumer:
            consumer.has += 1
            if known is not None:
                self._take_from(known.consumer, id_)
        self.pending.put(id_, pending)
        if self._parts is not None:
            self.pending_of(consumer).put(id_, pending)

    def settle(self, id_: StreamId) -> bool:
        """Forget a pending entry.

        Returns:
            Whether it was pending.
        """
        pending = self.pending.get(id_)
        if pending is None:
            return False
        self._take_from(pending.consumer, id_)
        self._remove(id_)
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
            for id_, _ in self.pending_of(consumer).in_any_order():
                self._remove(id_)
        if self._parts is not None:
            self._parts.pop(consumer, None)
        del self.consumers[name]
        return consumer.has

    def _take_from(self, consumer: Consumer, id_: StreamId) -> None:
        consumer.has -= 1
        if self._parts is not None:
            self._parts[consumer].remove(id_)

    def _remove(self, id_: StreamId) -> None:
        self.pending.remove(id_)
        if not self.pending:
            self._parts = None
