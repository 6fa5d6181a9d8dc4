"""Items read from where they lie: the same as Python gives, and whose counts nobody has raised."""

import mmap
import os
import pickle
import sys
from collections import deque
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from respstore.keyspace.containers import Hash, Set
from respstore.server import untouched
from respstore.server.untouched import can_read, consume_items, read_items

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
    assert (growth_in_child("Private_", long_table(), read) < 2_000_000) == (read is read_items)


@pytest.mark.skipif(not SMAPS.exists(), reason="the system does not tell what memory there is")
@pytest.mark.parametrize("read", [read_items, consume_items])
def test_memory_of_what_is_consumed_is_given_back(read: Callable[[dict[bytes, Any]], Any]) -> None:
    table = long_table(400_000)  # not all of it stands between what other tests have left
    assert (growth_in_child("Rss:", table, read) < -3_000_000) == (read is consume_items)
    assert len(set(table)) == len(set(table.values())) == len(table)  # in the parent all is there


@pytest.mark.skipif(not SMAPS.exists(), reason="the system does not tell what memory there is")
def test_memory_is_given_back_before_the_first_item_is_handed_out() -> None:
    table = long_table(400_000)
    for key in sorted(table, key=hash):  # so values lie in another order than entries
        table[key] = b"another value of " + key
    assert growth_in_child("Rss:", table, lambda items: islice(consume_items(items), 1)) < -3_000_000


def test_what_somebody_else_needs_is_not_given_back() -> None:
    table = long_table()
    others = list(table)[::100], list(table.values())[::77]
    expected = in_pieces(others)
    shared = b"a value of many keys"
    table.update((b"one of many keys %d" % number, shared) for number in range(50_000))

    def is_all_there() -> int:
        count = sum(1 for _ in consume_items(table))
        return count == len(table) and in_pieces(others) == expected and shared == b"a value of many keys"

    assert in_child(is_all_there)


@pytest.mark.parametrize("size", [100, 30_000, 200_000])
def test_items_that_are_consumed_are_those_of_the_dictionary(size: int) -> None:
    values = [b"", b"x", b"1234567", 5, -(2**70), None, bytearray(b"x"), deque([b"a"]), b"y" * 250, b"z" * 600]
    table: dict[bytes, Any] = {}
    for number in range(size):
        key = b"%d" % (number * 7919 % size)
        value = values[number % 10]
        table[key] = value + key if isinstance(value, bytes) else value
    for key in list(table)[::3]:
        del table[key]
    expected = pickle.loads(pickle.dumps(table))
    assert in_child(lambda: list(consume_items(table)) == list(expected.items()))


def test_hashes_and_sets_are_read_and_stay() -> None:
    fields = Hash(long_table(), is_table=True)
    assert in_child(lambda: list(consume_items(fields)) == list(fields.items()))


@pytest.mark.parametrize("system", ["without madvise", "with large pages"])
def test_where_no_memory_can_be_given_back_items_are_read_and_stay(
    monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    if system == "without madvise":
        monkeypatch.delattr(mmap, "MADV_DONTNEED")
    else:  # it would take back pools of others, too, which are in the same page
        monkeypatch.setattr(mmap, "PAGESIZE", 1 << 16)
    table = long_table()
    assert list(consume_items(table)) == list(table.items())


def long_table(length: int = 100_000) -> dict[bytes, Any]:
    """Some 140 bytes for each."""
    return {b"key:%012d" % number: b"value %d" % number for number in range(length)}


def in_pieces(lists: Any) -> list[bytes]:
    """Their elements, joined, which no dictionary refers to."""
    return [b",".join(words) for words in lists]


def in_child(task: Callable[[], int]) -> int:
    """What a forked child answers."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(writer, b"%d" % task())
        finally:
            os._exit(0)
    os.close(writer)
    try:
        os.waitpid(child, 0)
        return int(os.read(reader, 100))
    finally:
        os.close(reader)


def growth_in_child(kind: str, table: dict[bytes, Any], read: Callable[[dict[bytes, Any]], Any]) -> int:
    """By how many bytes that kind of memory of a child grows while it reads all items; below 0 if it shrinks."""

    def grown() -> int:
        before = bytes_that_are(kind)
        for _ in read(table):
            pass
        return bytes_that_are(kind) - before

    return in_child(grown)


def bytes_that_are(kind: str) -> int:
    """Memory of this process of which its system says so."""
    lines = SMAPS.read_text().splitlines()
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith(kind))


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
