"""limits, on which flask-limiter and slowapi stand: each of its strategies is a script."""

from __future__ import annotations

import redis
from limits import parse
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter, SlidingWindowCounterRateLimiter

from compat.apps.program import run, url

FIVE_AN_HOUR = parse("5/hour")


def fixed_windows(client: redis.Redis) -> None:
    limiter = FixedWindowRateLimiter(storage_from_string(url()))
    assert [limiter.hit(FIVE_AN_HOUR, "user") for _ in range(6)] == [True] * 5 + [False]
    assert not limiter.test(FIVE_AN_HOUR, "user")
    assert limiter.hit(FIVE_AN_HOUR, "another", cost=3)
    assert limiter.get_window_stats(FIVE_AN_HOUR, "another").remaining == 2
    limiter.clear(FIVE_AN_HOUR, "user")
    assert limiter.test(FIVE_AN_HOUR, "user")


def moving_windows(client: redis.Redis) -> None:
    limiter = MovingWindowRateLimiter(storage_from_string(url()))
    assert [limiter.hit(FIVE_AN_HOUR, "user") for _ in range(6)] == [True] * 5 + [False]
    assert not limiter.hit(FIVE_AN_HOUR, "another", cost=6)
    assert limiter.hit(FIVE_AN_HOUR, "another", cost=4)
    assert limiter.get_window_stats(FIVE_AN_HOUR, "another").remaining == 1


def sliding_counters(client: redis.Redis) -> None:
    limiter = SlidingWindowCounterRateLimiter(storage_from_string(url()))
    assert [limiter.hit(FIVE_AN_HOUR, "user") for _ in range(6)] == [True] * 5 + [False]
    assert limiter.get_window_stats(FIVE_AN_HOUR, "user").remaining == 0


def the_storage(client: redis.Redis) -> None:
    storage = storage_from_string(url())
    assert storage.check()
    assert storage.incr("counter", 60, amount=2) == 2
    assert storage.get("counter") == 2
    assert storage.reset() == 1


if __name__ == "__main__":
    run(fixed_windows, moving_windows, sliding_counters, the_storage)
