"""`respstore import` and `export` between respstore and a real redis-server: both hold the same then."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from compat.redis import test_append_only as append_only
from compat.redis.test_files import BOTH_WAYS, DEBUG, Start, check, fill, told
from compat.servers import RunningServer, free_port
from respstore.cli import main
from tests.authority import Authority


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
    digests = re.findall("digest ([0-9a-f]{40}) at both ends", capsys.readouterr().out)
    assert len(digests) == 2
    assert len(set(digests)) == 1


@BOTH_WAYS
@pytest.mark.parametrize("preamble", ["yes", "no"])
def test_from_an_append_only_file_that_is_written_to(
    tmp_path: Path, writer: Start, reader: Start, preamble: str
) -> None:
    options = append_only.arguments(tmp_path)
    with writer(*options, "--aof-use-rdb-preamble", preamble) as source, reader(*DEBUG) as target:
        with source.client() as client:
            client.set("before", "x")
            append_only.rewrite(client)
        fill(source)
        for key in ("one", "another"):
            with source.client() as client:
                client.set(key, "x")
            assert main(["import", str(tmp_path / "appendonlydir"), url(target)]) == 0
        # Digest and functions alone: Redis does not write down how much a group has read.
        assert told(target)[:2] == told(source)[:2]


@BOTH_WAYS
def test_to_an_append_only_file_that_the_other_starts_on(tmp_path: Path, writer: Start, reader: Start) -> None:
    with writer(*DEBUG) as source:
        fill(source)
        assert main(["export", f"{tmp_path}/appendonlydir/", url(source)]) == 0
        facts = told(source)
    append_only.check(tmp_path)
    with reader(*append_only.arguments(tmp_path)) as target:
        assert told(target) == facts


@BOTH_WAYS
def test_over_tls_with_a_password_and_without_debug(tmp_path: Path, writer: Start, reader: Start) -> None:
    authority, port = Authority(tmp_path), free_port()
    options = [
        word for name, value in authority.options(port).items() for word in (f"--{name.replace('_', '-')}", value)
    ]
    with writer() as source, reader(*map(str, options), "--requirepass", "secret") as target:
        fill(source)
        secure = f"rediss://:secret@localhost:{port}?ssl_ca_certs={authority.certificate}"
        assert main(["import", url(source), secure]) == 0
        assert main(["export", secure, url(source)]) == 0
        with source.client() as before, target.client(password="secret") as after:
            assert after.info("keyspace")["db9"]["keys"] == before.info("keyspace")["db9"]["keys"] > 0


def url(server: RunningServer) -> str:
    return f"redis://127.0.0.1:{server.port}"
