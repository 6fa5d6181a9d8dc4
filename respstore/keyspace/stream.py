"""A stream: entries in the order of their ids, and the consumer groups that read them.

The entries stand in nodes (stream_node.py), in a list sorted by their first ids, so that an id is found by bisection.
While somebody works with the stream the last node is open, and so are the few that were looked into last; all others
are packed (when that is over, streams_in_use.py knows). So is what groups have read. A stream whose last entry is gone
still is a key: it remembers the last id, and its groups.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from typing import Final, Self

from respstore.keyspace.radix_tree import count_nodes, nodes_due_to
from respstore.keyspace.stream_group import Group
from respstore.keyspace.stream_node import Columns, Entry, Node, Run, StreamId, entries_of, id_bytes

MAX_HALF: Final = 2**64 - 1
MIN_ID: Final[StreamId] = (0, 0)
MAX_ID: Final[StreamId] = (MAX_HALF, MAX_HALF)
_COUNTERS: Final = 20
"""The most that a node's two counters may take: with so much room, nobody need look closer."""
OPEN_NODES: Final = 2
"""How many nodes stay open besides the last: the first while it is trimmed, and one that is being read."""
PACKABLE_GROUPS: Final = 8
"""More groups than these stay as they are: to pack all of them would take long."""


def next_id(id_: StreamId) -> StreamId | None:
    """The smallest id that is greater, None if there is none."""
    ms, sequence = id_
    if sequence < MAX_HALF:
        return ms, sequence + 1
    return (ms + 1, 0) if ms < MAX_HALF else None


def previous_id(id_: StreamId) -> StreamId | None:
    """The greatest id that is smaller, None if there is none."""
    ms, sequence = id_
    if sequence:
        return ms, sequence - 1
    return (ms - 1, MAX_HALF) if ms else None


class Stream:
    """A stream.

    Attributes:
        length: how many entries it has.
        last_id: of the entry that came last, which may be deleted since; or as XSETID says.
        first_id: of the first entry; 0-0 if there is none.
        max_deleted_id: the greatest that XDEL has deleted; 0-0 if it has deleted none.
        entries_added: how many there ever were; or as XSETID says.
        groups: by name.
        is_in_use: somebody worked with it lately (streams_in_use.py).
        announced: counts up whenever readers that wait for the stream are to look at it again. They must not do so at
            each change: XSETID can show what they wait for, but does not tell them (nor does it in Redis).
    """

    __slots__ = (
        "_firsts",
        "_nodes",
        "_opened",
        "_tree_nodes",
        "announced",
        "entries_added",
        "first_id",
        "groups",
        "is_in_use",
        "last_id",
        "length",
        "max_deleted_id",
    )

    def __init__(self) -> None:
        self.length = 0
        self.last_id = MIN_ID
        self.first_id = MIN_ID
        self.max_deleted_id = MIN_ID
        self.entries_added = 0
        self.groups: dict[bytes, Group] = {}
        self.is_in_use = False
        self.announced = 0
        self._nodes: list[Node] = []
        self._firsts: list[StreamId] = []  # of the nodes
        self._opened: list[Node] = []
        self._tree_nodes: int | None = None  # of Redis's tree, kept up to date once somebody has asked

    @classmethod
    def of(cls, nodes: Sequence[Node]) -> Self:
        """A packed stream of nodes that were made elsewhere, open and with an entry in each.

        Raises:
            ValueError: they are not in order.
        """
        stream = cls()
        stream._nodes = list(nodes)
        stream._firsts = [node.first for node in nodes]
        if any(node.last >= following for node, following in zip(nodes, stream._firsts[1:], strict=False)):
            raise ValueError("a stream whose nodes are not in order")
        for node in nodes[:-1]:
            node.close()
            if node.columns is not None:
                stream._note_open(node)
        stream.length = stream.entries_added = sum(node.live for node in nodes)
        stream._find_first()
        stream.last_id = stream.last_entry_id()
        stream.pack()
        return stream

    def __copy__(self) -> "Stream":
        stream = Stream()
        for name in ("length", "last_id", "first_id", "max_deleted_id", "entries_added"):
            setattr(stream, name, getattr(self, name))
        stream.groups = {name: copy(group) for name, group in self.groups.items()}
        stream._nodes = [copy(node) for node in self._nodes]
        stream._firsts = self._firsts.copy()
        stream._opened = [node for node in stream._nodes[:-1] if node.columns is not None]
        return stream

    # Adding

    def append(self, entry: Entry, length: int, max_bytes: int, max_entries: int) -> None:
        """Add an entry.

        Args:
            entry: its id must be greater than `last_id`.
            length: of its fields and values together, in bytes.
            max_bytes, max_entries: how much goes into a node (stream-node-max-bytes, stream-node-max-entries).
        """
        id_, fields, _ = entry
        nodes = self._nodes
        node = nodes[-1] if nodes else None
        if node is None or (
            (node.total >= max_entries or node.size + _COUNTERS + length >= max_bytes)
            and not node.has_room(length, max_bytes, max_entries)
        ):
            if node is not None:
                self._note_open(node)
                if fields == node.fields:
                    fields = node.fields
            node = Node(id_, fields)
            nodes.append(node)
            self._firsts.append(id_)
            if self._tree_nodes is not None:
                self._tree_nodes += nodes_due_to(self._firsts, len(nodes) - 1, id_bytes)
        elif node.columns is None:
            node.open()
        node.append(entry)
        if not self.length:
            self.first_id = id_
        self.length += 1
        self.entries_added += 1
        self.last_id = id_

    # Reading

    def runs(self, start: StreamId, end: StreamId, count: int | None = None) -> list[Run]:
        """Entries from an id to another, both included, at most `count` (at least one), in order."""
        found: list[Run] = []
        nodes = self._nodes
        for index in range(max(bisect_right(self._firsts, start) - 1, 0), len(nodes)):
            node = nodes[index]
            if node.first > end:
                break
            if node.last < start or not node.live:
                continue
            columns = node.columns or self._open(node)
            first = columns.place_of(start) if start > node.first else 0
            last = node.live if node.last <= end else columns.place_of(_just_behind(end))
            if count is not None:
                last = min(last, first + count)
                count -= last - first
            if first < last:
                found += columns.runs(first, last)
            if count == 0:
                break
        return found

    def reversed_runs(self, start: StreamId, end: StreamId, count: int | None = None) -> list[Run]:
        """As `runs`, but from the last entry to the first."""
        found: list[Run] = []
        for index in range(bisect_right(self._firsts, end) - 1, -1, -1):
            node = self._nodes[index]
            if node.last < start:
                break
            if not node.live:
                continue
            columns = self._open(node)
            first = columns.place_of(start) if start > node.first else 0
            last = node.live if node.last <= end else columns.place_of(_just_behind(end))
            if count is not None:
                first = max(first, last - count)
                count -= last - first
            if first < last:
                for times, sequences, fields, values in reversed(columns.runs(first, last)):
                    found.append((times[::-1], sequences[::-1], fields, values[::-1]))
            if count == 0:
                break
        return found

    def get(self, id_: StreamId) -> Entry | None:
        """The entry of that id."""
        found = self._find(id_)
        return None if found is None else self._open(found[0]).entry(found[1])

    def last_entry_id(self) -> StreamId:
        """The id of the last entry that is there; 0-0 if there is none."""
        if not self.length:
            return MIN_ID
        columns = self._nodes[-1].columns
        if columns is not None and columns.times:
            return columns.at(-1)
        ((times, sequences, _, _),) = self.reversed_runs(MIN_ID, MAX_ID, 1)
        return times[0], sequences[0]

    def __iter__(self) -> Iterator[Entry]:
        for node in list(self._nodes):
            yield from self._open(node).entries()

    # Deleting

    def delete(self, ids: Iterable[StreamId]) -> int:
        """Delete entries (XDEL).

        Returns:
            How many were there.
        """
        deleted = 0
        for id_ in ids:
            found = self._find(id_)
            if found is None:
                continue
            node, position = found
            if node.live == 1:
                self._remove(bisect_left(self._firsts, node.first))
            else:
                node.delete(position, position + 1)
            self.length -= 1
            self.max_deleted_id = max(self.max_deleted_id, id_)
            deleted += 1
        if deleted:
            self._find_first()
        return deleted

    def trim_to_length(self, length: int, limit: int | None = None) -> int:
        """Delete the first entries until no more than `length` are left.

        Args:
            length: how many may stay.
            limit: None to do exactly this. Otherwise only whole nodes are removed, as long as enough entries are left
                and no more than `limit` are deleted; 0 for no such limit.

        Returns:
            How many were deleted.
        """
        before, nodes = self.length, self._nodes
        while nodes and self.length > length:
            live = nodes[0].live
            if limit and before - self.length + live > limit:
                break
            if self.length - live >= length:
                self._remove_first()
            else:
                if limit is None:
                    self._delete_first_entries(self.length - length)
                break
        return self._trimmed(before)

    def trim_to_id(self, id_: StreamId, limit: int | None = None) -> int:
        """Delete the entries with smaller ids; otherwise as `trim_to_length`."""
        before, nodes = self.length, self._nodes
        while nodes:
            node = nodes[0]
            if limit and before - self.length + node.live > limit:
                break
            if node.last < id_:
                self._remove_first()
            else:
                if limit is None:
                    self._delete_first_entries(self._open(node).place_of(id_))
                break
        return self._trimmed(before)

    # What groups have read

    def advance(self, group: Group, runs: Sequence[Run]) -> None:
        """Note that a group is given entries, at least one, whose ids are behind its last one, in order."""
        times, sequences, _, _ = runs[0]
        if group.entries_read is not None and not self._may_lack_entries((times[0], sequences[0])):
            for times, _, _, _ in runs:
                group.entries_read += len(times)
        elif self.entries_added:
            # Only from the first id behind the deleted ones does counting make sense again.
            known = group.entries_read
            for id_, _, _ in entries_of(runs):
                if known is not None and not self._may_lack_entries(id_):
                    known += 1
                else:
                    known = self.count_up_to(id_)
            group.entries_read = known
        times, sequences, _, _ = runs[-1]
        group.last_id = times[-1], sequences[-1]

    def lag_of(self, group: Group) -> int | None:
        """How many entries a group has not got yet; None if that is unknown."""
        if not self.entries_added:
            return 0
        read = group.entries_read
        if read is None or self._may_lack_entries(group.last_id):
            read = self.count_up_to(group.last_id)
        return None if read is None else self.entries_added - read

    def count_up_to(self, id_: StreamId) -> int | None:
        """How many entries, of all that there ever were, come up to an id; None where that cannot be told."""
        if not self.entries_added:
            return 0
        if id_ == self.last_id or (not self.length and id_ < self.last_id):
            return self.entries_added
        if id_ > self.last_id:
            return None
        if self.max_deleted_id == MIN_ID or self.max_deleted_id < self.first_id:
            if id_ < self.first_id:
                return self.entries_added - self.length
            if id_ == self.first_id:
                return self.entries_added - self.length + 1
        return None

    def _may_lack_entries(self, start: StreamId) -> bool:
        """Whether XDEL has deleted an entry from an id on, and one from between those that are there."""
        return self.length > 0 and self.first_id <= self.max_deleted_id >= start

    # What XINFO tells of Redis's representation

    def node_count(self) -> int:
        """How many nodes there are: the keys of Redis's radix tree."""
        return len(self._nodes)

    def radix_tree_nodes(self) -> int:
        """How many nodes Redis's radix tree has."""
        if self._tree_nodes is None:
            self._tree_nodes = count_nodes([*map(id_bytes, self._firsts)])
        return self._tree_nodes

    def nodes(self) -> Sequence[Node]:
        """The nodes in order; to be looked at only."""
        return self._nodes

    def pack(self) -> None:
        """Pack all nodes, and what groups have read, until somebody looks into them."""
        for node in self._opened:
            node.close()
        self._opened.clear()
        if self._nodes:
            self._nodes[-1].close()
        if len(self.groups) <= PACKABLE_GROUPS:
            for group in self.groups.values():
                group.pack()

    # Inside

    def _open(self, node: Node) -> Columns:
        columns = node.columns
        if columns is None:
            columns = node.open()
            if node is not self._nodes[-1]:
                self._note_open(node)
        return columns

    def _note_open(self, node: Node) -> None:
        opened = self._opened
        opened.append(node)
        if len(opened) > OPEN_NODES:
            opened.pop(0).close()

    def _find(self, id_: StreamId) -> tuple[Node, int] | None:
        """The node of an entry, and its position there."""
        index = bisect_right(self._firsts, id_) - 1
        if index < 0:
            return None
        node = self._nodes[index]
        if node.last < id_:
            return None
        position = self._open(node).find(id_)
        return None if position < 0 else (node, position)

    def _remove(self, index: int) -> None:
        if self._tree_nodes is not None:
            self._tree_nodes -= nodes_due_to(self._firsts, index, id_bytes)
        node = self._nodes.pop(index)
        del self._firsts[index]
        if node in self._opened:
            self._opened.remove(node)

    def _remove_first(self) -> None:
        self.length -= self._nodes[0].live
        self._remove(0)

    def _delete_first_entries(self, count: int) -> None:
        node = self._nodes[0]
        self._open(node)
        node.delete(0, count)
        self.length -= count

    def _trimmed(self, before: int) -> int:
        deleted = before - self.length
        if deleted or not self.length:
            self._find_first()
        return deleted

    def _find_first(self) -> None:
        found = entries_of(self.runs(MIN_ID, MAX_ID, 1))
        self.first_id = found[0][0] if found else MIN_ID


def _just_behind(id_: StreamId) -> StreamId:
    """What sorts behind an id and before the next one that an entry may have."""
    return id_[0], id_[1] + 1
