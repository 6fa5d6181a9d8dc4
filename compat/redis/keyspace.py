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

Contents = dict[tuple[int, bytes], tuple[str, Reply, Reply, Reply]]
"""By database and key: type, value, encoding, and time to live in milliseconds."""


def contents(side: Side) -> Contents:
    """All keys of all databases of a server."""
    result: Contents = {}
    for number in _databases(side):
        _, keys = side.ask_all([(b"SELECT", b"%d" % number), (b"KEYS", b"*")])
        names = [key.value for key in keys.parts if isinstance(key.value, bytes)]
        types = [reply.text for reply in side.ask_all([(b"TYPE", name) for name in names])] if names else []
        for name, kind in zip(names, types, strict=True):
            reader, *arguments = READERS[kind]
            questions = ((reader, name, *arguments), (b"OBJECT", b"ENCODING", name), (b"PTTL", name))
            value, encoding, ttl = side.ask_all(questions)
            result[number, name] = kind, value, encoding, ttl
    side.ask(b"SELECT", b"0")
    return result


def differences(redis: Contents, respstore: Contents) -> list[str]:
    """What is not the same, a line for each key."""
    lines = [f"only in redis: {key}: {redis[key]}" for key in sorted(redis.keys() - respstore.keys())]
    lines += [f"only in respstore: {key}: {respstore[key]}" for key in sorted(respstore.keys() - redis.keys())]
    for key in sorted(redis.keys() & respstore.keys()):
        (kind, value, encoding, ttl), (kind_2, value_2, encoding_2, ttl_2) = redis[key], respstore[key]
        same_value = RULES.get(kind, exact)(value, value_2)
        same_encoding = tolerant_rule_of((b"OBJECT", b"ENCODING"))(encoding, encoding_2)
        if not (kind == kind_2 and same_value and same_encoding and MILLISECONDS(ttl, ttl_2)):
            lines.append(f"{key}:\n    redis:     {redis[key]}\n    respstore: {respstore[key]}")
    return lines


def _databases(side: Side) -> list[int]:
    text = side.ask(b"INFO", b"keyspace").text
    return [int(line.partition(":")[0][2:]) for line in text.splitlines() if line.startswith("db")]
