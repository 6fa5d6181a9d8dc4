"""How many nodes a radix tree of Redis has, which XINFO STREAM tells.

In Redis's tree (rax.c) a node branches on a byte, or holds a run of bytes on which nothing branches; and each key ends
in a node. For keys of one length the number follows from the keys alone: one for each place where they branch, for each
run between the top, the branches and the ends, and for each end.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import TypeVar

Key = TypeVar("Key")


def count_nodes(keys: Sequence[bytes]) -> int:
    """The number of nodes for some keys, all different, of one length and sorted; an empty tree has one."""
    if not keys:
        return 1
    count = 0
    above: list[int] = []  # the depths of the branches on the way from the top to the key in hand
    depths = [*map(_common_prefix, keys, keys[1:]), -1]  # at which each key and the next part
    for last, depth in zip([-1, *depths], depths, strict=False):
        count += _with_run(len(keys[0]), max(last, depth))
        while above and above[-1] > depth:
            branch = above.pop()
            count += _with_run(branch, max(above[-1] if above else -1, depth))
        if not above or above[-1] != depth:
            above.append(depth)
    return count


def nodes_due_to(keys: Sequence[Key], place: int, as_bytes: Callable[[Key], bytes]) -> int:
    """How many nodes fewer there would be without one of the keys, found by bisection.

    Args:
        keys: as for `count_nodes`, once `as_bytes` has made bytes of each.
        place: of the key.
        as_bytes: what makes a key's bytes.
    """
    key = as_bytes(keys[place])
    length = len(key)

    def shared(other: int) -> int:
        """How much the key has in common with another; -1 if there is none at that place."""
        return _common_prefix(key, as_bytes(keys[other])) if 0 <= other < len(keys) else -1

    branch = max(shared(place - 1), shared(place + 1))
    if branch < 0:
        return 1  # the run to the end; the top is there without it
    first = bisect_left(keys, key[:branch], key=as_bytes)
    behind = bisect_left(keys, key[:branch] + b"\xff" * (length - branch + 1), key=as_bytes)
    others = as_bytes(keys[first + (first == place)]), as_bytes(keys[behind - 1 - (behind - 1 == place)])
    count = _with_run(length, branch)
    below = length if others[0] == others[1] else _common_prefix(*others)
    if below > branch:  # but for the key, they would part, or end, only there
        above = max(shared(first - 1), shared(behind))
        count += _with_run(branch, above) + _with_run(below, branch) - _with_run(below, above)
    return count


def _with_run(depth: int, branch: int) -> int:
    """Count a node at some depth, and the run, if there is one, that leads there from the branch above it."""
    return 1 + (depth > branch + 1)


def _common_prefix(first: bytes, second: bytes) -> int:
    return next(index for index, (one, other) in enumerate(zip(first, second, strict=True)) if one != other)
