"""The kinds of servers that a store runs on, each started once; they are empty at the beginning of each test."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import attrs
import pytest

from compat.servers import RunningServer, redis_server, respstore_server
from compat.store.groups import cluster, service
from respstore import Store
from respstore.store import link
from tests.store.servers import PATIENCE

KINDS = ("respstore", "scripts", "redis", "sentinel", "cluster")
NO_COMMANDS = [word for name in ("BGET", "BEXISTS", "CAS", "BARRIER") for word in ("--rename-command", name, "")]
"""A respstore without them is for a store as any other server: `scripts`."""


@attrs.frozen
class Kind:
    """Servers of a kind: the URL of a store on them, and those that hold its keys."""

    name: str
    url: str
    holders: tuple[RunningServer, ...]


@pytest.fixture(scope="session", params=KINDS)
def kind(request: pytest.FixtureRequest) -> Iterator[Kind]:
    match request.param:
        case "sentinel":
            with service() as some:
                yield Kind("sentinel", some.url, (some.master,))
        case "cluster":
            with cluster() as some_nodes:
                yield Kind("cluster", some_nodes.url, some_nodes.nodes)
        case "scripts":
            with respstore_server(*NO_COMMANDS) as server:
                yield Kind("scripts", f"redis://127.0.0.1:{server.port}", (server,))
        case name:
            with (redis_server if name == "redis" else respstore_server)() as server:
                yield Kind(name, f"redis://127.0.0.1:{server.port}", (server,))


@pytest.fixture
def another(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Store]]:
    monkeypatch.setattr(link, "GRACE_SECONDS", PATIENCE)  # a busy machine is slow, and not away
    for holder in kind.holders:
        with holder.client() as client:
            client.flushall()
    with contextlib.ExitStack() as stack:

        def make(prefix: str = "", timeout: float | None = PATIENCE) -> Store:
            return stack.enter_context(Store(kind.url, prefix=prefix, timeout=timeout))

        yield make


@pytest.fixture
def store(another: Callable[..., Store]) -> Store:
    return another()
