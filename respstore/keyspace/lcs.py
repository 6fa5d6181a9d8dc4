"""The longest common subsequence of two strings (LCS), with the matches that Redis's own dynamic programming finds.

Bit-parallel (Hyyrö 2004): the table's row for a prefix of `a` is one integer with a zero bit where the length grows
from one column to the next. A row costs a few operations on long integers, which Python does in C, instead of one
operation per cell. Where the last bytes of two prefixes differ, Redis goes up if the cell above is greater than the
one to the left, which is so exactly where the row's bit is zero; so walking back over the bits gives the same matches.
"""

from typing import NamedTuple


class Match(NamedTuple):
    """A run of equal bytes: first and last positions in `a` and in `b`."""

    a_start: int
    a_end: int
    b_start: int
    b_end: int


def longest_common_subsequence(a: bytes, b: bytes) -> tuple[bytes, list[Match]]:
    """The subsequence, and the runs that it is made of, from the end of the strings to their start."""
    rows = _rows(a, b)
    found = bytearray()
    matches: list[Match] = []
    a_end = b_end = -1  # the run in hand, if b_end >= 0
    i, j = len(a), len(b)
    while i and j:
        if a[i - 1] == b[j - 1]:
            if b_end < 0:
                a_end, b_end = i - 1, j - 1
            found.append(a[i - 1])
            i -= 1
            j -= 1
            continue
        if b_end >= 0:
            matches.append(Match(i, a_end, j, b_end))
            b_end = -1
        if rows[i] >> (j - 1) & 1:
            j -= 1
        else:
            i -= 1
    if b_end >= 0:
        matches.append(Match(i, a_end, j, b_end))
    found.reverse()
    return bytes(found), matches


def _rows(a: bytes, b: bytes) -> list[int]:
    """A row for each prefix of `a`: bit j is zero where the length with b[: j + 1] is one more than with b[:j]."""
    full = (1 << len(b)) - 1
    positions: dict[int, int] = {}
    for index, byte in enumerate(b):
        positions[byte] = positions.get(byte, 0) | 1 << index
    row = full
    rows = [row]
    for byte in a:
        here = row & positions.get(byte, 0)
        row = ((row + here) | (row - here)) & full
        rows.append(row)
    return rows
