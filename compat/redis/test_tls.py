"""redis-cli over TLS, to both servers with the same options."""

import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from compat.servers import RunningServer, find_program, free_port, redis_server, respstore_server
from tests.authority import Authority


@pytest.mark.parametrize("serve", [redis_server, respstore_server])
def test_redis_cli(tmp_path: Path, serve: Callable[..., AbstractContextManager[RunningServer]]) -> None:
    authority = Authority(tmp_path / "authority")
    port = free_port()
    options = authority.options(port).items()
    arguments = [word for name, value in options for word in (f"--{name.replace('_', '-')}", str(value))]
    certificate, key = authority.issue("client")
    known = ("--cert", str(certificate), "--key", str(key))

    def ask(*words: str, certificate: tuple[str, ...] = known) -> str:
        trust = ["--tls", "--cacert", str(authority.certificate), *certificate]
        command = [find_program("redis-cli"), "-p", str(port), *trust, *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False).stdout.strip()

    with serve(*arguments):
        assert ask("PING", certificate=()) == "PONG"
        assert ask("SET", "k", "v") == "OK"
        assert ask("CONFIG", "SET", "tls-auth-clients", "yes") == "OK"
        assert ask("PING", certificate=()) == ""
        assert ask("CONFIG", "SET", "tls-cert-file", "missing").startswith(
            "ERR CONFIG SET failed (possibly related to argument 'tls-cert-file') - Unable to update TLS configuration."
        )
        assert ask("GET", "k") == "v"
