"""INFO: its sections, and the fields that tell of what happened."""

import re
from typing import Any

import pytest

from respstore.commands.info import SECTIONS, human_bytes
from respstore.engine.engine import Engine
from respstore.engine.session import Session
from respstore.errors import RespError
from tests.talk import FakeSystem, make_engine, pass_time, talk

BY_DEFAULT = (
    *("Server", "Clients", "Memory", "Persistence", "Stats", "Replication", "CPU", "Modules", "Errorstats"),
    *("Cluster", "Keyspace"),
)
ALL = (*BY_DEFAULT[:8], "Commandstats", "Errorstats", "Latencystats", "Cluster", "Keyspace")


def info(session: Session, *sections: str) -> str:
    """The text of INFO, out of its bulk string."""
    reply = talk(session, b"INFO", *(section.encode() for section in sections))
    head, _, text = reply.partition(b"\r\n")
    assert head == b"$%d" % (len(text) - 2)
    return text[:-2].decode()


def fields(session: Session, *sections: str) -> dict[str, str]:
    return dict(line.split(":", 1) for line in info(session, *sections).split("\r\n") if ":" in line)


def titles(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"^# (\w+)\r$", text, re.MULTILINE))


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        ((), BY_DEFAULT),
        (("default",), BY_DEFAULT),
        (("all",), ALL),
        (("Everything",), ALL),
        (("DEFAULT", "commandstats"), (*BY_DEFAULT[:8], "Commandstats", *BY_DEFAULT[8:])),
        (("all", "unknown"), ALL),
        (("keyspace", "cpu", "keyspace"), ("CPU", "Keyspace")),
        (("module_list",), ("Modules",)),
        (("latencystats",), ("Latencystats",)),
    ],
)
def test_which_sections(session: Session, sections: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert titles(info(session, *sections)) == expected


def test_layout_of_sections(session: Session) -> None:
    assert info(session, "cluster") == "# Cluster\r\ncluster_enabled:0\r\n"
    assert info(session, "KEYSPACE", "Cluster") == "# Cluster\r\ncluster_enabled:0\r\n\r\n# Keyspace\r\n"


def test_unknown_sections_are_empty(session: Session) -> None:
    assert talk(session, b"INFO nonsense more") == b"$0\r\n\r\n"
    assert talk(session, b"INFO", b"\xff") == b"$0\r\n\r\n"


def test_resp3_gets_a_verbatim_string(session: Session) -> None:
    talk(session, b"HELLO 3")
    assert talk(session, b"INFO cluster") == b"=34\r\ntxt:# Cluster\r\ncluster_enabled:0\r\n\r\n"
    assert talk(session, b"INFO", b"") == b"=4\r\ntxt:\r\n"


def test_every_line_is_a_field(session: Session) -> None:
    for line in filter(None, info(session, "everything").split("\r\n")):
        assert re.fullmatch(r"# \w+|[\w|-]+:.*", line), line


def test_no_field_stands_twice(session: Session) -> None:
    names = [line.split(":")[0] for line in info(session, "everything").split("\r\n") if ":" in line]
    assert len(set(names)) == len(names)


def test_server(engine: Engine, session: Session) -> None:
    assert isinstance(engine.system, FakeSystem)
    engine.system.advance(86_400 + 61.5)
    server = fields(session, "server")
    assert server["redis_version"] == "7.0.15"
    assert server["redis_mode"] == "standalone"
    assert server["process_id"] == "4242"
    assert server["tcp_port"] == "6379"
    assert server["uptime_in_seconds"] == "86461"
    assert server["uptime_in_days"] == "1"
    assert server["config_file"] == ""
    assert re.fullmatch("[0-9a-f]{40}", server["run_id"])
    assert server["server_time_usec"] == str(engine.system.wall_us)


def test_run_ids_differ_from_replication_ids(session: Session) -> None:
    assert fields(session, "server")["run_id"] != fields(session, "replication")["master_replid"]


def test_clients(engine: Engine, session: Session) -> None:
    waiting = Session(engine)
    talk(waiting, b"BLPOP queue 5")
    talk(Session(engine), b"BLPOP queue 0")
    talk(session, b"CLIENT PAUSE 1000 WRITE")
    talk(Session(engine), b"SET k v")
    clients = fields(session, "clients")
    assert clients["connected_clients"] == "4"
    assert clients["blocked_clients"] == "3"
    assert clients["clients_in_timeout_table"] == "1"
    assert clients["maxclients"] == "10000"


def test_clients_that_left_do_not_count(engine: Engine, session: Session) -> None:
    Session(engine).receive_eof()
    assert fields(session, "clients")["connected_clients"] == "1"
    assert fields(session, "stats")["total_connections_received"] == "2"


def test_memory(engine: Engine, session: Session) -> None:
    memory = fields(session, "memory")
    assert memory["used_memory"] == memory["used_memory_rss"] == memory["used_memory_startup"] == "10000000"
    assert memory["used_memory_human"] == "9.54M"
    assert memory["used_memory_peak"] == "12500000"
    assert memory["used_memory_peak_perc"] == "80.00%"
    assert memory["used_memory_dataset"] == "0"
    assert memory["total_system_memory"] == "8000000000"
    assert memory["maxmemory_policy"] == "noeviction"
    assert memory["mem_fragmentation_ratio"] == memory["allocator_frag_ratio"] == "1.00"
    assert memory["mem_fragmentation_bytes"] == "0"
    assert memory["mem_not_counted_for_evict"] == "10000000"


def test_memory_that_is_weighed(engine: Engine, session: Session) -> None:
    engine.config.change([("maxmemory", "100mb"), ("maxmemory-policy", "allkeys-lru")])
    talk(session, b"SET", b"k", b"x" * 1_000_000)
    memory = fields(session, "memory")
    used = int(memory["used_memory"])
    assert 11_000_000 < used < 11_010_000
    assert memory["used_memory_rss"] == memory["allocator_resident"] == memory["used_memory_startup"] == "10000000"
    assert memory["mem_fragmentation_bytes"] == memory["allocator_frag_bytes"] == str(10_000_000 - used)
    assert memory["mem_fragmentation_ratio"] == "0.91"
    assert memory["used_memory_peak"] == str(used)
    assert (memory["maxmemory"], memory["maxmemory_human"]) == ("104857600", "100.00M")
    assert 1_000_000 < int(memory["used_memory_dataset"]) < 1_010_000
    talk(session, b"DEL k")
    assert fields(session, "memory")["used_memory_peak"] == str(used)


def test_what_was_evicted_is_counted(engine: Engine, session: Session) -> None:
    for line in (b"MSET a 1 b 2", b"CONFIG SET maxmemory-policy allkeys-lru maxmemory 1", b"SET k v"):
        talk(session, line)
    pass_time(engine, 1.5)
    engine.statistics.evicted_clients = 3
    stats = fields(session, "stats")
    assert (stats["evicted_keys"], stats["evicted_clients"]) == ("2", "3")
    assert stats["total_eviction_exceeded_time"] == stats["current_eviction_exceeded_time"] == "1500"
    talk(session, b"CONFIG RESETSTAT")
    assert fields(session, "stats")["evicted_keys"] == "0"


def test_memory_that_came_since_the_start_is_data_and_connections(engine: Engine, session: Session) -> None:
    engine.startup_memory = 4_000_000
    memory = fields(session, "memory")
    clients = int(memory["mem_clients_normal"])
    assert clients == session.memory() > 0
    assert memory["used_memory_overhead"] == str(4_000_000 + clients)
    assert memory["used_memory_dataset"] == str(6_000_000 - clients)
    assert memory["used_memory_dataset_perc"] == f"{(6_000_000 - clients) / 60_000:.2f}%"


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0B"),
        (1023, "1023B"),
        (1024, "1.00K"),
        (1536, "1.50K"),
        (1024**2 - 1, "1024.00K"),
        (1024**2, "1.00M"),
        (5 * 1024**3, "5.00G"),
        (1024**4, "1.00T"),
        (3 * 1024**5, "3.00P"),
    ],
)
def test_human_bytes(count: int, text: str) -> None:
    assert human_bytes(count) == text


def test_stats(session: Session) -> None:
    before = int(fields(session, "stats")["total_net_input_bytes"])
    for line in (b"SET k v", b"GET k", b"GET missing", b"MGET k missing k", b"NONSENSE"):
        talk(session, line)
    stats = fields(session, "stats")
    assert stats["total_commands_processed"] == "6"
    assert stats["keyspace_hits"] == "3"
    assert stats["keyspace_misses"] == "2"
    assert stats["total_error_replies"] == "1"
    assert int(stats["total_net_input_bytes"]) > before


def test_stats_of_expired_keys(engine: Engine, session: Session) -> None:
    talk(session, b"SET gone v PX 5")
    pass_time(engine, 1)
    assert fields(session, "stats")["expired_keys"] == "1"


def test_rates(engine: Engine, session: Session) -> None:
    pass_time(engine, 0.1)
    for _ in range(20):
        talk(session, b"PING")
    pass_time(engine, 0.1)
    stats = fields(session, "stats")
    assert stats["instantaneous_ops_per_sec"] == "200"
    assert float(stats["instantaneous_input_kbps"]) > 0


def test_cpu(session: Session) -> None:
    assert info(session, "cpu").split("\r\n") == [
        "# CPU",
        "used_cpu_sys:1.000000",
        "used_cpu_user:2.000000",
        "used_cpu_sys_children:0.000000",
        "used_cpu_user_children:0.000000",
        "used_cpu_sys_main_thread:0.500000",
        "used_cpu_user_main_thread:1.500000",
        "",
    ]


def test_keyspace(session: Session) -> None:
    for line in (b"MSET a 1 b 2", b"PEXPIRE a 5000", b"SELECT 3", b"RPUSH l x"):
        talk(session, line)
    assert info(session, "keyspace").split("\r\n") == [
        "# Keyspace",
        "db0:keys=2,expires=1,avg_ttl=5000",
        "db3:keys=1,expires=0,avg_ttl=0",
        "",
    ]


# What was counted, and how it is forgotten


def test_commandstats(session: Session) -> None:
    for line in (b"SET k v", b"GET k", b"get k", b"GET", b"LPUSH k x", b"CONFIG GET hz", b"CONFIG SET hz x"):
        talk(session, line)
    stats = fields(session, "commandstats")
    assert stats["cmdstat_get"] == "calls=2,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0"
    assert stats["cmdstat_lpush"] == "calls=1,usec=0,usec_per_call=0.00,rejected_calls=0,failed_calls=1"
    assert stats["cmdstat_config|get"].startswith("calls=1,")
    assert stats["cmdstat_config|set"].endswith("calls=1,usec=0,usec_per_call=0.00,rejected_calls=0,failed_calls=1")
    assert "cmdstat_config" not in stats
    assert "cmdstat_mset" not in stats


def test_what_does_not_exist_is_not_counted_as_a_command(session: Session) -> None:
    talk(session, b"NONSENSE")
    talk(session, b"CONFIG NONSENSE")
    assert fields(session, "commandstats").keys() == {"cmdstat_info"}


def test_commandstats_of_transactions(session: Session) -> None:
    for line in (b"MULTI", b"SET k v", b"GET", b"EXEC", b"MULTI", b"INCR k", b"SET k 1", b"EXEC"):
        talk(session, line)
    stats = fields(session, "commandstats")
    assert stats["cmdstat_set"].startswith("calls=1,")
    assert stats["cmdstat_get"].endswith("calls=0,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0")
    assert stats["cmdstat_exec"].endswith("calls=2,usec=0,usec_per_call=0.00,rejected_calls=0,failed_calls=1")
    assert stats["cmdstat_incr"].startswith("calls=1,")


def test_errorstats(session: Session) -> None:
    for line in (b"GET", b"RPUSH l a", b"GET l", b"NONSENSE", b"AUTH a b", b"MULTI", b"NONSENSE", b"EXEC"):
        talk(session, line)
    assert info(session, "errorstats").split("\r\n") == [
        "# Errorstats",
        "errorstat_ERR:count=3",
        "errorstat_EXECABORT:count=1",
        "errorstat_WRONGPASS:count=1",
        "errorstat_WRONGTYPE:count=1",
        "",
    ]


def test_errorstats_count_each_error_of_a_script_once(session: Session) -> None:
    talk(session, b"SET s x")
    for script in (
        "redis.pcall('incr', 's') redis.pcall('get')",
        "redis.call('incr', 's')",
        "return redis.pcall('no')",
    ):
        talk(session, b"EVAL", script.encode(), b"0")
    assert fields(session, "errorstats") == {"errorstat_ERR": "count=4"}
    talk(session, b"EVAL", b"error('boom')", b"0")
    assert fields(session, "errorstats") == {"errorstat_ERR": "count=5"}
    stats = fields(session, "commandstats")
    assert stats["cmdstat_incr"].endswith("rejected_calls=0,failed_calls=2")
    assert stats["cmdstat_get"].endswith("rejected_calls=1,failed_calls=0")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("MYCODE text of a script", "MYCODE"),
        ("nospace", "ERR"),
        ("", "ERR"),
        (f"{'X' * 30} text", "X" * 30),
        (f"{'X' * 31} text", "ERR"),
        ("A:B#C text", "A_B_C"),
    ],
)
def test_the_code_of_an_error_is_its_first_word(engine: Engine, session: Session, text: str, code: str) -> None:
    engine.count_error(RespError(text))
    assert fields(session, "errorstats") == {f"errorstat_{code}": "count=1"}


def test_resetstat(engine: Engine, session: Session) -> None:
    for line in (b"SET k v PX 5", b"GET k", b"GET other", b"NONSENSE"):
        talk(session, line)
    pass_time(engine, 1)
    talk(session, b"CONFIG RESETSTAT")
    stats = fields(session, "stats")
    assert stats["total_commands_processed"] == "2"  # RESETSTAT itself, as in Redis, and this INFO
    for name in ("total_connections_received", "expired_keys", "keyspace_hits", "keyspace_misses"):
        assert stats[name] == "0"
    assert stats["total_error_replies"] == "0"
    assert info(session, "errorstats") == "# Errorstats\r\n"
    assert fields(session, "commandstats").keys() == {"cmdstat_config|resetstat", "cmdstat_info"}


def test_resetstat_starts_the_rates_anew(engine: Engine, session: Session) -> None:
    for _ in range(100):
        talk(session, b"PING")
    pass_time(engine, 0.1)
    talk(session, b"CONFIG RESETSTAT")
    pass_time(engine, 0.1)
    assert fields(session, "stats")["instantaneous_ops_per_sec"] == "0"
    talk(session, b"PING")
    pass_time(engine, 0.1)
    assert int(fields(session, "stats")["instantaneous_ops_per_sec"]) > 0


def test_what_resetstat_keeps(session: Session) -> None:
    talk(session, b"SET k v")
    changes = fields(session, "persistence")["rdb_changes_since_last_save"]
    run_id = fields(session, "server")["run_id"]
    talk(session, b"CONFIG RESETSTAT")
    assert fields(session, "persistence")["rdb_changes_since_last_save"] == changes
    assert fields(session, "server")["run_id"] == run_id
    assert fields(session, "memory")["used_memory_peak"] == "12500000"


def test_two_servers_count_each_their_own(session: Session) -> None:
    talk(session, b"NONSENSE")
    assert fields(Session(make_engine()), "errorstats") == {}


def test_a_system_without_threads_times(engine: Engine, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.system, "thread_cpu_seconds", lambda: None)
    assert "used_cpu_sys_main_thread" not in fields(session, "cpu")


def test_sections_are_written_in_lower_case() -> None:
    assert all(name == name.lower() for name in SECTIONS)


def test_processes_that_save_are_counted(session: Session) -> None:
    assert (fields(session)["total_forks"], fields(session)["latest_fork_usec"]) == ("0", "0")
    disk = session.engine.system.disk

    def start_save(*args: Any) -> int:
        session.engine.system.sleep(0.003)
        return 1

    disk.start_save = start_save  # type: ignore[method-assign]
    talk(session, b"BGSAVE")
    talk(session, b"BGREWRITEAOF")  # waits for the save
    assert (fields(session)["total_forks"], fields(session)["latest_fork_usec"]) == ("1", "3000")
    disk.ended = ""  # type: ignore[attr-defined]
    pass_time(session.engine, 0.1)  # the rewrite begins
    assert (fields(session)["total_forks"], fields(session)["latest_fork_usec"]) == ("2", "0")
    talk(session, b"CONFIG RESETSTAT")
    assert fields(session)["total_forks"] == "0"


def test_who_saves_without_a_process_of_its_own_has_begun_none(session: Session) -> None:
    session.engine.system.pid = 4243  # which FakeDisk gives
    talk(session, b"BGSAVE")
    assert fields(session)["total_forks"] == "0"
