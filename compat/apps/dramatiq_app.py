"""Dramatiq, whose broker is one large script: messages, results, retries, delayed messages, limits."""

from __future__ import annotations

import time

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.rate_limits import Barrier, BucketRateLimiter, ConcurrentRateLimiter, WindowRateLimiter
from dramatiq.rate_limits.backends import RedisBackend as LimitsBackend
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend as ResultsBackend

from compat.apps.program import run, url

PATIENCE = 20_000  # milliseconds for what takes a part of a second

broker = RedisBroker(url=url())
broker.add_middleware(Results(backend=ResultsBackend(url=url())))
dramatiq.set_broker(broker)


@dramatiq.actor(store_results=True)
def add(first: int, second: int) -> int:
    return first + second


@dramatiq.actor(store_results=True)
def now() -> float:
    return time.time()


@dramatiq.actor(store_results=True, max_retries=3, min_backoff=1, max_backoff=10)
def stubborn(port: int) -> int:
    with redis.Redis(port=port) as client:
        attempt = int(client.incr("attempts"))
    if attempt < 3:
        raise ValueError("as intended")
    return attempt


def results(client: redis.Redis) -> None:
    messages = [add.send(number, 1) for number in range(20)]
    assert broker.get_declared_queues() == {"default"}
    assert [message.get_result(block=True, timeout=PATIENCE) for message in messages] == list(range(1, 21))
    broker.join("default", timeout=PATIENCE)
    assert client.llen("dramatiq:default") == 0


def pipelines_and_groups(client: redis.Redis) -> None:
    pipeline = (add.message(1, 2) | add.message(3) | add.message(4)).run()
    assert pipeline.get_result(block=True, timeout=PATIENCE) == 10
    group = dramatiq.group([add.message(number, number) for number in range(5)]).run()
    assert list(group.get_results(block=True, timeout=PATIENCE)) == [0, 2, 4, 6, 8]


def retries(client: redis.Redis) -> None:
    message = stubborn.send(client.connection_pool.connection_kwargs["port"])
    assert message.get_result(block=True, timeout=PATIENCE) == 3


def delayed(client: redis.Redis) -> None:
    asked = time.time()
    message = now.send_with_options(delay=200)
    assert message.get_result(block=True, timeout=PATIENCE) >= asked + 0.2


def limits(client: redis.Redis) -> None:
    backend = LimitsBackend(url=url())
    mutex = ConcurrentRateLimiter(backend, "mutex", limit=1)
    with mutex.acquire(raise_on_failure=False) as first, mutex.acquire(raise_on_failure=False) as second:
        assert (first, second) == (True, False)
    for limiter in (
        BucketRateLimiter(backend, "bucket", limit=2, bucket=60_000),
        WindowRateLimiter(backend, "window", limit=2, window=60),
    ):
        taken = []
        for _ in range(3):
            with limiter.acquire(raise_on_failure=False) as acquired:
                taken.append(acquired)
        assert taken == [True, True, False]
    barrier = Barrier(backend, "barrier", ttl=30_000)
    assert barrier.create(2)
    assert not barrier.wait(block=False)
    assert barrier.wait(block=False)


if __name__ == "__main__":
    worker = dramatiq.Worker(broker, worker_timeout=50, worker_threads=2)
    worker.start()
    run(results, pipelines_and_groups, retries, delayed, limits)
    worker.stop()
    broker.close()
