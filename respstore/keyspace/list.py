"""Lists: a deque while it is short, and a `LongList`, plain at its ends and packed in between, once it is long.

Clients work at the ends of lists. There the elements of a long one stand in two deques, the **head** and the **tail**;
what lies deeper is packed in nodes (list_node.py), much as in Redis's quicklist, for it would take three times the
memory otherwise. When nothing is left in between, and one of the ends is used up, the other is both.

An end is packed once it is END_LENGTH long, but for the last END_KEPT elements, and is filled up again when it is used
up, so that both cost a push or a pop little. Nobody measures the ends at each push: as long as `length` is below
`limit`, none has become too long. The limit is set whenever an end was packed or filled; as elements can go from one
end and come to the other, an end may have twice END_LENGTH until then.

What must stay true:

- Who makes a deque longer asks whether it is LONG now, and puts a `LongList` into its place.
- The head and the tail of a long list are empty only if the list is.
- `length` is that of the head, of the nodes and of the tail, if that is another.
- Who pushes to an end without the method sees to it that the list is `settle`d if it has reached its limit.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, compress, islice
from typing import Final

from respstore.keyspace.list_node import NODE_ELEMENTS, Node, nodes_of

END_KEPT: Final = 640
"""Elements of an end that stay plain: more than clients usually ask for at once."""
END_LENGTH: Final = END_KEPT + 5 * NODE_ELEMENTS
"""How long an end becomes before it is packed: so long that it is cheap to move what is kept."""
LONG: Final = END_LENGTH
"""The length from which on a list is kept in a `LongList`."""
_FEW: Final = 8
"""So many elements of an end or a node are deleted one by one."""


class LongList:
    """A long list. It has the methods of a deque that lists need.

    Attributes:
        length: how many elements it has.
        limit: the length at which the ends are to be looked at.
        head, tail: the first elements, and the last; the same object if that is all.
    """

    __slots__ = ("_nodes", "head", "length", "limit", "tail")

    def __init__(self, elements: Iterable[bytes] = ()) -> None:
        self.head = self.tail = deque(elements)
        self._nodes: list[Node] = []  # what is between; nothing if the head is the tail
        self.length = len(self.head)
        self.settle()

    def __copy__(self) -> "LongList":
        copy = LongList()
        copy.head = self.head.copy()
        copy.tail = copy.head if self.tail is self.head else self.tail.copy()
        copy._nodes = self._nodes.copy()
        copy.length, copy.limit = self.length, self.limit
        return copy

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[bytes]:
        if self.head is self.tail:
            return iter(self.head)
        return chain(self.head, chain.from_iterable(node.elements() for node in self._nodes), self.tail)

    def __reversed__(self) -> Iterator[bytes]:
        if self.head is self.tail:
            return reversed(self.head)
        between = chain.from_iterable(reversed(node.elements()) for node in reversed(self._nodes))
        return chain(reversed(self.tail), between, reversed(self.head))

    # At the ends

    def append(self, element: bytes) -> None:
        """Put an element behind the last one."""
        self.tail.append(element)
        self.length += 1
        if self.length >= self.limit:
            self.settle()

    def appendleft(self, element: bytes) -> None:
        """Put an element before the first one."""
        self.head.appendleft(element)
        self.length += 1
        if self.length >= self.limit:
            self.settle()

    def extend(self, elements: Sequence[bytes]) -> None:
        """Put elements behind the last one, one after the other."""
        self.tail.extend(elements)
        self.length += len(elements)
        if self.length >= self.limit:
            self.settle()

    def extendleft(self, elements: Sequence[bytes]) -> None:
        """Put elements before the first one, one after the other."""
        self.head.extendleft(elements)
        self.length += len(elements)
        if self.length >= self.limit:
            self.settle()

    def pop(self) -> bytes:
        """Take the last element, which there must be."""
        tail = self.tail
        element = tail.pop()
        self.length -= 1
        if not tail:
            self.fill_tail()
        return element

    def popleft(self) -> bytes:
        """Take the first element, which there must be."""
        head = self.head
        element = head.popleft()
        self.length -= 1
        if not head:
            self.fill_head()
        return element

    def keep(self, low: int, high: int) -> None:
        """Drop all elements but those from one position up to another, `0 <= low <= high <= length`."""
        self._drop_last(self.length - high)
        self._drop_first(low)

    # Anywhere

    def __getitem__(self, index: int) -> bytes:
        """The element at a position; a negative one counts from the end.

        Raises:
            IndexError: there is no such.
        """
        index = self._checked(index)
        head, tail = self.head, self.tail
        if index < len(head):
            return head[index]
        if index >= self.length - len(tail):
            return tail[index - self.length]
        nodes, number, place = self._locate(index)
        return nodes[number].elements()[place]

    def __setitem__(self, index: int, element: bytes) -> None:
        """Put an element in the place of another; the position is as in `__getitem__`."""
        index = self._checked(index)
        head, tail = self.head, self.tail
        if index < len(head):
            head[index] = element
        elif index >= self.length - len(tail):
            tail[index - self.length] = element
        else:
            nodes, number, place = self._locate(index)
            elements = nodes[number].elements()
            elements[place] = element
            nodes[number] = Node(elements)

    def part(self, low: int, high: int) -> list[bytes]:
        """The elements from one position up to another, `0 <= low <= high <= length`."""
        head, tail = self.head, self.tail
        behind = self.length - len(tail)
        if high <= len(head):
            return part(head, low, high)
        if low >= behind:
            return part(tail, low - behind, high - behind)
        if high <= END_KEPT and self._nodes:
            self.fill_head()  # what was read is likely to be read again, or to be taken
            return self.part(low, high)
        if self.length - low <= END_KEPT and self._nodes:
            self.fill_tail()
            return self.part(low, high)
        found = part(head, low, len(head)) if low < len(head) else []
        found += self._packed_part(max(low, len(head)), min(high, behind))
        if high > behind:
            found += islice(tail, high - behind)
        return found

    def insert(self, index: int, element: bytes) -> None:
        """Put an element before the one at a position, `0 <= index <= length`."""
        behind = self.length - len(self.tail)
        if index <= len(self.head):
            self.head.insert(index, element)
        elif index >= behind:
            self.tail.insert(index - behind, element)
        else:
            nodes, number, place = self._locate(index)
            elements = nodes[number].elements()
            elements.insert(place, element)
            half = len(elements) // 2
            parts = [elements] if len(elements) <= NODE_ELEMENTS else [elements[:half], elements[half:]]
            nodes[number : number + 1] = map(Node, parts)
        self.length += 1
        if self.length >= self.limit:
            self.settle()

    def delete(self, positions: Sequence[int]) -> None:
        """Take out the elements at some positions, which are in ascending order."""
        before, behind = len(self.head), self.length - len(self.tail)
        first, last = bisect_left(positions, before), bisect_left(positions, behind)
        if first < last:
            self._nodes = _without(self._nodes, before, positions[first:last])
        _delete(self.head, positions[:first])
        _delete(self.tail, [position - behind for position in positions[max(first, last) :]])
        self.length -= len(positions)
        if not self.tail:
            self.fill_tail()
        if not self.head:
            self.fill_head()
        self.settle()

    # For those who tell of it

    def ends(self) -> list[deque[bytes]]:
        """The head and, if it is another, the tail; to be looked at only."""
        return [self.head] if self.head is self.tail else [self.head, self.tail]

    def nodes(self) -> Sequence[Node]:
        """What is between the head and the tail; to be looked at only."""
        return self._nodes

    # Inside

    def settle(self) -> None:
        """Pack what lies deep, if the ends have become too long, and set the limit."""
        head, nodes = self.head, self._nodes
        if head is self.tail and len(head) >= END_LENGTH:
            self.tail = deque(islice(head, END_KEPT, None))
            self.head = head = deque(islice(head, END_KEPT))
        elif len(head) >= END_LENGTH:
            elements = list(head)
            self.head = head = deque(elements[:END_KEPT])
            nodes[:0] = nodes_of(elements[END_KEPT:])
        tail = self.tail
        if len(tail) >= END_LENGTH:
            elements = list(tail)
            self.tail = tail = deque(elements[-END_KEPT:])
            nodes += nodes_of(elements[:-END_KEPT])
        self.limit = self.length + END_LENGTH - max(len(head), len(tail))

    def fill_head(self) -> None:
        """Unpack what follows the head until it is not short; if it is empty, and nothing does, the tail is both."""
        head, nodes = self.head, self._nodes
        taken = 0
        while taken < len(nodes) and len(head) < END_KEPT:
            head.extend(nodes[taken].elements())
            taken += 1
        del nodes[:taken]
        if not head:
            self.head = self.tail
        self.settle()

    def fill_tail(self) -> None:
        """The same for the tail, with what is before it."""
        tail, nodes = self.tail, self._nodes
        while nodes and len(tail) < END_KEPT:
            tail.extendleft(reversed(nodes.pop().elements()))
        if not tail:
            self.tail = self.head
        self.settle()

    def _drop_first(self, count: int) -> None:
        self.length -= count
        nodes = self._nodes
        while self.head is not self.tail and count >= len(self.head):  # again where filling it parts a long tail
            count -= len(self.head)
            self.head.clear()
            dropped = 0
            while dropped < len(nodes) and count >= nodes[dropped].count:
                count -= nodes[dropped].count
                dropped += 1
            del nodes[:dropped]
            self.fill_head()
        head = self.head
        for _ in range(count):
            head.popleft()
        if not head:
            self.fill_head()

    def _drop_last(self, count: int) -> None:
        self.length -= count
        nodes = self._nodes
        while self.head is not self.tail and count >= len(self.tail):
            count -= len(self.tail)
            self.tail.clear()
            while nodes and count >= nodes[-1].count:
                count -= nodes.pop().count
            self.fill_tail()
        tail = self.tail
        for _ in range(count):
            tail.pop()
        if not tail:
            self.fill_tail()

    def _checked(self, index: int) -> int:
        """A position from the start."""
        if not -self.length <= index < self.length:
            raise IndexError
        return index if index >= 0 else index + self.length

    def _locate(self, index: int) -> tuple[list[Node], int, int]:
        """The nodes, the number of the one that holds the element at a position, and its place there."""
        nodes = self._nodes
        place = index - len(self.head)
        behind = self.length - len(self.tail) - index
        if place < behind:
            for number, node in enumerate(nodes):
                if place < node.count:
                    return nodes, number, place
                place -= node.count
        number = len(nodes)
        while behind > 0:
            number -= 1
            behind -= nodes[number].count
        return nodes, number, -behind

    def _packed_part(self, low: int, high: int) -> list[bytes]:
        if low == high:
            return []
        nodes, number, place = self._locate(low)
        part = nodes[number].elements()[place : place + high - low]
        while len(part) < high - low:
            number += 1
            part += islice(nodes[number].elements(), high - low - len(part))
        return part


# Of both kinds


List = deque[bytes] | LongList


def list_of(elements: Iterable[bytes]) -> List:
    """A new list."""
    value = deque(elements)
    return value if len(value) < LONG else LongList(value)


def part(value: List, low: int, high: int) -> list[bytes]:
    """The elements from one position up to another, `0 <= low <= high <= len`."""
    if not isinstance(value, deque):
        if high > len(value.head):
            return value.part(low, high)
        value = value.head
    if not low:
        return list(islice(value, high))
    value.rotate(-low)  # there and back, unless the range begins at the start
    found = list(islice(value, high - low))
    value.rotate(low)
    return found


def keep(value: List, low: int, high: int) -> None:
    """Drop all elements but those from one position up to another, `0 <= low <= high <= len`."""
    if not isinstance(value, deque):
        value.keep(low, high)
    elif 2 * (high - low) < len(value):
        kept = part(value, low, high)
        value.clear()
        value.extend(kept)
    else:
        for _ in range(len(value) - high):
            value.pop()
        for _ in range(low):
            value.popleft()


def delete(value: List, positions: Sequence[int]) -> None:
    """Take out the elements at some positions, which are in ascending order."""
    if isinstance(value, deque):
        _delete(value, positions)
    else:
        value.delete(positions)


# Parts of lists


def _delete(elements: deque[bytes] | list[bytes], positions: Sequence[int]) -> None:
    """Take out the elements at some positions."""
    if len(positions) <= _FEW:
        for position in reversed(positions):
            del elements[position]
        return
    kept = bytearray(b"\1") * len(elements)
    for position in positions:
        kept[position] = 0
    rest = list(compress(elements, kept))
    elements.clear()
    elements.extend(rest)


def _without(nodes: Iterable[Node], start: int, positions: Sequence[int]) -> list[Node]:
    """Nodes that begin at some position, without the elements at some others; small neighbours become one."""
    kept: list[Node] = []
    touched: list[bytes] = []  # elements of nodes that lost some
    done = 0
    for node in nodes:
        end = start + node.count
        stop = bisect_left(positions, end, done)
        if stop > done:
            elements = node.elements()
            _delete(elements, [position - start for position in positions[done:stop]])
            touched += elements
            if len(touched) >= NODE_ELEMENTS:
                kept.append(Node(touched[:NODE_ELEMENTS]))
                del touched[:NODE_ELEMENTS]
        else:
            kept += nodes_of(touched)
            touched = []
            kept.append(node)
        start, done = end, stop
    return kept + nodes_of(touched)
