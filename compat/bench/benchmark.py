"""redis-benchmark's default list against both servers, in turn.

For each test and pipeline depth: a pilot on each server, which does not count, says how many requests take about
SECONDS; then pairs of short slices follow. A slice of each server makes a pair, now the one first and now the other:
how fast the machine is changes from second to second, by more than the two differ, and so disturbs both of a pair
alike. Both get the same number of requests, from the same redis-benchmark with its defaults: 50 clients, values of 3
bytes, one key.

Two things differ from a plain `redis-benchmark` run, both so that every request does the work that its name says. Tests
run one by one, each on an emptied database; and what takes or reads elements finds enough of them (a plain run leaves
LPOP what LPUSH left).
"""

import csv
import subprocess
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, repeat
from statistics import mean

import attrs

from compat.bench.figures import CPU_BAR, P99_BAR, Bar, Figure, throughput_bar
from compat.bench.pipeline import in_parts, run_all
from compat.servers import RunningServer, ServerError, find_program

CLIENTS = 50
DEEP = 16
PIPELINES = (1, DEEP)
PAIRS = 4
"""In a round."""
SECONDS = 0.2
"""How long a slice is meant to take: short, to alternate often; long beside redis-benchmark's milliseconds."""
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
    before: Callable[[int], Iterable[Sequence[bytes]]] = lambda _requests: ()
    """What the database must be filled with for a number of requests."""
    most: int | None = None
    """How many requests it may be at most, where filling takes longer than measuring."""

    __test__ = False  # not for pytest


def _lrange(count: int) -> Test:
    arguments = ("LRANGE", "mylist", "0", str(count - 1))
    return Test(f"LRANGE_{count}", "LRANGE", arguments, before=lambda _requests: _list(100_000))


def _list(length: int) -> Iterable[Sequence[bytes]]:
    return in_parts((b"RPUSH", b"mylist"), repeat(b"VXK", length))


def _set(size: int) -> Iterable[Sequence[bytes]]:
    return in_parts((b"SADD", b"myset"), (b"element:%012d" % number for number in range(size)))


def _sorted_set(size: int) -> Iterable[Sequence[bytes]]:
    pairs = ((b"%d" % number, b"element:%012d" % number) for number in range(size))
    return in_parts((b"ZADD", b"myzset"), chain.from_iterable(pairs))


def _stream(length: int) -> Iterable[Sequence[bytes]]:
    return (
        (b"XGROUP", b"CREATE", b"mystream", b"group", b"$", b"MKSTREAM"),
        *((b"XADD", b"mystream", b"*", b"field", b"value") for _ in range(length)),
    )


DEFAULT_TESTS = (
    Test("PING_INLINE", "PING"),
    Test("PING_MBULK", "PING"),
    Test("SET", "SET"),
    Test("GET", "GET"),
    Test("INCR", "INCR"),
    Test("LPUSH", "LPUSH"),
    Test("RPUSH", "RPUSH"),
    Test("LPOP", "LPOP", before=_list),
    Test("RPOP", "RPOP", before=_list),
    Test("SADD", "SADD"),
    Test("HSET", "HSET"),
    Test("SPOP", "SPOP", before=_set),
    Test("ZADD", "ZADD"),
    Test("ZPOPMIN", "ZPOPMIN", before=_sorted_set),
    _lrange(100),
    _lrange(300),
    _lrange(500),
    _lrange(600),
    Test("MSET", "MSET"),
)
"""redis-benchmark's own list."""

_TEN = [word for number in range(10) for word in (f"{number}", f"element:{number:012d}")]
COLLECTION_TESTS = (
    Test("HGETALL_10", "HGETALL", ("HGETALL", "myhash"), lambda _: [[b"HSET", b"myhash", *map(str.encode, _TEN)]]),
    Test("ZADD_10", "ZADD", ("ZADD", "myzset", *_TEN)),
    Test(
        "ZRANGE_10",
        "ZRANGE",
        ("ZRANGE", "myzset", "0", "9", "WITHSCORES"),
        lambda _: [[b"ZADD", b"myzset", *map(str.encode, _TEN)]],
    ),
    Test("XADD", "XADD", ("XADD", "mystream", "*", "field", "value")),
    Test(
        "XREADGROUP_10",
        "XREADGROUP",
        ("XREADGROUP", "GROUP", "group", "consumer", "COUNT", "10", "STREAMS", "mystream", ">"),
        lambda requests: _stream(10 * requests),
        most=30_000,
    ),
)
"""More of the same kind, given to redis-benchmark as requests."""

TESTS = (*DEFAULT_TESTS, *COLLECTION_TESTS)


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
        """From the samples of both servers, pair by pair."""

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
    """Measures one test on redis-server and respstore (in this order in `servers`), PAIRS times a round, in turn.

    `step` is called after each round. Raises ServerError when a run fails or takes longer than TIME_LIMIT.
    """
    pilots = [measure(test, pipeline, server, PILOT_REQUESTS[pipeline]) for server in servers]
    requests = int(SECONDS * mean(pilot.requests_per_second for pilot in pilots))
    requests = min(requests, test.most or requests)
    samples: tuple[list[Sample], list[Sample]] = ([], [])
    in_order = list(zip(servers, samples, strict=True))
    for _ in range(rounds):
        for _ in range(PAIRS):
            for server, taken in in_order:
                taken.append(measure(test, pipeline, server, requests))
            in_order.reverse()
        step()
    return Comparison.of(test.name, pipeline, *samples)


def measure(test: Test, pipeline: int, server: RunningServer, requests: int) -> Sample:
    """Runs redis-benchmark once on an emptied database. Raises ServerError when it fails."""
    with server.client() as client:
        client.flushall()
    run_all(server, test.before(requests))
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
