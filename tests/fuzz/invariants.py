"""What is true of an engine between any two turns: its parts agree with each other.

`check_engine` looks at everything that several parts know: keys and their times, who waits and who is queued, who
observes what, what a gate says and what it stands for.
"""

from collections import Counter, deque
from collections.abc import Iterable, Mapping

from respstore.engine.barriers import read_counter
from respstore.engine.dispatch import MULTI, MUTED, PARKED, RELEASED, SUBSCRIBED, TRACKING
from respstore.engine.engine import Engine
from respstore.engine.session import Session
from respstore.engine.tcpstore_session import TCPStoreSession
from respstore.keyspace import Database, Hash, Set
from respstore.keyspace.containers import are_integers
from respstore.keyspace.database import TYPE_NAMES
from respstore.keyspace.key_order import KeyOrder
from respstore.keyspace.list import LongList
from respstore.keyspace.notifying import TellingDatabase
from tests.fuzz.target import Failure


def expect(condition: object, invariant: str, *details: object) -> None:
    """Raises Failure if an invariant does not hold."""
    if not condition:
        raise Failure("\n".join([invariant, *map(repr, details)]))


def check_engine(engine: Engine, sent: int) -> None:
    """Check all that may be checked between two turns.

    Args:
        engine: which.
        sent: how many bytes its clients sent up to now.

    Raises:
        Failure: it does not hold.
    """
    for db in engine.keyspace.databases:
        _check_database(db)
    for session in engine.sessions.values():
        _check_session(engine, session)
    _check_waiting(engine)
    _check_barriers(engine)
    _check_channels(engine)
    _check_trackers(engine)
    _check_observers(engine)
    expect(not engine.resumed, "somebody is resumed only after the turn", engine.resumed)
    held = sum(session.unread() for session in engine.sessions.values())
    expect(held <= sent, "more is held than was sent", held, sent)


def check_nothing_left(engine: Engine) -> None:
    """Check that an engine whose clients are gone knows nothing of them.

    Raises:
        Failure: it does.
    """
    waiting = engine.waiting
    expect(not engine.sessions, "a client that is gone is listed", engine.sessions)
    expect(not len(waiting), "a client that is gone waits")
    expect(not waiting._queues, "a key has a queue without clients", waiting._queues)
    expect(not waiting.barriers, "a barrier has nobody who waits", waiting.barriers)
    expect(not waiting.counters, "a counter has nobody who waits", waiting.counters)
    expect(not waiting.promised, "an item is promised to somebody who is gone", waiting.promised)
    expect(not engine.postponed, "a client that is gone is postponed", engine.postponed)
    expect(not engine.channels.channels, "a channel has no listeners", engine.channels.channels)
    expect(not engine.channels.patterns, "a pattern has no listeners", engine.channels.patterns)
    expect(not engine.channels.shard_channels, "a shard channel has no listeners", engine.channels.shard_channels)
    trackers = engine.trackers
    expect(not trackers.sessions, "a client that is gone tracks", trackers.sessions)
    expect(not trackers.keys, "keys are remembered for nobody", trackers.keys)
    expect(not trackers.prefixes, "a prefix has no audience", trackers.prefixes)
    expect(not trackers._lapsed, "a client that is gone may track again", trackers._lapsed)
    expect(not trackers._indebted, "a client that is gone is to be told something", trackers._indebted)
    for db in engine.keyspace.databases:
        expect(not db.observed, "somebody who is gone observes a key", db.observed)
        expect(not isinstance(db, TellingDatabase), "a database tells nobody of its changes", db.index)


def _check_database(db: Database) -> None:
    data, expires = db.data, db.expires
    expect(expires.keys() <= data.keys(), "a key that is not there has a time to live", expires.keys() - data.keys())
    for key, value in data.items():
        expect(type(key) is bytes, "a key is no bytes", key)
        expect(type(value) in TYPE_NAMES, "a value is of a strange type", key, value)
        if isinstance(value, deque | LongList):
            expect(value, "an empty list is a key", key)
            expect(set(map(type, value)) == {bytes}, "an element of a list is no bytes", key, value)
        if isinstance(value, Hash | Set):
            _check_container(value)
        if type(value) is int:
            expect(-(2**63) <= value < 2**63, "a number has more than 64 bits", key, value)
    deadlines = set(db._deadlines)
    expect(
        all((deadline, key) in deadlines for key, deadline in expires.items()),
        "a time to live is not in the heap",
        expires,
    )
    _check_order(db._order, data)


def _check_container(value: Hash | Set) -> None:
    expect(value, "an empty hash or set is a key")
    expect({*map(type, value), *map(type, value.values())} <= {bytes, type(None)}, "a member is no bytes", value)
    if isinstance(value, Set):
        expect(value.is_table or are_integers(value), "an intset holds what is no number", value)
    _check_order(value.order, value)


def _check_order(keys: KeyOrder | None, data: Mapping[bytes, object]) -> None:
    if keys is not None:
        order = [key for index, key in enumerate(keys._entries) if keys._stale.get(key, index) == index]
        expect(order == list(data), "an order of keys is not that of the dictionary", order, list(data))


def _check_session(engine: Engine, session: Session) -> None:
    who = session.describe()
    expect(not session.is_closing, "a client that is being closed is listed", who)
    expect(not session.gate & RELEASED, "a client is released but does not go on", who)
    expect(bool(session.gate & MULTI) == (session.transaction is not None), "MULTI and its gate differ", who)
    expect(bool(session.gate & MUTED) == (session.muted is not None), "CLIENT REPLY and its gate differ", who)
    parked = session in engine.waiting._sessions
    expect(not (parked and session in engine.postponed), "a client waits and is postponed, too", who)
    expect(
        bool(session.gate & PARKED) == (parked or session in engine.postponed), "a client is lost while it waits", who
    )
    if not session.gate & PARKED:
        expect(not session._backlog, "a request is forgotten", who, session._backlog)


def _check_waiting(engine: Engine) -> None:
    waiting = engine.waiting
    expect(not waiting.ready, "a key is ready but nobody was served", waiting.ready)
    queued = {(session, db, key) for (db, key), queue in waiting._queues.items() for session in queue}
    by_key = {session: wait for session, wait in waiting.waits() if wait.park.arrival is None and wait.park.keys}
    wanted = {(session, wait.db, key) for session, wait in by_key.items() for key in wait.park.keys}
    expect(queued <= wanted, "a client stands in a queue and does not wait for its key", queued - wanted)
    expect({session for session, _, _ in queued} == by_key.keys(), "a client waits for no key", by_key)
    expect(all(waiting._queues.values()), "a key has a queue without clients", waiting._queues)
    for session, wait in waiting.waits():
        expect(engine.sessions.get(session.id) is session, "a client that is gone waits", session.describe())
        expect(wait.db is session.db, "a client waits in a database that it does not use", session.describe())
    for session, db, key in queued:
        value = db.get(key)
        takes_lists = session.last is not None and session.last.command.group == "list"
        if isinstance(value, deque | LongList) and takes_lists:
            has_others = len(value) <= waiting.promised.get((db, key), 0)
            expect(has_others, "a client waits for a list that is there", session.describe(), key)
    promised = Counter((client.db, client._promised) for client in engine.sessions.values() if _is_promised(client))
    expect(promised == waiting.promised, "items are promised to nobody", waiting.promised, promised)


def _is_promised(session: Session) -> bool:
    return isinstance(session, TCPStoreSession) and session._promised is not None


def _check_channels(engine: Engine) -> None:
    listeners = {(session, name) for name, sessions in engine.channels.channels.items() for session in sessions}
    listeners |= {(session, name) for name, (_, sessions) in engine.channels.patterns.items() for session in sessions}
    shards = {(session, name) for name, sessions in engine.channels.shard_channels.items() for session in sessions}
    in_shards = set()
    subscribed = set()
    for session in engine.sessions.values():
        subscriptions, who = session.subscriptions, session.describe()
        expect(subscriptions is None or subscriptions, "a client listens to nothing", who)
        if subscriptions is not None:
            subscribed |= {(session, name) for name in (*subscriptions.channels, *subscriptions.patterns)}
            in_shards |= {(session, name) for name in subscriptions.shard_channels}
        limited = subscriptions is not None and session.protocol == 2
        expect(bool(session.gate & SUBSCRIBED) == limited, "a subscription and its gate differ", who)
    expect(listeners == subscribed, "channels and clients do not agree on who listens", listeners ^ subscribed)
    expect(shards == in_shards, "shard channels and clients do not agree on who listens", shards ^ in_shards)


def _check_trackers(engine: Engine) -> None:
    trackers = engine.trackers
    expect(trackers.current is None, "a client's command is over, but not for the trackers", trackers.current)
    tracking = {session: session.tracking for session in engine.sessions.values() if session.tracking is not None}
    expect(trackers.sessions == tracking, "clients and trackers do not agree on who tracks", trackers.sessions)
    for session in engine.sessions.values():
        expect(bool(session.gate & TRACKING) == (session in tracking), "tracking and its gate differ")
    prefixes = {(session, prefix) for session, how in tracking.items() for prefix in how.prefixes}
    audiences = {(session, prefix) for prefix, audience in trackers.prefixes.items() for session in audience.sessions}
    expect(prefixes == audiences, "prefixes and clients do not agree on who is told", prefixes ^ audiences)


def _check_barriers(engine: Engine) -> None:
    arrivals: set[object] = set()
    for (db, name), barrier in engine.waiting.barriers.items():
        expect((barrier.db, barrier.name) == (db, name), "a barrier is where it does not belong", name, barrier.name)
        expect(0 < len(barrier.arrivals) < barrier.parties, "a barrier is empty, or full", name, barrier.arrivals)
        expect(read_counter(db, name) in (None, barrier.epoch), "a barrier is not at the epoch of its key", name)
        expect(not barrier.gave_up.keys() & barrier.arrivals.keys(), "who gave up is there", name, barrier.gave_up)
        for member, arrival in barrier.arrivals.items():
            expect(arrival.member == member and arrival.barrier is barrier, "a member is another", member)
            expect(arrival.epoch in (None, barrier.epoch), "a member waits for another epoch", member, arrival.epoch)
            arrivals.add(arrival)
    for (db, name), counter in engine.waiting.counters.items():
        expect((counter.db, counter.name) == (db, name), "a counter is where it does not belong", name, counter.name)
        expect(counter.arrivals, "a counter has nobody who waits", name)
        count = counter.count()
        enough = count is not None and any(arrival.parties <= count for arrival in counter.arrivals.values())
        expect(not enough, "a client waits though there are enough", name, count)
        arrivals |= set(counter.arrivals.values())
    parked = {wait.park.arrival for _, wait in engine.waiting.waits() if wait.park.arrival is not None}
    expect(arrivals == parked, "those who wait at barriers and those who have arrived there differ", arrivals ^ parked)


def _check_observers(engine: Engine) -> None:
    expected = {*engine.waiting._queues, *engine.waiting.barriers, *engine.waiting.counters}
    for session in engine.sessions.values():
        expected |= set(_watched(session))
    observed = {(db, key) for db in engine.keyspace.databases for key in db.observed}
    expect(observed == expected, "observed keys are not those that somebody waits for or watches", observed ^ expected)


def _watched(session: Session) -> Iterable[tuple[Database, bytes]]:
    return () if session.watch is None else session.watch._keys
