"""What INFO counts.

A total that goes on growing is another object each time, and one that was made while there was much data lies in the
midst of it. When the data is gone, Python gives the memory around such an object not back to the system: it does that
1 MiB at a time, once nothing is left in it. So totals that may rest for long are kept in arrays, whose numbers are no
objects; those of which each request counts one (`Entry.new_calls`, `Database.hits`) are added up ten times a second.
"""

from array import array
from collections import Counter
from typing import Final

SAMPLES: Final = 16


class Rate:
    """How much a running total grows per second, over the last samples (Redis: instantaneous metrics)."""

    __slots__ = ("_last", "_samples")

    def __init__(self) -> None:
        self._samples = array("d")
        self._last = array("d")  # when, and the total; nothing before the first

    def sample(self, now: float, total: int) -> None:
        """Note the total at a time of the monotonic clock, in seconds."""
        if self._last:
            elapsed = now - self._last[0]
            if elapsed > 0:
                self._samples.append((total - self._last[1]) / elapsed)
                del self._samples[:-SAMPLES]
        self._last[:] = array("d", (now, total))

    def per_second(self) -> float:
        """The mean of the last samples."""
        return sum(self._samples) / len(self._samples) if self._samples else 0.0


class Statistics:
    """Totals since the start or CONFIG RESETSTAT.

    Attributes:
        rejected_connections: refused because of maxclients.
        bytes_out: sent to clients.
        reads, writes: how often something was received from a client, and sent to one.
        operations, input_bytes, output_bytes: their rates.
        expire_stopped: how often active expiry left keys for later.
        expire_seconds: time that active expiry took.
        evicted_keys, evicted_clients: deleted, and closed, for want of memory.
        forks, fork_microseconds: processes that were begun to save the data, and how long it took to begin the last.
    """

    __slots__ = (
        "_errors",
        "_exceeded_seconds",
        "_exceeded_since",
        "_totals",
        "bytes_out",
        "evicted_clients",
        "evicted_keys",
        "expire_seconds",
        "expire_stopped",
        "fork_microseconds",
        "forks",
        "input_bytes",
        "operations",
        "output_bytes",
        "reads",
        "rejected_connections",
        "writes",
    )

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """CONFIG RESETSTAT."""
        self._totals = array("q", (0,))
        self.rejected_connections = 0
        self.bytes_out = 0
        self.reads = 0
        self.writes = 0
        self.expire_stopped = 0
        self.expire_seconds = 0.0
        self.evicted_keys = 0
        self.evicted_clients = 0
        self.forks = 0
        self.fork_microseconds = 0
        self._exceeded_seconds = 0.0
        self._exceeded_since: float | None = None
        self.operations = Rate()
        self.input_bytes = Rate()
        self.output_bytes = Rate()
        self._errors: dict[str, array[int]] = {}

    @property
    def connections(self) -> int:
        """How many were accepted."""
        return self._totals[0]

    @connections.setter
    def connections(self, number: int) -> None:
        self._totals[0] = number

    @property
    def errors(self) -> Counter[str]:
        """Error replies by their first word."""
        return Counter({code: count for code, (count,) in self._errors.items()})

    def count_error(self, code: str) -> None:
        """An error reply with this first word was made."""
        self._errors.setdefault(code, array("Q", (0,)))[0] += 1

    def note_memory(self, now: float, *, is_exceeded: bool) -> None:
        """There is more in use than maxmemory allows, or there is not, at a time of the monotonic clock in seconds."""
        if self._exceeded_since is not None and not is_exceeded:
            self._exceeded_seconds += now - self._exceeded_since
            self._exceeded_since = None
        elif self._exceeded_since is None and is_exceeded:
            self._exceeded_since = now

    def seconds_exceeded(self, now: float) -> tuple[float, float]:
        """For how long there has been more in use than maxmemory allows: in all, and without a break until now."""
        current = 0.0 if self._exceeded_since is None else now - self._exceeded_since
        return self._exceeded_seconds + current, current
