"""Who holds an address: each kind of holder is recognised, and none can delay, flood or fool the message."""

import http.server
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from respstore.exceptions import Holder, HolderKind
from respstore.ports import holders, who_holds
from tests.ports.strangers import RESPSTORE, Handler, answering, has_ipv6, holding, info, served

PATIENT = 20.0  # a limit in seconds that only a broken test reaches, however busy the machine
ME = os.getpid()


def holder_of(handler: Handler | bytes, *, hangs_up: bool = False) -> Holder:
    with answering(handler, hangs_up=hangs_up) as port:
        return who_holds(("127.0.0.1", port), PATIENT)


def test_respstore() -> None:
    holder = holder_of(RESPSTORE)
    assert holder.kind is HolderKind.RESPSTORE
    assert holder.version == "0.1.0"
    assert holder.uptime == 3 * 3600 + 59
    assert str(holder) == f"respstore 0.1.0 (pid {ME}, up 3 h)"  # not the pid 1 that it has in its container


def test_redis() -> None:
    holder = holder_of(info(redis_version="7.0.15", process_id=17, uptime_in_seconds=59))
    assert holder.kind is HolderKind.REDIS
    assert str(holder) == f"Redis 7.0.15 (pid {ME}, up 59 s)"


def test_valkey() -> None:
    holder = holder_of(info(redis_version="7.2.4", server_name="valkey", valkey_version="8.0.1"))
    assert holder.kind is HolderKind.REDIS
    assert str(holder).startswith("Valkey 8.0.1 (")


@pytest.mark.parametrize("hangs_up", [False, True])
@pytest.mark.parametrize("text", ["NOAUTH Authentication required.", "DENIED Redis is running in protected mode"])
def test_server_that_speaks_resp_and_refuses(text: str, hangs_up: bool) -> None:
    holder = holder_of(f"-{text}\r\n".encode(), hangs_up=hangs_up)
    assert holder.kind is HolderKind.RESP
    assert str(holder).startswith(f"a server that speaks Redis's protocol and says {text!r} (pid {ME}, ")


def test_http_server() -> None:
    class Quiet(http.server.BaseHTTPRequestHandler):
        def log_message(self, *args):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Quiet) as server, served(server):
        holder = who_holds(server.server_address, PATIENT)
    assert holder.kind is HolderKind.HTTP
    assert str(holder).startswith(f"something that speaks HTTP (pid {ME}, ")


def test_http_server_that_answers_nothing_but_http() -> None:
    holder = holder_of(lambda data: b"HTTP/1.1 200 OK\r\n\r\n" if data.startswith(b"HEAD / HTTP/") else None)
    assert holder.kind is HolderKind.HTTP


def test_http_server_that_reads_all_headers_first() -> None:
    holder = holder_of(lambda data: b"HTTP/1.1 400 Bad Request\r\n\r\n" if b"\r\n\r\n" in data else b"")
    assert holder.kind is HolderKind.HTTP


def test_tls_server() -> None:
    holder = holder_of(b"\x15\x03\x01\x00\x02\x02\x46\n")
    assert holder.kind is HolderKind.OTHER
    assert str(holder).startswith("something that speaks TLS (")


def test_other_server_is_quoted() -> None:
    holder = holder_of(b"SSH-2.0-OpenSSH_9.2p1\r\n")
    assert holder.kind is HolderKind.OTHER
    assert str(holder).startswith("something that answers 'SSH-2.0-OpenSSH_9.2p1' (")


def test_server_that_hangs_up() -> None:
    holder = holder_of(lambda _: None)
    assert holder.kind is HolderKind.OTHER
    assert str(holder).startswith("a process that closes connections without a word (")


def test_silent_listener() -> None:
    with holding() as sock:
        holder = who_holds(sock.getsockname(), 0.01)
    assert holder.kind is HolderKind.SILENT
    assert re.fullmatch(rf"this very process \(pid {ME}, .+\)", str(holder))


def test_server_that_accepts_and_never_answers() -> None:
    with answering(b"") as port:
        holder = who_holds(("127.0.0.1", port), 0.05)
    assert holder.kind is HolderKind.SILENT


def test_listener_whose_queue_is_full() -> None:
    with holding() as sock, socket.socket() as first, socket.socket() as second:
        sock.listen(0)
        for client in (first, second):
            client.setblocking(False)
            client.connect_ex(sock.getsockname())
        holder = who_holds(sock.getsockname(), 0.05)
        assert holders.is_answered(*holders.socket_address(*sock.getsockname()), 0.05)
    assert holder.kind is HolderKind.SILENT
    assert holder.pid == ME


def test_bound_socket_that_does_not_listen() -> None:
    with holding(listens=False) as sock:
        holder = who_holds(sock.getsockname(), PATIENT)
    assert holder.kind is HolderKind.NOT_LISTENING
    assert str(holder) == "a bound socket that does not listen"


def test_connection_of_a_client() -> None:
    # From 127.0.0.3, as connections to different servers may share one port of 127.0.0.1.
    with holding() as server, socket.create_connection(server.getsockname(), 5, ("127.0.0.3", 0)) as client:
        holder = who_holds(client.getsockname(), PATIENT)
        port = server.getsockname()[1]
    assert holder.kind is HolderKind.CONNECTION
    assert str(holder).startswith(f"a connection with 127.0.0.1:{port} (pid {ME}, ")


def test_connection_in_time_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    address = holders.IPv4Address("127.0.0.1")
    found = holders._Socket(address, "127.0.0.1:5000", "TIME_WAIT", None)
    monkeypatch.setattr(holders, "_socket_at", lambda host, port: found)
    holder = who_holds(("127.0.0.1", 6379), PATIENT)
    assert holder.kind is HolderKind.CONNECTION
    assert str(holder) == "a connection that has ended; the system lets go of it within a minute"


@pytest.mark.parametrize("host", ["127.0.0.2", "127.0.0.1", "0.0.0.0"])
def test_wildcard_is_asked_where_its_holder_listens(host: str) -> None:
    with answering(RESPSTORE, (host, 0)) as port:
        assert who_holds(("0.0.0.0", port), PATIENT).kind is HolderKind.RESPSTORE


def test_address_of_a_wildcard_listener() -> None:
    with answering(RESPSTORE, ("0.0.0.0", 0)) as port:
        holder = who_holds(("127.0.0.1", port), PATIENT)
    assert holder.kind is HolderKind.RESPSTORE
    assert holder.pid == ME


def test_ipv6_holder() -> None:
    if has_ipv6():
        with answering(RESPSTORE, ("::1", 0)) as port:
            assert who_holds(("::1", port), PATIENT).kind is HolderKind.RESPSTORE
            assert who_holds(("::", port), PATIENT).kind is HolderKind.RESPSTORE
    else:
        assert who_holds(("::1", 9), PATIENT).kind in {HolderKind.OTHER, HolderKind.NOT_LISTENING}


def test_unix_socket(tmp_path: Path) -> None:
    with answering(RESPSTORE, tmp_path / "s"):
        holder = who_holds(str(tmp_path / "s"), PATIENT)
    assert str(holder) == f"respstore 0.1.0 (pid {ME}, up 3 h)"


@pytest.mark.parametrize(
    "answer",
    [
        b"\x1b[2J\x07evil\r\nsecond line\r\n",
        b"-\x1b[31mERR " + b"x" * 1000 + b"\r\n",
        info(redis_version="\x1b[31m7", respstore_version="1" * 1000),
        info(redis_version="7.0.15", process_id="9" * 500, uptime_in_seconds="-1"),
        b"$5\r\nhello\r\n",
        b"$99999999999999999999\r\n",
        b"$-1\r\n",
        b"$\xff\xfe\r\n",
        b"-\n",
        b"\xff" * 300_000,
        b"HTTP/1.1 \x1b[31m\r\n",
    ],
)
def test_message_stays_one_short_printable_line(answer: bytes) -> None:
    text = str(holder_of(answer))
    assert text.isprintable()
    assert len(text) < 240


@pytest.mark.parametrize("end", range(20, len(RESPSTORE), 7))
def test_answer_cut_short_is_never_misread(end: int) -> None:
    holder = holder_of(RESPSTORE[:end], hangs_up=True)
    assert (holder.kind, holder.version) in {
        (HolderKind.RESP, None),
        (HolderKind.REDIS, "7.0.15"),
        (HolderKind.RESPSTORE, "0.1.0"),
    }
    assert holder.uptime in {None, 3 * 3600 + 59}


def test_holder_that_never_stops_talking_is_cut_off() -> None:
    assert holder_of(lambda _: b"x" * 100_000_000).kind is HolderKind.OTHER


def test_holder_that_stops_in_the_middle() -> None:
    answer = holders._Answer(b"$100\r\nabc", hung_up=False)
    assert holders._identify(answer, is_this_process=False).kind is HolderKind.RESP


def test_system_that_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(kind):
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "net_connections", denied)
    holder = holder_of(RESPSTORE)
    assert holder.kind is HolderKind.RESPSTORE
    assert holder.pid == 1  # now its own word counts
    with holding() as sock:
        assert str(who_holds(sock.getsockname(), 0.01)) == "a process that does not answer"


def test_process_that_is_gone_by_now() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert holders._program_of(process.pid) is None


def test_real_program() -> None:
    command = [sys.executable, "-u", "-m", "http.server", "--bind", "127.0.0.1", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            port = int(re.search(rb" port (\d+) ", process.stdout.readline())[1])
            holder = who_holds(("127.0.0.1", port), PATIENT)
        finally:
            process.kill()
    assert holder.kind is HolderKind.HTTP
    name = re.escape(Path(psutil.Process(ME).name()).name[:6])
    assert re.fullmatch(rf"something that speaks HTTP \(pid {process.pid}, {name}.* -m http\.server\)", str(holder))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7199, "119 min"),
        (7200, "2 h"),
        (172_799, "47 h"),
        (172_800, "2 days"),
    ],
)
def test_uptime(seconds: int, text: str) -> None:
    assert str(Holder(HolderKind.REDIS, "Redis 7.0.15", uptime=seconds)) == f"Redis 7.0.15 (up {text})"


def test_nothing_known() -> None:
    assert str(Holder(HolderKind.SILENT, "a process that does not answer")) == "a process that does not answer"
