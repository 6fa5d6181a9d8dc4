"""RQ: a worker that forks for each job, retries, dependencies, scheduled jobs."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import redis
from rq import Queue, Retry, Worker
from rq.job import JobStatus
from rq.registry import FailedJobRegistry, FinishedJobRegistry, ScheduledJobRegistry
from rq.scheduler import RQScheduler

from compat.apps import jobs
from compat.apps.program import run


def work(queue: Queue) -> None:
    """Do all that is in the queue, each job in a process of its own."""
    Worker([queue], connection=queue.connection).work(burst=True, logging_level="ERROR")


def results(client: redis.Redis) -> None:
    queue = Queue("jobs", connection=client)
    done = [queue.enqueue(jobs.add, number, 1) for number in range(3)]
    assert queue.job_ids == [job.id for job in done]
    assert [job.get_status() for job in done] == [JobStatus.QUEUED] * 3
    work(queue)
    assert [job.return_value() for job in done] == [1, 2, 3]
    assert all(job.get_status(refresh=True) == JobStatus.FINISHED for job in done)
    assert len(queue) == 0
    assert set(FinishedJobRegistry(queue=queue).get_job_ids()) == {job.id for job in done}


def order(client: redis.Redis) -> None:
    queue = Queue("jobs", connection=client)
    first = queue.enqueue(jobs.add, 1, 1)
    urgent = queue.enqueue(jobs.add, 2, 2, at_front=True)
    assert queue.job_ids == [urgent.id, first.id]
    first.cancel()
    assert queue.job_ids == [urgent.id]
    queue.empty()
    assert queue.job_ids == []


def dependencies(client: redis.Redis) -> None:
    queue = Queue("jobs", connection=client)
    parts = [queue.enqueue(jobs.add, number, 1) for number in range(2)]
    total = queue.enqueue(jobs.sum_of_dependencies, depends_on=parts)
    assert total.get_status() == JobStatus.DEFERRED
    work(queue)
    assert total.return_value() == 3


def retry(client: redis.Redis) -> None:
    queue = Queue("jobs", connection=client)
    job = queue.enqueue(jobs.fail_twice, int(sys.argv[1]), retry=Retry(max=2))
    work(queue)
    assert job.return_value() == "done at last"
    assert client.get("attempts") == b"3"


def failures(client: redis.Redis) -> None:
    queue = Queue("jobs", connection=client)
    job = queue.enqueue(jobs.fail)
    work(queue)
    assert job.get_status() == JobStatus.FAILED
    result = job.latest_result()
    assert result is not None
    assert "as intended" in str(result.exc_string)
    registry = FailedJobRegistry(queue=queue)
    assert registry.get_job_ids() == [job.id]
    registry.requeue(job)
    assert queue.job_ids == [job.id]


def scheduled(client: redis.Redis) -> None:
    queue = Queue("jobs", connection=client)
    now = datetime.now(UTC)
    due = queue.enqueue_at(now - timedelta(seconds=1), jobs.add, 1, 2)
    later = queue.enqueue_in(timedelta(hours=1), jobs.add, 3, 4)
    registry = ScheduledJobRegistry(queue=queue)
    assert registry.get_job_ids() == [due.id, later.id]
    scheduler = RQScheduler([queue], connection=client, logging_level="ERROR")
    assert scheduler.acquire_locks() == {"jobs"}
    other = RQScheduler([queue], connection=client, logging_level="ERROR")
    assert other.acquire_locks() == set()
    scheduler.enqueue_scheduled_jobs()
    assert queue.job_ids == [due.id]
    assert registry.get_job_ids() == [later.id]
    scheduler.release_locks()
    work(queue)
    assert due.return_value() == 3


if __name__ == "__main__":
    run(results, order, dependencies, retry, failures, scheduled)
