"""Users, their rules, and who is which user. The default user stays as it is, for the harness is that one.

Which rules describe the commands of a user depends on all the commands that there are, and respstore has not yet all of
them: so GETUSER is asked for users whose commands are told one by one, and everybody else by DRYRUN.
"""

from __future__ import annotations

from compat.redis.strategies.pieces import Strategy, command, junk, key, list_key, many, maybe, one_of, value, word

user = word("u1", "u2", "u1", "u2", "nobody")
category = word("read", "write", "string", "list", "keyspace", "fast", "dangerous", "blocking", "pubsub", "all")
single_command = word(
    *("get", "set", "del", "lpush", "blpop", "mget", "exec", "multi", "publish", "subscribe", "config", "config|get"),
    *("select|1", "object", "object|encoding", "sort", "hset", "zadd", "xadd", "acl|whoami", "copy", "rename", "ping"),
)
_pattern = word("s*", "*1", "l1", "[hz]*", "m?", "x*", "")
_channel = word("c*", "c1", "*", "n?*")


def _prefixed(prefix: str, part: Strategy) -> Strategy:
    return part.map(lambda words: (prefix.encode() + words[0], *words[1:]))  # type: ignore[operator]


keys = one_of([_prefixed(sign, _pattern) for sign in ("~", "~", "%R~", "%W~", "%RW~")] + ["allkeys", "resetkeys"])
channels = one_of([_prefixed("&", _channel), "allchannels", "resetchannels"])
commands = one_of(
    [_prefixed(sign, part) for sign in ("+", "+", "-") for part in (single_command, _prefixed("@", category))]
)
selector_rule = one_of([keys, channels, commands])
state = word("on", "on", "off", "nopass", ">p", "<p", ">q", "resetpass", "sanitize-payload", "skip-sanitize-payload")
selector = command("(", many(selector_rule, 0, 3), ")")
mistake = word("foo", "(", ")", "%X~a", "+nosuch", "+@nosuch", "#abc", "~a b", "")
rules = many(one_of([state, keys, channels, commands, commands, selector, "reset", "clearselectors", mistake]), 1, 5)

request = one_of(
    [
        command(word("GET", "DEL", "TYPE", "INCR", "LPOP", "STRLEN", "EXPIRE"), key, maybe(value)),
        command("SET", key, value, maybe("GET")),
        command(word("MGET", "RENAME", "COPY", "SINTERSTORE", "PFMERGE", "WATCH"), key, key),
        command("BLPOP", list_key, list_key, "0"),
        command(word("LMPOP", "ZUNION", "SINTERCARD"), "2", key, key, "LEFT"),
        command("ZUNIONSTORE", key, "2", key, key),
        command("SORT", key, maybe(command("BY w_*")), maybe(command("STORE", key))),
        command("XREAD STREAMS", key, key, "0 0"),
        command("GEORADIUS", key, "0 0 1 m", maybe(command(word("STORE", "STOREDIST"), key))),
        command("OBJECT ENCODING", key),
        command("BITFIELD", key, word("GET", "SET"), "u8 0", maybe("1")),
        command(word("PUBLISH", "SUBSCRIBE", "PSUBSCRIBE"), word("c1", "c*", "n", "*"), word("c2", "c*")),
        *(
            "CONFIG GET hz",
            "CONFIG SET hz 10",
            "SELECT 0",
            "SELECT 1",
            "PING",
            "MULTI",
            "ACL WHOAMI",
            "ECHO x",
            "AUTH x",
        ),
        junk,
    ]
)
"""What users try to do."""

STRATEGIES: dict[str, Strategy] = {
    "acl": command("ACL", junk),
    "acl|cat": command("ACL CAT", word("transaction", "geo", "HyperLogLog", "nosuch", "")),
    "acl|deluser": command("ACL DELUSER", many(user)),
    "acl|dryrun": command("ACL DRYRUN", user, request),
    "acl|genpass": command("ACL GENPASS", maybe(word(1, 5, 128, 4096, 4097, 0, "junk"))),
    "acl|getuser": command("ACL GETUSER", word("nobody", "default")),
    "acl|help": command("ACL HELP"),
    "acl|load": command("ACL LOAD"),
    "acl|save": command("ACL SAVE"),
    "acl|setuser": command("ACL SETUSER", user, rules),
    "acl|users": command("ACL USERS"),
    "acl|whoami": command("ACL WHOAMI"),
}

EXCLUDED = {
    "acl|list": "by which rules commands are told depends on all that a server has; test_acl.py compares it",
    "acl|log": "the harness's own clients are in it; test_acl.py compares it",
}
