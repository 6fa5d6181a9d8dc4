import os

import psutil
import pytest

from compat.servers import ServerError, find_program, on_core, redis_server, redis_version, side_by_side


def test_a_server_answers_inside_and_is_gone_after() -> None:
    with redis_server("--databases", "3") as server:
        with server.client() as client:
            assert client.config_get("databases") == {"databases": "3"}
        assert server.resident_bytes() > 0
        assert server.cpu_seconds() >= 0
    assert not psutil.pid_exists(server.pid)


def test_a_server_with_a_password_counts_as_ready() -> None:
    with redis_server("--requirepass", "secret") as server, server.client(password="secret") as client:
        assert client.ping()


def test_a_server_that_dies_says_why() -> None:
    with pytest.raises(ServerError, match=r"(?s)redis-server ended at once.*Bad directive"), redis_server("--nix", "1"):
        pass


def test_a_missing_program_is_an_error_that_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ServerError, match="redis-server is not in PATH") as raised:
        find_program("redis-server")
    assert "apt-get install redis-server" in str(raised.value)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system does not let a process choose its cores")
def test_what_is_started_on_a_core_stays_there() -> None:
    cores = os.sched_getaffinity(0)
    with on_core(0), redis_server() as server:
        with on_core(1):
            assert len(os.sched_getaffinity(0)) == 1
        assert os.sched_getaffinity(server.pid) == {min(cores)}
    assert os.sched_getaffinity(0) == cores


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system does not let a process choose its cores")
def test_both_servers_have_a_core_and_who_measures_them_another() -> None:
    cores = sorted(os.sched_getaffinity(0))
    with side_by_side("--databases", "3") as servers:
        assert os.sched_getaffinity(0) == {cores[1 % len(cores)]}
        for server in servers:
            assert os.sched_getaffinity(server.pid) == {cores[0]}
            with server.client() as client:
                assert client.config_get("databases") == {"databases": "3"}
        assert [server.name for server in servers] == ["redis-server", "respstore"]


def test_the_version_is_the_one_that_the_server_tells() -> None:
    with redis_server() as server, server.client() as client:
        assert redis_version() == client.info("server")["redis_version"]
