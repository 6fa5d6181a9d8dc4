"""Accepting connections, whatever serves them then; and who is let in."""

import errno
import ipaddress
import logging
import socket
import sys
from collections.abc import Callable
from typing import Any, Final

import trio

from respstore import errors
from respstore.config import Config

logger = logging.getLogger("respstore")

ACCEPTS_AT_ONCE: Final = 128
EXHAUSTED: Final = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS}
RETRY_SECONDS: Final = 0.1

INHERITS_OPTIONS: Final = sys.platform == "linux"
"""Whether an accepted socket has the options that the listening one had when the connection was made."""

Admit = Callable[[socket.socket, Any], None]
"""What to do with an accepted, non-blocking socket, and the address of its peer."""


class Door:
    """Where connections come in.

    Args:
        listener: a non-blocking, listening socket, which got its options (`set_options`) before it listened.
        admit: what to do with each connection.
        config: the options of the server.
    """

    def __init__(self, listener: socket.socket, admit: Admit, config: Config) -> None:
        self.listener = listener
        self._admit = admit
        self._config = config
        self._inherited = config.tcp_keepalive if INHERITS_OPTIONS else None
        self._is_exhausted = False

    def let_in(self) -> bool:
        """Accept who has come, up to ACCEPTS_AT_ONCE.

        Returns:
            False if file descriptors ran out, or memory. That is logged once; who has come waits in the backlog, until
            the caller tries again some RETRY_SECONDS later.
        """
        for _ in range(ACCEPTS_AT_ONCE):
            try:
                sock, peer = self.listener.accept()
            except BlockingIOError:
                self._is_exhausted = False  # whoever waited is in
                break
            except OSError as error:
                if self.listener.fileno() < 0:
                    break
                if error.errno not in EXHAUSTED:
                    continue  # the peer of this one was gone before it was accepted
                if not self._is_exhausted:
                    logger.warning("cannot accept connections: %s; trying again until it works", error.strerror)
                    self._is_exhausted = True
                return False
            try:
                sock.setblocking(False)  # noqa: FBT003 - the standard library's signature
                if self._config.tcp_keepalive != self._inherited:
                    set_options(sock, self._config)
                self._admit(sock, peer)
            except OSError as error:
                logger.info("a connection ended before it began: %s", error.strerror)
                sock.close()
            except Exception:
                logger.exception("bug: a connection was not admitted")
                sock.close()
        return True


async def accept_connections(door: Door) -> None:
    """Let in who comes, until cancelled or until the listener is closed.

    Who closes it calls `trio.lowlevel.notify_closing` first.
    """
    while door.listener.fileno() >= 0:
        try:
            await trio.lowlevel.wait_readable(door.listener)
        except trio.ClosedResourceError:
            return
        if not door.let_in():
            await trio.sleep(RETRY_SECONDS)


def refusal(peer: Any, config: Config, connected: int, *, trusted: bool = False) -> str | None:
    """Why a new connection is not served.

    Args:
        peer: the address that it comes from.
        config: the options of the server.
        connected: how many connections it has already.
        trusted: protected mode does not apply: a password is needed, or it came to a port where everybody is served.

    Returns:
        The text of the error to send, None to serve it.
    """
    if connected >= config.maxclients:
        return errors.MAX_CLIENTS
    if config.protected_mode and not trusted and not _is_local(peer):
        return errors.PROTECTED_MODE
    return None


def _is_local(peer: Any) -> bool:
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

    Args:
        sock: a connection; or one that is to listen, for all connections that are accepted from it.
        config: the options of the server.

    Raises:
        OSError: the peer is gone already (some systems say so here).
    """
    if sock.family == socket.AF_UNIX:
        return
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    seconds = config.tcp_keepalive
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, seconds > 0)
    if seconds and hasattr(socket, "TCP_KEEPIDLE"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, seconds)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, max(seconds // 3, 1))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
