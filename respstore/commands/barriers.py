"""Commands for barriers, at which clients wait for one another; engine/barriers.py says how they work."""

from typing import Any, Final

from respstore import own_errors
from respstore.engine.arguments import Words, integer_between, timeout_seconds
from respstore.engine.barriers import arrive, find, read_counter
from respstore.engine.command import command
from respstore.engine.counters import Counter
from respstore.engine.keyspecs import first
from respstore.engine.session import Session
from respstore.keyspace.glob import compile_glob
from respstore.numbers import MAX_INTEGER
from respstore.wording import member_name

MAX_PARTIES: Final = 1_000_000


@command(
    "barrier name:key parties:integer [MEMBER id] [EPOCH n:integer] [TIMEOUT seconds:double]",
    group="coordination",
    since="0.1.0",
    flags="write denyoom blocking",
    keys=first("RW access update"),
    complexity="O(1), and O(N) in the number of parties for the last of them",
)
def barrier(session: Session, name: bytes, parties: bytes, *options: bytes) -> Any:
    """Wait until the given number of clients have come, release all at once, and answer the epoch and one's index.

    With MEMBER, who comes again takes its own old place; with EPOCH, who comes late is told so. The key counts how
    often the barrier has been passed.
    """
    count = integer_between(parties, 1, MAX_PARTIES, own_errors.PARTIES_OUT_OF_RANGE)
    given: dict[str, Any] = {}
    words = Words(options)
    for word in words:
        match word.upper():
            case b"MEMBER" if "member" not in given:
                given["member"] = words.argument()
            case b"EPOCH" if "epoch" not in given:  # one that could not be counted up any more is none
                given["epoch"] = integer_between(words.argument(), 0, MAX_INTEGER - 1, own_errors.EPOCH_OUT_OF_RANGE)
            case b"TIMEOUT" if "timeout" not in given:
                given["timeout"] = timeout_seconds(words.argument())
            case _:
                raise own_errors.barrier_option(word)
    return arrive(session, name, count, **given)


@command(
    "barrierinfo name:key",
    group="coordination",
    since="0.1.0",
    flags="readonly",
    keys=first("RO access"),
    tips="nondeterministic_output",
    complexity="O(N) in the number of parties",
)
def barrierinfo(session: Session, name: bytes) -> dict[bytes, Any] | None:
    """Describe a barrier: who waits there, since when, and who is missing.

    `missing` is null where members are not numbered from 0; `waiting_s` is how long the first has waited, in seconds.
    `gave_up` are members that were there in this epoch until their own time was over. A barrier of torch clients is at
    epoch 0 as long as somebody waits; who gave up there has arrived, but is no member.
    """
    room = session.engine.waiting
    barrier = find(room, session.db, name)
    counter = room.counters.get((session.db, name))
    if barrier is None and counter is not None:
        return _describe_counter(session, counter)
    if barrier is None:
        epoch = read_counter(session.db, name)
        parties = waiting = missing = None
        members: list[bytes] = []
        clients: list[int] = []
        gave_up: list[bytes] = []
    else:
        epoch, parties, missing = barrier.epoch, barrier.parties, barrier.missing()
        arrivals = list(barrier.arrivals.values())
        waiting = round(session.engine.system.monotonic() - arrivals[0].arrived, 3)
        members = [member_name(arrival.member) for arrival in arrivals]
        clients = [arrival.session.id for arrival in arrivals]
        gave_up = [member_name(member) for member in barrier.gave_up]
    if epoch is None:
        return None
    return {
        b"epoch": epoch,
        b"parties": parties,
        b"arrived": len(members),
        b"members": members,
        b"missing": missing,
        b"waiting_s": waiting,
        b"clients": clients,
        b"gave_up": gave_up,
    }


def _describe_counter(session: Session, counter: Counter) -> dict[bytes, Any]:
    arrivals = list(counter.arrivals.values())
    return {
        b"epoch": 0,
        b"parties": max(arrival.parties for arrival in arrivals),
        b"arrived": counter.count(),
        b"members": [member_name(arrival.member) for arrival in arrivals],
        b"missing": None,
        b"waiting_s": round(session.engine.system.monotonic() - arrivals[0].arrived, 3),
        b"clients": [arrival.session.id for arrival in arrivals],
        b"gave_up": [],
    }


@command(
    "barrierlist [pattern]",
    group="coordination",
    since="0.1.0",
    flags="readonly",
    tips="nondeterministic_output_order",
    complexity="O(N) in the number of barriers at which somebody waits",
)
def barrierlist(session: Session, pattern: bytes = b"*") -> list[bytes]:
    """Name the barriers at which somebody waits now, or those whose name matches a pattern."""
    matches = compile_glob(pattern)
    room = session.engine.waiting
    return [name for db, name in dict.fromkeys((*room.barriers, *room.counters)) if db is session.db and matches(name)]


@command(
    "barrierreset name:key [reason]",
    group="coordination",
    since="0.1.0",
    flags="",
    keys=first("RW update"),
    complexity="O(N) in the number of clients that wait",
)
def barrierreset(session: Session, name: bytes, reason: bytes = b"") -> int:
    """Send all who wait at a barrier away with an error, and answer how many they were; the counter stays."""
    room, place, error = session.engine.waiting, (session.db, name), own_errors.barrier_reset(name, reason)
    barrier, counter = room.barriers.get(place), room.counters.get(place)
    ended = 0 if barrier is None else barrier.end(error)
    return ended if counter is None else ended + counter.end(error)
