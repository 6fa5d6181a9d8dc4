"""Commands by which clients meet over plain keys; Redis has none of them.

BGET and BEXISTS wait until other clients have set some keys. A parked client stands in the queues of the keys that are
missing, and leaves each when the key appears, so that one that waits for many keys costs what it watches, and a key
that changes all the time costs nothing to those who have seen it. Once the last has appeared all are looked at again,
for some may be gone by then: the reply is true at one moment, or the client goes on to wait for what is missing now.
"""

from collections.abc import Callable, Sequence
from typing import Any

import attrs

from respstore.commands.strings import as_string
from respstore.engine.arguments import timeout_seconds
from respstore.engine.command import command
from respstore.engine.keyspecs import first, span
from respstore.engine.session import Session
from respstore.engine.waiting import LEAVE, Park
from respstore.keyspace import Database, Value
from respstore.keyspace.glob import compile_glob
from respstore.wording import member_name


@command(
    "bget key... timeout:double",
    group="coordination",
    since="0.1.0",
    flags="readonly blocking",
    keys=span("RO access", last=-2),
    categories="coordination string",
    complexity="O(N) in the number of keys",
)
def bget(session: Session, key: bytes, key_or_timeout: bytes, *more: bytes) -> Any:
    """Wait until all of the keys exist, and answer the strings that they hold."""
    db = session.db
    if more:
        return _wait(db, (key, key_or_timeout, *more), as_string, list)
    timeout = timeout_seconds(key_or_timeout)  # what most ask for is one key: it takes half the time
    value = as_string(db.read(key))
    if value is not None:
        return [value]
    return Park((key,), lambda key: [as_string(db.get(key))], timeout, on_timeout=None, if_denied=None)


@command(
    "bexists key... timeout:double",
    group="coordination",
    since="0.1.0",
    flags="readonly blocking",
    keys=span("RO", last=-2),
    categories="coordination keyspace",
    complexity="O(N) in the number of keys",
)
def bexists(session: Session, key: bytes, key_or_timeout: bytes, *more: bytes) -> Any:
    """Wait until all of the keys exist, and count them; one that is named twice counts twice."""
    return _wait(session.db, (key, key_or_timeout, *more), lambda value: value, len)


@attrs.define(eq=False)
class _Wait:
    """Of one client for some keys.

    Attributes:
        db, keys: where and what, as the client named them.
        timeout: in seconds, None for ever.
        convert: makes of a looked-up value what the reply is made of; raises a RespError if the command takes no such.
        answer: makes the reply.
        missing: how many different keys did not exist when they were last looked at and have not appeared since.
    """

    db: Database
    keys: Sequence[bytes]
    timeout: float | None
    convert: Callable[[Value | None], Any]
    answer: Callable[[list[Any]], Any]
    missing: int = 0

    def look(self, read: Callable[[bytes], Value | None]) -> Any:
        """The reply if all keys exist now, else a Park for those that do not."""
        convert = self.convert
        values = [convert(read(key)) for key in self.keys]
        if None not in values:
            return self.answer(values)
        missing = dict.fromkeys(key for key, value in zip(self.keys, values, strict=True) if value is None)
        self.missing = len(missing)
        return Park(tuple(missing), self.retry, self.timeout, on_timeout=None, if_denied=None)

    def retry(self, key: bytes) -> Any:
        """A key that was missing has appeared."""
        value = self.convert(self.db.get(key))
        if len(self.keys) == 1:
            return self.answer([value])
        self.missing -= 1
        return LEAVE if self.missing else self.look(self.db.get)


def _wait(
    db: Database,
    args: Sequence[bytes],
    convert: Callable[[Value | None], Any],
    answer: Callable[[list[Any]], Any],
) -> Any:
    *keys, timeout = args
    return _Wait(db, keys, timeout_seconds(timeout), convert, answer).look(db.read)


@command(
    "cas key expected desired",
    group="coordination",
    since="0.1.0",
    flags="write denyoom fast",
    keys=first("RW access update"),
    categories="coordination string",
    complexity="O(1)",
)
def cas(session: Session, key: bytes, expected: bytes, desired: bytes) -> bytes:
    """Set a key to a string if it holds the expected one, an empty one standing for no key; answer what it holds then.

    As torch's Store.compare_set. For a key that does not exist and was expected to, the answer is `expected`.
    """
    current = as_string(session.db.read(key))
    if current == expected or (current is None and not expected):
        session.db.put(key, desired, "set")
        session.db.propagate(b"SET", key, desired)
        return desired
    return expected if current is None else current


@command(
    "waitlist [pattern]",
    group="coordination",
    since="0.1.0",
    flags="admin noscript loading stale",
    tips="nondeterministic_output",
    complexity="O(N) in the number of clients that wait and of the keys that they wait for",
)
def waitlist(session: Session, pattern: bytes | None = None) -> list[dict[bytes, Any]]:
    """Describe the clients that wait, in order of arrival, or those that wait for a key that matches a pattern.

    `keys` are those that could still release the client, `member` is who it is at a barrier (null elsewhere), and
    `waiting_s` how long it has waited, in seconds.
    """
    room, now = session.engine.waiting, session.engine.system.monotonic()
    matches = None if pattern is None else compile_glob(pattern)
    rows = []
    for client, wait in room.waits():
        keys = room.keys_of(client, wait)
        if matches is not None and not any(map(matches, keys)):
            continue
        arrival, entry = wait.park.arrival, client.last
        rows.append(
            {
                b"client": client.id,
                b"name": client.name,
                b"addr": client.peer.encode(),
                b"command": None if entry is None else entry.command.name.encode(),
                b"db": wait.db.index,
                b"keys": keys,
                b"member": None if arrival is None else member_name(arrival.member),
                b"waiting_s": round(now - wait.since, 3),
            }
        )
    return rows
