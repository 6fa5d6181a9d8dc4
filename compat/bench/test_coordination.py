import json
import selectors
import socket

import pytest

from compat.bench import store_program
from compat.bench.coordination import parked, release_key, run_program, time_release, without_name_servers
from compat.bench.figures import STORE_BARS
from compat.bench.pipeline import pack
from compat.servers import ServerError, respstore_server


def test_a_release_lasts_until_the_last_reply() -> None:
    with selectors.DefaultSelector() as crowd:
        pairs = [socket.socketpair() for _ in range(3)]
        for _, far in pairs:
            crowd.register(far, selectors.EVENT_READ)

        def release() -> None:
            for near, _ in pairs:
                near.sendall(b"+OK\r\n")

        assert time_release(crowd, release) > 0
        pairs[0][0].sendall(b"-ERR no\r\n")
        with pytest.raises(ServerError, match="was answered b'-ERR no"):
            time_release(crowd, lambda: None)
        for pair in pairs:
            for sock in pair:
                sock.close()


def test_who_waits_for_a_key_is_released() -> None:
    with respstore_server() as server:
        assert release_key(server, 50) > 0
        with parked(server, [pack(b"BLPOP", b"q", b"0")]), server.client() as observer:
            assert observer.info("clients")["blocked_clients"] == 1


def test_the_program_runs_where_no_name_server_is_asked() -> None:
    with respstore_server() as server, without_name_servers() as wrapper:
        assert run_program(wrapper, "respstore", server.port, "join", "8") > 0
        with server.client() as client:
            assert client.get("joined") == b"8"
        with pytest.raises(ServerError, match="join nonsense on respstore failed"):
            run_program(wrapper, "respstore", server.port, "join", "nonsense")


def test_latencies_of_all_methods(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_program, "CALLS", 5)
    with respstore_server() as server:
        figures = store_program.latency("respstore", server.port)
    assert json.loads(json.dumps(figures)) == figures
    assert set(figures) == set(STORE_BARS)
    assert all(value > 0 for value in figures.values())
