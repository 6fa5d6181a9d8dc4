"""INFO: https://redis.io/docs/latest/commands/info/

A section is a function that gives its fields; `SECTIONS` is the list of them, in the order in which Redis shows them.
Fields that tools read are here even where respstore can only say zero; nothing is invented.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from respstore import __version__
from respstore.commands.connection import REDIS_VERSION
from respstore.engine.command import command
from respstore.engine.engine import Engine
from respstore.engine.session import Session
from respstore.protocol.replies import Verbatim

Field = tuple[str, object]

_DAY: Final = 86400
_UNITS: Final = "BKMGTP"


def human_bytes(count: int) -> str:
    """A number of bytes as Redis writes it for people: `512B`, `1.50K`, `3.20G`."""
    size = float(count)
    for unit in _UNITS:
        if size < 1024 or unit == _UNITS[-1]:
            return f"{count}B" if unit == "B" else f"{size:.2f}{unit}"
        size /= 1024
    raise AssertionError("unreachable: the last unit takes all")


def _server(engine: Engine) -> Iterator[Field]:
    uptime = (engine.keyspace.now - engine.started) // 1000
    yield "redis_version", REDIS_VERSION.decode()
    yield "respstore_version", __version__
    yield "redis_git_sha1", "00000000"
    yield "redis_git_dirty", 0
    yield "redis_build_id", "0" * 16
    yield "redis_mode", "standalone"
    yield "os", engine.system.platform()
    yield "arch_bits", 64
    yield "multiplexing_api", engine.system.multiplexing()
    yield "process_id", engine.system.pid
    yield "process_supervised", "no"
    yield "run_id", engine.run_id
    yield "tcp_port", engine.system.tcp_port
    yield "server_time_usec", engine.system.wall_clock_us()
    yield "uptime_in_seconds", uptime
    yield "uptime_in_days", uptime // _DAY
    yield "hz", engine.config.hz
    yield "configured_hz", engine.config.hz
    yield "lru_clock", engine.keyspace.now // 1000 & 0xFFFFFF
    yield "executable", engine.system.executable
    yield "config_file", engine.system.config_file or ""
    yield "io_threads_active", 0


def _clients(engine: Engine) -> Iterator[Field]:
    sessions = engine.sessions.values()
    yield "connected_clients", len(sessions)
    yield "cluster_connections", 0
    yield "maxclients", engine.config.maxclients
    yield "client_recent_max_input_buffer", max((session.unread() for session in sessions), default=0)
    yield "client_recent_max_output_buffer", max((session.unsent for session in sessions), default=0)
    yield "blocked_clients", sum(session.parked for session in sessions)
    yield "tracking_clients", 0
    yield "clients_in_timeout_table", engine.waiting.with_deadline()


def _memory(engine: Engine) -> Iterator[Field]:
    # CPython does not tell what it allocated, so what the process occupies stands for both.
    used, total = engine.system.memory(), engine.system.total_memory()
    peak = engine.statistics.peak_memory = max(engine.statistics.peak_memory, used)
    for name, size in (("used_memory", used), ("used_memory_rss", used), ("used_memory_peak", peak)):
        yield name, size
        yield f"{name}_human", human_bytes(size)
    yield "used_memory_peak_perc", f"{100 * used / peak:.2f}%"
    yield "used_memory_overhead", engine.startup_memory
    yield "used_memory_startup", engine.startup_memory
    yield "used_memory_dataset", max(used - engine.startup_memory, 0)
    yield "used_memory_dataset_perc", f"{100 * max(used - engine.startup_memory, 0) / used:.2f}%"
    yield "total_system_memory", total
    yield "total_system_memory_human", human_bytes(total)
    yield "used_memory_lua", 0
    yield "used_memory_lua_human", "0B"
    yield "used_memory_scripts", 0
    yield "used_memory_scripts_human", "0B"
    yield "number_of_cached_scripts", 0
    yield "maxmemory", engine.config.maxmemory
    yield "maxmemory_human", human_bytes(engine.config.maxmemory)
    yield "maxmemory_policy", engine.config.maxmemory_policy
    yield "mem_fragmentation_ratio", "1.00"
    yield "mem_fragmentation_bytes", 0
    yield "mem_not_counted_for_evict", 0
    yield "mem_replication_backlog", 0
    yield "mem_clients_slaves", 0
    yield "mem_clients_normal", sum(session.unread() + session.unsent for session in engine.sessions.values())
    yield "mem_aof_buffer", 0
    yield "mem_allocator", "pymalloc"
    yield "active_defrag_running", 0
    yield "lazyfree_pending_objects", 0
    yield "lazyfreed_objects", 0


def _persistence(engine: Engine) -> Iterator[Field]:
    yield "loading", 0
    yield "async_loading", 0
    yield "rdb_changes_since_last_save", engine.keyspace.changes
    yield "rdb_bgsave_in_progress", 0
    yield "rdb_last_save_time", engine.started // 1000
    yield "rdb_last_bgsave_status", "ok"
    yield "rdb_last_bgsave_time_sec", -1
    yield "rdb_current_bgsave_time_sec", -1
    yield "rdb_saves", 0
    yield "aof_enabled", 0
    yield "aof_rewrite_in_progress", 0
    yield "aof_rewrite_scheduled", 0
    yield "aof_last_rewrite_time_sec", -1
    yield "aof_current_rewrite_time_sec", -1
    yield "aof_last_bgrewrite_status", "ok"
    yield "aof_last_write_status", "ok"


def _stats(engine: Engine) -> Iterator[Field]:
    statistics, keyspace = engine.statistics, engine.keyspace
    yield "total_connections_received", statistics.connections
    yield "total_commands_processed", engine.commands_processed()
    yield "instantaneous_ops_per_sec", round(statistics.operations.per_second())
    yield "total_net_input_bytes", engine.bytes_in()
    yield "total_net_output_bytes", statistics.bytes_out
    yield "instantaneous_input_kbps", f"{statistics.input_bytes.per_second() / 1024:.2f}"
    yield "instantaneous_output_kbps", f"{statistics.output_bytes.per_second() / 1024:.2f}"
    yield "rejected_connections", statistics.rejected_connections
    yield "sync_full", 0
    yield "sync_partial_ok", 0
    yield "sync_partial_err", 0
    yield "expired_keys", keyspace.expired
    yield "expired_stale_perc", "0.00"
    yield "expired_time_cap_reached_count", statistics.expire_stopped
    yield "evicted_keys", 0
    yield "evicted_clients", 0
    yield "keyspace_hits", sum(db.hits for db in keyspace.databases)
    yield "keyspace_misses", sum(db.misses for db in keyspace.databases)
    yield "pubsub_channels", 0
    yield "pubsub_patterns", 0
    yield "pubsubshard_channels", 0
    yield "latest_fork_usec", 0
    yield "total_forks", 0
    yield "migrate_cached_sockets", 0
    yield "slave_expires_tracked_keys", 0
    yield "tracking_total_keys", 0
    yield "tracking_total_items", 0
    yield "tracking_total_prefixes", 0
    yield "unexpected_error_replies", 0
    yield "total_error_replies", statistics.errors.total()


def _replication(engine: Engine) -> Iterator[Field]:
    yield "role", "master"
    yield "connected_slaves", 0
    yield "master_failover_state", "no-failover"
    yield "master_replid", engine.run_id
    yield "master_replid2", "0" * 40
    yield "master_repl_offset", 0
    yield "second_repl_offset", -1
    yield "repl_backlog_active", 0
    yield "repl_backlog_size", engine.config.repl_backlog_size
    yield "repl_backlog_first_byte_offset", 0
    yield "repl_backlog_histlen", 0


def _cpu(engine: Engine) -> Iterator[Field]:
    system, user, system_children, user_children = engine.system.cpu_seconds()
    yield "used_cpu_sys", f"{system:.6f}"
    yield "used_cpu_user", f"{user:.6f}"
    yield "used_cpu_sys_children", f"{system_children:.6f}"
    yield "used_cpu_user_children", f"{user_children:.6f}"


def _modules(engine: Engine) -> Iterator[Field]:
    return iter(())


def _commandstats(engine: Engine) -> Iterator[Field]:
    for entry in engine.all_entries():
        if entry.calls or entry.rejected or entry.failed:
            text = f"calls={entry.calls},rejected_calls={entry.rejected},failed_calls={entry.failed}"
            yield f"cmdstat_{entry.command.name}", text


def _errorstats(engine: Engine) -> Iterator[Field]:
    for code, count in sorted(engine.statistics.errors.items()):
        yield f"errorstat_{code}", f"count={count}"


def _cluster(engine: Engine) -> Iterator[Field]:
    yield "cluster_enabled", 0


def _keyspace(engine: Engine) -> Iterator[Field]:
    for db in engine.keyspace.databases:
        if db.data:
            yield f"db{db.index}", f"keys={len(db.data)},expires={len(db.expires)},avg_ttl={db.average_ttl()}"


Section = Callable[[Engine], Iterable[Field]]
SECTIONS: Final[dict[str, Section]] = {
    "server": _server,
    "clients": _clients,
    "memory": _memory,
    "persistence": _persistence,
    "stats": _stats,
    "replication": _replication,
    "cpu": _cpu,
    "modules": _modules,
    "commandstats": _commandstats,
    "errorstats": _errorstats,
    "cluster": _cluster,
    "keyspace": _keyspace,
}
TITLES: Final = {"cpu": "CPU"}
_NOT_BY_DEFAULT: Final = {"commandstats"}
_GROUPS: Final[dict[str, set[str]]] = {
    "default": SECTIONS.keys() - _NOT_BY_DEFAULT,
    "all": set(SECTIONS),
    "everything": set(SECTIONS),
}


@command(
    "info [section]...",
    group="server",
    since="1.0.0",
    flags="loading stale",
    categories="dangerous",
    tips="nondeterministic_output request_policy:all_shards response_policy:special",
    complexity="O(1)",
)
def info(session: Session, *sections: bytes) -> Verbatim:
    """Describe the server in lines of `field:value`, by section."""
    wanted: set[str] = set()
    for section in sections or (b"default",):
        name = section.decode("latin-1").lower()
        wanted |= _GROUPS.get(name, {name})
    texts = []
    for name, fields in SECTIONS.items():
        if name in wanted:
            lines = [f"# {TITLES.get(name, name.capitalize())}"]
            lines += (f"{field}:{value}" for field, value in fields(session.engine))
            texts.append("\r\n".join(lines) + "\r\n")
    return Verbatim("\r\n".join(texts).encode("utf-8", "surrogateescape"))
