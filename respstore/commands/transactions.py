"""MULTI and WATCH: https://redis.io/docs/latest/develop/using-commands/transactions/

How a transaction is gathered, made void and run stands in `engine/transaction.py`.
"""

from typing import Any

from respstore import errors
from respstore.engine.command import command
from respstore.engine.keyspecs import span
from respstore.engine.session import Session
from respstore.engine.transaction import Transaction, Watch, execute
from respstore.errors import RespError
from respstore.protocol.replies import OK


@command(
    "multi",
    group="transactions",
    since="1.2.0",
    flags="noscript loading stale fast allow_busy",
    complexity="O(1)",
)
def multi(session: Session) -> str:
    """Begin a transaction: queue the commands that follow, until EXEC runs them."""
    if session.transaction is not None:
        raise RespError(errors.NESTED_MULTI)
    session.begin_transaction(Transaction())
    return OK


@command(
    "exec",
    group="transactions",
    since="1.2.0",
    flags="noscript loading stale skip_slowlog",
    complexity="That of the queued commands together",
)
def exec_(session: Session) -> Any:
    """Run the queued commands with nothing in between, or none of them if a watched key changed."""
    transaction = session.transaction
    if transaction is not None and any(entry.command.group == "scripting" for entry, _ in transaction.requests):
        return session.engine.scripts.perform(session, lambda: execute(session))
    return execute(session)


@command(
    "discard",
    group="transactions",
    since="2.0.0",
    flags="noscript loading stale fast allow_busy",
    complexity="O(N) in the number of queued commands",
)
def discard(session: Session) -> str:
    """Forget the queued commands and the watched keys."""
    if session.transaction is None:
        raise RespError(errors.DISCARD_WITHOUT_MULTI)
    session.end_transaction()
    return OK


@command(
    "watch key...",
    group="transactions",
    since="2.2.0",
    flags="noscript loading stale fast allow_busy",
    keys=span("RO"),
    complexity="O(N) in the number of keys",
)
def watch(session: Session, key: bytes, *more: bytes) -> str:
    """Make the next EXEC depend on these keys: it runs nothing if one of them changes before."""
    if session.transaction is not None:
        raise RespError(errors.WATCH_IN_MULTI)
    if session.watch is None:
        session.watch = Watch()
    for name in (key, *more):
        session.watch.add(session.db, name)
    return OK


@command(
    "unwatch",
    group="transactions",
    since="2.2.0",
    flags="noscript loading stale fast allow_busy",
    complexity="O(N) in the number of watched keys",
)
def unwatch(session: Session) -> str:
    """Watch no key any more."""
    session.unwatch()
    return OK
