"""The URL of a job: who meets, with which keys, and who is named when somebody does not come."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
import torch.distributed as dist

from compat.patience import until
from compat.servers import REPOSITORY, RunningServer
from respstore.torch import RespStore, rendezvous
from respstore.torch.store import _ALIVE

SECOND = timedelta(seconds=1)

RANK = """
import sys
from respstore.torch import rendezvous

store, *_ = next(rendezvous.handler(sys.argv[1]))
store.set("0//cpu//0/" + sys.argv[2], "an address")
store.wait(["never"])
"""


@pytest.fixture(autouse=True)
def _close_stores() -> Iterator[None]:
    """The stores of a test leave their namespace."""
    before = set(_ALIVE)
    yield
    for number in set(_ALIVE) - before:
        _ALIVE[number].close()


def meet(server: RunningServer, rank: int, path: str = "/job", world_size: int = 2, timeout: timedelta = 20 * SECOND):
    url = f"respstore://127.0.0.1:{server.port}{path}?rank={rank}&world_size={world_size}"
    return next(rendezvous.handler(url, timeout=timeout))


def meet_all(server: RunningServer, world_size: int = 2, **options) -> list[RespStore]:
    found = {}

    def one(rank: int) -> None:
        found[rank] = meet(server, rank, world_size=world_size, **options)

    threads = [threading.Thread(target=one, args=(rank,)) for rank in range(world_size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(rank, size) for _, rank, size in (found[rank] for rank in range(world_size))] == [
        (rank, world_size) for rank in range(world_size)
    ]
    return [found[rank][0] for rank in range(world_size)]


def test_all_ranks_get_the_same_keys(empty: RunningServer) -> None:
    one, two = meet_all(empty)
    one.set("k", "v")
    assert two.get("k") == b"v"
    with empty.client() as client:
        assert client.get("job/0/k") == b"v"
    assert one.timeout == 20 * SECOND


def test_who_meets_again_finds_no_keys_of_before(empty: RunningServer) -> None:
    former, _ = meet_all(empty)
    former.set("0//cpu//0/1", "an address")
    later, _ = meet_all(empty)
    assert not later.check(["0//cpu//0/1"])
    with empty.client() as client:
        assert client.get("job/round") == b"2"
    meet_all(empty)
    with empty.client() as client:
        assert client.keys("job/0/*") == []


def test_two_jobs_do_not_see_each_other(empty: RunningServer) -> None:
    (one,), (two,) = (meet_all(empty, 1, path=path) for path in ("/one", "/two/deep/"))
    one.set("k", "1")
    assert not two.check(["k"])
    assert (one.store.prefix, two.store.prefix) == ("one/0", "two/deep/0")
    (bare,) = meet_all(empty, 1, path="")
    assert bare.store.prefix == "torch/0"


def test_the_keys_go_some_time_after_the_last_rank_was_killed(empty: RunningServer) -> None:
    url = f"respstore://127.0.0.1:{empty.port}/killed?world_size=2&rank="
    ranks = [subprocess.Popen([sys.executable, "-c", RANK, url + rank, rank], cwd=REPOSITORY) for rank in "01"]
    with empty.client(protocol=3, decode_responses=True) as client:

        def expires() -> float | None:
            rows = client.execute_command("C10D", "LIST")
            return next(row["expires_s"] for row in rows if row["namespace"] == "killed")

        client.config_set("tcpstore-namespace-ttl", 1)
        try:
            until(lambda: client.info("clients")["blocked_clients"] == 2)
            ranks[0].kill()
            ranks[0].wait()
            until(lambda: client.info("clients")["blocked_clients"] == 1)
            assert expires() is None
            assert set(client.keys("killed/*")) == {"killed/round", "killed/0/0//cpu//0/0", "killed/0/0//cpu//0/1"}
        finally:
            for rank in ranks:
                rank.kill()
                rank.wait()
            until(lambda: not client.keys("killed/*"))
            client.config_set("tcpstore-namespace-ttl", 3600)


def test_on_a_stock_redis_they_meet_as_well(redis: RunningServer) -> None:
    with redis.client() as client:
        client.flushall()
        first, second = meet_all(redis)
        first.set("k", "v")
        assert second.get("k") == b"v"
        assert client.get("job/0/k") == b"v"


def test_who_does_not_come_is_named(empty: RunningServer) -> None:
    with pytest.raises(dist.DistStoreError, match=r"1 of 3 arrived .*missing: 0, 2"):
        meet(empty, 1, world_size=3, timeout=0.3 * SECOND)


def test_without_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(dist.DistNetworkError, match=r"cannot reach 127\.0\.0\.1:1 within"):
        next(rendezvous.handler("respstore://127.0.0.1:1/job?rank=0&world_size=1", timeout=0.2 * SECOND))


def test_rank_and_world_size_come_from_the_environment_too(
    empty: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"respstore://127.0.0.1:{empty.port}/job"
    monkeypatch.delenv("RANK", raising=False)
    with pytest.raises(ValueError, match="rank is not given, RANK unset"):
        next(rendezvous.handler(url))
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "1")
    _, rank, world_size = next(rendezvous.handler(url))
    assert (rank, world_size) == (0, 1)


def test_a_job_does_not_meet_anew_by_the_same_url(empty: RunningServer) -> None:
    meetings = rendezvous.handler(f"respstore://127.0.0.1:{empty.port}/job?rank=0&world_size=1")
    next(meetings)
    with pytest.raises(RuntimeError, match="torchrun --rdzv-backend=respstore can"):
        next(meetings)


def test_torch_knows_the_scheme(empty: RunningServer) -> None:
    url = f"respstore://127.0.0.1:{empty.port}/job"
    store, rank, world_size = next(dist.rendezvous(url, rank=0, world_size=1))
    assert isinstance(store, RespStore)
    assert (rank, world_size) == (0, 1)
