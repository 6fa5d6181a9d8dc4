"""The locks of redis-py and of python-redis-lock, which release and extend by scripts."""

from __future__ import annotations

import threading

import pytest
import redis
import redis_lock
from redis.exceptions import LockNotOwnedError

from compat.apps.program import run


def locks_of_redis_py(client: redis.Redis) -> None:
    lock = client.lock("lock", timeout=10)
    other = client.lock("lock", timeout=10)
    assert lock.acquire(blocking=False)
    assert not other.acquire(blocking=False)
    assert lock.locked()
    assert lock.owned()
    assert not other.owned()
    lock.extend(100)
    assert 100 < client.ttl("lock") <= 110
    lock.extend(50, replace_ttl=True)
    assert 10 < client.ttl("lock") <= 50
    lock.reacquire()
    assert client.ttl("lock") <= 10
    lock.release()
    assert other.acquire(blocking_timeout=1)
    client.set("lock", "somebody else's")
    with pytest.raises(LockNotOwnedError):
        other.extend(1)
    with pytest.raises(LockNotOwnedError):
        other.reacquire()
    with pytest.raises(LockNotOwnedError):
        other.release()
    assert client.get("lock") == b"somebody else's"


def exclusion(client: redis.Redis) -> None:
    together = []

    def count(amount: int) -> None:
        for _ in range(amount):
            with client.lock("mutex", timeout=10, sleep=0.001):
                together.append(int(client.get("count") or 0))
                client.set("count", together[-1] + 1)

    threads = [threading.Thread(target=count, args=(20,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(together) == list(range(80))


def python_redis_lock(client: redis.Redis) -> None:
    lock = redis_lock.Lock(client, "name", expire=10)
    assert lock.acquire(blocking=False)
    assert not redis_lock.Lock(client, "name").acquire(blocking=False)
    assert lock.locked()
    assert lock.get_owner_id() == lock.id
    lock.extend(60)
    assert 10 < client.ttl("lock:name") <= 60
    waiter = redis_lock.Lock(client, "name", expire=10)
    acquired = threading.Thread(target=waiter.acquire, kwargs={"timeout": 5})
    acquired.start()
    lock.release()
    acquired.join()
    assert waiter.locked()
    with pytest.raises(redis_lock.NotAcquired):
        lock.release()
    redis_lock.reset_all(client)
    assert not waiter.locked()


def renewal(client: redis.Redis) -> None:
    with redis_lock.Lock(client, "kept", expire=2, auto_renewal=True):
        assert client.exists("lock:kept")
    assert not client.exists("lock:kept")


if __name__ == "__main__":
    run(locks_of_redis_py, exclusion, python_redis_lock, renewal)
