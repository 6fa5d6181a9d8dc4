"""Hashes and sets: dictionaries of fields, or of members, that know how Redis would keep them.

Redis keeps a small one packed (a hash in a listpack, a set of whole numbers in an intset), and makes a hash table of it
once it holds too many or too long ones; it stays one, however small it becomes. Clients see that in OBJECT ENCODING and
in orders: a listpack answers in the order in which fields were added, an intset in that of its numbers. Here both are
dicts, which keep the order of additions, and `is_table` tells what Redis would have made of them.

To scan a large one piecemeal, or to draw from it, takes a `KeyOrder`, which is made when somebody asks for it and lives
as long as the container (8 bytes a member, beside some 130 for the member itself). Of a small one all members are
looked at.

What must stay true: who adds or removes members calls a method of this file, or does what that does about `order`.
"""

from collections.abc import Iterable, Sequence
from itertools import islice
from random import Random
from typing import Final, Self, TypeVar

from respstore.keyspace.key_order import KeyOrder
from respstore.numbers import parse_integer

V = TypeVar("V")

_SMALL: Final = 8192
"""Bytes of a dictionary (some 100 to 200 members) that is walked through rather than put in an order."""
_SPARSE: Final = 512
"""Bytes per member of a dictionary that lost most of them: one that only grew takes 40 to 120."""


class Container(dict[bytes, V]):
    """What hashes and sets have in common.

    Attributes:
        is_table: Redis would keep it in a hash table by now.
        order: for scans and draws, None as long as nobody needed it.
    """

    __slots__ = ("is_table", "order")

    def __init__(self, members: Iterable[tuple[bytes, V]] | dict[bytes, V] = (), *, is_table: bool = False) -> None:
        super().__init__(members)
        self.is_table = is_table
        self.order: KeyOrder | None = None

    def __copy__(self) -> Self:
        return type(self)(self, is_table=self.is_table)

    def remove(self, member: bytes) -> bool:
        """Take a member out.

        Returns:
            Whether it was there.
        """
        if member not in self:
            return False
        del self[member]
        if self.order is None or not self.order.discard(member):
            self._do_without_order()
        return True

    def in_order(self) -> list[bytes]:
        """All members, in the order in which Redis answers those of a small container."""
        return list(self)

    def scan(self, cursor: int, count: int) -> tuple[int, list[bytes]]:
        """A part of the members (see `KeyOrder.scan`); one that Redis would keep packed is given at once."""
        if not self.is_table:
            return 0, self.in_order()
        return self._ordered().scan(cursor, count)

    def draw(self, random: Random) -> bytes:
        """One member, each equally likely, in constant time on average. There must be one."""
        if self._is_walked:
            return next(islice(self, int(random.random() * len(self)), None))
        return self._ordered().random(random)

    def take_one(self, random: Random) -> bytes:
        """As `draw`, and take the member out."""
        order = self.order
        if order is None:
            member = self.draw(random)  # which may make the order
            self.remove(member)
            return member
        member = order.random(random)
        del self[member]
        if not order.discard(member):
            self._do_without_order()
        return member

    def draw_several(self, count: int, random: Random) -> list[bytes]:
        """Members drawn one after the other, each time from all: O(count)."""
        if self._is_walked:
            return random.choices(list(self), k=count)
        draw = self._ordered().random
        return [draw(random) for _ in range(count)]

    def sample(self, count: int, random: Random) -> list[bytes]:
        """So many different members, all if there are no more, each choice of them equally likely: O(count)."""
        if count >= len(self):
            return self.in_order()
        if count * 3 > len(self) or self._is_walked:
            return random.sample(list(self), count)
        draw = self._ordered().random
        drawn: dict[bytes, None] = {}
        while len(drawn) < count:
            drawn[draw(random)] = None
        return list(drawn)

    @property
    def _is_walked(self) -> bool:
        return self.order is None and self.__sizeof__() < _SMALL

    def _ordered(self) -> KeyOrder:
        if self.order is None:
            self.order = KeyOrder(self)
        return self.order

    def _do_without_order(self) -> None:
        """Forget the order, if there is one. A member went, and it may be time to close gaps.

        A dict does not shrink when members go: whoever walks through it would step over all of their places.
        """
        self.order = None
        if self.__sizeof__() > _SMALL + _SPARSE * len(self):
            members = list(self.items())
            self.clear()
            self.update(members)

    def _note_new(self, members: Iterable[bytes]) -> None:
        """Say which of these are about to become members."""
        if self.order is not None:
            for member in dict.fromkeys(members):
                if member not in self:
                    self.order.add(member)


class Hash(Container[bytes]):
    """Fields to their values."""

    __slots__ = ()

    def put_one(self, field: bytes, text: bytes, most: int, longest: int) -> int:
        """As `put` for one field, as most do, in half the time."""
        before = len(self)
        if self.order is not None:
            self._note_new((field,))
        self[field] = text
        if not self.is_table:
            self.is_table = len(self) > most or len(field) > longest or len(text) > longest
        return len(self) - before

    def put(self, pairs: Sequence[bytes], most: int, longest: int) -> int:
        """Give fields values.

        Args:
            pairs: fields and values in turn; of a field that is named twice, the last value stays.
            most, longest: with more fields than this, or a longer field or value, it becomes a table
                (hash-max-listpack-entries, hash-max-listpack-value).

        Returns:
            How many fields are new.
        """
        before = len(self)
        if self.order is not None:
            self._note_new(pairs[::2])
        self.update(zip(pairs[::2], pairs[1::2], strict=True))
        if not self.is_table:
            self.is_table = len(self) > most or max(map(len, pairs)) > longest
        return len(self) - before


class Set(Container[None]):
    """Members, to nothing. A set of whole numbers is an intset as long as there are few."""

    __slots__ = ()

    @classmethod
    def of(cls, members: Iterable[bytes], most: int) -> Self:
        """A new set of some members (for `most`, see `add`)."""
        value = cls(dict.fromkeys(members))
        value.is_table = not value.fits_intset(most)
        return value

    def fits_intset(self, most: int) -> bool:
        """Whether it holds nothing but whole numbers, and no more than `most`."""
        return len(self) <= most and are_integers(self)

    def add(self, members: Sequence[bytes], most: int) -> int:
        """Add members.

        Args:
            members: those to add; some may be there, or be named twice.
            most: with more members than this it becomes a table (set-max-intset-entries).

        Returns:
            How many of them are new.
        """
        before = len(self)
        if self.order is not None:
            self._note_new(members)
        if len(members) == 1:  # most are so; it takes half the time
            self[members[0]] = None
        else:
            self.update(dict.fromkeys(members))
        added = len(self) - before
        if added and not self.is_table:
            self.is_table = len(self) > most or not are_integers(members)
        return added

    def in_order(self) -> list[bytes]:
        """All members, numbers in ascending order if there is nothing else."""
        return list(self) if self.is_table else sorted(self, key=int)


def are_integers(members: Iterable[bytes]) -> bool:
    """Whether all members are whole numbers that an intset could hold."""
    return None not in map(parse_integer, members)
