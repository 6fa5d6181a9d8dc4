"""A disk that is full, or may only be read: both servers say so, refuse writes, keep the last file, and recover.

The disk is a tmpfs of its own, which needs root.
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

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
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
