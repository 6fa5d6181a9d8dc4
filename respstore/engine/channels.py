"""Publish and subscribe: who listens to which channels, and how a message gets to all of them.

A subscriber is a session like any other. A message is encoded once per version of the protocol and put into the output
of every listener; the server sends it at the end of the turn. What a slow listener does not take is bounded by the
class `pubsub` of client-output-buffer-limit.

What must stay true: a channel or pattern is known as long as somebody listens to it, and a session that listens to
something has `subscriptions`. In RESP2 such a session may do little else, for its client could not tell a message from
a reply (the gate's bit SUBSCRIBED, see dispatch.py).
"""

from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple

from respstore.engine.dispatch import SUBSCRIBED
from respstore.keyspace.footprint import of_texts
from respstore.keyspace.glob import Predicate, compile_glob
from respstore.protocol.replies import Output, Push, encode

if TYPE_CHECKING:
    from respstore.engine.session import Session

SUBSCRIPTION_BYTES: Final = 280
"""What a subscription takes beside its name, as measured: its places here and among those who listen to the channel."""
PATTERN_BYTES: Final = 110
"""What a pattern takes beside that: what matches it."""
Listeners = dict["Session", None]
"""Sessions in the order in which they subscribed."""


class Pattern(NamedTuple):
    """A pattern that somebody listens to."""

    matches: Predicate
    listeners: Listeners


class Subscriptions:
    """What a session listens to: names of channels, patterns and shard channels, in the order in which it subscribed.

    Its length is how many channels and patterns these are. Shard channels are counted by themselves, as in Redis.
    """

    __slots__ = ("channels", "patterns", "shard_channels")

    def __init__(self) -> None:
        self.channels: dict[bytes, None] = {}
        self.patterns: dict[bytes, None] = {}
        self.shard_channels: dict[bytes, None] = {}

    def __len__(self) -> int:
        return len(self.channels) + len(self.patterns)

    def __bool__(self) -> bool:
        return bool(self.channels or self.patterns or self.shard_channels)

    def memory(self) -> int:
        """Bytes that listening takes."""
        names = chain(self.channels, self.patterns, self.shard_channels)
        count = len(self) + len(self.shard_channels)
        return count * SUBSCRIPTION_BYTES + len(self.patterns) * PATTERN_BYTES + of_texts(names)


_NONE: Final = Subscriptions()


class Channels:
    """All subscriptions of an engine.

    Attributes:
        channels: listeners by channel.
        patterns: patterns that somebody listens to.
        shard_channels: listeners by shard channel. In a cluster it would lie on one node, as a key does; here it is
            but another name space, which patterns do not see.
    """

    __slots__ = ("channels", "patterns", "shard_channels")

    def __init__(self) -> None:
        self.channels: dict[bytes, Listeners] = {}
        self.patterns: dict[bytes, Pattern] = {}
        self.shard_channels: dict[bytes, Listeners] = {}

    def subscribe(self, session: "Session", channel: bytes) -> int:
        """Let a session listen to a channel, if it does not yet.

        Returns:
            How many channels and patterns it listens to now.
        """
        subscriptions = _of(session)
        _join(session, channel, subscriptions.channels, self.channels)
        return len(subscriptions)

    def subscribe_shard(self, session: "Session", channel: bytes) -> int:
        """The same for a shard channel; what it returns counts these alone."""
        subscriptions = _of(session)
        _join(session, channel, subscriptions.shard_channels, self.shard_channels)
        return len(subscriptions.shard_channels)

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
        _leave(session, channel, subscriptions.channels, self.channels)
        _forget_if_none(session, subscriptions)
        return len(subscriptions)

    def unsubscribe_shard(self, session: "Session", channel: bytes) -> int:
        """The same for a shard channel; what it returns counts these alone."""
        subscriptions = subscriptions_of(session)
        _leave(session, channel, subscriptions.shard_channels, self.shard_channels)
        _forget_if_none(session, subscriptions)
        return len(subscriptions.shard_channels)

    def unsubscribe_pattern(self, session: "Session", pattern: bytes) -> int:
        """The same for a pattern."""
        subscriptions = subscriptions_of(session)
        if pattern in subscriptions.patterns:
            del subscriptions.patterns[pattern]
            listeners = self.patterns[pattern].listeners
            del listeners[session]
            if not listeners:
                del self.patterns[pattern]
        _forget_if_none(session, subscriptions)
        return len(subscriptions)

    def forget(self, session: "Session") -> None:
        """A session listens to nothing any more."""
        subscriptions = session.subscriptions
        if subscriptions is None:
            return
        for channel in list(subscriptions.channels):
            self.unsubscribe(session, channel)
        for pattern in list(subscriptions.patterns):
            self.unsubscribe_pattern(session, pattern)
        for channel in list(subscriptions.shard_channels):
            self.unsubscribe_shard(session, channel)

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

    def publish_in_shard(self, channel: bytes, message: bytes) -> int:
        """The same to all who listen to a shard channel."""
        listeners = self.shard_channels.get(channel)
        return _send(listeners, (b"smessage", channel, message)) if listeners else 0


def subscriptions_of(session: "Session") -> Subscriptions:
    """What a session listens to; not to be changed."""
    return session.subscriptions or _NONE


def _of(session: "Session") -> Subscriptions:
    if session.subscriptions is None:
        session.subscriptions = Subscriptions()
        session.set_gate(SUBSCRIBED, on=session.protocol == 2)
    return session.subscriptions


def _forget_if_none(session: "Session", subscriptions: Subscriptions) -> None:
    if not subscriptions:
        session.subscriptions = None
        session.set_gate(SUBSCRIBED, on=False)


def _join(session: "Session", channel: bytes, own: dict[bytes, None], channels: dict[bytes, Listeners]) -> None:
    if channel not in own:
        own[channel] = None
        channels.setdefault(channel, {})[session] = None


def _leave(session: "Session", channel: bytes, own: dict[bytes, None], channels: dict[bytes, Listeners]) -> None:
    if channel in own:
        del own[channel]
        listeners = channels[channel]
        del listeners[session]
        if not listeners:
            del channels[channel]


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
