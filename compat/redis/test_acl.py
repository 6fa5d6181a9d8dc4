"""Users made of random rules may do, on respstore, exactly what they may do on a real redis-server."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import redis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from compat.redis.harness import Harness
from compat.redis.strategies import acl
from compat.redis.strategies.pieces import Words, command
from compat.redis.wire import Reply
from compat.servers import RunningServer, redis_server, respstore_server

Start = Callable[..., AbstractContextManager[RunningServer]]

LONG = bool(os.environ.get("LONG"))
SEED = int(os.environ.get("SEED", "0"))
EXAMPLES = 2000 if LONG else 60

SETUSER = command("ACL SETUSER u1", acl.rules)
FILL = (b"SET s1 1", b"SET s2 2", b"RPUSH l1 1 2", b"HSET h1 f v", b"ZADD z1 1 1", b"SADD m1 1", b"XADD x1 1-1 f v")


@pytest.mark.parametrize("protocol", [2, 3])
def test_same_permissions(harness: Harness, protocol: int) -> None:
    before = harness.compared["generated", protocol]

    @seed(SEED)
    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(SETUSER, min_size=1, max_size=6), st.lists(acl.request, min_size=10, max_size=20))
    def compare(changes: list[Words], requests: list[Words]) -> None:
        play(harness, protocol, changes, requests)

    compare()

    assert harness.compared["generated", protocol] - before >= EXAMPLES * 20


def play(harness: Harness, protocol: int, changes: list[Words], requests: list[Words]) -> None:
    """Make a user step by step; ask what it could do, then let it try."""
    pair = harness.pair()
    pair.begin(protocol)
    commands: list[tuple[str, Words]] = [("A", tuple(line.split())) for line in FILL]
    commands += [("A", change) for change in changes]
    commands += [("A", (b"ACL", b"DRYRUN", b"u1", *request)) for request in requests]
    # Whoever the rules have made it, it can be authenticated, and may not change who is who.
    commands += [("A", (b"ACL", b"SETUSER", b"u1", b"on", b"nopass")), ("B", (b"AUTH", b"u1", b"x"))]
    commands += [("B", request) for request in requests]
    for client, words in commands:
        harness.compared["generated", protocol] += 1
        for compared in pair.send(client, words):
            assert compared.agree, "\n".join([*map(str, changes), str(compared)])
    assert denied(pair.redis.ask(b"ACL", b"LOG", b"100")) == denied(pair.respstore.ask(b"ACL", b"LOG", b"100"))


def denied(log: Reply) -> list[list[str]]:
    """What was denied: count, reason, context, object and user of each entry."""
    return [[part.text for part in entry.parts[1:10:2]] for entry in log.parts]


USERS = (
    b"ACL SETUSER alice on >p ~a* %R~b* &c* +get +@hash -hset",
    b"ACL SETUSER bob on nopass sanitize-payload ~* &* +@all -@dangerous (%W~x +set) (+select|1)",
    b"ACL SETUSER carol reset (~a +get)",
    b"ACL SETUSER default >secret nopass",
)


def users(client: redis.Redis) -> list[str]:
    """All users, the words of each in order."""
    return [" ".join(sorted(line.split())) for line in client.execute_command("ACL LIST")]


@pytest.mark.parametrize("first", [respstore_server, redis_server])
def test_either_reads_the_users_that_the_other_has_saved(first: Start, tmp_path: Path) -> None:
    second = redis_server if first is respstore_server else respstore_server
    path = tmp_path / "users.acl"
    path.write_text("")
    with first("--aclfile", str(path)) as server, server.client() as client:
        for line in USERS:
            client.execute_command(*line.split())
        client.execute_command("ACL SAVE")
        before = users(client)
    with second("--aclfile", str(path)) as server, server.client() as client:
        assert users(client) == before
        client.execute_command("ACL LOAD")
        assert users(client) == before


@pytest.mark.parametrize("first", [respstore_server, redis_server])
def test_either_reads_the_configuration_that_the_other_has_rewritten(first: Start, tmp_path: Path) -> None:
    second = redis_server if first is respstore_server else respstore_server
    path = tmp_path / "redis.conf"
    path.write_text("# users\nuser alice off\nuser gone on\n# more\n")
    with first(str(path)) as server, server.client() as client:
        for line in (*USERS[:3], b"ACL DELUSER gone"):
            client.execute_command(*line.split())
        client.execute_command("CONFIG REWRITE")
        before = [user for user in users(client) if "default" not in user]  # that one `reset` precedes, in both
    lines = [line for line in path.read_text().splitlines() if line.startswith(("user ", "#"))]
    path.write_text("\n".join(lines) + "\n")
    with second(str(path)) as server, server.client() as client:
        assert [user for user in users(client) if "default" not in user] == before
    assert [line[:2] for line in lines[:4]] == ["# ", "us", "us", "# "]
