"""Hash commands. Which fields HRANDFIELD draws is each server's own affair; how many is not."""

from __future__ import annotations

from compat.redis.strategies.pieces import (
    Strategy,
    command,
    count,
    hash_key,
    integer,
    junk,
    many,
    maybe,
    number,
    options,
    pattern,
    value,
    word,
)

field = word("a", "b", "c", "a", "b", "1", "2", "", b"\x00\r\n", "f" * 64, "g" * 65)
number_field = word("n", "n", "m", "a")
scan_options = options(command("MATCH", pattern), command("COUNT", junk), command("COUNT", count))
draws = word(0, 1, 2, 10, -1, -3, -20, "9223372036854775807", "-9223372036854775808", "4611686018427387904", "junk")

STRATEGIES: dict[str, Strategy] = {
    "hdel": command("HDEL", hash_key, many(field)),
    "hexists": command("HEXISTS", hash_key, field),
    "hget": command("HGET", hash_key, field),
    "hgetall": command("HGETALL", hash_key),
    "hincrby": command("HINCRBY", hash_key, number_field, integer),
    "hincrbyfloat": command("HINCRBYFLOAT", hash_key, number_field, number),
    "hkeys": command("HKEYS", hash_key),
    "hlen": command("HLEN", hash_key),
    "hmget": command("HMGET", hash_key, many(field)),
    "hmset": command("HMSET", hash_key, many(command(field, value))),
    "hrandfield": command(
        "HRANDFIELD", hash_key, maybe(command(draws, maybe(word("WITHVALUES", "withvalues", "junk"))))
    ),
    "hscan": command("HSCAN", hash_key, word(0, 0, 0, 5, "junk"), scan_options, maybe("COUNT 1000")),
    "hset": command("HSET", hash_key, many(command(field, value))) | command("HSET", hash_key, number_field, number),
    "hsetnx": command("HSETNX", hash_key, field, value),
    "hstrlen": command("HSTRLEN", hash_key, field),
    "hvals": command("HVALS", hash_key),
}
