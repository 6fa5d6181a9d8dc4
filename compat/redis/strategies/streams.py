"""Stream commands. Ids are given, for no two servers have the same clock."""

from __future__ import annotations

from compat.redis.strategies.pieces import (
    Strategy,
    command,
    count,
    element,
    integer,
    junk,
    many,
    maybe,
    one_of,
    options,
    stream_key,
    timeout_in_ms,
    word,
)

# Entries come in ascending order more often than not, or nothing is ever added.
new_id = word(
    *("5-*", "6-*", "7-*", "8-*", "9-*", "10-*", "10-*", "11-*", "18446744073709551615-*") * 3,
    *("1", "5-1", "7-2", "10-3", "12-0", "18446744073709551615-18446744073709551615"),
    *("0-0", "0-*", "0-1", "junk", "-", "+", "$", "1-junk", "-1-1", "1--1", "007-*", "18446744073709551616-1", ""),
)
id_ = word(
    *("5-0", "6-0", "7-0", "8-0", "8-1", "9-0", "10-0", "10-1", "11-0", "5-1", "6-1", "7-1") * 2,
    *("0", "1", "7", "10", "18446744073709551615-0", "junk", "-", "+", "-1", ""),
)
bound = word(
    *("-", "+", "-", "+", "5", "7", "(7", "(8-0", "10", "(10-1", "10-1", "9-0", "(5", "0", "(0"),
    *("(0-0", "(18446744073709551615-18446744073709551615", "18446744073709551615-1", "(-", "(+", "(", "junk"),
)
limit = maybe(command("LIMIT", word(0, 1, 3, 200, -1, "junk")))
trimming = one_of(
    [
        command("MAXLEN", maybe(word("=", "~")), word(0, 1, 2, 3, 5, -1, "junk"), limit),
        command("MINID", maybe(word("=", "~")), id_, limit),
    ]
)
group = word(*("g", "h") * 4, "", "missing")
consumer = word(*("c", "d") * 4, "e", "")
group_and_consumer = command(group, consumer)
group_consumer = command("GROUP", group_and_consumer)
reads = one_of(
    [
        command("STREAMS", stream_key, id_),
        command("STREAMS", stream_key, word("$", "$", ">", "0")),
        command("STREAMS", stream_key, stream_key, id_, word("$", "0", "8")),
        command("STREAMS", stream_key, stream_key, "0"),
        "STREAMS",
    ]
)

# Idle times are 0 or long past what any run takes, so that no clock decides.
min_idle = word(*(0, 0, 0, 5_000_000, 10_000_000_000_000, -1) * 2, "junk")
claim_options = options(
    command("IDLE", word(0, 10_000_000, -1, "junk", "9223372036854775807", "-9223372036854775808")),
    command("TIME", word(0, 1000, -1, "junk", "9223372036854775807")),
    command("RETRYCOUNT", word(0, 5, -1, "junk")),
    "FORCE",
    "FORCE",
    "JUSTID",
    command("LASTID", id_),
    "junk",
)
last_delivered = word("0", "0", "$", "7", "8-0", "10", "-", "+", "junk")
entries_read = command("ENTRIESREAD", word(0, 1, 3, -1, -2, "junk", 100))

STRATEGIES: dict[str, Strategy] = {
    "xack": command("XACK", stream_key, group, many(id_)),
    "xadd": command(
        "XADD",
        stream_key,
        one_of(["", "", "", "", "NOMKSTREAM", trimming, command("NOMKSTREAM", trimming), command(trimming, trimming)]),
        new_id,
        one_of([command(element, element), command(element, element, element, element), "f v", "f v", element]),
    ),
    "xautoclaim": command(
        "XAUTOCLAIM",
        stream_key,
        group_and_consumer,
        min_idle,
        bound,
        options(command("COUNT", count), "COUNT 1", "JUSTID", "junk"),
    ),
    "xclaim": command("XCLAIM", stream_key, group_and_consumer, min_idle, many(id_), claim_options),
    "xdel": command("XDEL", stream_key, many(id_)),
    "xgroup": command("XGROUP", junk, stream_key, group),
    "xgroup|create": command(
        "XGROUP CREATE", stream_key, group, last_delivered, options("MKSTREAM", "MKSTREAM", entries_read)
    ),
    "xgroup|createconsumer": command("XGROUP CREATECONSUMER", stream_key, group_and_consumer),
    "xgroup|delconsumer": command("XGROUP DELCONSUMER", stream_key, group_and_consumer),
    "xgroup|destroy": command("XGROUP DESTROY", stream_key, group),
    "xgroup|help": command("XGROUP HELP"),
    "xgroup|setid": command("XGROUP SETID", stream_key, group, last_delivered, options(entries_read, entries_read)),
    "xinfo": command("XINFO", junk, stream_key),
    "xinfo|consumers": command("XINFO CONSUMERS", stream_key, group),
    "xinfo|groups": command("XINFO GROUPS", stream_key),
    "xinfo|help": command("XINFO HELP"),
    "xinfo|stream": command("XINFO STREAM", stream_key, one_of(["", "", "FULL", command("FULL COUNT", count), junk])),
    "xlen": command("XLEN", stream_key),
    "xpending": command(
        "XPENDING",
        stream_key,
        group,
        maybe(command(maybe(command("IDLE", min_idle)), bound, bound, count, maybe(consumer))),
    ),
    "xrange": command("XRANGE", stream_key, bound, bound, maybe(command("COUNT", count))),
    "xread": command(
        "XREAD", options(command("COUNT", count), command("BLOCK", timeout_in_ms), "NOACK", "GROUP g c"), reads
    ),
    "xreadgroup": command(
        "XREADGROUP",
        one_of([group_consumer, group_consumer, group_consumer, "GROUP g"]),
        options(command("COUNT", count), command("BLOCK", timeout_in_ms), "NOACK"),
        one_of(
            [
                command("STREAMS", stream_key, word(">", ">", ">", "$", "0", "0", "7", "junk")),
                command("STREAMS", stream_key, stream_key, word(">", "0"), word(">", ">", "0", "8")),
                reads,
            ]
        ),
    ),
    "xrevrange": command("XREVRANGE", stream_key, bound, bound, maybe(command("COUNT", count))),
    "xsetid": command(
        "XSETID", stream_key, id_, options(command("ENTRIESADDED", integer), command("MAXDELETEDID", id_))
    ),
    "xtrim": command("XTRIM", stream_key, one_of([trimming, trimming, trimming, "junk 1", limit])),
}
