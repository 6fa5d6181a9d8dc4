"""A run of a list's elements that nobody works with: packed into one bytes object if that pays.

So many bytes objects in a deque would take 41 bytes each, and what the allocator rounds up, beside the elements
themselves; packed, it is 5, about as in Redis's listpacks. Of long elements that is a small part: they stay as they
are. A node is never changed; who changes an element makes a new one.
"""

import marshal
from typing import Final

NODE_ELEMENTS: Final = 256
"""The most elements of a node: to read one of them takes a few microseconds, and so does to step over 256 nodes."""
PACKED_BYTES: Final = 1 << 15
"""A node that would be longer is not packed: that would take long and save little."""
_SAMPLED: Final = 17
"""One element of so many is looked at before; an odd number, for long ones and short ones may take turns."""
_FORMAT: Final = 2
"""The version of marshal's format that does not look for objects that occur twice, which takes three times as long."""


class Node:
    """Elements that follow one another.

    Attributes:
        count: how many they are.
        packed: the elements in one piece; None if they were not worth it.
    """

    __slots__ = ("_plain", "count", "packed")

    def __init__(self, elements: list[bytes]) -> None:
        self.count = len(elements)
        self.packed: bytes | None = None
        # To measure all of them would take longer than to pack them.
        if sum(map(len, elements[::_SAMPLED])) * _SAMPLED <= 2 * PACKED_BYTES:
            packed = marshal.dumps(elements, _FORMAT)
            if len(packed) <= PACKED_BYTES:
                self.packed = packed
        self._plain = elements if self.packed is None else None

    def elements(self) -> list[bytes]:
        """A new list of the elements."""
        if self._plain is not None:
            return self._plain.copy()
        assert self.packed is not None
        elements: list[bytes] = marshal.loads(self.packed)  # noqa: S302 - from nobody but `__init__`
        return elements


def nodes_of(elements: list[bytes]) -> list[Node]:
    """Put many elements into nodes, in order."""
    return [Node(elements[start : start + NODE_ELEMENTS]) for start in range(0, len(elements), NODE_ELEMENTS)]
