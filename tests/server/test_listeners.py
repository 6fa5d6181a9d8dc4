"""The sockets that a server listens on are those that its options ask for, at the start and afterwards."""

import contextlib
import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from respstore.exceptions import PortInUseError
from respstore.server.listeners import LEAST_BACKLOG, Address, Listeners, backlog
from tests.ports.strangers import has_ipv6, holding
from tests.server.serving import make_config


@pytest.fixture(autouse=True)
def no_questions(monkeypatch):
    """Who holds an address is not asked for long: here it is always this very process."""
    monkeypatch.setattr("respstore.ports.listening.ANSWER_LIMIT", 0.01)


@contextlib.contextmanager
def listening(**options: Any) -> Iterator[Listeners]:
    listeners = Listeners(make_config(**options))
    listeners.open()
    try:
        yield listeners
    finally:
        listeners.close()


def answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=10).close()
    except ConnectionRefusedError:
        return False
    return True


def free_port() -> int:
    with holding("127.0.0.1") as sock:
        return sock.getsockname()[1]


# The address


@pytest.mark.parametrize(
    ("address", "text", "url"),
    [
        (Address("127.0.0.1", 7000), "127.0.0.1:7000", "redis://127.0.0.1:7000"),
        (Address("192.0.2.7", 7000), "192.0.2.7:7000", "redis://192.0.2.7:7000"),
        (Address("0.0.0.0", 7000), "0.0.0.0:7000", "redis://127.0.0.1:7000"),
        (Address("::1", 7000), "[::1]:7000", "redis://[::1]:7000"),
        (Address("::", 7000), "[::]:7000", "redis://[::1]:7000"),
        (Address("127.0.0.1", 7000, "/run/s"), "127.0.0.1:7000", "redis://127.0.0.1:7000"),
        (Address("", 0, "/run/s"), "unix:/run/s", "unix:///run/s"),
    ],
)
def test_an_address_is_shown_and_given_as_a_url(address, text, url):
    assert str(address) == text
    assert address.url == url


# At the start


def test_port_zero_is_a_free_port():
    with listening() as one, listening() as other:
        assert one.address.host == other.address.host == "127.0.0.1"
        assert 0 < one.address.port != other.address.port > 0
        assert answers("127.0.0.1", one.address.port)


def test_port_zero_with_a_unix_socket_is_no_port(tmp_path):
    with listening(unixsocket=tmp_path / "s") as listeners:
        assert listeners.address == Address("", 0, str(tmp_path / "s"))
        assert str(listeners) == str(tmp_path / "s")


def test_all_addresses_have_the_same_port(tmp_path):
    hosts = ("127.0.0.1", "127.0.0.2", "-::1")
    with listening(bind=hosts, port=free_port(), unixsocket=tmp_path / "s") as listeners:
        port = listeners.address.port
        assert answers("127.0.0.1", port)
        assert answers("127.0.0.2", port)
        names = [f"127.0.0.1:{port}", f"127.0.0.2:{port}", f"[::1]:{port}", str(tmp_path / "s")]
        assert str(listeners) == " and ".join(name for name in names if has_ipv6() or "::" not in name)


def test_no_addresses_are_no_tcp(tmp_path):
    with listening(bind=(), port=free_port(), unixsocket=tmp_path / "s") as listeners:
        assert listeners.address.port == 0


@pytest.mark.parametrize("bind", [(), ("-192.0.2.254",)])
def test_nowhere_to_listen_is_an_error(bind):
    with pytest.raises(OSError, match="there is no address to listen on") as caught, listening(bind=bind):
        pass
    assert caught.value.errno == errno.EADDRNOTAVAIL


def test_a_unix_socket_lies_in_the_directory_of_the_server(tmp_path):
    with listening(dir=tmp_path, unixsocket="s") as listeners:
        assert listeners.address.unix_socket == str(tmp_path / "s")
        assert (tmp_path / "s").is_socket()
    assert not (tmp_path / "s").exists()


def test_opens_all_or_nothing(tmp_path):
    port = free_port()
    with listening(unixsocket=tmp_path / "s"):
        with pytest.raises(PortInUseError) as caught, listening(port=port, unixsocket=tmp_path / "s"):
            pass
        assert caught.value.host == str(tmp_path / "s")
        assert not answers("127.0.0.1", port)
        assert (tmp_path / "s").is_socket()


# At the end


def test_frees_its_port():
    with listening() as listeners:
        port = listeners.address.port
    with listening(port=port):
        pass


def test_closing_twice_is_no_problem(tmp_path):
    with listening(unixsocket=tmp_path / "s") as listeners:
        listeners.close()


def test_leaves_a_file_that_is_not_its_own(tmp_path):
    path = tmp_path / "s"
    with listening(unixsocket=path):
        path.unlink()
        with listening(unixsocket=path):
            os.link(path, tmp_path / "other")
            inode = path.stat().st_ino
        path.with_name("other").rename(path)
    assert path.stat().st_ino == inode


def test_does_not_mind_if_its_file_is_gone(tmp_path):
    with listening(unixsocket=tmp_path / "s"):
        (tmp_path / "s").unlink()


def test_deletes_its_file_though_the_directory_option_changed(tmp_path):
    (tmp_path / "other").mkdir()
    with listening(dir=tmp_path, unixsocket="s") as listeners:
        listeners._config.dir = str(tmp_path / "other")
    assert not Path(tmp_path, "s").exists()


# Afterwards


def change(listeners: Listeners, **options: Any) -> None:
    for name, value in options.items():
        setattr(listeners._config, name, value)
    listeners.reopen()


def test_moves_to_another_port():
    with listening() as listeners:
        before, after = listeners.address.port, free_port()

        change(listeners, port=after)

        assert listeners.address.port == after
        assert answers("127.0.0.1", after)
        assert not answers("127.0.0.1", before)


def test_does_nothing_where_nothing_changed():
    with listening() as listeners:
        sockets = listeners._sockets()

        change(listeners)

        assert listeners._sockets() == sockets
        assert answers("127.0.0.1", listeners.address.port)


def test_a_port_that_was_free_to_choose_is_kept_at_other_addresses():
    with listening() as listeners:
        port = listeners.address.port

        change(listeners, bind=("127.0.0.2", "127.0.0.1"))

        assert listeners.address == Address("127.0.0.2", port)
        assert answers("127.0.0.1", port)


def test_port_zero_ends_tcp_where_there_is_a_unix_socket(tmp_path):
    with listening(port=free_port(), unixsocket=tmp_path / "s") as listeners:
        port = listeners.address.port

        change(listeners, port=0)

        assert listeners.address == Address("", 0, str(tmp_path / "s"))
        assert not answers("127.0.0.1", port)

        change(listeners, port=port)

        assert answers("127.0.0.1", port)


def test_no_addresses_end_tcp_until_there_are_some():
    with listening(port=free_port()) as listeners:
        port = listeners.address.port

        change(listeners, bind=())
        assert not answers("127.0.0.1", port)

        change(listeners, bind=("127.0.0.1",))
        assert answers("127.0.0.1", port)


@pytest.mark.parametrize("had_choice", [False, True])
def test_stays_where_it_is_if_it_cannot_move(had_choice):
    with listening(port=0 if had_choice else free_port()) as listeners, holding("127.0.0.1") as holder:
        address = listeners.address

        with pytest.raises(PortInUseError):
            change(listeners, port=holder.getsockname()[1])
        with pytest.raises(OSError, match="this machine does not have that address"):
            change(listeners, bind=("192.0.2.254",), port=address.port)

        assert listeners.address == address
        assert answers("127.0.0.1", address.port)
        change(listeners, bind=("127.0.0.2",))
        assert answers("127.0.0.2", address.port)


def test_a_whole_job_may_come_at_once() -> None:
    """A connection that does not fit would be made a second later at the soonest."""
    assert backlog(make_config(tcp_backlog=511)) == LEAST_BACKLOG
    assert backlog(make_config(tcp_backlog=10_000)) == 10_000
