"""create_c10d_store case by case, as C10D.md measured torch's; the cases that torch has not are in tests/store/."""

import os
import socket

import pytest
import torch.distributed as dist

from respstore import PortInUseError, get_free_port
from respstore.torch import RespStore, create_c10d_store, get_socket_with_port
from respstore.torch.store import _ALIVE


@pytest.mark.parametrize("port", [-1, 0])
def test_a_server_on_a_free_port(port: int) -> None:
    with create_c10d_store(is_server=True, server_addr="localhost", server_port=port) as store:
        assert isinstance(store, RespStore)
        assert store.port > 0
        store.set("k", "v")
        assert create_c10d_store(False, "localhost", store.port, wait_for_workers=False).get("k") == b"v"


def test_several_workers_need_a_port() -> None:
    for is_server in (True, False):
        with pytest.raises(ValueError, match=r"server_port must be specified when world_size > 1"):
            create_c10d_store(is_server, "localhost", world_size=2)


@pytest.mark.parametrize("port", [-1, 0])
def test_a_worker_needs_the_servers_port(port: int) -> None:
    with pytest.raises(dist.DistNetworkError, match=r"timed out after 1000ms while trying to connect to .localhost, "):
        create_c10d_store(False, "localhost", port, timeout=1)


def test_a_port_that_is_taken() -> None:
    with create_c10d_store(True, "localhost", 0) as first:
        text = f"^The server socket has failed to listen on any local .*{first.port}.*taken by respstore"
        with pytest.raises(dist.DistNetworkError, match=text) as caught:
            create_c10d_store(True, "localhost", first.port)
        assert isinstance(caught.value.__cause__, PortInUseError)


def test_workers_that_do_not_come() -> None:
    with pytest.raises(dist.DistStoreError, match=r"1 of 2 workers joined within 1 s"):
        create_c10d_store(True, "localhost", 0, world_size=2, timeout=1)


def test_no_server() -> None:
    with pytest.raises(dist.DistNetworkError, match=r"cannot reach"):
        create_c10d_store(False, "127.0.0.1", get_free_port(), timeout=1)


def test_a_socket_that_never_answers() -> None:
    with get_socket_with_port() as sock:
        assert isinstance(sock, socket.socket)
        with pytest.raises(dist.DistNetworkError, match=r"did not answer within|cannot reach"):
            create_c10d_store(False, "localhost", sock.getsockname()[1], timeout=1)


def test_an_address_that_is_not_ours() -> None:
    with pytest.raises(dist.DistNetworkError, match=r"^The server socket has failed to listen"):
        create_c10d_store(True, "192.0.2.1", get_free_port(), timeout=1)


@pytest.mark.parametrize(("value", "is_poller"), [(None, True), ("1", True), ("0", False)])
def test_the_environment_chooses_the_io_backend(
    monkeypatch: pytest.MonkeyPatch, value: str | None, is_poller: bool
) -> None:
    monkeypatch.delenv("USE_LIBUV", raising=False)
    if value is not None:
        monkeypatch.setenv("USE_LIBUV", value)
    with create_c10d_store(True, "localhost", 0) as store:
        assert store.libuvBackend is is_poller


def test_the_argument_use_libuv_is_ignored_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with create_c10d_store(True, "localhost", 0, use_libuv=False) as store:
        assert store.libuvBackend
    assert "use_libuv is ignored" in caplog.text


def test_close_ends_the_server() -> None:
    store = create_c10d_store(True, "localhost", 0)
    port = store.port
    store.close()
    assert id(store) not in _ALIVE
    with pytest.raises(dist.DistNetworkError):
        create_c10d_store(False, "127.0.0.1", port, timeout=0.3)


def test_the_pid_of_nobody_is_left(tmp_path: object) -> None:
    store = create_c10d_store(True, "localhost", 0)
    pid = int(
        dict(
            line.split(b":", 1) for line in store.store.execute_command("INFO", "server").splitlines() if b":" in line
        )[b"process_id"]
    )
    store.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
