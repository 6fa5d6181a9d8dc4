"""`respstore import` and `respstore export`: all keys, from a file or a server to a server, and to a file."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from respstore.cli import main
from respstore.transfer.servers import ServerEnd
from tests.cli.programs import COMMAND, ROOT, served


@pytest.fixture
def filled() -> Iterator[redis.Redis]:
    """A server with some keys."""
    with served() as address, redis.Redis.from_url(address.url) as client:
        client.set("a", "x")
        client.rpush("list", "y", "z")
        yield client


def port(client: redis.Redis) -> str:
    return str(client.connection_pool.connection_kwargs["port"])


def test_from_a_server_to_a_file_to_a_server(
    filled: redis.Redis, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "a.rdb")
    assert main(["export", path, port(filled)]) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"2 keys of 127.0.0.1:{port(filled)} are at {path}, 0 of them were before; digest ")
    with served() as address, redis.Redis.from_url(address.url) as target:
        assert main(["import", path, str(address.port)]) == 0
        assert main(["import", path, str(address.port)]) == 0  # nothing is left to do
        assert target.lrange("list", 0, -1) == [b"y", b"z"]
        assert target.dbsize() == 2
    _, second = capsys.readouterr().out.splitlines()
    assert second.startswith(f"2 keys of {path} are at 127.0.0.1:{address.port}, 2 of them were before; digest ")


def test_from_a_server_to_a_server(filled: redis.Redis, capsys: pytest.CaptureFixture[str]) -> None:
    with served() as address, redis.Redis.from_url(address.url) as target:
        url = f"redis://127.0.0.1:{port(filled)}"
        target.set("a", "other")
        assert main(["import", url, address.url]) == 1
        assert "1 of 2 keys are not the same at both ends: 'a' of db 0; --replace" in capsys.readouterr().err
        assert main(["import", "--replace", url, address.url]) == 0
        assert target.get("a") == b"x"
        assert main(["export", url, address.url]) == 0


def test_a_file_is_not_overwritten(filled: redis.Redis, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.rdb"
    path.write_bytes(b"mine")
    assert main(["export", str(path), port(filled)]) == 1
    assert path.read_bytes() == b"mine"
    assert capsys.readouterr().err == f"respstore export: {path} exists; --replace overwrites it\n"
    assert main(["export", str(path), port(filled), "--replace"]) == 0
    assert path.read_bytes().startswith(b"REDIS0010")


def test_what_goes_wrong_is_told_in_a_line(
    filled: redis.Redis, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "missing.rdb"
    assert main(["import", str(missing), port(filled)]) == 1
    assert capsys.readouterr().err == (
        f"respstore import: {missing}: there is no such file; a server is named by a URL, such as redis://host:6379\n"
    )


def test_it_can_be_interrupted(
    filled: redis.Redis, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(end: ServerEnd) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(ServerEnd, "count", interrupt)
    assert main(["export", str(tmp_path / "a.rdb"), port(filled)]) == 130
    assert capsys.readouterr().err == "respstore export: interrupted\n"
    assert list(tmp_path.iterdir()) == []
    assert main(["export", f"redis://127.0.0.1:{port(filled)}", port(filled)]) == 130
    assert capsys.readouterr().err.startswith("respstore export: interrupted; the same again goes on")


@pytest.mark.slow
def test_what_was_killed_is_gone_on_with(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, keys = tmp_path / "a.rdb", 30_000
    with served() as address, redis.Redis.from_url(address.url) as source:
        source.mset({b"%d" % number: b"x" for number in range(keys)})
        assert main(["export", str(path), str(address.port)]) == 0
    with served() as address, redis.Redis.from_url(address.url) as target:
        with subprocess.Popen([*COMMAND, "import", str(path), str(address.port)], cwd=ROOT) as process:
            while not target.dbsize():
                assert process.poll() is None
            process.kill()
        there = target.dbsize()
        assert 0 < there < keys
        assert main(["import", str(path), str(address.port)]) == 0
        assert target.dbsize() == keys
    assert f"{keys:,} keys of {path} are at {address}, {there:,} of them were before" in capsys.readouterr().out


def test_a_password_is_asked_for_and_not_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with served(requirepass=b"secret") as address:
        assert main(["export", str(tmp_path / "a.rdb"), str(address.port)]) == 1
        assert capsys.readouterr().err == (
            f"respstore export: {address}: Authentication required. (a URL brings the password along: "
            "redis://:PASSWORD@HOST:PORT or redis://USER:PASSWORD@HOST:PORT)\n"
        )
        assert main(["export", str(tmp_path / "a.rdb"), f"redis://:secret@{address}"]) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"0 keys of {address} are at ")
    assert "secret" not in told


def test_a_url_of_one_database(filled: redis.Redis, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", f"redis://127.0.0.1:{port(filled)}/3", port(filled)]) == 2
    assert "all databases are copied, not one: leave out the 3" in capsys.readouterr().err
    assert main(["import", f"redis://127.0.0.1:{port(filled)}/0", port(filled)]) == 0


def test_an_append_only_file(filled: redis.Redis, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = f"{tmp_path}/appendonlydir"
    assert main(["export", folder + "/", port(filled)]) == 0
    with served() as address, redis.Redis.from_url(address.url) as target:
        assert main(["import", folder, str(address.port)]) == 0
        assert target.lrange("list", 0, -1) == [b"y", b"z"]


@pytest.mark.parametrize("arguments", [[], ["--replace"], ["--what"], ["a.rdb", "1", "2"]])
def test_other_arguments(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", *arguments]) == 2
    assert capsys.readouterr().err.startswith("respstore import: ")
