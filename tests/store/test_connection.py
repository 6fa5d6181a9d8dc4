"""A connection on one end of a socket pair, the test on the other."""

import socket
import struct
import time
from collections.abc import Callable, Iterator

import hiredis
import pytest

from respstore.store.connection import (
    PATIENT_SECONDS,
    QUICK_SECONDS,
    READ_SIZE,
    Connection,
    LostError,
    NotSentError,
    StrangerError,
    connect,
    describe,
    pack,
    time_left,
)
from respstore.store.target import Node
from tests.store.servers import PATIENCE, Background

Ends = tuple[Connection, socket.socket]


@pytest.fixture
def ends() -> Iterator[Ends]:
    near, far = socket.socketpair()
    with near, far:
        yield Connection(near, Node("far", 1)), far


def soon() -> float:
    return time.monotonic() + PATIENCE


def test_a_request_goes_out_and_its_reply_comes_in(ends: Ends) -> None:
    connection, far = ends
    far.sendall(b":1\r\n")

    assert connection.exchange(pack(("GET", b"k", 5)), soon()) == 1
    assert far.recv(100) == b"*3\r\n$3\r\nGET\r\n$1\r\nk\r\n$1\r\n5\r\n"


def test_a_reply_may_come_in_pieces(ends: Ends) -> None:
    connection, far = ends
    reply = Background(connection.exchange, b"x", soon())
    for byte in b"*2\r\n$1\r\na\r\n$2\r\nbb\r\n":
        far.sendall(bytes([byte]))

    assert reply.result() == [b"a", b"bb"]


def test_an_error_reply_is_returned(ends: Ends) -> None:
    connection, far = ends
    far.sendall(b"-ERR no\r\n")
    reply = connection.exchange(b"x", soon())

    assert isinstance(reply, hiredis.ReplyError)
    assert str(reply) == "ERR no"


def test_null_is_a_reply(ends: Ends) -> None:
    connection, far = ends
    far.sendall(b"$-1\r\n*-1\r\n")

    assert connection.exchange_all(b"x", 2, soon()) == [None, None]


def test_several_replies_may_come_at_once_or_late(ends: Ends) -> None:
    connection, far = ends
    replies = Background(connection.exchange_all, b"x", 3, soon())
    far.sendall(b":1\r\n:2\r\n")
    assert far.recv(10) == b"x"
    far.sendall(b":3\r\n")

    assert replies.result() == [1, 2, 3]


def test_a_large_exchange_passes_through_small_buffers(ends: Ends) -> None:
    connection, far = ends
    size = 30 * READ_SIZE
    reply = Background(connection.exchange, bytes(size), soon())
    left = size
    while left:
        left -= len(far.recv(left))
    far.sendall(b"$%d\r\n%b\r\n" % (size, bytes(size)))

    assert reply.result() == bytes(size)
    far.sendall(b":1\r\n")
    assert connection.exchange(b"small", soon()) == 1


@pytest.mark.parametrize("limit", [0.0, 0.01, 0.1])
def test_a_silent_peer_is_given_up_in_time(ends: Ends, limit: float) -> None:
    connection, _ = ends
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        connection.exchange(b"x", start + limit)

    assert time.monotonic() - start >= limit


def test_a_peer_that_does_not_read_is_given_up_in_time(ends: Ends) -> None:
    connection, _ = ends
    start = time.monotonic()
    with pytest.raises(NotSentError, match="timed out"):
        connection.exchange(bytes(20_000_000), start + 0.1)

    assert time.monotonic() - start >= 0.1


def test_a_reply_may_take_as_long_as_it_likes(ends: Ends) -> None:
    connection, far = ends
    reply = Background(connection.exchange, b"x", float("inf"))
    far.settimeout(4 * QUICK_SECONDS)  # long enough for the kernel's limit to end
    assert far.recv(1) == b"x"
    with pytest.raises(TimeoutError):
        far.recv(1)
    far.sendall(b":1\r\n")

    assert reply.result() == 1


def kernel_limit(sock: socket.socket) -> float:
    """Seconds that the kernel waits for data."""
    sec, usec = struct.unpack("@ll", sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, 16))
    return sec + usec / 1_000_000


def test_the_kernel_waits_longer_for_the_thread_that_has_connected(ends: Ends) -> None:
    near, far = socket.socketpair()
    assert kernel_limit(near) == 0
    connection = Background(Connection, near, Node("far", 1)).result()
    assert kernel_limit(near) == PATIENT_SECONDS
    far.sendall(b":1\r\n:2\r\n")

    assert connection.exchange_all(b"x", 2, soon()) == [1, 2]  # signals reach this thread
    assert kernel_limit(near) == pytest.approx(QUICK_SECONDS, abs=0.005)
    far.close()


@pytest.mark.parametrize("kernel_seconds", [0.01, PATIENT_SECONDS])
@pytest.mark.parametrize("limit", [0.0, 0.1])
def test_a_silent_peer_is_given_up_in_time_in_another_thread(
    limit: float, kernel_seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("respstore.store.connection.PATIENT_SECONDS", kernel_seconds)
    near, far = socket.socketpair()

    def wait() -> float:
        start = time.monotonic()
        with pytest.raises(TimeoutError):
            Connection(near, Node("far", 1)).exchange(b"x", start + limit)
        return time.monotonic() - start

    waited = Background(wait).result()
    assert limit <= waited < limit + PATIENT_SECONDS / 2
    far.close()


def test_a_peer_that_hangs_up_before_its_reply(ends: Ends) -> None:
    connection, far = ends
    far.shutdown(socket.SHUT_WR)
    with pytest.raises(LostError, match="the server closed the connection"):
        connection.exchange(b"x", soon())


def test_a_peer_that_is_gone_gets_nothing(ends: Ends) -> None:
    connection, far = ends
    far.close()
    with pytest.raises(NotSentError, match="Broken pipe"):
        connection.exchange(b"x", soon())


def test_a_peer_that_speaks_something_else(ends: Ends) -> None:
    connection, far = ends
    far.sendall(b"HTTP/1.1 400 Bad Request\r\n")
    with pytest.raises(StrangerError):
        connection.exchange(b"x", soon())


def test_whether_it_is_stale(ends: Ends) -> None:
    connection, far = ends
    assert not connection.is_stale()
    far.sendall(b":1\r\n")
    assert connection.is_stale()
    assert connection.exchange(b"x", soon()) == 1
    assert not connection.is_stale()
    far.shutdown(socket.SHUT_WR)
    assert connection.is_stale()


def test_it_can_be_interrupted(ends: Ends) -> None:
    connection, far = ends
    reply = Background(connection.exchange, b"x", soon())
    far.recv(1)
    connection.interrupt()
    with pytest.raises(LostError):
        reply.result()
    connection.close()
    connection.interrupt()
    with pytest.raises(NotSentError):
        connection.exchange(b"x", soon())


def test_time_left() -> None:
    assert time_left(float("inf")) is None
    assert 0 < time_left(time.monotonic() + 5) <= 5  # type: ignore[operator]
    with pytest.raises(TimeoutError):
        time_left(time.monotonic())


def test_describe() -> None:
    assert describe(ConnectionRefusedError(111, "Connection refused")) == "Connection refused"
    assert describe(TimeoutError("timed out")) == "timed out"
    assert describe(OSError("odd")) == "odd"


def test_connect_tries_all_addresses_of_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        found = [(socket.AF_INET, 0, 0, "", (address, port)) for address in ("127.0.0.2", "127.0.0.1")]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: found)
        connection = connect(Node("some-name", port), None, soon())
        connection.close()
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: found[:1])
        with pytest.raises(OSError, match="refused"):
            connect(Node("some-name", port), None, soon())


def test_connect_in_no_time(tmp_path) -> None:
    for node in (Node("127.0.0.1", 1), Node(str(tmp_path / "s"), None)):
        with pytest.raises(TimeoutError):
            connect(node, None, time.monotonic())


@pytest.mark.parametrize("run", [lambda function: function(), lambda function: Background(function).result()])
def test_a_connection_that_is_not_accepted_is_given_up_in_time(run: Callable[[Callable[[], float]], float]) -> None:
    def wait() -> float:
        start = time.monotonic()
        with pytest.raises(TimeoutError, match=r"^timed out$"):
            connect(Node("127.0.0.1", port), None, start + 0.1)
        return time.monotonic() - start

    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        with connect(Node("127.0.0.1", port), None, soon())._sock:
            assert 0.1 <= run(wait) < PATIENCE


def test_a_thread_may_connect_without_a_time_limit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        node = Node("127.0.0.1", listener.getsockname()[1])
        connection = Background(connect, node, None, float("inf")).result()
        connection.close()
    with pytest.raises(OSError, match="refused"):
        Background(connect, node, None, soon()).result()
