"""HyperLogLog commands."""

from __future__ import annotations

from compat.redis.strategies.pieces import STRINGS, Strategy, command, element, many, word

hll_key = word(*("p1", "p2", "p3") * 4, *STRINGS[:3], "l1")

STRATEGIES: dict[str, Strategy] = {
    "pfadd": command("PFADD", hll_key, many(element | word(*range(100)), 0, 9)),
    "pfcount": command("PFCOUNT", many(hll_key)),
    "pfdebug": command("PFDEBUG", word("ENCODING", "DECODE", "GETREG", "TODENSE", "todense", "junk"), hll_key),
    "pfmerge": command("PFMERGE", hll_key, many(hll_key, 0, 3)),
}
EXCLUDED = {"pfselftest": "it takes Redis seconds; played by hand in hyperloglogs.txt"}
