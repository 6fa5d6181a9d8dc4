"""LATENCY: how long commands take, as a distribution for each, and spikes, as a history for each kind of event."""

from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Final, NamedTuple

HISTORY_LENGTH: Final = 160
"""Spikes that are kept of each event, as in Redis."""
_PRECISION_BITS: Final = 5
_BUCKETS_PER_DOUBLING: Final = 1 << _PRECISION_BITS - 1
_MORE_BUCKETS: Final = 8 * _BUCKETS_PER_DOUBLING
"""By so many the counts grow: not often, for what grows while the server has much to do comes to lie among data, whose
memory is not given back as long as it does."""
_BUCKET_BITS: Final = 12
_BUCKET_MASK: Final = (1 << _BUCKET_BITS) - 1
"""What is enough for the number of any bucket."""


class SlowCounts:
    """How many slow calls of each command of an engine fell into which bucket.

    They are few, and far between: only those buckets are kept that any fell into, all in one piece. Small pieces, of
    each command its own, would come to lie among data, and each would keep the memory around it from being given back.
    """

    __slots__ = ("_commands", "_counts", "_places")

    def __init__(self) -> None:
        self._commands = 0
        self._places = array("I")  # in order: a command's number, and a bucket in the lower bits
        self._counts = array("Q")  # of each place

    def add_command(self) -> int:
        """A number for a command."""
        self._commands += 1
        return self._commands

    def add(self, command: int, bucket: int) -> None:
        """Count a call."""
        place = command << _BUCKET_BITS | bucket
        index = bisect_left(self._places, place)
        if index == len(self._places) or self._places[index] != place:
            self._places.insert(index, place)
            self._counts.insert(index, 0)
        self._counts[index] += 1

    def of(self, command: int) -> Sequence[tuple[int, int]]:
        """A command's buckets, and how many calls each has."""
        part = self._part(command)
        buckets = [place & _BUCKET_MASK for place in self._places[part]]
        return list(zip(buckets, self._counts[part], strict=True))

    def forget(self, command: int) -> None:
        """A command has no calls any more."""
        part = self._part(command)
        del self._places[part], self._counts[part]

    def _part(self, command: int) -> slice:
        start, end = (bisect_left(self._places, number << _BUCKET_BITS) for number in (command, command + 1))
        return slice(start, end)


class Distribution:
    """How long the calls of one command took.

    Not each call is timed (see timing.py): the sampled ones stand for those that were not, while every slow one is
    known and stands for itself.

    Args:
        slow_counts: where the slow ones are counted, with those of other commands.
    """

    __slots__ = ("_number", "_sampled", "_slow_counts", "_totals")

    def __init__(self, slow_counts: SlowCounts) -> None:
        self._slow_counts = slow_counts
        self._number = slow_counts.add_command()
        self.reset()

    def reset(self) -> None:
        """Forget all calls."""
        self._totals = array("d", (0, 0, 0, 0))  # of sampled calls and of slow ones: how many, and their seconds
        self.forget_shape()

    def forget_shape(self) -> None:
        """Forget how the times were distributed, not how long the calls took together."""
        self._sampled = array("Q")  # how many calls fell into each bucket
        self._slow_counts.forget(self._number)

    def add(self, seconds: float, *, is_slow: bool, keep_shape: bool) -> None:
        """A call was timed; `keep_shape` if the distribution is to know (latency-tracking)."""
        place = 2 if is_slow else 0
        self._totals[place] += 1
        self._totals[place + 1] += seconds
        if keep_shape:
            bucket = _bucket(round(seconds * 1e9))
            if is_slow:
                self._slow_counts.add(self._number, bucket)
                return
            counts = self._sampled
            if bucket >= len(counts):
                more = (bucket - len(counts)) // _MORE_BUCKETS + 1
                counts.frombytes(bytes(counts.itemsize * _MORE_BUCKETS * more))
            counts[bucket] += 1

    @property
    def sampled(self) -> int:
        """How many calls were timed that were not slow."""
        return int(self._totals[0])

    def total(self, calls: int) -> float:
        """Seconds that so many calls took together."""
        sampled, seconds, slow, slow_seconds = self._totals
        return slow_seconds + (max(calls - slow, sampled) * seconds / sampled if sampled else 0)

    def percentiles(self, calls: int, wanted: Iterable[float]) -> Iterator[float]:
        """Microseconds that so many per cent of the calls did not exceed; nothing if the distribution is not known."""
        steps = self._cumulative(calls)
        if steps:
            counts = [count for _, count in steps]
            for percentage in wanted:
                place = bisect_left(counts, percentage / 100 * counts[-1])
                yield steps[min(place, len(steps) - 1)][0] / 1000

    def histogram(self, calls: int) -> dict[int, int]:
        """How many of so many calls took no longer than 1, 2, 4, ... microseconds, where there are more of them."""
        result: dict[int, int] = {}
        for nanoseconds, count in self._cumulative(calls):
            limit = 1
            while limit * 1000 < nanoseconds:
                limit *= 2
            result[limit] = round(count)
        return {limit: min(count, calls) for limit, count in result.items()}

    def _cumulative(self, calls: int) -> Sequence[tuple[int, float]]:
        """Nanoseconds, and how many of the calls took no longer."""
        sampled, slow = sum(self._sampled), self._slow_counts.of(self._number)
        weight = max(calls - sum([count for _, count in slow]), sampled) / sampled if sampled else 0
        counts = {bucket: count * weight for bucket, count in enumerate(self._sampled) if count}
        for bucket, count in slow:
            counts[bucket] = counts.get(bucket, 0) + count
        buckets = sorted(counts)
        return list(zip(map(_longest, buckets), accumulate(map(counts.__getitem__, buckets)), strict=True))


def _bucket(nanoseconds: int) -> int:
    """The number of the bucket for times that count as the same: all have the same first bits."""
    shift = max(nanoseconds.bit_length() - _PRECISION_BITS, 0)
    return shift * _BUCKETS_PER_DOUBLING + (nanoseconds >> shift)


def _longest(bucket: int) -> int:
    """Nanoseconds of the longest time in a bucket: seven per cent more than the shortest at most."""
    shift = max(bucket // _BUCKETS_PER_DOUBLING - 1, 0)
    return ((bucket - shift * _BUCKETS_PER_DOUBLING + 1) << shift) - 1


class Spike(NamedTuple):
    """Something took long: when it ended, in seconds since 1970, and how long it took, in ms."""

    time: int
    milliseconds: int


class Event:
    """What is known about one kind of event.

    Attributes:
        spikes: the last ones, at most one for each second.
        worst: ms of the longest since the start or RESET.
    """

    __slots__ = ("spikes", "worst")

    def __init__(self) -> None:
        self.spikes: deque[Spike] = deque(maxlen=HISTORY_LENGTH)
        self.worst = 0

    def add(self, spike: Spike) -> None:
        """Note a spike; of those within one second the longest is kept."""
        self.worst = max(self.worst, spike.milliseconds)
        if self.spikes and self.spikes[-1].time == spike.time:
            last = self.spikes.pop()
            spike = Spike(spike.time, max(spike.milliseconds, last.milliseconds))
        self.spikes.append(spike)


class LatencyMonitor:
    """Spikes by event: `command` and `fast-command`, `expire-cycle`.

    Attributes:
        events: by name, in order of their first spike.
    """

    def __init__(self) -> None:
        self.events: dict[str, Event] = {}

    def add(self, name: str, time: int, seconds: float) -> None:
        """Something of that name took so long and ended at a time, in seconds since 1970."""
        self.events.setdefault(name, Event()).add(Spike(time, round(seconds * 1e6) // 1000))

    def reset(self, names: Sequence[str]) -> int:
        """Forget some events, or all if none is named.

        Returns:
            How many were forgotten.
        """
        found = [name for name in names or list(self.events) if self.events.pop(name, None) is not None]
        return len(found)
