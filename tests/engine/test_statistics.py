"""Rates and totals, and how they start anew."""

import pytest

from respstore.engine.statistics import SAMPLES, Rate, Statistics


def test_a_rate_needs_two_samples() -> None:
    rate = Rate()
    assert rate.per_second() == 0
    rate.sample(10, 500)
    assert rate.per_second() == 0
    rate.sample(10.5, 700)
    assert rate.per_second() == 400


def test_a_rate_is_the_mean_of_the_last_samples() -> None:
    rate = Rate()
    rate.sample(0, 0)
    rate.sample(1, 1000)
    for second in range(2, 2 + SAMPLES):
        rate.sample(second, 1000)
        assert rate.per_second() == (1000 / second if second <= SAMPLES else 0)


def test_no_time_between_samples_says_nothing() -> None:
    rate = Rate()
    rate.sample(0, 0)
    rate.sample(0, 1000)
    assert rate.per_second() == 0
    rate.sample(1, 1500)
    assert rate.per_second() == 500


@pytest.mark.parametrize("name", ["operations", "input_bytes", "output_bytes"])
def test_reset_starts_rates_anew(name: str) -> None:
    statistics = Statistics()
    getattr(statistics, name).sample(0, 0)
    getattr(statistics, name).sample(1, 1000)
    statistics.reset()
    rate = getattr(statistics, name)
    rate.sample(2, 0)
    assert rate.per_second() == 0


def test_reset_sets_all_counters_back() -> None:
    statistics, fresh = Statistics(), Statistics()
    counters = [name for name in Statistics.__slots__ if isinstance(getattr(fresh, name), int | float)]
    counters.append("connections")
    for name in counters:
        setattr(statistics, name, 5)
    statistics.count_error("ERR")
    statistics.reset()
    assert all(getattr(statistics, name) == getattr(fresh, name) == 0 for name in counters)
    assert not statistics.errors
    assert len(counters) == len(Statistics.__slots__) - 5


def test_the_time_of_excess_is_counted_from_its_start_to_its_end() -> None:
    statistics = Statistics()
    assert statistics.seconds_exceeded(5) == (0, 0)
    statistics.note_memory(10, is_exceeded=False)
    for now in (20, 25):
        statistics.note_memory(now, is_exceeded=True)
    assert statistics.seconds_exceeded(30) == (10, 10)
    for now in (35, 45):
        statistics.note_memory(now, is_exceeded=False)
    statistics.note_memory(50, is_exceeded=True)
    assert statistics.seconds_exceeded(52) == (17, 2)
    statistics.reset()
    assert statistics.seconds_exceeded(60) == (0, 0)
