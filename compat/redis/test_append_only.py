"""The append-only file from server to server, and what is there after a crash.

LONG=1 for 300 crashes.
"""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from bisect import bisect_right
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from random import Random
from typing import Protocol

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from compat.redis.filler import Filler
from compat.redis.test_files import told
from compat.redis.test_generated import LONG, SEED
from compat.servers import RunningServer, find_program, redis_server, respstore_server
from respstore.engine.append_only import BUSY_SECONDS, SYNC_SECONDS

LOST_SECONDS = SYNC_SECONDS + BUSY_SECONDS
"""What a crash may lose under `everysec`; the latter only where the disk takes long, as in Redis."""
TRACES = frozenset((b"seen-time", "radix-tree-keys", "radix-tree-nodes"))


class Start(Protocol):
    def __call__(self, *args: str) -> AbstractContextManager[RunningServer]: ...


BOTH_WAYS = pytest.mark.parametrize(
    ("writer", "reader"),
    [(respstore_server, redis_server), (redis_server, respstore_server)],
    ids=["to redis-server", "from redis-server"],
)


def arguments(folder: Path, fsync: str = "no") -> list[str]:
    return ["--enable-debug-command", "yes", "--dir", str(folder), "--appendonly", "yes", "--appendfsync", fsync]


def check(folder: Path) -> None:
    """Let Redis's own tool look for errors."""
    program, manifest = find_program("redis-check-aof"), folder / "appendonlydir" / "appendonly.aof.manifest"
    found = subprocess.run([program, manifest], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout
    assert "All AOF files and manifest are valid" in found.stdout


@BOTH_WAYS
@pytest.mark.parametrize("preamble", ["yes", "no"])
def test_a_server_starts_on_what_the_other_wrote(tmp_path: Path, writer: Start, reader: Start, preamble: str) -> None:
    options = [*arguments(tmp_path), "--aof-use-rdb-preamble", preamble]
    with writer(*options) as server, server.client() as client, server.client(db=9) as other:
        Filler(client, 1).fill()
        rewrite(client)
        Filler(other, 2).fill()
        for number, key in enumerate(sorted(other.keys("*"))):
            other.pexpireat(key, 33_177_117_420_000 + number)
    check(tmp_path)
    with writer(*options) as server:  # Redis loses what a group has read and, without the preamble, a minus before 0
        before = kept(server)
    with reader(*options) as server, server.client() as client:
        assert kept(server) == before
        client.set("and so", "on")
        rewrite(client)
    check(tmp_path)
    with reader(*options) as server:
        before = kept(server)
    with writer(*options) as server:
        assert kept(server) == before


def test_redis_goes_on_counting_the_epochs_of_a_barrier(tmp_path: Path) -> None:
    with respstore_server(*arguments(tmp_path)) as server, server.client() as client:
        for epoch in range(3):
            assert client.execute_command("BARRIER", "b", 1) == [epoch, 0]
    with redis_server(*arguments(tmp_path)) as server, server.client() as client:
        assert client.incr("b") == 4
    with respstore_server(*arguments(tmp_path)) as server, server.client() as client:
        assert client.execute_command("BARRIER", "b", 1, "EPOCH", 4) == [4, 0]


@pytest.mark.parametrize("was_interrupted", [False, True])
def test_what_older_versions_kept_in_one_file_is_taken_over_alike(tmp_path: Path, was_interrupted: bool) -> None:
    for name, start in (("redis", redis_server), ("respstore", respstore_server)):
        folder = tmp_path / name
        folder.mkdir()
        if was_interrupted:  # the manifest is written first
            (folder / "appendonlydir").mkdir()
            (folder / "appendonlydir" / "appendonly.aof.manifest").write_text("file appendonly.aof seq 1 type b\n")
        (folder / "appendonly.aof").write_bytes(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n")
        with start(*arguments(folder)) as server, server.client() as client:
            assert client.get("k") == b"v"
            client.set("l", "v")
    listed = [
        sorted(path.name for path in (tmp_path / name / "appendonlydir").iterdir()) for name in ("redis", "respstore")
    ]
    assert listed[0] == listed[1]
    manifests = [
        (tmp_path / name / "appendonlydir" / "appendonly.aof.manifest").read_bytes() for name in ("redis", "respstore")
    ]
    assert manifests[0] == manifests[1]


def kept(server: RunningServer) -> list[object]:
    """What a server tells of all its data, but for what is another when it is made again by commands."""
    return [without_traces(fact) for fact in told(server)]


def without_traces(fact: object) -> object:
    """Without when consumers were seen, which was now to whoever repeats it, and where entries were deleted."""
    if isinstance(fact, list):
        return [without_traces(part) for part in fact]
    if isinstance(fact, dict):
        names = [name for name in fact if name not in TRACES]
        return {name: without_traces(fact[name]) for name in names}
    return fact


def rewrite(client: redis.Redis) -> None:
    """Rewrite the file, and wait for it."""
    client.bgrewriteaof()
    while client.info("persistence")["aof_rewrite_in_progress"]:
        pass


class Writer(threading.Thread):
    """A client that counts and, in the same transaction, notes how far it is; until its server dies.

    Attributes:
        label: of its keys.
        acknowledged: how far it is for certain.
        times: when each of its transactions was acknowledged, on the monotonic clock.
    """

    def __init__(self, server: RunningServer, label: str, first: int) -> None:
        super().__init__()
        self.acknowledged = first
        self.times: list[float] = []
        self._client = server.client(retry=Retry(NoBackoff(), 0))  # what has died does not come back
        self.label = label

    def run(self) -> None:
        try:
            while True:
                with self._client.pipeline() as pipe:
                    pipe.incr(f"count {self.label}").set(f"copy {self.label}", self.acknowledged + 1).spop("none")
                    pipe.execute()
                self.times.append(time.monotonic())
                self.acknowledged += 1
        except redis.ConnectionError:
            pass
        finally:
            self._client.close()

    def acknowledged_at(self, moment: float) -> int:
        """How far it was at some time."""
        return self.acknowledged - len(self.times) + bisect_right(self.times, moment)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("fsync", "seconds", "crashes"),
    [("always", 0.0, 300 if LONG else 6), ("everysec", LOST_SECONDS, 60 if LONG else 3)],
)
def test_a_crash_loses_nothing_that_was_acknowledged_or_the_last_second(
    tmp_path: Path, fsync: str, seconds: float, crashes: int
) -> None:
    random = Random(SEED)
    names = "abcd"
    sure, sent = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    for _ in range(crashes):
        with respstore_server(*arguments(tmp_path, fsync)) as server, server.client() as client:
            for name in names:
                found = int(client.get(f"count {name}") or 0)
                assert int(client.get(f"copy {name}") or 0) == found  # all of a transaction, or nothing
                assert sure[name] <= found <= sent[name]  # what was not acknowledged may be there, too
                sent[name] = found
            writers = [Writer(server, name, sent[name]) for name in names]
            for writer in writers:
                writer.start()
            end = time.monotonic() + seconds * random.random()
            goal = sum(sent.values()) + random.randrange(1, 400)
            while time.monotonic() < end or sum(writer.acknowledged for writer in writers) < goal:
                writers[0].join(random.random() / 100)  # until it dies, which it should not
                if random.random() < 0.1:
                    with suppress(redis.ResponseError):  # one is under way
                        client.bgrewriteaof()
            killed = time.monotonic()
            server.process.send_signal(signal.SIGKILL)
            for writer in writers:
                writer.join()
                sure[writer.label] = writer.acknowledged_at(killed - seconds) if seconds else writer.acknowledged
                sent[writer.label] = writer.acknowledged + 1
    check(tmp_path)
