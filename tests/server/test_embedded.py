"""A server in a thread or in a child process: it serves, says why it does not, and leaves nothing behind."""

import contextlib
import gc
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

import respstore
from respstore.exceptions import HolderKind
from respstore.ports import listen_tcp
from respstore.server import embedded

PATIENCE = 30.0
"""Seconds for what takes a moment on an idle machine."""
ROOT = Path(__file__).parents[2]


@pytest.fixture(params=[False, pytest.param(True, marks=pytest.mark.slow)], ids=["thread", "process"])
def process(request) -> bool:
    return request.param


def ask(port: int, line: bytes) -> bytes:
    """All that the server says to an inline request; it hangs up afterwards."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
        client.sendall(line + b"\r\nQUIT\r\n")
        return b"".join(iter(lambda: client.recv(65536), b""))


def is_free(port: int) -> bool:
    for sock in listen_tcp(["127.0.0.1"], port, 1):
        sock.close()
    return True


@contextlib.contextmanager
def script(text: str) -> "Iterator[subprocess.Popen[str]]":
    """A program that uses respstore, in a session of its own."""
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", "import os, signal, sys, threading, respstore\n" + text],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as program:
        try:
            yield program
        finally:
            program.kill()


def words_of(program: "subprocess.Popen[str]") -> list[int]:
    """The numbers in the next line that a program prints."""
    assert program.stdout is not None
    return [int(word) for word in program.stdout.readline().split()]


# It serves


def test_serves_and_says_where(process):
    with respstore.Server(process=process) as server:
        assert ask(server.port, b"PING") == b"+PONG\r\n+OK\r\n"
        assert server.host == "127.0.0.1"
        assert server.url == f"redis://127.0.0.1:{server.port}"
        where = f"pid {server.pid}" if process else "in a thread"
        assert repr(server) == f"<respstore.Server {server.url} ({where})>"
        assert b"process_id:%d\r\n" % (server.pid or os.getpid()) in ask(server.port, b"INFO server")

    assert repr(server) == f"<respstore.Server {server.url} (closed)>"
    assert is_free(server.port)


def test_takes_the_directives_of_a_command_line_and_of_a_file(process, tmp_path):
    path = tmp_path / "redis.conf"
    port = respstore.get_free_port()
    path.write_text(f"port {port}\nmaxclients 7\n")

    with respstore.Server(str(path), "--timeout", "9", process=process) as server:
        assert server.port == port
        assert b"$1\r\n7\r\n" in ask(server.port, b"CONFIG GET maxclients")
        assert b"$1\r\n9\r\n" in ask(server.port, b"CONFIG GET timeout")
        with respstore.Server(str(path), port=0, process=process) as other:
            assert other.port not in (0, port)


def test_serves_a_unix_socket_and_leaves_no_file(process, tmp_path):
    path = tmp_path / "s"
    with respstore.Server("--unixsocket", str(path), process=process) as server:
        assert (server.host, server.port, server.url) == ("", 0, f"unix://{path}")
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            assert client.recv(100) == b"+PONG\r\n"

    assert not path.exists()


def test_many_live_side_by_side(process):
    with respstore.Server(process=process) as one, respstore.Server(process=process) as other:
        ask(one.port, b"SET k 1")
        assert ask(other.port, b"EXISTS k").startswith(b":0\r\n")


def test_prints_nothing(process, capfd):
    with respstore.Server(process=process) as server:
        ask(server.port, b"PING")

    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_a_child_logs_what_it_is_told_to_log(tmp_path):
    with respstore.Server("--dir", str(tmp_path), "--logfile", "log", "--loglevel", "notice", process=True) as server:
        pass

    log = (tmp_path / "log").read_text()
    assert f"listens on 127.0.0.1:{server.port} " in log
    assert log.endswith("INFO respstore is down\n")


@pytest.mark.slow
def test_much_data_is_not_looked_through_for_garbage():
    adds = b"".join(b"ZADD %d 1 member\r\n" % key for key in range(15_000))  # some 100,000 objects with references
    full = re.compile(rb"generation 2: (\d+) collections")
    with respstore.Server(process=True) as server:
        (before,) = full.findall(ask(server.port, b"MEMORY MALLOC-STATS"))
        said = ask(server.port, adds + b"MEMORY MALLOC-STATS")

    assert said.count(b":1\r\n") == 15_000
    assert full.findall(said) == [before]


# It says why it does not


def test_names_a_wrong_directive(process):
    with pytest.raises(respstore.ConfigError) as caught:
        respstore.Server("--frob", "1", process=process)

    assert str(caught.value) == "command line: '--frob 1': Bad directive or wrong number of arguments"
    assert caught.value.directive == "frob"


def test_names_a_port_out_of_range(process):
    with pytest.raises(ValueError, match="a port is a number from 0 to 65535, not 70000"):
        respstore.Server(port=70000, process=process)


def test_names_an_address_that_is_not_ours(process):
    with pytest.raises(OSError, match=r"cannot listen on 192\.0\.2\.254:.*: this machine does not have that address"):
        respstore.Server("--bind", "192.0.2.254", process=process)


def test_says_who_has_the_port(process):
    with respstore.Server(process=True) as holder, pytest.raises(respstore.PortInUseError) as caught:
        respstore.Server(port=holder.port, process=process)

    assert str(caught.value).startswith(f"127.0.0.1:{holder.port} is taken by ")
    assert caught.value.holder.pid == holder.pid
    if caught.value.holder.kind is not HolderKind.SILENT:  # as it may be on a busy machine
        assert str(caught.value.holder).startswith(f"respstore {respstore.__version__} (pid {holder.pid}, up ")


def test_says_that_a_file_for_the_log_cannot_be_had():
    with pytest.raises(respstore.ConfigError, match="cannot open the log file /no/such/log: No such file"):
        respstore.Server("--logfile", "/no/such/log", process=True)


def test_says_that_the_child_ended_before_it_served(monkeypatch):
    monkeypatch.setattr(sys, "executable", "false")

    with pytest.raises(RuntimeError, match="the server's process ended with status 1 before it served"):
        respstore.Server(process=True)


def test_does_not_wait_for_ever_for_a_child(monkeypatch, tmp_path):
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nexec sleep 1000\n")
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(embedded, "START_SECONDS", 0)

    with pytest.raises(RuntimeError, match="the server's process did not serve within 0 s"):
        respstore.Server(process=True)


def test_says_that_a_thread_cannot_run_a_loop(monkeypatch):
    def run(main: object) -> None:
        raise OSError("too many open files")

    monkeypatch.setattr("trio.run", run)

    with pytest.raises(OSError, match="too many open files"):
        respstore.Server()


# It stops


def test_stops_once(process):
    server = respstore.Server(process=process)
    server.close()
    with respstore.Server(port=server.port, process=process) as other:
        server.close()

        assert ask(other.port, b"PING") == b"+PONG\r\n+OK\r\n"


def test_tells_who_waits_that_it_stops(process):
    with respstore.Server(process=process) as server:
        client = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
        client.sendall(b"PING\r\nBLPOP q 0\r\n")
        assert client.recv(100) == b"+PONG\r\n"

    with client:
        assert client.recv(100) == b"-ERR the server is shutting down\r\n"


def test_a_client_may_stop_it_first(process):
    with respstore.Server(process=process) as server:
        assert ask(server.port, b"SHUTDOWN NOSAVE") == b""


def test_stops_when_nobody_has_it_any_more(process):
    server = respstore.Server(process=process)
    port = server.port
    del server
    gc.collect()

    assert is_free(port)


@pytest.mark.slow
def test_leaves_no_zombie():
    with respstore.Server(process=True) as server:
        pass

    assert not psutil.pid_exists(server.pid)


@pytest.mark.slow
def test_a_child_stops_though_the_thread_that_started_it_hears_no_signals(tmp_path):
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        server = respstore.Server("--dir", str(tmp_path), "--logfile", "log", "--loglevel", "notice", process=True)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    server.close()

    assert (tmp_path / "log").read_text().endswith("INFO respstore is down\n")


@pytest.mark.slow
def test_a_child_that_does_not_stop_is_killed(monkeypatch):
    monkeypatch.setattr(embedded, "STOP_SECONDS", 0.01)
    with respstore.Server(process=True) as server:
        os.kill(server.pid, signal.SIGSTOP)

    assert not psutil.pid_exists(server.pid)
    assert is_free(server.port)


@pytest.mark.slow
def test_stops_at_the_end_of_the_program(process):
    with script(f"server = respstore.Server(process={process}); print(server.port)") as program:
        (port,) = words_of(program)
        _, complaints = program.communicate(timeout=PATIENCE)

    assert (program.returncode, complaints) == (0, "")
    assert is_free(port)


# Forks, threads, and the death of the parent


def test_a_process_that_was_forked_stops_nobody_elses_server(process):
    text = f"""
with respstore.Server(process={process}) as server:
    pid = os.fork()
    if not pid:
        server.close()
        sys.exit()
    print(server.port, os.waitpid(pid, 0)[1], flush=True)
    input()
"""
    with script(text) as program:
        port, status = words_of(program)
        assert status == 0
        assert ask(port, b"PING") == b"+PONG\r\n+OK\r\n"
        _, complaints = program.communicate("\n", PATIENCE)

    assert (program.returncode, complaints) == (0, "")


@pytest.mark.slow
def test_a_process_that_was_forked_does_not_keep_the_port(process):
    text = f"""
server = respstore.Server(process={process})
if not os.fork():
    sys.stdout.close()
    signal.pause()
server.close()
print(server.port, flush=True)
input()
"""
    with script(text) as program:
        (port,) = words_of(program)
        try:
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
            assert is_free(port)
        finally:
            os.killpg(program.pid, signal.SIGKILL)


@pytest.mark.slow
def test_a_child_outlives_the_thread_that_started_it():
    servers: list[respstore.Server] = []
    thread = threading.Thread(target=lambda: servers.append(respstore.Server(process=True)))
    thread.start()
    thread.join()
    with servers[0] as server:
        child = psutil.Process(server.pid)

        with pytest.raises(psutil.TimeoutExpired):
            child.wait(2 * 0.1)  # twice as long as it may go on as an orphan

        assert ask(server.port, b"PING") == b"+PONG\r\n+OK\r\n"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_child_dies_with_its_parent_whatever_it_died_of(number, tmp_path):
    """... though another child of the parent lives, with all that was open in it."""
    text = f"""
server = respstore.Server("--port", "0", "--unixsocket", "{tmp_path}/s", port=respstore.get_free_port(), process=True)
pid = os.fork()
if not pid:
    signal.pause()
print(server.port, server.pid, pid, flush=True)
signal.pause()
"""
    with script(text) as program:
        port, server, sibling = words_of(program)
        child = psutil.Process(server)
        try:
            program.send_signal(number)

            child.wait(PATIENCE)

            assert psutil.Process(sibling).is_running()
        finally:
            os.kill(sibling, signal.SIGKILL)

    assert is_free(port)
    assert not (tmp_path / "s").exists()


@pytest.mark.slow
def test_ctrl_c_is_for_the_parent_to_decide():
    text = """
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have us started without
with respstore.Server(process=True) as server:
    try:
        print(server.port, server.pid, flush=True)
        signal.pause()
    except KeyboardInterrupt:
        print(1, flush=True)
        input()
"""
    with script(text) as program:
        port, server = words_of(program)
        child = psutil.Process(server)
        os.killpg(program.pid, signal.SIGINT)
        assert words_of(program) == [1]
        assert ask(port, b"PING") == b"+PONG\r\n+OK\r\n"

        os.killpg(program.pid, signal.SIGINT)
        program.wait(PATIENCE)

        child.wait(PATIENCE)
    assert is_free(port)
