"""List commands."""

from __future__ import annotations

from compat.redis.strategies.pieces import (
    Strategy,
    command,
    count,
    element,
    index,
    list_key,
    many,
    maybe,
    one_of,
    timeout,
    word,
)

end = word("LEFT", "RIGHT", "LEFT", "RIGHT", "left", "junk")
keys_and_end = one_of(
    [
        command("1", list_key, end),
        command("2", list_key, list_key, end),
        command("3", list_key, list_key, list_key, end),
        command(count, list_key, end),
    ]
)
pop_count = maybe(command("COUNT", count))

STRATEGIES: dict[str, Strategy] = {
    "blmove": command("BLMOVE", list_key, list_key, end, end, timeout),
    "blmpop": command("BLMPOP", timeout, keys_and_end, pop_count),
    "blpop": command("BLPOP", many(list_key), timeout),
    "brpop": command("BRPOP", many(list_key), timeout),
    "brpoplpush": command("BRPOPLPUSH", list_key, list_key, timeout),
    "lindex": command("LINDEX", list_key, index),
    "linsert": command("LINSERT", list_key, word("BEFORE", "AFTER", "before", "junk"), element, element),
    "llen": command("LLEN", list_key),
    "lmove": command("LMOVE", list_key, list_key, end, end),
    "lmpop": command("LMPOP", keys_and_end, pop_count),
    "lpop": command("LPOP", list_key, maybe(count)),
    "lpos": command(
        "LPOS",
        list_key,
        element,
        many(one_of([command("RANK", index), command("COUNT", count), command("MAXLEN", count)]), 0, 3),
    ),
    "lpush": command("LPUSH", list_key, many(element)),
    "lpushx": command("LPUSHX", list_key, many(element)),
    "lrange": command("LRANGE", list_key, index, index),
    "lrem": command("LREM", list_key, count, element),
    "lset": command("LSET", list_key, index, element),
    "ltrim": command("LTRIM", list_key, index, index),
    "rpop": command("RPOP", list_key, maybe(count)),
    "rpoplpush": command("RPOPLPUSH", list_key, list_key),
    "rpush": command("RPUSH", list_key, many(element)),
    "rpushx": command("RPUSHX", list_key, many(element)),
}
