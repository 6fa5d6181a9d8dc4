"""What COMMAND tells about each command of respstore's is what redis-server tells.

Everything is compared but prose, which is our own: summaries, complexity, the history of options and the notes on key
specifications. A container is compared without its subcommands; those that respstore has are compared by themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest

from compat.redis.harness import Harness
from compat.redis.known_differences import ADDITIONS
from compat.redis.pair import Side
from compat.redis.wire import Reply, request
from respstore.commands import TABLE

PROSE = {"summary", "complexity", "history", "notes"}

COMMANDS = {
    command.name: command
    for name in sorted(TABLE.keys() - ADDITIONS)
    for command in (TABLE[name], *TABLE[name].subcommands.values())
}

WORDS = (b"key", b"2", b"GET", b"STORE", b"0")
"""Arguments for COMMAND GETKEYS: with few of them, all requests of up to four can be tried."""


def ask(side: Side, *requests: Sequence[bytes]) -> list[Reply]:
    """Send requests in RESP3, which tells sets, maps and arrays apart; give the replies."""
    connection = side.client("command-docs", protocol=3)
    connection.send(b"".join(map(request, requests)))
    return side.wait(connection, len(requests))


def plain(reply: Reply) -> Any:
    """A reply as values to compare: sets without order, maps without prose and subcommands."""
    if reply.kind == "%":
        keys, values = reply.parts[::2], reply.parts[1::2]
        fields = {key.text: value for key, value in zip(keys, values, strict=True)}
        return {key: plain(value) for key, value in fields.items() if key not in PROSE | {"subcommands"}}
    if reply.kind == "~":
        return {"a set": sorted(map(plain, reply.parts), key=repr)}
    if reply.kind == "*":
        return [plain(part) for part in reply.parts]
    return f"{reply.kind}{reply.text}"


def info_without_subcommands(reply: Reply) -> Any:
    """One element of COMMAND INFO; of its last field, only whether it is an array or the empty set."""
    return [*plain(reply)[:-1], reply.parts[-1].kind] if reply.parts else plain(reply)


@pytest.fixture(scope="module")
def told(harness: Harness) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """For both servers: COMMAND INFO and COMMAND DOCS of each of our commands, by name."""
    names = [name.encode() for name in COMMANDS]
    told = {}
    for side in harness.pair().sides:
        infos, docs = ask(side, [b"COMMAND", b"INFO", *names], [b"COMMAND", b"DOCS", *names])
        told[side.name] = (
            {name: info_without_subcommands(info) for name, info in zip(COMMANDS, infos.parts, strict=True)},
            plain(docs),
        )
    return told


@pytest.mark.parametrize("name", COMMANDS)
def test_info(told, name):
    assert told["respstore"][0][name] == told["redis"][0][name]


@pytest.mark.parametrize("name", COMMANDS)
def test_docs(told, name):
    assert told["respstore"][1][name] == told["redis"][1][name]


@pytest.mark.parametrize("name", [name for name, command in COMMANDS.items() if not command.subcommands])
def test_keys(harness, name):
    words = name.encode().split(b"|")
    requests = [
        [b"COMMAND", b"GETKEYSANDFLAGS", *words, *arguments]
        for count in range(5)
        for arguments in product(WORDS, repeat=count)
        # There Redis takes the name of a key for the option, see known_differences.py.
        if name != "sort" or arguments.count(b"STORE") < 2
    ]
    answers = [ask(side, *requests) for side in harness.pair().sides]
    differences = [
        (b" ".join(asked[2:]), plain(redis), plain(respstore))
        for asked, redis, respstore in zip(requests, *answers, strict=True)
        if plain(redis) != plain(respstore)
    ]
    assert not differences, f"{len(differences)} differences, the first: {differences[0]}"


@pytest.mark.parametrize(
    "line",
    [
        "COMMAND nosuch",
        "COMMAND COUNT 1",
        "COMMAND INFO nosuch SET config|nosuch config|get|x set|x |",
        "COMMAND DOCS nosuch",
        "COMMAND LIST x",
        "COMMAND LIST FILTERBY",
        "COMMAND LIST FILTERBY PATTERN",
        "COMMAND LIST FILTERBY NOSUCH x",
        "COMMAND LIST FILTERBY PATTERN a b",
        "COMMAND LIST filterby aclcat nosuch",
        "COMMAND LIST filterby module x",
        "COMMAND LIST filterby pattern GeTr*",
        "COMMAND LIST filterby aclcat TRANSACTION",
        "COMMAND GETKEYS",
        "COMMAND GETKEYS get",
        "COMMAND GETKEYS GeT key",
        "COMMAND GETKEYS get key key",
        "COMMAND GETKEYS nosuch key",
        "COMMAND GETKEYS config nosuch",
        "COMMAND GETKEYS config|get key",
        "COMMAND GETKEYS config get key",
        "COMMAND GETKEYS object|encoding key",
        "COMMAND GETKEYS mset a 1 b 2",
        "COMMAND GETKEYSANDFLAGS set a 1 get",
    ],
)
def test_replies(harness, line):
    asked = line.encode().split()
    redis, respstore = (plain(ask(side, asked)[0]) for side in harness.pair().sides)
    if isinstance(redis, list) and "LIST" in line:  # in whatever order
        redis, respstore = sorted(redis), sorted(respstore)
    assert respstore == redis


def test_help_has_redis_head_and_shape(harness):
    redis, respstore = (ask(side, [b"COMMAND", b"HELP"])[0] for side in harness.pair().sides)
    assert respstore.parts[0] == redis.parts[0]
    assert respstore.kind == redis.kind
    assert {part.kind for part in respstore.parts} == {"+"}
    words = [{part.text.split()[0] for part in reply.parts[1:] if part.text[0] != " "} for reply in (redis, respstore)]
    assert words[0] == words[1]
