"""A connection to another server: it sends, reads line by line, and does not wait for ever."""

import socket
from collections.abc import Iterator

import pytest

from respstore.server.peer import Peer


@pytest.fixture
def pair() -> Iterator[tuple[Peer, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        peer = Peer("127.0.0.1", str(listener.getsockname()[1]), 0.05)
        other, _ = listener.accept()
        with other:
            yield peer, other
        peer.close()


def test_lines(pair: tuple[Peer, socket.socket]) -> None:
    peer, other = pair
    peer.send(b"PING")
    assert other.recv(9) == b"PING"
    other.sendall(b"+A\r\n-B\r\n")
    assert [peer.read_line(), peer.read_line()] == [b"+A", b"-B"]


def test_silence(pair: tuple[Peer, socket.socket]) -> None:
    with pytest.raises(TimeoutError):
        pair[0].read_line()


def test_an_end_within_a_line(pair: tuple[Peer, socket.socket]) -> None:
    peer, other = pair
    other.sendall(b"+OK")
    other.close()
    with pytest.raises(ConnectionResetError):
        peer.read_line()


def test_nobody_is_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
    with pytest.raises(ConnectionRefusedError):
        Peer("127.0.0.1", port, 1.0)
