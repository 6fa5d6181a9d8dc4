"""HELP is written from the records of a container's subcommands."""

from types import SimpleNamespace

import pytest

from respstore.engine.command import build_table, command, container
from respstore.engine.help import help_lines


@command("config|help", group="server", since="5.0.0")
def config_help(session):
    """Describe the subcommands."""


@command("config|get parameter...", group="server", since="2.0.0")
def config_get(session, *parameters):
    """Read parameters."""


def test_each_subcommand_has_its_syntax_and_its_summary_and_help_is_last() -> None:
    holder = container("config", summary="Configure.", group="server", since="2.0.0")
    table = build_table([SimpleNamespace(a=holder, b=config_help, c=config_get)])
    assert help_lines(table["config"]) == [
        "CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "GET <parameter> [<parameter> ...]",
        "    Read parameters.",
        "HELP",
        "    Describe the subcommands.",
    ]


def test_a_container_that_is_a_command_too_says_what_it_does_alone() -> None:
    @command("config", group="server", since="2.0.0")
    def config(session):
        """Configure all."""

    table = build_table([SimpleNamespace(a=config, b=config_help)])
    assert help_lines(table["config"])[1:3] == ["(no subcommand)", "    Configure all."]


@pytest.mark.parametrize(
    ("syntax", "usage"),
    [
        ("key [SAMPLES count]", "<key> [SAMPLES <count>]"),
        ("mode=(YES | NO)", "(YES|NO)"),
        ("timeout mode=[WRITE | ALL]", "<timeout> [WRITE|ALL]"),
        ("[TYPE (NORMAL | MASTER)]", "[TYPE (NORMAL|MASTER)]"),
        ("(parameter value)...", "<parameter> <value> [<parameter> <value> ...]"),
        ("[name]...", "[<name> ...]"),
        ("[PREFIX prefix]...", "[PREFIX <prefix> ...]"),
        ("[ID id=(client-id...)]", "[ID <client-id> [<client-id> ...]]"),
        ("([ID client-id] | [USER username])...", "([ID <client-id>]|[USER <username>]) ..."),
    ],
)
def test_syntax_is_written_as_redis_writes_it(syntax: str, usage: str) -> None:
    @command(f"client|do {syntax}", group="server", since="1.0.0")
    def do(session):
        """Do."""

    holder = container("client", summary="Hold.", group="server", since="1.0.0")
    table = build_table([SimpleNamespace(a=holder, b=do)])
    assert help_lines(table["client"])[1] == f"DO {usage}"
