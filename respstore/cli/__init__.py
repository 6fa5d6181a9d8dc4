"""The `respstore` command: `serve`, `ping`, `--version`."""

import sys
from collections.abc import Callable, Sequence
from typing import Final

from respstore import __version__
from respstore.cli.ping import ping
from respstore.cli.serve import serve

__all__ = ["main"]

USAGE: Final = """\
usage: respstore serve [FILE] [--join] [--port-file PATH] [--DIRECTIVE VALUE ...]
       respstore ping [PORT | HOST:PORT | URL]
       respstore --version

serve   Start a server on 127.0.0.1:6379, or as the redis.conf-style FILE and the directives say: any directive of
        redis-server's command line, such as --port 7000 --bind 127.0.0.1 ::1 --requirepass secret. FILE - is standard
        input. --port 0 takes a free port. --port-file PATH writes the port to PATH once the server can be reached.
        --join: if another respstore holds the port already, be content with that one.
ping    Tell who answers at an address, by default 127.0.0.1:6379.

Exit status: 0 after a graceful stop or a reply; 1 for a failure; 2 for a wrong command line or configuration;
98 if somebody else holds the port.
"""

_COMMANDS: Final[dict[str, Callable[[Sequence[str]], int]]] = {"serve": serve, "ping": ping}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: without the program's name; by default those of the process.

    Returns:
        The exit status.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments and arguments[0] in _COMMANDS:
        return _COMMANDS[arguments[0]](arguments[1:])
    if arguments and arguments[0] in ("--version", "-v", "version"):
        print(f"respstore {__version__} (Redis 7.0 compatible)")
        return 0
    if arguments and arguments[0] in ("--help", "-h", "help"):
        print(USAGE, end="")
        return 0
    wrong = f"respstore: no such command: {arguments[0]}\n" if arguments else ""
    print(wrong + USAGE, end="", file=sys.stderr)
    return 2
