"""Distributions of which only a sample is known, and spikes."""

import pytest

from respstore.engine.latency import HISTORY_LENGTH, Distribution, LatencyMonitor, SlowCounts


def test_the_sample_stands_for_all_calls() -> None:
    times = Distribution(SlowCounts())
    times.add(0.000_002, is_slow=False, keep_shape=True)
    times.add(0.000_004, is_slow=False, keep_shape=True)
    assert times.total(2) == pytest.approx(0.000_006)
    assert times.total(1000) == pytest.approx(0.003)


def test_a_slow_call_stands_for_itself() -> None:
    times = Distribution(SlowCounts())
    times.add(0.000_001, is_slow=False, keep_shape=True)
    times.add(0.5, is_slow=True, keep_shape=True)
    assert times.total(1001) == pytest.approx(0.501)
    assert times.histogram(1001) == {2: 1000, 524288: 1001}


def test_slow_calls_alone() -> None:
    times = Distribution(SlowCounts())
    times.add(0.5, is_slow=True, keep_shape=True)
    assert times.total(1) == 0.5
    assert times.histogram(1) == {524288: 1}


def test_nothing_is_known_of_what_was_not_timed() -> None:
    times = Distribution(SlowCounts())
    assert times.total(5) == 0
    assert times.histogram(5) == {}
    assert list(times.percentiles(5, [50])) == []


def test_percentiles() -> None:
    times = Distribution(SlowCounts())
    for microseconds in range(1, 101):
        times.add(microseconds / 1e6, is_slow=False, keep_shape=True)
    assert list(times.percentiles(100, [0, 50, 99, 100])) == pytest.approx([1, 50, 99, 100], rel=0.07)


def test_without_latency_tracking_only_the_sum_is_kept() -> None:
    times = Distribution(SlowCounts())
    times.add(0.001, is_slow=False, keep_shape=False)
    assert times.total(1) == 0.001
    assert times.histogram(1) == {}


def test_reset() -> None:
    times = Distribution(SlowCounts())
    times.add(0.001, is_slow=False, keep_shape=True)
    times.add(1.0, is_slow=True, keep_shape=True)
    times.reset()
    assert times.total(10) == 0
    assert times.histogram(10) == {}


def test_slow_calls_of_several_commands_are_kept_apart() -> None:
    slow_counts = SlowCounts()
    all_times = [Distribution(slow_counts) for _ in range(3)]
    for number, times in enumerate(all_times):
        for _ in range(number + 1):
            times.add(0.5, is_slow=True, keep_shape=True)
            times.add(0.1, is_slow=True, keep_shape=True)
    all_times[1].reset()
    assert [times.histogram(9) for times in all_times] == [
        {131072: 1, 524288: 2},
        {},
        {131072: 3, 524288: 6},
    ]


def test_spikes_of_one_second_are_one() -> None:
    monitor = LatencyMonitor()
    monitor.add("command", 100, 0.02)
    monitor.add("command", 100, 0.05)
    monitor.add("command", 100, 0.03)
    monitor.add("command", 101, 0.01)
    event = monitor.events["command"]
    assert list(event.spikes) == [(100, 50), (101, 10)]
    assert event.worst == 50


def test_old_spikes_go_but_not_the_worst() -> None:
    monitor = LatencyMonitor()
    monitor.add("command", 0, 9.0)
    for second in range(1, HISTORY_LENGTH + 1):
        monitor.add("command", second, 0.02)
    event = monitor.events["command"]
    assert len(event.spikes) == HISTORY_LENGTH
    assert event.spikes[0].time == 1
    assert event.worst == 9000


def test_reset_of_events() -> None:
    monitor = LatencyMonitor()
    for name in ("command", "fast-command", "expire-cycle"):
        monitor.add(name, 1, 1.0)
    assert monitor.reset(["command", "missing"]) == 1
    assert list(monitor.events) == ["fast-command", "expire-cycle"]
    assert monitor.reset([]) == 2
    assert monitor.events == {}
