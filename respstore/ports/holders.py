"""Who holds an address that could not be bound: an answer for a person, and for a program that must decide by it.

Two sources. The holder itself is asked with one `INFO server`, which a Redis answers, an HTTP server refuses in its
own words, and a TCPStore or a stopped process leaves alone; only one who hangs up is asked a second time, in HTTP.
(Not more: a TCPStore makes reverse DNS look-ups for each connection and stands still meanwhile.) The system knows the
process behind a socket, and which of several addresses it listens on, as far as it lets this user see.

What must stay true: no question takes longer than the limit, whoever is asked (it may be this very process, whose
loop is stopped until we return); what a stranger answers is cut and escaped before it gets into a message; and no
failure to find out more is an error.
"""

import ipaddress
import os
import re
import socket
import struct
import time
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Final

import attrs

from respstore.exceptions import Holder, HolderKind, display_address

Address = tuple[str, int] | str
SocketAddress = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes] | str

# The blank line ends the headers for an HTTP server that reads all of them first; Redis skips empty lines.
INFO_QUESTION: Final = b"*2\r\n$4\r\nINFO\r\n$6\r\nserver\r\n\r\n"
HTTP_QUESTION: Final = b"HEAD / HTTP/1.0\r\n\r\n"

MAX_ANSWER: Final = 64 * 1024  # bytes that are read; Redis's INFO server has one KB
MAX_QUOTED: Final = 60  # characters of a stranger's answer, or of a program's name, in a message


def who_holds(address: Address, time_limit: float = 0.5) -> Holder:
    """Find out who holds an address that could not be bound.

    Args:
        address: (IP address, port), or the path of a unix socket. A wildcard IP address is held by whoever listens on
            any address of this machine.
        time_limit: seconds for all that the holder is asked. A server that has just begun to start may need more.
    """
    deadline = time.monotonic() + time_limit
    if isinstance(address, str):
        return _ask_process(socket.AF_UNIX, address, None, deadline)
    host, port = address
    found = _socket_at(host, port)
    if found is not None and not found.listens:
        return _connection_holder(found)
    if ipaddress.ip_address(host).is_unspecified:
        # The holder may have one address of the machine only; if it has the wildcard, loopback reaches it.
        host = str(found.host) if found is not None and not found.host.is_unspecified else _loopback(host)
    return _ask_process(*socket_address(host, port), found.pid if found is not None else None, deadline)


def socket_address(host: str, port: int) -> tuple[socket.AddressFamily, SocketAddress]:
    """What the socket module wants for an IP address, with its interface if it names one (`fe80::1%eth0`)."""
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)[0]
    return family, address


def is_answered(family: socket.AddressFamily, address: SocketAddress, time_limit: float) -> bool:
    """Whether somebody takes connections at `address`, be it so slowly that `time_limit` (seconds) is not enough."""
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(time_limit)
        try:
            sock.connect(address)
        except (TimeoutError, BlockingIOError):
            return True  # as in _ask
        # Where nobody listens, a socket that got this very port for its own end is connected to itself.
        return bool(sock.getsockname() != address)


# The holder's own word


@attrs.frozen
class _Answer:
    data: bytes
    hung_up: bool
    pid: int | None = None


def _ask_process(family: socket.AddressFamily, address: SocketAddress, pid: int | None, deadline: float) -> Holder:
    try:
        answer = _ask(family, address, INFO_QUESTION, deadline)
        if answer.hung_up and not answer.data:
            second = _ask(family, address, HTTP_QUESTION, deadline)
            answer = second if second.data else answer
    except (ConnectionRefusedError, FileNotFoundError):
        holder = Holder(HolderKind.NOT_LISTENING, "a bound socket that does not listen")
    except OSError as error:
        holder = Holder(HolderKind.OTHER, f"a process that cannot be asked: {error.strerror or error}")
    else:
        pid = answer.pid if pid is None else pid
        holder = _identify(answer, is_this_process=pid == os.getpid())
    if pid is None:
        return holder
    # The server's own idea of its pid counts less: it may be that of a container.
    return attrs.evolve(holder, pid=pid, program=_program_of(pid))


def _ask(family: socket.AddressFamily, address: SocketAddress, question: bytes, deadline: float) -> _Answer:
    """Raises OSError where nobody takes the connection; whatever happens later is an answer."""
    data = b""
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        _limit(sock, deadline)
        try:
            sock.connect(address)
        except (TimeoutError, BlockingIOError):  # too many wait to be accepted: TCP lets us wait too, unix does not
            return _Answer(data, hung_up=False)
        pid = _peer_pid(sock)
        hung_up = False
        try:
            sock.sendall(question)
            while not hung_up and not _is_complete(data):
                _limit(sock, deadline)
                chunk = sock.recv(MAX_ANSWER)
                data += chunk
                hung_up = not chunk
        except TimeoutError:
            pass
        except OSError:
            hung_up = True
    return _Answer(data, hung_up, pid)


def _limit(sock: socket.socket, deadline: float) -> None:
    sock.settimeout(max(deadline - time.monotonic(), 0.001))  # 0 would mean not to wait at all


def _is_complete(data: bytes) -> bool:
    if bulk := re.match(rb"\$(\d{1,9})\r\n", data):
        return len(data) >= min(bulk.end() + int(bulk[1]), MAX_ANSWER)
    return b"\n" in data or len(data) >= MAX_ANSWER


def _identify(answer: _Answer, *, is_this_process: bool) -> Holder:
    data = answer.data
    if data.startswith(b"$"):
        return _identify_info(data)
    if data.startswith(b"-"):
        return Holder(HolderKind.RESP, f"a server that speaks Redis's protocol and says {_quoted(data[1:])}")
    # A request line that makes no sense may get its answer in the manner of HTTP/0.9: a page without headers.
    if data.startswith(b"HTTP/") or re.match(rb"\s*<(!doctype html|html)", data, re.IGNORECASE):
        return Holder(HolderKind.HTTP, "something that speaks HTTP")
    if data.startswith(b"\x15\x03"):  # a TLS alert record
        return Holder(HolderKind.OTHER, "something that speaks TLS")
    if data:
        return Holder(HolderKind.OTHER, f"something that answers {_quoted(data)}")
    if answer.hung_up:
        return Holder(HolderKind.OTHER, "a process that closes connections without a word")
    return Holder(HolderKind.SILENT, "this very process" if is_this_process else "a process that does not answer")


def _identify_info(data: bytes) -> Holder:
    fields = dict(re.findall(r"^(\w+):([\w.+~-]{1,40})\r?\n", data.decode("utf-8", "replace"), re.MULTILINE))
    for kind, name, field in (
        (HolderKind.RESPSTORE, "respstore", "respstore_version"),
        (HolderKind.REDIS, "Valkey", "valkey_version"),  # first: it says redis_version too
        (HolderKind.REDIS, "Redis", "redis_version"),
    ):
        if version := fields.get(field):
            return Holder(
                kind,
                f"{name} {version}",
                version=version,
                pid=_number(fields.get("process_id")),
                uptime=_number(fields.get("uptime_in_seconds")),
            )
    return Holder(HolderKind.RESP, "a server that speaks Redis's protocol")


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch("[0-9]{1,12}", text) else None


def _quoted(data: bytes) -> str:
    line = data[: 4 * MAX_QUOTED].decode("utf-8", "replace").strip().partition("\n")[0].strip()
    return repr(line[:MAX_QUOTED])


# The system's word. psutil takes longer to import than a start that finds its port free.


@attrs.frozen
class _Socket:
    host: IPv4Address | IPv6Address
    remote: str | None
    status: str
    pid: int | None

    @property
    def listens(self) -> bool:
        return self.status == "LISTEN"


def _socket_at(host: str, port: int) -> _Socket | None:
    """The TCP socket with this near end: if there are several, one that listens, on exactly this address."""
    import psutil  # noqa: PLC0415 - see above

    try:
        entries = psutil.net_connections("tcp")
    except (psutil.Error, OSError):  # macOS tells root only
        return None
    here = _plain(host)
    found = [
        _Socket(
            _plain(entry.laddr.ip),
            display_address(*entry.raddr) if entry.raddr else None,
            entry.status,
            entry.pid,
        )
        for entry in entries
        if entry.laddr and entry.laddr.port == port
    ]
    # A listener on the IPv6 wildcard may take IPv4 connections too; psutil does not say.
    met = [s for s in found if s.host == here or here.is_unspecified or (s.listens and s.host.is_unspecified)]
    return min(met, key=lambda s: (not s.listens, s.host != here, s.host.version != here.version), default=None)


def _plain(host: str) -> IPv4Address | IPv6Address:
    address = ipaddress.ip_address(host.partition("%")[0])
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _loopback(host: str) -> str:
    return "::1" if ":" in host else "127.0.0.1"


def _connection_holder(found: _Socket) -> Holder:
    if found.status == "TIME_WAIT":
        return Holder(HolderKind.CONNECTION, "a connection that has ended; the system lets go of it within a minute")
    program = _program_of(found.pid) if found.pid is not None else None
    return Holder(HolderKind.CONNECTION, f"a connection with {found.remote}", pid=found.pid, program=program)


def _peer_pid(sock: socket.socket) -> int | None:
    """The process that listens at the other end of a unix connection: Linux tells everybody who may connect."""
    if sock.family != socket.AF_UNIX or not hasattr(socket, "SO_PEERCRED"):
        return None
    pid, _uid, _gid = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return pid or None  # 0: it is in another container


def _program_of(pid: int) -> str | None:
    """The program's name; of Python also what it runs: "python3 train.py", "python3 -m http.server"."""
    import psutil  # noqa: PLC0415 - see above

    try:
        process = psutil.Process(pid)
        name, arguments = process.name(), process.cmdline()[1:]
    except (psutil.Error, OSError):
        return None
    if name.startswith("python"):
        if "-m" in arguments[:-1]:
            name += f" -m {arguments[arguments.index('-m') + 1]}"
        elif script := next((argument for argument in arguments if argument.endswith(".py")), None):
            name += f" {Path(script).name}"
    return "".join(character if character.isprintable() else "?" for character in name[:MAX_QUOTED])
