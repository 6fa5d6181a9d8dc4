"""Commands on whole databases: https://redis.io/docs/latest/commands/flushall/

FLUSHDB, FLUSHALL and UNLINK free memory at once even where Redis would leave it to a thread (ASYNC): no thread of
Python could do it while commands run.
"""

from respstore import errors
from respstore.engine.arguments import database_number, find_database
from respstore.engine.command import command
from respstore.engine.session import Session
from respstore.errors import RespError
from respstore.protocol.replies import OK


@command(
    "dbsize",
    group="server",
    since="1.0.0",
    flags="readonly fast",
    categories="keyspace",
    tips="request_policy:all_shards response_policy:agg_sum",
    complexity="O(1)",
)
def dbsize(session: Session) -> int:
    """Count the keys of the database."""
    return len(session.db.data)


@command(
    "flushdb async=[ASYNC@4.0.0 | SYNC@6.2.0]",
    group="server",
    since="1.0.0",
    flags="write",
    categories="dangerous keyspace",
    tips="request_policy:all_shards response_policy:all_succeeded",
    complexity="O(N) in the number of keys in the database",
)
def flushdb(session: Session, *mode: bytes) -> str:
    """Remove all keys of the database."""
    _check_mode(mode)
    session.engine.keyspace.flush([session.db])
    session.db.propagate(b"FLUSHDB", *mode)  # in any case, as Redis does
    return OK


@command(
    "flushall async=[ASYNC@4.0.0 | SYNC@6.2.0]",
    group="server",
    since="1.0.0",
    flags="write",
    categories="dangerous keyspace",
    tips="request_policy:all_shards response_policy:all_succeeded",
    complexity="O(N) in the number of keys in all databases",
)
def flushall(session: Session, *mode: bytes) -> str:
    """Remove all keys of all databases."""
    _check_mode(mode)
    keyspace = session.engine.keyspace
    keyspace.flush(keyspace.databases)
    session.db.propagate(b"FLUSHALL", *mode)
    session.engine.snapshots.save_flushed()
    return OK


def _check_mode(mode: tuple[bytes, ...]) -> None:
    if len(mode) > 1 or (mode and mode[0].upper() not in (b"ASYNC", b"SYNC")):
        raise RespError(errors.SYNTAX)


@command(
    "swapdb index1:integer index2:integer",
    group="server",
    since="4.0.0",
    flags="write fast",
    categories="dangerous keyspace",
    complexity="O(N) in the number of clients that watch or wait for keys",
)
def swapdb(session: Session, index1: bytes, index2: bytes) -> str:
    """Exchange two databases, so that the clients of each see the keys of the other."""
    keyspace = session.engine.keyspace
    number1 = database_number(index1, errors.INVALID_FIRST_DB_INDEX)
    number2 = database_number(index2, errors.INVALID_SECOND_DB_INDEX)
    find_database(keyspace, number1).swap(find_database(keyspace, number2))
    return OK
