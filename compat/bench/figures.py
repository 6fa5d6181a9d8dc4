"""What a figure of respstore's is, beside the same figure of its peer's, and the bar that the ratio is held to.

The peer is redis-server, or torch's TCPStore. A ratio is always respstore's value divided by the peer's of the same
round, so that what disturbs a round disturbs both. The median over the rounds is judged, to the two decimals that are
printed; the least and the greatest, or the quartiles of many, show how far to trust it. What has no peer, or a bar that
does not ask how the peer does, is judged by itself (`Measure`).
"""

from statistics import median, quantiles

import attrs

FEW = 7
"""Of more ratios the least and the greatest are accidents."""


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
    peer: tuple[float, ...]
    respstore: tuple[float, ...]
    bar: Bar | None

    @property
    def ratios(self) -> list[float]:
        return [ours / theirs for ours, theirs in zip(self.respstore, self.peer, strict=True)]

    @property
    def ratio(self) -> float:
        return round(median(self.ratios), 2)

    @property
    def spread(self) -> tuple[float, float]:
        """The least and the greatest ratio; of more than `FEW`, the first and the third quartile."""
        ratios = self.ratios
        if len(ratios) <= FEW:
            return min(ratios), max(ratios)
        first, _, third = quantiles(ratios, n=4)
        return first, third

    @property
    def missed(self) -> bool:
        return self.bar is not None and not self.bar.holds(self.ratio)


@attrs.frozen
class Measure:
    """A quantity that is judged by itself, round by round; its bar holds for the median."""

    name: str
    values: tuple[float, ...]
    bar: Bar
    peer: tuple[float, ...] = ()
    """What it is on redis-server, to be seen beside it."""

    @property
    def ratio(self) -> float:
        """What the bar judges."""
        return round(median(self.values), 2)

    @property
    def missed(self) -> bool:
        return not self.bar.holds(self.ratio)


@attrs.frozen
class Growth:
    """What a command costs on collections of growing sizes, on both servers; its bar is for our last to our first."""

    name: str
    peer: tuple[float, ...]
    respstore: tuple[float, ...]
    bar: Bar

    @property
    def ratio(self) -> float:
        """What the bar judges."""
        return round(self.respstore[-1] / self.respstore[0], 2)

    @property
    def missed(self) -> bool:
        return not self.bar.holds(self.ratio)


THROUGHPUT_BAR = {"P=1": Bar(1.0, at_least=True), "P=16": Bar(0.6, at_least=True)}
"""By load, as the others below; one client alone has no bars."""
LONG_RANGE_BAR = Bar(0.5, at_least=True)
COLLECTION_BAR = Bar(0.8, at_least=True)
OWN_BARS = {
    **dict.fromkeys(("LRANGE_300", "LRANGE_500", "LRANGE_600"), LONG_RANGE_BAR),
    **dict.fromkeys(("LRANGE_100", "HGETALL_10", "ZADD_10", "ZRANGE_10", "XADD", "XREADGROUP_10"), COLLECTION_BAR),
}
"""Throughput with P=1 of tests that have a bar of their own: their replies or requests are long."""
CPU_BAR = {"P=1": Bar(1.4, at_least=False), "P=16": Bar(2.0, at_least=False)}
P99_BAR = {"P=1": Bar(1.5, at_least=False)}
KEY_MEMORY_BAR = Bar(1.4, at_least=False)
IDLE_CONNECTION_MEMORY_BAR = Bar(1.5, at_least=False)
STORE_BARS = {
    "get": Bar(0.7, at_least=False),
    "add": Bar(1.5, at_least=False),
    "check": Bar(1.5, at_least=False),
    "set": None,
    "multi_get": None,
}
"""Latency of respstore.Store's methods beside TCPStore's, whose set waits for no answer, so that there is no bar."""
WIRE_BARS = dict.fromkeys(STORE_BARS, Bar(1.3, at_least=False))
"""The same of torch's C++ client on respstore, beside the same on TCPStore."""
JOIN_BARS = {256: Bar(1.0, at_least=False), 1024: Bar(1.0, at_least=False), 4096: Bar(0.3, at_least=False)}
"""Wall time by number of clients."""
WIRE_BARRIER_BAR = Bar(1.5, at_least=False)
EVALSHA_BAR = Bar(0.5, at_least=True)
CALL_BAR = Bar(3.0, at_least=False)
"""Microseconds that a command may take in a script."""
APPENDING_BARS = {"everysec": Bar(0.9, at_least=True), "always": Bar(0.8, at_least=True)}
"""Throughput of SET with P=1, by appendfsync."""
FILE_BAR = Bar(4.0, at_least=False)
SAVING_LATENCY_BAR = Bar(50.0, at_least=False)
"""Milliseconds."""
SAVING_SLOWDOWN_BAR = Bar(10.0, at_least=False)
SAVING_MEMORY_BAR = Bar(1.6, at_least=False)
GROWTH_BAR = Bar(10.0, at_least=False)
SCAN_BAR = Bar(3.0, at_least=False)
COLLECTION_MEMORY_BAR = Bar(2.0, at_least=False)
BARRIER_BAR = Bar(25.0, at_least=False)
KEY_BAR = Bar(150.0, at_least=False)
"""Milliseconds in which all who wait are released."""


def throughput_bar(test: str, load: str) -> Bar | None:
    """The bar of redis-benchmark's `test`: with P=1, some have one of their own."""
    usual = THROUGHPUT_BAR.get(load)
    return OWN_BARS.get(test, usual) if load == "P=1" else usual
