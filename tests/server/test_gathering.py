"""Small objects come to lie apart from those that much data has left."""

import gc
import subprocess
import sys
from collections.abc import Callable

import pytest

from respstore.server.gathering import let_go

LEAVE_AND_GATHER = """
from respstore.server.gathering import gather

def pools(objects):
    return {id(each) >> 14 for each in objects}

def apart(make):
    many = [make(number) for number in range(100_000)]
    left = many[::1000]
    del many
    before, first = pools(left), pools([make(number) for number in range(100)])
    gathered = gather()
    return bool(first & before), bool(pools([make(number) for number in range(100)]) & before)

print([apart(make) for make in (lambda number: number + 10**9, lambda number: b"%030d" % number)])
"""


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="where objects lie is CPython's affair")
def test_new_objects_lie_apart_from_what_much_data_has_left() -> None:
    """In a process of its own, where nobody else has left anything."""
    child = subprocess.run([sys.executable, "-c", LEAVE_AND_GATHER], capture_output=True, text=True, check=True)
    assert child.stdout == "[(True, False), (True, False)]\n"


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="what is kept is CPython's affair")
@pytest.mark.parametrize("freeze", [None, gc.freeze], ids=["usual", "something is frozen"])
def test_nothing_is_kept_for_the_next_objects(freeze: Callable[[], None] | None) -> None:
    gc.collect()
    if freeze is not None:
        freeze()
    frozen = gc.get_freeze_count()
    many = [[number + 0.5] for number in range(1000)]
    del many
    kept = sys.getallocatedblocks()
    let_go()
    given_up = kept - sys.getallocatedblocks()
    assert gc.get_freeze_count() == frozen
    gc.unfreeze()
    assert given_up >= 150
