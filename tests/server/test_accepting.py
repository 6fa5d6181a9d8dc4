"""Accepting survives whatever happens to it, and lets in whom the options let in."""

import contextlib
import errno
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
import trio
import trio.testing

from respstore import errors
from respstore.config import Config
from respstore.server import accepting
from respstore.server.accepting import ACCEPTS_AT_ONCE, Door, accept_connections, refusal, refuse, set_options
from respstore.server.listeners import listen
from tests.server.serving import settled


class Listener(socket.socket):
    """A listening socket whose next calls of accept() fail with these errors."""

    errors: list[int]

    def accept(self):
        if self.errors:
            code = self.errors.pop(0)
            raise OSError(code, os.strerror(code))
        return super().accept()


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as sock:
        sock.errors = []
        sock.bind(("127.0.0.1", 0))
        sock.listen(1000)
        sock.setblocking(False)
        yield sock


@pytest.fixture
def admitted(nursery, listener) -> Iterator[list[socket.socket]]:
    """The connections that were accepted so far."""
    sockets: list[socket.socket] = []
    nursery.start_soon(accept_connections, Door(listener, lambda sock, peer: sockets.append(sock), Config()))
    yield sockets
    for sock in sockets:
        sock.close()


def hang_up(sock: socket.socket, peer: object) -> None:
    sock.close()


def connect(listener: socket.socket) -> socket.socket:
    return socket.create_connection(listener.getsockname())


async def test_admits_who_connects_without_blocking(listener, admitted):
    with connect(listener) as client:
        await settled()

        (sock,) = admitted
        assert sock.getpeername() == client.getsockname()
        assert not sock.getblocking()
        assert not sock.get_inheritable()


async def test_admits_many_at_once(listener, admitted):
    clients = [connect(listener) for _ in range(100)]
    await settled()

    assert len(admitted) == 100
    for client in clients:
        client.close()


def test_admits_so_many_at_a_time_that_others_are_served_in_between(listener):
    peers = []
    with contextlib.ExitStack() as clients:
        for _ in range(ACCEPTS_AT_ONCE + 1):
            clients.enter_context(connect(listener))
        door = Door(listener, lambda sock, peer: peers.append(peer) or sock.close(), Config())

        assert door.let_in()
        assert len(peers) == ACCEPTS_AT_ONCE
        assert door.let_in()
        assert len(set(peers)) == ACCEPTS_AT_ONCE + 1


def test_who_cannot_be_served_any_more_is_no_bug(listener, caplog):
    def fail(sock, peer):
        raise OSError(errno.ENOTCONN, "not connected")

    with connect(listener) as client, caplog.at_level(logging.INFO):
        assert Door(listener, fail, Config()).let_in()

        assert client.recv(1) == b""
    assert caplog.messages == ["a connection ended before it began: not connected"]


@pytest.mark.skipif(not hasattr(socket, "TCP_KEEPIDLE"), reason="the system does not tell")
def test_a_connection_has_the_options_of_its_time():
    config, found = Config(), []

    def admit(sock, peer):
        found.append((keeps_alive(sock), bool(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))))
        sock.close()

    (listener,) = listen(["127.0.0.1"], 0, config)
    with listener, contextlib.ExitStack() as clients:
        clients.enter_context(connect(listener))  # before anybody accepts
        door = Door(listener, admit, config)
        for seconds in (config.tcp_keepalive, 33, 0):
            config.tcp_keepalive = seconds
            clients.enter_context(connect(listener))
            assert door.let_in()

    assert found == [(300, True), (300, True), (33, True), (0, True)]


def keeps_alive(sock: socket.socket) -> int:
    """After how many seconds the system asks an idle peer whether it is there; 0 if it does not."""
    if not sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE):
        return 0
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)


async def test_goes_on_after_a_peer_that_was_gone(listener, admitted):
    listener.errors = [errno.ECONNABORTED, errno.EPROTO]
    with connect(listener):
        await settled()

        assert len(admitted) == 1


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS], ids=errno.errorcode.get)
async def test_waits_and_says_so_once_when_there_is_no_room(listener, caplog, code, autojump_clock):
    listener.errors = [code] * 50
    admitted = trio.Event()

    def admit(sock: socket.socket, peer: object) -> None:
        sock.close()
        admitted.set()

    with trio.fail_after(60), connect(listener):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(accept_connections, Door(listener, admit, Config()))
            await admitted.wait()
            nursery.cancel_scope.cancel()

    (record,) = caplog.records
    assert record.message == f"cannot accept connections: {os.strerror(code)}; trying again until it works"


async def test_says_so_again_only_when_everybody_was_let_in_meanwhile(listener, admitted, caplog, monkeypatch):
    monkeypatch.setattr(accepting, "RETRY_SECONDS", 0)
    for _ in range(2):
        listener.errors = [errno.EMFILE] * 5
        with connect(listener):
            await settled()

    assert len(admitted) == 2
    assert len(caplog.records) == 2


async def test_ends_when_its_listener_is_closed(listener):
    async with trio.open_nursery() as nursery:
        nursery.start_soon(accept_connections, Door(listener, hang_up, Config()))
        await trio.testing.wait_all_tasks_blocked()

        trio.lowlevel.notify_closing(listener)
        listener.close()


async def test_ends_when_its_listener_is_closed_with_somebody_waiting(listener):
    async with trio.open_nursery() as nursery:
        nursery.start_soon(accept_connections, Door(listener, hang_up, Config()))
        await trio.testing.wait_all_tasks_blocked()

        with connect(listener):
            trio.lowlevel.notify_closing(listener)
            listener.close()


async def test_a_bug_in_admission_closes_one_connection(listener, nursery, caplog):
    def fail(sock, peer):
        raise ZeroDivisionError

    nursery.start_soon(accept_connections, Door(listener, fail, Config()))
    for _ in range(2):
        with connect(listener) as client:
            await settled()
            assert client.recv(1) == b""

    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2


SERVER_WITH_FEW_FILES = """
import resource, sys, trio, respstore, logging
logging.basicConfig(level=logging.WARNING, format="%(message)s")
async def main():
    async with trio.open_nursery() as nursery:
        address = await nursery.start(respstore.serve, "--port", "0", "--bind", "127.0.0.1")
        files = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (30, files[1]))
        print(address.port, flush=True)
trio.run(main)
"""


@pytest.mark.slow
def test_survives_when_files_run_out():
    with subprocess.Popen(
        [sys.executable, "-c", SERVER_WITH_FEW_FILES], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            address = "127.0.0.1", int(process.stdout.readline())
            clients = [socket.create_connection(address, timeout=10) for _ in range(40)]
            first, last = clients[0], clients[-1]
            for _ in range(3):
                first.sendall(b"PING\r\n")
                assert first.recv(7) == b"+PONG\r\n"
            last.sendall(b"PING\r\n")  # nobody has accepted it yet
            for client in clients[1:-1]:
                client.close()
            assert last.recv(7) == b"+PONG\r\n"
            first.sendall(b"SHUTDOWN NOSAVE\r\n")
            assert process.wait(10) == 0
            assert process.stderr is not None
            assert process.stderr.read() == (
                f"cannot accept connections: {os.strerror(errno.EMFILE)}; trying again until it works\n"
            )
            first.close()
            last.close()
        finally:
            process.kill()


# Who is let in


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1"])
def test_serves_this_machine(host):
    assert refusal((host, 5000), Config(), 0) is None


@pytest.mark.parametrize("host", ["192.0.2.7", "10.0.0.1", "2001:db8::1", "fe80::1%eth0", "::ffff:192.0.2.7"])
def test_protects_a_server_without_a_password_from_other_machines(host):
    config = Config()
    peer = (host, 5000)

    assert refusal(peer, config, 0) == errors.PROTECTED_MODE
    assert refusal(peer, config, 0, trusted=True) is None
    config.protected_mode = False
    assert refusal(peer, config, 0) is None


def test_serves_whoever_may_open_the_unix_socket():
    assert refusal("", Config(), 0) is None


def test_serves_no_more_than_maxclients():
    config = Config()
    config.maxclients = 10

    assert refusal(("127.0.0.1", 1), config, 9) is None
    assert refusal(("127.0.0.1", 1), config, 10) == errors.MAX_CLIENTS
    assert refusal(("192.0.2.7", 1), config, 10) == errors.MAX_CLIENTS  # as in Redis, this comes first


def test_the_last_word_gets_through_though_requests_are_unread():
    with socket.create_server(("127.0.0.1", 0)) as server, connect(server) as client:
        client.settimeout(10)
        client.sendall(b"*1\r\n$4\r\nPING\r\n")
        sock, _ = server.accept()
        sock.setblocking(False)

        refuse(sock, b"-ERR no\r\n")

        assert client.recv(100) == b"-ERR no\r\n"
        assert client.recv(100) == b""


def test_the_last_word_to_who_is_gone_is_no_problem():
    near, far = socket.socketpair()
    far.close()

    refuse(near, b"-ERR no\r\n")

    assert near.fileno() == -1


@pytest.mark.parametrize("seconds", [0, 1, 300])
def test_sends_replies_at_once_and_asks_idle_peers(seconds):
    config = Config()
    config.tcp_keepalive = seconds
    with socket.create_server(("127.0.0.1", 0)) as server, connect(server) as sock:
        set_options(sock, config)

        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)) is bool(seconds)
        if seconds and hasattr(socket, "TCP_KEEPIDLE"):
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == seconds
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL) == max(seconds // 3, 1)
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT) == 3


def test_a_unix_socket_has_no_such_options():
    near, far = socket.socketpair()
    with near, far:
        set_options(near, Config())
