"""maxmemory-clients: who is closed, in which order, and who is spared."""

import logging

import pytest

from respstore.config import Config
from respstore.engine.client_eviction import clients_by_class, clients_limit
from respstore.engine.engine import Engine
from respstore.engine.session import SESSION_BYTES, Session
from tests.talk import PONG, make_engine, pass_time, talk

MB = 1 << 20


def client_with(engine: Engine, size: int) -> Session:
    """A client in the middle of a request, for which so many bytes are held."""
    session = Session(engine)
    session.receive_data(b"*2\r\n$4\r\nPING\r\n$%d\r\n" % (2 * size) + b"x" * size)
    return session


def are_closed(*sessions: Session) -> list[bool]:
    assert all(session.is_closing == session.is_aborted for session in sessions)
    return [session.is_closing for session in sessions]


@pytest.mark.parametrize(
    ("value", "maxmemory", "limit"),
    [
        ("0", "1gb", 0),
        ("10mb", "0", 10 * MB),
        ("1", "0", 128 * 1024),
        ("10%", "0", 0),
        ("10%", "100mb", 10 * MB),
        ("1%", "1mb", 128 * 1024),
        ("100%", "1gb", 1024 * MB),
    ],
)
def test_the_limit(value: str, maxmemory: str, limit: int) -> None:
    config = Config()
    config.change([("maxmemory-clients", value), ("maxmemory", maxmemory)])
    assert clients_limit(config) == limit


def test_the_largest_are_closed_until_the_others_fit_in(caplog: pytest.LogCaptureFixture) -> None:
    engine = make_engine(maxmemory_clients=3 * MB)
    small, middle, large, larger = [client_with(engine, size) for size in (10_000, MB, 3 * MB, 5 * MB)]
    with caplog.at_level(logging.WARNING, "respstore"):
        pass_time(engine, 0.1)
    assert are_closed(small, middle, large, larger) == [False, False, True, True]
    assert engine.statistics.evicted_clients == 2
    assert f"closing client {large.id} (): clients take more than maxmemory-clients" in caplog.messages


def test_who_came_first_of_a_class_is_closed_first() -> None:
    engine = make_engine(maxmemory_clients=8 * MB)
    sizes = [MB // 2, 2 * MB + 1, 3 * MB, 2 * MB + 10, 2 * MB]
    clients = [client_with(engine, size) for size in sizes]
    pass_time(engine, 0.1)
    assert are_closed(*clients) == [False, True, False, False, False]
    pass_time(engine, 0.1)
    assert sum(are_closed(*clients)) == 1


def test_who_asked_for_it_is_spared_and_does_not_count() -> None:
    engine = make_engine(maxmemory_clients=MB)
    spared = Session(engine)
    talk(spared, b"CLIENT NO-EVICT ON")
    spared.receive_data(b"*2\r\n$4\r\nPING\r\n$9000000\r\n" + b"x" * 5 * MB)
    other = client_with(engine, MB // 2)
    pass_time(engine, 0.1)
    assert are_closed(spared, other) == [False, False]
    engine.config.change([("maxmemory-clients", "200kb")])
    pass_time(engine, 0.1)
    assert are_closed(spared, other) == [False, True]


def test_without_a_limit_nobody_is_closed() -> None:
    engine = make_engine()
    client = client_with(engine, 10 * MB)
    pass_time(engine, 0.1)
    assert are_closed(client) == [False]


def test_what_a_client_queues_and_does_not_read_counts() -> None:
    engine = make_engine(maxmemory_clients=MB)
    queuing, lazy, usual = Session(engine), Session(engine), Session(engine)
    talk(queuing, b"MULTI")
    talk(queuing, b"SET", b"k", b"x" * MB)
    lazy.unsent = MB
    assert talk(usual, b"PING") == PONG
    pass_time(engine, 0.1)
    assert are_closed(queuing, lazy, usual) == [True, True, False]


def test_of_many_clients_the_memory_is_looked_at_less_often() -> None:
    engine = make_engine(maxmemory_clients=8 * MB)
    for _ in range(2000):
        Session(engine)
    client = client_with(engine, 9 * MB)
    for _ in range(2):
        pass_time(engine, 0.1)
        assert are_closed(client) == [False]
    pass_time(engine, 0.1)
    assert are_closed(client) == [True]


@pytest.mark.parametrize(
    ("size", "number"), [(0, 15), (32_767, 15), (32_768, 16), (65_535, 16), (65_536, 17), (2**33 - 1, 33), (2**40, 33)]
)
def test_classes(size: int, number: int) -> None:
    engine = make_engine()
    client = Session(engine)
    client.unsent = max(size - SESSION_BYTES, 0)
    classes = clients_by_class(engine)
    assert list(classes) == list(range(15, 34))
    assert classes[number] == {client: max(size, SESSION_BYTES)}
