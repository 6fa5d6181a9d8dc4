"""MEMORY: what the data and the server cost. https://redis.io/docs/latest/commands/memory-usage/

CPython tells less about its memory than jemalloc does: what is said here is what the system and the interpreter know.
"""

import gc
import sys
from collections.abc import Iterator
from typing import Any, Final

from respstore import errors
from respstore.commands.info import MemoryUse, human_bytes
from respstore.commands.scripting import usage_of
from respstore.engine.arguments import Words, integer
from respstore.engine.command import command, container
from respstore.engine.help import help_lines
from respstore.engine.keyspecs import at
from respstore.engine.memory import PURGE_SECONDS
from respstore.engine.session import Session
from respstore.engine.waiting import PENDING, Park
from respstore.errors import RespError
from respstore.keyspace import Database
from respstore.keyspace.sizes import size_of_key
from respstore.protocol.replies import OK, Verbatim

DEFAULT_SAMPLES: Final = 5
LITTLE_DATA: Final = 5_000_000
"""Bytes of data below which the doctor finds nothing worth its time."""

MEMORY: Final = container("memory", summary="Look at the use of memory.", group="server", since="4.0.0")


@command(
    "memory|usage key [SAMPLES count]",
    group="server",
    since="4.0.0",
    flags="readonly",
    keys=at(2, "RO"),
    complexity="O(N), N the number of samples",
)
def memory_usage(session: Session, key: bytes, *options: bytes) -> int | None:
    """Tell the bytes that Redis would take for a key and its value; of a container, by some elements (0: by all)."""
    samples = DEFAULT_SAMPLES
    words = Words(options)
    for word in words:
        if word.upper() != b"SAMPLES":
            raise RespError(errors.SYNTAX)
        samples = integer(words.argument())
        if samples < 0:
            raise RespError(errors.SYNTAX)
    config = session.engine.config
    nodes = {"list_node": config.list_max_listpack_size, "stream_node": config.stream_node_max_bytes}
    return size_of_key(session.db, key, samples or None, **nodes)


@command(
    "memory|stats",
    group="server",
    since="4.0.0",
    tips="nondeterministic_output request_policy:all_shards response_policy:special",
    complexity="O(1)",
)
def memory_stats(session: Session) -> dict[bytes, Any]:
    """Tell what the server uses its memory for."""
    engine = session.engine
    memory = MemoryUse.of(engine)
    scripts = usage_of(engine)
    keys = sum(len(db.data) for db in engine.keyspace.databases)
    stats: dict[str, Any] = {
        "peak.allocated": memory.peak,
        "total.allocated": memory.used,
        "startup.allocated": memory.startup,
        "replication.backlog": 0,
        "clients.slaves": 0,
        "clients.normal": memory.clients,
        "cluster.links": 0,
        "aof.buffer": 0,
        "lua.caches": scripts.script_texts,
        "functions.caches": scripts.library_texts,
        **{f"db.{db.index}": _dictionaries(db) for db in engine.keyspace.databases if db.data},
        "overhead.total": memory.overhead,
        "keys.count": keys,
        "keys.bytes-per-key": (memory.used - memory.startup) // keys if keys else 0,
        "dataset.bytes": memory.dataset,
        "dataset.percentage": memory.dataset_percentage,
        "peak.percentage": memory.peak_percentage,
        "allocator.allocated": memory.used,
        "allocator.active": memory.resident,
        "allocator.resident": memory.resident,
        "allocator-fragmentation.ratio": memory.fragmentation_ratio,
        "allocator-fragmentation.bytes": memory.fragmentation,
    }
    for name in ("allocator-rss", "rss-overhead"):
        stats |= {f"{name}.ratio": 1.0, f"{name}.bytes": 0}
    stats |= {"fragmentation": memory.fragmentation_ratio, "fragmentation.bytes": memory.fragmentation}
    return {name.encode(): value for name, value in stats.items()}


def _dictionaries(db: Database) -> dict[bytes, int]:
    return {
        b"overhead.hashtable.main": sys.getsizeof(db.data),
        b"overhead.hashtable.expires": sys.getsizeof(db.expires),
        b"overhead.hashtable.slot-to-keys": 0,
    }


@command(
    "memory|doctor",
    group="server",
    since="4.0.0",
    tips="nondeterministic_output request_policy:all_shards response_policy:special",
    complexity="O(1)",
)
def memory_doctor(session: Session) -> Verbatim:
    """Look for memory that is used in an unusual way, and say what to do about it."""
    engine = session.engine
    memory = MemoryUse.of(engine)
    findings = list(_findings(memory, len(engine.sessions), engine.system.total_memory()))
    if memory.dataset < LITTLE_DATA:
        text = f"The data takes no more than {human_bytes(memory.dataset)}: there is nothing to examine yet.\n"
    elif not findings:
        text = f"Nothing unusual: {human_bytes(memory.dataset)} of data, {human_bytes(memory.used)} in all.\n"
    else:
        text = "\n".join(["This is unusual:\n", *(f" * {finding}\n" for finding in findings)])
    return Verbatim(text.encode())


def _findings(memory: MemoryUse, clients: int, total: int) -> Iterator[str]:
    if memory.peak > 1.5 * memory.used:
        yield (
            f"Peak: the server once used {human_bytes(memory.peak)}, now {human_bytes(memory.used)}. New data goes "
            "into what is free within; only a restart gives back all of it."
        )
    if memory.fragmentation > max(memory.used // 2, 10_000_000):
        yield (
            f"Fragmentation: the system gave {human_bytes(memory.fragmentation)} more than is in use, after many keys "
            "were deleted or evicted. New data goes into it; MEMORY PURGE gives back some of it."
        )
    if clients and memory.clients > 200_000 * clients:
        yield (
            f"Connections: {human_bytes(memory.clients)} are held for {clients} clients. Some ask for more than they "
            "read, or queue large transactions; CLIENT LIST shows which (qbuf, omem, multi-mem)."
        )
    if memory.used > total // 2:
        yield (
            f"Machine: more than half of its {human_bytes(total)} is used by this server. Give keys a time to live, or "
            "keep some of them elsewhere."
        )


@command(
    "memory|purge",
    group="server",
    since="4.0.0",
    tips="request_policy:all_shards response_policy:all_succeeded",
    complexity="O(N) in the number of containers",
)
def memory_purge(session: Session) -> Park:
    """Give memory back to the system that the process keeps for later; the reply comes once that is done."""
    session.engine.memory.purge()
    return Park((), lambda _key: PENDING, PURGE_SECONDS, on_timeout=OK, if_denied=OK)


@command(
    "memory|malloc-stats",
    group="server",
    since="4.0.0",
    tips="nondeterministic_output request_policy:all_shards response_policy:special",
    complexity="O(1)",
)
def memory_malloc_stats(session: Session) -> Verbatim:
    """Tell what the interpreter knows of its allocator and its garbage collector."""
    lines = [
        f"Allocator: pymalloc of Python {sys.version.split()[0]}",
        f"Allocated blocks: {sys.getallocatedblocks()}",
        f"Resident memory: {session.engine.system.memory()}",
    ]
    for generation, stats in enumerate(gc.get_stats()):
        freed = f"{stats['collections']} collections freed {stats['collected']} objects"
        lines.append(f"Garbage collector, generation {generation}: {freed}")
    return Verbatim("".join(f"{line}\n" for line in lines).encode())


@command("memory|help", group="server", since="4.0.0", flags="loading stale", complexity="O(1)")
def memory_help(session: Session) -> list[str]:
    """Describe the subcommands of MEMORY."""
    return help_lines(session.engine.originals[b"memory"].command)
