"""What scripts cost, beside Redis: a short one sent by many clients, and a command, or a library, called in a loop."""

import time
from collections.abc import Callable
from statistics import mean

import attrs

from compat.bench.benchmark import ONE_BY_ONE, PILOT_REQUESTS, SECONDS, Test, measure
from compat.bench.figures import CALL_BAR, EVALSHA_BAR, Figure, Measure
from compat.servers import RunningServer, side_by_side

THREE_LINES = b"local value = redis.call('GET', KEYS[1])\nif not value then return 0 end\nreturn #value"
CALLS = 100_000

_LOOP = "for i = 1, tonumber(ARGV[1]) do %s end"
COMMANDS = {
    "redis.call('GET', key)": _LOOP % "redis.call('GET', KEYS[1])",
    "redis.call('SET', key, value)": _LOOP % "redis.call('SET', KEYS[1], 'value')",
    "redis.call('INCR', key)": _LOOP % "redis.call('INCR', 'number')",
    "redis.call('HGET', key, field)": _LOOP % "redis.call('HGET', 'hash', 'field')",
}
"""Loops, by what is called in them."""
_OBJECT = '{"id": 12345, "name": "a job of a queue", "done": false, "tags": ["a", "b"], "progress": 0.25}'
_TEXT = f"[{', '.join([_OBJECT] * 9)}]"
_VALUES = f"local text = '{_TEXT}' local value = cjson.decode(text) local packed = cmsgpack.pack(value) {_LOOP}"
LIBRARIES = {
    f"cjson.decode of {len(_TEXT)} bytes": _VALUES % "cjson.decode(text)",
    "cjson.encode of the same": _VALUES % "cjson.encode(value)",
    "cmsgpack.unpack of the same": _VALUES % "cmsgpack.unpack(packed)",
    "cmsgpack.pack of the same": _VALUES % "cmsgpack.pack(value)",
}


@attrs.frozen
class ScriptCosts:
    """How many scripts a second, microseconds of commands in a script, and of libraries."""

    throughput: Figure
    commands: tuple[Figure, ...]
    libraries: tuple[Figure, ...]

    @property
    def judged(self) -> tuple[Figure | Measure, ...]:
        """What has a bar: a command in a script, not beside Redis's but by itself."""
        return self.throughput, *(Measure(figure.name, figure.respstore, CALL_BAR) for figure in self.commands)


def compare_scripts(rounds: int, step: Callable[[], None]) -> ScriptCosts:
    """Everything on redis-server and respstore in turn. `step` is called after each round of each of the three."""
    with side_by_side() as servers:
        for server in servers:
            with server.client() as client:
                client.config_set("busy-reply-threshold", 60_000)
        return ScriptCosts(
            _compare_throughput(servers, rounds, step),
            _compare_loops(servers, COMMANDS, rounds, step, count=CALLS),
            _compare_loops(servers, LIBRARIES, rounds, step, count=CALLS // 100),
        )


def _compare_throughput(servers: tuple[RunningServer, RunningServer], rounds: int, step: Callable[[], None]) -> Figure:
    for server in servers:
        with server.client() as client:
            sha = client.script_load(THREE_LINES)
    test = Test("EVALSHA", ("EVALSHA", sha, "1", "key"), lambda _requests: [[b"SET", b"key", b"xxx"]])
    pilots = [measure(test, ONE_BY_ONE, server, PILOT_REQUESTS) for server in servers]
    requests = int(SECONDS * mean(pilot.requests_per_second for pilot in pilots))
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for server, values in zip(servers, taken, strict=True):
            values.append(measure(test, ONE_BY_ONE, server, requests).requests_per_second)
        step()
    return Figure("EVALSHA of three lines, requests/s", tuple(taken[0]), tuple(taken[1]), EVALSHA_BAR)


def _compare_loops(
    servers: tuple[RunningServer, RunningServer],
    loops: dict[str, str],
    rounds: int,
    step: Callable[[], None],
    *,
    count: int,
) -> tuple[Figure, ...]:
    times: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in loops}
    for _ in range(rounds):
        for name, loop in loops.items():
            for server, taken in zip(servers, times[name], strict=True):
                taken.append(time_loop(server, loop, count))
        step()
    return tuple(Figure(f"{name}, us", tuple(redis), tuple(ours), None) for name, (redis, ours) in times.items())


def time_loop(server: RunningServer, script: str, count: int) -> float:
    """Microseconds that each of `count` turns of a script's loop takes, the rest of it divided among them."""
    with server.client() as client:
        client.mset({"key": "xxx", "number": 0})
        client.hset("hash", "field", "value")
        sha = client.script_load(script)
        start = time.perf_counter()
        client.evalsha(sha, 1, "key", count)
        return (time.perf_counter() - start) / count * 1e6
