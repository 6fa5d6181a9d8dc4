"""The longest common subsequence of two strings (LCS), with the matches that Redis's own dynamic programming finds.

Redis fills a table of lengths for all prefixes of `a` (rows) and of `b` (columns) and walks back from its last corner:
both ways at once where the bytes are equal, else up if the cell above is greater than the one to the left, else left.

Here the table is bit-parallel (Hyyrö 2004): what is known of a row is one integer, with a zero bit where the length
grows from one column to the next, and a row costs a few operations on long integers, which C does, instead of one per
cell. The walk takes one step for each row. There are as few and as long integers as can be: one for each prefix of the
shorter string, be it rows or columns, so that neither shape makes the server slow for others.
"""

from collections.abc import Iterator
from typing import NamedTuple


class Match(NamedTuple):
    """A run of equal bytes: first and last positions in `a` and in `b`."""

    a_start: int
    a_end: int
    b_start: int
    b_end: int


def longest_common_subsequence(a: bytes, b: bytes) -> tuple[bytes, list[Match]]:
    """The subsequence, and the runs that it is made of, from the end of the strings to their start."""
    if not a or not b:
        return b"", []
    matches: list[Match] = []
    a_start = a_end = b_start = b_end = -1  # the run in hand, if a_end >= 0
    for i, j in _pairs_by_rows(a, b) if len(a) <= len(b) else _pairs_by_columns(a, b):
        if (i, j) != (a_start - 1, b_start - 1):
            if a_end >= 0:
                matches.append(Match(a_start, a_end, b_start, b_end))
            a_end, b_end = i, j
        a_start, b_start = i, j
    if a_end >= 0:
        matches.append(Match(a_start, a_end, b_start, b_end))
    return b"".join(a[match.a_start : match.a_end + 1] for match in reversed(matches)), matches


def _pairs_by_rows(a: bytes, b: bytes) -> Iterator[tuple[int, int]]:
    """Positions of the equal bytes on the way back, for an `a` that is no longer than `b`."""
    positions = _positions(a, b)
    rows = _rows(a, b, positions)
    j = len(b)
    for i in range(len(a), 0, -1):
        # To the left as far as to an equal byte, or to where the row grows: only there the cell above is the greater.
        j = ((~rows[i] | positions[a[i - 1]]) & ((1 << j) - 1)).bit_length()
        if j and a[i - 1] == b[j - 1]:
            j -= 1
            yield i - 1, j


def _pairs_by_columns(a: bytes, b: bytes) -> Iterator[tuple[int, int]]:
    """The same for a `b` that is shorter than `a`."""
    columns = _rows(b, a, _positions(b, a))
    i = len(a)
    for j in range(len(b), 0, -1):
        above = (1 << i) - 1
        if (columns[j] & above).bit_count() < (columns[j - 1] & above).bit_count():
            # The cell to the left is less, so this length is that of the cell above, and so on up to an equal byte.
            i = a.rfind(b[j - 1], 0, i)
            yield i, j - 1
        elif i and a[i - 1] == b[j - 1]:
            i -= 1
            yield i, j - 1


def _positions(short: bytes, long: bytes) -> dict[int, int]:
    """Where in `long` each byte of `short` stands, as bits."""
    backwards = long[::-1]
    zeros = b"0" * 256
    return {
        byte: int(backwards.translate(zeros[:byte] + b"1" + zeros[byte + 1 :]), 2)  # linear: two is a power of two
        for byte in set(short)
    }


def _rows(short: bytes, long: bytes, positions: dict[int, int]) -> list[int]:
    """A row for each prefix of `short`: bit j is zero where it has one more byte in common with long[: j + 1] than with
    long[:j]."""
    full = (1 << len(long)) - 1
    row = full
    rows = [row]
    for byte in short:
        here = row & positions[byte]
        row = ((row + here) | (row - here)) & full
        rows.append(row)
    return rows
