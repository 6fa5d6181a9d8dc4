"""How many nodes a radix tree of Redis has, which XINFO STREAM tells.

In Redis's tree (rax.c) a node branches on a byte, or holds a run of bytes on which nothing branches; and each key ends
in a node. For keys of one length the number follows from the keys alone: one for each place where they branch, for each
run between the top, the branches and the ends, and for each end.
"""

from collections.abc import Sequence


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


def _with_run(depth: int, branch: int) -> int:
    """Count a node at some depth, and the run, if there is one, that leads there from the branch above it."""
    return 1 + (depth > branch + 1)


def _common_prefix(first: bytes, second: bytes) -> int:
    return next(index for index, (one, other) in enumerate(zip(first, second, strict=True)) if one != other)
