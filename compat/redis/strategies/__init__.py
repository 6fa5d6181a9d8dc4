"""For each command a Hypothesis strategy of its calls: what the generated comparison is made of.

A family of commands is a file here with a table `STRATEGIES` (the command's name as COMMAND LIST writes it, and how to
call it) and perhaps `EXCLUDED` (a name, and the reason why it is not generated). A command of respstore that is in
neither makes a test fail.
"""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import strategies as st

from compat.redis.strategies import (
    acl,
    bitmaps,
    channels,
    cluster,
    connection,
    geo,
    hashes,
    hyperloglogs,
    keys,
    lists,
    scripting,
    server,
    sets,
    sorted_sets,
    sorting,
    streams,
    strings,
)
from compat.redis.strategies.circumstances import CIRCUMSTANCES, LISTENER, Circumstance
from compat.redis.strategies.pieces import Step, Strategy, Word, Words, command, junk

DATA: dict[str, Strategy] = {
    **strings.STRATEGIES,
    **bitmaps.STRATEGIES,
    **lists.STRATEGIES,
    **hashes.STRATEGIES,
    **sorted_sets.STRATEGIES,
    **geo.STRATEGIES,
    **sets.STRATEGIES,
    **hyperloglogs.STRATEGIES,
    **sorting.STRATEGIES,
    **streams.STRATEGIES,
    **keys.STRATEGIES,
}
_any_call = st.sampled_from(list(DATA.values())).flatmap(lambda chosen: chosen)
STRATEGIES: dict[str, Strategy] = {
    **DATA,
    **acl.STRATEGIES,
    **channels.STRATEGIES,
    **cluster.STRATEGIES,
    **connection.STRATEGIES,
    **scripting.strategies(_any_call),
    **server.STRATEGIES,
    "command|getkeys": command("COMMAND GETKEYS", _any_call),
    "command|getkeysandflags": command("COMMAND GETKEYSANDFLAGS", _any_call),
}
EXCLUDED: dict[str, str] = {
    **acl.EXCLUDED,
    **keys.EXCLUDED,
    **hyperloglogs.EXCLUDED,
    **scripting.EXCLUDED,
    **server.EXCLUDED,
}

# Each example draws its commands from a handful of these, so that they meet ("swarm testing"), and from the following,
# which fill the keys and release who waits.
ALWAYS = (
    "set",
    "rpush",
    "lpush",
    "hset",
    "sadd",
    "zadd",
    "xadd",
    "xgroup|create",
    "del",
    "multi",
    "exec",
    "get",
    "watch",
)
NAMING = ((b"COMMAND", b"DOCS"), (b"LATENCY", b"HISTOGRAM"))
OVERFLOWING = frozenset((b"1e400", b"5e-324"))
NOTHING: Strategy = st.just(())
CLIENTS = st.sampled_from(["A", "A", "A", "B", "B", "C"])


def examples(names: set[str]) -> st.SearchStrategy[list[Step]]:
    """Sequences of commands of several clients, out of the named commands."""
    data = sorted(names & set(DATA))
    others = sorted(names & set(STRATEGIES) - set(DATA))
    handful = st.tuples(
        st.lists(st.sampled_from(data), min_size=4, max_size=10, unique=True),
        st.lists(st.sampled_from(others), max_size=2, unique=True),
        st.lists(st.sampled_from(CIRCUMSTANCES), max_size=2, unique=True),
    )

    def chosen(choice: tuple[list[str], list[str], list[Circumstance]]) -> st.SearchStrategy[list[Step]]:
        often, sometimes, circumstances = choice
        brought = [name for circumstance in circumstances for name in circumstance.names]
        kept = names.difference(*[circumstance.without for circumstance in circumstances])
        return _example([name for name in (*often * 3, *sometimes, *brought, *ALWAYS) if name in kept], circumstances)

    return handful.flatmap(chosen)


def _example(names: list[str], circumstances: list[Circumstance]) -> st.SearchStrategy[list[Step]]:
    before = [circumstance.before for circumstance in circumstances]
    after = [step for circumstance in circumstances for step in circumstance.after]
    between = [step for circumstance in circumstances for step in circumstance.between]
    return st.tuples(*before, _steps(names, between), st.just(after)).map(_put_together)


def _steps(names: list[str], between: list[st.SearchStrategy[Step]]) -> st.SearchStrategy[list[Step]]:
    """A nothing stands first: what an example does not need to fail shrinks to it."""
    calls = st.sampled_from([NOTHING, *(STRATEGIES[name] for name in names)]).flatmap(lambda chosen: chosen)
    mistaken_calls = st.builds(_mistaken, calls, MISTAKE)
    pipelines = st.lists(mistaken_calls, min_size=2, max_size=5)
    sent_at_once = st.one_of(*[mistaken_calls.map(lambda call: [call])] * 9, pipelines)
    step = st.tuples(CLIENTS, sent_at_once)
    return st.lists(st.one_of(*[step] * 9, *between), min_size=20, max_size=50)


def _put_together(parts: Iterable[list[Step]]) -> list[Step]:
    """One list of steps, without what is nothing."""
    steps = [step for part in parts for step in part]
    subscribers = {client for client, calls in steps for call in calls if _name(call) in channels.SUBSCRIBING}
    in_transactions = {client for client, calls in steps for call in calls if _name(call) == b"MULTI"}
    is_sorting = any(_name(call) in sorting.SORTING for _, calls in steps for call in calls)
    hears_misses = any(_tells_of_misses(call) for _, calls in steps for call in calls)

    def is_good(client: str, call: Words) -> bool:
        # Within a transaction, a message to oneself is a known difference; and with two channels at once, EXEC's array
        # has an element too many, so that nobody can tell any more what belongs to what.
        if client in subscribers and _name(call) in channels.PUBLISHING:
            return False
        # Who hears of its own changes may hear of them before the reply or behind it: a known difference.
        if client != LISTENER and _name(call) == b"PSUBSCRIBE" and b"*" in call:
            return False
        # These answer with a map: who is named twice is there once, a known difference.
        if (_name(call), _name(call[1:])) in NAMING and len(
            {word.lower() for word in call if isinstance(word, bytes)}
        ) < len(call):
            return False
        # What categories there are is not the same: respstore's own commands have one.
        if _name(call) == b"ACL" and _name(call[-1:]) == b"CAT":
            return False
        # A number that overflows makes the SORT behind it fail in Redis, which takes the old errno for its own.
        if is_sorting and not OVERFLOWING.isdisjoint(call):
            return False
        # In which order the weights of a set's elements are looked up, and so missed, is Redis's hash table's.
        if hears_misses and _name(call) in sorting.SORTING and any(word in (b"BY", b"by") for word in call):
            return False
        return client not in in_transactions or _name(call) not in channels.ANSWERED_BY_CHANNEL or len(call) == 2

    kept = [(client, [call for call in calls if call and is_good(client, call)]) for client, calls in steps]
    return [(client, calls) for client, calls in kept if calls]


# One call in ten is not what its strategy made: an argument is missing, too many, or another, or all are small letters.
MISTAKE = st.one_of(
    *[st.none()] * 9,
    st.tuples(st.sampled_from(["cut", "add", "replace", "lower"]), st.integers(1, 6), junk),
)
NEVER_MISTAKEN = (b"SHUTDOWN", b"SPOP")
"""With an argument less, the one would leave no server to compare with, the other would draw from then on."""


def _mistaken(call: Words, mistake: tuple[str, int, Words] | None) -> Words:
    if mistake is None or not call or call[0] in NEVER_MISTAKEN:
        return call
    what, place, words = mistake
    place = min(place, len(call) - 1)
    match what:
        case "cut":
            return call[: max(place, 1)]
        case "add":
            return (*call, *words)
        case "lower":
            return tuple(map(_lower, call))
        case _:
            return (*call[:place], *words, *call[place + 1 :]) if place else call


def _tells_of_misses(call: Words) -> bool:
    return b"notify-keyspace-events" in call and isinstance(call[-1], bytes) and b"m" in call[-1]


def _name(call: Words) -> bytes:
    return call[0].upper() if call and isinstance(call[0], bytes) else b""


def _lower(word: Word) -> Word:
    """A command's or an option's name in small letters; anything else as it is."""
    return word.lower() if isinstance(word, bytes) and word.isalpha() else word
