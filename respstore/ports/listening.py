"""Sockets that listen, and free ports.

The system refuses most conflicts by itself. On Linux, where all servers set SO_REUSEADDR or not as they like, bind()
or listen() fails whenever somebody listens on the same address, on the wildcard of its family, or on the IPv6 wildcard
that takes IPv4 too; and whenever somebody holds one of these without SO_REUSEADDR, listening or not. It does *not* see
that an address has a twin in the other IP family: with a stranger on [::1]:6379 one may well listen on 127.0.0.1:6379,
but a client that asks for localhost gets to the stranger. So where a server listens on an address that localhost
reaches, we knock at both loopback addresses, after bind() and before listen(): whoever opens then is not us.

What must stay true: all addresses of a server are taken or none; until all are bound nobody can connect to any; a file
that is not the socket of a dead server is never deleted; an OSError that leaves this module has a `strerror` that says
in one line what is wrong and what would be right.
"""

import contextlib
import errno
import fcntl
import os
import socket
import stat
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from ipaddress import IPv6Address
from pathlib import Path
from typing import Final

from respstore.exceptions import PortInUseError, display_address
from respstore.ports.holders import is_answered, socket_address, who_holds

FREE_PORT_ATTEMPTS: Final = 50
"""How many free ports may turn out to be taken in the other IP family before we give up."""

KNOCK_LIMIT: Final = 0.2
"""Seconds in which a loopback address accepts or refuses a connection, unless its queue is full."""

ANSWER_LIMIT: Final = 0.5
"""Seconds for the holder of a taken address to say who it is."""

LOCK_LIMIT: Final = 0.5
"""Seconds that another server may take to open its socket file in the same directory."""

MAX_UNIX_PATH: Final = 107 if sys.platform == "linux" else 103  # bytes, without the zero at the end; see unix(7)

LOOPBACKS: Final = ("127.0.0.1", "::1")
WILDCARDS: Final = ("0.0.0.0", "::")

NO_SUCH_PROTOCOL: Final = {errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT, errno.EPFNOSUPPORT}
LACKING: Final = {errno.EADDRNOTAVAIL, *NO_SUCH_PROTOCOL}
"""Errors of an address that the machine does not have, or cannot have: it does not speak the protocol."""


class _TakenError(Exception):
    """The address is taken; who holds it is not asked yet. `wanted` as in PortInUseError."""

    def __init__(self, host: str, port: int, wanted: str | None = None) -> None:
        super().__init__(host, port, wanted)
        self.host = host
        self.port = port
        self.wanted = wanted


def listen_tcp(
    hosts: Sequence[str], port: int, backlog: int, prepare: Callable[[socket.socket], None] | None = None
) -> list[socket.socket]:
    """Listen on one port of several addresses: all of them, or none.

    Args:
        hosts: as in Redis's directive `bind`: IP addresses or names, `*` and `::*` for all IPv4 and all IPv6 addresses.
            A `-` in front of one says that this machine may lack it. A name stands for all its addresses that this
            machine has. IPv6 addresses of a machine that knows no IPv6 are left out if others remain.
        port: 0 for one that is free on all of the addresses.
        backlog: how many connections may wait to be accepted.
        prepare: called with each socket before anybody can connect to it.

    Returns:
        Non-blocking sockets in the order of `hosts`; none if all of the hosts may be lacking, and are.

    Raises:
        PortInUseError: an address is taken, or a client that asks for localhost might reach another server instead.
        OSError: with another errno (EACCES for a port that only root may use, EADDRNOTAVAIL for an address that is
            not this machine's, ...); socket.gaierror for a name without an address.
        ValueError: the port is out of range.
    """
    if not 0 <= port <= 65535:
        raise ValueError(f"a port is a number from 0 to 65535, not {port}")
    attempts = FREE_PORT_ATTEMPTS if port == 0 else 1
    while True:
        attempts -= 1
        try:
            return _listen_on_all(hosts, port, backlog, prepare)
        except _TakenError as taken:
            if not attempts:
                holder = who_holds((taken.host, taken.port), ANSWER_LIMIT)
                raise PortInUseError(taken.host, taken.port, holder, taken.wanted) from None


def get_free_port() -> int:
    """A TCP port that is free on localhost now; another process may take it before you do.

    As torch.distributed.elastic.utils.distributed.get_free_port. Raises RuntimeError when there is none.
    """
    with get_socket_with_port() as sock:
        return int(sock.getsockname()[1])


def get_socket_with_port() -> socket.socket:
    """A blocking socket that listens on a free port of localhost: whoever holds it has the port for sure.

    As torch.distributed.elastic.utils.distributed.get_socket_with_port. Raises RuntimeError when there is none.
    """
    problem: OSError | None = None
    for host in ("localhost", "127.0.0.1", "::1"):
        try:
            sock, *others = listen_tcp([host], 0, backlog=0)
        except OSError as error:
            problem = error
            continue
        for other in others:
            other.close()
        sock.setblocking(True)  # noqa: FBT003 - its only parameter
        return sock
    raise RuntimeError("Failed to create a socket") from problem


def listen_unix(path: str, permissions: int | None, backlog: int) -> socket.socket:
    """Listen on a unix socket, whose file is made, or taken over from a server that is dead.

    Args:
        path: of the socket file. Its directory must exist.
        permissions: of the socket file, as for chmod; whoever may write to it may connect. None for what the umask
            leaves, which is what Redis does without `unixsocketperm`.
        backlog: how many connections may wait to be accepted.

    Returns:
        A non-blocking socket. Who closes it deletes the file.

    Raises:
        PortInUseError: a server listens there.
        OSError: with another errno (EEXIST for a file that is no socket, ENAMETOOLONG, EACCES, ENOENT, ...).
    """
    length = len(os.fsencode(path))
    if length > MAX_UNIX_PATH:
        text = f"the path has {length} bytes, and that of a unix socket may have {MAX_UNIX_PATH}"
        raise OSError(errno.ENAMETOOLONG, f"cannot listen on {path}: {text}")
    if not path or "\0" in path:  # on Linux these would be sockets without a file
        raise OSError(errno.EINVAL, f"cannot listen on {path!r}: this is no path of a file")
    with contextlib.ExitStack() as opened:
        sock = opened.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        try:
            with _lock(Path(path).parent):
                _bind_unix(sock, Path(path), permissions)
                sock.listen(backlog)
        except _TakenError:
            raise PortInUseError(path, None, who_holds(path, ANSWER_LIMIT)) from None
        sock.setblocking(False)  # noqa: FBT003 - its only parameter
        opened.pop_all()
    return sock


# TCP


def _listen_on_all(
    hosts: Sequence[str], port: int, backlog: int, prepare: Callable[[socket.socket], None] | None
) -> list[socket.socket]:
    bound: dict[str, socket.socket] = {}
    left_out: OSError | None = None
    try:
        for host in hosts:
            try:
                port = _bind_host(host.removeprefix("-"), port, bound)
            except OSError as error:
                if error.errno not in LACKING or (error.errno == errno.EADDRNOTAVAIL and not host.startswith("-")):
                    raise
                if not host.startswith("-"):
                    left_out = error
        if not bound and left_out is not None:
            raise left_out
        _knock(list(bound), port)
        for address, sock in bound.items():
            if prepare is not None:
                prepare(sock)
            with _explained(address, port):
                sock.listen(backlog)
            sock.setblocking(False)  # noqa: FBT003 - its only parameter
    except BaseException:
        for sock in bound.values():
            sock.close()
        raise
    return list(bound.values())


def _bind_host(host: str, port: int, bound: dict[str, socket.socket]) -> int:
    """Adds a socket for each address of the host to `bound`, at least for one; the others may be LACKING.

    Returns the port, which the first socket chose if it was 0.
    """
    problem: OSError | None = None
    had = False
    for address in _addresses_of(host, port):
        if address not in bound:
            try:
                bound[address] = _bind(address, port)
            except OSError as error:
                if error.errno not in LACKING:
                    raise
                problem = error
                continue
        had = True
        port = port or bound[address].getsockname()[1]
    if problem is not None and not had:
        raise problem
    return port


def _addresses_of(host: str, port: int) -> list[str]:
    """The IP addresses that a host stands for, with the interface where one was given (`fe80::1%eth0`)."""
    host = {"*": "0.0.0.0", "::*": "::"}.get(host, host)
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as error:  # UnicodeError: its form alone says that it is no host name
        code, reason = error.args if isinstance(error, socket.gaierror) else (socket.EAI_NONAME, "not a host name")
        text = f"cannot listen on {host} port {port}: {reason}; give an IP address such as 127.0.0.1"
        raise socket.gaierror(code, text) from None
    names = (socket.getnameinfo(entry[4], socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)[0] for entry in found)
    return list(dict.fromkeys(names))


def _bind(address: str, port: int) -> socket.socket:
    with contextlib.ExitStack() as opened, _explained(address, port):
        family, socket_name = socket_address(address, port)
        sock = opened.enter_context(socket.socket(family, socket.SOCK_STREAM))
        # Without it the closed connections of the server before us would hold the port for a minute.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(socket_name)
        opened.pop_all()
    return sock


def _knock(addresses: Sequence[str], port: int) -> None:
    reachable = [address for address in addresses if address in {*LOOPBACKS, *WILDCARDS}]
    for loopback in LOOPBACKS if reachable else ():
        try:
            answered = is_answered(*socket_address(loopback, port), KNOCK_LIMIT)
        except OSError:
            continue  # refused; or there is no IPv6
        if answered:
            wanted = None if loopback in addresses else display_address(reachable[0], port)
            raise _TakenError(loopback, port, wanted)


@contextlib.contextmanager
def _explained(address: str, port: int) -> Iterator[None]:
    """The system's refusals in words that help."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.EADDRINUSE and port != 0:
            raise _TakenError(address, port) from None
        text = f"cannot listen on {display_address(address, port)}: {_reason(error, address, port)}"
        raise OSError(error.errno, text) from None


def _reason(error: OSError, address: str, port: int) -> str:
    if error.errno == errno.EACCES:
        lowest = _lowest_unprivileged_port()
        if port < lowest:
            return f"ports below {lowest} are for root (or CAP_NET_BIND_SERVICE); choose one from {lowest} up"
        return "the system does not permit it; SELinux or the like may be configured so"
    if error.errno == errno.EADDRNOTAVAIL:
        wildcard = "::" if ":" in address else "0.0.0.0"
        return f"this machine does not have that address; {wildcard} stands for all that it has"
    if error.errno in NO_SUCH_PROTOCOL and ":" in address:
        return "this machine has no IPv6; give an IPv4 address such as 127.0.0.1"
    if error.errno == errno.EADDRINUSE:
        return "no port is free"
    if error.errno == errno.EINVAL and ":" in address:
        ip = IPv6Address(address)
        if ip.ipv4_mapped is not None:
            return f"IPv4 addresses are given as such: {ip.ipv4_mapped}"
        if ip.is_link_local and ip.scope_id is None:
            return f"a link-local address needs its interface: {address}%eth0"
    return str(error.strerror or error)


def _lowest_unprivileged_port() -> int:
    try:
        return int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    except OSError:
        return 1024


# Unix sockets


@contextlib.contextmanager
def _lock(directory: Path) -> Iterator[None]:
    """Keeps other servers of ours from opening a socket file in the directory.

    Between bind() and listen() a live server's file looks like a dead one's: without this, of two servers that start
    at the same time the second might take over from the first. The directory itself is locked, so nothing is left
    behind; where that is not possible, or takes too long, we go on without.
    """
    with contextlib.ExitStack() as opened:
        with contextlib.suppress(OSError):
            handle = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
            opened.callback(os.close, handle)
            deadline = time.monotonic() + LOCK_LIMIT
            while not _try_lock(handle) and time.monotonic() < deadline:
                time.sleep(0.005)
        yield


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _bind_unix(sock: socket.socket, path: Path, permissions: int | None) -> None:
    try:
        _remove_dead(path)
        if permissions is not None:
            with contextlib.suppress(OSError):
                os.fchmod(sock.fileno(), permissions)  # Linux makes the file so at once, less the umask
        sock.bind(str(path))
        if permissions is not None:
            path.chmod(permissions)  # nobody has been able to connect yet: it does not listen
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise _TakenError(str(path), 0) from None
        raise OSError(error.errno, f"cannot listen on {path}: {_reason_unix(error, path)}") from None


def _remove_dead(path: Path) -> None:
    """Deletes the socket file of a dead server. Raises _TakenError if it lives, FileExistsError if it is no socket."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise FileExistsError(errno.EEXIST, "no socket")
    try:
        is_answered(socket.AF_UNIX, str(path), KNOCK_LIMIT)
    except ConnectionRefusedError:
        if not _is_bound(path):
            path.unlink(missing_ok=True)
            return
    except OSError:
        pass  # a socket of another type, or one that we may not write to: somebody's
    raise _TakenError(str(path), 0)


def _is_bound(path: Path) -> bool:
    """Whether a live process has bound a socket to the path, though it does not listen.

    A datagram socket cannot connect to a stream socket: the system says so of one that is there, and refuses where
    none is. (A look into /proc/net/unix would miss some while others come and go.)
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        return sock.connect_ex(str(path)) != errno.ECONNREFUSED


def _reason_unix(error: OSError, path: Path) -> str:
    if error.errno == errno.EEXIST:
        return "there is something that is no socket, and it is not deleted; choose another path"
    if error.errno in {errno.ENOENT, errno.ENOTDIR}:
        return f"there is no directory {path.parent}"
    if error.errno in {errno.EACCES, errno.EPERM}:
        return f"no permission to create or delete files in {path.parent}"
    return str(error.strerror or error)
