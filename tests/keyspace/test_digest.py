"""The digests are those that redis-server 7.0.15 gives for the same data."""

from collections import deque
from math import inf

import pytest

from respstore.keyspace import Hash, Keyspace, Set, SortedSet, Value
from respstore.keyspace.digest import digest_of_keyspace, digest_of_value
from respstore.keyspace.list import LongList
from respstore.keyspace.stream import Stream

NOTHING = "0" * 40


@pytest.fixture
def keyspace() -> Keyspace:
    keyspace = Keyspace(16)
    keyspace.now = 1_000
    return keyspace


@pytest.mark.parametrize(
    ("value", "digest"),
    [
        (b"hello", "36b23a1456b2dce2c3ed252c456761301dba8060"),
        (b"12", "655ac46b180ad2f61a3cee25f0b1780fa2ec879a"),
        (bytearray(b"abcdef"), "86da10851cbd5c1e5bc88af675446b31ddbc6abe"),
        (deque([b"a", b"b", b"c"]), "8bf72d812571eea9b927f3c11beb0c4165a6ff89"),
        (LongList([b"a", b"b", b"c"]), "8bf72d812571eea9b927f3c11beb0c4165a6ff89"),
        (deque([b"1", b"22", b"333"]), "45234ae2968b55af649f9e4b1d3952c4fcb95cff"),
        (Set({b"3": None, b"1": None, b"2": None}), "2a462a3f51a1db89738ebbeef0c47ce1bbc85246"),
        (Set({b"y": None, b"x": None, b"1": None}), "03ee76a1ebe8db27d61b3ea784011d5acc537675"),
        (SortedSet({b"a": 1.5, b"1": -3.0, b"b": inf}), "66d1a709dde3ff2f8734222e543b30e8a09b1da0"),
        (Hash({b"f": b"v", b"g": b"w"}), "d127864ed50239662bf61bafc9bda63c17da5b37"),
        (Hash({b"xxx": b"", b"n": b"1", b"ff": b"22"}), "c5fad7118f0f219dec8072b081bb73800db1ce7e"),
    ],
)
def test_values(keyspace: Keyspace, value: Value, digest: str) -> None:
    db = keyspace.databases[3]
    db.put(b"any name", value, "set")
    assert digest_of_value(db, b"any name") == digest


def test_a_stream(keyspace: Keyspace) -> None:
    stream = Stream()
    stream.append(((1, 1), (b"f", b"g"), (b"v", b"w")), 4, 4096, 100)
    stream.append(((2, 0), (b"f",), (b"x",)), 2, 4096, 100)
    db = keyspace.databases[0]
    db.put(b"s", stream, "xadd")
    assert digest_of_value(db, b"s") == "db93315cb1d6732d82b94715c5a44f0cca6ad542"


def test_a_value_that_expires(keyspace: Keyspace) -> None:
    db = keyspace.databases[0]
    db.put(b"s", b"hello", "set")
    db.expire_at(b"s", 33_177_117_420_000)
    digest = digest_of_value(db, b"s")
    assert digest == "d037c4eb8a8b36b602fbced4000daeab0714c1e3"
    keyspace.now = 33_177_117_420_000
    assert digest_of_value(db, b"s") == digest
    assert db.get(b"s") is None
    assert digest_of_value(db, b"s") == NOTHING


def test_no_value(keyspace: Keyspace) -> None:
    assert digest_of_value(keyspace.databases[0], b"missing") == NOTHING


def test_all_data(keyspace: Keyspace) -> None:
    assert digest_of_keyspace(keyspace) == NOTHING
    db = keyspace.databases[0]
    db.put(b"s", b"hello", "set")
    assert digest_of_keyspace(keyspace) == "a500c6b54937da22f2ac1167da1da852479c7339"
    db.put(b"i", b"12", "set")
    db.put(b"r", bytearray(b"abcdef"), "append")
    db.put(b"l", deque([b"a", b"b", b"c"]), "rpush")
    db.put(b"m", deque([b"1", b"22", b"333"]), "rpush")
    assert digest_of_keyspace(keyspace) == "5394d21cb37d6e9ef84af9dcd18c115bc30f7076"
    db.expire_at(b"s", 33_177_117_420_000)
    assert digest_of_keyspace(keyspace) == "a1607d2fc2251504861f968c711efd7eef993745"
    keyspace.databases[5].put(b"s", b"hello", "set")
    assert digest_of_keyspace(keyspace) == "ed1e2240ac3b7811db9002efe2d823355ea179c0"
    keyspace.databases[5].put(b"e", b"", "set")
    assert digest_of_keyspace(keyspace) == "e5e3a453b67c27be3c7ea02e0519b4c45dd0df9c"


def test_the_order_in_which_keys_were_made_does_not_matter() -> None:
    digests = set()
    for names in (b"abc", b"cab"):
        keyspace = Keyspace(1)
        for name in names:
            keyspace.databases[0].put(bytes([name]), bytes([name]), "set")
        digests.add(digest_of_keyspace(keyspace))
    assert len(digests) == 1


def test_the_order_of_a_list_matters(keyspace: Keyspace) -> None:
    db = keyspace.databases[0]
    db.put(b"l", deque([b"a", b"b"]), "rpush")
    db.put(b"m", deque([b"b", b"a"]), "rpush")
    assert digest_of_value(db, b"l") != digest_of_value(db, b"m")


def test_keys_whose_time_is_over_do_not_count(keyspace: Keyspace) -> None:
    db = keyspace.databases[0]
    db.put(b"k", b"v", "set")
    db.expire_at(b"k", 2_000)
    keyspace.now = 2_000
    assert digest_of_keyspace(keyspace) == NOTHING
