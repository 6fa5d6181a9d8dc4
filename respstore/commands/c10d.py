"""C10D: namespaces for torch jobs, most of them with a port of their own; engine/namespaces.py says what that is."""

from typing import Any, Final

from respstore import errors, own_errors
from respstore.engine.acl.selector import WRITE
from respstore.engine.arguments import Words, integer_between
from respstore.engine.command import command, container
from respstore.engine.dispatch import RESTRICTED
from respstore.engine.help import help_lines
from respstore.engine.namespaces import Namespace, check_name
from respstore.engine.session import Session
from respstore.errors import RespError
from respstore.protocol.replies import OK

C10D: Final = container("c10d", summary="Manage the namespaces of torch jobs.", group="coordination", since="0.1.0")


@command(
    "c10d|open namespace [PORT port:integer] [NOAUTH]",
    group="coordination",
    since="0.1.0",
    flags="admin noscript loading stale",
    complexity="O(N) in the number of namespaces",
)
def c10d_open(session: Session, namespace: bytes, *options: bytes) -> int:
    """Serve torch clients on a port whose keys all begin with the namespace and a slash; answer the port.

    A namespace that is open already stays as it is. With NOAUTH, who reaches the port needs no password.
    """
    given: dict[str, Any] = {}
    words = Words(options)
    for word in words:
        match word.upper():
            case b"PORT" if "port" not in given:
                given["port"] = integer_between(words.argument(), 0, 65535, own_errors.PORT_OUT_OF_RANGE)
            case b"NOAUTH" if "trusts_all" not in given:
                given["trusts_all"] = True
            case _:
                raise RespError(errors.SYNTAX)
    engine = session.engine
    try:
        return engine.namespaces.open(check_name(namespace), engine.system.monotonic(), **given).port
    except OSError as error:
        raise own_errors.namespace_not_opened(namespace, error.strerror or str(error)) from None


@command(
    "c10d|close namespace [DELETE]",
    group="coordination",
    since="0.1.0",
    flags="admin noscript loading stale",
    complexity="O(N) in the number of keys in database 0 with DELETE, else in the number of the namespace's clients",
)
def c10d_close(session: Session, namespace: bytes, *options: bytes) -> str:
    """Close the port of a namespace and the connections of its clients; its keys go later on, or now with DELETE."""
    if options and (len(options) > 1 or options[0].upper() != b"DELETE"):
        raise RespError(errors.SYNTAX)
    engine = session.engine
    engine.namespaces.close(check_name(namespace), engine.system.monotonic(), delete=bool(options), caller=session)
    return OK


@command(
    "c10d|join namespace",
    group="coordination",
    since="0.1.0",
    flags="noscript loading stale fast",
    complexity="O(N) in the number of namespaces",
)
def c10d_join(session: Session, namespace: bytes) -> str:
    """Become a client of a namespace, and of no other one: its keys go some time after its last client has left.

    The keys of the connection's commands stay what they are, without a prefix.
    """
    if session.db.index:
        raise RespError(own_errors.NAMESPACE_DATABASE)
    found = session.engine.namespaces.find(check_name(namespace))
    if session.gate & RESTRICTED and not _may_let_go(session, found):
        raise RespError(errors.ACL_NO_KEYS)
    session.join(found)
    return OK


def _may_let_go(session: Session, namespace: Namespace) -> bool:
    """Whether the client's user may delete all keys of a namespace, which are to go when its clients have left."""
    record = session.engine.originals[b"c10d"].subcommands[b"join"].command
    return session.user.may_touch_all(record, [b"c10d", b"join", namespace.name], WRITE, namespace.prefix)


@command(
    "c10d|list",
    group="coordination",
    since="0.1.0",
    flags="admin noscript loading stale",
    tips="nondeterministic_output",
    complexity="O(N) in the number of namespaces",
)
def c10d_list(session: Session) -> list[dict[bytes, Any]]:
    """Describe the namespaces that are open, or whose keys are still to go.

    `port` is null where torch clients can't come, `expires_s` in how many seconds the keys go (null while there are
    clients), `noauth` 1 where nobody needs a password.
    """
    now = session.engine.system.monotonic()
    return [_described(namespace, now) for namespace in session.engine.namespaces.named.values()]


def _described(namespace: Namespace, now: float) -> dict[bytes, Any]:
    return {
        b"namespace": namespace.name,
        b"port": namespace.port or None,
        b"clients": len(namespace.clients),
        b"noauth": int(namespace.trusts_all),
        b"expires_s": None if namespace.expires is None else max(round(namespace.expires - now, 3), 0),
    }


@command("c10d|help", group="coordination", since="0.1.0", flags="loading stale", complexity="O(1)")
def c10d_help(session: Session) -> list[str]:
    """Describe the subcommands of C10D."""
    return help_lines(session.engine.originals[b"c10d"].command)
