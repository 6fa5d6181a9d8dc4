"""What a figure of respstore's is, beside the same figure of Redis's, and the bar that the ratio is held to.

A ratio is always respstore's value divided by Redis's of the same round, so that what disturbs a round disturbs both.
The median over the rounds is judged, to the two decimals that are printed; the least and the greatest show how far to
trust it.
"""

from statistics import median

import attrs


@attrs.frozen
class Bar:
    """What the median ratio must keep to."""

    limit: float
    at_least: bool
    """Whether more is better: True for throughput, False for time and memory."""

    def holds(self, ratio: float) -> bool:
        return ratio >= self.limit if self.at_least else ratio <= self.limit

    def __str__(self) -> str:
        return f"{'at least' if self.at_least else 'at most'} {self.limit:.1f}"


@attrs.frozen
class Figure:
    """One measured quantity: its values for both servers, round by round, and its bar if there is one."""

    name: str
    redis: tuple[float, ...]
    respstore: tuple[float, ...]
    bar: Bar | None

    @property
    def ratios(self) -> list[float]:
        return [ours / theirs for ours, theirs in zip(self.respstore, self.redis, strict=True)]

    @property
    def ratio(self) -> float:
        return round(median(self.ratios), 2)

    @property
    def missed(self) -> bool:
        return self.bar is not None and not self.bar.holds(self.ratio)


THROUGHPUT_BAR = {1: Bar(1.0, at_least=True), 16: Bar(0.6, at_least=True)}
LONG_RANGE_BAR = Bar(0.5, at_least=True)
CPU_BAR = {1: Bar(1.4, at_least=False), 16: Bar(2.0, at_least=False)}
P99_BAR = {1: Bar(1.5, at_least=False)}
KEY_MEMORY_BAR = Bar(1.4, at_least=False)
IDLE_CONNECTION_MEMORY_BAR = Bar(1.5, at_least=False)


def throughput_bar(test: str, pipeline: int) -> Bar:
    """The bar of redis-benchmark's `test`: with P=1, an LRANGE of 300 or more elements has one of its own."""
    if pipeline == 1 and test in ("LRANGE_300", "LRANGE_500", "LRANGE_600"):
        return LONG_RANGE_BAR
    return THROUGHPUT_BAR[pipeline]
