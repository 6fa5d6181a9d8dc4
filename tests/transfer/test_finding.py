"""Whoever names a path gets what is there, or hears what would be right."""

from pathlib import Path

import pytest

from respstore.transfer.append_files import AppendOnlySource, AppendOnlyTarget
from respstore.transfer.entries import TransferError
from respstore.transfer.finding import source_at, target_at
from respstore.transfer.rdb_files import RDBSource, RDBTarget

MANIFEST = "file a.aof.1.incr.aof seq 1 type i\n"


def now() -> int:
    return 1000


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("dump.rdb", b"REDIS0010\xff", RDBSource),
        ("whatever", b"REDIS0010\xff", RDBSource),
        ("appendonly.aof", b"REDIS0010\xff", AppendOnlySource),  # what follows behind the RDB counts there
        ("appendonly.aof", b"*1\r\n", AppendOnlySource),
        ("whatever", b"#TS:1\r\n", AppendOnlySource),
        ("a.manifest", MANIFEST.encode(), AppendOnlySource),
    ],
)
def test_a_file_is_known_by_its_name_and_by_what_it_begins_with(
    tmp_path: Path, name: str, data: bytes, kind: type
) -> None:
    (tmp_path / name).write_bytes(data)
    assert type(source_at(tmp_path / name, now)) is kind


def test_a_folder_with_a_manifest(tmp_path: Path) -> None:
    with pytest.raises(TransferError, match="should have one manifest, and has none: name a folder such as append"):
        source_at(tmp_path, now)
    (tmp_path / "a.manifest").write_text(MANIFEST)
    assert isinstance(source_at(tmp_path, now), AppendOnlySource)
    (tmp_path / "b.manifest").write_text(MANIFEST)
    with pytest.raises(TransferError, match=r"has a.manifest, b.manifest"):
        source_at(tmp_path, now)


def test_what_is_no_source(tmp_path: Path) -> None:
    with pytest.raises(TransferError, match="there is no such file; a server is named by a URL, such as redis://"):
        source_at(tmp_path / "missing", now)
    path = tmp_path / "data"
    path.write_bytes(b"this is no data")
    with pytest.raises(TransferError, match=r"is neither an RDB file, such as dump.rdb, nor an append-only file"):
        source_at(path, now)


def test_a_target_is_a_file_or_with_a_slash_a_folder(tmp_path: Path) -> None:
    for name, kind in (("a.rdb", RDBTarget), ("new/", AppendOnlyTarget), ("new", AppendOnlyTarget)):
        target = target_at(f"{tmp_path}/{name}", now, replaces=False)
        target.close()
        assert type(target) is kind


def test_what_is_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.rdb"
    path.write_bytes(b"mine")
    with pytest.raises(TransferError, match=f"^{path} exists; --replace overwrites it"):
        target_at(str(path), now, replaces=False)
    target_at(str(path), now, replaces=True).close()
    with pytest.raises(TransferError, match=f"^{tmp_path} is not empty; an append-only file needs a new folder"):
        target_at(str(tmp_path), now, replaces=True)
    assert path.read_bytes() == b"mine"
