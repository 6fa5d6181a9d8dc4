"""Items read from where they lie: the same as Python gives, and whose counts nobody has raised."""

import os
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from respstore.keyspace.containers import Hash, Set
from respstore.server import untouched
from respstore.server.untouched import can_read, read_items

LONG = b"x" * 100_000
SMAPS = Path("/proc/self/smaps_rollup")


def numbered(count: int) -> dict[bytes, Any]:
    return {b"%d" % number: b"v%d" % number for number in range(count)}


def without_some(count: int) -> dict[bytes, Any]:
    table = numbered(count)
    for key in list(table)[::3]:
        del table[key]
    return table


IS_KNOWN = sys.implementation.name == "cpython" and (3, 11) <= sys.version_info[:2] <= (3, 13)

pytestmark = pytest.mark.skipif(not IS_KNOWN, reason="it was not tried with this interpreter, and so is not used")


def test_it_is_used_with_this_interpreter() -> None:
    assert can_read()


@pytest.mark.parametrize(
    "table",
    [
        {},
        numbered(1),
        numbered(1000),  # the index takes a byte, two or four for an entry
        numbered(100_000),
        without_some(1000),
        dict.fromkeys(numbered(300)),
        {b"": b"", b"\x00": LONG, LONG: b"\xff" * 40_000},
        {b"1": 5, b"2": -(2**70), b"3": None, b"4": 1.5, b"5": bytearray(b"x"), b"6": deque([b"a"]), b"7": b"y"},
        Hash({b"f": b"v", b"g": b"w"}, is_table=True),
        Set.of([b"%d" % number for number in range(600)], 512),
    ],
    ids=lambda table: f"{type(table).__name__} of {len(table)}",
)
def test_items_are_those_of_the_dictionary(table: dict[bytes, Any]) -> None:
    assert list(read_items(table)) == list(table.items())


def test_a_container_is_the_one_that_is_there() -> None:
    table = {b"list": deque([b"a"]), b"string": b"x"}
    assert dict(read_items(table))[b"list"] is table[b"list"]


def test_a_dictionary_that_was_emptied_has_no_items() -> None:
    table = numbered(10)
    table.clear()
    assert not list(read_items(table))
    table = numbered(10)
    for key in list(table):
        del table[key]
    assert not list(read_items(table))


def test_nobody_counts() -> None:
    table: dict[bytes, Any] = {b"key %d" % number: b"value %d" % number for number in range(100)}
    before = [(sys.getrefcount(key), sys.getrefcount(value)) for key, value in table.items()]
    kept = list(read_items(table))
    assert [(sys.getrefcount(key), sys.getrefcount(value)) for key, value in table.items()] == before
    assert kept[0][0] is not next(iter(table))


@pytest.mark.skipif(not SMAPS.exists(), reason="the system does not tell what is shared")
@pytest.mark.parametrize("read", [dict.items, read_items])
def test_memory_stays_shared_with_the_parent(read: Callable[[dict[bytes, Any]], Any]) -> None:
    table = {b"key:%012d" % number: b"value %d" % number for number in range(100_000)}  # some 14 MB
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        before = _private_bytes()
        for _ in read(table):
            pass
        os.write(writer, b"%d" % (_private_bytes() - before))
        os._exit(0)
    os.waitpid(child, 0)
    copied = int(os.read(reader, 100))
    os.close(reader)
    os.close(writer)
    assert (copied < 2_000_000) == (read is read_items)


def _private_bytes() -> int:
    """What this process shares with no other."""
    lines = SMAPS.read_text().splitlines()
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Private_"))


@pytest.mark.parametrize(
    ("name", "value"), [("implementation", sys.flags), ("version_info", (3, 99, 0)), ("version_info", (3, 10, 0))]
)
def test_another_interpreter_reads_as_usual(monkeypatch: pytest.MonkeyPatch, name: str, value: object) -> None:
    if name == "implementation":
        value = type("Implementation", (), {"name": "pypy"})
    monkeypatch.setattr(sys, name, value)
    assert not can_read()


def test_a_build_with_larger_objects_reads_as_usual(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(untouched, "_KNOWN_SIZES", ((object, 32),))
    assert not can_read()
