"""Servers that are away, hang, or vanish: what a link makes of them, and in which time."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from respstore import Server, Store
from respstore.exceptions import StoreConnectionError, StoreError, StoreTimeoutError
from respstore.store.connection import Connection
from respstore.store.link import LONGEST_PAUSE, Link, next_pause, shown
from respstore.store.target import parse_url
from tests.store.servers import PATIENCE, Background, fake_server, peer, until_blocked


@pytest.fixture
def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def store_at(port: int, timeout: float = PATIENCE) -> Store:
    return Store(f"redis://127.0.0.1:{port}", timeout=timeout)


def test_a_server_that_nobody_started(unused_port: int) -> None:
    start = time.monotonic()
    with (
        store_at(unused_port, 0.2) as store,
        pytest.raises(
            StoreConnectionError, match=rf"^cannot reach 127\.0\.0\.1:{unused_port} within 0\.2 s: "
        ) as caught,
    ):
        store.get("k")

    assert time.monotonic() - start >= 0.2
    assert str(caught.value).endswith("Connection refused")
    assert isinstance(caught.value, ConnectionError)


def test_a_server_that_comes_later(unused_port: int) -> None:
    with store_at(unused_port) as store:
        adding = Background(store.add, "n", 1)
        with Server(port=unused_port):
            assert adding.result() == 1


def test_a_server_that_comes_back() -> None:
    with Server() as first, store_at(first.port) as store:
        store.set("k", "v")
        waiting = Background(store.get, "later")
        first.close()
        with Server(port=first.port):
            assert store.add("n", 1) == 1  # the idle connection had ended, and was not used
            store.set("later", "v")
            assert waiting.result() == b"v"


@pytest.mark.parametrize("silent", ["accepts", "only listens"])
@pytest.mark.parametrize("call", ["set", "get", "wait", "add", "queue_pop"])
def test_a_server_that_never_answers(silent: str, call: str) -> None:
    arguments: dict[str, tuple[Any, ...]] = {"set": ("k", "v"), "wait": (["k"],), "add": ("n", 1)}
    start = time.monotonic()
    with (
        peer(*([None] if silent == "accepts" else [])) as port,
        store_at(port, 0.1) as store,
        pytest.raises(StoreTimeoutError, match=rf"127\.0\.0\.1:{port} did not answer within .* s"),
    ):
        getattr(store, call)(*arguments.get(call, ("k",)))
    assert time.monotonic() - start >= 0.1


def test_a_socket_that_accepts_nobody_any_more() -> None:
    with peer(backlog=0) as port:
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        start = time.monotonic()
        with store_at(port, 0.2) as store, pytest.raises(StoreConnectionError, match=r"within 0\.2 s: timed out"):
            store.get("k")
        assert time.monotonic() - start >= 0.2
        for filler in fillers:
            filler.close()


@pytest.mark.parametrize("call", ["get", "check", "set", "multi_get", "multi_set", "wait", "queue_len", "list_keys"])
def test_what_is_harmless_is_sent_twice(call: str, server: Server) -> None:
    arguments: dict[str, tuple[Any, ...]] = {"set": ("k", "v"), "multi_set": (["k"], ["v"]), "list_keys": ()}
    if call in ("check", "multi_get", "wait"):
        arguments[call] = (["k"],)
    replies = {"get": b"*1\r\n$1\r\nv\r\n", "multi_get": b"*1\r\n$1\r\nv\r\n", "list_keys": b"*2\r\n$1\r\n0\r\n*0\r\n"}
    with peer(b"", b"", replies.get(call, b":1\r\n")) as port, store_at(port) as store:
        getattr(store, call)(*arguments.get(call, ("k",)))


@pytest.mark.parametrize("call", ["add", "append", "compare_set", "queue_push", "queue_pop", "delete_key"])
def test_what_would_count_twice_is_sent_once(call: str) -> None:
    arguments: dict[str, tuple[Any, ...]] = {"add": ("k", 1), "compare_set": ("k", "", "v")}
    arguments |= {"queue_pop": ("k",), "delete_key": ("k",)}
    with (
        peer(b"", b":1\r\n") as port,
        store_at(port) as store,
        pytest.raises(StoreConnectionError, match=r"lost 127\.0\.0\.1:.* may or may not have been executed"),
    ):
        getattr(store, call)(*arguments.get(call, ("k", "v")))


def test_a_server_that_breaks_off_in_the_middle_of_a_reply() -> None:
    with peer(b"*1\r\n$5\r\nab", b"*1\r\n$5\r\nabcde\r\n") as port, store_at(port) as store:
        assert store.get("k") == b"abcde"


@pytest.mark.parametrize(
    "refusal",
    [
        b"-LOADING Redis is loading the dataset in memory\r\n",
        b"-ERR max number of clients reached\r\n",
        b"-ERR the server is shutting down\r\n",
    ],
)
def test_a_server_that_cannot_now_is_asked_again(refusal: bytes) -> None:
    with peer(refusal, refusal, b":7\r\n") as port, store_at(port) as store:
        assert store.add("n", 1) == 7


def test_a_server_that_refuses_for_good_is_not_asked_again() -> None:
    with (
        peer(b"-NOPERM no\r\n", b":7\r\n") as port,
        store_at(port) as store,
        pytest.raises(StoreError, match="NOPERM no"),
    ):
        store.add("n", 1)


def test_a_refusal_that_lasts_is_the_error() -> None:
    peers: list[socket.socket] = []

    class Loading(Link):
        def _pop(self, idle: object, now: float) -> Connection:
            near, far = socket.socketpair()
            peers.append(far)
            far.sendall(b"-LOADING still\r\n")
            return Connection(near, self.target.nodes[0])

    with pytest.raises(StoreConnectionError, match=r"^cannot reach h:6379 within 0\.1 s: LOADING still$"):
        Loading(parse_url("redis://h")).call(b"", 0.1, repeatable=False)
    for far in peers:
        far.close()


def test_a_peer_that_speaks_something_else() -> None:
    with (
        peer(b"HTTP/1.1 400 Bad Request\r\n") as port,
        store_at(port) as store,
        pytest.raises(StoreConnectionError, match=rf"127\.0\.0\.1:{port} does not speak Redis's protocol"),
    ):
        store.get("k")


def test_connections_are_used_again(store: Store) -> None:
    number = store._ask("CLIENT", "ID")
    for _ in range(3):
        store.set("k", "v")
    assert store._ask("CLIENT", "ID") == number


def test_a_connection_whose_reply_is_late_is_not_used_again() -> None:
    with peer(None, b":5\r\n") as port, store_at(port, 0.05) as store:
        with pytest.raises(StoreTimeoutError):
            store.check(["k"])
        assert not store._link._all
        store.set_timeout(PATIENCE)
        assert store.queue_len("q") == 5


def test_a_connection_that_was_killed_is_seen_before_it_is_used(store: Store, server: Server) -> None:
    number = store._ask("CLIENT", "ID")
    [connection] = store._link._all
    with Store(server.url) as other:
        other._ask("CLIENT", "KILL", "ID", str(number))
    while not connection.is_stale():
        pass
    connection.used_at = 0.0
    assert store.add("n", 1) == 1


def test_a_connection_of_a_thread_is_fresh_when_its_reply_has_come_however_long_that_took(server: Server) -> None:
    def ask() -> None:
        with Store(server.url) as store:
            start = time.monotonic()
            assert store._ask("BGET", "never", "0.02") is None
            [connection] = store._link._all
            assert connection.used_at >= start + 0.02

    with ThreadPoolExecutor(1) as pool:
        pool.submit(ask).result()


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        (0.199998, "0.2 s"),
        (300.0, "300 s"),
        (3600.0, "3600 s"),
        (1234.567, "1234.57 s"),
        (0.9991, "1 s"),
        (0.002, "0.002 s"),
    ],
)
def test_a_time_limit_is_shown_as_it_was_given(limit: float, text: str) -> None:
    assert shown(limit) == text


def test_pauses_grow() -> None:
    pauses = [0.0]
    for _ in range(12):
        pauses.append(next_pause(pauses[-1]))

    assert 0 < pauses[1] <= 0.02
    assert pauses[-1] > LONGEST_PAUSE / 2
    assert max(pauses) <= LONGEST_PAUSE


# Namespaces


def test_every_connection_joins_the_namespace() -> None:
    with (
        Server() as server,
        Store(f"{server.url}?namespace=job", timeout=PATIENCE) as store,
        Store(server.url) as other,
    ):

        def row() -> dict[bytes, Any]:
            (fields,) = other.execute_command("C10D", "LIST")
            return dict(zip(fields[::2], fields[1::2], strict=True))

        waiting = Background(store.get, "job/k")
        until_blocked(other, 1)
        store.set("job/j", "v")
        assert row()[b"clients"] == 2
        with store.clone() as clone:
            clone.set("job/k", "v")
            assert row()[b"clients"] == 3
        waiting.result()
        store.close()
        while row()[b"expires_s"] is None:  # the server has not read yet that they are gone
            pass


def test_a_stock_server_has_no_namespaces() -> None:
    def answer(request: list[bytes]) -> bytes:
        return b"+OK\r\n" if request[0] == b"SET" else b"-ERR unknown command 'C10D', with args beginning with: \r\n"

    with fake_server(answer) as port, Store(f"redis://127.0.0.1:{port}?namespace=job", timeout=PATIENCE) as store:
        store.set("job/k", "v")


def test_a_namespace_that_cannot_be() -> None:
    refused = pytest.raises(StoreError, match="refuses us: ERR a namespace is 1 to 200 characters")
    with Server() as server, Store(f"{server.url}?namespace=a b") as store, refused:
        store.set("k", "v")
