"""Celery: the server as broker and as result backend; retries, chains, chords, tasks for later, revoked ones."""

from __future__ import annotations

import time
from typing import Any

import celery
import pytest
import redis
from celery.contrib.testing.worker import start_worker

from compat.apps.program import run, url

PATIENCE = 20.0  # seconds for what takes a part of one

app = celery.Celery("app", broker=url(), backend=url())
app.conf.update(
    broker_connection_retry_on_startup=True,
    result_chord_join_timeout=PATIENCE,
    broker_transport_options={"polling_interval": 0.05},
    worker_hijack_root_logger=False,
    worker_log_format="",
)


@app.task
def add(first: int, second: int) -> int:
    return first + second


@app.task
def total(numbers: list[int]) -> int:
    return sum(numbers)


@app.task
def now() -> float:
    return time.time()


@app.task(bind=True, max_retries=2, default_retry_delay=0)
def stubborn(task: Any) -> int:
    if task.request.retries < 2:
        raise task.retry()
    return int(task.request.retries)


@app.task
def failing() -> None:
    raise ValueError("as intended")


def results(client: redis.Redis) -> None:
    assert add.delay(2, 3).get(PATIENCE) == 5
    assert [add.delay(number, 1).get(PATIENCE) for number in range(3)] == [1, 2, 3]
    result = failing.delay()
    with pytest.raises(ValueError, match="as intended"):
        result.get(PATIENCE)
    assert result.state == "FAILURE"
    result.forget()
    assert result.state == "PENDING"


def retries(client: redis.Redis) -> None:
    assert stubborn.delay().get(PATIENCE) == 2


def chains_and_groups(client: redis.Redis) -> None:
    assert (add.s(1, 2) | add.s(3) | add.s(4)).delay().get(PATIENCE) == 10
    assert celery.group(add.s(number, number) for number in range(10)).delay().get(PATIENCE) == list(range(0, 20, 2))


def chords(client: redis.Redis) -> None:
    assert celery.chord((add.s(number, 1) for number in range(10)), total.s()).delay().get(PATIENCE) == 55
    nested = celery.chord([celery.chord([add.s(1, 1), add.s(2, 2)], total.s()), add.s(3, 3)], total.s())
    assert nested.delay().get(PATIENCE) == 12


def later(client: redis.Redis) -> None:
    asked = time.time()
    assert now.apply_async(countdown=0.3).get(PATIENCE) >= asked + 0.3


def priorities(client: redis.Redis) -> None:
    results = [add.apply_async((number, 1), priority=number) for number in (0, 3, 9)]
    assert [result.get(PATIENCE) for result in results] == [1, 4, 10]


if __name__ == "__main__":
    with start_worker(app, pool="threads", concurrency=2, perform_ping_check=False, loglevel="ERROR"):
        run(results, retries, chains_and_groups, chords, later, priorities)
