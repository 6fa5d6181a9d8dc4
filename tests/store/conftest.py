"""One server for all tests of a process that only need some store; it is empty at the beginning of each."""

from collections.abc import Iterator

import pytest

from respstore import Server, Store
from respstore.store import link
from tests.store.servers import PATIENCE


@pytest.fixture(scope="session")
def shared_server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def server(shared_server: Server) -> Server:
    with Store(shared_server.url) as store:
        store._ask("FLUSHALL", "SYNC")
    return shared_server


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stores do not give up a server that is merely slow, as on a busy machine."""
    monkeypatch.setattr(link, "GRACE_SECONDS", PATIENCE)


@pytest.fixture
def store(server: Server, patient: None) -> Iterator[Store]:
    with Store(server.url, timeout=PATIENCE) as store:
        yield store
