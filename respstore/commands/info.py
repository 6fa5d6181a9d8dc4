"""INFO: https://redis.io/docs/latest/commands/info/

A section is a function that gives its fields; `SECTIONS` is the list of them, in the order in which Redis shows them.
Every field of Redis 7.0 is here, for tools miss one that is not: 0 says that there is none of it (replicas,
forks). Nothing is invented; where the figure is another than in Redis, a comment says which.
"""

from collections.abc import Callable, Iterable, Iterator
from sys import getsizeof
from typing import Final

import attrs

from respstore import __version__
from respstore.commands.scripting import usage_of
from respstore.engine import REDIS_VERSION
from respstore.engine.command import command
from respstore.engine.engine import Engine
from respstore.engine.session import Session
from respstore.engine.system import Loaded
from respstore.protocol.replies import Verbatim

Field = tuple[str, object]

_DAY: Final = 86400
_UNITS: Final = "BKMGTP"
_SAFE: Final = str.maketrans("#:\r\n", "____")
"""What must not stand in the name of a field."""


def human_bytes(count: int) -> str:
    """A number of bytes as Redis writes it for people: `512B`, `1.50K`, `3.20G`."""
    size = float(count)
    for unit in _UNITS:
        if size < 1024 or unit == _UNITS[-1]:
            return f"{count}B" if unit == "B" else f"{size:.2f}{unit}"
        size /= 1024
    raise AssertionError("unreachable: the last unit takes all")


@attrs.frozen
class MemoryUse:
    """What the process occupies, in bytes; MEMORY STATS shows it, too.

    CPython does not tell how much of what the system gave is in use. While the data is weighed (engine/memory.py) that
    is known all the same; otherwise what the system gave stands for both.

    Attributes:
        used, peak, startup: in use now, at most so far, and before there was any data.
        resident: what the system gave.
        clients: what is held for connections.
        dictionaries: what the databases take without their keys and values.
    """

    used: int
    peak: int
    startup: int
    resident: int
    clients: int
    dictionaries: int

    @classmethod
    def of(cls, engine: Engine) -> "MemoryUse":
        """As it is now."""
        used = engine.memory.used()
        clients = sum(session.memory() for session in engine.sessions.values())
        dictionaries = sum(getsizeof(db.data) + getsizeof(db.expires) for db in engine.keyspace.databases if db.data)
        startup = min(engine.startup_memory, used)
        resident = engine.system.memory() if engine.memory.is_weighed else used
        return cls(used, max(engine.memory.peak(), used), startup, resident, clients, dictionaries)

    @property
    def overhead(self) -> int:
        """What is no data."""
        return min(self.startup + self.clients + self.dictionaries, self.used)

    @property
    def dataset(self) -> int:
        """What is data: keys and values."""
        return self.used - self.overhead

    @property
    def dataset_percentage(self) -> float:
        """The data's share of all that came since the start."""
        return 100 * self.dataset / max(self.used - self.startup, 1)

    @property
    def peak_percentage(self) -> float:
        """What there is now against what there was at most."""
        return 100 * self.used / self.peak

    @property
    def fragmentation(self) -> int:
        """What the system gave that is not in use; it may be less than nothing where it keeps some in its swap."""
        return self.resident - self.used

    @property
    def fragmentation_ratio(self) -> float:
        """What the system gave against what is in use."""
        return self.resident / self.used


def _server(engine: Engine) -> Iterator[Field]:
    uptime = (engine.keyspace.now - engine.started) // 1000
    yield "redis_version", REDIS_VERSION
    yield "respstore_version", __version__
    yield "respstore_io_backend", engine.system.io_backend
    yield "redis_git_sha1", "00000000"
    yield "redis_git_dirty", 0
    yield "redis_build_id", "0" * 16
    yield "redis_mode", "standalone"
    yield "os", engine.system.platform()
    yield "arch_bits", 64
    yield "monotonic_clock", "Python time.monotonic"
    yield "multiplexing_api", engine.system.multiplexing()
    yield "atomicvar_api", "none"
    yield "gcc_version", "0.0.0"
    yield "process_id", engine.system.pid
    yield "process_supervised", engine.config.supervised
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
    yield "blocked_clients", sum(session.is_parked for session in sessions)
    yield "tracking_clients", len(engine.trackers.sessions)
    yield "clients_in_timeout_table", engine.waiting.with_deadline()


def _memory(engine: Engine) -> Iterator[Field]:
    memory = MemoryUse.of(engine)
    total = engine.system.total_memory()
    for name, size in (
        ("used_memory", memory.used),
        ("used_memory_rss", memory.resident),
        ("used_memory_peak", memory.peak),
    ):
        yield name, size
        yield f"{name}_human", human_bytes(size)
    yield "used_memory_peak_perc", f"{memory.peak_percentage:.2f}%"
    yield "used_memory_overhead", memory.overhead
    yield "used_memory_startup", memory.startup
    yield "used_memory_dataset", memory.dataset
    yield "used_memory_dataset_perc", f"{memory.dataset_percentage:.2f}%"
    yield "allocator_allocated", memory.used
    yield "allocator_active", memory.resident
    yield "allocator_resident", memory.resident
    yield "total_system_memory", total
    yield "total_system_memory_human", human_bytes(total)
    yield from _script_memory(engine)
    yield "maxmemory", engine.config.maxmemory
    yield "maxmemory_human", human_bytes(engine.config.maxmemory)
    yield "maxmemory_policy", engine.config.maxmemory_policy
    for name in ("allocator_frag", "mem_fragmentation"):
        yield f"{name}_ratio", f"{memory.fragmentation_ratio:.2f}"
        yield f"{name}_bytes", memory.fragmentation
    for name in ("allocator_rss", "rss_overhead"):
        yield f"{name}_ratio", "1.00"
        yield f"{name}_bytes", 0
    yield "mem_not_counted_for_evict", memory.startup  # the interpreter; maxmemory is for data and clients
    yield "mem_replication_backlog", 0
    yield "mem_total_replication_buffers", 0
    yield "mem_clients_slaves", 0
    yield "mem_clients_normal", memory.clients
    yield "mem_cluster_links", 0
    yield "mem_aof_buffer", 0
    yield "mem_allocator", "pymalloc"
    yield "active_defrag_running", 0
    yield "lazyfree_pending_objects", 0
    yield "lazyfreed_objects", 0


def _script_memory(engine: Engine) -> Iterator[Field]:
    usage = usage_of(engine)
    texts, total = usage.script_texts + usage.library_texts, usage.script_memory + usage.function_memory
    yield "used_memory_lua", usage.script_memory
    yield "used_memory_vm_eval", usage.script_memory
    yield "used_memory_lua_human", human_bytes(usage.script_memory)
    yield "used_memory_scripts_eval", usage.script_texts
    yield "number_of_cached_scripts", usage.scripts
    yield "number_of_functions", usage.functions
    yield "number_of_libraries", usage.libraries
    yield "used_memory_vm_functions", usage.function_memory
    yield "used_memory_vm_total", total
    yield "used_memory_vm_total_human", human_bytes(total)
    yield "used_memory_functions", usage.library_texts
    yield "used_memory_scripts", texts
    yield "used_memory_scripts_human", human_bytes(texts)


def _persistence(engine: Engine) -> Iterator[Field]:
    snapshots = engine.snapshots
    running, loaded = snapshots.seconds_running(), snapshots.loaded
    yield "loading", int(snapshots.is_loading)
    yield "async_loading", 0
    yield "current_cow_peak", 0
    yield "current_cow_size", 0
    yield "current_cow_size_age", 0
    yield "current_fork_perc", "0.00"
    yield "current_save_keys_processed", 0
    yield "current_save_keys_total", 0
    yield "rdb_changes_since_last_save", snapshots.changes()
    yield "rdb_bgsave_in_progress", int(running is not None)
    yield "rdb_last_save_time", snapshots.saved_at
    yield "rdb_last_bgsave_status", "ok" if snapshots.succeeded else "err"
    yield "rdb_last_bgsave_time_sec", -1 if snapshots.seconds is None else snapshots.seconds
    yield "rdb_current_bgsave_time_sec", -1 if running is None else running
    yield "rdb_saves", snapshots.saves
    yield "rdb_last_cow_size", 0
    yield "rdb_last_load_keys_expired", 0 if loaded is None else loaded.expired
    yield "rdb_last_load_keys_loaded", 0 if loaded is None else loaded.keys
    log = engine.append_only
    rewriting = log.seconds_rewriting()
    yield "aof_enabled", int(log.is_on)
    yield "aof_rewrite_in_progress", int(rewriting is not None)
    yield "aof_rewrite_scheduled", int(log.is_scheduled)
    yield "aof_last_rewrite_time_sec", -1 if log.seconds is None else log.seconds
    yield "aof_current_rewrite_time_sec", -1 if rewriting is None else rewriting
    yield "aof_last_bgrewrite_status", "err" if log.failures else "ok"
    yield "aof_rewrites", log.rewrites
    yield "aof_rewrites_consecutive_failures", log.failures
    yield "aof_last_write_status", "err" if log.problem else "ok"
    yield "aof_last_cow_size", 0
    yield "module_fork_in_progress", 0
    yield "module_fork_last_cow_size", 0
    if log.is_on:
        files = engine.system.append_files
        yield "aof_current_size", files.size
        yield "aof_base_size", files.base_size
        yield "aof_pending_rewrite", int(log.is_scheduled)
        yield "aof_buffer_length", sum(map(len, engine.effects.unwritten))
        yield "aof_pending_bio_fsync", int(files.poll_sync() is None)
        yield "aof_delayed_fsync", log.delays
    if snapshots.is_loading and loaded is not None:
        yield "loading_start_time", snapshots.loading_since
        yield "loading_total_bytes", loaded.size
        yield "loading_rdb_used_mem", loaded.used_memory
        yield "loading_loaded_bytes", loaded.at
        yield "loading_loaded_perc", f"{loaded.at / max(loaded.size, 1) * 100:.2f}"
        yield "loading_eta_seconds", _seconds_left(engine, loaded)


def _seconds_left(engine: Engine, loaded: Loaded) -> int:
    """How long loading will still take, going by how long it took so far; rules: genRedisInfoString in server.c."""
    seconds = engine.keyspace.now // 1000 - engine.snapshots.loading_since
    return seconds * (loaded.size - loaded.at) // (loaded.at + 1) if seconds else 1


def _stats(engine: Engine) -> Iterator[Field]:
    statistics, keyspace = engine.statistics, engine.keyspace
    yield "total_connections_received", statistics.connections
    yield "total_commands_processed", engine.commands_processed()
    yield "instantaneous_ops_per_sec", round(statistics.operations.per_second())
    yield "total_net_input_bytes", engine.bytes_in()
    yield "total_net_output_bytes", statistics.bytes_out
    yield "total_net_repl_input_bytes", 0
    yield "total_net_repl_output_bytes", 0
    yield "instantaneous_input_kbps", f"{statistics.input_bytes.per_second() / 1024:.2f}"
    yield "instantaneous_output_kbps", f"{statistics.output_bytes.per_second() / 1024:.2f}"
    yield "instantaneous_input_repl_kbps", "0.00"
    yield "instantaneous_output_repl_kbps", "0.00"
    yield "rejected_connections", statistics.rejected_connections
    yield "sync_full", 0
    yield "sync_partial_ok", 0
    yield "sync_partial_err", 0
    yield "expired_keys", keyspace.expired
    yield "expired_stale_perc", "0.00"
    yield "expired_time_cap_reached_count", statistics.expire_stopped
    yield "expire_cycle_cpu_milliseconds", round(statistics.expire_seconds * 1000)
    yield "evicted_keys", statistics.evicted_keys
    yield "evicted_clients", statistics.evicted_clients
    for name, seconds in zip(("total", "current"), statistics.seconds_exceeded(engine.system.monotonic()), strict=True):
        yield f"{name}_eviction_exceeded_time", round(seconds * 1000)
    yield "keyspace_hits", keyspace.hits
    yield "keyspace_misses", keyspace.misses
    yield "pubsub_channels", len(engine.channels.channels)
    yield "pubsub_patterns", len(engine.channels.patterns)
    yield "pubsubshard_channels", len(engine.channels.shard_channels)
    yield "latest_fork_usec", statistics.fork_microseconds
    yield "total_forks", statistics.forks
    yield "migrate_cached_sockets", 0
    yield "slave_expires_tracked_keys", 0
    for name in ("hits", "misses", "key_hits", "key_misses"):
        yield f"active_defrag_{name}", 0
    yield "total_active_defrag_time", 0
    yield "current_active_defrag_time", 0
    yield "tracking_total_keys", len(engine.trackers.keys)
    yield "tracking_total_items", engine.trackers.items()
    yield "tracking_total_prefixes", len(engine.trackers.prefixes)
    yield "unexpected_error_replies", 0
    yield "total_error_replies", statistics.errors.total()
    yield "dump_payload_sanitizations", 0
    yield "total_reads_processed", statistics.reads
    yield "total_writes_processed", statistics.writes
    yield "io_threaded_reads_processed", 0
    yield "io_threaded_writes_processed", 0
    yield "reply_buffer_shrinks", 0
    yield "reply_buffer_expands", 0


def _replication(engine: Engine) -> Iterator[Field]:
    yield "role", "master"
    yield "connected_slaves", 0
    yield "master_failover_state", "no-failover"
    yield "master_replid", engine.replication_id
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
    thread = engine.system.thread_cpu_seconds()
    if thread is not None:
        yield "used_cpu_sys_main_thread", f"{thread[0]:.6f}"
        yield "used_cpu_user_main_thread", f"{thread[1]:.6f}"


def _modules(engine: Engine) -> Iterator[Field]:
    return iter(())


def _commandstats(engine: Engine) -> Iterator[Field]:
    # usec of what is called more often than 640 times a second comes from samples (engine/timing.py).
    for entry in engine.all_entries:
        if entry.calls or entry.rejected or entry.failed:
            usec = entry.times.total(entry.calls) * 1e6
            mean = usec / entry.calls if entry.calls else 0
            refused = f"rejected_calls={entry.rejected},failed_calls={entry.failed}"
            yield (
                f"cmdstat_{entry.command.name}",
                f"calls={entry.calls},usec={usec:.0f},usec_per_call={mean:.2f},{refused}",
            )


def _errorstats(engine: Engine) -> Iterator[Field]:
    for code, count in sorted(engine.statistics.errors.items()):
        yield f"errorstat_{code.translate(_SAFE)}", f"count={count}"


def _latencystats(engine: Engine) -> Iterator[Field]:
    if not engine.config.latency_tracking:
        return
    wanted = engine.config.latency_tracking_info_percentiles
    for entry in engine.all_entries:
        values = [*entry.times.percentiles(entry.calls, wanted)]
        if values:
            fields = ",".join(f"p{number:g}={value:.3f}" for number, value in zip(wanted, values, strict=True))
            yield f"latency_percentiles_usec_{entry.command.name}", fields


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
    "latencystats": _latencystats,
    "cluster": _cluster,
    "keyspace": _keyspace,
}
TITLES: Final = {"cpu": "CPU"}
_NOT_BY_DEFAULT: Final = {"commandstats", "latencystats"}
_GROUPS: Final[dict[str, set[str]]] = {
    "default": SECTIONS.keys() - _NOT_BY_DEFAULT,
    "all": set(SECTIONS),
    "everything": set(SECTIONS),
    "module_list": {"modules"},
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
