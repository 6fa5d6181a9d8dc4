"""The servers that applications are run on: respstore, and redis-server, which shows that the application is right."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from compat.servers import RunningServer, redis_server, respstore_server

SERVERS = {"respstore": respstore_server, "redis": redis_server}


@pytest.fixture(scope="session", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[RunningServer]:
    with SERVERS[request.param]() as running:
        yield running
