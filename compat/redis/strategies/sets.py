"""Set commands. SPOP takes all or nothing here: what it drew would make the sets of the two servers differ."""

from __future__ import annotations

from compat.redis.strategies.hashes import draws, scan_options
from compat.redis.strategies.pieces import Strategy, command, count, many, maybe, one_of, options, set_key, word

member = word(
    *(1, 2, 3, 1, 2, 3, -1, "9223372036854775807", "9223372036854775808", "01"),
    *("a", "b", "c", "a", "b", "", b"\x00\r\n", "x" * 70),
)
number = word(1, 2, 3, 4, 10, -1, "-9223372036854775808")
all_or_nothing = word(10000, 0, 10000, -1, "9223372036854775807", "9223372036854775808", "junk", "")
keys = many(set_key)

STRATEGIES: dict[str, Strategy] = {
    "sadd": command("SADD", set_key, many(member, most=4)) | command("SADD", set_key, many(number, most=4)),
    "scard": command("SCARD", set_key),
    "sdiff": command("SDIFF", keys),
    "sdiffstore": command("SDIFFSTORE", set_key, many(set_key, most=4)),
    "sinter": command("SINTER", keys),
    "sintercard": command(
        "SINTERCARD",
        one_of(
            [
                command("1", set_key),
                command("2", set_key, set_key),
                command("3", set_key, set_key, set_key),
                command(count, set_key),
            ]
        ),
        options(command("LIMIT", count), "junk"),
    ),
    "sinterstore": command("SINTERSTORE", set_key, keys),
    "sismember": command("SISMEMBER", set_key, member),
    "smembers": command("SMEMBERS", set_key),
    "smismember": command("SMISMEMBER", set_key, many(member)),
    "smove": command("SMOVE", set_key, set_key, member),
    "spop": command("SPOP", set_key, all_or_nothing) | command("SPOP", set_key, all_or_nothing, count),
    "srandmember": command("SRANDMEMBER", set_key, maybe(draws)),
    "srem": command("SREM", set_key, many(member)),
    "sscan": command("SSCAN", set_key, word(0, 0, 0, 5, "junk"), scan_options, maybe("COUNT 1000")),
    "sunion": command("SUNION", keys),
    "sunionstore": command("SUNIONSTORE", set_key, keys),
}
