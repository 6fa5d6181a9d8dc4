"""LATENCY: how long commands take, and what took long at times. https://redis.io/docs/latest/commands/latency/

What is measured, and how, stands in engine/timing.py.
"""

from statistics import fmean
from typing import Any, Final

from respstore import errors
from respstore.engine.command import command, container
from respstore.engine.dispatch import Entry
from respstore.engine.help import help_lines
from respstore.engine.latency import Event
from respstore.engine.session import Session
from respstore.errors import printable
from respstore.protocol.replies import Verbatim

LATENCY: Final = container("latency", summary="See how long things take.", group="server", since="2.8.13")

GRAPH_ROWS: Final = 4
GRAPH_COLUMNS: Final = 80
_BARS: Final = " _o#"
_UNITS: Final = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


@command(
    "latency|latest",
    group="server",
    since="2.8.13",
    flags="admin noscript loading stale",
    tips="request_policy:all_nodes response_policy:special nondeterministic_output",
    complexity="O(1)",
)
def latency_latest(session: Session) -> list[Any]:
    """Answer each event's last spike: when it was, how long it took, and the longest ever, in ms."""
    events = session.engine.timing.monitor.events
    return [[name.encode(), *event.spikes[-1], event.worst] for name, event in events.items()]


@command(
    "latency|history event",
    group="server",
    since="2.8.13",
    flags="admin noscript loading stale",
    tips="request_policy:all_nodes response_policy:special nondeterministic_output",
    complexity="O(1)",
)
def latency_history(session: Session, event: bytes) -> list[list[int]]:
    """Answer the spikes of an event: seconds since 1970 and ms of each."""
    known = session.engine.timing.monitor.events.get(printable(event))
    return [] if known is None else [list(spike) for spike in known.spikes]


@command(
    "latency|reset [event]...",
    group="server",
    since="2.8.13",
    flags="admin noscript loading stale",
    tips="request_policy:all_nodes response_policy:all_succeeded",
    complexity="O(1)",
)
def latency_reset(session: Session, *events: bytes) -> int:
    """Forget the spikes of some events, or of all; answer of how many there were any."""
    return session.engine.timing.monitor.reset([printable(event) for event in events])


@command(
    "latency|graph event",
    group="server",
    since="2.8.13",
    flags="admin noscript loading stale",
    tips="request_policy:all_nodes response_policy:special nondeterministic_output",
    complexity="O(1)",
)
def latency_graph(session: Session, event: bytes) -> Verbatim:
    """Draw the spikes of an event, the last on the right, with the time since then below."""
    known = session.engine.timing.monitor.events.get(printable(event))
    if known is None:
        raise errors.no_latency_samples(event)
    return Verbatim(_graph(printable(event), known, session.engine.keyspace.now // 1000).encode())


@command(
    "latency|histogram [command]...",
    group="server",
    since="7.0.0",
    flags="admin noscript loading stale",
    tips="request_policy:all_nodes response_policy:special nondeterministic_output",
    complexity="O(N) in the number of commands",
)
def latency_histogram(session: Session, *commands: bytes) -> dict[bytes, Any]:
    """Answer how many calls took at most 1, 2, 4, ... microseconds, of some commands or of all that ran."""
    return {
        entry.command.name.encode(): {b"calls": entry.calls, b"histogram_usec": histogram}
        for entry in _chosen(session, commands)
        if entry.calls and (histogram := entry.times.histogram(entry.calls))
    }


@command(
    "latency|doctor",
    group="server",
    since="2.8.13",
    flags="admin noscript loading stale",
    tips="request_policy:all_nodes response_policy:special nondeterministic_output",
    complexity="O(1)",
)
def latency_doctor(session: Session) -> Verbatim:
    """Tell in words what took long, and what may help."""
    timing, threshold = session.engine.timing, session.engine.config.latency_monitor_threshold
    if timing.monitor.events:
        text = "\n".join([*map(_diagnosis, timing.monitor.events.items()), "", *_advice(session)])
    elif threshold:
        text = f"Nothing has taken {threshold} ms or longer."
    else:
        text = "Nobody watches: CONFIG SET latency-monitor-threshold 100 notes what takes 100 ms or longer."
    return Verbatim(f"{text}\n".encode())


@command("latency|help", group="server", since="2.8.13", flags="loading stale", complexity="O(1)")
def latency_help(session: Session) -> list[str]:
    """Describe the subcommands of LATENCY."""
    return help_lines(session.engine.originals[b"latency"].command)


def _chosen(session: Session, names: tuple[bytes, ...]) -> list[Entry]:
    """The entries of commands, with those of subcommands where a container is named; all where none is."""
    everything = list(session.engine.all_entries)
    if not names:
        return everything
    wanted = {printable(name).lower() for name in names}
    return [entry for entry in everything if {entry.command.name, entry.command.name.partition("|")[0]} & wanted]


def _graph(name: str, event: Event, now: int) -> str:
    spikes = list(event.spikes)[-GRAPH_COLUMNS:]
    heights = [spike.milliseconds for spike in spikes]
    high, low = max(heights), min(heights)
    span = max(high - low, 1)
    levels = [(height - low) * (GRAPH_ROWS * (len(_BARS) - 1) - 1) // span + 1 for height in heights]
    per_row = len(_BARS) - 1
    rows = [
        "".join(_BARS[min(max(level - row * per_row, 0), per_row)] for level in levels)
        for row in reversed(range(GRAPH_ROWS))
    ]
    ages = [_age(now - spike.time) for spike in spikes]
    columns = zip(*(age.ljust(max(map(len, ages))) for age in ages), strict=True)
    head = f"{name} - high {high} ms, low {low} ms (all time high {event.worst} ms)"
    return "\n".join([head, "-" * GRAPH_COLUMNS, *rows, "", *("".join(column).rstrip() for column in columns), ""])


def _age(seconds: int) -> str:
    size, unit = next((item for item in _UNITS if seconds >= item[0]), _UNITS[-1])
    return f"{seconds // size}{unit}"


def _diagnosis(item: tuple[str, Event]) -> str:
    name, event = item
    spikes = event.spikes
    mean = fmean(spike.milliseconds for spike in spikes)
    deviation = fmean(abs(spike.milliseconds - mean) for spike in spikes)
    period = (spikes[-1].time - spikes[0].time) / max(len(spikes) - 1, 1)
    return (
        f"{name}: {len(spikes)} spikes of {mean:.0f} ms on average, {deviation:.0f} ms more or less, "
        f"one in {period:.0f} s; the longest ever took {event.worst} ms."
    )


def _advice(session: Session) -> list[str]:
    events, config = session.engine.timing.monitor.events, session.engine.config
    advice = []
    if "command" in events:
        slower_than = config.slowlog_log_slower_than
        advice.append(
            "SLOWLOG GET names the commands."
            if 0 <= slower_than <= config.latency_monitor_threshold * 1000
            else f"SLOWLOG GET would name the commands, but slowlog-log-slower-than is {slower_than}."
        )
        advice.append(
            "Commands whose time grows with the data hold up everybody: ask for less at a time (SCAN, LIMIT)."
        )
    if "fast-command" in events:
        advice.append("Commands that are fast by nature were held up: the machine may be busy, or short of memory.")
    if "expire-cycle" in events:
        advice.append("Many keys expired at once: let their times to live differ.")
    return advice
