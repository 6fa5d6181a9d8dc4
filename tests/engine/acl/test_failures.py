"""Failed attempts to authenticate, by address."""

import pytest

from respstore.engine.acl.failures import FREE, LONGEST_DELAY, MOST_ADDRESSES, Failures


@pytest.fixture
def failures() -> Failures:
    return Failures()


def fail(failures: Failures, times: int, address: str = "10.0.0.1", now: float = 100.0) -> None:
    for _ in range(times):
        failures.add(address, now)


def test_a_few_failures_cost_nothing(failures: Failures) -> None:
    assert failures.delay("10.0.0.1", 100.0) == 0
    fail(failures, FREE)
    assert failures.delay("10.0.0.1", 100.0) == 0


def test_more_of_them_delay_the_answers_to_that_address_alone(failures: Failures) -> None:
    delays = []
    for _ in range(FREE + 20):
        fail(failures, 1)
        delays.append(failures.delay("10.0.0.1", 100.0))
    assert delays[FREE] > 0
    assert delays == sorted(delays)
    assert delays[-1] == pytest.approx(LONGEST_DELAY)
    assert failures.delay("10.0.0.2", 100.0) == 0


def test_whoever_goes_on_is_answered_within_a_second() -> None:
    assert LONGEST_DELAY < 1


def test_they_are_forgotten(failures: Failures) -> None:
    fail(failures, 1000)
    assert failures.delay("10.0.0.1", 105.0) == pytest.approx(LONGEST_DELAY / 2)
    assert failures.delay("10.0.0.1", 110.0) == 0
    fail(failures, 1, now=110.0)
    assert failures.delay("10.0.0.1", 110.0) > 0
    assert failures.delay("10.0.0.1", 200.0) == 0


def test_the_table_is_bounded_and_keeps_who_failed_last(failures: Failures) -> None:
    fail(failures, 50, "attacker")
    for number in range(MOST_ADDRESSES - 1):
        failures.add(str(number), 100.0)
    failures.add("attacker", 100.0)
    failures.add("one more", 100.0)
    assert len(failures) == MOST_ADDRESSES
    assert failures.delay("attacker", 100.0) == pytest.approx(LONGEST_DELAY)
