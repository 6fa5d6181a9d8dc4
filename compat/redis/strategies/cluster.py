"""What a server answers that is no cluster, no replica, and has no replicas and no modules."""

from __future__ import annotations

from compat.redis.strategies.pieces import Strategy, command, junk, key, many, maybe, one_of, options, word

slot = word(0, 1, 16383, 16384, -1, "junk")
node = word("07c37dfeb235213a872192d90877d0cd55635b91", "junk")
port = word("x", 65536, -1, "")  # none that there could be: it would become a replica

STRATEGIES: dict[str, Strategy] = {
    "asking": command("ASKING"),
    "cluster": command("CLUSTER", junk),
    **{
        f"cluster|{name}": command(f"CLUSTER {name}")
        for name in (
            "bumpepoch",
            "flushslots",
            "help",
            "info",
            "links",
            "myid",
            "nodes",
            "saveconfig",
            "shards",
            "slots",
        )
    },
    **{
        f"cluster|{name}": command(f"CLUSTER {name}", node)
        for name in ("count-failure-reports", "forget", "replicas", "replicate", "slaves")
    },
    **{f"cluster|{name}": command(f"CLUSTER {name}", many(slot)) for name in ("addslots", "delslots")},
    **{
        f"cluster|{name}": command(f"CLUSTER {name}", many(command(slot, slot)))
        for name in ("addslotsrange", "delslotsrange")
    },
    "cluster|countkeysinslot": command("CLUSTER COUNTKEYSINSLOT", slot),
    "cluster|failover": command("CLUSTER FAILOVER", maybe(word("FORCE", "TAKEOVER", "junk"))),
    "cluster|getkeysinslot": command("CLUSTER GETKEYSINSLOT", slot, word(1, 10, -1, "junk")),
    "cluster|keyslot": command("CLUSTER KEYSLOT", key),
    "cluster|meet": command("CLUSTER MEET 127.0.0.1", port, maybe(port)),
    "cluster|reset": command("CLUSTER RESET", maybe(word("HARD", "SOFT", "junk"))),
    "cluster|set-config-epoch": command("CLUSTER SET-CONFIG-EPOCH", slot),
    "cluster|setslot": command("CLUSTER SETSLOT", slot, one_of(["STABLE", command("NODE", node), "junk"])),
    "failover": command(
        "FAILOVER", options("ABORT", "FORCE", command("TO a", slot), command("TIMEOUT", word(0, 10, "junk")), "junk")
    ),
    "module": command("MODULE", junk),
    "module|help": command("MODULE HELP"),
    "module|list": command("MODULE LIST"),
    "module|load": command("MODULE LOAD /nowhere", maybe(junk)),
    "module|loadex": command("MODULE LOADEX /nowhere", maybe(one_of(["CONFIG a b", "ARGS a", "junk"]))),
    "module|unload": command("MODULE UNLOAD", junk),
    "readonly": command("READONLY"),
    "readwrite": command("READWRITE"),
    "replicaof": command("REPLICAOF", one_of(["NO ONE", "no one", "NO TWO", command("127.0.0.1", port)])),
    "role": command("ROLE"),
    "slaveof": command("SLAVEOF", one_of(["NO ONE", command("127.0.0.1", port)])),
    # Forever, or not at all.
    "wait": command("WAIT", word(0, 1, -1, "junk"), word(0, -1, "junk")),
}
