"""Publish and subscribe: who listens to which channels, and how a message gets to all of them.

A subscriber is a session like any other. A message is encoded once per version of the protocol and put into the output
of every listener; the server sends it at the end of the turn. What a slow listener does not take is bounded by the
class `pubsub` of client-output-buffer-limit.

What must stay true: a channel or pattern is known as long as somebody listens to it, and a session that listens to
something has `subscriptions`. In RESP2 such a session may do little else, for its client could not tell a message from
a reply (the gate's bit SUBSCRIBED, see dispatch.py).
"""

from typing import TYPE_CHECKING, Final, NamedTuple

from respstore.engine.dispatch import SUBSCRIBED
from respstore.keyspace.glob import Predicate, compile_glob
from respstore.protocol.replies import Output, Push, encode

if TYPE_CHECKING:
    from respstore.engine.session import Session

Listeners = dict["Session", None]
"""Sessions in the order in which they subscribed."""


class Pattern(NamedTuple):
    """A pattern that somebody listens to."""

    matches: Predicate
    listeners: Listeners


class Subscriptions:
    """What a session listens to: names of channels and patterns, in the order in which it subscribed."""

    __slots__ = ("channels", "patterns")

    def __init__(self) -> None:
        self.channels: dict[bytes, None] = {}
        self.patterns: dict[bytes, None] = {}

    def __len__(self) -> int:
        return len(self.channels) + len(self.patterns)


_NONE: Final = Subscriptions()


class Channels:
    """All subscriptions of an engine.

    Attributes:
        channels: listeners by channel.
        patterns: patterns that somebody listens to.
    """

    __slots__ = ("channels", "patterns")

    def __init__(self) -> None:
        self.channels: dict[bytes, Listeners] = {}
        self.patterns: dict[bytes, Pattern] = {}

    def subscribe(self, session: "Session", channel: bytes) -> int:
        """Let a session listen to a channel, if it does not yet.

        Returns:
            How many channels and patterns it listens to now.
        """
        subscriptions = _of(session)
        if channel not in subscriptions.channels:
            subscriptions.channels[channel] = None
            self.channels.setdefault(channel, {})[session] = None
        return len(subscriptions)

    def subscribe_pattern(self, session: "Session", pattern: bytes) -> int:
        """The same for all channels that match a glob-style pattern."""
        subscriptions = _of(session)
        if pattern not in subscriptions.patterns:
            subscriptions.patterns[pattern] = None
            if pattern not in self.patterns:
                self.patterns[pattern] = Pattern(compile_glob(pattern), {})
            self.patterns[pattern].listeners[session] = None
        return len(subscriptions)

    def unsubscribe(self, session: "Session", channel: bytes) -> int:
        """Let a session not listen to a channel any more; one that it does not listen to is no error.

        Returns:
            How many channels and patterns it still listens to.
        """
        subscriptions = subscriptions_of(session)
        if channel in subscriptions.channels:
            del subscriptions.channels[channel]
            listeners = self.channels[channel]
            del listeners[session]
            if not listeners:
                del self.channels[channel]
        return _left(session, subscriptions)

    def unsubscribe_pattern(self, session: "Session", pattern: bytes) -> int:
        """The same for a pattern."""
        subscriptions = subscriptions_of(session)
        if pattern in subscriptions.patterns:
            del subscriptions.patterns[pattern]
            listeners = self.patterns[pattern].listeners
            del listeners[session]
            if not listeners:
                del self.patterns[pattern]
        return _left(session, subscriptions)

    def forget(self, session: "Session") -> None:
        """A session listens to nothing any more."""
        subscriptions = subscriptions_of(session)
        for channel in list(subscriptions.channels):
            self.unsubscribe(session, channel)
        for pattern in list(subscriptions.patterns):
            self.unsubscribe_pattern(session, pattern)

    def publish(self, channel: bytes, message: bytes) -> int:
        """Send a message to all who listen.

        Returns:
            How often it was sent: a session that listens to the channel and to patterns that match gets it several
            times.
        """
        count = 0
        listeners = self.channels.get(channel)
        if listeners:
            count += _send(listeners, (b"message", channel, message))
        for name, pattern in self.patterns.items():
            if pattern.matches(channel):
                count += _send(pattern.listeners, (b"pmessage", name, channel, message))
        return count


def subscriptions_of(session: "Session") -> Subscriptions:
    """What a session listens to; not to be changed."""
    return session.subscriptions or _NONE


def _of(session: "Session") -> Subscriptions:
    if session.subscriptions is None:
        session.subscriptions = Subscriptions()
        session.set_gate(SUBSCRIBED, on=session.protocol == 2)
    return session.subscriptions


def _left(session: "Session", subscriptions: Subscriptions) -> int:
    if not subscriptions:
        session.subscriptions = None
        session.set_gate(SUBSCRIBED, on=False)
    return len(subscriptions)


def _send(listeners: Listeners, items: tuple[bytes, ...]) -> int:
    encoded: dict[int, bytes] = {}
    for session in listeners:
        data = encoded.get(session.protocol)
        if data is None:
            pieces: Output = []
            encode(Push(items), session.protocol, pieces)
            data = encoded[session.protocol] = b"".join(pieces)
        session.deliver(data)
    return len(listeners)
