"""Replies that a peer has not taken yet, and how much of them is too much (client-output-buffer-limit)."""

import logging
from collections import deque
from time import monotonic

from respstore.engine.session import Session

logger = logging.getLogger("respstore")


class OutputBuffer:
    """What waits to be sent to one client.

    Args:
        session: whose replies these are; its `unsent` is kept up to date.
    """

    __slots__ = ("_over_soft_since", "_pieces", "session", "size")

    def __init__(self, session: Session) -> None:
        self.session = session
        self.size = 0
        self._pieces: deque[memoryview] = deque()
        self._over_soft_since: float | None = None

    def append(self, piece: memoryview) -> None:
        """Add bytes behind the others."""
        self._pieces.append(piece)
        self.size += len(piece)
        self.session.unsent = self.size

    def first(self) -> memoryview:
        """What to send next."""
        return self._pieces[0]

    def sent(self, count: int) -> None:
        """The first `count` bytes of `first` are gone."""
        piece = self._pieces[0]
        if count == len(piece):
            self._pieces.popleft()
        else:
            self._pieces[0] = piece[count:]
        self.size -= count
        self.session.unsent = self.size

    def is_too_long(self) -> bool:
        """Whether the client has to go: over the hard limit, or over the soft one for too long."""
        limit = self.session.engine.config.client_output_buffer_limit.normal
        if limit.hard and self.size > limit.hard:
            logger.warning("closing client %s: %d bytes of replies unread", self.session.describe(), self.size)
            return True
        if not limit.soft or self.size <= limit.soft:
            self._over_soft_since = None
            return False
        now = monotonic()
        if self._over_soft_since is None:
            self._over_soft_since = now
        if now - self._over_soft_since <= limit.soft_seconds:
            return False
        logger.warning("closing client %s: replies unread for %d s", self.session.describe(), limit.soft_seconds)
        return True
