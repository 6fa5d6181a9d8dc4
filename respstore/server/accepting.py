"""Accepting connections: one task per listening socket, whatever serves the connections then."""

import errno
import logging
import socket
from collections.abc import Callable
from typing import Final

import trio

logger = logging.getLogger("respstore")

ACCEPTS_PER_WAKE: Final = 1000
EXHAUSTED: Final = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS}
RETRY_SECONDS: Final = 0.1


async def accept_connections(listener: socket.socket, admit: Callable[[socket.socket], None]) -> None:
    """Accept until cancelled.

    Args:
        listener: a non-blocking, listening socket.
        admit: what to do with each accepted, non-blocking socket.

    Running out of file descriptors is logged once, waited out, and survived; the connections in the backlog wait.
    """
    exhausted = False
    while True:
        await trio.lowlevel.wait_readable(listener)
        for _ in range(ACCEPTS_PER_WAKE):
            try:
                sock, _ = listener.accept()
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno not in EXHAUSTED:
                    continue  # the peer of this one was gone before it was accepted
                if not exhausted:
                    logger.warning("cannot accept connections: %s; trying again until it works", error.strerror)
                    exhausted = True
                await trio.sleep(RETRY_SECONDS)
                break
            exhausted = False
            sock.setblocking(False)  # noqa: FBT003 - the standard library's signature
            admit(sock)
