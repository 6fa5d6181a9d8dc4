"""How two replies are compared: exactly, unless the command's own nature forbids it.

A rule takes Redis's reply and respstore's and says whether they agree. `RULES` names, in one place, the commands whose
replies cannot be the same bytes on two servers (they hold clocks, ids, hash orders); a script may ask for another
rule on one line with `;; rule`. Everything else must be equal to the last byte, type bytes included.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from compat.redis.wire import Reply

Rule = Callable[[Reply, Reply], bool]

FIELD = re.compile(r"(?<!\S)([\w-]+)[:=](\S*)")

SENTENCES = {b"summary", b"complexity", b"history", b"notes"}
"""Keys in COMMAND DOCS and COMMAND INFO under which Redis's documentation speaks."""

ALL_COMMANDS = (["COMMAND"], ["COMMAND", "INFO"], ["COMMAND", "DOCS"], ["COMMAND", "LIST"])
"""What tells of all commands that a server has, while respstore has not yet all of them."""

EVERYTHING = b"?*"
"""What generated commands have for `*`. CONFIG GET shows by it the ports, and options that only one server has."""


def exact(redis: Reply, respstore: Reply) -> bool:
    """The same type, the same bytes."""
    return redis == respstore


def kind(redis: Reply, respstore: Reply) -> bool:
    """The same type, and both null or both not: for random and server-specific values."""
    return redis.kind == respstore.kind and (redis.value is None) == (respstore.value is None)


def shape(redis: Reply, respstore: Reply) -> bool:
    """The same types all the way down: for clocks, ids and addresses. Errors are still equal."""
    if redis.kind == "-":
        return redis == respstore
    same_size = kind(redis, respstore) and len(redis.parts) == len(respstore.parts)
    return same_size and all(map(shape, redis.parts, respstore.parts))


def unordered(redis: Reply, respstore: Reply) -> bool:
    """The same elements in any order, on each level; the pairs of a map, the elements of an array or a set."""
    return _sorted(redis) == _sorted(respstore)


def scan(redis: Reply, respstore: Reply) -> bool:
    """A SCAN from the start: the same elements if both are at the end; the cursors are each server's own."""
    if len(redis.parts) != 2 or len(respstore.parts) != 2:
        return redis == respstore
    if redis.parts[0].value == respstore.parts[0].value == b"0":
        return unordered(redis, respstore)
    return shape(redis.parts[0], respstore.parts[0])


def scan_from_elsewhere(redis: Reply, respstore: Reply) -> bool:
    """A SCAN with a cursor that the server never gave: what it finds is its own affair. Errors are equal."""
    return redis == respstore if "-" in (redis.kind, respstore.kind) else redis.kind == respstore.kind


def pairs_in_any_order(redis: Reply, respstore: Reply) -> bool:
    """A flat array of keys and values (RESP2's map) or a map, whose pairs come in any order."""
    both = (redis, respstore)
    if any(reply.kind not in "*%" or len(reply.parts) % 2 for reply in both) or redis.kind != respstore.kind:
        return redis == respstore
    first, second = (sorted(zip(reply.parts[::2], reply.parts[1::2], strict=True), key=str) for reply in both)
    return first == second


def same_keys(redis: Reply, respstore: Reply) -> bool:
    """A map, or RESP2's flat array of one, with the same keys, and values of the same types: for statistics."""
    return shape(redis, respstore) and redis.parts[::2] == respstore.parts[::2]


def fields(redis: Reply, respstore: Reply) -> bool:
    """Text of `name:value` or `name=value` fields: the same names, whatever the values. Errors are equal."""
    if redis.kind != respstore.kind or redis.kind not in "$=":
        return redis == respstore
    return field_names(redis.text) == field_names(respstore.text)


def at_least_the_fields(redis: Reply, respstore: Reply) -> bool:
    """Like `fields`, but respstore may say more than Redis does."""
    if redis.kind != respstore.kind or redis.kind not in "$=":
        return redis == respstore
    return set(field_names(redis.text)) <= set(field_names(respstore.text))


def the_fields(names: Sequence[str]) -> Rule:
    """Texts of `name:value` or `name=value` fields: these fields have the same values; the others do not matter."""

    def compare(redis: Reply, respstore: Reply) -> bool:
        chosen = [
            [(name, value) for name, value in FIELD.findall(reply.text) if name in names]
            for reply in (redis, respstore)
        ]
        return redis.kind == respstore.kind and chosen[0] == chosen[1] and {name for name, _ in chosen[0]} == set(names)

    return compare


def but_for(names: Sequence[str]) -> Rule:
    """Texts of fields that are the same but for the values of these, and the order of lines; PING is the harness's."""
    dropped = re.compile(rf"\b({'|'.join(names)})[:=][^\s,]*")

    def lines(reply: Reply) -> list[str]:
        return sorted(line for line in dropped.sub("", reply.text).splitlines() if not line.startswith("cmdstat_ping"))

    return lambda redis, respstore: redis.kind == respstore.kind and lines(redis) == lines(respstore)


def field_names(text: str) -> list[str]:
    """The names in INFO's lines (with its headings) or in the first line of CLIENT LIST."""
    if "=" in text.partition("\n")[0]:
        return [word.partition("=")[0] for word in text.partition("\n")[0].split()]
    return [line.partition(":")[0] for line in text.splitlines() if line]


def within(tolerance: int) -> Rule:
    """Two whole numbers that differ by no more than `tolerance`; negative ones are states, and exact."""

    def compare(redis: Reply, respstore: Reply) -> bool:
        if redis.kind != ":" or respstore.kind != ":":
            return redis == respstore
        first, second = int(redis.text), int(respstore.text)
        return first == second if min(first, second) < 0 else abs(first - second) <= tolerance

    return compare


def but_times(redis: Reply, respstore: Reply) -> bool:
    """What XPENDING and XINFO tell of consumers: the same, whatever the times are."""
    return _without_times(redis) == _without_times(respstore)


def latency_calls(redis: Reply, respstore: Reply) -> bool:
    """LATENCY HISTOGRAM: the same commands with as many calls, in any order; the times are each server's own."""

    def calls(reply: Reply) -> list[tuple[str, str]]:
        pairs = zip(reply.parts[::2], reply.parts[1::2], strict=True)
        return sorted((name.text, value.parts[1].text) for name, value in pairs)

    return redis.kind == respstore.kind and calls(redis) == calls(respstore)


def slow_requests(redis: Reply, respstore: Reply) -> bool:
    """SLOWLOG GET: the same requests by clients of the same names, but for the harness's own PINGs; times differ."""

    def requests(reply: Reply) -> list[tuple[Reply, ...]]:
        entries = [(entry.parts[3], entry.parts[5]) for entry in reply.parts]
        return [entry for entry in entries if entry[0].parts[0].value != b"PING"]

    return redis.kind == respstore.kind and requests(redis) == requests(respstore)


def prose(redis: Reply, respstore: Reply) -> bool:
    """Help and other texts in a project's own words: the same type, and both say something."""
    return kind(redis, respstore) and bool(redis.value) == bool(respstore.value)


def words_in_any_order(redis: Reply, respstore: Reply) -> bool:
    """Texts made of the same words, on each level: in what order rules name commands is up to Redis's hash table."""
    return _sorted_words(redis) == _sorted_words(respstore)


def but_ages(redis: Reply, respstore: Reply) -> bool:
    """What ACL LOG tells: the same, but for how long ago it was, and all of the client but its user and command."""
    return _without_ages(redis) == _without_ages(respstore)


def docs(redis: Reply, respstore: Reply) -> bool:
    """COMMAND DOCS and INFO: everything is a fact and the same, except sentences: they are this project's own."""
    return unordered(_without_sentences(redis), _without_sentences(respstore))


def push(redis: Reply, respstore: Reply) -> bool:
    """What nobody has asked for: exact, but for the id of a client that is gone."""
    if all(reply.kind == ">" and reply.parts[0].text == "tracking-redir-broken" for reply in (redis, respstore)):
        return but_ids(redis, respstore)
    return redis == respstore


def but_ids(redis: Reply, respstore: Reply) -> bool:
    """The same but for the ids of clients, which are all the positive numbers in it."""
    return _without_ids(redis) == _without_ids(respstore)


def each(rules: Sequence[Rule]) -> Rule:
    """The rule of EXEC: each reply in the array by the rule of the command that was queued."""

    def compare(redis: Reply, respstore: Reply) -> bool:
        if not (len(rules) == len(redis.parts) == len(respstore.parts)) or redis.kind != respstore.kind:
            return redis == respstore
        return all(rule(*pair) for rule, *pair in zip(rules, redis.parts, respstore.parts, strict=True))

    return compare


def named(text: str) -> Rule:
    """Find the rule that a script asks for: `unordered`, `within 200`, `the-fields keys expires`, ..."""
    name, _, argument = text.strip().partition(" ")
    simple = (
        exact,
        kind,
        shape,
        unordered,
        scan,
        pairs_in_any_order,
        same_keys,
        fields,
        at_least_the_fields,
        prose,
        docs,
        but_times,
        but_ids,
        latency_calls,
        slow_requests,
    )
    if name == "within":
        return within(int(argument))
    if name == "the-fields":
        return the_fields(argument.split())
    if name == "but-for":
        return but_for(argument.split())
    return {rule.__name__: rule for rule in simple}[name.replace("-", "_")]


SECONDS = within(1)
MILLISECONDS = within(1000)

RULES: dict[str, Rule] = {
    "ACL CAT": unordered,
    "ACL GENPASS": kind,
    "ACL GETUSER": words_in_any_order,
    "ACL LIST": words_in_any_order,
    "ACL LOG": but_ages,
    "CLIENT GETREDIR": but_ids,
    "CLIENT ID": shape,
    "CLIENT INFO": fields,
    "CLIENT LIST": fields,
    "CLIENT TRACKINGINFO": but_ids,
    "COMMAND COUNT": kind,
    "COMMAND DOCS": docs,
    "COMMAND INFO": docs,
    "COMMAND LIST": unordered,
    "CONFIG GET": pairs_in_any_order,
    "DEBUG OBJECT": kind,
    "EXPIRETIME": SECONDS,
    "HELLO": shape,
    "HGETALL": pairs_in_any_order,
    "HKEYS": unordered,
    "HRANDFIELD": shape,
    "HSCAN": scan,
    "HVALS": unordered,
    "INFO": at_least_the_fields,
    "KEYS": unordered,
    "LASTSAVE": kind,
    "LATENCY DOCTOR": kind,
    "LATENCY GRAPH": kind,
    "LATENCY HISTOGRAM": kind,  # scenarios compare which commands there are
    "LATENCY HISTORY": shape,
    "LATENCY LATEST": shape,
    "LOLWUT": kind,
    "MEMORY DOCTOR": kind,
    "MEMORY MALLOC-STATS": kind,
    "MEMORY STATS": same_keys,
    "MEMORY USAGE": kind,
    "OBJECT IDLETIME": kind,  # of a small integer, which all keys share, it tells when any of them was used
    "PEXPIRETIME": MILLISECONDS,
    "PTTL": MILLISECONDS,
    "PUBSUB CHANNELS": unordered,
    "PUBSUB SHARDCHANNELS": unordered,
    "RANDOMKEY": kind,
    "SCAN": scan,
    "SDIFF": unordered,
    "SINTER": unordered,
    "SLOWLOG GET": slow_requests,
    "SLOWLOG LEN": kind,  # a machine that is busy makes any command slow
    "SMEMBERS": unordered,
    "SPOP": unordered,
    "SRANDMEMBER": shape,
    "SSCAN": scan,
    "SUNION": unordered,
    "TIME": shape,
    "TTL": SECONDS,
    "XINFO CONSUMERS": but_times,
    "XINFO STREAM": but_times,
    "XPENDING": but_times,
    "ZRANDMEMBER": shape,
    "ZSCAN": scan,
}
"""Commands whose replies differ by nature. `X HELP` is compared as prose."""

SCANS = {"SCAN": 1, "HSCAN": 2, "SSCAN": 2, "ZSCAN": 2}
"""Where their cursor stands."""


def rule_of(arguments: Sequence[bytes]) -> Rule:
    """The rule for a command's reply, by its name and, for containers, its subcommand."""
    words = [argument.decode("latin-1").upper() for argument in arguments[:2]]
    if words[1:] == ["HELP"]:
        return prose
    if words[:1] in (["EVAL"], ["EVAL_RO"]) and arguments[1:3] and b"(unpack(ARGV))" in arguments[1]:
        return rule_of(arguments[3:]) if len(arguments) > 3 else exact  # of the command that the script calls
    if words == ["CONFIG", "GET"] and EVERYTHING in arguments:
        return kind
    if words in ALL_COMMANDS and (len(arguments) == len(words) or arguments[-1] == b"*"):
        return kind
    if words[0] in SCANS and arguments[SCANS[words[0]] :][:1] not in ([b"0"], [b""]):
        return scan_from_elsewhere
    return RULES.get(" ".join(words)) or RULES.get(" ".join(words[:1])) or exact


def _sorted(reply: Reply) -> Reply:
    if not reply.parts:
        return reply
    parts = [_sorted(part) for part in reply.parts]
    if reply.kind == "%":
        pairs = sorted(zip(parts[::2], parts[1::2], strict=True), key=repr)
        return Reply("%", tuple(part for pair in pairs for part in pair))
    return Reply(reply.kind, tuple(sorted(parts, key=repr)))


def _without_ids(reply: Reply) -> Reply:
    if reply.kind == ":" and int(reply.text) > 0:
        return Reply(":", b"1")
    return Reply(reply.kind, tuple(map(_without_ids, reply.parts))) if reply.parts else reply


def _without_times(reply: Reply) -> Reply:
    """Put 0 for idle-times and the times of deliveries, which stand last but one in arrays of numbers and names."""
    parts = [_without_times(part) for part in reply.parts]
    kinds = [part.kind for part in parts]
    if reply.kind == "*" and kinds in (["$", "$", ":", ":"], ["$", ":", ":"]):
        parts[-2] = Reply(":", b"0")
    for place in range(1, len(parts)):
        if parts[place - 1].value in (b"idle", b"seen-time") and kinds[place] == ":":
            parts[place] = Reply(":", b"0")
    return Reply(reply.kind, tuple(parts)) if parts else reply


def _sorted_words(reply: Reply) -> Reply:
    if reply.parts:
        return Reply(reply.kind, tuple(map(_sorted_words, reply.parts)))
    return Reply(reply.kind, b" ".join(sorted(reply.value.split()))) if isinstance(reply.value, bytes) else reply


def _without_ages(reply: Reply) -> Reply:
    parts = [_without_ages(part) for part in reply.parts]
    for place in range(1, len(parts)):
        if parts[place - 1].value == b"age-seconds":
            parts[place] = Reply(parts[place].kind, b"0")
        elif parts[place - 1].value == b"client-info":
            shown = [word for word in parts[place].text.split() if word.startswith(("cmd=", "user="))]
            parts[place] = Reply("$", " ".join(shown).encode())
    return Reply(reply.kind, tuple(parts)) if parts else reply


def _without_sentences(reply: Reply) -> Reply:
    """Leave out the pairs of a map, or of RESP2's flat array, whose key is one of `SENTENCES`."""
    parts = [_without_sentences(part) for part in reply.parts]
    dropped = {index + offset for index, part in enumerate(parts) if part.value in SENTENCES for offset in (0, 1)}
    kept = tuple(part for index, part in enumerate(parts) if index not in dropped)
    return Reply(reply.kind, kept) if reply.parts else reply
