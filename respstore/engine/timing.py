"""Which requests took long, and how long commands take: SLOWLOG, LATENCY, INFO commandstats and latencystats.

To look at the clock before and after each command would make a GET a tenth slower. So there is one look behind each
batch (`Session._process`), which may be 16 requests of one client, and most often is one:

- A batch that lasted too long is looked at more closely. If it was one request, that was slow. Else the slow one is
  among those whose time grows with the data: if there is but one of them, that was it. If there are more, the first of
  them is named and how many others there were, and all of them are **watched** for their next calls: timed one by one,
  but so few that it costs no more than was lost. For often the machine was slow, not a request, and to time a GET
  takes longer than to run it.
- Besides, of each command the first `SAMPLES` calls in each tenth of a second are timed: a command called less often is
  known exactly, for others the timed calls stand for the rest.
- Whatever goes through dispatch.py (subcommands, what EXEC runs) is timed always; that way is long anyway.

If less than `SHORTEST` counts as slow, all commands are watched: who asks for that wants to see every single one.
"""

from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING, Any, Final

from respstore.engine.command import UNLIMITED, Handler
from respstore.engine.dispatch import Entry, find
from respstore.engine.latency import LatencyMonitor
from respstore.engine.slowlog import SlowLog
from respstore.protocol.replies import Encoded, Output, encode

if TYPE_CHECKING:
    from respstore.engine.engine import Engine
    from respstore.engine.session import Session

SAMPLES: Final = 64
WATCHED: Final = 256
"""So many calls of a command are timed that may have been slow. While that counts down for many commands, it takes no
objects, which might lie among data for long: Python has these numbers at hand."""
SHORTEST: Final = 0.001
"""Seconds: below it, the time that a batch takes says nothing about a request in it."""
_ALWAYS: Final = -1
_LONG: Final = frozenset((list, dict, set))
"""Replies whose encoding may take longer than the command: it counts."""


class Timing:
    """The stopwatch of an engine.

    Args:
        engine: whose.

    Attributes:
        slowlog: SLOWLOG.
        monitor: LATENCY's events.
        limit: how long a request may take before it is slow, in seconds; infinite if nobody wants to know.
    """

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._config = engine.config
        self._clock = engine.system.monotonic
        self._since = 0.0
        self._slow_calls: list[tuple[Entry, Sequence[bytes], float]] = []
        self._resting: dict[Entry, None] = dict.fromkeys(engine.all_entries)
        self.slowlog = SlowLog(engine.config)
        self.monitor = LatencyMonitor()
        self.limit = inf
        for entry in self._resting:
            entry.measured = self._measured(entry)
        self.adjust()
        self.rearm()
        for option in ("slowlog-log-slower-than", "latency-monitor-threshold"):
            engine.config.on_change(option, self.adjust)

    def adjust(self) -> None:
        """Take over what the options say of what is slow."""
        slower_than, threshold = self._config.slowlog_log_slower_than, self._config.latency_monitor_threshold
        self.limit = min(
            slower_than / 1e6 if slower_than >= 0 else inf,
            threshold / 1e3 if threshold > 0 else inf,
        )
        self._engine.slow_batch = self.limit if self.limit >= SHORTEST else inf
        for entry in self._engine.all_entries:
            if self.limit < SHORTEST:
                self._watch(entry, _ALWAYS)
            elif entry.left < 0:
                self._rest(entry)

    def rearm(self) -> None:
        """Time the next calls of each command; to be called ten times a second."""
        for entry in self._resting:
            entry.left = SAMPLES
            entry.handler = entry.measured
        self._resting.clear()

    def look_closer(self, session: "Session", requests: Sequence[list[bytes]], now: float) -> None:
        """A batch lasted too long, or had a request of which that is known already.

        Args:
            session: whose it was.
            requests: the batch.
            now: monotonic clock, behind it.
        """
        engine = self._engine
        rest = now - (self._since if self._slow_calls else engine.look_at - engine.slow_batch)
        slow_calls = self._slow_calls.copy()
        self._slow_calls.clear()
        self._since = 0.0
        for entry, words, seconds in slow_calls:
            if isinstance(words, tuple):  # what stands behind the name; it is known how the client wrote that
                rest -= seconds
                name = entry.command.name.encode()
                words = next((args for args in requests if _is_request(args, words)), [name, *words])
            self._log(session, entry, words, seconds)
        if not rest >= engine.slow_batch:  # it is no number where batches are not judged
            return
        suspects = self._suspects(requests)
        if not suspects:
            return
        entry, args = suspects[0]
        entry.times.add(rest, is_slow=True, keep_shape=self._config.latency_tracking)
        if len(suspects) > 1:
            args = [*args, b"... (1 of %d pipelined commands)" % len(suspects)]
            for suspect, _ in suspects:
                self._watch(suspect, WATCHED)
        self._log(session, entry, args, rest)

    def _suspects(self, requests: Sequence[list[bytes]]) -> list[tuple[Entry, list[bytes]]]:
        """Those that `Session._process` ran itself, and of them those whose time grows with the data, if any."""
        found = ((find(self._engine.entries, args[0]), args) for args in requests if args)
        known = [(entry, args) for entry, args in found if entry is not None and entry.minimum < UNLIMITED]
        return [(entry, args) for entry, args in known if "fast" not in entry.command.flags] or known

    def called(self, session: "Session", entry: Entry, args: Sequence[bytes], seconds: float) -> None:
        """A request that went through dispatch.py took so long; to be called if that is slow, or `entry.left`."""
        is_slow = seconds >= self.limit
        if is_slow or entry.left:
            self._count(entry, seconds, is_slow=is_slow)
        if is_slow:
            self._engine.look_at += seconds  # it is known: the batch is judged by the rest
            if self._slow_calls:
                self._since += seconds
                self._slow_calls.append((entry, list(args), seconds))  # in their order
            else:
                self._log(session, entry, args, seconds)

    def happened(self, event: str, seconds: float) -> None:
        """Something that is no command, such as an `expire-cycle`, took so long."""
        if 0 < self._config.latency_monitor_threshold <= seconds * 1000:
            self.monitor.add(event, self._engine.system.wall_clock_us() // 1_000_000, seconds)

    def reset(self) -> None:
        """Forget how long commands took (CONFIG RESETSTAT), and time their next calls, to know them all."""
        for entry in self._engine.all_entries:
            entry.times.reset()
        self.rearm()

    def _measured(self, entry: Entry) -> Handler:
        """The command's handler, timed. It is for `Session._process` alone, which sends on what comes back."""
        clock = self._clock

        def measured(session: "Session", *words: bytes) -> Any:
            started = clock()
            try:
                value = entry.plain(session, *words)
                if type(value) in _LONG:
                    output: Output = []
                    encode(value, session.protocol, output)
                    value = Encoded(output)
                return value
            finally:
                seconds = clock() - started
                is_slow = seconds >= self.limit
                self._count(entry, seconds, is_slow=is_slow)
                if is_slow:
                    self._found(entry, words, seconds)

        return measured

    def _found(self, entry: Entry, words: tuple[bytes, ...], seconds: float) -> None:
        """A slow call; `look_closer` shall see it behind the batch, where it is known how the client wrote it."""
        engine = self._engine
        if not self._slow_calls:
            self._since = engine.look_at - engine.slow_batch
            engine.look_at = -inf
        self._slow_calls.append((entry, words, seconds))

    def _count(self, entry: Entry, seconds: float, *, is_slow: bool) -> None:
        entry.times.add(seconds, is_slow=is_slow, keep_shape=self._config.latency_tracking)
        if entry.left > 0:
            entry.left -= 1
            if not entry.left:
                self._rest(entry)

    def _rest(self, entry: Entry) -> None:
        entry.left = 0
        entry.handler = entry.plain
        self._resting[entry] = None

    def _watch(self, entry: Entry, calls: int) -> None:
        entry.left = calls
        entry.handler = entry.measured
        self._resting.pop(entry, None)

    def _log(self, session: "Session", entry: Entry, args: Sequence[bytes], seconds: float) -> None:
        command, config = entry.command, self._config
        microseconds = round(seconds * 1e6)
        time = self._engine.system.wall_clock_us() // 1_000_000
        if 0 <= config.slowlog_log_slower_than <= microseconds and "skip_slowlog" not in command.flags:
            self.slowlog.add(session, command.name, args, microseconds, time)
        if 0 < config.latency_monitor_threshold * 1000 <= microseconds:
            self.monitor.add("fast-command" if "fast" in command.flags else "command", time, seconds)


def _is_request(args: Sequence[bytes], words: Sequence[bytes]) -> bool:
    """Whether these are the arguments behind the name, not only equal to them."""
    return len(args) == len(words) + 1 and all(map(_is, args[1:], words))


def _is(one: object, other: object) -> bool:
    return one is other
