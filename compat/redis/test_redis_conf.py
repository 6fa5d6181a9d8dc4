"""A redis.conf that was written for redis-server starts respstore, too; what it renames is called so on both."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis

from compat.servers import redis_server, respstore_server
from tests.cli.programs import serving

DISTRIBUTED = Path("/etc/redis/redis.conf")
"""As Debian and Ubuntu install it; it belongs to root and to the group `redis`."""

RENAMED = ("--rename-command", "GET", "FETCH", "--rename-command", "KEYS", "", "--rename-command", "CONFIG", "admin")
REQUESTS = (
    *("GET k", "FETCH k", "fetch k", "FETCH", "KEYS *", "ADMIN GET hz", "ADMIN nosuch", "ADMIN GET", "CONFIG GET hz"),
    *("COMMAND GETKEYS FETCH k", "COMMAND GETKEYS GET k"),
    *("COMMAND LIST FILTERBY PATTERN get", "COMMAND LIST FILTERBY PATTERN fetch"),
)


def test_the_distributed_file_needs_no_edit_but_for_places(tmp_path: Path) -> None:
    """Where the machine's own server lies, this one must not: folder, log, pid file and port are given beside it."""
    conf = tmp_path / "redis.conf"
    conf.write_bytes(DISTRIBUTED.read_bytes())
    places = ("--dir", str(tmp_path), "--logfile", "", "--pidfile", str(tmp_path / "pid"), "--daemonize", "no")

    with serving(str(conf), *places, "--port", "0") as program:
        assert program.ask(b"CONFIG GET repl-diskless-sync-delay").startswith(b"*2\r\n")
        assert int((tmp_path / "pid").read_text()) == program.process.pid


def told(client: redis.Redis, request: str) -> object:
    """The answer as it comes, not what redis-py makes of it."""
    client.response_callbacks.clear()
    try:
        answer: object = client.execute_command(*request.split(" "))
    except redis.ResponseError as error:
        return str(error)
    return answer


@pytest.fixture
def clients():
    with redis_server(*RENAMED) as ours, respstore_server(*RENAMED) as theirs:
        yield ours.client(protocol=2), theirs.client(protocol=2)


def test_renamed_commands(clients: tuple[redis.Redis, redis.Redis]) -> None:
    for request in REQUESTS:
        ours, theirs = (told(client, request) for client in clients)
        assert ours == theirs, request


def test_the_same_options() -> None:
    names = []
    for serve in (redis_server, respstore_server):
        with serve() as server:
            names.append(set(server.client().config_get("*")))
    assert {name for name in names[1] - names[0] if not name.startswith("tcpstore-")} == set()
    assert names[0] - names[1] == set()


def test_the_fields_that_tools_read() -> None:
    """redis_exporter, redis-cli --stat, RedisInsight: each field of INFO has its value in the same form."""
    fields = []
    for serve in (redis_server, respstore_server):
        with serve() as server:
            fields.append(server.client().info("everything"))
    assert {name for name in fields[0] if not name.startswith(("cmdstat_", "latency_"))} <= set(fields[1])
    kinds = [{name: type(value) for name, value in found.items()} for found in fields]
    assert {name for name in kinds[0].keys() & kinds[1].keys() if kinds[0][name] is not kinds[1][name]} <= {
        "redis_git_sha1",
        "redis_build_id",
        "rss_overhead_ratio",
        "allocator_rss_bytes",
        "config_file",
        "executable",
        "run_id",
    }
