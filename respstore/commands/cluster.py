"""CLUSTER and what else only clusters need: this server is none, and says so, in the words of a Redis that is none.

https://redis.io/docs/latest/commands/?group=cluster
"""

from typing import Final, NoReturn

import attrs

from respstore import errors
from respstore.engine.categories import acl_categories
from respstore.engine.command import UNLIMITED, Command, command, container
from respstore.engine.session import Session
from respstore.errors import RespError


def _refuse(session: Session, *arguments: bytes) -> NoReturn:
    raise RespError(errors.NO_CLUSTER)


_ADMIN: Final = "admin stale no_async_loading"
_VARIES: Final = "nondeterministic_output"

# Syntax, arity as COMMAND gives it, since, flags, tips, complexity and summary of each.
_SUBCOMMANDS: Final = (
    ("addslots slot...", -3, "3.0.0", _ADMIN, "", "O(N) in the number of slots", "Take slots."),
    ("addslotsrange (start-slot end-slot)...", -4, "7.0.0", _ADMIN, "", "O(N) in the number of slots", "Take slots."),
    ("bumpepoch", 2, "3.0.0", _ADMIN, _VARIES, "O(1)", "Begin a new epoch of the configuration."),
    ("count-failure-reports node-id", 3, "3.0.0", "admin stale", _VARIES, "O(N)", "Count who calls a node failed."),
    ("countkeysinslot slot", 3, "3.0.0", "stale", "", "O(1)", "Count the keys of a slot."),
    ("delslots slot...", -3, "3.0.0", _ADMIN, "", "O(N) in the number of slots", "Give slots away."),
    ("delslotsrange (start-slot end-slot)...", -4, "7.0.0", _ADMIN, "", "O(N) in the number of slots", "Give slots."),
    ("failover options=[FORCE | TAKEOVER]", -2, "3.0.0", _ADMIN, "", "O(1)", "Make a replica the primary."),
    ("flushslots", 2, "3.0.0", _ADMIN, "", "O(1)", "Give all slots away."),
    ("forget node-id", 3, "3.0.0", _ADMIN, "", "O(1)", "Forget a node."),
    ("getkeysinslot slot count", 4, "3.0.0", "stale", _VARIES, "O(N) in the number of keys", "List keys of a slot."),
    ("help", 2, "5.0.0", "loading stale", "", "O(1)", "Describe the subcommands of CLUSTER."),
    ("info", 2, "3.0.0", "stale", _VARIES, "O(1)", "Tell the state of the cluster."),
    ("keyslot key:string", 3, "3.0.0", "stale", "", "O(N) in the length of the key", "Answer the slot of a key."),
    ("links", 2, "7.0.0", "stale", _VARIES, "O(N) in the number of nodes", "List the links between nodes."),
    ("meet ip port [cluster_bus_port:integer]@4.0.0", -4, "3.0.0", _ADMIN, "", "O(1)", "Join the cluster of a node."),
    ("myid", 2, "3.0.0", "stale", "", "O(1)", "Answer the id of this node."),
    ("nodes", 2, "3.0.0", "stale", _VARIES, "O(N) in the number of nodes", "List the nodes, in a line each."),
    ("replicas node-id", 3, "5.0.0", "admin stale", _VARIES, "O(1)", "List the replicas of a node."),
    ("replicate node-id", 3, "3.0.0", _ADMIN, "", "O(1)", "Become a replica of a node."),
    ("reset hard_soft=[HARD | SOFT]", -2, "3.0.0", "admin noscript stale", "", "O(N)", "Leave the cluster."),
    ("saveconfig", 2, "3.0.0", _ADMIN, "", "O(1)", "Write the state of the cluster to disk."),
    ("set-config-epoch config-epoch:integer", 3, "3.0.0", _ADMIN, "", "O(1)", "Set the epoch of a new node."),
    (
        "setslot slot subcommand=(IMPORTING node-id | MIGRATING node-id | NODE node-id | STABLE)",
        *(-4, "3.0.0", _ADMIN, "", "O(1)", "Say what is done with a slot."),
    ),
    ("shards", 2, "7.0.0", "stale", _VARIES, "O(N) in the number of nodes", "List the shards and their nodes."),
    ("slaves node-id", 3, "3.0.0", "admin stale", _VARIES, "O(1)", "List the replicas of a node."),
    ("slots", 2, "3.0.0", "stale", _VARIES, "O(N) in the number of nodes", "List slots and their nodes."),
)

_REPLACED_BY: Final = {"slaves": ("5.0.0", "`CLUSTER REPLICAS`"), "slots": ("7.0.0", "`CLUSTER SHARDS`")}
"""Since when a subcommand is deprecated, and by what."""


def _subcommand(syntax: str, arity: int, since: str, flags: str, tips: str, complexity: str, summary: str) -> Command:
    word = syntax.partition(" ")[0]
    deprecated_since, replaced_by = _REPLACED_BY.get(word, ("", ""))
    return Command(
        name=f"cluster|{word}",
        syntax=f"cluster|{syntax}",
        handler=_refuse,
        minimum=abs(arity),
        maximum=arity if arity > 0 else UNLIMITED,
        group="cluster",
        since=since,
        flags=frozenset(flags.split()),
        categories=acl_categories("cluster", frozenset(flags.split())),
        complexity=complexity,
        summary=summary,
        tips=frozenset(tips.split()),
        deprecated_since=deprecated_since,
        replaced_by=replaced_by,
    )


CLUSTER: Final = attrs.evolve(
    container("cluster", summary="Look at a cluster and manage it.", group="cluster", since="3.0.0"),
    subcommands={record.name.partition("|")[2]: record for record in (_subcommand(*row) for row in _SUBCOMMANDS)},
)


@command(
    "readonly",
    group="cluster",
    since="3.0.0",
    flags="loading stale fast",
    categories="connection",
    complexity="O(1)",
)
def readonly(session: Session) -> NoReturn:
    """Let the connection read from a replica in a cluster."""
    _refuse(session)


@command(
    "readwrite",
    group="cluster",
    since="3.0.0",
    flags="loading stale fast",
    categories="connection",
    complexity="O(1)",
)
def readwrite(session: Session) -> NoReturn:
    """End what READONLY began."""
    _refuse(session)


@command("asking", group="cluster", since="3.0.0", flags="fast", categories="connection", complexity="O(1)")
def asking(session: Session) -> NoReturn:
    """Let the next command reach a slot that a node of a cluster is about to take."""
    _refuse(session)
