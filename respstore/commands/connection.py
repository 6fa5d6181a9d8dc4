"""Commands of a connection: greeting, authentication, database. https://redis.io/docs/latest/commands/?group=connection

CLIENT is in clients.py. Who is authenticated stays so when the password changes, or is switched off.
"""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from respstore import errors
from respstore.engine import REDIS_VERSION
from respstore.engine.acl.control import DEFAULT_USER
from respstore.engine.arguments import Words, database_number, find_database, integer
from respstore.engine.command import command
from respstore.engine.dispatch import SUBSCRIBED, UNAUTHENTICATED
from respstore.engine.session import Session
from respstore.engine.waiting import PENDING, Park
from respstore.errors import RespError
from respstore.protocol.replies import OK, PONG

_is_client_name = re.compile(rb"[!-~]*").fullmatch


def client_name(arg: bytes) -> bytes:
    """A name for a connection: visible ASCII, no spaces; empty for none.

    Raises:
        RespError: it has other characters.
    """
    if not _is_client_name(arg):
        raise RespError(errors.INVALID_CLIENT_NAME)
    return arg


# Asking for a sign of life


@command(
    "ping [message]",
    group="connection",
    since="1.0.0",
    flags="fast",
    tips="request_policy:all_shards response_policy:all_succeeded",
    complexity="O(1)",
)
def ping(session: Session, message: bytes | None = None) -> str | bytes | list[bytes]:
    """Answer PONG, or the message."""
    if session.gate & SUBSCRIBED:  # in the form of a message, which is what such a client reads
        return [b"pong", message or b""]
    return PONG if message is None else message


@command("echo message", group="connection", since="1.0.0", flags="loading stale fast", complexity="O(1)")
def echo(session: Session, message: bytes) -> bytes:
    """Answer the message."""
    return message


# Who speaks, and in which version of the protocol


@command(
    "hello arguments=[protover [AUTH (username password)] [SETNAME clientname]]",
    group="connection",
    since="6.0.0",
    flags="noscript loading stale fast no_auth allow_busy",
    complexity="O(1)",
)
def hello(session: Session, *arguments: bytes) -> Any:
    """Introduce the server, after a change of protocol version, authentication and naming in one step."""
    if len(arguments) > 3 and b"AUTH" in map(bytes.upper, arguments):
        return _in_due_time(session, partial(_hello, session, arguments))
    return _hello(session, arguments)


def _hello(session: Session, arguments: tuple[bytes, ...]) -> dict[bytes, Any]:
    protocol = session.protocol
    if arguments:
        protocol = integer(arguments[0], errors.PROTOCOL_NOT_AN_INTEGER)
        if protocol not in (2, 3):
            raise RespError(errors.UNSUPPORTED_PROTOCOL)
    _obey_hello_options(session, arguments[1:])
    if session.gate & UNAUTHENTICATED:
        raise RespError(errors.HELLO_NOT_AUTHENTICATED)
    session.speak(protocol)
    return {
        b"server": b"redis",
        b"version": REDIS_VERSION.encode(),
        b"proto": protocol,
        b"id": session.id,
        b"mode": b"standalone",
        b"role": b"master",
        b"modules": [],
    }


def _obey_hello_options(session: Session, options: tuple[bytes, ...]) -> None:
    """Authenticate and name the session, one option after the other: those before a wrong one hold, as in Redis."""
    words = Words(options)
    left = len(options)
    for word in words:
        match word.upper():
            case b"AUTH" if left > 2:
                session.engine.acl.authenticate(session, words.argument(), words.argument(), b"HELLO")
                left -= 3
            case b"SETNAME" if left > 1:
                session.name = client_name(words.argument())
                left -= 2
            case _:
                raise errors.hello_option(word)


@command(
    "auth [username]@6.0.0 password",
    group="connection",
    since="1.0.0",
    flags="noscript loading stale fast no_auth allow_busy",
    complexity="O(N) in the number of passwords of the user",
)
def auth(session: Session, credential: bytes, *more: bytes) -> Any:
    """Authenticate the connection."""
    if len(more) > 1:
        raise RespError(errors.SYNTAX)
    if not more and session.engine.acl.default.needs_no_password:
        raise RespError(errors.NO_PASSWORD_SET)
    username, password = (credential, *more) if more else (DEFAULT_USER, credential)
    return _in_due_time(session, partial(_auth, session, username, password))


def _auth(session: Session, username: bytes, password: bytes) -> str:
    session.engine.acl.authenticate(session, username, password, b"AUTH")
    return OK


def _in_due_time(session: Session, attempt: Callable[[], Any]) -> Any:
    """What an attempt to authenticate leads to: at once, or late where many have failed from the same address.

    It is made when the answer is due, so that to hang up sooner is no use. Where nothing can wait, it fails.
    """
    engine = session.engine
    seconds = engine.acl.failures.delay(session.host, engine.system.monotonic())
    if not seconds:
        return attempt()

    def answer() -> Any:
        try:
            return attempt()
        except RespError as error:
            return error

    return Park((), lambda _: PENDING, seconds, on_timeout=answer, if_denied=RespError(errors.WRONG_PASSWORD))


# The state of a connection


@command("select index", group="connection", since="1.0.0", flags="loading stale fast", complexity="O(1)")
def select(session: Session, index: bytes) -> str:
    """Use another database from now on."""
    session.db = find_database(session.engine.keyspace, database_number(index))
    return OK


@command(
    "quit",
    group="connection",
    since="1.0.0",
    flags="noscript loading stale fast no_auth allow_busy",
    complexity="O(1)",
)
def quit(session: Session, *arguments: bytes) -> str:
    """Close the connection."""
    session.close()
    return OK


@command(
    "reset",
    group="connection",
    since="6.2.0",
    flags="noscript loading stale fast no_auth allow_busy",
    complexity="O(1)",
)
def reset(session: Session) -> str:
    """Make the connection what it was when it was new, but for its id."""
    session.end_transaction()
    session.db = session.engine.keyspace.databases[0]
    session.engine.channels.forget(session)
    session.engine.monitors.remove(session)
    session.engine.trackers.remove(session)
    session.join(None)
    session.speak(2)
    session.name = b""
    if session.muted == "off":
        session.mute(None)
    session.log_out()
    return "RESET"
