"""Commands on keys, whatever they hold: https://redis.io/docs/latest/commands/?group=generic

Times to live have a file of their own, `expiry.py`.
"""

from copy import copy as shallow_copy
from typing import Final

from respstore import errors
from respstore.engine.arguments import Words, cursor, database_number, find_database, scan_options
from respstore.engine.command import command, container
from respstore.engine.help import help_lines
from respstore.engine.keyspecs import at, first, span
from respstore.engine.session import Session
from respstore.errors import RespError
from respstore.keyspace import Database, Value
from respstore.keyspace.database import TYPE_NAMES
from respstore.keyspace.encodings import encoding_of, refcount_of
from respstore.keyspace.glob import compile_glob
from respstore.keyspace.usage import CountedKeys, TimedKeys, UsedKeys
from respstore.protocol.replies import OK

# Being there


@command(
    "del key...",
    group="generic",
    since="1.0.0",
    flags="write",
    keys=span("RM delete"),
    tips="request_policy:multi_shard response_policy:agg_sum",
    complexity="O(N), N the number of keys and of the elements in them",
)
def del_(session: Session, key: bytes, *more: bytes) -> int:
    """Delete keys and answer how many there were."""
    return sum([session.db.delete(name) for name in (key, *more)])


@command(
    "unlink key...",
    group="generic",
    since="4.0.0",
    flags="write fast",
    keys=span("RM delete"),
    tips="request_policy:multi_shard response_policy:agg_sum",
    complexity="O(N), N the number of keys and of the elements in them",
)
def unlink(session: Session, key: bytes, *more: bytes) -> int:
    """Delete keys, as DEL does."""
    return del_(session, key, *more)


@command(
    "exists key...",
    group="generic",
    since="1.0.0",
    flags="readonly fast",
    keys=span("RO"),
    tips="request_policy:multi_shard response_policy:agg_sum",
    complexity="O(N) in the number of keys",
)
def exists(session: Session, key: bytes, *more: bytes) -> int:
    """Count which of the keys exist; one that is named twice counts twice."""
    look = session.db.look
    found = look(key) is not None
    return found + sum([look(name) is not None for name in more]) if more else int(found)


@command(
    "touch key...",
    group="generic",
    since="3.2.1",
    flags="readonly fast",
    keys=span("RO"),
    tips="request_policy:multi_shard response_policy:agg_sum",
    complexity="O(N) in the number of keys",
)
def touch(session: Session, key: bytes, *more: bytes) -> int:
    """Count which of the keys exist, as a use of them."""
    return sum([session.db.read(name) is not None for name in (key, *more)])


@command("type key", group="generic", since="1.0.0", flags="readonly fast", keys=first("RO"), complexity="O(1)")
def type_(session: Session, key: bytes) -> str:
    """Tell what kind of value a key holds."""
    return _type_name(session.db.look(key))


def _type_name(value: Value | None) -> str:
    return "none" if value is None else TYPE_NAMES[type(value)]


# Finding keys


@command(
    "keys pattern",
    group="generic",
    since="1.0.0",
    flags="readonly",
    categories="keyspace dangerous",
    tips="request_policy:all_shards nondeterministic_output_order",
    complexity="O(N) in the number of keys in the database",
)
def keys(session: Session, pattern: bytes) -> list[bytes]:
    """List all keys that match a glob pattern."""
    return list(filter(compile_glob(pattern), session.db.keys()))


@command(
    "scan cursor [MATCH pattern] [COUNT count] [TYPE type]@6.0.0",
    group="generic",
    since="2.8.0",
    flags="readonly",
    tips="nondeterministic_output request_policy:special",
    complexity="O(COUNT) for each call, O(N) in the number of keys for a whole scan",
)
def scan(session: Session, cursor_: bytes, *options: bytes) -> list[bytes | list[bytes]]:
    """List the keys of a database, a part with each call."""
    position = cursor(cursor_)
    wanted = scan_options(options, takes_type=True)
    db = session.db
    position, found = db.scan(position, wanted.count)
    if wanted.matches is not None:
        found = list(filter(wanted.matches, found))
    if wanted.kind is not None:
        found = [key for key in found if _type_name(db.look(key)) == wanted.kind]
    elif db.expires:
        found = list(filter(db.is_live, found))
    return [b"%d" % position, found]


@command(
    "randomkey",
    group="generic",
    since="1.0.0",
    flags="readonly",
    tips="request_policy:all_shards nondeterministic_output",
    complexity="O(1)",
)
def randomkey(session: Session) -> bytes | None:
    """Draw a key of the database, each equally likely."""
    return session.db.random_key(session.engine.random)


# Names and databases


@command(
    "rename key newkey",
    group="generic",
    since="1.0.0",
    flags="write",
    keys=(first("RW access delete"), at(2, "OW update")),
    complexity="O(1), and O(N) in the number of elements that are overwritten",
)
def rename(session: Session, key: bytes, newkey: bytes) -> str:
    """Give a key a new name, and with it take the place of a key that has that name."""
    _rename(session.db, key, newkey, only_if_free=False)
    return OK


@command(
    "renamenx key newkey",
    group="generic",
    since="1.0.0",
    flags="write fast",
    keys=(first("RW access delete"), at(2, "OW insert")),
    complexity="O(1)",
)
def renamenx(session: Session, key: bytes, newkey: bytes) -> int:
    """Give a key a new name, unless a key has that name."""
    return int(_rename(session.db, key, newkey, only_if_free=True))


def _rename(db: Database, key: bytes, newkey: bytes, *, only_if_free: bool) -> bool:
    if db.get(key) is None:
        raise RespError(errors.NO_SUCH_KEY)
    is_free = db.get(newkey) is None
    if key == newkey or (only_if_free and not is_free):
        return False
    _carry(db, key, db, newkey, "rename")
    return True


def _carry(source: Database, key: bytes, destination: Database, newkey: bytes, verb: str) -> None:
    """Take a key that exists from one place to another, its time to live with it."""
    note = source.data.note_of(key) if isinstance(source.data, UsedKeys) else None
    taken = source.take(key, "")
    if taken is not None:
        destination.place(newkey, *taken, "")
        if note is not None and isinstance(destination.data, UsedKeys):
            destination.data.set_note(newkey, note)
        source.announce(key, f"{verb}_from")  # only now: Redis puts the value into its new place first
        destination.announce(newkey, f"{verb}_to")


@command(
    "move key db",
    group="generic",
    since="1.0.0",
    flags="write fast",
    keys=first("RW access update"),
    complexity="O(1)",
)
def move(session: Session, key: bytes, db: bytes) -> int:
    """Take a key to another database, unless that has one of the same name."""
    source = session.db
    destination = find_database(source.keyspace, database_number(db))
    if destination is source:
        raise RespError(errors.SAME_OBJECT)
    if source.get(key) is None or destination.get(key) is not None:
        return 0
    _carry(source, key, destination, key, "move")
    return 1


@command(
    "copy source destination [DB destination-db] [REPLACE]",
    group="generic",
    since="6.2.0",
    flags="write denyoom",
    keys=(first("RO access"), at(2, "OW update")),
    complexity="O(N) in the number of elements, O(1) for strings",
)
def copy(session: Session, source: bytes, destination: bytes, *options: bytes) -> int:
    """Copy a key, its time to live included, to another name or database."""
    db = target = session.db
    replace = False
    words = Words(options)
    for word in words:
        match word.upper():
            case b"REPLACE":
                replace = True
            case b"DB":
                target = find_database(db.keyspace, database_number(words.argument()))
            case _:
                raise RespError(errors.SYNTAX)
    if target is db and source == destination:
        raise RespError(errors.SAME_OBJECT)
    value = db.read(source)
    if value is None or (target.get(destination) is not None and not replace):
        return 0
    # What a container holds is never changed in place, so the copy may share it.
    target.place(destination, shallow_copy(value), db.deadline(source), "copy_to")
    return 1


# Looking inside

OBJECT: Final = container("object", summary="Look at how a value is kept.", group="generic", since="2.2.3")


@command(
    "object|encoding key",
    group="generic",
    since="2.2.3",
    flags="readonly",
    keys=at(2, "RO"),
    tips="nondeterministic_output",
    complexity="O(1)",
)
def object_encoding(session: Session, key: bytes) -> bytes | None:
    """Name the representation that Redis would choose for the value of a key."""
    value = session.db.inspect(key)
    return None if value is None else encoding_of(value).encode()


@command(
    "object|refcount key",
    group="generic",
    since="2.2.3",
    flags="readonly",
    keys=at(2, "RO"),
    tips="nondeterministic_output",
    complexity="O(1)",
)
def object_refcount(session: Session, key: bytes) -> int | None:
    """Count the references to the value of a key: one, or 2147483647 for a small integer, which all share."""
    value = session.db.inspect(key)
    return None if value is None else refcount_of(value)


@command(
    "object|idletime key",
    group="generic",
    since="2.2.3",
    flags="readonly",
    keys=at(2, "RO"),
    tips="nondeterministic_output",
    complexity="O(1)",
)
def object_idletime(session: Session, key: bytes) -> int | None:
    """Tell for how many seconds a key has not been used, as far as an LRU eviction policy lets the server note it."""
    if session.db.inspect(key) is None:
        return None
    if session.engine.config.maxmemory_policy.endswith("-lfu"):
        raise RespError(errors.IDLE_TIME_NOT_TRACKED)
    return idle_seconds(session.db, key)


def idle_seconds(db: Database, key: bytes) -> int:
    """How long ago a key was used last.

    Without an LRU policy nobody notes that: it would cost more memory than a small key, and time on every GET. The
    answer is 0 then, so that whoever deletes what is idle deletes nothing by mistake.
    """
    return db.data.idle_ms(key) // 1000 if isinstance(db.data, TimedKeys) else 0


@command(
    "object|freq key",
    group="generic",
    since="4.0.0",
    flags="readonly",
    keys=at(2, "RO"),
    tips="nondeterministic_output",
    complexity="O(1)",
)
def object_freq(session: Session, key: bytes) -> int | None:
    """Tell how often a key was used lately, on a scale of 0 to 255; under an LFU eviction policy only."""
    db = session.db
    if db.inspect(key) is None:
        return None
    if not isinstance(db.data, CountedKeys):
        raise RespError(errors.FREQUENCY_NOT_TRACKED)
    return db.data.frequency(key)


@command("object|help", group="generic", since="6.2.0", flags="loading stale", complexity="O(1)")
def object_help(session: Session) -> list[str]:
    """Describe the subcommands of OBJECT."""
    return help_lines(session.engine.originals[b"object"].command)
