"""Publish and subscribe: https://redis.io/docs/latest/commands/?group=pubsub

(Un)subscribing is answered with a message for each channel. They are no replies: in RESP3 they are pushes.

Shard channels (SSUBSCRIBE and its kin) are for clusters, where each lies on one node, as keys do; on a server that is
none they work all the same.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import Final

from respstore.engine.channels import Listeners, subscriptions_of
from respstore.engine.command import Command, command, container
from respstore.engine.help import help_lines
from respstore.engine.keyspecs import first, span
from respstore.engine.session import Session
from respstore.keyspace.glob import compile_glob
from respstore.protocol.replies import NO_REPLY, Encoded, Output, Push, Special, encode


def _answer(
    session: Session, kind: bytes, names: Iterable[bytes | None], act: Callable[[Session, bytes], int]
) -> Encoded | Special:
    """Do something for each name, and say so, with the number of subscriptions that it leads to."""
    pieces: Output = []
    for name in names:
        count = act(session, name or b"")  # without a name there is nothing to leave, but to be counted
        encode(Push((kind, name, count)), session.protocol, pieces)
    if session.muted is not None:  # CLIENT REPLY silences replies
        session.deliver(b"".join(pieces))
        return NO_REPLY
    return Encoded(pieces)


@command(
    "subscribe channel...",
    group="pubsub",
    since="2.0.0",
    flags="pubsub noscript loading stale",
    channels="all",
    complexity="O(N) in the number of channels",
)
def subscribe(session: Session, channel: bytes, *channels: bytes) -> Encoded | Special:
    """Listen to channels."""
    return _answer(session, b"subscribe", (channel, *channels), session.engine.channels.subscribe)


@command(
    "psubscribe pattern=(pattern)...",
    group="pubsub",
    since="2.0.0",
    flags="pubsub noscript loading stale",
    channels="patterns",
    complexity="O(N) in the number of patterns",
)
def psubscribe(session: Session, pattern: bytes, *patterns: bytes) -> Encoded | Special:
    """Listen to all channels whose names match patterns."""
    return _answer(session, b"psubscribe", (pattern, *patterns), session.engine.channels.subscribe_pattern)


@command(
    "unsubscribe [channel]...",
    group="pubsub",
    since="2.0.0",
    flags="pubsub noscript loading stale",
    complexity="O(N) in the number of channels",
)
def unsubscribe(session: Session, *channels: bytes) -> Encoded | Special:
    """Listen to channels no more, or to none at all."""
    names = channels or tuple(subscriptions_of(session).channels) or (None,)
    return _answer(session, b"unsubscribe", names, session.engine.channels.unsubscribe)


@command(
    "punsubscribe [pattern]...",
    group="pubsub",
    since="2.0.0",
    flags="pubsub noscript loading stale",
    complexity="O(N) in the number of patterns",
)
def punsubscribe(session: Session, *patterns: bytes) -> Encoded | Special:
    """Listen no more to channels that match patterns, or to any pattern at all."""
    names = patterns or tuple(subscriptions_of(session).patterns) or (None,)
    return _answer(session, b"punsubscribe", names, session.engine.channels.unsubscribe_pattern)


@command(
    "publish channel message",
    group="pubsub",
    since="2.0.0",
    flags="pubsub loading stale fast may_replicate",
    channels="first",
    complexity="O(N+M) in the number of listeners and of all patterns",
)
def publish(session: Session, channel: bytes, message: bytes) -> int:
    """Send a message to all who listen to a channel, and answer how many they are."""
    return session.engine.channels.publish(channel, message)


@command(
    "ssubscribe shardchannel...",
    group="pubsub",
    since="7.0.0",
    flags="pubsub noscript loading stale",
    keys=span("not_key"),
    channels="all",
    complexity="O(N) in the number of shard channels",
)
def ssubscribe(session: Session, channel: bytes, *channels: bytes) -> Encoded | Special:
    """Listen to shard channels."""
    return _answer(session, b"ssubscribe", (channel, *channels), session.engine.channels.subscribe_shard)


@command(
    "sunsubscribe [shardchannel]...",
    group="pubsub",
    since="7.0.0",
    flags="pubsub noscript loading stale",
    keys=span("not_key"),
    complexity="O(N) in the number of shard channels",
)
def sunsubscribe(session: Session, *channels: bytes) -> Encoded | Special:
    """Listen to shard channels no more, or to none at all."""
    names = channels or tuple(subscriptions_of(session).shard_channels) or (None,)
    return _answer(session, b"sunsubscribe", names, session.engine.channels.unsubscribe_shard)


@command(
    "spublish shardchannel message",
    group="pubsub",
    since="7.0.0",
    flags="pubsub loading stale fast may_replicate",
    keys=first("not_key"),
    channels="first",
    complexity="O(N) in the number of listeners",
)
def spublish(session: Session, channel: bytes, message: bytes) -> int:
    """Send a message to all who listen to a shard channel, and answer how many they are."""
    return session.engine.channels.publish_in_shard(channel, message)


# PUBSUB

PUBSUB: Final[Command] = container("pubsub", summary="Look at channels and patterns.", group="pubsub", since="2.8.0")


@command(
    "pubsub|channels [pattern]",
    group="pubsub",
    since="2.8.0",
    flags="pubsub loading stale",
    complexity="O(N) in the number of channels",
)
def pubsub_channels(session: Session, pattern: bytes = b"*") -> list[bytes]:
    """List the channels that somebody listens to."""
    return list(filter(compile_glob(pattern), session.engine.channels.channels))


@command(
    "pubsub|numsub [channel]...",
    group="pubsub",
    since="2.8.0",
    flags="pubsub loading stale",
    complexity="O(N) in the number of channels asked for",
)
def pubsub_numsub(session: Session, *channels: bytes) -> list[bytes | int]:
    """Answer how many listen to channels, not counting patterns."""
    return _counted(channels, session.engine.channels.channels)


def _counted(channels: Iterable[bytes], known: Mapping[bytes, Listeners]) -> list[bytes | int]:
    return list(chain.from_iterable((channel, len(known.get(channel, ()))) for channel in channels))


@command("pubsub|numpat", group="pubsub", since="2.8.0", flags="pubsub loading stale", complexity="O(1)")
def pubsub_numpat(session: Session) -> int:
    """Answer how many different patterns somebody listens to."""
    return len(session.engine.channels.patterns)


@command(
    "pubsub|shardchannels [pattern]",
    group="pubsub",
    since="7.0.0",
    flags="pubsub loading stale",
    complexity="O(N) in the number of shard channels",
)
def pubsub_shardchannels(session: Session, pattern: bytes = b"*") -> list[bytes]:
    """List the shard channels that somebody listens to."""
    return list(filter(compile_glob(pattern), session.engine.channels.shard_channels))


@command(
    "pubsub|shardnumsub [shardchannel]...",
    group="pubsub",
    since="7.0.0",
    flags="pubsub loading stale",
    complexity="O(N) in the number of shard channels asked for",
)
def pubsub_shardnumsub(session: Session, *channels: bytes) -> list[bytes | int]:
    """Answer how many listen to shard channels."""
    return _counted(channels, session.engine.channels.shard_channels)


@command("pubsub|help", group="pubsub", since="6.2.0", flags="loading stale", categories="", complexity="O(1)")
def pubsub_help(session: Session) -> list[str]:
    """Describe the subcommands of PUBSUB."""
    return help_lines(session.engine.originals[b"pubsub"].command)
