"""What INFO counts."""

from collections import Counter, deque
from typing import Final

SAMPLES: Final = 16


class Rate:
    """How much a running total grows per second, over the last samples (Redis: instantaneous metrics)."""

    __slots__ = ("_last", "_samples")

    def __init__(self) -> None:
        self._samples: deque[float] = deque(maxlen=SAMPLES)
        self._last: tuple[float, int] | None = None

    def sample(self, now: float, total: int) -> None:
        """Note the total at a time of the monotonic clock, in seconds."""
        if self._last is not None:
            elapsed = now - self._last[0]
            if elapsed > 0:
                self._samples.append((total - self._last[1]) / elapsed)
        self._last = now, total

    def per_second(self) -> float:
        """The mean of the last samples."""
        return sum(self._samples) / len(self._samples) if self._samples else 0.0


class Statistics:
    """Totals since the start or CONFIG RESETSTAT.

    Attributes:
        connections, rejected_connections: accepted, and refused because of maxclients.
        bytes_out: sent to clients.
        reads, writes: how often something was received from a client, and sent to one.
        errors: error replies by their first word.
        operations, input_bytes, output_bytes: their rates.
        expire_stopped: how often active expiry left keys for later.
        expire_seconds: time that active expiry took.
    """

    __slots__ = (
        "bytes_out",
        "connections",
        "errors",
        "expire_seconds",
        "expire_stopped",
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
        self.connections = 0
        self.rejected_connections = 0
        self.bytes_out = 0
        self.reads = 0
        self.writes = 0
        self.expire_stopped = 0
        self.expire_seconds = 0.0
        self.operations = Rate()
        self.input_bytes = Rate()
        self.output_bytes = Rate()
        self.errors: Counter[str] = Counter()
