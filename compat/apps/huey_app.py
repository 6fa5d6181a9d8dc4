"""Huey: its queues, with and without priorities, results, retries, tasks for later, locks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import huey
import redis

from compat.apps.program import run, url


def work(queue: huey.RedisHuey) -> None:
    """Do all that is in the queue."""
    while (task := queue.dequeue()) is not None:
        queue.execute(task)


def results(client: redis.Redis) -> None:
    queue = huey.RedisHuey("plain", url=url(), blocking=False)
    add = queue.task()(lambda first, second: first + second)
    handles = [add(number, 1) for number in range(3)]
    assert queue.pending_count() == 3
    work(queue)
    assert [handle.get() for handle in handles] == [1, 2, 3]
    assert (add.s(1, 2).then(add, 3).id) is not None


def priorities(client: redis.Redis) -> None:
    queue = huey.PriorityRedisHuey("priorities", url=url(), blocking=False)
    done: list[str] = []
    note = queue.task()(done.append)
    note("low", priority=1)
    note("high", priority=10)
    note("middle", priority=5)
    work(queue)
    assert done == ["high", "middle", "low"]


def later(client: redis.Redis) -> None:
    queue = huey.RedisHuey("later", url=url(), blocking=False, utc=True)
    note = queue.task()(lambda text: text)
    handle = note.schedule(("text",), delay=60)
    work(queue)
    assert queue.scheduled_count() == 1
    now = datetime.now(UTC).replace(tzinfo=None)
    due = now + timedelta(seconds=61)
    assert queue.read_schedule(now) == []
    (task,) = queue.read_schedule(due)
    queue.execute(task, due)
    assert handle.get() == "text"


def expiring_results(client: redis.Redis) -> None:
    queue = huey.RedisExpireHuey("expiring", url=url(), expire_time=100, blocking=False)
    one = queue.task()(lambda: 1)
    handle = one()
    work(queue)
    assert 0 < client.ttl(queue.storage.result_key(handle.id)) <= 100
    assert handle.get() == 1


def locks(client: redis.Redis) -> None:
    queue = huey.RedisHuey("locks", url=url(), blocking=False)
    with queue.lock_task("name"):
        assert queue.is_locked("name")
    assert not queue.is_locked("name")


if __name__ == "__main__":
    run(results, priorities, later, expiring_results, locks)
