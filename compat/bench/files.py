"""What it costs to keep data in files, beside redis-server: writing every change down, saving all, loading it again.

The files of both lie in folders of temporary files, on the same disk. How long others wait while all data is saved in
the background, and how much memory that takes, is judged beside what it is at other times.
"""

import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import attrs
import psutil

from compat.bench.benchmark import CLIENTS, DEEP, ONE_BY_ONE, TESTS, TIME_LIMIT, compare, parse_csv
from compat.bench.figures import (
    APPENDING_BARS,
    FILE_BAR,
    SAVING_LATENCY_BAR,
    SAVING_MEMORY_BAR,
    SAVING_SLOWDOWN_BAR,
    Figure,
    Measure,
)
from compat.bench.memory import KEYS, Start
from compat.bench.pipeline import set_small_keys
from compat.servers import RunningServer, ServerError, find_program, redis_server, respstore_server, side_by_side

SET = next(test for test in TESTS if test.name == "SET")
READS = 20_000
"""GETs while the data is saved: they take less time than that."""
ENDLESS = 1_000_000_000
"""Requests of clients that are ended when they have been there for long enough."""
PAUSE = 0.01
"""Seconds between two looks at a server that saves."""
STARTS: tuple[Start, Start] = (redis_server, respstore_server)
STEPS_BEFORE_ROUNDS = len(APPENDING_BARS)


@attrs.frozen
class FileCosts:
    """What files cost: beside Redis's, and beside respstore's own at other times."""

    compared: tuple[Figure, ...]
    own: tuple[Measure, ...]


def compare_files(rounds: int, step: Callable[[], None]) -> FileCosts:
    """Measures all, the servers in turn. `step` is called STEPS_BEFORE_ROUNDS times, and after each round of saving."""
    appending = []
    for setting, bar in APPENDING_BARS.items():
        with side_by_side("--appendonly", "yes", "--appendfsync", setting) as servers:
            throughput = compare(SET, ONE_BY_ONE, servers, rounds, lambda: None).throughput
        name = f"SET with appendfsync {setting}, requests/s"
        appending.append(attrs.evolve(throughput, name=name, bar=bar))
        step()
    saving = compare_saving(rounds, step)
    return FileCosts((*appending, *saving.compared), saving.own)


def compare_saving(rounds: int, step: Callable[[], None]) -> FileCosts:
    """The part about whole files, of KEYS small keys. `step` is called after each round."""
    saves: tuple[list[float], list[float]] = ([], [])
    background_saves: tuple[list[float], list[float]] = ([], [])
    loads: tuple[list[float], list[float]] = ([], [])
    latencies, slowdowns, memory = [], [], []
    memory_of_writing: tuple[list[float], list[float]] = ([], [])
    with ExitStack() as stack:
        folders = [stack.enter_context(tempfile.TemporaryDirectory(prefix="respstore-bench-")) for _ in STARTS]
        servers = [stack.enter_context(start("--dir", folder)) for start, folder in zip(STARTS, folders, strict=True)]
        for server in servers:
            set_small_keys(server, KEYS)
        for _ in range(rounds):
            for place, server in enumerate(servers):
                saves[place].append(seconds_to_save(server))
                background_saves[place].append(seconds_to_save_in_background(server))
                loads[place].append(seconds_to_load(STARTS[place], folders[place]))
            usual, meanwhile = reading_latency(servers[1])
            latencies.append(meanwhile)
            slowdowns.append(meanwhile / usual)
            memory.append(memory_while_saving(servers[1]))
            for place, server in enumerate(servers):
                memory_of_writing[place].append(memory_while_overwriting(server))
            step()
    compared = tuple(
        Figure(f"{what} {KEYS:,} small keys, s", tuple(taken[0]), tuple(taken[1]), FILE_BAR)
        for what, taken in (("SAVE of", saves), ("BGSAVE of", background_saves), ("start with", loads))
    )
    own = (
        Measure("p99 of GET during BGSAVE, ms", tuple(latencies), SAVING_LATENCY_BAR),
        Measure("p99 of GET during BGSAVE, times the usual", tuple(slowdowns), SAVING_SLOWDOWN_BAR),
        Measure("memory during BGSAVE, times the usual", tuple(memory), SAVING_MEMORY_BAR),
        Measure(
            "the same while clients overwrite the keys",
            tuple(memory_of_writing[1]),
            SAVING_MEMORY_BAR,
            peer=tuple(memory_of_writing[0]),
        ),
    )
    return FileCosts(compared, own)


def seconds_to_save(server: RunningServer) -> float:
    """How long SAVE takes."""
    with server.client() as client:
        start = time.perf_counter()
        client.save()
        return time.perf_counter() - start


def seconds_to_save_in_background(server: RunningServer) -> float:
    """How long BGSAVE takes, until the server knows that it is done."""
    start = time.perf_counter()
    begin_saving(server)
    wait_until_saved(server)
    return time.perf_counter() - start


def seconds_to_load(start: Start, folder: str) -> float:
    """How long a server takes to start on the data in a folder, until it answers."""
    began = time.perf_counter()
    with start("--dir", folder) as server:
        seconds = time.perf_counter() - began
        with server.client() as client:
            if client.dbsize() != KEYS:
                raise ServerError(f"{server.name} has loaded {client.dbsize()} keys instead of {KEYS}")
    return seconds


def reading_latency(server: RunningServer) -> tuple[float, float]:
    """The 99th percentile of GET in ms, as it usually is and while the data is saved in the background."""
    usual = read(server)
    begin_saving(server)
    meanwhile = read(server)
    if not saving_children(server):
        raise ServerError(f"{server.name} had saved its data before {READS} GETs were done")
    wait_until_saved(server)
    return usual, meanwhile


def read(server: RunningServer) -> float:
    """The 99th percentile of some GETs of all keys, in ms."""
    command = [find_program("redis-benchmark"), "-p", str(server.port), "--csv", "-c", str(CLIENTS)]
    command += ["-n", str(READS), "-r", str(KEYS), "GET", "key:__rand_int__"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT, check=True)
    return float(parse_csv(run.stdout)["p99_latency_ms"])


def memory_while_saving(server: RunningServer) -> float:
    """The most memory that the server and its child take, times what the server took before."""
    before, most = server.resident_bytes(), 0
    begin_saving(server)
    while children := saving_children(server):
        most = max(most, sum(map(proportional_bytes, (server.pid, *(child.pid for child in children)))))
        time.sleep(PAUSE)
    return most / before


def memory_while_overwriting(server: RunningServer) -> float:
    """The same while clients give keys at random new values, as fast as they can: most of what is shared is copied.

    Raises ServerError if they ended before the server had saved.
    """
    command = [find_program("redis-benchmark"), "-p", str(server.port), "-c", str(CLIENTS), "-P", str(DEEP)]
    command += ["-n", str(ENDLESS), "-r", str(KEYS), "SET", "key:__rand_int__", "xxx"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as writers:
        try:
            memory = memory_while_saving(server)
            if writers.poll() is not None:
                raise ServerError(f"{server.name} had no clients any more that write, before it had saved its data")
            return memory
        finally:
            writers.kill()


def begin_saving(server: RunningServer) -> None:
    """BGSAVE."""
    with server.client() as client:
        client.bgsave()


def wait_until_saved(server: RunningServer) -> None:
    """Return once the server knows that its data is saved."""
    for child in saving_children(server):
        child.wait(TIME_LIMIT)


def saving_children(server: RunningServer) -> list[psutil.Process]:
    """The processes that save the data of a server."""
    return list(psutil.Process(server.pid).children())


def proportional_bytes(pid: int) -> int:
    """Memory of a process, what it shares with others divided among them; 0 if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))
