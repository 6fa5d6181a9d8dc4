"""A client in one line, as CLIENT LIST and ACL LOG show it."""

from respstore.engine.channels import subscriptions_of
from respstore.engine.session import Session
from respstore.errors import printable


def client_line(client: Session) -> str:
    """A connection as CLIENT LIST describes it: all fields of Redis 7.0, in its order.

    What does not exist here is 0: spare room in buffers (qbuf-free, rbs, rbp) and the request in hand as a thing of its
    own (argv-mem). `obl` counts the bytes that were not given to the system yet, `omem` those that it did not take.
    """
    now = client.engine.keyspace.now
    transaction, subscriptions = client.transaction, subscriptions_of(client)
    fields = {
        "id": client.id,
        "addr": client.peer,
        "laddr": client.local,
        "fd": client.fd,
        "name": printable(client.name),
        "age": max(now - client.created, 0) // 1000,
        "idle": max(now - client.active, 0) // 1000,
        "flags": _flags(client),
        "db": client.db.index,
        "sub": len(subscriptions.channels),
        "psub": len(subscriptions.patterns),
        "ssub": len(subscriptions.shard_channels),
        "multi": -1 if transaction is None else len(transaction.requests),
        "qbuf": client.unread(),
        "qbuf-free": 0,
        "argv-mem": 0,
        "multi-mem": 0 if transaction is None else transaction.memory(),
        "rbs": 0,
        "rbp": 0,
        "obl": client.output_length(),
        "oll": int(client.unsent > 0),
        "omem": client.unsent,
        "tot-mem": client.memory(),
        "events": "rw" if client.unsent else "r",
        "cmd": "NULL" if client.last is None else client.last.command.name,
        "user": printable(client.user.name),
        "redir": -1 if client.tracking is None else client.tracking.redirect,
        "resp": client.protocol,
    }
    return " ".join(f"{name}={value}" for name, value in fields.items())


def _flags(client: Session) -> str:
    tracking = client.tracking
    letters = {
        "O": client in client.engine.monitors.sessions,
        "P": client.subscriptions is not None,
        "x": client.transaction is not None,
        "b": client.is_parked,
        "t": tracking is not None,
        "R": tracking is not None and tracking.is_broken,
        "B": tracking is not None and bool(tracking.prefixes),
        "d": client.watch is not None and client.watch.dirty,
        "u": client.is_released,
        "U": client.is_on_unix_socket,
        "e": client.no_evict,
    }
    return "".join(letter for letter, holds in letters.items() if holds) or "N"
