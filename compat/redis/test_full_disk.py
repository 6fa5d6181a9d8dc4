"""A disk that is full, or may only be read: both servers say so, refuse writes, keep the last file, and recover.

The disk is a tmpfs of its own, which only root can mount.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from compat.patience import until
from compat.redis.test_files import Start
from compat.servers import redis_server, respstore_server

SAVE_POINT = ("--save", "3600 1000000")
"""Far off: but where there is one, a failure refuses writes."""


class SmallDisk:
    """A file system in memory, of 1 MB at first."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def remount(self, options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", self.path], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", tmp_path], check=True)
    try:
        yield SmallDisk(tmp_path)
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def save_in_background(client: redis.Redis) -> str:
    """How BGSAVE ends."""
    client.bgsave()
    until(lambda: not client.info("persistence")["rdb_bgsave_in_progress"])
    return str(client.info("persistence")["rdb_last_bgsave_status"])


@pytest.mark.parametrize("start", [redis_server, respstore_server])
@pytest.mark.parametrize(("breaks", "heals"), [("size=1m", "size=8m"), ("ro", "rw,size=8m")])
def test_what_cannot_be_saved_is_not_taken_for_safe(disk: SmallDisk, start: Start, breaks: str, heals: str) -> None:
    with start("--dir", str(disk.path), *SAVE_POINT) as server, server.client() as client:
        client.set("small", "x")
        assert save_in_background(client) == "ok"
        before = (disk.path / "dump.rdb").read_bytes()
        client.set("large", os.urandom(2_000_000))
        disk.remount(breaks)
        assert save_in_background(client) == "err"
        with pytest.raises(redis.ResponseError, match=r"^MISCONF Redis is configured to save RDB snapshots, but"):
            client.set("another", "x")
        with pytest.raises(redis.ResponseError, match=r"^$|^ERR"):
            client.save()
        assert client.get("small") == b"x"
        assert [path.name for path in disk.path.iterdir()] == ["dump.rdb"]
        assert (disk.path / "dump.rdb").read_bytes() == before
        disk.remount(heals)
        assert save_in_background(client) == "ok"
        client.set("another", "x")


@pytest.mark.parametrize("start", [redis_server, respstore_server])
def test_what_cannot_be_written_down_is_not_done(disk: SmallDisk, start: Start) -> None:
    misconf = "^MISCONF Errors writing to the AOF file: No space left on device"
    with start("--dir", str(disk.path), "--appendonly", "yes", "--save", "") as server, server.client() as client:
        client.set("small", "x")
        with pytest.raises(redis.ResponseError, match=misconf):
            until(lambda: not client.rpush("large", os.urandom(100_000)))
        acknowledged = client.llen("large")
        for script in ("return redis.call('SET', 'other', 'x')", "#!lua\nreturn redis.call('GET', 'small')"):
            with pytest.raises(redis.ResponseError, match=misconf):
                client.eval(script, 0)
        for script in ("return redis.call('GET', 'small')", "#!lua flags=no-writes\nreturn redis.call('GET', 'small')"):
            assert client.eval(script, 0) == b"x"
        disk.remount("size=8m")
        until(lambda: client.info("persistence")["aof_last_write_status"] == "ok")
        assert client.eval("return redis.call('SET', 'other', 'x')", 0) == b"OK"
        server.process.kill()
        server.process.wait()
    with start("--dir", str(disk.path), "--appendonly", "yes", "--save", "") as server, server.client() as client:
        assert client.mget("small", "other") == [b"x", b"x"]
        assert client.llen("large") == acknowledged


@pytest.mark.parametrize("start", [redis_server, respstore_server])
def test_a_rewrite_for_which_there_is_no_room_loses_nothing(disk: SmallDisk, start: Start) -> None:
    options = ("--dir", str(disk.path), "--appendonly", "yes", "--save", "")
    values = {b"%d" % number: os.urandom(100_000) for number in range(6)}
    with start(*options) as server, server.client() as client:
        client.mset(values)
        client.bgrewriteaof()
        until(lambda: client.info("persistence")["aof_last_bgrewrite_status"] == "err")
        client.set("after", "x")
        server.process.kill()
        server.process.wait()
    disk.remount("size=8m")
    with start(*options) as server, server.client() as client:
        assert client.get("after") == b"x"
        assert client.mget(*values) == list(values.values())
