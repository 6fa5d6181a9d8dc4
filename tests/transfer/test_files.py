"""A file as an end of a copy: what is written to it is read from it."""

from pathlib import Path

import pytest

from respstore.transfer.entries import Entry, TransferError
from respstore.transfer.files import KEYS_PER_BATCH, FileEnd

ENTRIES = [Entry(0, b"a", b"x", None), Entry(0, b"b", b"12", 5000), Entry(900, b"a", b"y", None)]


def now() -> int:
    return 1000


def test_what_is_written_is_read(tmp_path: Path) -> None:
    end = FileEnd(tmp_path / "a.rdb", now)
    assert end.write(ENTRIES, replaces=False) == 0
    assert end.read(ENTRIES) == ENTRIES
    end.finish()
    again = FileEnd(tmp_path / "a.rdb", now)
    assert again.count() == 3
    assert [entry for batch in again.batches() for entry in batch] == ENTRIES


def test_libraries_of_functions_are_written_and_read(tmp_path: Path) -> None:
    end = FileEnd(tmp_path / "a.rdb", now)
    end.load([b"code"], replaces=False)
    end.finish()
    again = FileEnd(tmp_path / "a.rdb", now)
    again.count()
    assert list(again.libraries()) == [b"code"]


def test_many_keys_come_in_batches(tmp_path: Path) -> None:
    end = FileEnd(tmp_path / "a.rdb", now)
    end.write([Entry(0, b"%d" % number, b"x", None) for number in range(KEYS_PER_BATCH + 1)], replaces=False)
    end.finish()
    assert [len(batch) for batch in end.batches()] == [KEYS_PER_BATCH, 1]


@pytest.mark.parametrize("data", [None, b"this is no data"])
def test_what_cannot_be_read(tmp_path: Path, data: bytes | None) -> None:
    path = tmp_path / "a.rdb"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(
        TransferError, match="there is no such file" if data is None else "this is no RDB file at byte 0"
    ):
        FileEnd(path, now).count()


def test_what_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(TransferError, match="No such file or directory"):
        FileEnd(tmp_path / "missing" / "a.rdb", now).finish()


def test_what_was_not_written_as_it_should(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    end = FileEnd(tmp_path / "a.rdb", now)
    end.write(ENTRIES, replaces=False)
    empty = FileEnd(tmp_path / "b.rdb", now)
    empty.finish()
    monkeypatch.setattr(end, "_load", empty._load)
    with pytest.raises(TransferError, match="does not hold what was written to it"):
        end.finish()
