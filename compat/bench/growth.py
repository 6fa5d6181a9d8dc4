"""How the cost of a command grows with the collection that it works on, beside Redis; and what an element costs.

Each collection is filled to 1,000 elements, then doubled until it has a million; at each size many requests of each
command are timed, in a pipeline, so that little but the server counts. What Redis documents as O(1) or O(log N) may not
be linear here: from 1,000 to 1,000,000 elements its time may grow to GROWTH_BAR times as much, where a linear one grows
to a thousand times.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from random import Random
from statistics import median

import attrs

from compat.bench.figures import COLLECTION_MEMORY_BAR, GROWTH_BAR, SCAN_BAR, Figure, Growth
from compat.bench.memory import Start, settled_memory
from compat.bench.pipeline import in_parts, pack, run_all, send_batches
from compat.servers import RunningServer, redis_server, respstore_server

SIZES = (*(1000 * 2**power for power in range(10)), 1_000_000)
REQUESTS = 200
BATCHES = 5

Words = Sequence[bytes]


@attrs.frozen
class Collection:
    """A kind of collection.

    Attributes:
        name: what it is called.
        fill: the requests that add the elements from one number up to another.
        commands: requests on one of some size, drawn at random, by the name of what they do. They leave it as it was,
            or put back what they took.
    """

    name: str
    fill: Callable[[int, int], Iterable[Words]]
    commands: dict[str, Callable[[int, Random], Sequence[Words]]]


def name_of(number: int) -> bytes:
    """An element."""
    return b"element:%07d" % number


def _names(start: int, stop: int) -> Iterator[bytes]:
    return map(name_of, range(start, stop))


def _pairs(start: int, stop: int, value: Callable[[int], bytes]) -> Iterator[bytes]:
    return chain.from_iterable((name_of(number), value(number)) for number in range(start, stop))


def _scores(start: int, stop: int) -> Iterator[bytes]:
    return chain.from_iterable((b"%d" % number, name_of(number)) for number in range(start, stop))


def _any(size: int, random: Random) -> bytes:
    return name_of(random.randrange(size))


def _score_range(size: int, random: Random) -> tuple[Words]:
    start = random.randrange(size)
    return ((b"ZRANGE", b"z", b"%d" % start, b"+inf", b"BYSCORE", b"LIMIT", b"0", b"10"),)


def _rank_range(size: int, random: Random) -> tuple[Words]:
    start = random.randrange(size)
    return ((b"ZRANGE", b"z", b"%d" % start, b"%d" % (start + 9)),)


def _add_member(size: int, random: Random) -> tuple[Words, ...]:
    return (b"ZADD", b"z", b"%d.5" % random.randrange(size), b"new"), (b"ZREM", b"z", b"new")


def _stream_range(size: int, random: Random) -> tuple[Words]:
    return ((b"XRANGE", b"x", b"%d" % (1 + random.randrange(size)), b"+", b"COUNT", b"10"),)


COLLECTIONS = (
    Collection(
        "keys",
        lambda start, stop: in_parts((b"MSET",), _pairs(start, stop, lambda _: b"xxx")),
        {
            "GET": lambda size, random: ((b"GET", _any(size, random)),),
            "SET, DEL": lambda size, random: ((b"SET", b"new", b"xxx"), (b"DEL", b"new")),
            "RANDOMKEY": lambda size, random: ((b"RANDOMKEY",),),
        },
    ),
    Collection(
        "list",
        lambda start, stop: in_parts((b"RPUSH", b"l"), _names(start, stop)),
        {
            "LINDEX near an end": lambda size, random: ((b"LINDEX", b"l", b"5"), (b"LINDEX", b"l", b"-5")),
            "LRANGE of 10": lambda size, random: ((b"LRANGE", b"l", b"0", b"9"),),
            "RPUSH, LPOP": lambda size, random: ((b"RPUSH", b"l", b"new"), (b"LPOP", b"l"), (b"LPUSH", b"l", b"new")),
        },
    ),
    Collection(
        "hash",
        lambda start, stop: in_parts((b"HSET", b"h"), _pairs(start, stop, lambda _: b"xxx")),
        {
            "HGET": lambda size, random: ((b"HGET", b"h", _any(size, random)),),
            "HSET, HDEL": lambda size, random: ((b"HSET", b"h", b"new", b"xxx"), (b"HDEL", b"h", b"new")),
            "HRANDFIELD": lambda size, random: ((b"HRANDFIELD", b"h"),),
        },
    ),
    Collection(
        "set",
        lambda start, stop: in_parts((b"SADD", b"s"), _names(start, stop)),
        {
            "SISMEMBER": lambda size, random: ((b"SISMEMBER", b"s", _any(size, random)),),
            "SADD, SPOP": lambda size, random: ((b"SADD", b"s", b"new"), (b"SPOP", b"s"), (b"SADD", b"s", b"new")),
            "SRANDMEMBER": lambda size, random: ((b"SRANDMEMBER", b"s"),),
        },
    ),
    Collection(
        "sorted set",
        lambda start, stop: in_parts((b"ZADD", b"z"), _scores(start, stop)),
        {
            "ZSCORE": lambda size, random: ((b"ZSCORE", b"z", _any(size, random)),),
            "ZADD, ZREM": _add_member,
            "ZRANK": lambda size, random: ((b"ZRANK", b"z", _any(size, random)),),
            "ZRANGE of 10 by rank": _rank_range,
            "ZRANGE of 10 by score": _score_range,
            "ZPOPMIN, ZADD": lambda size, random: ((b"ZPOPMIN", b"z"), (b"ZADD", b"z", b"0", name_of(0))),
            "ZRANDMEMBER": lambda size, random: ((b"ZRANDMEMBER", b"z"),),
        },
    ),
    Collection(
        "stream",
        lambda start, stop: ((b"XADD", b"x", b"%d-0" % (n + 1), b"field", b"value") for n in range(start, stop)),
        {
            "XADD": lambda size, random: ((b"XADD", b"x", b"%d-*" % size, b"field", b"value"),),
            "XRANGE of 10": _stream_range,
            "XREAD of 10": lambda size, random: ((b"XREAD", b"COUNT", b"10", b"STREAMS", b"x", b"%d" % (size // 2)),),
        },
    ),
)


def compare_growth(step: Callable[[], None]) -> tuple[Growth, ...]:
    """Microseconds per request at each of SIZES on redis-server and respstore. `step` is called after each size."""
    found = []
    for collection in COLLECTIONS:
        taken: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in collection.commands}
        with redis_server() as redis, respstore_server() as respstore:
            for start, stop in zip((0, *SIZES), SIZES, strict=False):
                for place, server in enumerate((redis, respstore)):
                    run_all(server, collection.fill(start, stop))
                    for name, make in collection.commands.items():
                        taken[name][place].append(time_requests(server, make, stop))
                step()
        found += [Growth(f"{collection.name}: {name}", *map(tuple, times), GROWTH_BAR) for name, times in taken.items()]
    return tuple(found)


def time_requests(server: RunningServer, make: Callable[[int, Random], Sequence[Words]], size: int) -> float:
    """Microseconds per request in a pipeline: the median of some batches."""
    random, times = Random(size), []
    for _ in range(BATCHES + 1):  # the first may make what others find ready
        requests = [pack(*words) for _ in range(REQUESTS) for words in make(size, random)]
        start = time.perf_counter()
        send_batches(server, [(b"".join(requests), len(requests))])
        times.append((time.perf_counter() - start) / len(requests) * 1e6)
    return median(times[1:])


def compare_scan(rounds: int, step: Callable[[], None]) -> Figure:
    """Seconds of a SCAN with COUNT 10 to the end of 1,000,000 keys, `rounds` times on each server, in turn."""
    keys = COLLECTIONS[0]
    times: tuple[list[float], list[float]] = ([], [])
    with redis_server() as redis, respstore_server() as respstore:
        for server in (redis, respstore):
            run_all(server, keys.fill(0, SIZES[-1]))
        for _ in range(rounds):
            for server, taken in zip((redis, respstore), times, strict=True):
                with server.client() as client:
                    start, cursor, found = time.perf_counter(), -1, 0
                    while cursor:
                        cursor, names = client.scan(max(cursor, 0), count=10)
                        found += len(names)
                    taken.append(time.perf_counter() - start)
                    assert found >= SIZES[-1]
            step()
    return Figure("SCAN of 1,000,000 keys, COUNT 10, s", *map(tuple, times), SCAN_BAR)


def compare_collections(step: Callable[[], None]) -> tuple[Figure, ...]:
    """Bytes per element of collections of 1,000 (a hundred of them) and of 1,000,000. `step` is called after each."""
    figures = []
    for collection in COLLECTIONS[1:]:
        for size, count, bar in ((1000, 100, None), (1_000_000, 1, COLLECTION_MEMORY_BAR)):
            ours, theirs = (
                bytes_per_element(start, collection, size, count) for start in (respstore_server, redis_server)
            )
            figures.append(Figure(f"{collection.name} of {size:,}", (theirs,), (ours,), bar))
            step()
    return tuple(figures)


def bytes_per_element(start: Start, collection: Collection, size: int, count: int) -> float:
    """The growth of a fresh server's memory by `count` collections of some size, divided."""
    with start() as server:
        before = server.resident_bytes()
        for number in range(count):
            name = b"%d" % number
            run_all(server, ([words[0], name + words[1], *words[2:]] for words in collection.fill(0, size)))
        return (settled_memory(server) - before) / (size * count)
