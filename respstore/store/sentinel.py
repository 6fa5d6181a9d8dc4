"""The way to the master of a service that sentinels watch over.

Each new connection asks them where it is, and then the server itself whether it is a master: after a failover some
sentinel may not know yet. A server that was demoted answers writes with READONLY, and is left for its successor.
"""

from time import monotonic
from typing import ClassVar, Final

from respstore.store.connection import Connection, LostError, NotSentError, connect, describe, pack
from respstore.store.link import PASSING, Link
from respstore.store.operations import Name
from respstore.store.target import Node, Target, credentials

ASK_SECONDS: Final = 1.0
"""How long a sentinel may take to answer before the next is asked."""

OPEN_SECONDS: Final = 5.0
"""How long a connection to the master may take before sentinels are asked again, which may know another by then."""


class SentinelLink(Link):
    """The connections of one store to the master of its service."""

    passing: ClassVar[tuple[str, ...]] = (*PASSING, "READONLY ")

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._home = None
        self._master: Node | None = None

    def _find(self, key: Name | Node | None, deadline: float) -> Node:
        causes = []
        for sentinel in self.target.nodes:
            try:
                master = self._ask(sentinel, min(deadline, monotonic() + ASK_SECONDS))
            except (OSError, NotSentError, LostError) as error:
                causes.append(f"{sentinel}: {describe(error) if isinstance(error, OSError) else error}")
                continue
            if master is not None:
                return master
            causes.append(f"{sentinel} does not know it")
        raise LostError(f"no sentinel says where it is ({'; '.join(causes)})")

    def _ask(self, sentinel: Node, deadline: float) -> Node | None:
        greeting = credentials(self.target.sentinel_username, self.target.sentinel_password)
        connection = self._greet(connect(sentinel, self._tls, deadline), greeting, deadline)
        try:
            question = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.target.service)
            reply = connection.exchange(pack(question), deadline)
        finally:
            connection.close()
        return Node(reply[0].decode(), int(reply[1])) if isinstance(reply, list) else None

    def _open(self, node: Node, deadline: float) -> Connection:
        deadline = min(deadline, monotonic() + OPEN_SECONDS)
        connection = super()._open(node, deadline)
        try:
            role = connection.exchange(pack(("ROLE",)), deadline)
            if isinstance(role, list) and role[0] != b"master":  # who may not tell (ACL) is taken as it is
                raise LostError(f"{node} is no master")
        except BaseException:
            connection.close()
            raise
        return connection

    def _adopt(self, connection: Connection) -> Connection:
        self._master = connection.node
        return super()._adopt(connection)

    def _node_of(self, key: Name | Node | None) -> Node | None:
        return self._master

    def __str__(self) -> str:
        return f"the master of {self.target.service!r}"
