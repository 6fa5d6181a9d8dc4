"""Sentinels and servers that play their parts; compat/store/ has real ones, and a failover."""

from collections.abc import Callable

import pytest

from respstore import Server, Store
from respstore.exceptions import StoreConnectionError
from tests.store.servers import PATIENCE, fake_server
from tests.talk import array


def sentinel_for(ports: list[int]) -> Callable[[list[bytes]], bytes]:
    """A sentinel that names the servers in turn as the master, the last one for ever."""

    def answer(request: list[bytes]) -> bytes:
        assert request == [b"SENTINEL", b"GET-MASTER-ADDR-BY-NAME", b"main"]
        port = ports.pop(0) if len(ports) > 1 else ports[0]
        return array(b"127.0.0.1", b"%d" % port)

    return answer


def test_a_sentinel_says_where_the_master_is(server: Server) -> None:
    with (
        fake_server(sentinel_for([server.port])) as port,
        Store(f"redis+sentinel://127.0.0.1:{port}/main/1", timeout=PATIENCE) as store,
    ):
        store.set("k", "v")
        assert store.get("k") == b"v"
        assert (store.host, store.port) == ("127.0.0.1", port)
    with Store(f"{server.url}/1") as plain:
        assert plain.delete_key("k")


def test_one_sentinel_is_enough(server: Server) -> None:
    with fake_server(sentinel_for([server.port])) as port, fake_server(lambda request: b"*-1\r\n") as ignorant:
        url = f"redis+sentinel://127.0.0.1:1,127.0.0.1:{ignorant},127.0.0.1:{port}/main"
        with Store(url, timeout=PATIENCE) as store:
            assert store.add("n", 1) == 1


def test_no_sentinel_knows_a_master() -> None:
    with fake_server(lambda request: b"*-1\r\n") as port:
        reason = (
            rf"^cannot reach the master of 'main' within 0\.1 s: no sentinel says where it is "
            rf"\(127\.0\.0\.1:1: Connection refused; 127\.0\.0\.1:{port} does not know it\)$"
        )
        url = f"redis+sentinel://127.0.0.1:1,127.0.0.1:{port}/main"
        with Store(url, timeout=0.1) as store, pytest.raises(StoreConnectionError, match=reason):
            store.get("k")


def test_a_server_that_is_no_master_is_not_taken(server: Server) -> None:
    def replica(request: list[bytes]) -> bytes:
        assert request == [b"ROLE"]
        return array(b"slave", b"127.0.0.1", b"1", b"connected", b"0")

    with (
        fake_server(replica) as stale,
        fake_server(sentinel_for([stale, stale, server.port])) as port,
        Store(f"redis+sentinel://127.0.0.1:{port}/main", timeout=PATIENCE) as store,
    ):
        assert store.add("n", 1) == 1


def test_a_master_that_was_demoted_is_left(server: Server) -> None:
    def demoted(request: list[bytes]) -> bytes:
        if request == [b"ROLE"]:
            return array(b"master", b"0")
        return b"-READONLY You can't write against a read only replica.\r\n"

    with (
        fake_server(demoted) as old,
        fake_server(sentinel_for([old, server.port])) as port,
        Store(f"redis+sentinel://127.0.0.1:{port}/main", timeout=PATIENCE) as store,
    ):
        assert store.add("n", 1) == 1
        assert store.add("n", 1) == 2
