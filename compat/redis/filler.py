"""Data of all types, sizes and encodings by chance, and what two servers must tell of it alike."""

from __future__ import annotations

import math
from random import Random

import redis


class Filler:
    """Fills a server with values of all types, sizes and encodings by chance."""

    def __init__(self, client: redis.Redis, seed: int) -> None:
        self.client = client
        self.random = Random(seed)

    def fill(self) -> None:
        for number in range(12):
            count = self.random.choice([1, 3, 20, 200, 700])
            pipeline = self.client.pipeline(transaction=False)
            pipeline.set(f"string {number}", self.text())
            pipeline.rpush(f"list {number}", *self.texts(count))
            pipeline.sadd(f"set {number}", *self.texts(count))
            pipeline.sadd(f"numbers {number}", *[self.number() for _ in range(count)])
            pipeline.hset(f"hash {number}", mapping=dict(zip(self.texts(count), self.texts(count), strict=True)))
            pipeline.hset(f"small hash {number}", mapping={b"f%d" % field: b"%d" % field for field in range(count)})
            pipeline.zadd(f"zset {number}", {text: self.score() for text in self.texts(count)})
            pipeline.zadd(f"small zset {number}", {b"m%d" % member: self.score() for member in range(count)})
            pipeline.execute()
            self.fill_stream(f"stream {number}", count)
        self.client.xgroup_create("empty", "group", mkstream=True)

    def fill_stream(self, key: str, count: int) -> None:
        ids = []
        for number in range(count):
            fields = {b"a": self.text(), b"b": self.text()} if self.random.random() < 0.9 else {b"c": self.text()}
            ids.append(self.client.xadd(key, fields, id=f"{3 * number + 1}-{self.random.randrange(1, 5)}"))  # type: ignore[arg-type]
        self.client.xgroup_create(key, "group", self.random.choice([b"0", ids[len(ids) // 2]]))
        self.client.xgroup_create(key, "at the end", "$")
        self.client.xgroup_createconsumer(key, "group", "idle")
        for consumer in ("ann", "bob"):
            self.client.xreadgroup("group", consumer, {key: ">"}, count=5)
        self.client.xdel(key, *self.random.sample(ids, len(ids) // 5), "1-0")

    def texts(self, count: int) -> list[bytes]:
        return [self.text() for _ in range(count)]

    def text(self) -> bytes:
        kind = self.random.random()
        if kind < 0.3:
            return b"%d" % self.number()
        if kind < 0.7:
            return self.random.randbytes(self.random.randrange(20))
        return b"abc" * self.random.randrange(60) if kind < 0.95 else self.random.randbytes(self.random.randrange(5000))

    def number(self) -> int:
        limit = 2 ** self.random.choice([6, 12, 15, 23, 31, 62])
        return self.random.randrange(-limit, limit)

    def score(self) -> float:
        return self.random.choice([self.random.random(), float(self.number()), math.inf, -0.0, 1e300])


def described(client: redis.Redis, key: bytes) -> list[object]:
    """What must be the same of a key wherever it is."""
    facts = [client.execute_command("DEBUG", "DIGEST-VALUE", key), client.object("encoding", key)]
    return [*facts, client.xinfo_stream(key, full=True)] if client.type(key) == b"stream" else facts
