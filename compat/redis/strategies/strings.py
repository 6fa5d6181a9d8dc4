"""String commands."""

from __future__ import annotations

from compat.redis.strategies.pieces import (
    Strategy,
    command,
    count,
    expiry,
    index,
    integer,
    many,
    milliseconds,
    number,
    one_of,
    options,
    seconds,
    string_key,
    value,
    word,
)

offset = word(0, 1, 2, 5, 50, -1, 536870912, "9223372036854775807", "junk")

STRATEGIES: dict[str, Strategy] = {
    "append": command("APPEND", string_key, value),
    "decr": command("DECR", string_key),
    "decrby": command("DECRBY", string_key, integer),
    "get": command("GET", string_key),
    "getdel": command("GETDEL", string_key),
    "getex": command("GETEX", string_key, options(expiry, expiry, "PERSIST")),
    "getrange": command("GETRANGE", string_key, index, index),
    "getset": command("GETSET", string_key, value),
    "incr": command("INCR", string_key),
    "incrby": command("INCRBY", string_key, integer),
    "incrbyfloat": command("INCRBYFLOAT", string_key, number),
    "lcs": command(
        "LCS",
        string_key,
        string_key,
        many(one_of(["LEN", "IDX", "IDX", "WITHMATCHLEN", command("MINMATCHLEN", count)]), 0, 3),
    ),
    "mget": command("MGET", many(string_key)),
    "mset": command("MSET", many(command(string_key, value))),
    "msetnx": command("MSETNX", many(command(string_key, value))),
    "psetex": command("PSETEX", string_key, milliseconds, value),
    "set": command(
        "SET", string_key, value, many(one_of(["NX", "XX", "GET", "KEEPTTL", "GET", expiry, expiry, expiry]), 0, 3)
    ),
    "setex": command("SETEX", string_key, seconds, value),
    "setnx": command("SETNX", string_key, value),
    "setrange": command("SETRANGE", string_key, offset, value),
    "strlen": command("STRLEN", string_key),
    "substr": command("SUBSTR", string_key, index, index),
}
