"""redis-benchmark's default list against both servers, in turn.

For each test and pipeline depth: a pilot on each server says how many requests take about SECONDS, then the rounds
follow, redis-server and respstore alternating. Both get the same number of requests, from the same redis-benchmark with
its defaults: 50 clients, values of 3 bytes, one key.

Two things differ from a plain `redis-benchmark` run, both so that every request does the work that its name says. Tests
run one by one, each on an emptied database; and LPOP, RPOP and LRANGE find a list that is long enough (a plain run
leaves them what LPUSH and RPUSH left).
"""

import csv
import subprocess
from collections.abc import Callable, Sequence
from statistics import mean

import attrs

from compat.bench.figures import CPU_BAR, P99_BAR, Bar, Figure, throughput_bar
from compat.bench.pipeline import fill_list
from compat.servers import RunningServer, ServerError, find_program

CLIENTS = 50
PIPELINES = (1, 16)
SECONDS = 2.0
"""How long a measurement is meant to take: short enough to alternate often, long for the kernel's ticks of 10 ms."""
PILOT_REQUESTS = {1: 5_000, 16: 40_000}
TIME_LIMIT = 120.0
"""Seconds after which a run of redis-benchmark is given up; a server that stalls must not stall `make bench`."""


@attrs.frozen
class Test:
    """One test of redis-benchmark's default list."""

    name: str
    """As redis-benchmark prints it; in lower case it is what its -t takes."""
    command: str
    """The Redis command that it needs."""
    arguments: tuple[str, ...] = ()
    """The request, where -t would run another test before this one (LRANGE's own LPUSH would be measured too)."""
    list_length: Callable[[int], int] = lambda _requests: 0
    """How many elements the list must hold for a number of requests."""

    __test__ = False  # not for pytest


def _lrange(count: int) -> Test:
    arguments = ("LRANGE", "mylist", "0", str(count - 1))
    return Test(f"LRANGE_{count}", "LRANGE", arguments, list_length=lambda _requests: 100_000)


TESTS = (
    Test("PING_INLINE", "PING"),
    Test("PING_MBULK", "PING"),
    Test("SET", "SET"),
    Test("GET", "GET"),
    Test("INCR", "INCR"),
    Test("LPUSH", "LPUSH"),
    Test("RPUSH", "RPUSH"),
    Test("LPOP", "LPOP", list_length=lambda requests: requests),
    Test("RPOP", "RPOP", list_length=lambda requests: requests),
    Test("SADD", "SADD"),
    Test("HSET", "HSET"),
    Test("SPOP", "SPOP"),
    Test("ZADD", "ZADD"),
    Test("ZPOPMIN", "ZPOPMIN"),
    _lrange(100),
    _lrange(300),
    _lrange(500),
    _lrange(600),
    Test("MSET", "MSET"),
)


@attrs.frozen
class Sample:
    """What one run of redis-benchmark against one server showed."""

    requests_per_second: float
    cpu_microseconds: float
    """That the server used per request."""
    p99_milliseconds: float


@attrs.frozen
class Comparison:
    """One test at one pipeline depth: a throughput, a CPU and a latency figure."""

    test: str
    pipeline: int
    throughput: Figure
    cpu: Figure
    p99: Figure

    @classmethod
    def of(cls, test: str, pipeline: int, redis: Sequence[Sample], respstore: Sequence[Sample]) -> "Comparison":
        """From the samples of both servers, round by round."""

        def figure(name: str, value: Callable[[Sample], float], bar: Bar | None) -> Figure:
            return Figure(f"{test} P={pipeline} {name}", tuple(map(value, redis)), tuple(map(value, respstore)), bar)

        return cls(
            test,
            pipeline,
            figure("throughput", lambda sample: sample.requests_per_second, throughput_bar(test, pipeline)),
            figure("CPU", lambda sample: sample.cpu_microseconds, CPU_BAR.get(pipeline)),
            figure("p99", lambda sample: sample.p99_milliseconds, P99_BAR.get(pipeline)),
        )

    @property
    def figures(self) -> tuple[Figure, Figure, Figure]:
        return self.throughput, self.cpu, self.p99


def commands_of(server: RunningServer, names: Sequence[str]) -> set[str]:
    """Which of the commands `names` the server has, by its own word (COMMAND INFO)."""
    with server.client() as client:
        known = client.execute_command("COMMAND INFO", *names)
    return {name for name, information in zip(names, known, strict=True) if information is not None}


def compare(
    test: Test, pipeline: int, servers: tuple[RunningServer, RunningServer], rounds: int, step: Callable[[], None]
) -> Comparison:
    """Measures one test on redis-server and respstore (in this order in `servers`), `rounds` times each, in turn.

    `step` is called after each measurement. Raises ServerError when a run fails or takes longer than TIME_LIMIT.
    """
    pilots = [measure(test, pipeline, server, PILOT_REQUESTS[pipeline]) for server in servers]
    requests = int(SECONDS * mean(pilot.requests_per_second for pilot in pilots))
    samples: tuple[list[Sample], list[Sample]] = ([], [])
    for _ in range(rounds):
        for server, taken in zip(servers, samples, strict=True):
            taken.append(measure(test, pipeline, server, requests))
            step()
    return Comparison.of(test.name, pipeline, *samples)


def measure(test: Test, pipeline: int, server: RunningServer, requests: int) -> Sample:
    """Runs redis-benchmark once on an emptied database. Raises ServerError when it fails."""
    with server.client() as client:
        client.flushall()
    fill_list(server, b"mylist", test.list_length(requests))
    command = [find_program("redis-benchmark"), "-p", str(server.port), "--csv", "-c", str(CLIENTS)]
    command += ["-n", str(requests), "-P", str(pipeline), *(test.arguments or ("-t", test.name.lower()))]
    cpu_before = server.cpu_seconds()
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT, check=False)
    except subprocess.TimeoutExpired as error:
        raise ServerError(f"{test.name} on {server.name} took longer than {TIME_LIMIT:g} s") from error
    cpu = server.cpu_seconds() - cpu_before
    if run.returncode != 0:
        raise ServerError(f"{test.name} on {server.name}: redis-benchmark failed:\n{run.stdout}{run.stderr}")
    row = parse_csv(run.stdout)
    return Sample(float(row["rps"]), cpu / requests * 1e6, float(row["p99_latency_ms"]))


def parse_csv(output: str) -> dict[str, str]:
    """The one row that redis-benchmark's `--csv` printed, by column name. Raises ServerError if it is not one row."""
    rows = list(csv.DictReader(line for line in output.splitlines() if line.startswith('"')))
    if len(rows) != 1:
        raise ServerError(f"redis-benchmark printed {len(rows)} rows where one was due:\n{output}")
    return rows[0]
