"""Publish and subscribe."""

from __future__ import annotations

from compat.redis.strategies.pieces import Strategy, command, junk, many, maybe, value, word

channel = word("c1", "c2", "c1", "c2", "", "news")
pattern = word("c*", "c?", "*", "n*", "c1", "[")

STRATEGIES: dict[str, Strategy] = {
    "psubscribe": command("PSUBSCRIBE", many(pattern)),
    "publish": command("PUBLISH", channel, value),
    "pubsub": command("PUBSUB", maybe(junk)),
    "pubsub|channels": command("PUBSUB CHANNELS", maybe(pattern)),
    "pubsub|help": command("PUBSUB HELP"),
    "pubsub|numpat": command("PUBSUB NUMPAT"),
    "pubsub|numsub": command("PUBSUB NUMSUB", many(channel, 0)),
    "pubsub|shardchannels": command("PUBSUB SHARDCHANNELS", maybe(pattern)),
    "pubsub|shardnumsub": command("PUBSUB SHARDNUMSUB", many(channel, 0)),
    # One at a time: in what order those of a client are told that it leaves all is each server's own affair.
    "punsubscribe": command("PUNSUBSCRIBE", many(pattern)),
    "spublish": command("SPUBLISH", channel, value),
    "ssubscribe": command("SSUBSCRIBE", many(channel)),
    "subscribe": command("SUBSCRIBE", many(channel)),
    "sunsubscribe": command("SUNSUBSCRIBE", many(channel)),
    "unsubscribe": command("UNSUBSCRIBE", many(channel)),
}
PUBLISHING = (b"PUBLISH", b"SPUBLISH")
SUBSCRIBING = (b"SUBSCRIBE", b"PSUBSCRIBE", b"SSUBSCRIBE")
ANSWERED_BY_CHANNEL = (*SUBSCRIBING, b"UNSUBSCRIBE", b"PUNSUBSCRIBE", b"SUNSUBSCRIBE")
"""Commands that have a reply for each of their channels."""
