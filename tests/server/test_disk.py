"""The file: written whole or not at all, by this process or by a child, and read again."""

import errno
import os
import signal
import time
from collections import deque
from pathlib import Path

import pytest

from respstore.config import Config
from respstore.keyspace import Hash, Keyspace, Set, SortedSet
from respstore.keyspace.weighing import Scale, WeighedKeys, weigh
from respstore.server import disk as disk_module
from respstore.server.disk import Disk

PATIENCE = 30.0


@pytest.fixture
def config(tmp_path: Path) -> Config:
    config = Config()
    config.dir = str(tmp_path)
    return config


def keyspace(count: int = 10) -> Keyspace:
    keyspace = Keyspace(16)
    for number in range(count):
        keyspace.databases[0].put(b"%d" % number, b"x", "set")
    return keyspace


def ended(disk: Disk) -> str:
    """What came of a background save."""
    deadline = time.monotonic() + PATIENCE
    while (problem := disk.poll_save()) is None:
        assert time.monotonic() < deadline
    return problem


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def loaded(disk: Disk) -> int:
    keyspace = Keyspace(16)
    found = disk.load(keyspace)
    assert found is not None
    reader, steps = found
    for _ in steps:
        pass
    assert len(keyspace.databases[0].data) == reader.keys
    return reader.keys


def test_what_is_saved_is_loaded(config: Config, tmp_path: Path) -> None:
    disk = Disk(config, may_fork=False)
    disk.save(keyspace(), {})
    assert loaded(disk) == 10
    assert names(tmp_path) == ["dump.rdb"]


@pytest.mark.parametrize("may_fork", [True, False])
def test_in_the_background(config: Config, tmp_path: Path, may_fork: bool) -> None:
    disk = Disk(config, may_fork=may_fork)
    pid = disk.start_save(keyspace(), {})
    assert (pid != os.getpid()) == may_fork
    assert ended(disk) == ""
    assert disk.poll_save() is None
    assert loaded(disk) == 10
    assert names(tmp_path) == ["dump.rdb"]


def test_a_child_first_does_what_it_is_told(config: Config, tmp_path: Path) -> None:
    told = tmp_path / "told"
    disk = Disk(config, may_fork=True, in_child=told.touch)
    assert not told.exists()
    disk.start_save(keyspace(), {})
    assert ended(disk) == ""
    assert told.exists()


@pytest.mark.parametrize("rdbcompression", [True, False])
def test_a_child_writes_what_the_server_would(config: Config, rdbcompression: bool) -> None:
    config.rdbcompression = rdbcompression
    data, disk = keyspace(1000), Disk(config, may_fork=True)
    db = data.databases[0]
    db.put(b"number", 12, "incr")
    db.put(b"list", deque([b"a", b"b"]), "rpush")
    db.put(b"hash", Hash((b"%d" % number, b"v" * number) for number in range(100)), "hset")
    db.put(b"table", Hash(((b"%d" % number, b"v") for number in range(5000)), is_table=True), "hset")
    db.put(b"set", Set.of([b"%d" % number for number in range(5000)], 512), "sadd")
    db.put(b"zset", SortedSet({b"%d" % number: float(number) for number in range(5000)}, is_skiplist=True), "zadd")
    db.put(b"long", b"x" * 100_000, "set")
    db.set_deadline(b"5", 1 << 60)
    disk.start_save(data, {})
    assert ended(disk) == ""
    by_child = disk.path.read_bytes()
    disk.save(data, {})
    assert disk.path.read_bytes() == by_child


@pytest.mark.parametrize("may_fork", [True, False])
def test_a_failure_in_the_background_says_why(config: Config, tmp_path: Path, may_fork: bool) -> None:
    config.dir = str(tmp_path / "missing")
    disk = Disk(config, may_fork=may_fork)
    disk.start_save(keyspace(), {})
    assert ended(disk).endswith(os.strerror(errno.ENOENT))


@pytest.mark.parametrize("may_fork", [True, False])
def test_where_nothing_can_be_removed_either_the_failure_is_told(
    config: Config, tmp_path: Path, may_fork: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unlink(path: Path, missing_ok: bool = False) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr(Path, "unlink", unlink)
    config.dir = str(tmp_path / "missing")
    disk = Disk(config, may_fork=may_fork)
    disk.start_save(keyspace(), {})
    assert ended(disk).endswith(os.strerror(errno.ENOENT))


def test_without_a_process_of_its_own_it_saves_bit_by_bit_what_was_there_at_the_beginning(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk_module, "SLICE_SECONDS", 0.0)
    disk, data = Disk(config, may_fork=False), keyspace(10_000)
    disk.start_save(data, {})
    for number in range(5):
        assert disk.poll_save() is None
        data.databases[0].put(b"new %d" % number, b"x", "set")
        data.databases[0].delete(b"%d" % number)
    assert names(tmp_path) == [f"temp-{os.getpid()}.rdb"]
    assert ended(disk) == ""
    assert loaded(disk) == 10_000
    assert len(data.databases[0].data) == 10_000
    assert not data.is_frozen


def test_what_is_saved_bit_by_bit_can_be_given_up(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk_module, "SLICE_SECONDS", 0.0)
    disk, data = Disk(config, may_fork=False), keyspace(10_000)
    disk.start_save(data, {})
    assert disk.poll_save() is None
    disk.stop_save()
    assert names(tmp_path) == []
    assert disk.poll_save() is None
    assert not data.is_frozen


def test_weighed_data_is_saved_at_once_and_weighs_what_it_did(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_module, "SLICE_SECONDS", 0.0)
    disk, data, scale = Disk(config, may_fork=False), keyspace(10_000), Scale()
    db = data.databases[0]
    db.put(b"list", deque([b"a", b"b"]), "rpush")
    weigh(data, lambda keys: WeighedKeys(scale, keys))
    before = scale.total
    disk.start_save(data, {})
    value = db.get(b"list")
    assert isinstance(value, deque)
    value.extend([b"x" * 100] * 100)
    db.changed(b"list", "rpush")
    assert scale.total >= before + 100 * 100
    assert disk.poll_save() == ""
    assert db.delete(b"list", "del")
    assert scale.total < before
    assert loaded(disk) == 10_001


def test_data_that_becomes_weighed_is_saved_as_it_is_then(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_module, "SLICE_SECONDS", 0.0)
    disk, data = Disk(config, may_fork=False), keyspace(10_000)
    disk.start_save(data, {})
    assert disk.poll_save() is None
    weigh(data, lambda keys: WeighedKeys(Scale(), keys))
    data.databases[0].put(b"new", b"x", "set")
    assert disk.poll_save() == ""
    assert loaded(disk) == 10_001


def test_a_bug_is_no_success(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    disk = Disk(config, may_fork=False)
    monkeypatch.setattr(disk, "pieces", lambda keyspace, about: iter([b"x", None]))
    disk.start_save(keyspace(), {})
    assert ended(disk) == "a bug"
    assert "a save was cut short" in caplog.text
    assert names(tmp_path) == []


def test_the_old_file_stays_where_the_new_one_cannot_take_its_place(config: Config, tmp_path: Path) -> None:
    disk = Disk(config, may_fork=False)
    (tmp_path / "dump.rdb").mkdir()
    with pytest.raises(IsADirectoryError):
        disk.save(keyspace(), {})
    assert names(tmp_path) == ["dump.rdb"]


@pytest.mark.parametrize("may_fork", [True, False])
def test_what_does_not_reach_the_disk_is_no_success(
    config: Config, tmp_path: Path, may_fork: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(config, may_fork=may_fork)
    disk.save(keyspace(3), {})

    def fsync(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="Input/output error"):
        disk.save(keyspace(), {})
    disk.start_save(keyspace(), {})
    assert ended(disk).endswith(os.strerror(errno.EIO))
    assert names(tmp_path) == ["dump.rdb"]
    assert loaded(disk) == 3


def test_a_child_that_is_killed_leaves_nothing(config: Config, tmp_path: Path) -> None:
    disk = Disk(config, may_fork=True)
    os.kill(disk.start_save(keyspace(200_000), {}), signal.SIGKILL)
    assert ended(disk) == "signal 9 ended the process"
    assert names(tmp_path) == []


def test_a_save_that_is_given_up(config: Config, tmp_path: Path) -> None:
    disk = Disk(config, may_fork=True)
    disk.start_save(keyspace(200_000), {})
    disk.stop_save()
    assert disk.poll_save() is None
    disk.stop_save()
    assert names(tmp_path) == []


def test_there_may_be_nothing_to_load(config: Config) -> None:
    disk = Disk(config, may_fork=False)
    assert disk.load(Keyspace(16)) is None
    config.dbfilename = ""
    assert disk.load(Keyspace(16)) is None


@pytest.mark.parametrize("data", [b"", b"no file of Redis", b"REDIS0010"])
def test_a_damaged_file_is_told_and_left(config: Config, tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "dump.rdb"
    path.write_bytes(data)
    with pytest.raises(OSError, match=r"the data cannot be loaded: .* at byte [09]"):
        loaded(Disk(config, may_fork=False))
    assert path.read_bytes() == data
