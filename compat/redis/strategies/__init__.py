"""For each command a Hypothesis strategy of its calls: what the generated comparison is made of.

A family of commands is a file here with a table `STRATEGIES` (the command's name as COMMAND LIST writes it, and how to
call it) and perhaps `EXCLUDED` (a name, and the reason why it is not generated). A command of respstore that is in
neither makes a test fail.
"""

from __future__ import annotations

from hypothesis import strategies as st

from compat.redis.strategies import (
    bitmaps,
    channels,
    cluster,
    connection,
    geo,
    hashes,
    hyperloglogs,
    keys,
    lists,
    server,
    sets,
    sorted_sets,
    sorting,
    streams,
    strings,
)
from compat.redis.strategies.pieces import Strategy, Words, junk

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
STRATEGIES: dict[str, Strategy] = {
    **DATA,
    **channels.STRATEGIES,
    **cluster.STRATEGIES,
    **connection.STRATEGIES,
    **server.STRATEGIES,
}
EXCLUDED: dict[str, str] = {**keys.EXCLUDED, **connection.EXCLUDED, **hyperloglogs.EXCLUDED, **server.EXCLUDED}

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
NOTHING: Strategy = st.just(())
CLIENTS = st.sampled_from(["A", "A", "A", "B", "B", "C"])

Step = tuple[str, list[Words]]
"""A client, and the commands that it sends in one piece."""


def examples(names: set[str]) -> st.SearchStrategy[list[Step]]:
    """Sequences of commands of several clients, out of the named commands."""
    data = sorted(names & set(DATA))
    others = sorted(names & set(STRATEGIES) - set(DATA))
    always = sorted(names & set(ALWAYS))
    handful = st.tuples(
        st.lists(st.sampled_from(data), min_size=4, max_size=10, unique=True),
        st.lists(st.sampled_from(others), max_size=2, unique=True),
    )
    return handful.flatmap(lambda chosen: _steps([*chosen[0] * 3, *chosen[1], *always]))


def _steps(names: list[str]) -> st.SearchStrategy[list[Step]]:
    """A nothing stands first: what an example does not need to fail shrinks to it."""
    calls = st.sampled_from([NOTHING, *(STRATEGIES[name] for name in names)]).flatmap(lambda chosen: chosen)
    mistaken_calls = st.builds(_mistaken, calls, MISTAKE)
    pipelines = st.lists(mistaken_calls, min_size=2, max_size=5)
    sent_at_once = st.one_of(*[mistaken_calls.map(lambda call: [call])] * 9, pipelines)
    steps = st.lists(st.tuples(CLIENTS, sent_at_once), min_size=20, max_size=50)
    return steps.map(_without_nothing)


def _without_nothing(steps: list[Step]) -> list[Step]:
    full = [(client, [call for call in calls if call]) for client, calls in steps]
    return _without_own_messages([(client, calls) for client, calls in full if calls])


def _without_own_messages(steps: list[Step]) -> list[Step]:
    """Nobody publishes who subscribes: within a transaction, that is a known difference."""
    subscribers = {client for client, calls in steps for call in calls if call[0] in channels.SUBSCRIBING}
    kept = [
        (client, [call for call in calls if call[0] not in channels.PUBLISHING or client not in subscribers])
        for client, calls in steps
    ]
    return [(client, calls) for client, calls in kept if calls]


# One call in twelve is not what its strategy made: an argument is missing, too many, or another.
MISTAKE = st.one_of(
    *[st.none()] * 11,
    st.tuples(st.sampled_from(["cut", "add", "replace"]), st.integers(1, 6), junk),
)


NEVER_MISTAKEN = (b"SPOP",)
"""Without its count it would draw, and the two servers' sets would differ from then on."""


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
        case _:
            return (*call[:place], *words, *call[place + 1 :]) if place else call
