"""`python -m compat.bench`, which `make bench` runs: about a quarter of an hour; `--quick` takes a minute.

A run of every test with three rounds or more rewrites the tables in compat/README.md; a smaller one is only printed.
"""

import argparse
import os
import platform
import sys
from collections.abc import Sequence
from contextlib import ExitStack

import attrs
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import respstore
from compat.bench.benchmark import PIPELINES, TESTS, Comparison, Test, commands_of, compare
from compat.bench.figures import Figure
from compat.bench.memory import compare_memory
from compat.bench.tables import WIDE, Table, markdown, memory_table, print_tables, speed_table, verdict
from compat.report import write_section
from compat.servers import RunningServer, ServerError, find_program, redis_server, respstore_server

ROUNDS = 3
QUICK_TESTS = ("PING_INLINE", "SET", "GET", "LPUSH", "LRANGE_100")


@attrs.frozen
class Plan:
    """What this run measures."""

    tests: tuple[Test, ...]
    rounds: int
    memory: bool

    @property
    def is_full(self) -> bool:
        """Whether its figures may stand on the page: all tests, and enough rounds for a median."""
        return self.tests == TESTS and self.memory and self.rounds >= ROUNDS


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints, and writes. Returns 0 when everything was measured, whether or not the bars were met."""
    plan = parse_arguments(arguments)
    console = Console()
    if not console.is_terminal:
        console.width = WIDE
    try:
        find_program("redis-benchmark")
        conditions, tables, figures = run(plan, console)
    except ServerError as error:
        print(error, file=sys.stderr)
        return 1
    print_tables(console, tables)
    summary = verdict(figures)
    console.print(conditions, summary, sep="\n", highlight=False)
    if plan.is_full:
        write_section("bench", "\n\n".join([conditions, markdown(tables), summary]))
    else:
        console.print("compat/README.md is left as it was: this was not a full run.")
    return 0


def parse_arguments(arguments: Sequence[str] | None) -> Plan:
    """The command line. Exits with status 2 and a message when it is wrong."""
    parser = argparse.ArgumentParser(prog="python -m compat.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of a few tests, no memory")
    parser.add_argument("--tests", help="only these tests of redis-benchmark, separated by commas; no memory")
    parser.add_argument("--rounds", type=int, help=f"rounds of each measurement (default {ROUNDS})")
    options = parser.parse_args(arguments)
    names = [name.upper() for name in options.tests.split(",")] if options.tests else None
    if names is None and options.quick:
        names = list(QUICK_TESTS)
    unknown = set(names or ()) - {test.name for test in TESTS}
    if unknown:
        parser.error(f"no such test: {', '.join(sorted(unknown))}; there are {', '.join(test.name for test in TESTS)}")
    return Plan(
        tests=tuple(test for test in TESTS if names is None or test.name in names),
        rounds=max(1, options.rounds or (1 if options.quick else ROUNDS)),
        memory=names is None,
    )


def run(plan: Plan, console: Console) -> tuple[str, list[Table], list[Figure]]:
    """The conditions in a sentence, the tables, and all figures. Raises ServerError when it cannot measure."""
    load = os.getloadavg()[0]
    columns = (TextColumn("{task.description:24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        comparisons, missing, redis_version = measure_speed(plan, progress)
        memory = measure_memory(plan, progress)
    conditions = (
        f"In this run: redis-server {redis_version}, respstore {respstore.__version__} on Python "
        f"{platform.python_version()}, {os.cpu_count()} CPU cores, load {load:.1f} before it began, "
        f"rounds: {plan.rounds}."
    )
    tables = [speed_table(pipeline, comparisons, missing) for pipeline in PIPELINES]
    if memory:
        tables.append(memory_table(memory))
    figures = [figure for comparison in comparisons for figure in comparison.figures]
    return conditions, tables, [*figures, *memory]


def measure_speed(plan: Plan, progress: Progress) -> tuple[list[Comparison], list[str], str]:
    """The comparisons, the names of tests whose command respstore lacks, and redis-server's version."""
    with ExitStack() as stack:
        servers = stack.enter_context(redis_server()), stack.enter_context(respstore_server())
        known = commands_of(servers[1], [test.command for test in plan.tests])
        tests = [test for test in plan.tests if test.command in known]
        bar = progress.add_task("", total=len(tests) * len(PIPELINES) * plan.rounds * len(servers))
        comparisons = []
        for pipeline in PIPELINES:
            for test in tests:
                progress.update(bar, description=f"{test.name} P={pipeline}")
                comparisons.append(compare(test, pipeline, servers, plan.rounds, lambda: progress.advance(bar)))
        return comparisons, [test.name for test in plan.tests if test not in tests], version_of(servers[0])


def version_of(server: RunningServer) -> str:
    """The Redis version that INFO names."""
    with server.client() as client:
        return str(client.info("server")["redis_version"])


def measure_memory(plan: Plan, progress: Progress) -> tuple[Figure, ...]:
    """Nothing when the plan leaves memory out."""
    if not plan.memory:
        return ()
    bar = progress.add_task("memory", total=2 * plan.rounds)
    return compare_memory(plan.rounds, lambda: progress.advance(bar))


if __name__ == "__main__":
    sys.exit(main())
