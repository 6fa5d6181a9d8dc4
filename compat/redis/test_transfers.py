"""`respstore import` and `export` between respstore and a real redis-server: both hold the same then."""

from __future__ import annotations

from pathlib import Path

import pytest

from compat.redis.test_files import BOTH_WAYS, DEBUG, Start, check, fill, told
from compat.servers import RunningServer
from respstore.cli import main


@BOTH_WAYS
def test_from_server_to_server(writer: Start, reader: Start) -> None:
    with writer(*DEBUG) as source, reader(*DEBUG) as target:
        fill(source)
        assert main(["import", url(source), url(target)]) == 0
        assert told(target) == told(source)


@BOTH_WAYS
def test_by_way_of_a_file(tmp_path: Path, writer: Start, reader: Start, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "dump.rdb")
    with writer(*DEBUG) as source, reader(*DEBUG) as target:
        fill(source)
        assert main(["export", path, url(source)]) == 0
        check(tmp_path)
        assert main(["import", path, url(target)]) == 0
        facts = told(source)
        assert told(target) == facts
    digest = facts[0]
    assert isinstance(digest, bytes)
    assert capsys.readouterr().out.count(digest.decode()) == 2


def url(server: RunningServer) -> str:
    return f"redis://127.0.0.1:{server.port}"
