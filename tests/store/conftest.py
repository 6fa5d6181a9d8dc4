"""One server for all tests of a process that only need some store; it is empty at the beginning of each."""

from collections.abc import Iterator

import pytest

from respstore import Server, Store
from tests.store.servers import PATIENCE


@pytest.fixture(scope="session")
def shared_server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def server(shared_server: Server) -> Server:
    with Store(shared_server.url) as store:
        store._ask(("FLUSHALL",))
    return shared_server


@pytest.fixture
def store(server: Server) -> Iterator[Store]:
    with Store(server.url, timeout=PATIENCE) as store:
        yield store
