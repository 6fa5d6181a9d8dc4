"""`respstore ping` tells who answers, or why nobody does."""

import re

import pytest

from respstore import __version__
from respstore.cli import addresses, main
from tests.cli.programs import served
from tests.ports.strangers import answering, holding, info


def test_tells_who_answers_and_how_fast(capsys):
    with served() as address:
        assert main(["ping", str(address.port)]) == 0
        assert main(["ping", f"127.0.0.1:{address.port}"]) == 0
        assert main(["ping", address.url]) == 0

    out, err = capsys.readouterr()
    name = re.escape(f"respstore {__version__} (Redis 7.0.15 compatible)")
    for line, shown in zip(out.splitlines(), (str(address), str(address), address.url), strict=True):
        assert re.fullmatch(rf"PONG from {name} at {re.escape(shown)} in \d+\.\d\d ms", line)
    assert err == ""


def test_takes_the_path_of_a_unix_socket(capsys, tmp_path):
    path = tmp_path / "s"
    with served(unixsocket=path) as address:
        assert main(["ping", str(path)]) == 0
        assert main(["ping", address.url]) == 0

    assert f" at {path} in " in capsys.readouterr().out


def test_gives_the_password_of_a_url(capsys):
    with served(requirepass=b"secret") as address:
        assert main(["ping", f"redis://:secret@127.0.0.1:{address.port}"]) == 0
        assert main(["ping", str(address.port)]) == 1

    assert "Authentication required" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"redis_version": "3.2.1"}, "Redis 3.2.1"),
        ({"redis_version": "7.2.4", "valkey_version": "8.0.1"}, "Valkey 8.0.1"),
    ],
)
def test_names_other_servers(capsys, fields, name):
    def answer(data: bytes) -> bytes:
        """As a server that knows no CLIENT SETINFO."""
        words = {b"PING": b"+PONG\r\n", b"INFO": info(**fields), b"CLIENT": b"-ERR unknown command\r\n"}
        return b"".join(words.get(word, b"") for word in data.split(b"\r\n"))

    with answering(answer) as port:
        assert main(["ping", str(port)]) == 0

    assert capsys.readouterr().out.startswith(f"PONG from {name} at 127.0.0.1:{port}")


def test_tells_why_nobody_answers(capsys, tmp_path):
    with holding(listens=False) as sock:
        port = sock.getsockname()[1]
        assert main(["ping", str(port)]) == 1
    assert main(["ping", str(tmp_path / "s")]) == 1
    assert main(["ping", "http://127.0.0.1"]) == 1

    first, second, third = capsys.readouterr().err.splitlines()
    assert first.startswith(f"respstore ping: 127.0.0.1:{port}: ")
    assert "Connection refused" in first
    assert "No such file or directory" in second
    assert third.startswith("respstore ping: http://127.0.0.1: ")


def test_waits_only_for_a_moment(capsys, monkeypatch):
    monkeypatch.setattr(addresses, "TIME_LIMIT", 0.01)
    with holding() as sock:
        assert main(["ping", str(sock.getsockname()[1])]) == 1

    assert "Timeout" in capsys.readouterr().err


def test_takes_one_address(capsys):
    assert main(["ping", "1", "2"]) == 2
    assert capsys.readouterr().err.startswith("respstore ping: one address, please: PORT, ")
