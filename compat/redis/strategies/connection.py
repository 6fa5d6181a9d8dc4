"""Connection commands and transactions."""

from __future__ import annotations

from hypothesis import strategies as st

from compat.redis.strategies.pieces import (
    IdOf,
    Strategy,
    command,
    junk,
    key,
    many,
    maybe,
    one_of,
    options,
    value,
    word,
)

name = word("", "me", "you", "a b", "\n")
client_id: Strategy = st.sampled_from([(IdOf("A"),), (IdOf("B"),), (IdOf("C"),)])
# To nobody: what a client in RESP2 is told in place of another, within its own transaction, is lost in the reply.
redirection = command("REDIRECT", word("0", "junk", "1000000"))
prefix = command("PREFIX", word("s", "l", "z1", "", "h"))
tracking_options = one_of(
    [
        *("", "", "NOLOOP", "OPTIN", "OPTOUT", "BCAST"),
        command("BCAST NOLOOP", maybe(prefix)),
        command("BCAST", many(prefix)),
        many(one_of(["BCAST", "OPTIN", "OPTOUT", "NOLOOP", "junk", prefix, redirection])),
    ]
)

STRATEGIES: dict[str, Strategy] = {
    "auth": command("AUTH", one_of(["secret", "default secret", "default x", "nobody x", "a b c", "DEFAULT x"])),
    "client": command("CLIENT", junk, maybe(value)),
    "client|caching": command("CLIENT CACHING", word("YES", "NO", "YES", "junk")),
    "client|getname": command("CLIENT GETNAME"),
    "client|getredir": command("CLIENT GETREDIR"),
    "client|help": command("CLIENT HELP"),
    "client|id": command("CLIENT ID"),
    "client|info": command("CLIENT INFO"),
    "client|kill": command(
        "CLIENT KILL",
        one_of(
            [
                command("ID", client_id),
                "127.0.0.1:1",
                many(
                    one_of(
                        [
                            command("ID", client_id),
                            "ID junk",
                            "TYPE pubsub",
                            "TYPE master",
                            "TYPE junk",
                            "ADDR 127.0.0.1:1",
                            "LADDR 127.0.0.1:1",
                            "USER nobody",
                            "TYPE pubsub SKIPME no",
                            "USER nobody SKIPME junk",
                            "junk junk",
                        ]
                    ),
                    1,
                    2,
                ),
            ]
        ),
    ),
    "client|list": command(
        "CLIENT LIST",
        maybe(one_of(["TYPE normal", "TYPE pubsub", "TYPE junk", command("ID", many(client_id)), "ID junk", "junk"])),
    ),
    "client|no-evict": command("CLIENT NO-EVICT", word("ON", "OFF", "junk")),
    # A pause that lasts would keep the other clients waiting, and the harness with them.
    "client|pause": command("CLIENT PAUSE", word(0, -1, "junk", 2**63 - 1), maybe(word("ALL", "WRITE", "junk"))),
    # Without replies there would be nothing to compare.
    "client|reply": command("CLIENT REPLY", word("ON", "on", "junk")),
    "client|setname": command("CLIENT SETNAME", name),
    "client|tracking": command("CLIENT TRACKING", word("ON", "ON", "OFF", "junk"), tracking_options),
    "client|trackinginfo": command("CLIENT TRACKINGINFO"),
    "client|unblock": command("CLIENT UNBLOCK", client_id, maybe(word("TIMEOUT", "ERROR", "junk"))),
    "client|unpause": command("CLIENT UNPAUSE"),
    "discard": command("DISCARD"),
    "echo": command("ECHO", value),
    "exec": command("EXEC"),
    "hello": command(
        "HELLO",
        maybe(
            command(
                word(2, 3, 3, 4, "junk"), options(command("SETNAME", name), "AUTH default x", "AUTH nobody x", "junk")
            )
        ),
    ),
    "multi": command("MULTI"),
    "ping": command("PING", maybe(value)),
    "quit": command("QUIT"),
    "reset": command("RESET"),
    "unwatch": command("UNWATCH"),
    "watch": command("WATCH", many(key)),
}
