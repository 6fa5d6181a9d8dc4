"""SORT and SORT_RO, where the order is the same on both servers.

It is not where a set is not sorted, or elements have equal weights with ALPHA: then the order is that of Redis's hash
table, or of its sorting. So the keys that are sorted are filled here alone and stay of one type.
"""

from __future__ import annotations

from compat.redis.strategies.pieces import (
    STRINGS,
    Strategy,
    command,
    count,
    index,
    key,
    many,
    maybe,
    one_of,
    options,
    word,
)

element = word(0, 1, 2, 3, 10, -1, "1.5", "2e0", "01", 1, 2, 1, 2, "a", " 1", "")
number = word(0, 1, 2, 3, 10, -1, "1.5", "2e0", "01", 1, 2, "", " 1", "0x10")
numbers = many(number, 1, 9)

pattern = word("s*", "n*", "s*", "*1", "h*->a", "h*->n", "*", "l*", "missing*", "h*->")
constant = word("nosort", "#", "s1", "")
by = command("BY", pattern)
unsorted = command("BY", constant)
get = command("GET", pattern | word("#", "s1"))
limit = command("LIMIT", index, count)
order = maybe(word("ASC", "DESC", "desc"))
store = command("STORE", word("sl1", "l1", "l2"))

lists = word("sl1", "sl2", "sl1", "sl2", "missing")
sorted_sets = word("sz1")
sets = word("sm1")
any_key = lists | sorted_sets | sets | key

sorted_by_numbers = command(any_key, order, maybe(by), maybe(limit), many(get, 0, 2))
sorted_by_strings = command(
    lists, "ALPHA", order, one_of([command(limit, many(get, 0, 2)), command(by, many(get, 0, 2))])
)
not_sorted = command(lists | sorted_sets, unsorted, order, maybe(limit), many(get, 0, 2))
mistaken = command(any_key, options("LIMIT 1", "junk", "LIMIT junk 1", "BY", "GET", "ASC", "STORE"))
answered = one_of([sorted_by_numbers, sorted_by_numbers, sorted_by_strings, not_sorted, not_sorted, mistaken])
stored = one_of(
    [
        command(sorted_by_numbers, store),
        command(not_sorted, store),
        command(sets, unsorted, order, maybe(limit), store),
        command(any_key, "ALPHA", order, maybe(limit), store),
    ]
)

filled = one_of(
    [
        command("RPUSH", word("sl1", "sl2"), numbers),
        command("RPUSH", word("sl2"), many(element)),
        command("SADD sm1", numbers),
        command("SADD sm1", numbers),
        command("ZADD sz1", many(command(word(0, 1, 2, 3), number))),
        command("DEL", word("sl1", "sl2", "sm1", "sz1")),
        command("SET", word(*STRINGS, "s0", "s10"), number),
        command("HSET", word("h1", "h2"), word("a", "n"), number),
    ]
)

STRATEGIES: dict[str, Strategy] = {
    "sort": one_of([command("SORT", answered), command("SORT", stored), filled]),
    "sort_ro": one_of([command("SORT_RO", answered), command("SORT_RO", answered), filled]),
}
SORTING = (b"SORT", b"SORT_RO")
