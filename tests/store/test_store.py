"""The store on a respstore. What it does on any server is in behaviour.py."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from respstore import Server, Store
from respstore.exceptions import StoreError
from respstore.store.store import seconds_of, shorten
from tests.store.behaviour import *  # noqa: F403 - its tests run here
from tests.store.behaviour import Another
from tests.store.servers import PATIENCE, Background, until_blocked


@pytest.fixture
def another(server: Server, patient: None) -> Iterator[Another]:
    with contextlib.ExitStack() as stack:

        def make(prefix: str = "", timeout: float | None = PATIENCE) -> Store:
            return stack.enter_context(Store(server.url, prefix=prefix, timeout=timeout))

        yield make


def test_a_store_says_where_it_is(server: Server) -> None:
    store = Store(f"redis://127.0.0.1:{server.port}/1", prefix="job", timeout=5)

    assert (store.host, store.port, store.prefix, store.timeout) == ("127.0.0.1", server.port, "job", 5.0)
    assert repr(store) == f"Store('redis://127.0.0.1:{server.port}/1', prefix='job', timeout=5.0)"
    assert repr(Store("redis://:secret@h", timeout=None)) == "Store('redis://:***@h', timeout=None)"
    assert Store().port == 6379


def test_a_store_takes_its_database_by_the_url(store: Store, server: Server) -> None:
    with Store(f"{server.url}/1") as other:
        other.set("k", "v")
        assert other.num_keys() == 1
    assert store.num_keys() == 0


def test_a_store_shows_its_name(store: Store, server: Server) -> None:
    with Store(f"{server.url}?client_name=rank-3") as named:
        assert named._ask("CLIENT", "GETNAME") == b"rank-3"


def test_a_store_takes_any_other_command(store: Store) -> None:
    assert store.execute_command("PING") == b"PONG"
    store.execute_command("HSET", "h", "field", 5)
    assert store.execute_command("HGET", "h", "field", repeatable=True) == b"5"
    with pytest.raises(StoreError, match="WRONGTYPE"):
        store.execute_command("GET", "h")


def test_a_unix_socket(tmp_path) -> None:
    path = tmp_path / "s"
    with Server("--unixsocket", str(path)), Store(f"unix://{path}") as store:
        store.set("k", "v")
        assert store.get("k") == b"v"
        assert (store.host, store.port) == (str(path), 0)


def test_passwords() -> None:
    with Server("--requirepass", "secret") as server:
        with Store(f"redis://:secret@127.0.0.1:{server.port}") as store:
            store.set("k", "v")
        with Store(f"redis://:wrong@127.0.0.1:{server.port}") as store, pytest.raises(StoreError, match="WRONGPASS"):
            store.get("k")
        with Store(server.url) as store, pytest.raises(StoreError, match="NOAUTH"):
            store.get("k")


def test_a_numeric_address_is_never_looked_up(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **options: object) -> None:
        raise AssertionError("the resolver was asked")

    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getnameinfo", "getfqdn"):
        monkeypatch.setattr(socket, name, fail)
    with Store(server.url) as store:
        store.set("k", "v")
        assert store.get("k") == b"v"


def test_names_are_resolved(server: Server) -> None:
    with Store(f"redis://localhost:{server.port}", timeout=PATIENCE) as store:
        store.set("k", "v")
        assert store.host == "localhost"


def test_seconds_of() -> None:
    assert seconds_of(0) == 0.0
    assert seconds_of(1e12) == float("inf")
    assert seconds_of(-0.1) == float("inf")


def test_shorten() -> None:
    assert shorten(["a", "b"]) == "'a', 'b'"


# Processes

WAITER = """
import signal, sys
from respstore import Store

signal.signal(signal.SIGINT, signal.default_int_handler)  # which who runs the tests in the background ignores
store = Store(sys.argv[1])
store.check(["k"])
print("waits", flush=True)
store.barrier("b", 2) if sys.argv[2] == "barrier" else store.get("never")
"""


@pytest.mark.slow
@pytest.mark.parametrize("call", ["get", "barrier"])
def test_ctrl_c_ends_a_wait_within_a_second(server: Server, call: str) -> None:
    with subprocess.Popen([sys.executable, "-c", WAITER, server.url, call], stdout=-1, stderr=-1, text=True) as waiter:
        assert waiter.stdout.readline() == "waits\n"
        start = time.monotonic()
        waiter.send_signal(signal.SIGINT)
        _, errors = waiter.communicate(timeout=PATIENCE)
        assert errors.endswith("KeyboardInterrupt\n")
        assert time.monotonic() - start < 5  # a busy machine; on an idle one 0.1 s


def in_child(function) -> int:
    """Runs a function in a forked process; its exit status, 0 if it returned true."""
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if function() else 1)
        except BaseException:  # noqa: BLE001 - whatever it is
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_uses_connections_of_its_own(store: Store) -> None:
    store.set("k", "v")
    waiting = Background(store.get, "later")
    until_blocked(store, 1)
    number = store._ask("CLIENT", "ID")

    assert in_child(lambda: store.get("k") == b"v" and store._ask("CLIENT", "ID") > number) == 0
    assert in_child(lambda: store.close() is None) == 0
    assert store._ask("CLIENT", "ID") == number
    store.set("later", "v")
    assert waiting.result() == b"v"


def test_importing_respstore_does_not_import_the_store() -> None:
    code = "import sys, respstore; assert 'respstore.store' not in sys.modules; respstore.Store; respstore.store"
    subprocess.run([sys.executable, "-c", code], check=True)
