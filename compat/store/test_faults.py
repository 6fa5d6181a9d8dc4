"""Barriers on a stock server while members die and the data is lost; tests/store/test_faults.py has respstore's."""

import subprocess
import sys

import pytest
import redis

from compat.patience import until
from compat.servers import RunningServer, redis_server
from respstore import Store
from respstore.exceptions import StoreTimeoutError
from respstore.store import link, portable
from tests.store.behaviour import until_there
from tests.store.servers import PATIENCE, Background

DYING = """
import sys
from respstore import Store
from respstore.store import portable

portable.LEASE_MS = 300
Store(sys.argv[1]).barrier("b", 3, member=1)
"""


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "GRACE_SECONDS", PATIENCE)


def url(server: RunningServer) -> str:
    return f"redis://127.0.0.1:{server.port}"


def test_a_member_that_dies_is_taken_out_when_its_lease_ends() -> None:
    with redis_server() as server, Store(url(server), timeout=PATIENCE) as store:
        with subprocess.Popen([sys.executable, "-c", DYING, url(server)], stderr=subprocess.DEVNULL) as dying:
            until_there(store, "b")
            dying.kill()
        with pytest.raises(StoreTimeoutError, match=r"1 of 3 arrived after .*; missing: 1, 2$"):
            store.barrier("b", 3, 1.5, member=0)
        assert not store.check(["b"])
        with server.client() as client:
            assert not list(client.scan_iter("respstore:*"))


def is_over(client: redis.Redis, barrier: str) -> bool:
    """Whether a member has a lease that is over."""
    _, leases, *_ = portable.companions(barrier, 0)
    seconds, microseconds = client.time()
    return client.zcount(leases, "-inf", seconds * 1000 + microseconds // 1000) > 0


def test_a_member_that_slept_longer_than_its_lease_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portable, "LEASE_MS", 50)  # shorter than the pauses of a long wait
    with redis_server() as server, Store(url(server), timeout=PATIENCE) as store:
        waiting = Background(store.barrier, "b", 2, member=0)
        with server.client() as client:
            until(lambda: is_over(client, "b"), "the end of the lease")
        assert store.barrier("b", 2, member=1).epoch == 0
        assert waiting.result().epoch == 0


def test_the_data_is_lost_in_the_middle_of_an_epoch() -> None:
    with redis_server() as server, Store(url(server), timeout=PATIENCE) as store:
        for _ in range(3):
            calls = [Background(store.barrier, "b", 2, member=rank) for rank in range(2)]
            assert len({call.result().epoch for call in calls}) == 1
        early = Background(store.barrier, "b", 2, member=0)
        until_there(store, "b")
        with server.client() as client:
            client.flushall()
            client.client_kill_filter(_type="normal", skipme=True)
        assert store.barrier("b", 2, member=1).epoch == 3
        assert early.result().epoch == 3
        assert store.get("b") == b"4"
