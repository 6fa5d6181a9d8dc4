"""Files are loaded in order; only the last may end in the midst of something, where that is allowed."""

from pathlib import Path

import pytest

from respstore.config import Config
from respstore.keyspace import Keyspace
from respstore.persistence.aof.reader import TruncatedError
from respstore.persistence.rdb.file import write_file
from respstore.server.append_loading import UNITS_PER_STEP, Replay, read_manifest

PING = b"*1\r\n$4\r\nPING\r\n"


def load(paths: list[Path], cut: list[int] | None) -> list[list[list[bytes]]]:
    """The commands that are run; `cut` gets where a file was cut off, if it may be."""
    ran: list[list[list[bytes]]] = []

    def note(path: Path, error: TruncatedError) -> None:
        assert cut is not None
        cut.append(error.at)

    replay = Replay(paths, Keyspace(16), Config())
    for _ in replay.load(ran.append, None if cut is None else note):  # type: ignore[arg-type]
        assert 0 <= replay.at <= replay.size == 27
    return ran


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "one", tmp_path / "two"]
    paths[0].write_bytes(b"")
    paths[1].write_bytes(PING + PING[:-1])
    return paths


def test_the_last_may_be_cut(paths: list[Path]) -> None:
    cut: list[int] = []
    assert load(paths, cut) == [[[b"PING"]]]
    assert cut == [len(PING)]
    with pytest.raises(OSError, match=r"two.*|the file ends in the middle of a command at byte 14. 'redis-check-aof"):
        load(paths, None)


def test_another_may_not(paths: list[Path]) -> None:
    with pytest.raises(OSError, match="the file ends in the middle of a command") as caught:
        load(paths[::-1], [])
    assert caught.value.filename == str(paths[1])


def test_the_manifest(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_manifest(tmp_path / "none")
    (tmp_path / "damaged").write_text("damage\n")
    with pytest.raises(OSError, match="list of the append-only files is damaged"):
        read_manifest(tmp_path / "damaged")


def test_how_far_it_is(tmp_path: Path) -> None:
    names = ["base", "one", "two"]
    keyspace = Keyspace(2)
    for number in range(20_000):
        keyspace.databases[1].put(b"%d" % number, b"x", "set")
    (tmp_path / "base").write_bytes(b"".join(write_file(keyspace, {}, Config())) + PING * 10)
    for name in names[1:]:
        (tmp_path / name).write_bytes(PING * UNITS_PER_STEP * 2)
    replay = Replay([tmp_path / name for name in names], loaded := Keyspace(2), Config())
    seen = [(replay.at, replay.keys) for _ in replay.load(lambda commands: None, None)]
    assert seen == sorted(set(seen))
    assert len(seen) > 10
    assert seen[-1][0] > replay.size * 0.8
    assert seen[-1][1] == len(loaded.databases[1].data) == 20_000
    assert replay.expired == 0
