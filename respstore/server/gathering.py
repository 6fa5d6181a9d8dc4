"""Where new small objects lie: where most others are, rather than in what much data has left behind.

Python keeps small objects in pools of 16 KiB, each for one size, and gives memory back 64 pools at a time, once none of
these holds an object any more. A new object goes into a pool that has one already, as long as there is room; so after
much data is gone, a number that is made anew ten times a second, and lies alone in its pool, keeps a mebibyte for ever.

So here, for each size, all room in pools is taken, until Python begins a new pool, which it does where most pools are
in use. Of all pools with room, the one that was full most recently is used first: which is made to be the new one.
Whatever is made anew from now on comes to lie there. Nothing depends on that: if Python keeps its objects in another
way, this is in vain.
"""

import gc
from collections import Counter
from collections.abc import Sequence
from itertools import repeat
from typing import Final

_POOL_BITS: Final = 14
_POOL_ROOM: Final = (1 << _POOL_BITS) - 48
"""Bytes of a pool, without what stands in front of the objects."""
_SIZES: Final = range(32, 305, 16)
"""Those of most objects. What is made anew most often comes first, to where most are: numbers and floats."""
_SHORTEST: Final = 48
_BYTES_HEAD: Final = 33
"""What bytes objects take beside their bytes, and the smallest that is made of them here."""
_NUMBER: Final = 10**9
"""A whole number that takes 32 bytes, and so do those behind it."""
_POOLS: Final = 64
_ATTEMPTS: Final = 16
"""So many pools of objects are made at once, and so often at most: where there is more room, much data is left."""


def gather() -> list[object]:
    """Begin a pool for each size.

    Returns:
        What is to be kept, lest the pools end at once.
    """
    pools = [_begin_pool(size) for size in _SIZES]
    begun = [each for pool in pools for each in pool[:1]]
    pools.clear()  # now all of them were full most recently
    return begun


def let_go() -> None:
    """Have Python give up the memory that it keeps for the next floats, lists, tuples and the like.

    Two numbers that replace each other all the time would else stay where they are. Where a few do, each call moves one
    of them: it is to be called some times, while they replace each other. Where somebody else has frozen objects, which
    this would thaw, it does nothing.
    """
    if not gc.get_freeze_count():
        gc.freeze()  # so that the full collection, which does it, has nothing to look through
        gc.collect()
        gc.unfreeze()


def _begin_pool(size: int) -> list[object]:
    """All objects of a new pool."""
    count = _POOL_ROOM // size
    objects: list[object] = []
    pool = None
    for _ in range(_ATTEMPTS):
        more = _make(size, count * _POOLS)
        objects += more
        in_pools = Counter([id(each) >> _POOL_BITS for each in more])
        pool = next((pool for pool, found in in_pools.items() if found == count), None)
        del more, in_pools
        if pool is not None:
            break
    full = [each for each in objects if id(each) >> _POOL_BITS == pool]
    objects.clear()
    return full


def _make(size: int, count: int) -> Sequence[object]:
    if size < _SHORTEST:
        return list(range(_NUMBER, _NUMBER + count))
    return [bytes(size - _BYTES_HEAD) for _ in repeat(None, count)]
