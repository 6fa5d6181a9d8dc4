import pytest

from compat.bench.figures import Bar, Figure, Measure, throughput_bar


def test_the_ratio_is_the_median_of_the_rounds_not_the_ratio_of_medians() -> None:
    figure = Figure("GET", peer=(100.0, 50.0, 80.0), respstore=(100.0, 60.0, 40.0), bar=None)
    assert figure.ratios == [1.0, 1.2, 0.5]
    assert figure.ratio == 1.0


def test_the_spread_of_few_ratios_is_all_of_them_and_of_many_their_middle_half() -> None:
    few = Figure("GET", peer=(1.0,) * 3, respstore=(1.0, 9.0, 2.0), bar=None)
    assert few.spread == (1.0, 9.0)
    many = Figure("GET", peer=(1.0,) * 11, respstore=(*map(float, range(10)), 99.0), bar=None)
    assert many.spread == (2.0, 8.0)


@pytest.mark.parametrize(
    ("bar", "missed"),
    [
        (Bar(1.0, at_least=True), False),
        (Bar(1.1, at_least=True), True),
        (Bar(1.0, at_least=False), False),
        (Bar(0.9, at_least=False), True),
        (None, False),
    ],
)
def test_a_bar_is_met_by_the_very_figure(bar: Bar | None, missed: bool) -> None:
    assert Figure("GET", peer=(2.0,), respstore=(2.0,), bar=bar).missed is missed


def test_what_has_no_peer_is_not_rounded_to_its_bar() -> None:
    assert Measure("memory", (1.63, 1.64, 1.65), Bar(1.6, at_least=False)).missed
    assert not Measure("memory", (1.0, 1.6, 9.0), Bar(1.6, at_least=False)).missed


@pytest.mark.parametrize(
    ("test", "load", "limit"),
    [
        ("GET", "P=1", 1.0),
        ("LRANGE_100", "P=1", 0.8),
        ("LRANGE_300", "P=1", 0.5),
        ("XADD", "P=1", 0.8),
        ("GET", "P=16", 0.6),
        ("XADD", "P=16", 0.6),
    ],
)
def test_throughput_bars_are_those_of_the_issue(test: str, load: str, limit: float) -> None:
    assert throughput_bar(test, load) == Bar(limit, at_least=True)


def test_one_client_alone_has_no_bar() -> None:
    assert throughput_bar("XADD", "alone") is None
