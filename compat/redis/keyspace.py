"""Read out everything that a server holds, in a form in which two servers can be compared."""

from __future__ import annotations

from compat.redis.known_differences import tolerant_rule_of
from compat.redis.pair import Side
from compat.redis.rules import MILLISECONDS, Rule, exact, pairs_in_any_order, unordered
from compat.redis.wire import Reply

READERS: dict[str, tuple[bytes, ...]] = {
    "string": (b"GET",),
    "list": (b"LRANGE", b"0", b"-1"),
    "hash": (b"HGETALL",),
    "set": (b"SMEMBERS",),
    "zset": (b"ZRANGE", b"0", b"-1", b"WITHSCORES"),
    "stream": (b"XRANGE", b"-", b"+"),
}
RULES: dict[str, Rule] = {"hash": pairs_in_any_order, "set": unordered}

SAME_SIZE = ("int", "embstr", "listpack")
"""Encodings whose MEMORY USAGE is the same on both servers; that of the others depends on what they went through."""
LIKE_SIZE = 3.0
"""How many times as large one of the others may be: strings, tables and intsets keep room for what they once held."""
LIKE_SIZES = {"stream": 8.0, "quicklist": 50.0}
"""A stream keeps room for more entries, unless it was copied; the nodes of a list are cut as was said at their time."""

Contents = dict[tuple[int, bytes], tuple[str, Reply, Reply, Reply, Reply]]
"""By database and key: type, value, encoding, time to live in milliseconds, and size."""


def contents(side: Side) -> Contents:
    """All keys of all databases of a server."""
    result: Contents = {}
    for number in _databases(side):
        _, keys = side.ask_all([(b"SELECT", b"%d" % number), (b"KEYS", b"*")])
        names = [key.value for key in keys.parts if isinstance(key.value, bytes)]
        types = [reply.text for reply in side.ask_all([(b"TYPE", name) for name in names])] if names else []
        for name, kind in zip(names, types, strict=True):
            reader, *arguments = READERS[kind]
            questions = (
                (reader, name, *arguments),
                (b"OBJECT", b"ENCODING", name),
                (b"PTTL", name),
                (b"MEMORY", b"USAGE", name, b"SAMPLES", b"0"),
            )
            value, encoding, ttl, size = side.ask_all(questions)
            result[number, name] = kind, value, encoding, ttl, size
    side.ask(b"SELECT", b"0")
    return result


def differences(redis: Contents, respstore: Contents) -> list[str]:
    """What is not the same, a line for each key."""
    lines = [f"only in redis: {key}: {redis[key]}" for key in sorted(redis.keys() - respstore.keys())]
    lines += [f"only in respstore: {key}: {respstore[key]}" for key in sorted(respstore.keys() - redis.keys())]
    for key in sorted(redis.keys() & respstore.keys()):
        (kind, value, encoding, ttl, size), (kind_2, value_2, encoding_2, ttl_2, size_2) = redis[key], respstore[key]
        same_value = RULES.get(kind, exact)(value, value_2)
        same_encoding = tolerant_rule_of((b"OBJECT", b"ENCODING"))(encoding, encoding_2)
        alike = kind == kind_2 and same_value and same_encoding and MILLISECONDS(ttl, ttl_2)
        if not (alike and (encoding != encoding_2 or have_like_sizes(encoding.text, size, size_2))):
            lines.append(f"{key}:\n    redis:     {redis[key]}\n    respstore: {respstore[key]}")
    return lines


def have_like_sizes(encoding: str, redis: Reply, respstore: Reply) -> bool:
    """Whether MEMORY USAGE of a key tells the same, as far as it can."""
    if encoding in SAME_SIZE or not (redis.text and respstore.text):
        return redis == respstore
    small, large = sorted((int(redis.text), int(respstore.text)))
    return large <= LIKE_SIZES.get(encoding, LIKE_SIZE) * small


def _databases(side: Side) -> list[int]:
    text = side.ask(b"INFO", b"keyspace").text
    return [int(line.partition(":")[0][2:]) for line in text.splitlines() if line.startswith("db")]
