"""The `respstore` command: `serve`, `ping`, `barriers`, `top`, `import`, `export`, `--version`."""

import sys
from collections.abc import Callable, Sequence
from typing import Final

from respstore import __version__
from respstore.cli.ping import ping
from respstore.cli.serve import serve

__all__ = ["main"]

USAGE: Final = """\
usage: respstore serve [FILE] [--join] [--port-file PATH] [--DIRECTIVE VALUE ...]
       respstore ping | top | barriers [--json] [--port PORT | PORT | HOST:PORT | SOCKET | URL]
       respstore import | export FILE | URL [--replace] [PORT | HOST:PORT | SOCKET | URL]
       respstore --version

serve   Start a server on 127.0.0.1:6379, or as the redis.conf-style FILE and the directives say: any directive of
        redis-server's command line, such as --port 7000 --bind 127.0.0.1 ::1 --requirepass secret. FILE - is standard
        input. Once it serves clients its address is printed to standard output, as a URL.
        --port 0            take a free port; with --unixsocket, serve no TCP (as redis-server does)
        --port-file PATH    write the port to PATH once clients are served
        --join              if a respstore that will do instead has the address already, exit with status 0
ping    Tell who answers at an address, by default 127.0.0.1:6379.
top     Show the barriers, who waits for what and for how long, clients and load, until q or Ctrl-C.
barriers
        Print the barriers at which somebody waits, who has come, and who is missing.
import  Copy all keys from a FILE, or from the server at a URL, to the server at the address, and compare both ends:
        how many keys there are, and a digest of all that is in them. What is there already stays, or is overwritten
        with --replace. After an interruption the same command goes on. FILE is a dump.rdb, an appendonlydir, or an
        append-only file of older versions.
export  The same in the other direction. A FILE that ends with a slash is a new appendonlydir, any other an RDB.

Exit status: 0 after a graceful stop or a reply; 1 for a failure; 2 for a wrong command line or configuration;
98 if somebody else has the port.
"""


def _top(arguments: Sequence[str]) -> int:
    from respstore.cli.top import top  # noqa: PLC0415 - servers need not wait for rich when they start

    return top(arguments)


def _barriers(arguments: Sequence[str]) -> int:
    from respstore.cli.barriers import barriers  # noqa: PLC0415 - nor for this

    return barriers(arguments)


def _import(arguments: Sequence[str]) -> int:
    from respstore.cli.transfers import import_  # noqa: PLC0415 - nor for this

    return import_(arguments)


def _export(arguments: Sequence[str]) -> int:
    from respstore.cli.transfers import export  # noqa: PLC0415 - nor for this

    return export(arguments)


_COMMANDS: Final[dict[str, Callable[[Sequence[str]], int]]] = {
    "serve": serve,
    "ping": ping,
    "top": _top,
    "barriers": _barriers,
    "import": _import,
    "export": _export,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: without the program's name; by default those of the process.

    Returns:
        The exit status.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    first, last = (arguments[0], arguments[-1]) if arguments else ("", "")
    if first == "version" or last in ("--version", "-v"):
        print(f"respstore {__version__} (Redis 7.0 compatible)")
        return 0
    if first == "help" or last in ("--help", "-h"):
        print(USAGE, end="")
        return 0
    if first in _COMMANDS:
        return _COMMANDS[first](arguments[1:])
    print(f"respstore: no such command: {first}; see respstore --help" if first else USAGE.rstrip(), file=sys.stderr)
    return 2
