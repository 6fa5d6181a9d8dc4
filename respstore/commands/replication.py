"""WAIT, ROLE, FAILOVER, REPLICAOF: a primary that has no replicas. https://redis.io/docs/latest/commands/replicaof/

Replication itself is not here yet: to become a replica is refused.
"""

from typing import Any, Final

from respstore import errors
from respstore.engine.arguments import Words, integer, integer_between
from respstore.engine.command import command
from respstore.engine.session import Session
from respstore.engine.waiting import PENDING, Park
from respstore.errors import RespError
from respstore.protocol.replies import OK

HIGHEST_PORT: Final = 65535


@command(
    "wait numreplicas timeout:integer",
    group="generic",
    since="3.0.0",
    flags="noscript",
    categories="connection",
    tips="request_policy:all_shards response_policy:agg_min",
    complexity="O(1)",
)
def wait(session: Session, numreplicas: bytes, timeout: bytes) -> int | Park:
    """Wait until replicas have what this connection wrote, or some milliseconds; answer how many have."""
    wanted = integer(numreplicas)
    ms = integer(timeout, errors.TIMEOUT_NOT_AN_INTEGER)
    if ms < 0:
        raise RespError(errors.TIMEOUT_NEGATIVE)
    if wanted <= 0:
        return 0
    return Park((), lambda key: PENDING, ms / 1000 or None, on_timeout=0, if_denied=0)


@command(
    "role",
    group="server",
    since="2.8.12",
    flags="noscript loading stale fast",
    categories="admin dangerous",
    complexity="O(1)",
)
def role(session: Session) -> list[Any]:
    """Answer that this is a primary, how far its replication is, and its replicas."""
    return [b"master", 0, []]


@command(
    "failover [TO target=(host port [FORCE])] [ABORT] [TIMEOUT milliseconds]",
    group="server",
    since="6.2.0",
    flags="admin noscript stale",
    complexity="O(1)",
)
def failover(session: Session, *options: bytes) -> str:
    """Change places with a replica."""
    said: set[bytes] = set()
    words = Words(options)
    left = len(options)
    for word in words:
        option = word.upper()
        if option in said:
            raise RespError(errors.SYNTAX)
        said.add(option)
        match option:
            case b"TIMEOUT" if left > 1:
                if integer(words.argument()) <= 0:
                    raise RespError(errors.FAILOVER_TIMEOUT)
                left -= 2
            case b"TO" if left > 2:
                words.argument()
                integer(words.argument())
                left -= 3
            case b"ABORT" if len(options) == 1:
                raise RespError(errors.NO_FAILOVER)
            case b"FORCE":
                left -= 1
            case _:
                raise RespError(errors.SYNTAX)
    raise RespError(errors.FAILOVER_WITHOUT_REPLICAS)


@command(
    "replicaof args=(host-port=(host port) | no-one=(NO ONE))",
    group="server",
    since="5.0.0",
    flags="admin noscript stale no_async_loading",
    complexity="O(1)",
)
def replicaof(session: Session, host: bytes, port: bytes) -> str:
    """Be a primary; to become a replica is refused."""
    if (host.upper(), port.upper()) == (b"NO", b"ONE"):
        return OK
    integer_between(port, 0, HIGHEST_PORT, errors.INVALID_MASTER_PORT)
    raise RespError(errors.NO_REPLICATION)


@command(
    "slaveof args=(host-port=(host port) | no-one=(NO ONE))",
    group="server",
    since="1.0.0",
    flags="admin noscript stale no_async_loading",
    complexity="O(1)",
    deprecated_since="5.0.0",
    replaced_by="`REPLICAOF`",
)
def slaveof(session: Session, host: bytes, port: bytes) -> str:
    """Do as REPLICAOF does."""
    return replicaof(session, host, port)
