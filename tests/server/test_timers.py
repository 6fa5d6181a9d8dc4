"""Time passes for an engine ten times a second, and at the very moment when somebody's wait is over."""

import logging

import pytest
import trio
import trio.testing

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from respstore.server.backends import Backends
from respstore.server.timers import TICK_SECONDS, run_timers
from tests.talk import FakeSystem, make_engine, request


class TrioSystem(FakeSystem):
    """A process whose clocks are the loop's."""

    def __init__(self) -> None:
        super().__init__()
        self.start = trio.current_time()

    def monotonic(self) -> float:
        return trio.current_time()

    def wall_clock_us(self) -> int:
        return self.wall_us + round((self.monotonic() - self.start) * 1_000_000)


class Backend(Backends):
    """Notes when it was asked for something."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, use_poller=False, dedicated=False)
        self.flushes: list[float] = []
        self.checks: list[float] = []

    def flush_touched(self) -> None:
        self.flushes.append(trio.current_time())
        self._engine.take_touched()

    def drop_stuck(self) -> None:
        self.checks.append(trio.current_time())


# Each test asks for the clock itself: pytest-trio does not see one that only a fixture asks for.


@pytest.fixture
async def engine() -> Engine:
    engine = make_engine()
    engine.system = TrioSystem()
    return engine


@pytest.fixture
async def backend(engine, nursery) -> Backend:
    backend = Backend(engine)
    nursery.start_soon(run_timers, engine, backend)
    await trio.testing.wait_all_tasks_blocked()
    return backend


async def test_ticks_ten_times_a_second(engine, backend, autojump_clock):
    start = trio.current_time()
    await trio.sleep(1.05)

    assert len(backend.checks) == 11
    assert backend.checks == pytest.approx([start + TICK_SECONDS * n for n in range(11)], abs=0.001)
    assert backend.flushes == backend.checks


async def test_lets_keys_expire(engine, backend, autojump_clock):
    session = Session(engine)
    session.receive_data(request(b"SET k v PX 250"))
    await trio.sleep(0.2)
    assert len(session.db.data) == 1
    await trio.sleep(0.15)
    assert len(session.db.data) == 0


@pytest.mark.parametrize("seconds", [0.001, 0.033, 0.1, 0.777])
async def test_ends_a_wait_at_its_moment(engine, backend, autojump_clock, seconds):
    session = Session(engine)
    await trio.sleep(0.05)
    session.receive_data(request(b"BLPOP q %.3f" % seconds))

    await trio.sleep(seconds - 0.0005)
    assert session.data_to_send() == b""
    await trio.sleep(0.002)  # Redis counts whole milliseconds
    assert session.data_to_send() == b"*-1\r\n"


async def test_ends_the_sooner_of_two_waits_first(engine, backend, autojump_clock):
    late, soon = Session(engine), Session(engine)
    late.receive_data(request(b"BLPOP q 0.05"))
    soon.receive_data(request(b"BLPOP q 0.02"))

    await trio.sleep(0.03)
    assert soon.data_to_send() == b"*-1\r\n"
    assert late.data_to_send() == b""
    await trio.sleep(0.03)
    assert late.data_to_send() == b"*-1\r\n"


async def test_makes_up_for_no_tick_that_it_missed(engine, backend, autojump_clock):
    await trio.sleep(0.05)
    autojump_clock.jump(5)  # as if the process had been stopped
    await trio.sleep(0.25)

    assert backend.checks == pytest.approx([0, 5.05, 5.15, 5.25], abs=0.001)


async def test_a_bug_cuts_one_tick_short(engine, backend, autojump_clock, caplog, monkeypatch):
    ticks = []

    def fail():
        ticks.append(trio.current_time())
        raise ZeroDivisionError

    monkeypatch.setattr(engine, "tick", fail)
    await trio.sleep(0.35)

    assert len(ticks) == 3
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 3
    assert caplog.records[0].message == "bug: a tick was cut short"
