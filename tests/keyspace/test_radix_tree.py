"""How many nodes a radix tree has; compat/ asks redis-server for the same in XINFO STREAM."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respstore.keyspace.radix_tree import count_nodes, nodes_due_to


def test_an_empty_tree_has_its_top() -> None:
    assert count_nodes([]) == 1


@pytest.mark.parametrize(
    ("keys", "count"),
    [
        ([b"abcd"], 2),  # a run, and its end
        ([b"abcd", b"abce"], 4),  # a run, a branch, two ends
        ([b"abcd", b"abce", b"abcf"], 5),
        ([b"abcd", b"xbcd"], 5),  # a branch at the top, two runs, two ends
        ([b"abcd", b"abxd", b"xbcd"], 9),
        ([b"abcd", b"acxd", b"bbcd", b"bbxd"], 12),
    ],
)
def test_branches_runs_and_ends_are_counted(keys: list[bytes], count: int) -> None:
    assert count_nodes(keys) == count


KEYS = st.sets(st.binary(min_size=4, max_size=4).map(lambda text: bytes(byte & 3 for byte in text)), min_size=1)


@given(KEYS)
def test_as_a_tree_that_is_built(keys: set[bytes]) -> None:
    def count(rest: list[bytes]) -> int:
        if not rest[0]:
            return 1
        shared = next((n for n in range(len(rest[0])) if len({key[n] for key in rest}) > 1), len(rest[0]))
        if shared:
            return 1 + count([key[shared:] for key in rest])
        branches = {key[0]: [other[1:] for other in rest if other[0] == key[0]] for key in rest}
        return 1 + sum(map(count, branches.values()))

    assert count_nodes(sorted(keys)) == count(sorted(keys))


@given(KEYS)
def test_what_a_key_adds_is_the_difference_that_it_makes(keys: set[bytes]) -> None:
    ordered = sorted(keys)
    for place in range(len(ordered)):
        without = count_nodes(ordered[:place] + ordered[place + 1 :])
        assert nodes_due_to(ordered, place, bytes) == count_nodes(ordered) - without
