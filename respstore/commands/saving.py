"""Commands that save the data to disk as a whole: https://redis.io/docs/latest/commands/?group=server

When that happens by itself, and what a failure means, is in `engine/snapshots.py` and, for the append-only file, in
`engine/append_only.py`.
"""

from respstore import errors
from respstore.engine.command import command
from respstore.engine.session import Session
from respstore.errors import RespError
from respstore.protocol.replies import OK


@command(
    "save",
    group="server",
    since="1.0.0",
    flags="admin noscript no_async_loading no_multi",
    complexity="O(N), N the number of keys in all databases",
)
def save(session: Session) -> str:
    """Save the data to disk, while everybody waits."""
    session.engine.snapshots.save()
    return OK


@command(
    "bgsave [SCHEDULE]@3.2.2",
    group="server",
    since="1.0.0",
    flags="admin noscript no_async_loading",
    complexity="O(1)",
)
def bgsave(session: Session, *options: bytes) -> str:
    """Save the data to disk in the background."""
    if options and (len(options) > 1 or options[0].upper() != b"SCHEDULE"):
        raise RespError(errors.SYNTAX)
    engine, snapshots = session.engine, session.engine.snapshots
    is_rewriting = engine.append_only.seconds_rewriting() is not None
    if snapshots.seconds_running() is None and (is_rewriting or engine.effects.is_in_unit):
        if is_rewriting and not options and not engine.effects.is_in_unit:
            raise RespError(errors.REWRITE_KEEPS_OUT)
        snapshots.is_scheduled = True  # in a transaction, not before that is over
        return "Background saving scheduled"
    snapshots.start()
    return "Background saving started"


@command(
    "bgrewriteaof",
    group="server",
    since="1.0.0",
    flags="admin noscript no_async_loading",
    complexity="O(1)",
)
def bgrewriteaof(session: Session) -> str:
    """Write the append-only file anew in the background, as short as the data allows."""
    has_begun = session.engine.append_only.rewrite()
    return f"Background append only file rewriting {'started' if has_begun else 'scheduled'}"


@command(
    "lastsave",
    group="server",
    since="1.0.0",
    flags="loading stale fast",
    categories="dangerous admin",
    tips="nondeterministic_output",
    complexity="O(1)",
)
def lastsave(session: Session) -> int:
    """Answer when the data was saved last: seconds since 1970."""
    return session.engine.snapshots.saved_at
