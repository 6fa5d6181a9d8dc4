"""redis-benchmark's default list against both servers, in turn.

For each test and load: a pilot on each server, which does not count, says how many requests take about
SECONDS; then pairs of short slices follow. A slice of each server makes a pair, now the one first and now the other:
how fast the machine is changes from second to second, by more than the two differ, and so disturbs both of a pair
alike. Both get the same number of requests, from the same redis-benchmark with its defaults: values of 3 bytes, one
key.

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
PAIRS = 4
"""In a round."""
SECONDS = 0.2
"""How long a slice is meant to take: short, to alternate often; long beside redis-benchmark's milliseconds."""
PILOT_REQUESTS = 5_000
DEEP_PILOT_REQUESTS = 40_000
TIME_LIMIT = 120.0
"""Seconds after which a run of redis-benchmark is given up; a server that stalls must not stall `make bench`."""


@attrs.frozen
class Load:
    """How requests come."""

    name: str
    """Its word in the names of figures."""
    clients: int
    pipeline: int = 1
    """How many requests each of them sends before it waits for replies."""

    def __str__(self) -> str:
        return f"{self.clients} client{'s' * (self.clients > 1)}, P={self.pipeline}"


ONE_BY_ONE = Load("P=1", CLIENTS)
PIPELINED = Load(f"P={DEEP}", CLIENTS, DEEP)
ALONE = Load("alone", 1)
LOADS = (ONE_BY_ONE, PIPELINED, ALONE)
TESTS_ALONE = ("GET", "SET", "INCR", "HSET")
"""What is measured of one client: waiting for the other side takes most of the time, whatever it asks for."""


@attrs.frozen
class Test:
    """One test of redis-benchmark's default list."""

    name: str
    """As redis-benchmark prints it; in lower case it is what its -t takes."""
    arguments: tuple[str, ...] = ()
    """The request, where -t would run another test before this one (LRANGE's own LPUSH would be measured too)."""
    before: Callable[[int], Iterable[Sequence[bytes]]] = lambda _requests: ()
    """What the database must be filled with for a number of requests."""
    most: int | None = None
    """How many requests it may be at most, where filling takes longer than measuring."""

    __test__ = False  # not for pytest


def _lrange(count: int) -> Test:
    arguments = ("LRANGE", "mylist", "0", str(count - 1))
    return Test(f"LRANGE_{count}", arguments, before=lambda _requests: _list(100_000))


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
    Test("PING_INLINE"),
    Test("PING_MBULK"),
    Test("SET"),
    Test("GET"),
    Test("INCR"),
    Test("LPUSH"),
    Test("RPUSH"),
    Test("LPOP", before=_list),
    Test("RPOP", before=_list),
    Test("SADD"),
    Test("HSET"),
    Test("SPOP", before=_set),
    Test("ZADD"),
    Test("ZPOPMIN", before=_sorted_set),
    _lrange(100),
    _lrange(300),
    _lrange(500),
    _lrange(600),
    Test("MSET"),
)
"""redis-benchmark's own list."""

_TEN = [word for number in range(10) for word in (f"{number}", f"element:{number:012d}")]
COLLECTION_TESTS = (
    Test("HGETALL_10", ("HGETALL", "myhash"), lambda _: [[b"HSET", b"myhash", *map(str.encode, _TEN)]]),
    Test("ZADD_10", ("ZADD", "myzset", *_TEN)),
    Test(
        "ZRANGE_10",
        ("ZRANGE", "myzset", "0", "9", "WITHSCORES"),
        lambda _: [[b"ZADD", b"myzset", *map(str.encode, _TEN)]],
    ),
    Test("XADD", ("XADD", "mystream", "*", "field", "value")),
    Test(
        "XREADGROUP_10",
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
    """One test under one load: a throughput, a CPU and a latency figure."""

    test: str
    load: Load
    throughput: Figure
    cpu: Figure
    p99: Figure

    @classmethod
    def of(cls, test: str, load: Load, redis: Sequence[Sample], respstore: Sequence[Sample]) -> "Comparison":
        """From the samples of both servers, pair by pair."""

        def figure(name: str, value: Callable[[Sample], float], bar: Bar | None) -> Figure:
            return Figure(f"{test} {load.name} {name}", tuple(map(value, redis)), tuple(map(value, respstore)), bar)

        return cls(
            test,
            load,
            figure("throughput", lambda sample: sample.requests_per_second, throughput_bar(test, load.name)),
            figure("CPU", lambda sample: sample.cpu_microseconds, CPU_BAR.get(load.name)),
            figure("p99", lambda sample: sample.p99_milliseconds, P99_BAR.get(load.name)),
        )

    @property
    def figures(self) -> tuple[Figure, Figure, Figure]:
        return self.throughput, self.cpu, self.p99


def compare(
    test: Test, load: Load, servers: tuple[RunningServer, RunningServer], rounds: int, step: Callable[[], None]
) -> Comparison:
    """Measures one test on redis-server and respstore (in this order in `servers`), PAIRS times a round, in turn.

    `step` is called after each round. Raises ServerError when a run fails or takes longer than TIME_LIMIT.
    """
    first = PILOT_REQUESTS if load.pipeline == 1 else DEEP_PILOT_REQUESTS
    pilots = [measure(test, load, server, first) for server in servers]
    requests = int(SECONDS * mean(pilot.requests_per_second for pilot in pilots))
    requests = min(requests, test.most or requests)
    samples: tuple[list[Sample], list[Sample]] = ([], [])
    in_order = list(zip(servers, samples, strict=True))
    for _ in range(rounds):
        for _ in range(PAIRS):
            for server, taken in in_order:
                taken.append(measure(test, load, server, requests))
            in_order.reverse()
        step()
    return Comparison.of(test.name, load, *samples)


def measure(test: Test, load: Load, server: RunningServer, requests: int) -> Sample:
    """Runs redis-benchmark once on an emptied database. Raises ServerError when it fails."""
    with server.client() as client:
        client.flushall()
    run_all(server, test.before(requests))
    command = [find_program("redis-benchmark"), "-p", str(server.port), "--csv", "-c", str(load.clients)]
    command += ["-n", str(requests), "-P", str(load.pipeline), *(test.arguments or ("-t", test.name.lower()))]
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
