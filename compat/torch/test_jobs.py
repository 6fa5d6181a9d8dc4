"""Real jobs of four ranks on gloo, whichever way they find each other."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from compat.servers import REPOSITORY, RunningServer

WAYS = ("store", "url", "env")

on_one_backend = pytest.mark.parametrize("server", ["poller"], indirect=True)
"""For what shows nothing new on the other one, which test_collectives covers."""


def address(way: str, server: RunningServer, namespace: str = "job") -> str:
    if way == "store":
        return f"redis://127.0.0.1:{server.port}"
    if way == "url":
        return f"respstore://127.0.0.1:{server.port}/{namespace}"
    with server.client() as client:
        ports = [client.execute_command("C10D", "OPEN", f"{namespace}-{time}") for time in range(2)]
    return ",".join(f"127.0.0.1:{port}" for port in ports)


def run(way: str, where: str, plan: str, **environment: str) -> list[str]:
    job = subprocess.run(
        [sys.executable, "-m", "compat.torch.job", way, where, plan],
        cwd=REPOSITORY,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert job.returncode == 0, job.stderr
    return sorted(line for line in job.stdout.splitlines() if line.startswith("rank "))


def ranks(result: str) -> list[str]:
    return [f"rank {rank}: {result}" for rank in range(4)]


@pytest.mark.parametrize("way", WAYS)
def test_collectives(empty: RunningServer, way: str) -> None:
    assert run(way, address(way, empty), "collectives") == ranks("done")


@on_one_backend
@pytest.mark.parametrize("way", WAYS)
def test_training(empty: RunningServer, way: str) -> None:
    assert run(way, address(way, empty), "train") == ranks("trained")


@on_one_backend
@pytest.mark.parametrize("way", ["url", "env"])
def test_a_rank_that_does_not_come_is_named(empty: RunningServer, way: str) -> None:
    zero, *others, last = run(way, address(way, empty), "missing")
    assert "Ranks 3 failed to pass monitoredBarrier" in zero
    assert len(others) == 2
    assert last == "rank 3: stayed away"


def test_on_a_stock_redis(redis: RunningServer) -> None:
    with redis.client() as client:
        client.flushall()
    assert run("store", address("store", redis), "collectives") == ranks("done")


@on_one_backend
@pytest.mark.parametrize("option", ["TORCH_GLOO_LAZY_INIT", "TORCH_DIST_INIT_BARRIER"])
def test_options_that_change_what_is_asked_of_the_store(empty: RunningServer, option: str) -> None:
    assert run("url", address("url", empty), "collectives", **{option: "1"}) == ranks("done")


@on_one_backend
def test_with_every_check_of_torch(empty: RunningServer) -> None:
    # No training: DistributedDataParallel crashes torch 2.13 with this option on the CPU, with any store.
    assert run("url", address("url", empty), "collectives", TORCH_DISTRIBUTED_DEBUG="DETAIL") == ranks("done")


@on_one_backend
def test_two_jobs_on_one_server(empty: RunningServer) -> None:
    with ThreadPoolExecutor() as pool:
        jobs = [pool.submit(run, "url", address("url", empty, name), "collectives") for name in ("one", "two")]
        assert [job.result() for job in jobs] == [ranks("done")] * 2
    with empty.client() as client:
        assert {key.split(b"/")[0] for key in client.scan_iter()} == {b"one", b"two"}
