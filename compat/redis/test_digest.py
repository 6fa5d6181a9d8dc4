"""DEBUG DIGEST: the same data has the same digest here and in a real redis-server. The seed is fixed."""

from collections import deque
from random import Random

from compat.servers import redis_server
from respstore.keyspace import Hash, Keyspace, Set
from respstore.keyspace.digest import digest_of_keyspace, digest_of_value

DEADLINE = 33_177_117_420_000  # in the year 3021


def test_random_data() -> None:
    rng = Random(1)
    keyspace = Keyspace(16)
    with redis_server("--enable-debug-command", "yes") as server, server.client() as client:
        for number in range(500):
            db = keyspace.databases[rng.randrange(3)]
            key = rng.randbytes(rng.randrange(4))
            elements = [
                rng.choice([b"%d" % rng.randrange(-(10**6), 10**12), rng.randbytes(rng.randrange(100))])
                for _ in range(rng.randrange(1, 6))
            ]
            pipeline = client.pipeline(transaction=False)
            pipeline.execute_command("SELECT", db.index)
            pipeline.delete(key)
            match rng.randrange(4):
                case 0:
                    db.put(key, elements[0], "set")
                    pipeline.set(key, elements[0])
                case 1:
                    db.put(key, deque(elements), "rpush")
                    pipeline.rpush(key, *elements)
                case 2:
                    db.put(key, Set.of(elements, 512), "sadd")
                    pipeline.sadd(key, *elements)
                case _:
                    fields = Hash(zip(elements, reversed(elements), strict=True))
                    db.put(key, fields, "hset")
                    pipeline.hset(key, mapping=dict(fields))
            if rng.random() < 0.3:
                db.expire_at(key, DEADLINE + number)
                pipeline.pexpireat(key, DEADLINE + number)
            pipeline.execute_command("DEBUG", "DIGEST-VALUE", key)
            assert pipeline.execute()[-1] == [digest_of_value(db, key).encode()]
        assert client.execute_command("DEBUG", "DIGEST") == digest_of_keyspace(keyspace).encode()
