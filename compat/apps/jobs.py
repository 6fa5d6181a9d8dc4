"""What the workers of rq_app do: rq asks for functions of a module that it can import."""

from __future__ import annotations

import redis
import rq


def add(first: int, second: int) -> int:
    return first + second


def fail_twice(port: int) -> str:
    """Raises at the first two calls."""
    with redis.Redis(port=port) as client:
        attempt = client.incr("attempts")
    if attempt < 3:
        raise ValueError(f"attempt {attempt}")
    return "done at last"


def fail() -> None:
    raise ValueError("as intended")


def sum_of_dependencies() -> int:
    job = rq.get_current_job()
    assert job is not None
    return sum(dependency.return_value() for dependency in job.fetch_dependencies())
