"""Files are loaded in order; only the last may end in the midst of something, where that is allowed."""

from pathlib import Path

import pytest

from respstore.config import Config
from respstore.keyspace import Keyspace
from respstore.persistence.aof.reader import TruncatedError
from respstore.server.append_loading import Replay, load_files, read_manifest

PING = b"*1\r\n$4\r\nPING\r\n"


def load(paths: list[Path], cut: list[int] | None) -> list[list[list[bytes]]]:
    """The commands that are run; `cut` gets where a file was cut off, if it may be."""
    ran: list[list[list[bytes]]] = []

    def note(path: Path, error: TruncatedError) -> None:
        assert cut is not None
        cut.append(error.at)

    for _ in load_files(paths, Keyspace(16), Config(), ran.append, None if cut is None else note):  # type: ignore[arg-type]
        pass
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


def test_what_is_read_counts_keys() -> None:
    keyspace = Keyspace(2)
    keyspace.databases[1].put(b"a", b"x", "set")
    assert (Replay(keyspace).keys, Replay(keyspace).expired) == (1, 0)
