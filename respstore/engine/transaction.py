"""MULTI and WATCH: what a session gathers, and what makes it void.

A transaction is the list of requests between MULTI and EXEC, checked one by one as they arrive. EXEC runs them without
anything in between; the waiters of keys that they change are served when the whole is done.
"""

from typing import TYPE_CHECKING, Any, Final

from respstore import errors
from respstore.engine.dispatch import RESTRICTED, Entry, call
from respstore.engine.waiting import Park
from respstore.errors import RespError
from respstore.keyspace import Database
from respstore.keyspace.footprint import of_texts
from respstore.protocol.replies import NO_REPLY, NULL_ARRAY, Encoded, Output, encode

if TYPE_CHECKING:
    from respstore.engine.session import Session


WATCHED_KEY_BYTES: Final = 400
"""What a watched key takes beside its name, as measured: its places here and among those who observe the database."""
_DENIED: Final = {"monitor": errors.MONITOR_IN_MULTI, "ssubscribe": errors.SSUBSCRIBE_IN_MULTI}
"""Commands that EXEC may queue, but not run, and what they answer there."""


class Transaction:
    """Requests since MULTI.

    Attributes:
        requests: entries and arguments, in order.
        aborted: a request was refused, so that EXEC must refuse all.
    """

    __slots__ = ("aborted", "requests")

    def __init__(self) -> None:
        self.requests: list[tuple[Entry, list[bytes]]] = []
        self.aborted = False

    def memory(self) -> int:
        """Bytes of all arguments."""
        return sum(len(arg) for _, args in self.requests for arg in args)


class Watch:
    """The keys that a session watches.

    Attributes:
        dirty: one of them was changed, deleted or flushed since.
    """

    __slots__ = ("_keys", "dirty")

    def __init__(self) -> None:
        self.dirty = False
        # Whether the time of a key was over already when it was watched: that it vanishes then is no change.
        self._keys: dict[tuple[Database, bytes], bool] = {}

    def add(self, db: Database, key: bytes) -> None:
        """Watch a key, too."""
        if (db, key) not in self._keys:
            self._keys[db, key] = db.is_over(key)
            db.observe(key, self._changed)

    def close(self) -> None:
        """Watch nothing any more."""
        for db, key in self._keys:
            db.unobserve(key, self._changed)
        self._keys.clear()

    def memory(self) -> int:
        """Bytes that watching takes."""
        return len(self._keys) * WATCHED_KEY_BYTES + of_texts(key for _, key in self._keys)

    def is_dirty(self) -> bool:
        """Whether a key changed, its time being over included."""
        return self.dirty or any(db.is_over(key) for (db, key), was_over in self._keys.items() if not was_over)

    def _changed(self, db: Database, key: bytes) -> None:
        if self._keys[db, key] and key not in db.data:
            self._keys[db, key] = False
        else:
            self.dirty = True


def execute(session: "Session") -> Any:
    """EXEC: run what was gathered and leave MULTI.

    Returns:
        The replies, or NULL_ARRAY if a watched key changed. To a client that CLIENT REPLY silences, nothing.

    Raises:
        RespError: no MULTI before, or a request was refused.
    """
    transaction = session.transaction
    if transaction is None:
        raise RespError(errors.EXEC_WITHOUT_MULTI)
    dirty = session.watch is not None and session.watch.is_dirty()
    session.end_transaction()
    if transaction.aborted:
        raise RespError(errors.EXEC_ABORTED)
    if dirty:
        return NULL_ARRAY
    session.engine.effects.begin_unit()
    try:
        replies = _run(session, transaction.requests)
    finally:
        session.engine.effects.end_unit()
    return NO_REPLY if session.muted == "off" else replies


def _run(session: "Session", requests: list[tuple[Entry, list[bytes]]]) -> Encoded:
    count = 0
    pieces: Output = []
    for entry, args in requests:
        try:
            if entry.command.name in _DENIED:
                raise RespError(_DENIED[entry.command.name])
            if session.gate & RESTRICTED:
                session.engine.acl.check_queued(session, entry.command, args)
            value = call(session, entry, args)
        except RespError as error:
            session.engine.count_error(error)
            value = error
        if isinstance(value, Park):
            value = value.if_denied
        if value is not NO_REPLY:
            count += 1
            encode(value, session.protocol, pieces)  # now, for HELLO may switch the protocol in between
    return Encoded([b"*%d\r\n" % count, *pieces])
