"""Where respstore answers otherwise than Redis 7.0, and why: all of it, here.

Each entry names the scenario that shows it. That scenario fails as soon as the difference no longer occurs, so an
entry cannot outlive its reason. What differs by nature (clocks, ids, the order of hash tables) is no difference: see
rules.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from compat.redis.rules import Rule, rule_of
from respstore.commands import TABLE

ADDITIONS = frozenset(name for name, command in TABLE.items() if command.group == "coordination")
"""Commands that Redis does not have: there is nothing to compare them with."""


@attrs.frozen
class KnownDifference:
    """A line of a scenario on which the servers disagree.

    Attributes:
        scenario: `file: title`, as in scripts/.
        line: the line's text, or its beginning; "" for any line.
        reason: why respstore does not answer as Redis does; it stands in compat/README.md.
        protocols: where it shows.
        generated: the command, and the replies of redis and respstore, where generated commands run into it as well.
    """

    scenario: str
    line: str
    reason: str
    protocols: tuple[int, ...] = (2, 3)
    generated: tuple[tuple[str, str, str], ...] = ()


_UNSUPPORTED_OPTIONS = {
    "min-replicas-to-write": "there are no replicas",
}

KNOWN_DIFFERENCES: tuple[KnownDifference, ...] = (
    *(
        KnownDifference(
            "config: options that only Redis carries out yet",
            f"A> CONFIG SET {option} ",
            f"`{option}` is refused rather than ignored: {reason} yet",
        )
        for option, reason in _UNSUPPORTED_OPTIONS.items()
    ),
    KnownDifference(
        "strings: encodings",
        "A> OBJECT ENCODING whole",
        "`OBJECT ENCODING` calls a whole number that INCRBYFLOAT left `int`, as if it had been SET, not `embstr`: how "
        "a string came about is not kept",
        generated=(("OBJECT ENCODING", '$"embstr"', '$"int"'), ("OBJECT REFCOUNT", ":1", ":2147483647")),
    ),
    KnownDifference(
        "keys: OBJECT REFCOUNT of the copy of a small integer",
        "A> OBJECT REFCOUNT copy",
        "`OBJECT REFCOUNT` of a small integer that COPY has made is 2147483647, as if it had been SET, not 1",
    ),
    KnownDifference(
        "keys: OBJECT IDLETIME of a key that is not used",
        "A> OBJECT IDLETIME k",
        "`OBJECT IDLETIME` is 0 unless maxmemory-policy is an LRU one: to note the last use of each key costs time and "
        "memory",
    ),
    KnownDifference(
        "config: CONFIG SET: TLS that cannot be had",
        "A> CONFIG SET tls-port",
        "An error of TLS's options says what is wrong; Redis refers to its log",
    ),
    KnownDifference(
        "config: CONFIG SET: TLS that cannot be had",
        "A> CONFIG SET tls-ciphersuites",
        "`tls-ciphersuites` is refused: Python's ssl leaves those of TLS 1.3 to OpenSSL (`tls-ciphers` works)",
    ),
    KnownDifference(
        "timing: SLOWLOG: a client that waits in vain",
        "A> SLOWLOG GET",
        "`SLOWLOG` with `slowlog-log-slower-than 0` shows a command that waits as it begins to, not when served",
    ),
    KnownDifference(
        "timing: LATENCY HISTOGRAM: a command that is named twice, calls that nobody tracks",
        "A> LATENCY HISTOGRAM get get",
        "`LATENCY HISTOGRAM` answers a command that is named twice once: the reply is a map",
    ),
    KnownDifference(
        "timing: LATENCY HISTOGRAM: a command that is named twice, calls that nobody tracks",
        "A> LATENCY HISTOGRAM get",
        "`LATENCY HISTOGRAM` counts the calls while `latency-tracking` was off, too",
    ),
    KnownDifference(
        "observing: INFO commandstats counts calls, refusals and failures",
        "A> INFO commandstats",
        "`INFO commandstats` counts the call that asks for it; Redis counts it afterwards",
    ),
    KnownDifference(
        "server: COMMAND DOCS of a command that is named twice",
        "",
        "`COMMAND DOCS` answers a command that is named twice once: the reply is a map",
    ),
    KnownDifference(
        "transactions: OBJECT REFCOUNT within the transaction that has set the value",
        "A> EXEC",
        "`OBJECT REFCOUNT` of a string is 1 also within the transaction that has set it; Redis counts the queued "
        "command's own reference",
        generated=(("OBJECT REFCOUNT", ":2", ":1"),),
    ),
    KnownDifference(
        "acl: all categories",
        "A> ACL CAT",
        "`ACL CAT` names one category more, `coordination`, of the commands that Redis does not have",
    ),
    KnownDifference(
        "acl: a long key that is denied",
        "A> ACL LOG",
        "`ACL LOG` shows the first 4096 bytes of a key: whoever is denied access could fill the memory otherwise",
    ),
    KnownDifference(
        "acl: how AUTH was written",
        "A> ACL LOG",
        "`ACL LOG` tells of a failed authentication as AUTH or HELLO; Redis, in the letters that the client wrote",
    ),
    KnownDifference(
        "acl: a failure within a transaction",
        "A> ACL LOG",
        "`ACL LOG` calls the context of an AUTH that EXEC has run `toplevel`, not `multi`",
    ),
    KnownDifference(
        "acl: keys that look like options",
        "A> COMMAND GETKEYS",
        "The keys of SORT, XREADGROUP and GEORADIUS are found where the command reads them, even if a key or a group "
        "is called like an option, or STORE is there twice; Redis finds others, and so lets users read and write keys "
        "that are not theirs",
    ),
    KnownDifference(
        "connection: CLIENT KILL of oneself within a transaction",
        "",
        "A client that kills itself within a transaction gets the whole reply of EXEC; Redis cuts it in the middle",
    ),
    KnownDifference(
        "notifications: classes and channels",
        "A> CONFIG GET notify-keyspace-events",
        "`CONFIG GET notify-keyspace-events` shows the class `n` beside `A`, which does not stand for it; Redis shows "
        "`A` alone, and a file written by CONFIG REWRITE loses it",
    ),
    KnownDifference(
        "notifications: of one's own XADD",
        "A> XADD",
        "A client that listens to keyspace events hears of its own XADD before it has the reply; in Redis, afterwards",
        protocols=(3,),
    ),
    KnownDifference(
        "channels: a message to oneself within a transaction",
        "A> EXEC",
        "A client that publishes to itself within a transaction gets the message before EXEC's reply; Redis puts it "
        "into the middle of the reply, as one element too many, which no client can read",
    ),
    KnownDifference(
        "connection: CLIENT REPLY within a transaction leaves holes in EXEC's array",
        "",
        "`CLIENT REPLY OFF` or `SKIP` within a transaction silences EXEC as a whole, or the next command; Redis leaves "
        "out elements of EXEC's reply, which no client can read then",
    ),
    KnownDifference(
        "tracking: null to another version of the protocol",
        "C> FLUSHALL",
        "A connection to which invalidations are redirected is told of FLUSHALL with the null of its own protocol; "
        "Redis sends that of the connection that redirects, which a RESP2 client cannot read",
    ),
    KnownDifference(
        "tracking: a second prefix that overlaps with a third",
        "",
        "`CLIENT TRACKING` with prefixes that overlap is refused; where the first prefix is none of the two, Redis "
        "sends an error and OK, two replies, and obeys",
    ),
    KnownDifference(
        "cluster: to become a replica",
        "A> REPLICAOF 127.0.0.1 1",
        "`REPLICAOF host port` is refused rather than ignored: there is no replication yet",
    ),
    KnownDifference(
        "clients: a paused client cannot be unblocked",
        "A> CLIENT UNBLOCK",
        "`CLIENT UNBLOCK` leaves a client alone that `CLIENT PAUSE` holds up; Redis sends it an error and runs its "
        "command all the same, or crashes",
    ),
    KnownDifference(
        "connection: an empty line after CLIENT REPLY SKIP",
        "",
        "`CLIENT REPLY SKIP` skips the reply of the next command; for Redis an empty line is one",
    ),
    KnownDifference(
        "connection: a protocol error of a client that wants no replies",
        "",
        "After `CLIENT REPLY OFF`, too, a protocol error closes the connection; Redis leaves it open and deaf",
    ),
)


IN_BACKGROUND = frozenset(("BGREWRITEAOF", "BGSAVE", "BGSAVE SCHEDULE"))
"""Whether one of these begins depends on whether the last one is done, which is a matter of time on each server."""
BEGUN_OR_NOT = ("+Background ", "-ERR Background ", "-ERR Another child process is active")


def tolerant_rule_of(arguments: Sequence[bytes]) -> Rule:
    """The rule for a generated command's reply: as always, but for the known differences."""
    rule, name = rule_of(arguments), b" ".join(arguments[:2]).decode("latin-1").upper()
    if name in IN_BACKGROUND:
        return lambda redis, respstore: all(str(reply).startswith(BEGUN_OR_NOT) for reply in (redis, respstore))
    known = [replies for known in KNOWN_DIFFERENCES for command, *replies in known.generated if command == name]
    if not known:
        return rule
    return lambda redis, respstore: rule(redis, respstore) or [str(redis), str(respstore)] in known
