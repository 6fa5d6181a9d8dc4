"""Torch's own stores ask name servers for their peers' names, and stand still where none answers: here none is asked.

The process gets a mount namespace of its own, in which names are looked up in files only; so do all that it starts.
Where the system does not allow that, the tests take as long as the name servers do.
"""

import ctypes
import os
from collections.abc import Iterator

import pytest

from compat.bench.coordination import NAME_SERVICE
from compat.servers import RunningServer, redis_server, respstore_server

CLONE_NEWNS, MS_BIND, MS_REC, MS_PRIVATE = 0x20000, 0x1000, 0x4000, 0x40000


@pytest.fixture(scope="session", autouse=True)
def no_name_servers(tmp_path_factory: pytest.TempPathFactory) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    file = tmp_path_factory.mktemp("names") / "nsswitch.conf"
    file.write_text(NAME_SERVICE)
    if libc.unshare(CLONE_NEWNS) == 0:
        libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None)
        libc.mount(os.fsencode(file), b"/etc/nsswitch.conf", None, MS_BIND, None)


@pytest.fixture(scope="session", params=["poller", "streams"])
def server(request: pytest.FixtureRequest) -> Iterator[RunningServer]:
    """A respstore on each of its I/O backends."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("USE_LIBUV", "1" if request.param == "poller" else "0")
        with respstore_server() as running:
            yield running


@pytest.fixture(scope="session")
def redis() -> Iterator[RunningServer]:
    """A real redis-server."""
    with redis_server() as running:
        yield running


@pytest.fixture
def empty(server: RunningServer) -> RunningServer:
    """A respstore without data."""
    with server.client() as client:
        client.flushall()
    return server
