import psutil
import pytest

from compat.servers import ServerError, find_program, redis_server


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
