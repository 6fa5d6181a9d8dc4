"""One connection to a server: a request goes out, its reply comes in, within a time limit.

On loopback a round trip takes 20 µs, most of it in the kernel, so that what is done around it is felt:

- The socket blocks, with a short time limit that the kernel keeps (SO_RCVTIMEO). Python's own limits ask the kernel
  twice, `poll` and `recv`.
- Only a reply that takes longer than that limit, QUICK_SECONDS, is waited for in Python's way, which keeps the rest of
  the time exactly, also while signals arrive. A wait is cut into slices, because a signal that comes just before the
  system call would otherwise be noticed only after it: Ctrl-C must not wait for a barrier.
- Signals reach the main thread only. To connect and to wait for a first while is left to the kernel in all others, for
  each system call lets go of the interpreter: hundreds of threads of a process then stand in line to have it back.

What must stay true: a connection whose exchange was not completed is never used again; the late reply would be taken
for the next one's.
"""

import socket
import ssl
import struct
import sys
from collections.abc import Callable
from threading import TIMEOUT_MAX, get_ident, main_thread
from time import monotonic
from typing import Any, Final

import hiredis

from respstore.store.target import Node

QUICK_SECONDS: Final = 0.025
"""How long the kernel waits for a reply before Python looks at the clock."""

PATIENT_SECONDS: Final = 2.0
"""The same for a connection of a thread that is not the main one, as long as no other uses it."""

SLICE_SECONDS: Final = 0.5
"""How long a signal may go unnoticed at most."""

KERNEL_LIMITS_CONNECT: Final = sys.platform == "linux"
"""Whether SO_SNDTIMEO holds for `connect`."""

SMALL: Final = 16 * 1024
"""A request of so many bytes always fits into the buffer of a socket whose peer has answered all before it."""

READ_SIZE: Final = 64 * 1024


Word = str | bytes | int

pack: Final[Callable[[tuple[Word, ...]], bytes]] = hiredis.pack_command  # type: ignore[assignment]  # its type says 1-tuple
"""A command as it goes over the wire."""


class NotSentError(Exception):
    """The connection broke before the whole request had left: the server did not execute it."""


class LostError(Exception):
    """The connection broke after the request had left: the server may have executed it."""


class StrangerError(Exception):
    """The peer does not speak Redis's protocol."""


class Connection:
    """A connected socket; see `connect`.

    Attributes:
        node: where it leads.
        used_at: when its last exchange began or, if the kernel waited patiently, ended, on the monotonic clock.
    """

    __slots__ = ("_is_quick", "_patient", "_reader", "_sock", "node", "used_at")

    def __init__(self, sock: socket.socket, node: Node) -> None:
        self.node = node
        self._sock = sock
        self._reader = hiredis.Reader()
        self._is_quick = not isinstance(sock, ssl.SSLSocket)  # which would ask for a broken-off read again and again
        self._patient = 0 if is_main_thread() else get_ident()  # whom the kernel waits for so long, 0 for nobody
        self.used_at = monotonic()
        if self._is_quick:
            if sock.gettimeout() is not None:
                sock.settimeout(None)
            set_limit(sock, socket.SO_RCVTIMEO, PATIENT_SECONDS if self._patient else QUICK_SECONDS)

    def exchange(self, request: bytes, deadline: float) -> Any:
        """Send a request, and wait for its reply.

        Args:
            request: packed.
            deadline: on the monotonic clock, in seconds; infinity for none.

        Returns:
            The reply, as hiredis reads it; an error reply is returned as a hiredis.ReplyError.

        Raises:
            NotSentError: the connection broke while the request was sent.
            LostError: it broke later.
            StrangerError: the peer does not speak Redis's protocol.
            TimeoutError: no reply came in time.
        """
        try:
            if self._is_quick and len(request) <= SMALL:
                self._sock.sendall(request)
            else:
                self._send(request, deadline)
        except OSError as error:
            raise NotSentError(describe(error)) from error
        if self._is_quick:  # as `_read` does it, in half the time
            if self._patient and (self._patient != get_ident() or deadline - self.used_at < PATIENT_SECONDS):
                self._patient = 0
                set_limit(self._sock, socket.SO_RCVTIMEO, QUICK_SECONDS)
            reader = self._reader
            try:
                data = self._sock.recv(READ_SIZE)
                if data:
                    reader.feed(data)
                    reply = reader.gets()
                    if reply is not False:
                        if self._patient:  # it may have taken long, and need not be looked at before it is used again
                            self.used_at = monotonic()
                        return reply
            except BlockingIOError:
                pass
            except OSError as error:
                raise LostError(describe(error)) from error
            except hiredis.ProtocolError as error:
                raise StrangerError(str(error)) from error
        return self._read(deadline)

    def exchange_all(self, request: bytes, count: int, deadline: float) -> list[Any]:
        """Send `count` commands in one request, and wait for all their replies; as `exchange` in all else."""
        replies = [self.exchange(request, deadline)]
        while len(replies) < count:
            reply = self._reader.gets()
            replies.append(self._read(deadline) if reply is False else reply)
        return replies

    def is_stale(self) -> bool:
        """Whether the peer has hung up since the last exchange, or sent what nobody asked for."""
        try:
            if self._is_quick:
                self._sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
            else:
                self._sock.settimeout(0)
                self._sock.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except OSError:
            pass
        return True

    def interrupt(self) -> None:
        """Hang up; a thread that waits for a reply gets a LostError."""
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def close(self) -> None:
        """Let go of the socket. A process that has it from a fork takes nothing from the other one so."""
        self._sock.close()

    def __del__(self) -> None:
        """A store that nobody closed takes its sockets with it, without a ResourceWarning for each."""
        self._sock.close()

    def _read(self, deadline: float) -> Any:
        reader = self._reader
        try:
            while True:
                data = self._receive(deadline)
                if not data:
                    raise LostError("the server closed the connection")
                reader.feed(data)
                reply = reader.gets()
                if reply is not False:  # which RESP2 has no bytes for: there is no whole reply yet
                    return reply
        except TimeoutError:
            raise
        except OSError as error:
            raise LostError(describe(error)) from error
        except hiredis.ProtocolError as error:
            raise StrangerError(str(error)) from error

    def _receive(self, deadline: float) -> bytes:
        sock = self._sock
        # Thousands of threads that wake up twice a second would be felt.
        longest = SLICE_SECONDS if is_main_thread() else TIMEOUT_MAX
        try:
            while (left := deadline - monotonic()) > 0:
                sock.settimeout(min(left, longest))
                try:
                    return sock.recv(READ_SIZE)
                except TimeoutError:
                    pass
            raise TimeoutError
        finally:
            if self._is_quick:
                sock.settimeout(None)

    def _send(self, request: bytes, deadline: float) -> None:
        self._sock.settimeout(time_left(deadline))
        self._sock.sendall(request)
        if self._is_quick:
            self._sock.settimeout(None)


def connect(node: Node, tls: ssl.SSLContext | None, deadline: float) -> Connection:
    """Connect, before the deadline (as `Connection.exchange`'s).

    Raises:
        OSError: it cannot be done; TimeoutError when the time is over, gaierror for a name that nobody knows.
    """
    sock = _connect_unix(node.host, deadline) if node.port is None else _connect_tcp(node.host, node.port, deadline)
    try:
        if tls is not None:
            sock.settimeout(time_left(deadline))
            sock = tls.wrap_socket(sock, server_hostname=node.host)
        return Connection(sock, node)
    except BaseException:
        sock.close()
        raise


def is_main_thread() -> bool:
    """Whether this thread is the one that signals reach."""
    return get_ident() == main_thread().ident


def set_limit(sock: socket.socket, option: int, limit: float) -> None:
    """Let the kernel keep a time limit.

    Args:
        sock: a socket that blocks; where the time is over it raises a BlockingIOError.
        option: SO_RCVTIMEO to receive, SO_SNDTIMEO to send and to connect.
        limit: seconds, more than 0.
    """
    sec, usec = divmod(max(round(limit * 1_000_000), 1), 1_000_000)
    sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("@ll", sec, usec))


def time_left(deadline: float) -> float | None:
    """Seconds up to a deadline, as `settimeout` takes them.

    Raises:
        TimeoutError: there are none.
    """
    left = deadline - monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return None if left == float("inf") else left


def describe(error: OSError) -> str:
    """What went wrong, without the number."""
    if isinstance(error, TimeoutError) and error.errno is None:
        return "timed out"
    return error.strerror or str(error)


def _connect_unix(path: str, deadline: float) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.settimeout(time_left(deadline))
        sock.connect(path)
    except BaseException:
        sock.close()
        raise
    return sock


def _connect_tcp(host: str, port: int, deadline: float) -> socket.socket:
    addresses = _addresses(host, port)
    for place, (family, address) in enumerate(addresses):
        sock = socket.socket(family, socket.SOCK_STREAM)
        is_last = place == len(addresses) - 1
        try:
            left = time_left(deadline)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            # An address that swallows packets must leave time for the next.
            _connect_within(sock, address, left if is_last or left is None else left / (len(addresses) - place))
        except OSError:
            sock.close()
            if is_last:
                raise
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise OSError(f"{host} has no address")


def _connect_within(sock: socket.socket, address: Any, limit: float | None) -> None:
    if limit is None or not KERNEL_LIMITS_CONNECT or is_main_thread():
        sock.settimeout(limit)
        sock.connect(address)
        return
    set_limit(sock, socket.SO_SNDTIMEO, limit)
    try:
        sock.connect(address)
    except BlockingIOError:
        raise TimeoutError("timed out") from None


def _addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, Any]]:
    # A numeric address is never looked up: a resolver may take seconds to say nothing (C10D.md, section 10).
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except OSError:
            continue
        return [(family, (host, port))]
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, address) for family, _, _, _, address in found]
