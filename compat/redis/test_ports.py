"""A real redis-server that holds the port: recognised, also with a password, also on a unix socket."""

import re

import pytest

from compat.servers import redis_server
from respstore.ports import HolderKind, PortInUseError, listen_tcp, listen_unix


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("respstore.ports.listening.ANSWER_LIMIT", 10.0)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_redis_server_is_named_with_its_version(host: str) -> None:
    with redis_server() as server, pytest.raises(PortInUseError) as caught:
        listen_tcp([host], server.port, 16)
    error = caught.value
    assert error.holder.kind is HolderKind.REDIS
    assert error.holder.pid == server.pid
    assert re.fullmatch(rf"{host}:{server.port} is taken by Redis 7\.[\d.]+ \(pid {server.pid}, up \d+ s\)", str(error))


def test_redis_server_with_a_password_is_recognised() -> None:
    with redis_server("--requirepass", "secret") as server, pytest.raises(PortInUseError) as caught:
        listen_tcp(["127.0.0.1"], server.port, 16)
    assert caught.value.holder.kind is HolderKind.RESP
    assert str(caught.value) == (
        f"127.0.0.1:{server.port} is taken by a server that speaks Redis's protocol and says "
        f"'NOAUTH Authentication required.' (pid {server.pid}, redis-server)"
    )


def test_redis_server_on_a_unix_socket_is_named(tmp_path: object) -> None:
    path = f"{tmp_path}/redis.sock"
    with redis_server("--unixsocket", path) as server, pytest.raises(PortInUseError) as caught:
        listen_unix(path, None, 16)
    assert caught.value.holder.kind is HolderKind.REDIS
    assert caught.value.holder.pid == server.pid
