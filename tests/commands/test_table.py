"""Each command's declaration is sound, whoever wrote it. Whether it is what Redis says, compat/ compares."""

import re

import pytest

from respstore.commands import TABLE
from respstore.engine.categories import CATEGORY_OF_GROUP
from respstore.engine.syntax import Argument

COMMANDS = [command for top in TABLE.values() for command in (top, *top.subcommands.values())]


def leaves(arguments: tuple[Argument, ...]) -> list[Argument]:
    return [leaf for argument in arguments for leaf in (leaves(argument.arguments) or [argument])]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_declaration(command):
    keys = [leaf for leaf in leaves(command.arguments) if leaf.key_spec_index is not None]
    assert {leaf.key_spec_index for leaf in keys} == {
        index for index, spec in enumerate(command.keys) if "not_key" not in spec.flags
    }
    assert re.fullmatch(r"\d+\.\d+\.\d+", command.since)
    assert command.summary.endswith(".")
    assert command.group in {*CATEGORY_OF_GROUP, "cluster", "server"}
    assert bool(command.deprecated_since) == bool(command.replaced_by)


def test_some_commands_are_there():
    assert {"get", "set", "command"} <= TABLE.keys()
    assert "docs" in TABLE["command"].subcommands
