"""create_store: each row of C10D.md's table of torch's create_c10d_store, and what the store owns."""

import gc
import ipaddress
import os
import pickle
import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from respstore import (
    PortInUseError,
    Server,
    Store,
    StoreConnectionError,
    StoreTimeoutError,
    create_store,
    get_free_port,
)
from respstore.ports import get_socket_with_port
from respstore.store import create
from tests.store.servers import PATIENCE

ME = f"{socket.gethostname()} (pid {os.getpid()})"


@pytest.fixture(autouse=True)
def no_rank(monkeypatch):
    monkeypatch.delenv("RANK", raising=False)


@pytest.fixture
def threads(monkeypatch) -> None:
    """Servers in threads, which are there sooner."""

    def start(*arguments: str, port: int, process: bool) -> Server:
        assert process
        return Server(*arguments, port=port)

    monkeypatch.setattr("respstore.server.embedded.Server", start)


@pytest.fixture
def untouched(monkeypatch) -> None:
    """No socket is opened."""

    def fail(*arguments: Any, **options: Any) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", fail)


def in_threads(*functions: Callable[[], Store]) -> list[Store]:
    """Call functions side by side; what they return, in the order in which they end."""
    results: list[Store] = []
    threads = [threading.Thread(target=lambda call=call: results.append(call())) for call in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    return results


def is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), PATIENCE).close()
    except ConnectionRefusedError:
        return True
    return False


# Ports


@pytest.mark.parametrize("is_server", [True, False])
def test_more_than_one_worker_need_a_port(untouched, is_server):
    with pytest.raises(ValueError, match="server_port must be specified when world_size > 1") as caught:
        create_store(is_server, "127.0.0.1", world_size=2)

    text = "server_port must be specified when world_size > 1, got server_port=-1, world_size=2"
    assert str(caught.value) == text


@pytest.mark.parametrize("port", [-1, 0])
def test_takes_a_free_port(threads, port):
    with create_store(True, "127.0.0.1", port) as store:
        assert store.port > 0
        assert store.host == "127.0.0.1"
        assert not is_refused(store.port)


@pytest.mark.parametrize("port", [-1, 0])
def test_a_worker_needs_the_port_of_the_server(untouched, port):
    with pytest.raises(ValueError, match=f"a worker that is not the server needs its port, got server_port={port}"):
        create_store(False, "127.0.0.1", port)


def test_takes_the_port_that_it_is_told_to_take(threads):
    port = get_free_port()

    with create_store(True, "127.0.0.1", port) as store:
        assert store.port == port


@pytest.mark.slow
def test_says_at_once_who_has_the_port():
    with Server(process=True) as holder:
        with pytest.raises(PortInUseError) as caught:
            create_store(True, "127.0.0.1", holder.port, retries=1_000_000)

        assert str(caught.value).startswith(f"127.0.0.1:{holder.port} is taken by ")
        assert caught.value.holder.pid == holder.pid


@pytest.mark.parametrize(("port", "tried"), [(-1, 3), (0, 3), (7000, 1)])
def test_tries_again_only_where_the_port_is_free_to_choose(monkeypatch, port, tried):
    attempts = []

    def fail(*arguments: str, port: int, process: bool) -> None:
        attempts.append(port)
        raise PortInUseError("127.0.0.1", 7000, None)  # type: ignore[arg-type]

    monkeypatch.setattr("respstore.server.embedded.Server", fail)

    with pytest.raises(PortInUseError):
        create_store(True, "127.0.0.1", port, retries=3)

    assert attempts == [max(port, 0)] * tried


@pytest.mark.parametrize("port", [-2, 70000])
def test_names_a_port_out_of_range(untouched, port):
    with pytest.raises(ValueError, match=f"server_port is a port up to 65535, or -1 for a free one, not {port}"):
        create_store(True, "127.0.0.1", port)


def test_takes_no_text_for_a_port(untouched):
    with pytest.raises(TypeError, match="server_port is an int, not str"):
        create_store(True, "127.0.0.1", "0")  # type: ignore[arg-type]


# No server


def test_a_worker_that_finds_no_server_says_so_in_time():
    port = get_free_port()
    start = time.monotonic()

    with pytest.raises(StoreConnectionError, match=f"127.0.0.1:{port}"):
        create_store(False, "127.0.0.1", port, timeout=0.3)

    assert 0.3 <= time.monotonic() - start < PATIENCE


@pytest.mark.parametrize("wait_for_workers", [True, False])
def test_a_worker_that_is_never_answered_says_so_in_time(wait_for_workers):
    with get_socket_with_port() as sock:
        host, port = sock.getsockname()[:2]
        start = time.monotonic()

        with pytest.raises((StoreConnectionError, StoreTimeoutError), match=str(port)):
            create_store(False, host, port, timeout=0.3, wait_for_workers=wait_for_workers)

    assert 0.3 <= time.monotonic() - start < PATIENCE


def test_a_worker_may_be_there_before_the_server(threads):
    port = get_free_port()
    knocked = threading.Event()

    def serve() -> Store:
        knocked.wait(PATIENCE)
        return create_store(True, "127.0.0.1", port, 2, PATIENCE)

    def join() -> Store:
        with pytest.raises(StoreConnectionError):
            create_store(False, "127.0.0.1", port, 2, 0.01)
        knocked.set()
        return create_store(False, "127.0.0.1", port, 2, PATIENCE)

    stores = in_threads(serve, join)

    assert len(stores) == 2
    for store in stores:
        store.close()


@pytest.mark.parametrize("timeout", [0, -1, -0.5, timedelta(), timedelta(seconds=-1)])
def test_a_timeout_is_above_zero(untouched, timeout):
    with pytest.raises(ValueError, match="timeout is a time above 0, not "):
        create_store(True, "127.0.0.1", timeout=timeout)


def test_a_timeout_is_no_text(untouched):
    with pytest.raises(TypeError, match="a timeout is a number of seconds, a timedelta or None, not str"):
        create_store(True, "127.0.0.1", timeout="600")


def test_asks_no_resolver_about_numeric_addresses_nor_for_the_name_of_a_peer(threads, monkeypatch):
    real_addresses, real_names = socket.getaddrinfo, socket.getnameinfo

    def getaddrinfo(host: Any, *arguments: Any, **options: Any) -> Any:
        ipaddress.ip_address(host)  # for which no resolver is asked
        return real_addresses(host, *arguments, **options)

    def getnameinfo(address: Any, flags: int) -> Any:
        assert flags & socket.NI_NUMERICHOST
        return real_names(address, flags)

    def fail(*arguments: Any) -> None:
        raise AssertionError("the resolver was asked")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket, "getnameinfo", getnameinfo)
    for name in ("gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getfqdn"):
        monkeypatch.setattr(socket, name, fail)
    with create_store(True, "127.0.0.1") as store, create_store(False, "127.0.0.1", store.port) as worker:
        assert worker.check(["_tcp_store/num_members/last_member"])


# Workers that join, or do not


@pytest.mark.slow
def test_tells_how_many_and_who_have_joined_and_ends_the_server(threads):
    port = get_free_port()

    with pytest.raises(StoreTimeoutError) as caught:
        create_store(True, "127.0.0.1", port, world_size=2, timeout=1)

    assert str(caught.value) == f"1 of 2 workers joined within 1 s: {ME}"
    assert is_refused(port)


@pytest.mark.slow
def test_names_the_ranks_that_are_missing_if_the_others_have_told_theirs(server, monkeypatch):
    monkeypatch.setenv("RANK", "1")

    with pytest.raises(StoreTimeoutError) as caught:
        create_store(False, server.host, server.port, world_size=4, timeout=1)

    assert str(caught.value) == f"1 of 4 workers joined within 1 s: rank 1 on {ME}; missing ranks: 0, 2, 3"


def test_does_not_guess_who_is_missing():
    def report(*ranks: str) -> str:
        members = "".join(f"{rank} host 1\n" for rank in ranks)
        return create._report(members.encode(), len(ranks), 4, 600.0)

    text = "rank 0 on host (pid 1), host (pid 1)"
    assert report("0", "") == f"2 of 4 workers joined within 600 s: {text}"
    assert "missing" not in report("0", "0")
    assert "missing" not in report("0", "4")
    assert report("0", "2").endswith("; missing ranks: 1, 3")


def test_names_no_thousand_workers():
    text = create._report(b"".join(b"%d h 1\n" % rank for rank in range(0, 100, 2)), 50, 100, 1.0)

    assert "rank 38 on h (pid 1) ... and 30 more; missing ranks: 1, 3, 5," in text
    assert text.endswith("39 ... and 30 more")


def test_waits_until_all_have_joined(server):
    stores = in_threads(*[lambda: create_store(False, server.host, server.port, 3, PATIENCE)] * 3)

    assert len(stores) == 3
    for store in stores:
        assert store.get(create.COUNT) == b"3"
        store.close()


def test_one_that_starts_again_does_not_wait(server):
    create_store(False, server.host, server.port, 1, PATIENCE).close()

    create_store(False, server.host, server.port, 1, PATIENCE).close()


@pytest.mark.parametrize("world_size", [None, -1])
def test_an_open_number_of_workers_cannot_be_waited_for(untouched, world_size):
    with pytest.raises(ValueError, match=f"an open number of workers: give a world_size, got {world_size}, or "):
        create_store(True, "127.0.0.1", world_size=world_size)


@pytest.mark.parametrize("world_size", [None, -1, 1, 5])
def test_leaves_no_keys_if_it_does_not_wait(threads, world_size):
    with create_store(True, "127.0.0.1", 0, world_size, wait_for_workers=False) as store:
        assert store.num_keys() == 0


def test_nobody_is_no_number_of_workers(untouched):
    with pytest.raises(ValueError, match="world_size cannot be 0"):
        create_store(True, "127.0.0.1", world_size=0)


# The store


@pytest.mark.parametrize(("timeout", "seconds"), [(7, 7.0), (timedelta(minutes=1), 60.0), (None, None)])
def test_has_the_timeout_afterwards(threads, timeout, seconds):
    with create_store(True, "127.0.0.1", timeout=timeout) as store:
        assert store.timeout == seconds


@pytest.mark.slow
def test_ends_its_server_which_is_a_process_of_its_own():
    with create_store(True, "127.0.0.1") as store:
        (server,) = [part for part in vars(store).values() if isinstance(part, Server)]
        assert server.pid not in (None, os.getpid())

    assert is_refused(server.port)


def test_ends_its_server_when_nobody_has_it_any_more(threads):
    store = create_store(True, "127.0.0.1")
    port = store.port
    del store
    gc.collect()

    assert is_refused(port)


@pytest.mark.parametrize("copy", [lambda store: store.clone(), lambda store: pickle.loads(pickle.dumps(store))])
def test_copies_end_no_server(threads, copy):
    with create_store(True, "127.0.0.1", timeout=PATIENCE) as store:
        with copy(store) as other:
            other.set("k", "v")
            assert type(other) is Store
            assert other.timeout == PATIENCE

        assert store.get("k") == b"v"


# Addresses


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "192.0.2.7", "localhost", "no.such.host.invalid"])
def test_listens_where_it_is_told(address):
    assert create._hosts(address) == [address]


@pytest.mark.parametrize(
    ("found", "hosts"),
    [
        pytest.param(["127.0.1.1"], ["*", "-::*"], id="as Debian has the host's own name"),
        pytest.param(["192.0.2.7"], ["*", "-::*"], id="as seen from outside"),
        pytest.param(["127.0.1.1", "0.0.0.0"], ["node-0"], id="an address of this machine"),
    ],
)
def test_listens_on_all_addresses_where_others_know_another_one(monkeypatch, found, hosts):
    entries = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (address, 0)) for address in found]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **options: entries)

    assert create._hosts("node-0") == hosts


def test_serves_by_the_name_of_the_host(threads):
    with create_store(True, socket.gethostname(), timeout=PATIENCE) as store:
        assert store.host == socket.gethostname()
        store.set("k", "v")
        assert store.get("k") == b"v"
