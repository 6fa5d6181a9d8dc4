"""A redis-server and a respstore that live for a whole run, and the pair that compares them.

With SUBJECT=redis-server in the environment a second redis-server stands in respstore's place: then everything must
compare equal, which is the test of this harness itself.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from types import TracebackType
from typing import Self

from compat.redis.pair import Pair
from compat.servers import redis_server, respstore_server

ARGUMENTS = ("--enable-debug-command", "yes")


class Harness:
    """Starts both servers, and starts them again if one has died on the way.

    Args:
        arguments: directives for both.

    Attributes:
        compared: how many commands were compared, by where they come from ("by hand", "generated") and protocol.
        played: the scenarios that were gone through, by name and protocol.
        is_self_test: whether the second server is a redis-server too.
    """

    def __init__(self, *arguments: str) -> None:
        self._arguments = (*ARGUMENTS, *arguments)
        self._servers = contextlib.ExitStack()
        self._pair: Pair | None = None
        self.compared: Counter[tuple[str, int]] = Counter()
        self.played: set[tuple[str, int]] = set()
        self.is_self_test = os.environ.get("SUBJECT") == "redis-server"

    def __enter__(self) -> Self:
        self.pair()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._servers.close()

    def pair(self) -> Pair:
        """The pair; after the death of a server, a new one."""
        if self._pair is None or not self._pair.is_alive():
            with contextlib.suppress(Exception):  # what has died may also fail to stop
                self._servers.close()
            self._servers = contextlib.ExitStack()
            redis = self._servers.enter_context(redis_server(*self._arguments))
            subject = redis_server if self.is_self_test else respstore_server
            respstore = self._servers.enter_context(subject(*self._arguments))
            self._pair = Pair(redis.port, respstore.port)
            self._servers.callback(self._pair.close)
        return self._pair
