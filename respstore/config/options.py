"""The table of options: every name that CONFIG GET knows in Redis 7.0, and what respstore does with it.

One declaration is one option: the attribute that holds its value, its default, the kind of its values, how far
respstore supports it, and when it may be changed. Its name in redis.conf is the attribute's with hyphens. A new option
needs nothing but its line here and its user.

Defaults are Redis's, except that `bind` is loopback, as in the redis.conf that Redis ships, so that a server is not
open to the network by accident.

The support of an option that gets its user changes from HARMLESS or UNSUPPORTED to WORKS in the same commit.
"""

# ruff: noqa: FBT003, RUF009 - a default is often a bare True or False, and to declare is to call `option`

import enum
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, TypeVar

import attrs

from respstore.config.values import (
    INT_MAX,
    LONG_MAX,
    ULONG_MAX,
    Addresses,
    BufferLimit,
    BufferLimits,
    Choice,
    Directory,
    FileName,
    Integer,
    Kind,
    Memory,
    MemoryOrPercent,
    NotifyEvents,
    OomScores,
    OutputBufferLimits,
    Password,
    Percentiles,
    Permissions,
    Primary,
    SavePoint,
    SavePoints,
    ShutdownFlags,
    TCPStorePort,
    TCPStorePorts,
    Text,
    TitleTemplate,
    YesNo,
)
from respstore.protocol import tcpstore

T = TypeVar("T")

MAXMEMORY_POLICIES: Final = (
    *("volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"),
    *("allkeys-lru", "allkeys-lfu", "allkeys-random", "noeviction"),
)
SAVE_POINTS: Final = (SavePoint(3600, 1), SavePoint(300, 100), SavePoint(60, 10000))
OUTPUT_BUFFER_LIMITS: Final = BufferLimits(
    normal=BufferLimit(0, 0, 0),
    slave=BufferLimit(256 * 1024**2, 64 * 1024**2, 60),
    pubsub=BufferLimit(32 * 1024**2, 8 * 1024**2, 60),
)


class Support(enum.Enum):
    """How far respstore does what an option asks for."""

    WORKS = "works"
    """respstore does it."""
    HARMLESS = "harmless"
    """The value is kept and shown, and changes no result here: taken at start with a warning."""
    UNSUPPORTED = "unsupported"
    """Another value than the default would be a promise that respstore does not keep: refused by name."""


class When(enum.Enum):
    """When an option may be changed."""

    AT_ANY_TIME = "at any time"
    """Whoever uses the value reads it at that moment."""
    BY_SERVER = "by server"
    """At any time, where something has registered to carry the change out (`Config.on_change`)."""
    PROTECTED = "protected"
    """By CONFIG SET only if enable-protected-configs allows it."""
    AT_START = "at start"
    """Not while the server runs."""


WORKS, HARMLESS, UNSUPPORTED = Support.WORKS, Support.HARMLESS, Support.UNSUPPORTED
AT_START, BY_SERVER, PROTECTED = When.AT_START, When.BY_SERVER, When.PROTECTED


@attrs.frozen(eq=False)
class Option:
    """One row of the table.

    `default` is None where it depends on where the server runs, `alias` is the option's second name, `accumulates`
    tells that the lines of a file add up.
    """

    name: str
    attribute: str
    default: Any
    kind: Kind[Any]
    support: Support
    when: When
    alias: str | None
    accumulates: bool

    def refusal(self) -> str:
        """Why another value than the default is refused, where the option is unsupported."""
        return f"respstore supports only '{self.kind.text(self.default)}' here"


def option(
    default: T | Callable[[], T],
    kind: Kind[T],
    support: Support = HARMLESS,
    when: When = When.AT_ANY_TIME,
    *,
    alias: str | None = None,
    name: str | None = None,
    accumulates: bool = False,
) -> Any:
    """Declare an option in the class below; `name` only where it is not the attribute's with hyphens."""
    row = {"kind": kind, "support": support, "when": when, "alias": alias, "name": name, "accumulates": accumulates}
    if callable(default):
        return attrs.field(factory=default, metadata=row)
    return attrs.field(default=default, metadata=row)


@attrs.define(eq=False, kw_only=True)
class Options:
    """The values of all options."""

    # Where to listen
    bind: tuple[str, ...] = option(("127.0.0.1", "-::1"), Addresses(), WORKS, BY_SERVER)
    port: int = option(6379, Integer(0, 65535), WORKS, BY_SERVER)
    unixsocket: str = option("", Text(), WORKS, AT_START)
    unixsocketperm: int = option(0, Permissions(), WORKS, AT_START)
    tcp_backlog: int = option(511, Integer(), WORKS, AT_START)
    protected_mode: bool = option(True, YesNo(), WORKS)
    bind_source_addr: str = option("", Text())
    socket_mark_id: int = option(0, Integer(0, 2**32 - 1), UNSUPPORTED, AT_START)

    # Connections and their limits
    requirepass: bytes = option(b"", Password(), WORKS)
    maxclients: int = option(10000, Integer(1, 2**32 - 1), WORKS)
    timeout: int = option(0, Integer(), WORKS)
    tcp_keepalive: int = option(300, Integer(), WORKS)
    proto_max_bulk_len: int = option(512 * 1024**2, Memory(1024**2), WORKS)
    client_query_buffer_limit: int = option(1024**3, Memory(1024**2), WORKS)
    client_output_buffer_limit: BufferLimits = option(OUTPUT_BUFFER_LIMITS, OutputBufferLimits(), WORKS)
    maxmemory_clients: int = option(0, MemoryOrPercent(), WORKS)
    tracking_table_max_keys: int = option(1000000, Integer(0, LONG_MAX), WORKS)

    # torch.distributed's TCPStore, whose protocol respstore speaks, too: not in Redis
    tcpstore_port: tuple[TCPStorePort, ...] = option((), TCPStorePorts(), WORKS, AT_START, accumulates=True)
    tcpstore_namespace_ttl: int = option(3600, Integer(), WORKS)
    tcpstore_string_limit: int = option(tcpstore.MAX_STRING, Memory(tcpstore.MAX_STRING), WORKS)
    tcpstore_keys_limit: int = option(tcpstore.MAX_KEYS, Integer(tcpstore.MAX_KEYS), WORKS)

    # The process
    databases: int = option(16, Integer(1), WORKS, AT_START)
    dir: str = option(os.getcwd, Directory(), WORKS, PROTECTED)
    logfile: str = option("", Text(), WORKS, AT_START)
    loglevel: str = option("notice", Choice("debug", "verbose", "notice", "warning"), WORKS)
    hz: int = option(10, Integer(clamp=(1, 500)))
    dynamic_hz: bool = option(True, YesNo())
    daemonize: bool = option(False, YesNo(), WORKS, AT_START)
    supervised: str = option("no", Choice("systemd", "auto", "no"), WORKS, AT_START)
    pidfile: str = option("", Text(), WORKS, AT_START)
    syslog_enabled: bool = option(False, YesNo(), UNSUPPORTED, AT_START)
    syslog_facility: str = option(
        "local0", Choice("user", *(f"local{number}" for number in range(8))), HARMLESS, AT_START
    )
    syslog_ident: str = option("redis", Text(), HARMLESS, AT_START)
    always_show_logo: bool = option(False, YesNo(), HARMLESS, AT_START)
    set_proc_title: bool = option(True, YesNo(), HARMLESS, AT_START)
    proc_title_template: str = option("{title} {listen-addr} {server-mode}", TitleTemplate())
    crash_log_enabled: bool = option(True, YesNo())
    crash_memcheck_enabled: bool = option(True, YesNo())
    disable_thp: bool = option(True, YesNo(), HARMLESS, AT_START)
    ignore_warnings: str = option("", Text())
    io_threads: int = option(1, Integer(1, 128), HARMLESS, AT_START)
    io_threads_do_reads: bool = option(False, YesNo(), HARMLESS, AT_START)
    jemalloc_bg_thread: bool = option(True, YesNo())
    server_cpulist: str = option("", Text(), HARMLESS, AT_START, name="server_cpulist")
    bio_cpulist: str = option("", Text(), HARMLESS, AT_START, name="bio_cpulist")
    aof_rewrite_cpulist: str = option("", Text(), HARMLESS, AT_START, name="aof_rewrite_cpulist")
    bgsave_cpulist: str = option("", Text(), HARMLESS, AT_START, name="bgsave_cpulist")
    oom_score_adj: str = option("no", Choice("no", "yes", "relative", "absolute"), WORKS, BY_SERVER)
    oom_score_adj_values: tuple[int, ...] = option((0, 200, 800), OomScores(), WORKS, BY_SERVER)
    shutdown_timeout: int = option(10, Integer())
    shutdown_on_sigint: tuple[str, ...] = option((), ShutdownFlags(), WORKS)
    shutdown_on_sigterm: tuple[str, ...] = option((), ShutdownFlags(), WORKS)

    # Who may do what
    enable_protected_configs: str = option("no", Choice("no", "yes", "local"), WORKS, AT_START)
    enable_debug_command: str = option("no", Choice("no", "yes", "local"), WORKS, AT_START)
    enable_module_command: str = option("no", Choice("no", "yes", "local"), WORKS, AT_START)
    aclfile: str = option("", Text(), WORKS, AT_START)
    acllog_max_len: int = option(128, Integer(0, LONG_MAX), WORKS)
    acl_pubsub_default: str = option("resetchannels", Choice("allchannels", "resetchannels"), WORKS)

    # Memory, and keys that expire
    maxmemory: int = option(0, Memory(0, ULONG_MAX), WORKS)
    maxmemory_policy: str = option("noeviction", Choice(*MAXMEMORY_POLICIES), WORKS)
    maxmemory_samples: int = option(5, Integer(1), WORKS)
    maxmemory_eviction_tenacity: int = option(10, Integer(0, 100), WORKS)
    lfu_log_factor: int = option(10, Integer(), WORKS)
    lfu_decay_time: int = option(1, Integer(), WORKS)
    active_expire_effort: int = option(1, Integer(1, 10))
    lazyfree_lazy_eviction: bool = option(False, YesNo())
    lazyfree_lazy_expire: bool = option(False, YesNo())
    lazyfree_lazy_server_del: bool = option(False, YesNo())
    lazyfree_lazy_user_del: bool = option(False, YesNo())
    lazyfree_lazy_user_flush: bool = option(False, YesNo())
    activerehashing: bool = option(True, YesNo())
    activedefrag: bool = option(False, YesNo())
    active_defrag_ignore_bytes: int = option(100 * 1024**2, Memory(1))
    active_defrag_threshold_lower: int = option(10, Integer(0, 1000))
    active_defrag_threshold_upper: int = option(100, Integer(0, 1000))
    active_defrag_cycle_min: int = option(1, Integer(1, 99))
    active_defrag_cycle_max: int = option(25, Integer(1, 99))
    active_defrag_max_scan_fields: int = option(1000, Integer(1, LONG_MAX))

    # How small values are encoded
    hash_max_listpack_entries: int = option(512, Integer(0, LONG_MAX), WORKS, alias="hash-max-ziplist-entries")
    hash_max_listpack_value: int = option(64, Memory(), WORKS, alias="hash-max-ziplist-value")
    list_max_listpack_size: int = option(-2, Integer(-INT_MAX - 1), WORKS, alias="list-max-ziplist-size")
    list_compress_depth: int = option(0, Integer())
    set_max_intset_entries: int = option(512, Integer(0, LONG_MAX), WORKS)
    zset_max_listpack_entries: int = option(128, Integer(0, LONG_MAX), WORKS, alias="zset-max-ziplist-entries")
    zset_max_listpack_value: int = option(64, Memory(), WORKS, alias="zset-max-ziplist-value")
    hll_sparse_max_bytes: int = option(3000, Memory(), WORKS)
    stream_node_max_bytes: int = option(4096, Memory(), WORKS)
    stream_node_max_entries: int = option(100, Integer(0, LONG_MAX), WORKS)

    # What an operator watches
    notify_keyspace_events: str = option("", NotifyEvents(), WORKS)
    slowlog_log_slower_than: int = option(10000, Integer(-1, LONG_MAX), WORKS)
    slowlog_max_len: int = option(128, Integer(0, LONG_MAX), WORKS)
    latency_monitor_threshold: int = option(0, Integer(0, LONG_MAX), WORKS)
    latency_tracking: bool = option(True, YesNo(), WORKS)
    latency_tracking_info_percentiles: tuple[float, ...] = option((50, 99, 99.9), Percentiles(), WORKS)
    busy_reply_threshold: int = option(5000, Integer(0, LONG_MAX), WORKS, alias="lua-time-limit")

    # Files of the data
    save: tuple[SavePoint, ...] = option(SAVE_POINTS, SavePoints(), WORKS, accumulates=True)
    dbfilename: str = option("dump.rdb", FileName("dbfilename", may_be_empty=True), WORKS, PROTECTED)
    rdbcompression: bool = option(True, YesNo(), WORKS)
    rdbchecksum: bool = option(True, YesNo(), WORKS, AT_START)
    rdb_del_sync_files: bool = option(False, YesNo())
    rdb_save_incremental_fsync: bool = option(True, YesNo())
    sanitize_dump_payload: str = option("no", Choice("no", "yes", "clients"))
    stop_writes_on_bgsave_error: bool = option(True, YesNo(), WORKS)
    appendonly: bool = option(False, YesNo(), WORKS)
    appendfilename: str = option("appendonly.aof", FileName("appendfilename"), WORKS, AT_START)
    appenddirname: str = option("appendonlydir", FileName("appenddirname", "dirname"), WORKS, AT_START)
    appendfsync: str = option("everysec", Choice("everysec", "always", "no"), WORKS)
    no_appendfsync_on_rewrite: bool = option(False, YesNo(), WORKS)
    auto_aof_rewrite_percentage: int = option(100, Integer(), WORKS)
    auto_aof_rewrite_min_size: int = option(64 * 1024**2, Memory(), WORKS)
    aof_load_truncated: bool = option(True, YesNo(), WORKS)
    aof_use_rdb_preamble: bool = option(True, YesNo(), WORKS)
    aof_timestamp_enabled: bool = option(False, YesNo(), WORKS)
    aof_disable_auto_gc: bool = option(False, YesNo())
    aof_rewrite_incremental_fsync: bool = option(True, YesNo())

    # Replication
    replicaof: str = option("", Primary(), UNSUPPORTED, AT_START, alias="slaveof")
    masterauth: str = option("", Text())
    masteruser: str = option("", Text())
    min_replicas_to_write: int = option(0, Integer(), UNSUPPORTED, alias="min-slaves-to-write")
    min_replicas_max_lag: int = option(10, Integer(), alias="min-slaves-max-lag")
    repl_backlog_size: int = option(1024**2, Memory(1, at_least=16 * 1024))
    repl_backlog_ttl: int = option(3600, Integer(0, LONG_MAX))
    repl_disable_tcp_nodelay: bool = option(False, YesNo())
    repl_diskless_load: str = option("disabled", Choice("disabled", "on-empty-db", "swapdb"))
    repl_diskless_sync: bool = option(True, YesNo())
    repl_diskless_sync_delay: int = option(5, Integer())
    repl_diskless_sync_max_replicas: int = option(0, Integer())
    repl_ping_replica_period: int = option(10, Integer(1), alias="repl-ping-slave-period")
    repl_timeout: int = option(60, Integer(1))
    replica_announce_ip: str = option("", Text(), alias="slave-announce-ip")
    replica_announce_port: int = option(0, Integer(0, 65535), alias="slave-announce-port")
    replica_announced: bool = option(True, YesNo())
    replica_ignore_disk_write_errors: bool = option(False, YesNo())
    replica_ignore_maxmemory: bool = option(True, YesNo(), alias="slave-ignore-maxmemory")
    replica_lazy_flush: bool = option(False, YesNo(), alias="slave-lazy-flush")
    replica_priority: int = option(100, Integer(), alias="slave-priority")
    replica_read_only: bool = option(True, YesNo(), alias="slave-read-only")
    replica_serve_stale_data: bool = option(True, YesNo(), alias="slave-serve-stale-data")
    propagation_error_behavior: str = option("ignore", Choice("ignore", "panic", "panic-on-replicas"))

    # Cluster
    cluster_enabled: bool = option(False, YesNo(), UNSUPPORTED, AT_START)
    cluster_config_file: str = option("nodes.conf", Text(), HARMLESS, AT_START)
    cluster_port: int = option(0, Integer(0, 65535), HARMLESS, AT_START)
    cluster_node_timeout: int = option(15000, Integer(0, LONG_MAX))
    cluster_announce_ip: str = option("", Text())
    cluster_announce_hostname: str = option("", Text())
    cluster_announce_port: int = option(0, Integer(0, 65535))
    cluster_announce_tls_port: int = option(0, Integer(0, 65535))
    cluster_announce_bus_port: int = option(0, Integer(0, 65535))
    cluster_preferred_endpoint_type: str = option("ip", Choice("ip", "hostname", "unknown-endpoint"))
    cluster_link_sendbuf_limit: int = option(0, Memory(0, ULONG_MAX))
    cluster_migration_barrier: int = option(1, Integer())
    cluster_allow_replica_migration: bool = option(True, YesNo())
    cluster_allow_reads_when_down: bool = option(False, YesNo())
    cluster_allow_pubsubshard_when_down: bool = option(True, YesNo())
    cluster_require_full_coverage: bool = option(True, YesNo())
    cluster_replica_no_failover: bool = option(False, YesNo(), alias="cluster-slave-no-failover")
    cluster_replica_validity_factor: int = option(10, Integer(), alias="cluster-slave-validity-factor")

    # TLS
    tls_port: int = option(0, Integer(0, 65535), WORKS, BY_SERVER)
    tls_replication: bool = option(False, YesNo(), UNSUPPORTED)
    tls_cluster: bool = option(False, YesNo(), UNSUPPORTED)
    tls_auth_clients: str = option("yes", Choice("no", "yes", "optional"), WORKS, BY_SERVER)
    tls_cert_file: str = option("", Text(), WORKS, BY_SERVER)
    tls_key_file: str = option("", Text(), WORKS, BY_SERVER)
    tls_key_file_pass: str = option("", Text(), WORKS, BY_SERVER)
    tls_ca_cert_file: str = option("", Text(), WORKS, BY_SERVER)
    tls_ca_cert_dir: str = option("", Text(), WORKS, BY_SERVER)
    tls_client_cert_file: str = option("", Text())
    tls_client_key_file: str = option("", Text())
    tls_client_key_file_pass: str = option("", Text())
    tls_dh_params_file: str = option("", Text(), WORKS, BY_SERVER)
    tls_protocols: str = option("", Text(), WORKS, BY_SERVER)
    tls_ciphers: str = option("", Text(), WORKS, BY_SERVER)
    tls_ciphersuites: str = option("", Text(), UNSUPPORTED)  # Python's ssl cannot choose those of TLS 1.3
    tls_prefer_server_ciphers: bool = option(False, YesNo(), WORKS, BY_SERVER)
    tls_session_caching: bool = option(True, YesNo())
    tls_session_cache_size: int = option(20480, Integer())
    tls_session_cache_timeout: int = option(300, Integer())


def _rows() -> Iterator[Option]:
    for field in attrs.fields(Options):
        row = dict(field.metadata)
        name = row.pop("name") or field.name.replace("_", "-")
        # What a factory would make differs from server to server, so it is nobody's default.
        default = None if isinstance(field.default, attrs.Factory) else field.default  # type: ignore[arg-type]
        yield Option(name=name, attribute=field.name, default=default, **row)


OPTIONS: Final[Sequence[Option]] = tuple(_rows())
BY_NAME: Final[Mapping[str, Option]] = MappingProxyType(
    {row.name: row for row in OPTIONS} | {row.alias: row for row in OPTIONS if row.alias is not None}
)
"""Options by each of their names."""
