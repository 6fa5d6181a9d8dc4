"""`python -m compat.bench`, which `make bench` runs: about twenty minutes; `--quick` takes one.

A run of everything with three rounds or more rewrites the tables in compat/README.md, one with `--growth`, `--scripts`,
`--files` or `--stores` its own; a smaller one is only printed.
"""

import argparse
import os
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec

import attrs
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import respstore
from compat.bench.benchmark import ALONE, LOADS, TESTS, TESTS_ALONE, Comparison, Test, compare
from compat.bench.coordination import compare_stores, measure_releases
from compat.bench.figures import Figure, Growth, Measure
from compat.bench.files import STEPS_BEFORE_ROUNDS, compare_files
from compat.bench.growth import COLLECTIONS, SIZES, compare_collections, compare_growth, compare_scan
from compat.bench.memory import compare_memory
from compat.bench.scripts import compare_scripts
from compat.bench.tables import (
    WIDE,
    Table,
    files_table,
    growth_table,
    markdown,
    memory_table,
    print_tables,
    releases_table,
    scan_table,
    scripts_table,
    speed_in_short,
    speed_table,
    stores_table,
    verdict,
)
from compat.report import FRONT_PAGE, write_section
from compat.servers import ServerError, find_program, redis_version, side_by_side

ROUNDS = 3
QUICK_TESTS = ("PING_INLINE", "SET", "GET", "LPUSH", "LRANGE_100")


@attrs.frozen
class Plan:
    """What this run measures."""

    tests: tuple[Test, ...]
    rounds: int
    memory: bool
    stores: bool
    growth: bool
    scripts: bool
    files: bool

    @property
    def is_full(self) -> bool:
        """Whether its figures beside Redis's may stand on the page: all tests, and enough rounds for a median."""
        return self.tests == TESTS and self.memory and self.rounds >= ROUNDS

    @property
    def has_full_growth(self) -> bool:
        """Whether its figures of growing collections may."""
        return self.growth and self.rounds >= ROUNDS

    @property
    def has_full_scripts(self) -> bool:
        """Whether its figures of scripts may."""
        return self.scripts and self.rounds >= ROUNDS

    @property
    def has_full_files(self) -> bool:
        """Whether its figures of files may."""
        return self.files and self.rounds >= ROUNDS

    @property
    def has_full_stores(self) -> bool:
        """Whether its figures beside TCPStore's may."""
        return self.stores and self.rounds >= ROUNDS


@attrs.frozen
class Results:
    """What a run showed, and the conditions in a sentence."""

    conditions: str
    tables: list[Table]
    figures: Sequence[Figure | Measure | Growth]
    in_short: str = ""
    """What README.md says of it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints, and writes. Returns 0 when everything was measured, whether or not the bars were met."""
    plan = parse_arguments(arguments)
    console = Console()
    if not console.is_terminal:
        console.width = WIDE
    try:
        if plan.tests:
            report(console, "bench", run(plan, console), is_full=plan.is_full)
        if plan.scripts:
            report(console, "scripts", run_scripts(plan, console), is_full=plan.has_full_scripts)
        if plan.files:
            report(console, "files", run_files(plan, console), is_full=plan.has_full_files)
        if plan.growth:
            report(console, "growth", run_growth(plan, console), is_full=plan.has_full_growth)
        if plan.stores:
            report(console, "stores", run_stores(plan, console), is_full=plan.has_full_stores)
    except ServerError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def report(console: Console, section: str, results: Results, *, is_full: bool) -> None:
    """Prints what was measured and, of a full run, writes it into its section, and in short into README.md."""
    print_tables(console, results.tables)
    summary = verdict(results.figures)
    console.print(results.conditions, summary, sep="\n", highlight=False)
    if is_full:
        write_section(section, "\n\n".join([results.conditions, markdown(results.tables), summary]))
        if results.in_short:
            write_section("speed", results.in_short, FRONT_PAGE)
    else:
        console.print("compat/README.md is left as it was: this was not a full run.")


def parse_arguments(arguments: Sequence[str] | None) -> Plan:
    """The command line. Exits with status 2 and a message when it is wrong."""
    parser = argparse.ArgumentParser(prog="python -m compat.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of a few tests, no memory")
    parser.add_argument("--tests", help="only these tests of redis-benchmark, separated by commas; no memory")
    parser.add_argument("--growth", action="store_true", help="only how costs grow with the size of collections")
    parser.add_argument("--scripts", action="store_true", help="only what scripts cost")
    parser.add_argument("--files", action="store_true", help="only what it costs to keep data in files")
    parser.add_argument("--stores", action="store_true", help="only the comparison with torch's TCPStore")
    parser.add_argument("--rounds", type=int, help=f"rounds of each measurement (default {ROUNDS})")
    options = parser.parse_args(arguments)
    names = [name.upper() for name in options.tests.split(",")] if options.tests else None
    if names is None and options.quick:
        names = list(QUICK_TESTS)
    unknown = set(names or ()) - {test.name for test in TESTS}
    if unknown:
        parser.error(f"no such test: {', '.join(sorted(unknown))}; there are {', '.join(test.name for test in TESTS)}")
    part = options.stores or options.growth or options.scripts or options.files
    tests = tuple(test for test in TESTS if names is None or test.name in names)
    return Plan(
        tests=() if part else tests,
        rounds=max(1, options.rounds or (1 if options.quick else ROUNDS)),
        memory=names is None and not part,
        stores=options.stores or (names is None and not part),
        growth=options.growth or (names is None and not part),
        scripts=options.scripts or (names is None and not part),
        files=options.files or (names is None and not part),
    )


def run(plan: Plan, console: Console) -> Results:
    """The comparison with redis-server. Raises ServerError when it cannot measure."""
    find_program("redis-benchmark")
    load = os.getloadavg()[0]
    with make_progress(console) as progress:
        comparisons = measure_speed(plan, progress)
        memory = measure_memory(plan, progress)
    conditions = describe(f"redis-server {redis_version()}", load, plan)
    tables = [speed_table(load, comparisons) for load in LOADS]
    if memory:
        tables.append(memory_table(memory))
    figures = [figure for comparison in comparisons for figure in comparison.figures]
    return Results(conditions, tables, [*figures, *memory], speed_in_short(comparisons) if plan.is_full else "")


def run_scripts(plan: Plan, console: Console) -> Results:
    """What scripts cost. Raises ServerError when it cannot measure."""
    load = os.getloadavg()[0]
    with make_progress(console) as progress:
        bar = progress.add_task("scripts", total=3 * plan.rounds)
        costs = compare_scripts(plan.rounds, lambda: progress.advance(bar))
    return Results(describe(f"redis-server {redis_version()}", load, plan), [scripts_table(costs)], costs.judged)


def run_files(plan: Plan, console: Console) -> Results:
    """What files cost. Raises ServerError when it cannot measure."""
    load = os.getloadavg()[0]
    with make_progress(console) as progress:
        bar = progress.add_task("files", total=STEPS_BEFORE_ROUNDS + plan.rounds)
        costs = compare_files(plan.rounds, lambda: progress.advance(bar))
    return Results(
        describe(f"redis-server {redis_version()}", load, plan), [files_table(costs)], [*costs.compared, *costs.own]
    )


def run_growth(plan: Plan, console: Console) -> Results:
    """How costs grow with collections. Raises ServerError when it cannot measure."""
    load = os.getloadavg()[0]
    with make_progress(console) as progress:
        steps = len(SIZES) * len(COLLECTIONS) + plan.rounds + 2 * (len(COLLECTIONS) - 1)
        bar = progress.add_task("growth", total=steps)
        growths = compare_growth(lambda: progress.advance(bar))
        scan = compare_scan(plan.rounds, lambda: progress.advance(bar))
        memory = compare_collections(lambda: progress.advance(bar))
    tables = [
        growth_table(growths, SIZES),
        scan_table(scan),
        memory_table(memory, "Memory of collections", "of one element"),
    ]
    return Results(describe(f"redis-server {redis_version()}", load, plan), tables, [*growths, scan, *memory])


def run_stores(plan: Plan, console: Console) -> Results:
    """The comparison with torch's TCPStore. Raises ServerError when it cannot measure."""
    if find_spec("torch") is None:
        raise ServerError("torch is not installed: `make bench` does that (the extra `compat`)")
    load = os.getloadavg()[0]
    with make_progress(console) as progress:
        bar = progress.add_task("stores", total=3 * plan.rounds)
        compared = compare_stores(plan.rounds, lambda: progress.advance(bar))
        releases = measure_releases(plan.rounds, lambda: progress.advance(bar))
    tables = [
        stores_table("respstore.Store beside torch's TCPStore", compared.store),
        stores_table("torch's C++ client on respstore, beside the same on TCPStore's own server", compared.wire),
        releases_table(releases),
    ]
    figures = [*compared.store, *compared.wire, *releases]
    return Results(describe(f"torch {version('torch')}", load, plan), tables, figures)


def make_progress(console: Console) -> Progress:
    """A line that shows how far a run is, while it lasts."""
    columns = (TextColumn("{task.description:24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True)


def describe(peer: str, load: float, plan: Plan) -> str:
    """The conditions of a run, in a sentence."""
    return (
        f"In this run: {peer}, respstore {respstore.__version__} on Python {platform.python_version()}, "
        f"{os.cpu_count()} CPU cores, load {load:.1f} before it began, rounds: {plan.rounds}."
    )


def measure_speed(plan: Plan, progress: Progress) -> list[Comparison]:
    """Every test under every load."""
    pairs = [(load, test) for load in LOADS for test in plan.tests if load != ALONE or test.name in TESTS_ALONE]
    bar = progress.add_task("", total=len(pairs) * plan.rounds)
    comparisons = []
    with side_by_side() as servers:
        for load, test in pairs:
            progress.update(bar, description=f"{test.name} {load.name}")
            comparisons.append(compare(test, load, servers, plan.rounds, lambda: progress.advance(bar)))
    return comparisons


def measure_memory(plan: Plan, progress: Progress) -> tuple[Figure, ...]:
    """Nothing when the plan leaves memory out."""
    if not plan.memory:
        return ()
    bar = progress.add_task("memory", total=2 * plan.rounds)
    return compare_memory(plan.rounds, lambda: progress.advance(bar))


if __name__ == "__main__":
    sys.exit(main())
