"""An RDB file as an end of a copy: what is written is read, bit by bit; it is whole, or it is not there."""

import errno
import os
from pathlib import Path

import pytest

from respstore.transfer.copying import Tally
from respstore.transfer.entries import Entry, TransferError
from respstore.transfer.rdb_files import KEYS_PER_BATCH, RDBSource, RDBTarget
from tests.transfer.ends import keys_of

ENTRIES = [Entry(0, b"a", b"x", None), Entry(0, b"b", b"12", 5000), Entry(900, b"a", b"y", None)]


def now() -> int:
    return 1000


def tally(*entries: Entry) -> Tally:
    given = Tally()
    for entry in entries:
        given.add(entry, entry.digest())
    return given


def write(path: Path, *batches: list[Entry], libraries: tuple[bytes, ...] = ()) -> None:
    target = RDBTarget(path, now)
    target.load(libraries, replaces=False)
    for batch in batches:
        assert target.write(batch, replaces=False) == 0
        assert target.read(batch) == batch
    target.finish(tally(*[entry for batch in batches for entry in batch]))
    target.close()


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.rdb"
    write(path, ENTRIES, [Entry(900, b"b", b"z", None)], [Entry(2, b"b", b"z", None)])
    source = RDBSource(path, now)
    assert str(source) == str(path)
    assert source.count() == 5
    found = {(entry.db, entry.key): entry for batch in source.batches() for entry in batch}
    assert found == keys_of(*ENTRIES, Entry(900, b"b", b"z", None), Entry(2, b"b", b"z", None))
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.rdb"]


def test_nothing_is_a_file_too(tmp_path: Path) -> None:
    write(tmp_path / "a.rdb")
    assert RDBSource(tmp_path / "a.rdb", now).count() == 0


def test_what_is_over_is_written_but_not_read(tmp_path: Path) -> None:
    write(tmp_path / "a.rdb", [Entry(0, b"a", b"x", 999), Entry(0, b"b", b"x", None)])
    assert RDBSource(tmp_path / "a.rdb", now).count() == 1
    assert RDBSource(tmp_path / "a.rdb", lambda: 998).count() == 2


def test_libraries_of_functions_are_written_and_read(tmp_path: Path) -> None:
    write(tmp_path / "a.rdb", ENTRIES, libraries=(b"one", b"two"))
    source = RDBSource(tmp_path / "a.rdb", now)
    source.count()
    assert list(source.libraries()) == [b"one", b"two"]


def test_large_values_come_one_by_one_and_small_ones_in_batches(tmp_path: Path) -> None:
    large = [Entry(0, b"large %d" % number, os.urandom(20_000), None) for number in range(3)]
    small = [Entry(1, b"%d" % number, b"x", None) for number in range(2 * KEYS_PER_BATCH)]
    write(tmp_path / "a.rdb", large, small)
    sizes = [len(batch) for batch in RDBSource(tmp_path / "a.rdb", now).batches()]
    assert sizes[:3] == [1, 1, 1]
    assert max(sizes) == KEYS_PER_BATCH
    assert sum(sizes) == 3 + 2 * KEYS_PER_BATCH


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"REDIS0010", "the data ends too soon at byte 9; 'redis-check-rdb"),
        (b"REDIS0004\xff*1", "goes on at byte 10, as an append-only file does"),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, data: bytes, error: str) -> None:
    path = tmp_path / "a.rdb"
    path.write_bytes(data)
    with pytest.raises(TransferError, match=error):
        RDBSource(path, now).count()
    path.unlink()
    with pytest.raises(TransferError, match="No such file"):
        RDBSource(path, now).count()


def test_what_cannot_be_written_is_told_before_anything_is_copied(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "a.rdb"
    with pytest.raises(TransferError, match=f"^{path}: No such file or directory$"):
        RDBTarget(path, now)


def test_what_is_not_finished_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.rdb"
    path.write_bytes(b"mine")
    target = RDBTarget(path, now)
    target.write(ENTRIES, replaces=True)
    target.close()
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.rdb"]
    assert path.read_bytes() == b"mine"


class Full:
    """A file on a disk that is full."""

    def write(self, data: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = RDBTarget(tmp_path / "a.rdb", now)
    with monkeypatch.context() as patch:
        patch.setattr(target, "_file", Full())
        with pytest.raises(TransferError, match=r"a.rdb: No space left on device$"):
            target.write(ENTRIES, replaces=False)
    target.close()


def test_what_was_not_written_as_it_should_gets_no_name(tmp_path: Path) -> None:
    target = RDBTarget(tmp_path / "a.rdb", now)
    target.write(ENTRIES[:2], replaces=False)
    with pytest.raises(TransferError, match="does not hold what was written to it"):
        target.finish(tally(*ENTRIES))
    target.close()
    assert list(tmp_path.iterdir()) == []
