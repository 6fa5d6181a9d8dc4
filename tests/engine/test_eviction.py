"""Who goes first, by each policy."""

from random import Random

import pytest

from respstore.config.options import MAXMEMORY_POLICIES
from respstore.engine.engine import Engine
from respstore.engine.eviction import CANDIDATES, Evictor
from respstore.engine.session import Session
from tests.talk import make_engine, talk

KEYS = 1000


def engine_of(policy: str, samples: int = 5) -> Engine:
    """An engine with keys 0 to 999, of which those with an even number expire, the greater the sooner."""
    engine = make_engine(maxmemory_policy=policy, maxmemory_samples=samples, lfu_log_factor=0)
    now = engine.keyspace.now
    db = engine.keyspace.databases[0]
    for number in range(KEYS):
        db.put(b"%d" % number, b"v", "set")
        if number % 2 == 0:
            db.set_deadline(b"%d" % number, now + 10**9 - number)
    return engine


def evict(engine: Engine, count: int) -> list[int]:
    """The numbers of the keys that go."""
    evictor = Evictor(engine.keyspace, engine.config, Random(1))
    gone = []
    for _ in range(count):
        victim = evictor.victim()
        assert victim is not None
        db, key = victim
        assert db.delete(key, "evicted")
        gone.append(int(key))
    return gone


def test_noeviction_evicts_nothing() -> None:
    engine = engine_of("noeviction")
    assert Evictor(engine.keyspace, engine.config, Random(1)).victim() is None


@pytest.mark.parametrize("policy", [policy for policy in MAXMEMORY_POLICIES if policy != "noeviction"])
def test_all_that_may_be_evicted_is_in_the_end(policy: str) -> None:
    engine = engine_of(policy)
    db = engine.keyspace.databases[0]
    if policy.startswith("allkeys"):
        evict(engine, KEYS)
        assert not db.data
    else:
        assert all(number % 2 == 0 for number in evict(engine, KEYS // 2))
        assert len(db.data) == KEYS // 2
    assert Evictor(engine.keyspace, engine.config, Random(1)).victim() is None


def test_volatile_ttl_evicts_what_would_expire_next() -> None:
    engine = engine_of("volatile-ttl")
    db, other = engine.keyspace.databases[:2]
    assert evict(engine, 3) == [998, 996, 994]
    db.persist(b"992")
    db.set_deadline(b"10", engine.keyspace.now + 1)
    other.put(b"5000", b"v", "set")
    other.set_deadline(b"5000", engine.keyspace.now + 2)
    assert evict(engine, 3) == [10, 5000, 990]


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-lru"])
@pytest.mark.parametrize(("samples", "least"), [(5, 0.7), (10, 0.85)])
def test_lru_keeps_what_was_used_lately(policy: str, samples: int, least: float) -> None:
    """Half of the keys are evicted: of those used lately nearly all remain, as in Redis's own plots of its LRU."""
    engine = engine_of(policy, samples)
    db = engine.keyspace.databases[0]
    recent = [number for number in range(KEYS) if number % 4 == 0]
    for number in range(KEYS):  # not all at the same time
        engine.keyspace.now += 1000
        db.read(b"%d" % (number * 7 % KEYS))
    for number in recent:
        engine.keyspace.now += 10
        db.read(b"%d" % number)
    count = (len(db.data) if policy.startswith("allkeys") else len(db.expires)) // 2
    gone = evict(engine, count)
    assert 1 - len(set(gone) & set(recent)) / len(recent) > least


@pytest.mark.parametrize("policy", ["allkeys-lfu", "volatile-lfu"])
def test_lfu_keeps_what_is_used_often(policy: str) -> None:
    engine = engine_of(policy, 10)
    db = engine.keyspace.databases[0]
    often = [number for number in range(KEYS) if number % 4 == 0]
    for number in often:
        for _ in range(5):
            db.read(b"%d" % number)
    for number in range(KEYS):  # all are used once more, those that are used seldom last
        if number not in often:
            db.read(b"%d" % number)
    count = (len(db.data) if policy.startswith("allkeys") else len(db.expires)) // 2
    gone = evict(engine, count)
    assert 1 - len(set(gone) & set(often)) / len(often) > 0.85


@pytest.mark.parametrize("policy", ["allkeys-random", "volatile-random"])
def test_random_takes_all_keys_alike(policy: str) -> None:
    engine = engine_of(policy)
    gone = evict(engine, 400)
    assert 150 < sum(number < KEYS // 2 for number in gone) < 250


def test_random_takes_from_all_databases_in_turn() -> None:
    engine = engine_of("allkeys-random")
    for number in range(10):
        engine.keyspace.databases[3].put(b"%d" % (5000 + number), b"v", "set")
    gone = evict(engine, 20)
    assert [number >= 5000 for number in gone] == [False, True] * 10


def test_lru_compares_the_keys_of_all_databases() -> None:
    engine = engine_of("allkeys-lru", 10)
    engine.keyspace.now += 1000
    db = engine.keyspace.databases[3]
    for number in range(100):
        db.put(b"%d" % (5000 + number), b"v", "set")
    assert all(number < KEYS for number in evict(engine, 500))


def test_a_candidate_that_is_gone_or_never_expires_any_more_is_no_victim() -> None:
    engine = engine_of("volatile-lru", samples=CANDIDATES)
    db = engine.keyspace.databases[0]
    evictor = Evictor(engine.keyspace, engine.config, Random(1))
    assert evictor.victim() is not None  # others are candidates now
    for key in list(db.expires)[1:]:
        db.persist(key)
    assert evictor.victim() == (db, b"0")
    db.delete(b"0")
    assert evictor.victim() is None


def test_what_is_dead_already_is_no_victim() -> None:
    engine = engine_of("allkeys-random")
    engine.keyspace.now += 2 * 10**9
    evictor = Evictor(engine.keyspace, engine.config, Random(1))
    victim = evictor.victim()
    assert victim is not None
    assert int(victim[1]) % 2 == 1


def test_candidates_of_another_policy_are_forgotten() -> None:
    engine = engine_of("allkeys-lru")
    session = Session(engine)
    engine.keyspace.now += 1000
    evictor = Evictor(engine.keyspace, engine.config, Random(1))
    assert evictor.victim() is not None  # others remain, idle for a thousand, more than any key is used
    assert talk(session, b"CONFIG SET maxmemory-policy allkeys-lfu") == b"+OK\r\n"
    evictor.forget_candidates()
    db = engine.keyspace.databases[0]
    for key in list(db.data):
        db.read(key)
    for number in range(100):
        db.put(b"unused:%d" % number, b"v", "set")
    engine.config.maxmemory_samples = KEYS
    for _ in range(10):
        victim = evictor.victim()
        assert victim is not None
        assert victim[1].startswith(b"unused")


def test_an_empty_server_has_no_victim() -> None:
    for policy in MAXMEMORY_POLICIES:
        engine = make_engine(maxmemory_policy=policy)
        assert Evictor(engine.keyspace, engine.config, Random(1)).victim() is None
