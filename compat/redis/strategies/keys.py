"""Commands on keys of any type, expiry, and databases."""

from __future__ import annotations

from collections import deque

from compat.redis.strategies.pieces import (
    Strategy,
    command,
    count,
    database,
    junk,
    key,
    many,
    maybe,
    milliseconds,
    options,
    pattern,
    seconds,
    unix_milliseconds,
    unix_seconds,
    word,
)
from respstore.config import Config
from respstore.keyspace import Hash, Set, SortedSet
from respstore.persistence.rdb.dump import encode_dump

# GT and LT compare an expiry with the one before. Two that are relative to the clock may or may not fall into the same
# millisecond, so these two go with absolute times, and with times that are past.
unconditional = options("NX", "XX", "junk")
conditional = options("NX", "XX", "GT", "LT", "GT", "LT")
past = word(0, -1, -100)
scan_options = options(
    command("MATCH", pattern),
    command("TYPE", word("string", "list", "hash", "set", "zset", "stream", "STRING", "junk")),
    command("COUNT", junk),
)
dumped = tuple(
    encode_dump(value, Config())
    for value in (
        *(b"text", 12),
        *(deque([b"a", b"1"]), Set({b"1": None, b"2": None}), Set({b"a": None, b"1": None}, is_table=True)),
        *(Hash({b"f": b"1", b"g": b"x"}), SortedSet({b"a": 1.0, b"b": 2.5})),
    )
)
payload = word(*dumped * 4, b"", dumped[0][:-1] + b"x", dumped[0][:1] + dumped[0], "junk")
restore = (
    *(key, word(0, 0, 0, 10_000_000, -1, "junk"), payload),
    options("REPLACE", "REPLACE", command("IDLETIME", word(5, -1, "junk")), command("FREQ", word(5, 256)), "junk"),
)

STRATEGIES: dict[str, Strategy] = {
    "copy": command("COPY", key, key, options("REPLACE", command("DB", database))),
    "dbsize": command("DBSIZE"),
    "del": command("DEL", many(key)),
    "exists": command("EXISTS", many(key)),
    "expire": command("EXPIRE", key, seconds, unconditional) | command("EXPIRE", key, past, conditional),
    "expireat": command("EXPIREAT", key, unix_seconds, conditional),
    "expiretime": command("EXPIRETIME", key),
    "flushall": command("FLUSHALL", maybe(word("ASYNC", "SYNC", "junk"))),
    "flushdb": command("FLUSHDB", maybe(word("ASYNC", "SYNC", "junk"))),
    "keys": command("KEYS", pattern),
    "move": command("MOVE", key, database),
    "object": command("OBJECT", junk, maybe(key)),
    "object|encoding": command("OBJECT ENCODING", key),
    "object|freq": command("OBJECT FREQ", key),
    "object|help": command("OBJECT HELP"),
    "object|idletime": command("OBJECT IDLETIME", key),
    "object|refcount": command("OBJECT REFCOUNT", key),
    "persist": command("PERSIST", key),
    "pexpire": command("PEXPIRE", key, milliseconds, unconditional) | command("PEXPIRE", key, past, conditional),
    "pexpireat": command("PEXPIREAT", key, unix_milliseconds, conditional),
    "pexpiretime": command("PEXPIRETIME", key),
    "pttl": command("PTTL", key),
    "randomkey": command("RANDOMKEY"),
    "rename": command("RENAME", key, key),
    "renamenx": command("RENAMENX", key, key),
    "restore": command("RESTORE", *restore),
    "restore-asking": command("RESTORE-ASKING", *restore),
    "scan": command("SCAN", word(0, 0, 0, 5, "junk"), scan_options, maybe("COUNT 1000"))
    | command("SCAN 0 COUNT", count),
    "select": command("SELECT", database),
    "swapdb": command("SWAPDB", database, database),
    "touch": command("TOUCH", many(key)),
    "ttl": command("TTL", key),
    "type": command("TYPE", key),
    "unlink": command("UNLINK", many(key)),
}
EXCLUDED = {
    "dump": "the same value has many forms; test_dumps.py lets each server read the other's",
    "migrate": "it takes keys to another server; test_dumps.py does that",
}
