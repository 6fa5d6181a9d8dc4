"""What the engine is told about the process, and how it writes files."""

import gc
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from respstore.config import Config
from respstore.server.process import Process

MB = 1 << 20


@pytest.fixture
def process() -> Process:
    config = Config()
    config.config_file = "/etc/redis.conf"
    return Process(config, lambda: None, lambda problem: None, is_own=False)


def test_is_this_process(process):
    assert process.pid == os.getpid()
    assert process.config_file == "/etc/redis.conf"
    assert process.tcp_port == 0
    assert Path(process.executable).samefile(sys.executable)


def test_the_wall_clock_is_that_of_the_machine(process):
    before = time.time_ns() // 1000
    now = process.wall_clock_us()
    assert before <= now <= time.time_ns() // 1000


def test_the_monotonic_clock_is_that_of_the_machine(process):
    before = time.monotonic()
    assert before <= process.monotonic() <= time.monotonic()


def test_sleeping_lets_time_pass(process):
    before = process.monotonic()
    process.sleep(0.01)
    assert process.monotonic() >= before + 0.01


def test_memory_is_what_is_resident(process):
    before = process.memory()
    ballast = bytearray(os.urandom(MB)) * 64

    assert before + 32 * MB < process.memory() <= process.peak_memory() < process.total_memory()
    del ballast
    assert process.peak_memory() >= before + 32 * MB


def test_memory_where_there_is_no_proc_is_the_peak(process, monkeypatch):
    def fail(path, *args, **kwargs):
        raise FileNotFoundError(path)

    monkeypatch.setattr(Path, "read_bytes", fail)

    assert process.memory() == process.peak_memory() > MB


def test_the_collector_leaves_the_data_of_a_server_alone():
    before = gc.get_threshold()
    with Process(Config(), lambda: None, lambda problem: None, is_own=True).without_full_collections():
        assert gc.get_threshold()[2] > 10**9
        assert gc.isenabled()

    assert gc.get_threshold() == before


def test_the_collector_of_a_foreign_process_is_not_ours(process):
    before = gc.get_threshold()
    with process.without_full_collections():
        assert gc.get_threshold() == before


@pytest.mark.slow
def test_the_peak_is_not_that_of_the_parent(process):
    ballast = bytearray(os.urandom(MB)) * 128
    script = """from respstore.config import Config
from respstore.server.process import Process
print(Process(Config(), None, None, is_own=True).peak_memory())"""
    peak = int(subprocess.check_output([sys.executable, "-c", script]))

    assert peak < len(ballast)


def test_names_what_the_system_has(process):
    assert process.multiplexing() in {"epoll", "kqueue", "select"}
    name, release, machine = process.platform().split(" ")
    assert (name, release, machine) == (os.uname().sysname, os.uname().release, os.uname().machine)


def test_counts_the_time_of_the_processor(process):
    end = process.cpu_seconds()[1] + 0.02
    while process.cpu_seconds()[1] < end:  # this very loop uses it
        pass

    system, user, children_system, children_user = process.cpu_seconds()
    assert system >= 0
    assert user >= end
    assert children_system >= 0
    assert children_user >= 0
    thread = process.thread_cpu_seconds()
    assert thread is None or 0 < sum(thread) <= system + user + 0.02


def test_reads_a_file_that_is_not_text_either(process, tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"caf\xc3\xa9 \xff\n")

    assert process.read_file(str(path)) == "caf\u00e9 \udcff\n"
    with pytest.raises(FileNotFoundError):
        process.read_file(str(tmp_path / "none"))


def test_replaces_a_file(process, tmp_path):
    path = tmp_path / "f"
    path.write_text("old")
    path.chmod(0o640)

    process.replace_file(str(path), "caf\u00e9 \udcff\n")

    assert path.read_bytes() == b"caf\xc3\xa9 \xff\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_makes_a_file(process, tmp_path):
    process.replace_file(str(tmp_path / "f"), "new")

    assert (tmp_path / "f").read_text() == "new"


def test_keeps_the_old_file_when_it_cannot_be_replaced(process, tmp_path, monkeypatch):
    path = tmp_path / "f"
    path.write_text("old")

    def fail(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        process.replace_file(str(path), "new")

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(FileNotFoundError):
        process.replace_file(str(tmp_path / "none" / "f"), "new")


def test_passes_on_that_it_shall_stop():
    calls = []
    process = Process(Config(), lambda: calls.append(1), calls.append, is_own=False)
    problem = OSError("a disk")

    process.stop()
    process.fail(problem)

    assert calls == [1, problem]


def test_free_memory_is_given_back(process):
    """In a process of its own: what is kept behind what was freed would else stay with it."""
    code = """from respstore.config import Config
from respstore.server.process import Process
process = Process(Config(), lambda: None, None, is_own=True)
kept = [bytes(10_000) for _ in range(6000)]
del kept[:-1]
before = process.memory()
process.return_memory()
print(before - process.memory())"""
    freed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(freed.stdout) > 40 * MB
