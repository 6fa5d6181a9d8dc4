"""The way into a cluster: each of its 16,384 hash slots has a master, and a request goes to that of its key's slot.

Who has which slot is asked of any node that answers, and asked again when something does not fit: a node is gone, or
says that the slot has MOVED. While a slot is on its way to another node, the old one answers ASK for keys that have
gone already; the request is then put to the new one, once, behind ASKING.
"""

from collections.abc import Callable
from time import monotonic
from typing import Any, ClassVar, Final

from hiredis import ReplyError

from respstore.store.connection import Connection, LostError, NotSentError, describe, pack
from respstore.store.link import PASSING, Item, Link
from respstore.store.operations import Name
from respstore.store.slots import SLOTS, hash_slot
from respstore.store.target import Node, Target

ASK_SECONDS: Final = 1.0
"""How long a node may take to say who has which slot before the next is asked."""

OPEN_SECONDS: Final = 5.0
"""How long a connection may take before another node is asked whether this one is still there."""


class ClusterLink(Link):
    """The connections of one store to the nodes of its cluster."""

    passing: ClassVar[tuple[str, ...]] = (*PASSING, "MOVED ")

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._home = None
        self._known = list(target.nodes)
        self._owners: list[Node | None] | None = None

    def groups(self, items: list[Item], name_of: Callable[[Item], Name]) -> list[list[Item]]:
        groups: dict[int, list[Item]] = {}
        for item in items:
            groups.setdefault(slot_of(name_of(item)), []).append(item)
        return list(groups.values())

    def masters(self, limit: float) -> list[Node]:
        self.call(pack(("PING",)), limit, repeatable=True, key=b"")  # on the way it learns who has which slot
        owners = self._owners or self._known
        return list(dict.fromkeys(owner for owner in owners if owner is not None))

    def _node_of(self, key: Name | Node | None) -> Node | None:
        if isinstance(key, Node):
            return key
        assert key is not None, "a request goes to the node of its key"
        owners = self._owners
        return None if owners is None else owners[slot_of(key)]

    def _find(self, key: Name | Node | None, deadline: float) -> Node:
        if self._owners is None:
            self._owners = self._learn(deadline)
        node = self._node_of(key)
        if node is None:
            self._owners = None
            raise LostError("no node serves the slot of the key")
        return node

    def _doubt(self, cause: str) -> None:
        self._owners = None
        word, *rest = cause.split()
        if word == "MOVED":  # that node knows best
            self._prefer(node_named(rest[-1], self.target.nodes[0]))

    def _follow(self, reply: ReplyError, connection: Connection, request: bytes, deadline: float) -> Any:
        if not str(reply).startswith("ASK "):
            return reply
        node = node_named(str(reply).split()[-1], connection.node)
        other = self._pop(self._idle.get(node), monotonic()) or self._adopt(self._open(node, deadline))
        try:
            replies = other.exchange_all(pack(("ASKING",)) + request, 2, deadline)
        except BaseException:
            self._drop(other)
            raise
        self._idle[node].append(other)
        return replies[1]

    def _open(self, node: Node, deadline: float) -> Connection:
        return super()._open(node, min(deadline, monotonic() + OPEN_SECONDS))

    def _learn(self, deadline: float) -> list[Node | None]:
        """Who has which slot.

        Raises:
            LostError: nobody could be asked.
        """
        causes = []
        for node in list(self._known):
            limit = min(deadline, monotonic() + ASK_SECONDS)
            try:
                connection = self._pop(self._idle.get(node), monotonic()) or self._adopt(self._open(node, limit))
                try:
                    reply = connection.exchange(pack(("CLUSTER", "SLOTS")), limit)
                except BaseException:
                    self._drop(connection)
                    raise
            except (OSError, NotSentError, LostError) as error:
                causes.append(f"{node}: {describe(error) if isinstance(error, OSError) else error}")
                continue
            self._idle[node].append(connection)
            if isinstance(reply, list) and reply:
                owners = read_slots(reply, node)
                for owner in dict.fromkeys(owners):
                    if owner is not None and owner not in self._known:
                        self._known.append(owner)
                self._prefer(node)
                return owners
            causes.append(f"{node}: {reply or 'no slot is assigned'}")
        raise LostError(f"no node says who has which keys ({'; '.join(causes)})")

    def _prefer(self, node: Node) -> None:
        """Ask this node first the next time."""
        self._known = [node, *(known for known in self._known if known != node)]

    def __str__(self) -> str:
        return f"the cluster of {self.target.nodes[0]}"


def slot_of(name: Name) -> int:
    """The slot of a key."""
    return hash_slot(name.encode() if isinstance(name, str) else name)


def node_named(address: str, asked: Node) -> Node:
    """A node as an error reply names it, `host:port`; without a host it is on that of the node that was asked."""
    host, _, port = address.rpartition(":")
    return Node(host or asked.host, int(port))


def read_slots(reply: list[Any], asked: Node) -> list[Node | None]:
    """The masters of all slots, as `CLUSTER SLOTS` answers: `[first, last, [host, port, ...], replicas...]` each."""
    owners: list[Node | None] = [None] * SLOTS
    for first, last, (host, port, *_), *_ in reply:
        node = Node(host.decode() if host else asked.host, port)
        owners[first : last + 1] = [node] * (last + 1 - first)
    return owners
