"""What an example takes place in, beside its commands: settings, large keys, a listener, several databases, time.

A circumstance is what comes before the example's commands, commands that it brings along, steps that come in between,
and what ends it. Most examples have none or one, some have several.
"""

from __future__ import annotations

import attrs
from hypothesis import strategies as st

from compat.redis.strategies.pieces import (
    Part,
    Step,
    Strategy,
    command,
    database,
    key,
    one_of,
    value,
    word,
)

Steps = st.SearchStrategy[list[Step]]
NO_STEPS: Steps = st.just([])


@attrs.frozen(eq=False)
class Circumstance:
    """What an example may take place in.

    Attributes:
        before: the steps that come first.
        names: the commands that the example has, too.
        without: the commands that it does not have.
        between: steps that come now and then.
        after: the steps that come last.
    """

    before: Steps = NO_STEPS
    names: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    between: tuple[st.SearchStrategy[Step], ...] = ()
    after: tuple[Step, ...] = ()


def _step(client: str, *calls: Part) -> st.SearchStrategy[Step]:
    """Commands that a client sends in one piece."""
    return st.tuples(st.just(client), st.tuples(*map(command, calls)).map(list))


def _filling(name: str, key: str, elements: list[str]) -> Strategy:
    return command(f"{name} {key} {' '.join(elements)}")


# The sizes up to which Redis packs values, so small that a few elements pass them.
_sizes: dict[str, tuple[int, ...]] = {
    "hash-max-listpack-entries": (0, 1, 2, 3),
    "hash-max-listpack-value": (0, 1, 10),
    "set-max-intset-entries": (0, 1, 2, 3),
    "zset-max-listpack-entries": (0, 1, 2, 3),
    "zset-max-listpack-value": (0, 1, 10),
    "list-max-listpack-size": (1, 2, 3, -1, -5),
    "list-compress-depth": (0, 1, 2),
    "stream-node-max-entries": (0, 1, 2, 3),
    "stream-node-max-bytes": (0, 40, 100),
    "hll-sparse-max-bytes": (0, 10, 60),
}
_setting = one_of(command("CONFIG SET", name, word(*sizes)) for name, sizes in _sizes.items())
_classes = word("KEA", "KEA", "KEAmn", "Kg$l", "Eshz", "Kxet", "AKEnm", "m", "Em", "Kn")

_numbers = [str(number) for number in range(600)]
_fillings = one_of(
    [
        _filling("RPUSH", "l1", _numbers[:200]),
        _filling("RPUSH", "l2", ["x" * 900] * 20),
        _filling("HSET", "h1", [word for number in _numbers[:130] for word in (number, "v")]),
        _filling("HSET", "h2", ["f", "v" * 65]),
        _filling("ZADD", "z1", [word for number in _numbers[:140] for word in (str(int(number) % 9), f"m{number}")]),
        _filling("ZADD", "zl1", [word for number in _numbers[:140] for word in ("0", f"m{number}")]),
        _filling("ZADD", "z2", ["1", "x" * 65]),
        _filling("SADD", "m1", _numbers),
        _filling("SADD", "m2", [f"e{number}" for number in _numbers[:30]]),
        _filling("PFADD", "p1", [f"e{number}" for number in _numbers]),
        "SETRANGE s1 5000 x",
    ]
)
_entries = st.tuples(
    st.just("A"), st.just([(b"XADD", b"x1", b"5-%d" % number, b"f", b"v") for number in range(1, 120)])
)

# A key whose time is over that nobody has touched since; the server is asleep until that is so. No other client does
# this, for one in a transaction would put it off. (With 1 ms, a busy machine may find the time over at once.)
_expiring = one_of(
    [
        *[command("PEXPIRE", key, "10")] * 3,
        command("SET", key, value, "PX 10"),
        command("GETEX", key, "PX 10"),
    ]
)
_passing = _step("T", command("SELECT", one_of("0001")), _expiring, "DEBUG SLEEP 0.012")

LISTENER = "N"

CIRCUMSTANCES = (
    Circumstance(before=st.lists(_step("A", _setting), min_size=1, max_size=6)),
    Circumstance(before=st.lists(_step("A", _fillings) | _entries, min_size=1, max_size=3)),
    Circumstance(
        before=st.tuples(
            _step("A", command("CONFIG SET notify-keyspace-events", _classes)),
            _step(LISTENER, "PSUBSCRIBE __key*"),
        ).map(list),
        after=((LISTENER, [(b"PING",)]),),  # what it was told last comes before the answer
    ),
    Circumstance(
        before=st.lists(_step("B", command("SELECT", database)), max_size=1),
        names=("select", "select", "move", "copy", "swapdb", "flushdb"),
    ),
    Circumstance(
        names=("expire", "pexpire", "expireat", "pexpireat", "persist", "getex", "ttl", "dbsize"),
        without=("randomkey", "scan"),  # which keys they come upon, and so delete, is each server's own affair
        between=(_passing,),
    ),
)
