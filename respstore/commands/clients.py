"""CLIENT: connections that look at themselves and at each other. https://redis.io/docs/latest/commands/client-list/"""

from typing import Final

from respstore.commands.connection import client_name
from respstore.engine.command import command, container
from respstore.engine.session import Session
from respstore.protocol.replies import OK

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
