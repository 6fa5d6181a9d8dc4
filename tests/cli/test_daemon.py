"""A server in the background, and those who watch it."""

import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from respstore.cli.daemon import pidfile, tell_supervisor
from respstore.config import Config
from tests.cli.programs import COMMAND, PATIENCE, ROOT, serving


def start(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run `respstore serve` to its end, which comes at once: it goes into the background."""
    return subprocess.run(
        [*COMMAND, "serve", "--daemonize", "yes", "--port", "0", "--dir", str(folder), *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )


def test_in_the_background(tmp_path):
    started = start(tmp_path, "--pidfile", "my.pid", "--logfile", "log")
    pid = int((tmp_path / "my.pid").read_text())
    try:
        assert started.returncode == 0
        assert started.stdout.startswith("redis://127.0.0.1:")
        assert os.getsid(pid) == pid
        with socket.create_connection(("127.0.0.1", int(started.stdout.rpartition(":")[2])), PATIENCE) as client:
            client.sendall(b"SHUTDOWN NOSAVE\r\n")
            assert client.recv(100) == b""
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        raise
    assert f"(pid {pid})" in (tmp_path / "log").read_text()


def test_what_keeps_it_from_serving_is_said(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as holder:
        started = start(tmp_path, "--port", str(holder.getsockname()[1]))
    assert started.returncode == 1
    assert started.stdout == ""
    assert "respstore: " in started.stderr


def test_the_pid_file_goes_with_the_server(tmp_path):
    with serving("--dir", str(tmp_path), "--pidfile", "my.pid") as program:
        assert (tmp_path / "my.pid").read_text() == f"{program.process.pid}\n"
        assert program.ends(signal.SIGTERM) == 0
    assert not (tmp_path / "my.pid").exists()


def test_no_pid_file_is_no_reason_not_to_serve(tmp_path, caplog):
    config = Config(dir=str(tmp_path), pidfile="/no/such/folder/my.pid")
    with pidfile(config):
        assert "cannot write the pid file" in caplog.text


def test_no_pid_file_unless_it_is_asked_for(tmp_path):
    with pidfile(Config(dir=str(tmp_path))):
        assert list(tmp_path.iterdir()) == []


@pytest.fixture
def systemd(tmp_path, monkeypatch):
    """What systemd hears."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.settimeout(PATIENCE)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield sock


@pytest.mark.parametrize("supervised", ["systemd", "auto"])
def test_systemd_is_told(systemd, supervised):
    tell_supervisor(Config(supervised=supervised), "READY=1")
    assert systemd.recv(100) == b"READY=1"


def test_systemd_is_told_by_a_server_that_serves(systemd):
    with serving("--supervised", "systemd") as program:
        assert systemd.recv(100) == b"READY=1"
        assert program.ask(b"PING") == b"+PONG\r\n+OK\r\n"


def test_nobody_is_told_who_does_not_want_to_know(systemd):
    tell_supervisor(Config(), "READY=1")
    systemd.setblocking(False)
    with pytest.raises(BlockingIOError):
        systemd.recv(100)


def test_no_systemd(monkeypatch, caplog):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    tell_supervisor(Config(supervised="auto"), "READY=1")
    assert caplog.text == ""
    tell_supervisor(Config(supervised="systemd"), "READY=1")
    assert "NOTIFY_SOCKET is not set" in caplog.text
    monkeypatch.setenv("NOTIFY_SOCKET", "/no/such/socket")
    tell_supervisor(Config(supervised="systemd"), "READY=1")
    assert "cannot tell systemd READY=1" in caplog.text
