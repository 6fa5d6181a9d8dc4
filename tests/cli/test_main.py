"""The command itself: what it says of itself, and of what it does not understand."""

import subprocess

import pytest

from respstore import __version__
from respstore.cli import USAGE, main
from tests.cli.programs import COMMAND


@pytest.mark.parametrize("arguments", [["--version"], ["-v"], ["version"], ["serve", "--version"], ["ping", "-v"]])
def test_tells_its_version(capsys, arguments):
    assert main(arguments) == 0
    assert capsys.readouterr() == (f"respstore {__version__} (Redis 7.0 compatible)\n", "")


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["help"], ["serve", "--help"], ["ping", "-h"]])
def test_helps(capsys, arguments):
    assert main(arguments) == 0
    assert capsys.readouterr() == (USAGE, "")


def test_help_fits_a_terminal_and_tells_what_port_zero_is():
    assert max(map(len, USAGE.splitlines())) <= 120
    assert "--port 0            take a free port; with --unixsocket, serve no TCP" in USAGE


def test_nothing_to_do_is_an_error_with_help(capsys):
    assert main([]) == 2
    assert capsys.readouterr() == ("", USAGE)


def test_another_command_is_an_error_in_one_line(capsys):
    assert main(["frobnicate", "--port", "1"]) == 2
    assert capsys.readouterr() == ("", "respstore: no such command: frobnicate; see respstore --help\n")


@pytest.mark.slow
def test_is_also_a_module():
    assert subprocess.check_output([*COMMAND, "--version"], text=True).startswith("respstore ")
