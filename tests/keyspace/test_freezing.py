"""What is frozen stays as it was, whatever happens to the data; what happens to the data is not lost."""

from collections import deque
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respstore.engine.session import Session
from respstore.keyspace import Keyspace
from respstore.keyspace.digest import digest_of_keyspace
from respstore.keyspace.freezing import GuardedKeys, freeze, thaw
from tests.talk import make_engine, talk

FILL = b"""SET string x
SET number 12
APPEND grown ab
RPUSH list a b
HSET hash f v
SADD set a b
SADD ints 1 2
ZADD zset 1 a 2 b
XADD stream 1-1 f v
XGROUP CREATE stream group 0
EXPIRE string 1000""".splitlines()

CHANGES = b"""SET string y
INCR number
APPEND grown cd
SETRANGE grown 0 z
RPUSH list c
LPOP list
LSET list 0 z
LTRIM list 0 0
HSET hash f w g x
HDEL hash f
SADD set c
SREM set a
SADD ints 3
SADD ints text
SMOVE set ints b
ZADD zset 5 a 3 c
ZREM zset b
ZPOPMIN zset
XADD stream 2-1 f v
XDEL stream 1-1
XREADGROUP GROUP group bob STREAMS stream >
XTRIM stream MAXLEN 0
XGROUP DESTROY stream group
RENAME list list2
RPUSH list2 d
COPY hash hash2
HSET hash2 q r
MOVE set 3
SWAPDB 0 3
SELECT 3
SELECT 0
DEL zset
PERSIST string
EXPIRE hash 5
FLUSHDB
SORT list STORE list2
LMOVE list list2 LEFT RIGHT
EVAL return(redis.call('rpush','list','e')) 0
GET string
LRANGE list 0 -1
MSET a 1 b 2""".splitlines()


@given(st.lists(st.sampled_from(CHANGES), max_size=25))
def test_whatever_is_done_what_was_frozen_stays(changes: list[bytes]) -> None:
    engine, plain = make_engine(), make_engine()
    session, other = Session(engine), Session(plain)
    for line in FILL:
        talk(session, line)
        talk(other, line)
    before = digest_of_keyspace(engine.keyspace)
    frozen = freeze(engine.keyspace)
    assert frozen is not None
    for line in changes:
        assert talk(session, line) == talk(other, line)
        assert digest_of_keyspace(frozen) == before
    thaw(engine.keyspace)
    assert all(type(db.data) is dict for db in engine.keyspace.databases)
    assert digest_of_keyspace(engine.keyspace) == digest_of_keyspace(plain.keyspace)


def filled() -> Keyspace:
    keyspace = Keyspace(2)
    keyspace.databases[0].put(b"list", deque([b"a"]), "rpush")
    return keyspace


READERS: list[Callable[[Keyspace], object]] = [
    lambda keyspace: keyspace.databases[0].get(b"list"),
    lambda keyspace: keyspace.databases[0].read(b"list"),
    lambda keyspace: keyspace.databases[0].peek(b"list"),
    lambda keyspace: keyspace.databases[0].peek_even_dead(b"list"),
    lambda keyspace: keyspace.databases[0].look(b"list"),
    lambda keyspace: keyspace.databases[0].data[b"list"],
]


@pytest.mark.parametrize("read", READERS)
def test_a_container_is_copied_once(read: Callable[[Keyspace], object]) -> None:
    keyspace = filled()
    original = keyspace.databases[0].data[b"list"]
    frozen = freeze(keyspace)
    assert frozen is not None
    copied = read(keyspace)
    assert copied == original
    assert copied is not original
    assert read(keyspace) is copied
    assert frozen.databases[0].data[b"list"] is original


def test_a_new_container_is_not_copied() -> None:
    keyspace = filled()
    freeze(keyspace)
    new: deque[bytes] = deque([b"b"])
    keyspace.databases[0].put(b"new", new, "rpush")
    assert keyspace.databases[0].get(b"new") is new
    with pytest.raises(KeyError):
        keyspace.databases[0].data[b"none"]


def test_data_is_frozen_once_at_a_time_and_only_plain_data() -> None:
    keyspace = filled()
    assert not keyspace.is_frozen
    assert freeze(keyspace) is not None
    assert keyspace.is_frozen
    assert freeze(keyspace) is None
    thaw(keyspace)
    assert not keyspace.is_frozen
    assert freeze(keyspace) is not None


def test_where_maxmemory_begins_to_count_nothing_is_frozen_any_more() -> None:
    engine = make_engine()
    session = Session(engine)
    talk(session, b"RPUSH list a")
    freeze(engine.keyspace)
    talk(session, b"CONFIG SET maxmemory 1gb")
    assert not engine.keyspace.is_frozen
    assert freeze(engine.keyspace) is None


def test_libraries_are_frozen_too() -> None:
    keyspace = filled()
    keyspace.libraries = (b"code",)
    frozen = freeze(keyspace)
    assert frozen is not None
    assert frozen.libraries == (b"code",)


def test_expiry_is_frozen_too() -> None:
    keyspace = filled()
    keyspace.databases[0].set_deadline(b"list", 5)
    frozen = freeze(keyspace)
    assert frozen is not None
    keyspace.databases[0].persist(b"list")
    assert frozen.databases[0].deadline(b"list") == 5
    assert isinstance(keyspace.databases[0].data, GuardedKeys)
