"""Commands on consumer groups of streams: https://redis.io/docs/latest/commands/xgroup/

Entries are given to consumers by XREADGROUP, in `stream_reads.py`. What these commands change is beside the data of the
stream: it breaks no WATCH.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import attrs

from respstore import errors
from respstore.commands.streams import as_stream, format_id
from respstore.engine.arguments import Words, integer, integer_between
from respstore.engine.command import command, container
from respstore.engine.help import help_lines
from respstore.engine.keyspecs import at, first
from respstore.engine.session import Session
from respstore.engine.stream_arguments import id_or_end, range_end, range_start, stream_id
from respstore.errors import RespError
from respstore.keyspace import Database, Value
from respstore.keyspace.stream import MIN_ID, Stream
from respstore.keyspace.stream_group import Consumer, Group, Pending
from respstore.keyspace.stream_node import Entry, StreamId, runs_of
from respstore.numbers import MAX_INTEGER
from respstore.protocol.replies import NULL_ARRAY, OK, StreamEntries

UNKNOWN_ENTRIES_READ: Final = -1
MOST_GROUP_OPTIONS: Final = 3
"""Words behind the id of XGROUP CREATE and SETID."""
DEFAULT_CLAIMS: Final = 100
"""How many entries XAUTOCLAIM answers, unless it is told."""
LOOKS_PER_CLAIM: Final = 10
"""How many pending entries XAUTOCLAIM looks at for one that it may answer; Redis has the same bound."""
MAX_CLAIMS: Final = MAX_INTEGER // 16
CLAIMS_IN_MEMORY: Final = 2**43
"""For so many, Redis would want more memory at once than there are addresses."""


def find_group(db: Database, key: bytes, value: Value | None, name: bytes) -> tuple[Stream, Group]:
    """The stream that was found at a key of a database, and its group of that name.

    Raises:
        RespError: there is no such stream or group.
    """
    stream = as_stream(db, value)
    group = None if stream is None else stream.groups.get(name)
    if stream is None or group is None:
        raise errors.no_such_group(key, name)
    return stream, group


def see_consumer(db: Database, key: bytes, group: Group, name: bytes) -> Consumer:
    """The consumer of that name, which is made if there is none, and has been seen now."""
    now = db.keyspace.now
    consumer = group.consumers.get(name)
    if consumer is None:
        consumer = group.consumers[name] = Consumer(name, now)
        db.noted(key, "xgroup-createconsumer")
    consumer.seen = now
    return consumer


# Groups and consumers

XGROUP: Final = container("xgroup", summary="Manage the consumer groups of a stream.", group="stream", since="5.0.0")


@command(
    'xgroup|create key groupname id=(id | new_id="$") [MKSTREAM] [ENTRIESREAD entries_read:integer]',
    group="stream",
    since="5.0.0",
    flags="write denyoom",
    keys=at(2, "RW insert"),
    complexity="O(1)",
)
def xgroup_create(session: Session, key: bytes, groupname: bytes, id_: bytes, *options: bytes) -> str:
    """Make a group, which will get the entries behind an id."""
    entries_read, may_create = _parse_group_options(options, takes_mkstream=True)
    db = session.db
    stream = as_stream(db, db.get(key))
    if stream is None and not may_create:
        raise RespError(errors.XGROUP_WITHOUT_KEY)
    _check_count(options)
    last_id = _last_id(stream, id_, stream_id)
    if stream is None:
        stream = Stream()
        db.put(key, stream, "xgroup-create")
    elif groupname in stream.groups:
        raise RespError(errors.GROUP_EXISTS)
    else:
        db.noted(key, "xgroup-create")
    stream.groups[groupname] = Group(last_id, entries_read)
    return OK


@command(
    'xgroup|setid key groupname id=(id | new_id="$") [ENTRIESREAD entries_read:integer]',
    group="stream",
    since="5.0.0",
    flags="write",
    keys=at(2, "RW update"),
    complexity="O(1)",
)
def xgroup_setid(session: Session, key: bytes, groupname: bytes, id_: bytes, *options: bytes) -> str:
    """Let a group go on behind another id."""
    entries_read, _ = _parse_group_options(options, takes_mkstream=False)
    stream, group = _find_to_change(session.db, key, groupname)
    _check_count(options)
    group.last_id = _last_id(stream, id_, id_or_end)
    group.entries_read = entries_read
    session.db.noted(key, "xgroup-setid")
    return OK


@command(
    "xgroup|destroy key groupname",
    group="stream",
    since="5.0.0",
    flags="write",
    keys=at(2, "RW delete"),
    complexity="O(N) in the number of pending entries",
)
def xgroup_destroy(session: Session, key: bytes, groupname: bytes) -> int:
    """Remove a group with all that its consumers have."""
    db = session.db
    stream = as_stream(db, db.get(key))
    if stream is None:
        raise RespError(errors.XGROUP_WITHOUT_KEY)
    if stream.groups.pop(groupname, None) is None:
        return 0
    db.noted(key, "xgroup-destroy")
    stream.announced += 1
    session.engine.waiting.notice(db, key)
    return 1


@command(
    "xgroup|createconsumer key groupname consumername",
    group="stream",
    since="6.2.0",
    flags="write denyoom",
    keys=at(2, "RW insert"),
    complexity="O(1)",
)
def xgroup_createconsumer(session: Session, key: bytes, groupname: bytes, consumername: bytes) -> int:
    """Make a consumer of a group, unless there is one of that name."""
    _, group = _find_to_change(session.db, key, groupname)
    if consumername in group.consumers:
        return 0
    see_consumer(session.db, key, group, consumername)
    return 1


@command(
    "xgroup|delconsumer key groupname consumername",
    group="stream",
    since="5.0.0",
    flags="write",
    keys=at(2, "RW delete"),
    complexity="O(N) in the number of entries that it has",
)
def xgroup_delconsumer(session: Session, key: bytes, groupname: bytes, consumername: bytes) -> int:
    """Remove a consumer from a group, and answer how many entries it had not acknowledged."""
    _, group = _find_to_change(session.db, key, groupname)
    if consumername not in group.consumers:
        return 0
    session.db.noted(key, "xgroup-delconsumer")
    return group.remove_consumer(consumername)


@command("xgroup|help", group="stream", since="5.0.0", flags="loading stale", complexity="O(1)")
def xgroup_help(session: Session) -> list[str]:
    """Describe the subcommands of XGROUP."""
    return help_lines(session.engine.originals[b"xgroup"].command)


def _parse_group_options(options: Sequence[bytes], *, takes_mkstream: bool) -> tuple[int | None, bool]:
    """Read `[MKSTREAM] [ENTRIESREAD n]`: how many were read, None if unknown, and whether to make the stream."""
    entries_read: int | None = None
    may_create = False
    words = iter(options)
    for word in words:
        if takes_mkstream and word.upper() == b"MKSTREAM":
            may_create = True
        elif word.upper() == b"ENTRIESREAD" and (number := next(words, None)) is not None:
            given = integer(number)
            if given < UNKNOWN_ENTRIES_READ:
                raise RespError(errors.ENTRIES_READ_NEGATIVE)
            entries_read = None if given == UNKNOWN_ENTRIES_READ else given
        else:
            raise errors.wrong_subcommand_or_arguments("xgroup")
    return entries_read, may_create


def _check_count(options: Sequence[bytes]) -> None:
    """Refuse options that are repeated, though each is right: Redis counts them, after it has looked for the key."""
    if len(options) > MOST_GROUP_OPTIONS:
        raise errors.wrong_subcommand_or_arguments("xgroup")


def _find_to_change(db: Database, key: bytes, name: bytes) -> tuple[Stream, Group]:
    """As `find_group`, with the errors of XGROUP."""
    stream = as_stream(db, db.get(key))
    if stream is None:
        raise RespError(errors.XGROUP_WITHOUT_KEY)
    group = stream.groups.get(name)
    if group is None:
        raise errors.no_such_group_of_key(key, name)
    return stream, group


def _last_id(stream: Stream | None, arg: bytes, parse: Callable[[bytes], StreamId]) -> StreamId:
    if arg == b"$":
        return MIN_ID if stream is None else stream.last_id
    return parse(arg)


# What is pending


@command(
    "xack key group id...",
    group="stream",
    since="5.0.0",
    flags="write fast",
    keys=first("RW update"),
    complexity="O(1) per id",
)
def xack(session: Session, key: bytes, group: bytes, id_: bytes, *more: bytes) -> int:
    """Acknowledge entries, which are pending no more; answer how many were."""
    db = session.db
    stream = as_stream(db, db.read(key))
    found = None if stream is None else stream.groups.get(group)
    if found is None:
        return 0
    acknowledged = sum([found.settle(each) for each in [stream_id(arg) for arg in (id_, *more)]])
    db.noted(key, "", acknowledged)
    return acknowledged


@command(
    "xpending key group filters=[[IDLE min-idle-time:integer]@6.2.0 start end count [consumer]]",
    group="stream",
    since="5.0.0",
    flags="readonly",
    keys=first("RO access"),
    tips="nondeterministic_output",
    complexity="O(N) in the number of entries returned, or of consumers",
)
def xpending(session: Session, key: bytes, group: bytes, *filters: bytes) -> list[Any]:
    """Sum up what is pending in a group, or list it."""
    if not filters:
        return _summary(find_group(session.db, key, session.db.read(key), group)[1])
    if not 3 <= len(filters) <= 6:
        raise RespError(errors.SYNTAX)
    least_idle = 0
    if filters[0].upper() == b"IDLE":
        least_idle = integer(filters[1])
        if len(filters) < 5:
            raise RespError(errors.SYNTAX)
        filters = filters[2:]
    count = integer(filters[2])
    start, end = range_start(filters[0]), range_end(filters[1])
    _, found = find_group(session.db, key, session.db.read(key), group)
    pending = found.pending
    if len(filters) > 3:
        consumer = found.consumers.get(filters[3])
        if consumer is None:
            return []
        pending = found.pending_of(consumer)
    now = session.db.keyspace.now
    listed: list[Any] = []
    if count > 0:
        for id_, each in pending.items(start, end):
            idle = now - each.delivered
            if not least_idle or idle >= least_idle:
                listed.append([format_id(id_), each.consumer.name, max(idle, 0), each.deliveries])
                if len(listed) == count:
                    break
    return listed


def _summary(group: Group) -> list[Any]:
    if not group.pending:
        return [0, None, None, NULL_ARRAY]
    first_id, last_id = group.pending.ends()
    consumers = [[name, b"%d" % consumer.has] for name, consumer in sorted(group.consumers.items()) if consumer.has]
    return [len(group.pending), format_id(first_id), format_id(last_id), consumers]


# Claiming


@attrs.define
class _Claim:
    """What XCLAIM does with an entry.

    Attributes:
        consumer: the name of who has it then; a consumer that gets nothing is not made, nor seen.
        least_idle: how long it must have been pending, in ms.
        delivered: when it counts as delivered, in wall-clock ms.
        deliveries: how often it counts as delivered; None to count up.
        force: whether it need not be pending.
        ids_only: whether only its id is answered; then nothing is counted up.
        last_id: the group's last id, if that is smaller.
    """

    consumer: bytes
    least_idle: int
    delivered: int
    deliveries: int | None = None
    force: bool = False
    ids_only: bool = False
    last_id: StreamId = MIN_ID


@command(
    "xclaim key group consumer min-idle-time id... [IDLE ms:integer] [TIME unix-time-milliseconds] [RETRYCOUNT count] "
    "[FORCE] [JUSTID] [LASTID id]",
    group="stream",
    since="5.0.0",
    flags="write fast",
    keys=first("RW update"),
    tips="nondeterministic_output",
    complexity="O(log(N)), N the number of pending entries",
)
def xclaim(
    session: Session, key: bytes, group: bytes, consumer: bytes, min_idle_time: bytes, id_: bytes, *more: bytes
) -> Any:
    """Let a consumer have entries that another one does not acknowledge."""
    db = session.db
    stream, found = find_group(db, key, db.read(key), group)
    least_idle = integer(min_idle_time, errors.XCLAIM_MIN_IDLE)
    ids, options = _leading_ids((id_, *more))
    claim = _parse_claim(options, _Claim(consumer, max(least_idle, 0), db.keyspace.now))
    if claim.last_id > found.last_id:
        found.last_id = claim.last_id
        if db.propagates:
            propagate_position(db, key, group, found)
    claimed: list[Entry] = []
    for each in ids:
        entry = stream.get(each)
        if entry is None:  # what is not in the stream any more is not pending either
            _drop(db, key, group, found, each)
        elif _claim(db, key, group, found, each, claim):
            claimed.append(entry)
    return _claimed(claimed, ids_only=claim.ids_only)


def _leading_ids(args: Sequence[bytes]) -> tuple[list[StreamId], Sequence[bytes]]:
    """The ids that stand first, and the rest."""
    ids: list[StreamId] = []
    for place, arg in enumerate(args):
        try:
            ids.append(stream_id(arg))
        except RespError:
            return ids, args[place:]
    return ids, ()


def _parse_claim(options: Iterable[bytes], claim: _Claim) -> _Claim:
    """Put the options into a claim of now."""
    now = claim.delivered
    words = iter(options)
    for word in words:
        match word.upper():
            case b"FORCE":
                claim.force = True
                continue
            case b"JUSTID":
                claim.ids_only = True
                continue
        argument = next(words, None)
        match None if argument is None else word.upper(), argument:
            case b"IDLE", bytes(argument):
                claim.delivered = now - integer(argument, errors.XCLAIM_IDLE)
            case b"TIME", bytes(argument):
                claim.delivered = integer(argument, errors.XCLAIM_TIME)
            case b"RETRYCOUNT", bytes(argument):
                deliveries = integer(argument, errors.XCLAIM_RETRYCOUNT)
                claim.deliveries = deliveries if deliveries >= 0 else None
            case b"LASTID", bytes(argument):
                claim.last_id = stream_id(argument)
            case _:
                raise errors.unknown_claim_option(word)
    if not 0 <= claim.delivered <= now:  # clients reckon by clocks of their own
        claim.delivered = now
    return claim


def _drop(db: Database, key: bytes, name: bytes, group: Group, id_: StreamId) -> None:
    """Forget a pending entry, if it is one, for it is not in the stream any more."""
    pending = group.pending.get(id_)
    if pending is not None:
        group.settle(id_)
        db.keyspace.changes += 1
        propagate_claim(db, key, name, id_, pending, group.last_id)  # a claim of what is not there does the same


def _claim(db: Database, key: bytes, name: bytes, group: Group, id_: StreamId, claim: _Claim) -> bool:
    """Hand over one entry of the stream, if it may be; whether it was."""
    pending = group.pending.get(id_)
    if pending is None and not claim.force:
        return False
    if pending is not None and claim.least_idle and db.keyspace.now - pending.delivered < claim.least_idle:
        return False
    deliveries = claim.deliveries
    if deliveries is None:
        deliveries = (1 if pending is None else pending.deliveries) + (not claim.ids_only)
    given = Pending(see_consumer(db, key, group, claim.consumer), claim.delivered, deliveries)
    group.give(id_, given)
    db.keyspace.changes += 1
    propagate_claim(db, key, name, id_, given, group.last_id)
    return True


def propagate_claim(db: Database, key: bytes, group: bytes, id_: StreamId, pending: Pending, last_id: StreamId) -> None:
    """Say that an entry is pending so; `last_id` is the group's."""
    if db.propagates:
        delivered, deliveries = b"%d" % pending.delivered, b"%d" % pending.deliveries
        what = b"XCLAIM", key, group, pending.consumer.name, b"0", format_id(id_)
        how = b"TIME", delivered, b"RETRYCOUNT", deliveries, b"FORCE", b"JUSTID", b"LASTID", format_id(last_id)
        db.propagate(*what, *how)


def propagate_position(db: Database, key: bytes, name: bytes, group: Group) -> None:
    """Say where a group stands."""
    read = UNKNOWN_ENTRIES_READ if group.entries_read is None else group.entries_read
    db.propagate(b"XGROUP", b"SETID", key, name, format_id(group.last_id), b"ENTRIESREAD", b"%d" % read)


def _claimed(entries: Sequence[Entry], *, ids_only: bool) -> Any:
    return [format_id(entry[0]) for entry in entries] if ids_only else StreamEntries(runs_of(entries))


@command(
    "xautoclaim key group consumer min-idle-time start [COUNT count] [JUSTID]",
    group="stream",
    since="6.2.0",
    flags="write fast",
    keys=first("RW delete"),
    tips="nondeterministic_output",
    complexity="O(COUNT)",
)
def xautoclaim(
    session: Session, key: bytes, group: bytes, consumer: bytes, min_idle_time: bytes, start: bytes, *options: bytes
) -> list[Any]:
    """Let a consumer have those pending entries, from an id on, that others have had for long without a word."""
    db = session.db
    value = db.read(key)  # first of all, as in Redis: whatever else is wrong, keyspace events tell of a missing key
    least_idle = max(integer(min_idle_time, errors.XAUTOCLAIM_MIN_IDLE), 0)
    position = range_start(start)
    count, ids_only = DEFAULT_CLAIMS, False
    words = Words(options)
    for word in words:
        match word.upper():
            case b"COUNT":
                count = integer_between(words.argument(), 1, MAX_CLAIMS, errors.COUNT_NOT_ABOVE_ZERO)
            case b"JUSTID":
                ids_only = True
            case _:
                raise RespError(errors.SYNTAX)
    stream, found = find_group(db, key, value, group)
    if count >= CLAIMS_IN_MEMORY:
        raise RespError(errors.XAUTOCLAIM_MEMORY)
    claim = _Claim(consumer, least_idle, db.keyspace.now, ids_only=ids_only)
    claimed: list[Entry] = []
    deleted: list[bytes] = []
    next_start = MIN_ID
    for looks, (id_, _) in enumerate(found.pending.items(position)):
        if looks == count * LOOKS_PER_CLAIM or len(claimed) + len(deleted) == count:
            next_start = id_
            break
        entry = stream.get(id_)
        if entry is None:
            _drop(db, key, group, found, id_)
            deleted.append(format_id(id_))
        elif _claim(db, key, group, found, id_, claim):
            claimed.append(entry)
    return [format_id(next_start), _claimed(claimed, ids_only=ids_only), deleted]
