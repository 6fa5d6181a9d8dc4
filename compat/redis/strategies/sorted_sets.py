"""Sorted set commands.

Ranges of members ask for sets of equal scores, in keys of their own: for others Redis's answer may be a matter of
chance. Which members ZRANDMEMBER draws is each server's own affair; how many is not.
"""

from __future__ import annotations

from compat.redis.strategies.pieces import (
    Strategy,
    command,
    count,
    index,
    junk,
    lex_key,
    many,
    maybe,
    mostly,
    one_of,
    options,
    pattern,
    set_key,
    sorted_set_key,
    timeout,
    word,
)

member = word("a", "b", "c", "d", "a", "b", "e", "f", "1", "2", "", b"\x00\r\n", "ab", "x" * 65)
score = word(
    0, 1, 2, 3, 1, 2, -1, "1.5", "-0", "0.1", "1e3", "inf", "-inf", "+inf", "1e17", "1e-7", "3.0", "1e308", "0x10",
    "9007199254740993", "123456789012345678", "1e400", "nan", "junk", "",
)  # fmt: skip
source_key = one_of([sorted_set_key, sorted_set_key, sorted_set_key, lex_key, set_key])
any_sorted_set_key = one_of([sorted_set_key, lex_key])
bound = word(
    0, 1, 2, 3, "(0", "(1", "(2", "-inf", "+inf", "-inf", "+inf", "inf", "(inf", "(-inf", "1.5", "(0.1", "-0", "1e400",
    "", "(", " 1", "junk", "nan", "((1", b"1\x00",
)  # fmt: skip
lex_bound = word(
    "-",
    "+",
    "-",
    "+",
    "[a",
    "(a",
    "[b",
    "(b",
    "[c",
    "(ab",
    "[",
    "(",
    "[1",
    b"(\x00",
    "[d",
    "(e",
    "a",
    "",
    "++",
    b"+\x00",
)
limit = command("LIMIT", index, index)
with_scores = word("WITHSCORES", "withscores", "WITHSCORES", "junk")
zadd_option = word("NX", "XX", "GT", "LT", "CH", "INCR", "nx", "CH", "ch", "gt")
pair = command(score, member)
lex_pair = command("0", member)
by_score = command(sorted_set_key, bound, bound)
by_lex = command(lex_key, lex_bound, lex_bound)
by_rank = command(sorted_set_key, index, index)
range_options = options("REV", "REV", limit, "rev")
ranges = one_of(
    [
        command(by_rank, options("REV", with_scores, limit)),
        command(by_score, "BYSCORE", options("REV", with_scores, limit)),
        command(by_lex, "BYLEX", range_options),
        command(sorted_set_key, bound, bound, options("BYSCORE", "BYLEX", "REV", with_scores)),
    ]
)
end = word("MIN", "MAX", "MIN", "MAX", "min", "junk")
keys_and_end = one_of(
    [
        command("1", sorted_set_key, end),
        command("2", sorted_set_key, sorted_set_key, end),
        command("3", sorted_set_key, sorted_set_key, sorted_set_key, end),
        command(count, sorted_set_key, end),
    ]
)
pop_count = maybe(command("COUNT", count))
draws = word(
    0, 1, 2, 10, 100, -1, -3, -20, "9223372036854775807", "-9223372036854775808", "4611686018427387904", "junk"
)
scan_options = options(command("MATCH", pattern), command("COUNT", junk), command("COUNT", count))

weights = one_of([command("WEIGHTS", many(score, 1, 3)), command("WEIGHTS 2 -1"), command("WEIGHTS", score)])
aggregate = command("AGGREGATE", word("SUM", "MIN", "MAX", "min", "junk"))
sources = one_of(
    [
        command("1", source_key),
        command("2", source_key, source_key),
        command("3", source_key, source_key, source_key),
        command("2", source_key, source_key, weights),
        command(count, many(source_key)),
    ]
)

STRATEGIES: dict[str, Strategy] = {
    "bzmpop": command("BZMPOP", timeout, keys_and_end, pop_count),
    "bzpopmax": command("BZPOPMAX", many(sorted_set_key), timeout),
    "bzpopmin": command("BZPOPMIN", many(sorted_set_key), timeout),
    "zadd": one_of(
        [
            command("ZADD", sorted_set_key, many(pair)),
            command("ZADD", sorted_set_key, options(zadd_option), many(pair)),
            command("ZADD", sorted_set_key, many(zadd_option, 1, 3), pair),
            command("ZADD", lex_key, many(lex_pair, 1, 4)),
        ]
    ),
    "zcard": command("ZCARD", sorted_set_key),
    "zcount": command("ZCOUNT", by_score),
    "zdiff": command("ZDIFF", sources, options(with_scores)),
    "zdiffstore": command("ZDIFFSTORE", sorted_set_key, sources, maybe(maybe(with_scores))),
    "zincrby": command("ZINCRBY", sorted_set_key, mostly(score, zadd_option), member),
    "zinter": command("ZINTER", sources, options(aggregate, with_scores, weights)),
    "zintercard": command("ZINTERCARD", sources, options(command("LIMIT", count))),
    "zinterstore": command("ZINTERSTORE", sorted_set_key, sources, options(aggregate, weights)),
    "zlexcount": command("ZLEXCOUNT", by_lex),
    "zmpop": command("ZMPOP", keys_and_end, pop_count),
    "zmscore": command("ZMSCORE", sorted_set_key, many(member)),
    "zpopmax": command("ZPOPMAX", any_sorted_set_key, maybe(count)),
    "zpopmin": command("ZPOPMIN", any_sorted_set_key, maybe(count)),
    "zrandmember": command("ZRANDMEMBER", sorted_set_key, maybe(command(draws, maybe(with_scores)))),
    "zrange": command("ZRANGE", ranges),
    "zrangebylex": command("ZRANGEBYLEX", by_lex, maybe(limit)),
    "zrangebyscore": command("ZRANGEBYSCORE", by_score, options(limit, with_scores)),
    "zrangestore": one_of(
        [
            command("ZRANGESTORE", sorted_set_key, by_rank, options("REV", "BYSCORE", limit)),
            command("ZRANGESTORE", sorted_set_key, by_score, "BYSCORE", range_options),
            command("ZRANGESTORE", lex_key, by_lex, "BYLEX", range_options),
        ]
    ),
    "zrank": command("ZRANK", sorted_set_key, member),
    "zrem": command("ZREM", any_sorted_set_key, many(member)),
    "zremrangebylex": command("ZREMRANGEBYLEX", by_lex),
    "zremrangebyrank": command("ZREMRANGEBYRANK", by_rank),
    "zremrangebyscore": command("ZREMRANGEBYSCORE", by_score),
    "zrevrange": command("ZREVRANGE", by_rank, options(with_scores)),
    "zrevrangebylex": command("ZREVRANGEBYLEX", by_lex, maybe(limit)),
    "zrevrangebyscore": command("ZREVRANGEBYSCORE", by_score, options(limit, with_scores)),
    "zrevrank": command("ZREVRANK", sorted_set_key, member),
    "zscan": command("ZSCAN", sorted_set_key, word(0, 0, 0, 5, "junk"), scan_options, maybe("COUNT 1000")),
    "zscore": command("ZSCORE", sorted_set_key, member),
    "zunion": command("ZUNION", sources, options(aggregate, with_scores, weights)),
    "zunionstore": command("ZUNIONSTORE", sorted_set_key, sources, options(aggregate, weights)),
}
