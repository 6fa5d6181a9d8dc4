"""A program that uses a store as workers do: `python -m compat.bench.store_program KIND PORT WHAT [COUNT]`.

KIND is `tcpstore` (torch's, with its C++ client) or `respstore` (respstore.Store). WHAT is `serve` (a TCPStore server,
until standard input ends), `latency`, or `join` or `barrier` with COUNT clients, each a thread with a store of its own;
those that join are in several processes. What was measured is printed as JSON. The program runs where no name is looked
up (see coordination.py).
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from statistics import median
from typing import Any

from compat.bench.limits import allow_open_files
from respstore import Store

TIMEOUT = timedelta(seconds=120)
CALLS = 2000
BATCHES = 7
STACK_BYTES = 512 * 1024
CLIENTS_OF_A_PROCESS = 256
"""Thousands of threads of one process would measure how they fight for its interpreter, and no store."""


def open_store(kind: str, port: int, *, is_master: bool = False) -> Any:
    """A new client."""
    if kind == "tcpstore":
        from torch.distributed import TCPStore  # noqa: PLC0415 - it takes a second, and the other store needs none

        return TCPStore("127.0.0.1", port, None, is_master, TIMEOUT, wait_for_workers=False)
    return Store(f"redis://127.0.0.1:{port}", timeout=TIMEOUT)


def serve(kind: str, port: int) -> None:
    """Be a TCPStore server until standard input ends."""
    server = open_store(kind, port, is_master=True)
    print("ready", flush=True)
    sys.stdin.read()
    del server


def latency(kind: str, port: int) -> dict[str, float]:
    """Microseconds per call, one client, a call at a time: the median of some batches."""
    store = open_store(kind, port)
    store.set("present", b"0123456789")
    many = [f"key/{number}" for number in range(100)]
    store.multi_set(many, [b"0123456789"] * len(many))
    calls: dict[str, Callable[[], object]] = {
        "get": lambda: store.get("present"),
        "add": lambda: store.add("counter", 1),
        "check": lambda: store.check(["present"]),
        "set": lambda: store.set("other", b"0123456789"),
        "multi_get": lambda: store.multi_get(many),
    }
    return {name: median(time_calls(call) for _ in range(BATCHES)) for name, call in calls.items()}


def time_calls(call: Callable[[], object]) -> float:
    """Microseconds of one call, the mean of many."""
    start = time.perf_counter()
    for _ in range(CALLS):
        call()
    return (time.perf_counter() - start) / CALLS * 1e6


def join(kind: str, port: int, count: int) -> float:
    """Seconds in which `count` clients connect, add to a counter, wait for one key, and read it."""
    allow_open_files(count + 200)
    threading.stack_size(STACK_BYTES)
    first = open_store(kind, port)
    first.set("warm", b"")
    start = time.perf_counter()
    children = []
    for _ in range(-(-count // CLIENTS_OF_A_PROCESS)):
        share = min(count - CLIENTS_OF_A_PROCESS * len(children), CLIENTS_OF_A_PROCESS)
        child = os.fork()
        if child == 0:
            os._exit(not join_some(kind, port, count, share))
        children.append(child)
    first.wait(["all"])
    first.set("go", b"now")
    statuses = [os.waitpid(child, 0)[1] for child in children]
    if any(statuses):
        raise RuntimeError("some clients failed")
    return time.perf_counter() - start


def join_some(kind: str, port: int, count: int, share: int) -> bool:
    """What one process does: the share of so many of all clients. Returns whether all went well."""
    passed: list[bool] = []

    def client() -> None:
        store = open_store(kind, port)
        if store.add("joined", 1) == count:
            store.set("all", b"")
        passed.append(store.get("go") == b"now")

    threads = [threading.Thread(target=client) for _ in range(share)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return passed == [True] * share


def barrier(kind: str, port: int, count: int) -> float:
    """Seconds in which `count` clients, connected before, pass a barrier."""
    allow_open_files(count + 200)
    threading.stack_size(STACK_BYTES)
    stores = [open_store(kind, port) for _ in range(count)]
    for store in stores:
        store.check(["warm"])
    threads = [threading.Thread(target=store.barrier, args=("meeting", count)) for store in stores]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start


def main() -> None:
    """See the first lines of this file."""
    kind, port, what, *count = sys.argv[1:]
    if what == "serve":
        serve(kind, int(port))
    elif what == "latency":
        print(json.dumps(latency(kind, int(port))))
    else:
        crowd = {"join": join, "barrier": barrier}[what]
        print(json.dumps(crowd(kind, int(port), int(count[0]))))


if __name__ == "__main__":
    main()
