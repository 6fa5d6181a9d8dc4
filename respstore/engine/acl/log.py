"""What was denied, for ACL LOG: the latest first, and what happens again and again told once, with its count."""

from typing import Final

import attrs

from respstore.config import Config
from respstore.engine.acl.selector import Reason

GROUPED_MS: Final = 60_000
"""What happens again after so long a time is a new entry."""
LONGEST: Final = 4096
"""Of longer objects and names only so many bytes are kept: who is denied shall not fill the memory by that."""
LOOKED_AT: Final = 10
"""Only so many of the latest entries are looked at for one that is alike."""


@attrs.define
class LogEntry:
    """One kind of event.

    Attributes:
        reason: what was missing.
        context: where the request stood: "toplevel", "multi", "lua".
        object: the command, key or channel; of a failed authentication, the command.
        username: whose request it was; of a failed authentication, who it was said to be.
        client: the client that was last denied, as CLIENT LIST shows it.
        time: when that was, in ms since 1970.
        count: how often it happened.
    """

    reason: Reason
    context: str
    object: bytes
    username: bytes
    client: str
    time: int
    count: int = 1

    def is_like(self, other: "LogEntry") -> bool:
        """Whether a later event is the same again."""
        return (
            (self.reason, self.context, self.object, self.username)
            == (other.reason, other.context, other.object, other.username)
        ) and other.time - self.time <= GROUPED_MS


class SecurityLog:
    """Events, as many as `acllog-max-len` allows.

    Attributes:
        entries: the latest first.
    """

    __slots__ = ("_config", "entries")

    def __init__(self, config: Config) -> None:
        self._config = config
        self.entries: list[LogEntry] = []

    def add(self, event: LogEntry) -> None:
        """Something was denied."""
        event.object, event.username = event.object[:LONGEST], event.username[:LONGEST]
        for place, entry in enumerate(self.entries[:LOOKED_AT]):
            if entry.is_like(event):
                event.count += entry.count
                del self.entries[place]
                self.entries.insert(0, event)
                return
        self.entries.insert(0, event)
        del self.entries[self._config.acllog_max_len :]
