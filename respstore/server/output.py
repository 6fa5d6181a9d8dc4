"""Replies that a peer has not taken yet, and when to wait for it no longer."""

import logging
import struct
from collections import deque
from fcntl import ioctl
from termios import TIOCOUTQ
from time import monotonic
from typing import Final

from respstore.config.values import BufferLimit
from respstore.engine.session import Session

logger = logging.getLogger("respstore")

BLOCK_BYTES: Final = 16 * 1024
"""Small replies are gathered in blocks of this size, for an object costs more than most replies (so does Redis). So
much may be sent at once without a look at the limits, as in Redis, where each client has a buffer that does not count.
"""

STUCK_SECONDS: Final = 10.0
"""How long a connection that is to be closed may take nothing of what is left for it."""

GRACE_SECONDS: Final = 1.0
"""How long clients may take to read their last replies when the server stops."""

QUIET_SECONDS: Final = 0.1
"""A stopping server does not wait for a client that has all its replies and has been silent for so long."""


class OutputBuffer:
    """What waits to be sent to one client.

    Args:
        session: whose replies these are; its `unsent` is kept up to date.
    """

    __slots__ = ("_closing_since", "_offset", "_over_soft_since", "_pieces", "session", "size")

    def __init__(self, session: Session) -> None:
        self.session = session
        self.size = 0
        self._pieces: deque[bytes | bytearray] = deque()
        self._offset = 0
        self._closing_since: float | None = None
        self._over_soft_since: float | None = None

    def append(self, data: bytes) -> None:
        """Add bytes behind the others."""
        pieces = self._pieces
        last = pieces[-1] if pieces else None
        if isinstance(last, bytearray) and len(last) + len(data) <= BLOCK_BYTES:
            last += data
        else:
            pieces.append(bytearray(data) if len(data) < BLOCK_BYTES else data)
        self.size += len(data)
        self.session.unsent = self.size

    def first(self) -> memoryview:
        """What to send next; it stays as it is while more is appended."""
        piece = self._pieces[0]
        if isinstance(piece, bytearray):
            piece = self._pieces[0] = bytes(piece)
        return memoryview(piece)[self._offset :]

    def sent(self, count: int) -> None:
        """The first `count` bytes of `first` are gone."""
        self._offset += count
        if self._offset == len(self._pieces[0]):
            self._pieces.popleft()
            self._offset = 0
        self.size -= count
        self.session.unsent = self.size
        self._closing_since = None

    def must_go(self) -> bool:
        """Whether to close the connection though not all is sent. To be asked now and then while there is something."""
        session = self.session
        if session.is_aborted:
            return True
        if session.is_closing:
            return self._is_stuck(monotonic())
        if is_too_much(session, self.size):
            return True
        limit = _limit_of(session)
        if not limit.soft or self.size <= limit.soft:
            self._over_soft_since = None
            return False
        now = monotonic()
        if self._over_soft_since is None:
            self._over_soft_since = now
        if now - self._over_soft_since <= limit.soft_seconds:
            return False
        logger.warning(
            "closing client %s: %d bytes of replies unread for %d s", session.describe(), self.size, limit.soft_seconds
        )
        return True

    def _is_stuck(self, now: float) -> bool:
        if self._closing_since is None:
            self._closing_since = now
        if now - self._closing_since <= STUCK_SECONDS:
            return False
        logger.info("closing client %s: it does not read its last replies", self.session.describe())
        return True


def is_too_much(session: Session, size: int) -> bool:
    """Whether a client is to be closed for so many bytes of replies, be it that it would take them at once.

    So it is with what a single turn has to say to it: the limit is there for the server's memory, and a reply takes as
    much of that as one that nobody reads (closeClientOnOutputBufferLimitReached in Redis's networking.c).
    """
    limit = _limit_of(session).hard
    if not limit or size <= limit:
        return False
    logger.warning("closing client %s: %d bytes of replies unread", session.describe(), size)
    return True


def _limit_of(session: Session) -> BufferLimit:
    limits = session.engine.config.client_output_buffer_limit
    return limits.pubsub if session.kind == "pubsub" else limits.normal


def is_delivered(fd: int) -> bool:
    """Whether the peer's system has all that was sent to a socket, as far as ours tells (Linux does)."""
    if fd < 0:
        return True
    try:
        (unacknowledged,) = struct.unpack("i", ioctl(fd, TIOCOUTQ, bytes(4)))
    except OSError:
        return True
    return bool(unacknowledged <= 1)  # the end of the stream counts as one
