"""redis-cli works on respstore as on redis-server, with the modes that people use to look inside.

What redis-cli prints about the same data is compared between the two servers, once names, numbers and order that may
differ are taken out.
"""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Sequence

import pytest

from compat.patience import until
from compat.redis.harness import Harness
from compat.redis.pair import Side
from compat.servers import find_program

DEADLINE = 20.0


@pytest.fixture
def sides(harness: Harness) -> tuple[Side, Side]:
    pair = harness.pair()
    for side in pair.sides:
        side.ask(b"FLUSHALL")
    return pair.sides


def cli(side: Side, *arguments: str, stdin: bytes = b"") -> str:
    """Run redis-cli to its end and give what it prints, its own port written as PORT."""
    command = [find_program("redis-cli"), "-p", str(side.port), *arguments]
    result = subprocess.run(command, input=stdin, capture_output=True, timeout=DEADLINE, check=False)
    return f"{result.returncode}\n{(result.stdout + result.stderr).decode('utf-8', 'replace')}".replace(
        str(side.port), "PORT"
    )


def both(sides: Sequence[Side], *arguments: str, stdin: bytes = b"") -> str:
    """Run redis-cli on both servers, demand the same output, and give it."""
    redis, respstore = (cli(side, *arguments, stdin=stdin) for side in sides)
    assert respstore == redis
    return redis


def fill(sides: Sequence[Side]) -> None:
    for side in sides:
        side.ask_all([(b"SET", b"key:%d" % number, b"x" * number) for number in range(1, 50)])
        side.ask_all([(b"RPUSH", b"list:%d" % number, *[b"e"] * number) for number in range(1, 20)])


@pytest.mark.parametrize("options", [[], ["-3"], ["-2"], ["--no-raw"], ["--no-raw", "-3"], ["--csv"], ["--json", "-3"]])
def test_commands(sides: tuple[Side, Side], options: list[str]) -> None:
    for command in ("SET k 5", "GET k", "INCR k", "GET missing", "RPUSH l a b", "LRANGE l 0 -1", "LPUSH k x", "FOO a"):
        both(sides, *options, *command.split())
    both(sides, *options, "CONFIG", "GET", "maxclients")
    both(sides, *options, "-n", "3", "DBSIZE")
    both(sides, *options, "-r", "3", "-i", "0.01", "PING")


def test_commands_from_standard_input(sides: tuple[Side, Side]) -> None:
    lines = b"SET a 1\nGET a\nMULTI\nINCR a\nEXEC\nSELECT 2\nGET a\nFOO\nPING\n"

    assert "+" not in both(sides, stdin=lines)
    assert "QUEUED" in both(sides, "--no-raw", stdin=lines)


def test_a_value_from_standard_input(sides: tuple[Side, Side]) -> None:
    assert "OK" in both(sides, "-x", "SET", "k", stdin=b"value\x00with zero")
    assert "value" in both(sides, "GET", "k")


def test_exit_status_tells_errors(sides: tuple[Side, Side]) -> None:
    assert both(sides, "-e", "FOO").startswith("1\n")
    assert both(sides, "-e", "PING").startswith("0\n")


def test_scan(sides: tuple[Side, Side]) -> None:
    fill(sides)

    for options in (
        ["--scan"],
        ["--scan", "--pattern", "key:1*"],
        ["--scan", "--quoted-pattern", '"key:\\x31*"'],
    ):
        redis, respstore = (sorted(cli(side, *options).splitlines()) for side in sides)
        assert respstore == redis
        assert len(redis) > 5


@pytest.mark.parametrize("mode", ["--bigkeys", "--memkeys"])
def test_biggest_keys(sides: tuple[Side, Side], mode: str) -> None:
    fill(sides)

    redis, respstore = (cli(side, mode) for side in sides)

    def summary(output: str) -> list[str]:
        lines = output.partition("-------- summary -------")[2].splitlines()
        # What a key costs in memory is the server's own; so is, then, which one costs the most.
        return sorted(re.sub(r"\d+", "N", line) if mode == "--memkeys" else line for line in lines)

    assert redis.startswith("0\n")
    assert respstore.startswith("0\n")
    assert summary(respstore) == summary(redis)
    assert len(summary(redis)) > 5


def test_hot_keys(sides: tuple[Side, Side]) -> None:
    fill(sides)

    assert "LFU" in both(sides, "--hotkeys")


def test_pipe(sides: tuple[Side, Side]) -> None:
    requests = b"".join(b"*3\r\n$3\r\nSET\r\n$8\r\nkey%05d\r\n$1\r\nv\r\n" % number for number in range(20_000))

    output = both(sides, "--pipe", stdin=requests)

    assert "errors: 0, replies: 20000" in output
    assert "20000" in both(sides, "DBSIZE")


def test_pipe_counts_errors(sides: tuple[Side, Side]) -> None:
    assert "errors: 2, replies: 4" in both(sides, "--pipe", stdin=b"SET k v\r\nFOO\r\nLPUSH k x\r\nPING\r\n")


def test_latency(sides: tuple[Side, Side]) -> None:
    for side in sides:
        # Without a terminal it samples for a second, and prints: minimum, maximum, average, samples.
        status, *figures = cli(side, "--latency", "-i", "0.2").split()
        assert status == "0"
        assert len(figures) == 4
        assert int(figures[3]) > 5


def test_stat(sides: tuple[Side, Side]) -> None:
    fill(sides)

    for side in sides:
        head, _, *rows = lines_of(side, "--stat", "-i", "0.01", count=5)
        assert head.startswith("------- data ------")
        assert [row.split()[0] for row in rows] == ["68", "68", "68"]


@pytest.mark.parametrize("options", [[], ["-3"]])
def test_interactively(sides: tuple[Side, Side], options: list[str]) -> None:
    lines = [
        "help set", "help @string", "help", "?", "help nosuch", "SET k v", "GET k", "GET missing", "SELECT 3", "PING",
        "MULTI", "SET k w", "GET k", "EXEC", "MULTI", "DISCARD", "HELLO 3", "GET missing", "CONFIG GET maxclients",
        "HELLO 2", "FOO", 'SET "unbalanced', "3 PING", ":set hints", "CLIENT GETNAME", "BLPOP l 0.01", "DBSIZE",
    ]  # fmt: skip

    redis, respstore = (dialogue(side, lines, *options) for side in sides)

    assert respstore == redis
    assert "summary" in redis
    assert "(TX)" in redis


@pytest.mark.parametrize("options", [[], ["-3"], ["--csv"]])
@pytest.mark.parametrize("name", ["SUBSCRIBE", "PSUBSCRIBE"])
def test_subscribing(sides: tuple[Side, Side], name: str, options: list[str]) -> None:
    redis, respstore = (
        lines_of(side, *options, name, "a", "b", count=2 if options == ["--csv"] else 6) for side in sides
    )

    assert respstore == redis
    assert "subscribe" in redis[0] + redis[1]


def test_commands_that_redis_does_not_have(sides: tuple[Side, Side]) -> None:
    _, respstore = sides
    barrier = [find_program("redis-cli"), "-p", str(respstore.port), "BARRIER", "epoch", "2", "TIMEOUT", "20"]
    with subprocess.Popen(barrier, stdout=subprocess.PIPE) as first:
        until(lambda: respstore.ask(b"BARRIERLIST").parts)
        assert "clients" in cli(respstore, "BARRIERINFO", "epoch")
        assert cli(respstore, "BARRIER", "epoch", "2") == "0\n0\n1\n"
        assert first.communicate(timeout=DEADLINE)[0] == b"0\n0\n"
    assert cli(respstore, "BGET", "epoch", "0") == "0\n1\n"
    told = cli(respstore, "HELP", "BARRIER")
    assert "name parties [MEMBER id] [EPOCH n] [TIMEOUT seconds]" in told
    assert "Wait until the given number of clients have come" in told
    assert "BARRIERRESET" in cli(respstore, "HELP", "@coordination")


def lines_of(side: Side, *arguments: str, count: int) -> list[str]:
    """The first lines that an endless mode of redis-cli prints."""
    command = [find_program("redis-cli"), "-p", str(side.port), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        try:
            deadline, output = time.monotonic() + DEADLINE, b""
            while output.count(b"\n") < count:
                assert select.select([process.stdout], [], [], max(deadline - time.monotonic(), 0))[0], output
                output += os.read(process.stdout.fileno(), 65536)
        finally:
            process.terminate()
    return output.decode().splitlines()[:count]


def dialogue(side: Side, lines: Sequence[str], *options: str) -> str:
    """Talk to redis-cli on a terminal: send a line whenever its prompt stands there; give the whole conversation."""
    ours, theirs = pty.openpty()
    command = [find_program("redis-cli"), "-p", str(side.port), *options]
    environment = {**os.environ, "TERM": "dumb", "REDISCLI_HISTFILE": "/dev/null", "HOME": "/nonexistent"}
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        conversation = ""
        try:
            for line in [*lines, "exit"]:
                conversation += _until_prompt(ours)
                os.write(ours, line.encode() + b"\n")
            process.wait(DEADLINE)
        finally:
            process.kill()
            os.close(ours)
    # Each server's own: the time that a command took, ids, and the words in which help speaks of a command.
    own = r'\(\d+\.\d+s\)|(?:(?<="id" => \(integer\) )|(?<= 8\) \(integer\) ))\d+|(?<=\x1b\[33msummary:\x1b\[0m ).*'
    return re.sub(own, "", conversation.replace(str(side.port), "PORT"))


def _until_prompt(terminal: int) -> str:
    output, deadline = b"", time.monotonic() + DEADLINE
    while not re.search(rb"127\.0\.0\.1:\d+(\[\d+\])?(\(TX\))?> $", output):
        assert select.select([terminal], [], [], max(deadline - time.monotonic(), 0))[0], output
        output += os.read(terminal, 65536)
    return output.decode("utf-8", "replace")
