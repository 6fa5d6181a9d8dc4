"""LCS against the table of lengths that Redis fills and walks back over, cell by cell."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respstore.keyspace.lcs import Match, longest_common_subsequence


def lengths(a: bytes, b: bytes) -> list[list[int]]:
    """The table: how long the longest common subsequence of each two prefixes is."""
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a, 1):
        for j, y in enumerate(b, 1):
            table[i][j] = table[i - 1][j - 1] + 1 if x == y else max(table[i - 1][j], table[i][j - 1])
    return table


def reference(a: bytes, b: bytes) -> tuple[bytes, list[Match]]:
    """The walk back from the last corner, as the head of lcs.py describes it."""
    table = lengths(a, b)
    found = bytearray()
    matches: list[Match] = []
    i, j = len(a), len(b)
    continues = False
    while i and j:
        if a[i - 1] == b[j - 1]:
            i -= 1
            j -= 1
            found.append(a[i])
            matches.append(matches.pop()._replace(a_start=i, b_start=j) if continues else Match(i, i, j, j))
            continues = True
        else:
            continues = False
            if table[i - 1][j] > table[i][j - 1]:
                i -= 1
            else:
                j -= 1
    return bytes(found[::-1]), matches


@pytest.mark.parametrize(
    ("a", "b", "common", "matches"),  # as redis-server 7.0.15 answers
    [
        (b"ohmytext", b"mynewtext", b"mytext", [(4, 7, 5, 8), (2, 3, 0, 1)]),
        (b"mynewtext", b"ohmytext", b"mytext", [(5, 8, 4, 7), (0, 1, 2, 3)]),
        (b"ab", b"ba", b"b", [(1, 1, 0, 0)]),
        (b"aXbXc", b"abc", b"abc", [(4, 4, 2, 2), (2, 2, 1, 1), (0, 0, 0, 0)]),
        (b"same", b"same", b"same", [(0, 3, 0, 3)]),
        (b"a", b"b", b"", []),
        (b"", b"b", b"", []),
        (b"a", b"", b"", []),
        (b"", b"", b"", []),
    ],
)
def test_examples(a: bytes, b: bytes, common: bytes, matches: list[tuple[int, int, int, int]]) -> None:
    assert longest_common_subsequence(a, b) == (common, [Match(*match) for match in matches])


# Few different bytes make many ties, which is where one way back differs from another.
TEXTS = st.one_of(
    st.lists(st.sampled_from(b"ab"), max_size=40).map(bytes),
    st.lists(st.sampled_from(b"abcde"), max_size=40).map(bytes),
    st.binary(max_size=20),
)


@given(a=TEXTS, b=TEXTS)
def test_it_finds_the_matches_that_the_table_gives(a: bytes, b: bytes) -> None:
    assert longest_common_subsequence(a, b) == reference(a, b)


@given(a=TEXTS, b=TEXTS)
def test_the_matches_make_up_the_subsequence_and_nothing_longer_is_common(a: bytes, b: bytes) -> None:
    common, matches = longest_common_subsequence(a, b)
    assert len(common) == lengths(a, b)[-1][-1]
    backwards = matches[::-1]
    assert common == b"".join(a[match.a_start : match.a_end + 1] for match in backwards)
    assert common == b"".join(b[match.b_start : match.b_end + 1] for match in backwards)


@pytest.mark.parametrize("short", [b"x", b"y", b"yxy", b"yyyyy"])
def test_a_long_string_beside_a_short_one_takes_no_step_for_each_byte(short: bytes) -> None:
    """A walk over a million cells that looks at a million bits for each would take minutes."""
    long = b"y" * 500_000 + b"x" + b"y" * 500_000
    assert longest_common_subsequence(long, short)[0] == short
    assert longest_common_subsequence(short, long)[0] == short
