"""Small objects come to lie apart from those that much data has left."""

import gc
import subprocess
import sys

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

KEEP_AND_LET_GO = """
import sys
from respstore.server.gathering import let_go

many = [[number + 0.5] for number in range(1000)]
del many
kept = sys.getallocatedblocks()
let_go()
print(kept - sys.getallocatedblocks())
"""


def outcome(program: str) -> str:
    """What it prints in a process of its own, where nobody else has left or frozen anything."""
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="where objects lie is CPython's affair")
def test_new_objects_lie_apart_from_what_much_data_has_left() -> None:
    assert outcome(LEAVE_AND_GATHER) == "[(True, False), (True, False)]\n"


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="what is kept is CPython's affair")
def test_nothing_is_kept_for_the_next_objects() -> None:
    assert int(outcome(KEEP_AND_LET_GO)) >= 150  # of some hundred floats, and as many lists


def test_what_others_have_frozen_stays_so() -> None:
    gc.freeze()
    frozen = gc.get_freeze_count()
    let_go()
    assert gc.get_freeze_count() == frozen > 0
