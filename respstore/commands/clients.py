"""CLIENT: connections that look at themselves and at each other. https://redis.io/docs/latest/commands/client-list/

Client-side caching (TRACKING and what belongs to it) is in tracking.py. What LIST tells is in engine/client_line.py.
"""

from collections.abc import Iterable
from typing import Final

from respstore import errors
from respstore.commands.connection import client_name
from respstore.engine.arguments import integer, integer_between
from respstore.engine.client_line import client_line
from respstore.engine.command import command, container
from respstore.engine.help import help_lines
from respstore.engine.session import Session
from respstore.errors import RespError, printable
from respstore.numbers import MAX_INTEGER
from respstore.protocol.replies import NO_REPLY, OK, Special, Verbatim

CLIENT_TYPES: Final = {
    b"normal": "normal",
    b"master": "master",
    b"slave": "replica",
    b"replica": "replica",
    b"pubsub": "pubsub",
}
"""What TYPE may say, and what it means; `Session.kind` is one of these."""

CLIENT: Final = container("client", summary="Look at connections and manage them.", group="connection", since="2.4.0")


# The own connection


@command("client|id", group="connection", since="5.0.0", flags="noscript loading stale", complexity="O(1)")
def client_id(session: Session) -> int:
    """Answer the number of the connection."""
    return session.id


@command("client|getname", group="connection", since="2.6.9", flags="noscript loading stale", complexity="O(1)")
def client_getname(session: Session) -> bytes | None:
    """Answer the name of the connection, null if it has none."""
    return session.name or None


@command(
    "client|setname connection-name",
    group="connection",
    since="2.6.9",
    flags="noscript loading stale",
    complexity="O(1)",
)
def client_setname(session: Session, name: bytes) -> str:
    """Name the connection; an empty name takes the name away."""
    session.name = client_name(name)
    return OK


@command(
    "client|reply (ON | OFF | SKIP)",
    group="connection",
    since="3.2.0",
    flags="noscript loading stale",
    complexity="O(1)",
)
def client_reply(session: Session, mode: bytes) -> str | Special:
    """Stop and resume replying to the connection."""
    match mode.upper():
        case b"ON":
            session.mute(None)
            return OK
        case b"OFF":
            session.mute("off")
        case b"SKIP":
            if session.muted != "off":
                session.mute("next")
        case _:
            raise RespError(errors.SYNTAX)
    return NO_REPLY


@command(
    "client|no-evict enabled=(ON | OFF)",
    group="connection",
    since="7.0.0",
    flags="admin noscript loading stale",
    complexity="O(1)",
)
def client_no_evict(session: Session, enabled: bytes) -> str:
    """Spare the connection when clients use too much memory."""
    word = enabled.upper()
    if word not in (b"ON", b"OFF"):
        raise RespError(errors.SYNTAX)
    session.no_evict = word == b"ON"
    return OK


# Looking at connections


@command(
    "client|info",
    group="connection",
    since="6.2.0",
    flags="noscript loading stale",
    tips="nondeterministic_output",
    complexity="O(1)",
)
def client_info(session: Session) -> Verbatim:
    """Describe the connection as CLIENT LIST does."""
    return _lines([session])


@command(
    "client|list [TYPE (NORMAL | MASTER | REPLICA | PUBSUB)]@5.0.0 [ID id=(client-id...)]@6.2.0",
    group="connection",
    since="2.4.0",
    flags="admin noscript loading stale",
    tips="nondeterministic_output",
    complexity="O(N) in the number of connections",
)
def client_list(session: Session, *options: bytes) -> Verbatim:
    """Describe all connections, or those of a type or with some numbers, in a line each."""
    sessions = session.engine.sessions
    match [word.upper() for word in options[:1]]:
        case []:
            return _lines(sessions.values())
        case [b"TYPE"] if len(options) == 2:
            kind = _client_type(options[1])
            return _lines(client for client in sessions.values() if client.kind == kind)
        case [b"ID"] if len(options) > 1:
            ids = [integer(word, errors.INVALID_CLIENT_ID) for word in options[1:]]
            return _lines(sessions[number] for number in ids if number in sessions)
    raise RespError(errors.SYNTAX)


def _client_type(word: bytes) -> str:
    kind = CLIENT_TYPES.get(word.lower())
    if kind is None:
        raise errors.unknown_client_type(word)
    return kind


def _lines(clients: Iterable[Session]) -> Verbatim:
    return Verbatim("".join(f"{client_line(client)}\n" for client in clients).encode("utf-8", "surrogateescape"))


# Acting on connections


@command(
    "client|kill filter=(ip:port@..2.8.12 | new-format=([ID client-id]@2.8.12 | [TYPE"
    " normal_master_slave_pubsub=(NORMAL | MASTER@3.2.0 | SLAVE | REPLICA@5.0.0 | PUBSUB)]@2.8.12 | [USER username]"
    " | [ADDR ip:port] | [LADDR ip:port]@6.2.0 | [SKIPME yes/no])...)",
    group="connection",
    since="2.4.0",
    flags="admin noscript loading stale",
    complexity="O(N) in the number of connections",
)
def client_kill(session: Session, first: bytes, *more: bytes) -> str | int:
    """Close connections: the one from an address, or all that match the filters."""
    if more:
        victims = _find(session, (first, *more))
    else:
        address = printable(first)
        victims = [client for client in session.engine.sessions.values() if client.peer == address]
        if not victims:
            raise RespError(errors.NO_SUCH_CLIENT)
    for victim in victims:
        victim.kill(session)
    return len(victims) if more else OK


def _find(session: Session, options: tuple[bytes, ...]) -> list[Session]:
    """The connections that CLIENT KILL's filters leave over; of a filter that is there twice, the last counts."""
    wanted: dict[str, object] = {}
    skip_me = True
    if len(options) % 2:
        options = (*options[:-1], b"", b"")  # refused, but not before what stands in front of it
    for word, value in zip(options[::2], options[1::2], strict=True):
        match word.upper():
            case b"ID":
                wanted["id"] = integer_between(value, 1, MAX_INTEGER, errors.CLIENT_ID_NOT_POSITIVE)
            case b"TYPE":
                wanted["kind"] = _client_type(value)
            case b"ADDR":
                wanted["peer"] = printable(value)
            case b"LADDR":
                wanted["local"] = printable(value)
            case b"USER":
                wanted["user"] = session.engine.acl.users.get(value)
                if wanted["user"] is None:
                    raise errors.no_such_user(value)
            case b"SKIPME" if value.lower() in (b"yes", b"no"):
                skip_me = value.lower() == b"yes"
            case _:
                raise RespError(errors.SYNTAX)
    return [
        client
        for client in session.engine.sessions.values()
        if not (skip_me and client is session) and all(getattr(client, name) == wanted[name] for name in wanted)
    ]


@command(
    "client|unblock client-id [TIMEOUT | ERROR]",
    group="connection",
    since="5.0.0",
    flags="admin noscript loading stale",
    complexity="O(log N) in the number of connections",
)
def client_unblock(session: Session, client_id: bytes, reason: bytes = b"TIMEOUT") -> int:
    """Release a connection from a blocking command, as if its time were over or with an error."""
    reason = reason.upper()
    if reason not in (b"TIMEOUT", b"ERROR"):
        raise RespError(errors.UNBLOCK_REASON)
    client = session.engine.sessions.get(integer(client_id))
    if client is None:
        return 0
    return int(session.engine.waiting.unblock(client, RespError(errors.UNBLOCKED) if reason == b"ERROR" else None))


@command(
    "client|pause timeout:integer mode=[WRITE | ALL]@6.2.0",
    group="connection",
    since="2.9.50",
    flags="admin noscript loading stale",
    complexity="O(1)",
)
def client_pause(session: Session, timeout: bytes, mode: bytes = b"ALL") -> str:
    """Postpone requests of all connections, or those that write, for some milliseconds."""
    mode = mode.upper()
    if mode not in (b"WRITE", b"ALL"):
        raise RespError(errors.PAUSE_MODE)
    ms = integer(timeout, errors.TIMEOUT_NOT_AN_INTEGER)
    if ms < 0:
        raise RespError(errors.TIMEOUT_NEGATIVE)
    until = session.engine.keyspace.now + ms
    if until > MAX_INTEGER:
        until = 0  # a time that Redis overflows at pauses nobody
    session.engine.pause(until, writes_only=mode == b"WRITE")
    return OK


@command(
    "client|unpause",
    group="connection",
    since="6.2.0",
    flags="admin noscript loading stale",
    complexity="O(N) in the number of connections",
)
def client_unpause(session: Session) -> str:
    """Run what CLIENT PAUSE postponed, and postpone no more."""
    session.engine.unpause()
    return OK


@command("client|help", group="connection", since="5.0.0", flags="loading stale", complexity="O(1)")
def client_help(session: Session) -> list[str]:
    """Describe the subcommands of CLIENT."""
    return help_lines(session.engine.originals[b"client"].command)
