"""Server commands."""

from __future__ import annotations

from compat.redis.strategies.pieces import (
    Strategy,
    command,
    junk,
    key,
    many,
    maybe,
    one_of,
    options,
    value,
    word,
)

node_sizes = ("stream-node-max-entries", "stream-node-max-bytes")
REPLIES = ("string", "integer", "double", "null", "array", "set", "map", "verbatim", "true", "false", "bignum", "junk")
parameter = word("timeout", "hz", "maxmemory-samples", "databases", "lazyfree-lazy-expire", "missing", *node_sizes)
name = word("get", "set", "LPOS", "lmpop", "config|get", "config", "missing", "")
STRATEGIES: dict[str, Strategy] = {
    "command": command("COMMAND", junk),
    "command|count": command("COMMAND COUNT"),
    "command|docs": command("COMMAND DOCS", name),
    "command|help": command("COMMAND HELP"),
    "command|info": command("COMMAND INFO", many(name)),
    "command|list": command("COMMAND LIST FILTERBY", one_of(["PATTERN lp*", "ACLCAT junk", "MODULE x", "junk x"])),
    "config": command("CONFIG", junk, maybe(parameter)),
    "config|get": command("CONFIG GET", many(parameter)),
    "config|help": command("CONFIG HELP"),
    "config|resetstat": command("CONFIG RESETSTAT"),
    "config|rewrite": command("CONFIG REWRITE"),
    "config|set": command("CONFIG SET", many(command(parameter, word(1000, 5, 20, 2, 110, "yes", "no", "junk")))),
    "debug": command(
        "DEBUG",
        one_of(
            [
                "JMAP",
                command("OBJECT", key),
                "SET-ACTIVE-EXPIRE 0",
                "SLEEP 0",
                "junk",
                command("DIGEST-VALUE", many(key)),
                command("PROTOCOL", word(*REPLIES)),
                command("ERROR", value),
            ]
        ),
    ),
    "info": command("INFO", word("keyspace", "server", "clients", "memory", "cluster", "missing")),
    "latency": command("LATENCY", junk),
    "latency|doctor": command("LATENCY DOCTOR"),
    "latency|graph": command("LATENCY GRAPH", word("missing", "")),
    "latency|help": command("LATENCY HELP"),
    "latency|histogram": command("LATENCY HISTOGRAM", many(name)),
    "latency|history": command("LATENCY HISTORY", word("missing", "")),
    "latency|latest": command("LATENCY LATEST"),
    "latency|reset": command("LATENCY RESET", maybe(word("missing", ""))),
    "lolwut": command("LOLWUT", maybe("VERSION 6")),
    "memory": command("MEMORY", junk),
    "memory|doctor": command("MEMORY DOCTOR"),
    "memory|help": command("MEMORY HELP"),
    "memory|malloc-stats": command("MEMORY MALLOC-STATS"),
    "memory|purge": command("MEMORY PURGE"),
    "memory|stats": command("MEMORY STATS"),
    "memory|usage": command("MEMORY USAGE", key, maybe(command("SAMPLES", word(0, 0, 5, -1, "junk")))),
    "bgsave": command("BGSAVE junk") | command("BGSAVE SCHEDULE junk"),
    "bgrewriteaof": command("BGREWRITEAOF junk"),
    "save": command("SAVE", maybe("junk")),
    "shutdown": command("SHUTDOWN", options("NOSAVE", "SAVE", "NOW", "FORCE"), word("ABORT", "junk")),
    "slowlog": command("SLOWLOG", junk),
    "slowlog|get": command("SLOWLOG GET", maybe(word(0, -2, "1.5", "junk", "9223372036854775808"))),
    "slowlog|help": command("SLOWLOG HELP"),
    "slowlog|len": command("SLOWLOG LEN"),
    "slowlog|reset": command("SLOWLOG RESET"),
    "time": command("TIME"),
}

EXCLUDED = {
    "lastsave": "a moment of its own on each server; played by hand in server.txt",
    "monitor": "what others ask for would stand between the replies; test_monitor.py compares it",
}
