"""Fixtures for the tests of programs that use Redis; pytest finds them where respstore is installed.

    def test_counts(respstore_client):
        assert respstore_client.incr("visits") == 1

Nothing else of respstore is imported until a test asks for one of them.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import redis

    from respstore.server.embedded import Server


@pytest.fixture
def respstore_server() -> "Iterator[Server]":
    """A server of this test's own, empty, on a free port: `.host`, `.port`, `.url` (see `respstore.Server`)."""
    from respstore.server.embedded import Server  # noqa: PLC0415 - see above

    with Server() as server:
        yield server


@pytest.fixture
def respstore_client(respstore_server: "Server") -> "Iterator[redis.Redis]":
    """A redis-py client of `respstore_server`; its replies are bytes, as are those of `redis.Redis()`."""
    import redis  # noqa: PLC0415 - see above

    with redis.Redis.from_url(respstore_server.url) as client:
        yield client
