"""Glob patterns: respstore's predicate beside KEYS and CONFIG GET of a real redis-server.

The patterns are random but weighted towards the syntax, and so is what they are matched against; the seed is fixed.
"""

from collections.abc import Iterator
from random import Random

import pytest
import redis

from compat.servers import redis_server
from respstore.keyspace.glob import compile_glob

SYNTAX = [b"a", b"b", b"c", b"z", b"-", b"]", b"[", b"^", b"\\", b"*", b"?", b"A", b"Z", b"\n", b"\x00", b"\xff"]
WEIGHTS = [4, 4, 2, 1, 4, 3, 3, 3, 3, 5, 3, 1, 1, 1, 1, 1]


@pytest.fixture(scope="module")
def client() -> Iterator[redis.Redis]:
    with redis_server() as server, server.client() as client:
        yield client


def test_keys_selects_the_same_keys(client: redis.Redis) -> None:
    rng = Random(1)
    keys = {b"".join(rng.choices(SYNTAX, k=rng.randrange(7))) for _ in range(1500)}
    keys |= {b"".join(rng.choices(SYNTAX[:3], k=rng.randrange(12))) for _ in range(500)}
    client.mset(dict.fromkeys(keys, b""))
    for _ in range(100):
        patterns = [b"".join(rng.choices(SYNTAX, WEIGHTS, k=rng.randrange(11))) for _ in range(50)]
        pipeline = client.pipeline(transaction=False)
        for pattern in patterns:
            pipeline.keys(pattern)
        for pattern, reply in zip(patterns, pipeline.execute(), strict=True):
            matches = compile_glob(pattern)
            assert {key for key in keys if matches(key)} == set(reply), pattern


def test_config_get_selects_the_same_names(client: redis.Redis) -> None:
    rng = Random(2)
    names = set(client.execute_command("CONFIG", "GET", "*"))
    alphabet = [b"a", b"m", b"M", b"X", b"-", b"[", b"]", b"^", b"\\", b"*", b"?", b"Z", b"z", b"e", b"E"]
    for _ in range(5000):
        name = rng.choice(sorted(names))
        first, last = sorted((rng.randrange(len(name)), rng.randrange(len(name))))
        pattern = name[:first] + b"".join(rng.choices(alphabet, k=rng.randrange(1, 6))) + name[last:]
        if not any(special in pattern for special in (b"*", b"?", b"[")):
            pattern += b"*"  # a name without any of these is looked up, not matched: a backslash is part of it
        if rng.random() < 0.3:
            pattern = pattern.swapcase()
        matches = compile_glob(pattern, ignore_case=True)
        expected = set(client.execute_command("CONFIG", "GET", pattern))
        assert {name for name in names if matches(name)} == expected, pattern
