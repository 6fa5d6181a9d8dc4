"""Accepting connections: one task per listening socket, whatever serves the connections then; and who is let in."""

import errno
import ipaddress
import logging
import socket
from collections.abc import Callable
from typing import Final

import trio

from respstore import errors
from respstore.config import Config

logger = logging.getLogger("respstore")

ACCEPTS_PER_WAKE: Final = 1000
EXHAUSTED: Final = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS}
RETRY_SECONDS: Final = 0.1


async def accept_connections(listener: socket.socket, admit: Callable[[socket.socket], None]) -> None:
    """Accept until cancelled, or until the listener is closed.

    Args:
        listener: a non-blocking, listening socket. Who closes it calls `trio.lowlevel.notify_closing` first.
        admit: what to do with each accepted, non-blocking socket.

    Running out of file descriptors is logged once, waited out, and survived; the connections in the backlog wait.
    """
    exhausted = False
    while listener.fileno() >= 0:
        try:
            await trio.lowlevel.wait_readable(listener)
        except trio.ClosedResourceError:
            return
        for _ in range(ACCEPTS_PER_WAKE):
            try:
                sock, _ = listener.accept()
            except BlockingIOError:
                exhausted = False  # whoever waited is in
                break
            except OSError as error:
                if listener.fileno() < 0:
                    return
                if error.errno not in EXHAUSTED:
                    continue  # the peer of this one was gone before it was accepted
                if not exhausted:
                    logger.warning("cannot accept connections: %s; trying again until it works", error.strerror)
                    exhausted = True
                await trio.sleep(RETRY_SECONDS)
                break
            sock.setblocking(False)  # noqa: FBT003 - the standard library's signature
            try:
                admit(sock)
            except Exception:
                logger.exception("bug: a connection was not admitted")
                sock.close()


def refusal(sock: socket.socket, config: Config, connected: int, *, trusted: bool = False) -> str | None:
    """Why a new connection is not served.

    Args:
        sock: the connection.
        config: the options of the server.
        connected: how many connections it has already.
        trusted: protected mode does not apply: a password is needed, or it came to a port where everybody is served.

    Returns:
        The text of the error to send, None to serve it.

    Raises:
        OSError: the peer is gone already.
    """
    if connected >= config.maxclients:
        return errors.MAX_CLIENTS
    if config.protected_mode and not trusted and not _is_local(sock):
        return errors.PROTECTED_MODE
    return None


def _is_local(sock: socket.socket) -> bool:
    peer = sock.getpeername()
    if not isinstance(peer, tuple):  # a unix socket
        return True
    host: str = peer[0]
    return host.startswith("127.") or ipaddress.ip_address(host.partition("%")[0]).is_loopback


def refuse(sock: socket.socket, reply: bytes) -> None:
    """Send a last word and close."""
    try:
        sock.send(reply)
        sock.recv(64 * 1024)  # closing a socket with requests unread would reset the connection, and lose the word
    except OSError:
        pass
    sock.close()


def set_options(sock: socket.socket, config: Config) -> None:
    """Let replies out at once, and let the system ask an idle peer whether it is still there (tcp-keepalive).

    Raises:
        OSError: the peer is gone already (some systems say so here).
    """
    if sock.family == socket.AF_UNIX:
        return
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    seconds = config.tcp_keepalive
    if not seconds:
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, seconds)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, max(seconds // 3, 1))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
