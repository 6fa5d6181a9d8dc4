"""The same tables twice: for the terminal, and as Markdown for compat/README.md."""

from collections.abc import Iterable, Sequence
from statistics import median

import attrs
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as RichTable

from compat.bench.benchmark import ALONE, CLIENTS, ONE_BY_ONE, PIPELINED, Comparison, Load
from compat.bench.figures import (
    COLLECTION_BAR,
    CPU_BAR,
    GROWTH_BAR,
    LONG_RANGE_BAR,
    P99_BAR,
    THROUGHPUT_BAR,
    Figure,
    Growth,
    Measure,
)
from compat.bench.files import FileCosts
from compat.bench.scripts import ScriptCosts
from compat.report import markdown_table

WIDE = 160
"""Columns that the widest table needs; where there is no terminal to ask, rich would fold it to 80."""


@attrs.frozen
class Table:
    """A titled table of text; `bars` says in a sentence what its ratios are held to."""

    title: str
    bars: str
    header: list[str]
    rows: list[list[str]]


def speed_table(load: Load, comparisons: Iterable[Comparison]) -> Table:
    """Throughput, CPU and latency under one load."""
    rows = [[*_speed_cells(comparison)] for comparison in comparisons if comparison.load == load]
    header = ["test"]
    for quantity in ("requests/s", "CPU us/req", "p99 ms"):
        header += [f"Redis {quantity}", "respstore", "ratio"]
    header.append("bars")
    return Table(str(load), _speed_bars(load), header, rows)


def _speed_bars(load: Load) -> str:
    if load == ALONE:
        return "No bars. Who waits for one client takes CPU time for that (server/poller.py)."
    throughput = f"throughput {THROUGHPUT_BAR[load.name]} x Redis's"
    if load == ONE_BY_ONE:
        throughput += (
            f" (of collections and LRANGE_100: {COLLECTION_BAR} x; of LRANGE_300 and longer: {LONG_RANGE_BAR} x)"
        )
    p99 = f"p99 latency {P99_BAR[load.name]} x" if load.name in P99_BAR else "p99 latency has none"
    return f"Bars: {throughput}; CPU {CPU_BAR[load.name]} x; {p99}."


IN_SHORT = ("SET", "GET", "INCR", "LPUSH", "HSET", "ZADD", "LRANGE_100", "MSET", "XREADGROUP_10")
"""The tests that README.md shows: what people do most, and what is slowest."""


def speed_in_short(comparisons: Sequence[Comparison]) -> str:
    """Throughput for README.md, in Markdown: a table for one request at a time, a sentence for other loads."""
    by_load: dict[Load, dict[str, Figure]] = {}
    for comparison in comparisons:
        by_load.setdefault(comparison.load, {})[comparison.test] = comparison.throughput
    header = ["test", "requests/s, Redis", "respstore", "ratio"]
    rows = [[name, *_values(by_load[ONE_BY_ONE][name], ",.0f")] for name in IN_SHORT]
    deep, alone = ({test: figure.ratio for test, figure in by_load[load].items()} for load in (PIPELINED, ALONE))
    worst, best = min(deep, key=deep.__getitem__), max(deep, key=deep.__getitem__)
    sentence = (
        f"With {PIPELINED.pipeline} requests in a pipeline it serves {deep[worst]:.2f} ({worst}) to {deep[best]:.2f} "
        f"({best}) times as many, GET {deep['GET']:.2f} and SET {deep['SET']:.2f}; "
        f"one client alone, {alone['GET']:.2f} (GET) and {alone['SET']:.2f} (SET)."
    )
    return f"{markdown_table(header, rows)}\n\n{sentence}"


def _speed_cells(comparison: Comparison) -> list[str]:
    throughput, cpu, p99 = comparison.throughput, comparison.cpu, comparison.p99
    missed = [name for name, figure in (("throughput", throughput), ("CPU", cpu), ("p99", p99)) if figure.missed]
    return [
        comparison.test,
        *_values(throughput, ",.0f"),
        *_values(cpu, ".2f"),
        *_values(p99, ".2f"),
        f"missed: {', '.join(missed)}" if missed else "met" if throughput.bar else "",
    ]


def memory_table(figures: Iterable[Figure], title: str = "Memory", unit: str = "of one") -> Table:
    """Bytes per key, connection or element."""
    rows = [[figure.name, *_values(figure, ",.0f"), str(figure.bar or ""), _verdict(figure)] for figure in figures]
    return Table(title, "Growth of resident memory, in bytes.", [unit, "Redis", "respstore", "ratio", "bar", ""], rows)


def scan_table(figure: Figure) -> Table:
    """A whole SCAN."""
    row = [figure.name, *_values(figure, ",.2f"), str(figure.bar), _verdict(figure)]
    return Table("SCAN", "One client, a request at a time.", ["what", "Redis", "respstore", "ratio", "bar", ""], [row])


def scripts_table(costs: ScriptCosts) -> Table:
    """What scripts cost."""
    judged = dict(zip((costs.throughput, *costs.commands), costs.judged, strict=True))
    rows = []
    for figure in (costs.throughput, *costs.commands, *costs.libraries):
        row = [figure.name, *_values(figure, ",.2f")]
        rows.append([*row, str(judged[figure].bar), _verdict(judged[figure])] if figure in judged else [*row, "", ""])
    about = (
        f"EVALSHA is sent by {CLIENTS} clients, P=1, and its bar is for the ratio; the others are called in a loop of "
        "one script, and the bar of commands is for respstore's microseconds."
    )
    return Table("Scripts", about, ["what", "Redis", "respstore", "ratio", "bar", ""], rows)


def files_table(costs: FileCosts) -> Table:
    """What files cost."""
    rows = [[figure.name, *_values(figure, ",.2f"), str(figure.bar), _verdict(figure)] for figure in costs.compared]
    for measure in costs.own:
        name, value, bar, word = _measure_cells(measure)
        rows.append([name, format(median(measure.peer), ".2f") if measure.peer else "", value, "", bar, word])
    return Table(
        "Files",
        f"{CLIENTS} clients send SET or GET, P=1. To start is to load all keys and answer.",
        ["what", "Redis", "respstore", "ratio", "bar", ""],
        rows,
    )


def growth_table(growths: Sequence[Growth], sizes: Sequence[int]) -> Table:
    """How costs grow with the size of a collection."""
    rows = [
        [
            growth.name,
            *(f"{growth.peer[place]:.2f} / {growth.respstore[place]:.2f}" for place in _SHOWN_SIZES),
            f"{growth.peer[-1] / growth.peer[0]:.1f}",
            f"{growth.ratio:.1f}",
            "missed" if growth.missed else "met",
        ]
        for growth in growths
    ]
    header = ["us per request, Redis / respstore", *(f"{sizes[place]:,}" for place in _SHOWN_SIZES)]
    bars = f"From the smallest to the largest, measured at each doubling between. Bar: growth {GROWTH_BAR}."
    return Table("Growth", bars, [*header, "growth, Redis", "respstore", ""], rows)


_SHOWN_SIZES = (0, 3, 6, -1)
"""Places of the sizes that have a column."""


def stores_table(title: str, figures: Iterable[Figure]) -> Table:
    """What a client on respstore does, beside TCPStore's on its own server."""
    rows = [[figure.name, *_values(figure, ",.2f"), str(figure.bar or ""), _verdict(figure)] for figure in figures]
    return Table(
        title,
        "One client, a call at a time; then many at once, threads with a store each, up to 256 in a process.",
        ["what", "TCPStore", "respstore", "ratio", "bar", ""],
        rows,
    )


def releases_table(measures: Sequence[Measure]) -> Table:
    """How fast those who wait are released."""
    return Table(
        "Releases",
        "Plain connections, all of one process.",
        ["what", "respstore", "bar", ""],
        [_measure_cells(measure) for measure in measures],
    )


def _measure_cells(measure: Measure) -> list[str]:
    values = f"{measure.ratio:.2f} ({min(measure.values):.2f}-{max(measure.values):.2f})"
    return [measure.name, values, str(measure.bar), "missed" if measure.missed else "met"]


def _values(figure: Figure, form: str) -> tuple[str, str, str]:
    spread = " ({:.2f}-{:.2f})".format(*figure.spread) if len(figure.ratios) > 1 else ""
    return (
        format(median(figure.peer), form),
        format(median(figure.respstore), form),
        f"{figure.ratio:.2f}{spread}",
    )


def _verdict(figure: Figure | Measure) -> str:
    if figure.bar is None:
        return ""
    return "missed" if figure.missed else "met"


def verdict(figures: Sequence[Figure | Measure | Growth]) -> str:
    """One line: how many bars were met, and which were missed by what."""
    judged = [figure for figure in figures if figure.bar is not None]
    missed = [f"{figure.name} {figure.ratio:.2f} ({figure.bar})" for figure in judged if figure.missed]
    line = f"{len(judged) - len(missed)} of {len(judged)} bars met"
    return f"{line}. Missed: {'; '.join(missed)}." if missed else f"{line}."


def print_tables(console: Console, tables: Iterable[Table]) -> None:
    """To the terminal, missed bars in red."""
    for table in tables:
        drawn = RichTable(
            title=table.title, caption=table.bars, caption_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0)
        )
        for number, name in enumerate(table.header):
            drawn.add_column(name, justify="right" if 0 < number < len(table.header) - 1 else "left")
        for row in table.rows:
            drawn.add_row(*row, style="red" if row[-1].startswith("missed") else None)
        console.print(drawn)


def markdown(tables: Iterable[Table]) -> str:
    """For compat/README.md."""
    return "\n\n".join(
        f"### {table.title}\n\n{table.bars}\n\n{markdown_table(table.header, table.rows)}" for table in tables
    )
