"""An append-only file as an end of a copy: it is run, and left as it is; a new one is a base to start on."""

from pathlib import Path

import pytest

from respstore.transfer.append_files import AppendOnlySource, AppendOnlyTarget
from respstore.transfer.copying import copy
from respstore.transfer.entries import Entry, TransferError
from respstore.transfer.rdb_files import RDBTarget
from tests.transfer.ends import FakeEnd

A, B = Entry(0, b"a", b"x", None), Entry(900, b"b", b"y", 5000)
CODE = b"#!lua name=l\nredis.register_function('f', function() return 7 end)"
COMMANDS = b"*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nz\r\n"


def now() -> int:
    return 1000


def folder_in(path: Path) -> Path:
    """An append-only file that was written, with commands behind it that came later."""
    source, folder = FakeEnd(A, B), path / "aof"
    source.code = [CODE]
    target = AppendOnlyTarget(folder, now)
    assert not copy(source, target, now, lambda keys: None, replaces=False).different
    target.close()
    manifest = folder / "appendonly.aof.manifest"
    assert manifest.read_text() == "file appendonly.aof.1.base.rdb seq 1 type b\n"
    assert str(target) == str(folder)
    return folder


def entries_in(path: Path) -> list[Entry]:
    source = AppendOnlySource(path, now)
    source.count()
    return [entry for batch in source.batches() for entry in batch]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    source = AppendOnlySource(folder_in(tmp_path) / "appendonly.aof.manifest", now)
    assert source.count() == 2
    assert [entry for batch in source.batches() for entry in batch] == [A, B]
    assert list(source.libraries()) == [CODE]


def test_what_was_done_since_is_done_and_nothing_is_changed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = folder_in(tmp_path)
    increment, manifest = folder / "appendonly.aof.1.incr.aof", folder / "appendonly.aof.manifest"
    increment.write_bytes(COMMANDS + COMMANDS[:-1])
    manifest.write_text(manifest.read_text() + "file appendonly.aof.1.incr.aof seq 1 type i\n")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert entries_in(manifest) == [A, Entry(3, b"a", b"z", None), B]
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert "what is behind that is left out" in caplog.text


def test_commands_that_are_run_again_save_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "old.aof"
    path.write_bytes(COMMANDS + b"*1\r\n$8\r\nFLUSHALL\r\n" + COMMANDS)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dump.rdb").write_bytes(b"of somebody else")
    assert entries_in(path) == [Entry(3, b"a", b"z", None)]
    assert (tmp_path / "dump.rdb").read_bytes() == b"of somebody else"


def test_the_one_file_of_older_versions(tmp_path: Path) -> None:
    path = tmp_path / "appendonly.aof"
    path.write_bytes(COMMANDS)
    assert entries_in(path) == [Entry(3, b"a", b"z", None)]
    assert list(tmp_path.iterdir()) == [path]


def test_the_one_file_may_begin_with_an_rdb(tmp_path: Path) -> None:
    path = tmp_path / "appendonly.aof"
    target = RDBTarget(path, now, is_base=True)
    copy(FakeEnd(A), target, now, lambda keys: None, replaces=False)
    assert entries_in(path) == [A]
    with path.open("ab") as file:
        file.write(COMMANDS)
    assert entries_in(path) == [A, Entry(3, b"a", b"z", None)]


def test_what_is_over_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "appendonly.aof"
    path.write_bytes(COMMANDS + b"*3\r\n$9\r\nPEXPIREAT\r\n$1\r\na\r\n$4\r\n1000\r\n")
    assert entries_in(path) == []


def test_what_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "appendonly.aof"
    path.write_bytes(b"*1\r\n$4\r\nNONE\r\n")
    with pytest.raises(TransferError, match=f"^{path}: the data cannot be loaded: the unknown command 'NONE'"):
        entries_in(path)
    (tmp_path / "a.manifest").write_text("damage")
    with pytest.raises(TransferError, match="the list of the append-only files is damaged"):
        entries_in(tmp_path / "a.manifest")


def test_what_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(TransferError, match="No such file or directory"):
        AppendOnlyTarget(tmp_path / "missing" / "aof", now)
