"""Sorted sets: members with scores, in the order of scores, and of bytes where scores are equal.

A dict knows the score of each member. The order is kept beside it in blocks of some hundred members, each a list of
scores and a list of members in the same order; a separator stands between neighbouring blocks. To find a place is a
bisection of the separators and one of a block; to count what lies before a block, the blocks' lengths are summed up in
a Fenwick tree, which is made when somebody asks and kept up to date until blocks come or go. So a small sorted set is
one dict and two lists, and in a large one nothing is linear but what is handed out.

What must stay true: separator i is at least the last element of block i and less than the first one of block i + 1; no
block is empty unless it is the only one. The dict and the blocks share their objects, so that a member costs 16 bytes
more than in a dict alone. (A list of pairs in the place of the two lists would cost 80.)
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import chain
from sys import getsizeof
from typing import Final, Self, TypeVar

from respstore.keyspace.key_order import KeyOrder

T = TypeVar("T")

_BLOCK: Final = 512
"""Members of a block that was just made; at twice as many it is split."""
_SMALL_BLOCK: Final = 128
"""A block that shrank to so few takes in its neighbour if both together fit into one."""
_SEPARATOR: Final = 72
"""Bytes of a pair and of its place in a list."""


class SortedSet:
    """The value of a sorted set key.

    Args:
        scores: members to scores; it is kept.
        is_skiplist: see below.

    Attributes:
        scores: members to scores, in no particular order; to be changed by the methods only.
        is_skiplist: Redis would keep it in a skiplist by now. A small set it keeps in a listpack, where -0 becomes 0.
        order: for scans, None unless one is under way.
    """

    __slots__ = ("_lengths", "_member_blocks", "_score_blocks", "_separators", "is_skiplist", "order", "scores")

    def __init__(self, scores: dict[bytes, float] | None = None, *, is_skiplist: bool = False) -> None:
        if not scores:
            scores = {}
        elif not is_skiplist:
            scores = {member: score + 0.0 for member, score in scores.items()}
        members = sorted(scores)
        members.sort(key=scores.__getitem__)
        self.scores = scores
        self.is_skiplist = is_skiplist
        self._member_blocks = [members[at : at + _BLOCK] for at in range(0, len(members) or 1, _BLOCK)]
        self._score_blocks = [[scores[member] for member in block] for block in self._member_blocks]
        self._separators = [(scores[block[-1]], block[-1]) for block in self._member_blocks[:-1]]
        self._lengths: list[int] | None = None
        self.order: KeyOrder | None = None

    def __len__(self) -> int:
        return len(self.scores)

    def __copy__(self) -> Self:
        copy = object.__new__(type(self))
        copy.scores = self.scores.copy()
        copy.is_skiplist = self.is_skiplist
        copy._member_blocks = [block.copy() for block in self._member_blocks]
        copy._score_blocks = [block.copy() for block in self._score_blocks]
        copy._separators = self._separators.copy()
        copy._lengths = None
        copy.order = None
        return copy

    # Changing

    def add(self, member: bytes, score: float) -> None:
        """Take in a member that is not there yet."""
        if not self.is_skiplist:
            score += 0.0
        if self.order is not None:
            self.order.add(member)
        self._insert(member, score)

    def update(self, member: bytes, score: float) -> None:
        """Give a member that is there another score."""
        if not self.is_skiplist:
            score += 0.0
        self._insert(self._take_out(member), score)

    def discard(self, member: bytes) -> bool:
        """Take a member away.

        Returns:
            Whether it was there.
        """
        if member not in self.scores:
            return False
        self._take_out(member)
        del self.scores[member]
        if self.order is not None and not self.order.discard(member):
            self.order = None
        return True

    def pop_end(self, end: int) -> tuple[bytes, float]:
        """Take away the first element (`end` is 0) or the last one (-1); there must be one.

        Returns:
            Its member, and its score.
        """
        block = self._member_blocks[end]
        member = block.pop(end)
        self._score_blocks[end].pop(end)
        if self._separators and (self._lengths is not None or len(block) <= _SMALL_BLOCK):
            index = end % len(self._member_blocks)
            self._count(index, -1)
            self._tidy(index)
        if self.order is not None and not self.order.discard(member):
            self.order = None
        return member, self.scores.pop(member)

    def pop(self, low: int, high: int) -> tuple[list[bytes], list[float]]:
        """Take away the elements from one position up to another, `0 <= low < high <= len`.

        Returns:
            Their members, and their scores.
        """
        first, start = self._locate(low)
        last, end = self._locate(high - 1)
        members = _part(self._member_blocks, first, start, last, end)
        scores = _part(self._score_blocks, first, start, last, end)
        if first == last:
            del self._member_blocks[first][start : end + 1], self._score_blocks[first][start : end + 1]
            self._count(first, low - high)
        else:
            del self._member_blocks[first][start:], self._member_blocks[last][: end + 1]
            del self._score_blocks[first][start:], self._score_blocks[last][: end + 1]
            self._lengths = None
            self._drop_blocks(first + 1, last)
            self._tidy(first + 1)
        self._tidy(first)
        for member in members:
            del self.scores[member]
        if self.order is not None and not all(map(self.order.discard, members)):
            self.order = None
        return members, scores

    # Looking

    def before(self, score: float, member: bytes = b"") -> int:
        """How many elements stand before this one, be it there or not; without a member, how many scores are less."""
        index = bisect_left(self._separators, (score, member))
        place = _place(self._score_blocks[index], self._member_blocks[index], score, member)
        return place + self._length_before(index) if index else place

    def rank(self, member: bytes) -> int | None:
        """The position of a member, None if there is no such."""
        score = self.scores.get(member)
        return None if score is None else self.before(score, member)

    def at(self, position: int) -> tuple[bytes, float]:
        """The member at a position from 0 on, and its score."""
        index, place = self._locate(position)
        return self._member_blocks[index][place], self._score_blocks[index][place]

    def slice(self, low: int, high: int) -> tuple[list[bytes], list[float]]:
        """The elements from one position up to another, both at least 0.

        Returns:
            Their members, and their scores.
        """
        if len(self._member_blocks) == 1:
            return self._member_blocks[0][low:high], self._score_blocks[0][low:high]
        high = min(high, len(self.scores))
        if low >= high:
            return [], []
        first, start = self._locate(low)
        last, end = self._locate(high - 1)
        return _part(self._member_blocks, first, start, last, end), _part(self._score_blocks, first, start, last, end)

    def descending(self) -> Iterator[tuple[bytes, float]]:
        """All members with their scores, the greatest first."""
        for members, scores in zip(reversed(self._member_blocks), reversed(self._score_blocks), strict=True):
            yield from zip(reversed(members), reversed(scores), strict=True)

    def blocks_size(self) -> int:
        """Bytes of what keeps the order, members and scores themselves not included."""
        blocks = (self._score_blocks, self._member_blocks)
        return sum(map(getsizeof, chain(blocks, *blocks))) + _SEPARATOR * len(self._separators)

    def scan(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """A part of the members in an order of their own (see `KeyOrder.scan`), all at once of a listpack."""
        if not self.is_skiplist:
            return 0, self.slice(0, len(self.scores))[0]
        if self.order is None:
            self.order = KeyOrder(self.scores)
        cursor, members = self.order.scan(cursor, count)
        if not cursor:
            self.order = None
        return cursor, members

    # Inside

    def _insert(self, member: bytes, score: float) -> None:
        separators = self._separators
        index = bisect_left(separators, (score, member)) if separators else 0
        scores, members = self._score_blocks[index], self._member_blocks[index]
        place = bisect_left(scores, score)  # as _place() does, which does not tell what score stands there
        if place < len(scores) and scores[place] == score:
            if score or not self.is_skiplist:  # one object will do for all, but 0 and -0 are two
                score = scores[place]
            place = bisect_left(members, member, place, bisect_right(scores, score, place))
        scores.insert(place, score)
        members.insert(place, member)
        self.scores[member] = score
        if len(members) >= 2 * _BLOCK:
            self._split(index)
        elif self._lengths is not None:
            self._count(index, 1)

    def _take_out(self, member: bytes) -> bytes:
        """Take a member out of its block.

        Returns:
            The object that was kept, to be kept again.
        """
        score = self.scores[member]
        separators = self._separators
        index = bisect_left(separators, (score, member)) if separators else 0
        scores, members = self._score_blocks[index], self._member_blocks[index]
        place = _place(scores, members, score, member)
        del scores[place]
        kept = members.pop(place)
        if separators:
            self._count(index, -1)
            self._tidy(index)
        return kept

    def _split(self, index: int) -> None:
        for blocks in (self._member_blocks, self._score_blocks):
            block = blocks[index]
            blocks.insert(index + 1, block[_BLOCK:])  # type: ignore[arg-type]
            del block[_BLOCK:]
        self._separators.insert(index, (self._score_blocks[index][-1], self._member_blocks[index][-1]))
        self._lengths = None

    def _tidy(self, index: int) -> None:
        """See to a block that shrank: an empty one goes, a small one and its neighbour become one."""
        blocks = self._member_blocks
        if index >= len(blocks) or len(blocks) == 1 or len(blocks[index]) > _SMALL_BLOCK:
            return
        index = min(index, len(blocks) - 2)
        if len(blocks[index]) + len(blocks[index + 1]) <= _BLOCK or not (blocks[index] and blocks[index + 1]):
            blocks[index] += blocks[index + 1]
            self._score_blocks[index] += self._score_blocks[index + 1]
            self._drop_blocks(index + 1, index + 2)

    def _drop_blocks(self, first: int, last: int) -> None:
        """Forget blocks, but not the first of all, with the separators before them."""
        if first < last:
            # The separator behind them divides the block before them from the one that follows now.
            del self._separators[first - 1 : last - 1]
            del self._member_blocks[first:last]
            del self._score_blocks[first:last]
            self._lengths = None

    # The Fenwick tree: entry i (from 1 on) sums up as many blocks, up to the i-th, as the lowest bit of i is worth.

    def _count(self, index: int, change: int) -> None:
        """A block has become longer or shorter."""
        lengths = self._lengths
        if lengths is not None:
            index += 1
            while index < len(lengths):
                lengths[index] += change
                index += index & -index

    def _length_before(self, index: int) -> int:
        lengths = self._lengths or self._sum_up()
        total = 0
        while index:
            total += lengths[index]
            index &= index - 1
        return total

    def _locate(self, position: int) -> tuple[int, int]:
        """The block of the element at a position, which there must be, and its place there."""
        if not position or len(self._member_blocks) == 1:
            return 0, position
        if position == len(self.scores) - 1:
            return len(self._member_blocks) - 1, len(self._member_blocks[-1]) - 1
        lengths = self._lengths or self._sum_up()
        index = 0
        step = 1 << len(lengths).bit_length() - 1
        while step:
            if index + step < len(lengths) and lengths[index + step] <= position:
                index += step
                position -= lengths[index]
            step >>= 1
        return index, position

    def _sum_up(self) -> list[int]:
        lengths = self._lengths = [0, *map(len, self._member_blocks)]
        for index in range(1, len(lengths)):
            above = index + (index & -index)
            if above < len(lengths):
                lengths[above] += lengths[index]
        return lengths


def _place(scores: list[float], members: list[bytes], score: float, member: bytes) -> int:
    """Where an element stands, or would, in a block."""
    place = bisect_left(scores, score)
    if member and place < len(scores) and scores[place] == score:
        place = bisect_left(members, member, place, bisect_right(scores, score, place))
    return place


def _part(blocks: list[list[T]], first: int, start: int, last: int, end: int) -> list[T]:
    """What stands from a place in one block up to a place in another or the same, that one included."""
    if first == last:
        return blocks[first][start : end + 1]
    part = blocks[first][start:]
    for block in blocks[first + 1 : last]:
        part += block
    part += blocks[last][: end + 1]
    return part
