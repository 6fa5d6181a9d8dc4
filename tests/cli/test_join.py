"""`serve --join`: a server that may stand in for ours is joined; any other is told from it, in words."""

import socket
import sys
import threading
from collections.abc import Iterator

import pytest

from respstore.cli import main
from respstore.cli.join import NotJoinedError, join
from respstore.config import Config
from respstore.exceptions import Holder, HolderKind, PortInUseError
from respstore.server.listeners import Address
from tests.cli.programs import served
from tests.ports.strangers import answering, has_ipv6, holding, info
from tests.server.serving import make_config


@pytest.fixture(autouse=True)
def limits(monkeypatch):
    """Who answers gets all the time that a busy machine may take; who does not is waited for only a moment."""
    monkeypatch.setattr("respstore.ports.listening.ANSWER_LIMIT", 10.0)


@pytest.fixture(scope="module")
def running() -> Iterator[Address]:
    """A server on 127.0.0.1."""
    with served() as address:
        yield address


def taken(port: int, kind: HolderKind = HolderKind.RESPSTORE) -> PortInUseError:
    return PortInUseError("127.0.0.1", port, Holder(kind, "somebody"))


def reason(config: Config, kind: HolderKind = HolderKind.RESPSTORE) -> str:
    """Why the holder cannot stand in."""
    with pytest.raises(NotJoinedError) as caught:
        join(config, taken(config.port, kind))
    return str(caught.value)


# Who may stand in


@pytest.mark.parametrize(
    "bind", [("127.0.0.1",), ("127.0.0.1", "-::1"), ("-127.0.0.1", "-192.0.2.254"), ("localhost",)]
)
def test_joins_whom_all_addresses_lead_to(running, bind):
    join(make_config(bind=bind, port=running.port), taken(running.port))


def test_joins_whom_the_unix_socket_leads_to_as_well(tmp_path):
    with served(unixsocket=tmp_path / "s", dir=tmp_path) as address:
        config = make_config(port=0, unixsocket="s", dir=tmp_path)
        join(config, PortInUseError(str(tmp_path / "s"), None, Holder(HolderKind.RESPSTORE, "it")))
        assert address.unix_socket is not None


def test_joins_who_wants_the_same_password():
    with served(requirepass=b"secret") as address:
        join(make_config(port=address.port, requirepass=b"secret"), taken(address.port, HolderKind.RESP))
        wrong = make_config(port=address.port, requirepass=b"wrong")
        assert reason(wrong, HolderKind.RESP) == "it does not want the same password"
        assert reason(make_config(port=address.port), HolderKind.RESP) == "it wants a password"


def test_joins_who_listens_everywhere_if_that_is_wanted(running):
    with served(bind=("0.0.0.0",)) as address:
        for bind in (("0.0.0.0",), ("*",), ("127.0.0.1",), ("127.0.0.2", "127.0.0.1")):
            join(make_config(bind=bind, port=address.port), taken(address.port))
    wants_all = make_config(bind=("0.0.0.0",), port=running.port)
    assert reason(wants_all) == "it does not listen on all addresses, as '0.0.0.0' asks"


# Who may not


def test_does_not_join_who_wants_no_password(running):
    config = make_config(port=running.port, requirepass=b"secret")
    assert reason(config) == "it does not want the same password"


@pytest.mark.parametrize("bind", [("127.0.0.1", "127.0.0.2"), ("127.0.0.2",), ("127.0.0.1", "no-such-host.invalid")])
def test_does_not_join_who_lacks_an_address(running, bind):
    config = make_config(bind=bind, port=running.port)
    assert reason(config) == "it does not have all of the addresses that are wanted"


def test_does_not_join_who_has_only_the_optional_address(running):
    config = make_config(bind=("127.0.0.2", "-127.0.0.1"), port=running.port)
    assert reason(config) == "it does not have all of the addresses that are wanted"


@pytest.mark.parametrize("host", ["::1"] * has_ipv6())
def test_does_not_join_who_has_the_other_loopback_address_only(host):
    with served(bind=(host,)) as address:
        config = make_config(port=address.port)
        assert reason(config) == "it does not have all of the addresses that are wanted"


def test_does_not_join_two_at_once(running, tmp_path):
    with served(unixsocket=tmp_path / "s"):
        config = make_config(port=running.port, unixsocket=tmp_path / "s")
        assert reason(config) == "it does not have all of the addresses that are wanted"


@pytest.mark.parametrize("kind", [kind for kind in HolderKind if kind.name not in ("RESPSTORE", "RESP")])
def test_does_not_join_a_stranger(kind):
    assert reason(make_config(port=1), kind) == "it is no respstore"


def test_does_not_join_who_proves_to_be_another_server():
    def answer(data: bytes) -> bytes:
        words = {b"INFO": info(redis_version="7.0.15", run_id="1"), b"CLIENT": b"+OK\r\n", b"AUTH": b"+OK\r\n"}
        return b"".join(words.get(word, b"") for word in data.split(b"\r\n"))

    with answering(answer) as port:
        config = make_config(port=port, requirepass=b"secret")
        assert reason(config, HolderKind.RESP) == "it is no respstore"


def test_does_not_join_who_says_nothing_sensible():
    with answering(b"-LOADING wait\r\n" * 4) as port:
        assert reason(make_config(port=port), HolderKind.RESP).startswith("its answer is of no use: ")


# The command


def lines(capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """The line of standard output and that of standard error, but for what servers of this very process log."""
    captured = capsys.readouterr()
    out, err = (
        [line for line in text.splitlines() if " listens on " not in line] for text in (captured.out, captured.err)
    )
    assert len(out) <= 1
    assert len(err) <= 1
    return "".join(out), "".join(err)


def test_a_joined_server_is_told_like_one_that_was_started(running, capsys, tmp_path):
    path = tmp_path / "port"

    status = main(["serve", "--join", "--port", str(running.port), "--bind", "127.0.0.1", "--port-file", str(path)])

    assert status == 0
    out, err = lines(capsys)
    assert out == running.url
    assert f"joined this very process at {running}" in err or "joined respstore" in err
    assert path.read_text() == f"{running.port}\n"


def test_who_cannot_be_joined_is_an_error_in_one_line(running, capsys):
    status = main(["serve", "--join", "--port", str(running.port), "--bind", "127.0.0.1", "--requirepass", "secret"])

    assert status == 98
    out, err = lines(capsys)
    assert out == ""
    assert err.startswith(f"respstore: {running} is taken by respstore ")
    assert err.endswith("; it cannot be joined: it does not want the same password")


def test_without_the_option_nobody_is_joined(running, capsys):
    assert main(["serve", "--port", str(running.port), "--bind", "127.0.0.1"]) == 98

    assert lines(capsys)[1].startswith(f"respstore: {running} is taken by respstore ")


def test_waits_for_a_server_that_is_just_starting(capsys, monkeypatch):
    monkeypatch.setattr("respstore.ports.listening.ANSWER_LIMIT", 0.01)
    starts = threading.Event()

    def start(seconds: float) -> None:
        monkeypatch.setattr("respstore.ports.listening.ANSWER_LIMIT", 10.0)
        starts.set()

    monkeypatch.setattr(sys.modules[join.__module__], "sleep", start)
    with served(starts=starts) as address:
        assert main(["serve", "--join", "--port", str(address.port), "--bind", "127.0.0.1"]) == 0

    assert lines(capsys)[0] == address.url


def test_does_not_wait_for_ever(capsys, monkeypatch):
    monkeypatch.setattr("respstore.ports.listening.ANSWER_LIMIT", 0.01)
    monkeypatch.setattr(sys.modules[join.__module__], "START_SECONDS", 0.0)
    with holding() as sock:
        port = sock.getsockname()[1]
        assert main(["serve", "--join", "--port", str(port), "--bind", "127.0.0.1"]) == 98

    assert lines(capsys)[1].endswith("it cannot be joined: it is no respstore")


def test_starts_a_server_if_the_other_is_gone(monkeypatch):
    """It got as far as to bind its port."""
    started = []

    def run(main, server, port_file):
        started.append(str(server._listeners.address))
        server._listeners.close()

    with socket.socket() as dying:
        dying.bind(("127.0.0.1", 0))
        port = dying.getsockname()[1]
        monkeypatch.setattr(sys.modules[join.__module__], "sleep", lambda seconds: dying.close())
        monkeypatch.setattr("trio.run", run)

        assert main(["serve", "--join", "--port", str(port), "--bind", "127.0.0.1"]) == 0

    assert started == [f"127.0.0.1:{port}"]
