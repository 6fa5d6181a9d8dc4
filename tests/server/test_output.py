"""Replies that wait are kept in order and in little memory, and not for ever."""

import socket
import sys

import pytest

from respstore.config.values import BufferLimit, BufferLimits
from respstore.engine.session import Session
from respstore.server import output
from respstore.server.output import BLOCK_BYTES, STUCK_SECONDS, OutputBuffer, is_delivered


@pytest.fixture
def buffer(session: Session) -> OutputBuffer:
    return OutputBuffer(session)


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 1000.0

    monkeypatch.setattr(output, "monotonic", lambda: Clock.now)
    return Clock


def limit(buffer: OutputBuffer, hard: int, soft: int, soft_seconds: int) -> None:
    other = BufferLimit(0, 0, 0)
    limits = BufferLimits(normal=BufferLimit(hard, soft, soft_seconds), slave=other, pubsub=other)
    buffer.session.engine.config.client_output_buffer_limit = limits


def taken(buffer: OutputBuffer, step: int) -> bytes:
    """All that is in the buffer, as a peer takes it that has room for `step` bytes at a time."""
    data = bytearray()
    while buffer.size:
        piece = buffer.first()[:step]
        data += piece
        buffer.sent(len(piece))
    return bytes(data)


@pytest.mark.parametrize("step", [1, 1000, BLOCK_BYTES, 1 << 30])
def test_gives_what_was_appended_in_order(buffer, step):
    replies = [b"%d\r\n" % n * n for n in range(200)] + [bytes(3 * BLOCK_BYTES)] + [b"+OK\r\n"] * 5

    for reply in replies:
        buffer.append(reply)

    assert buffer.size == buffer.session.unsent == len(b"".join(replies))
    assert taken(buffer, step) == b"".join(replies)
    assert buffer.size == buffer.session.unsent == 0


def test_may_be_appended_to_while_its_first_piece_is_being_sent(buffer):
    buffer.append(b"12")
    piece = buffer.first()

    buffer.append(b"34")

    assert bytes(piece) == b"12"
    buffer.sent(1)
    buffer.append(b"56")
    assert taken(buffer, 3) == b"23456"


def test_small_replies_take_little_more_memory_than_their_bytes(buffer):
    for _ in range(100_000):
        buffer.append(b"+OK\r\n")

    assert sum(map(sys.getsizeof, buffer._pieces)) < 1.2 * buffer.size


def test_a_large_value_is_not_copied(buffer):
    value = bytes(1 << 20)

    buffer.append(value)

    assert buffer.first().obj is value


def test_any_number_of_bytes_may_wait_without_a_limit(buffer):
    buffer.append(bytes(1 << 20))

    assert not buffer.must_go()


def test_who_is_beyond_the_hard_limit_must_go(buffer, caplog):
    limit(buffer, hard=100, soft=0, soft_seconds=0)
    buffer.append(bytes(100))
    assert not buffer.must_go()

    buffer.append(b"1")

    assert buffer.must_go()
    assert "101 bytes of replies unread" in caplog.text


def test_who_is_beyond_the_soft_limit_for_some_time_must_go(buffer, clock, caplog):
    limit(buffer, hard=0, soft=100, soft_seconds=10)
    buffer.append(bytes(101))
    assert not buffer.must_go()
    clock.now += 10
    assert not buffer.must_go()

    clock.now += 0.1

    assert buffer.must_go()
    assert "101 bytes of replies unread for 10 s" in caplog.text


def test_who_comes_back_below_the_soft_limit_has_its_time_again(buffer, clock):
    limit(buffer, hard=0, soft=100, soft_seconds=10)
    buffer.append(bytes(101))
    assert not buffer.must_go()
    clock.now += 9
    buffer.sent(1)
    assert not buffer.must_go()
    buffer.append(b"1")
    clock.now += 9

    assert not buffer.must_go()


def test_who_is_to_be_closed_and_takes_nothing_must_go(buffer, clock):
    buffer.append(bytes(100))
    buffer.session.close()
    assert not buffer.must_go()
    clock.now += STUCK_SECONDS
    assert not buffer.must_go()
    buffer.sent(1)  # it takes something
    clock.now += 1
    assert not buffer.must_go()
    clock.now += STUCK_SECONDS

    assert not buffer.must_go()
    clock.now += 1

    assert buffer.must_go()


def test_who_was_aborted_must_go_at_once(buffer):
    buffer.append(b"1")
    buffer.session.abort()

    assert buffer.must_go()


def test_tells_whether_the_peer_has_all():
    near, far = socket.socketpair()
    with near, far:
        assert is_delivered(near.fileno())
        near.send(b"1" * 1000)
        assert is_delivered(near.fileno()) is (sys.platform != "linux")
        far.recv(1000)
        assert is_delivered(near.fileno())
        near.shutdown(socket.SHUT_WR)
        assert is_delivered(near.fileno())
    assert is_delivered(-1)


def test_subscribers_have_a_limit_of_their_own(buffer):
    limit(buffer, hard=10, soft=0, soft_seconds=0)
    buffer.append(b"x" * 11)
    assert buffer.must_go()

    buffer.session.engine.channels.subscribe(buffer.session, b"c")
    assert not buffer.must_go()
