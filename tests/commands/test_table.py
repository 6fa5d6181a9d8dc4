"""Each command's declaration is sound, whoever wrote it. Whether it is what Redis says, compat/ compares."""

import re

import pytest

from respstore.commands import TABLE
from respstore.engine.categories import CATEGORY_OF_GROUP
from respstore.engine.command import Command
from respstore.engine.syntax import Argument

# As COMMAND INFO of Redis 7.0 shows them; https://redis.io/docs/latest/commands/command/#flags
FLAGS = {
    *("admin", "allow_busy", "asking", "blocking", "denyoom", "fast", "loading", "may_replicate", "no_async_loading"),
    *("no_auth", "no_mandatory_keys", "no_multi", "noscript", "pubsub", "readonly", "skip_monitor", "skip_slowlog"),
    *("stale", "write"),
}
# https://redis.io/docs/latest/develop/reference/command-tips/
TIP = re.compile(r"nondeterministic_output(_order)?|(request|response)_policy:[a-z_]+")
COMMANDS = [command for top in TABLE.values() for command in (top, *top.subcommands.values())]


def leaves(arguments: tuple[Argument, ...]) -> list[Argument]:
    return [leaf for argument in arguments for leaf in (leaves(argument.arguments) or [argument])]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_declaration(command: Command) -> None:
    keys = [leaf for leaf in leaves(command.arguments) if leaf.key_spec_index is not None]
    assert {leaf.key_spec_index for leaf in keys} == {
        index for index, spec in enumerate(command.keys) if "not_key" not in spec.flags
    }
    assert re.fullmatch(r"\d+\.\d+\.\d+", command.since)
    assert command.summary.endswith(".")
    assert command.group in {*CATEGORY_OF_GROUP, "cluster", "server"}
    assert bool(command.deprecated_since) == bool(command.replaced_by)
    assert command.flags <= FLAGS
    assert all(map(TIP.fullmatch, command.tips))


def test_some_commands_are_there() -> None:
    assert {"get", "set", "command"} <= TABLE.keys()
    assert "docs" in TABLE["command"].subcommands
