"""`respstore import` and `respstore export`: all data from a file or a server to another server, or to a file."""

import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

import attrs
import redis
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from respstore.cli.addresses import UsageError, connect, full_address
from respstore.transfer.copying import Copied, Source, Target, copy
from respstore.transfer.entries import TransferError
from respstore.transfer.finding import source_at, target_at
from respstore.transfer.servers import ServerEnd

TIME_LIMIT: Final = 60.0
"""How long to wait for each reply, in seconds: some batches are large."""
INTERRUPTED: Final = 130
_GOES_ON: Final = "; the same again goes on, what is there already is not sent twice"


@attrs.frozen
class _Options:
    """What was asked for: `other` is a file or a URL, `address` that of the server at hand."""

    other: str
    address: str
    replaces: bool

    @classmethod
    def parse(cls, arguments: Sequence[str]) -> "_Options":
        words = [word for word in arguments if word != "--replace"]
        if not words or words[0].startswith("-"):
            raise UsageError("a FILE or a URL, please, and perhaps the address of the server at hand, and --replace")
        return cls(words[0], full_address(words[1:]), len(words) < len(arguments))


def import_(arguments: Sequence[str]) -> int:
    """Copy all keys from a file, or from the server at a URL, to a server.

    Args:
        arguments: the file or the URL, then the server's address as for `ping`; and `--replace` to overwrite keys.

    Returns:
        The exit status: 0 if all keys are there and the same, 1 if not, 2 for other arguments.
    """
    return _transfer("import", arguments)


def export(arguments: Sequence[str]) -> int:
    """Copy all keys from a server to a file, or to the server at a URL; else as `import_`."""
    return _transfer("export", arguments)


def _transfer(name: str, arguments: Sequence[str]) -> int:
    try:
        options = _Options.parse(arguments)
    except UsageError as error:
        return _fail(name, str(error), 2)
    started = time.monotonic()
    try:
        with ExitStack() as stack:
            here = _server(options.address, stack)
            ends = (_source(options, stack), here) if name == "import" else (here, _target(options, stack))
            copied = _copy(*ends, replaces=options.replaces)
    except UsageError as error:
        return _fail(name, str(error), 2)
    except (TransferError, redis.RedisError, ValueError) as error:
        return _fail(name, str(error))
    except KeyboardInterrupt:
        goes_on = "" if name == "export" and not _is_url(options.other) else _GOES_ON
        return _fail(name, f"interrupted{goes_on}", INTERRUPTED)
    if copied.different:
        return _fail(name, _differences(copied))
    libraries = f"{copied.libraries:,} libraries of functions and " if copied.libraries else ""
    print(
        f"{libraries}{copied.given.keys:,} keys of {ends[0]} are at {ends[1]}, {copied.present:,} of them were before; "
        f"digest {copied.found.digest} at both ends; {time.monotonic() - started:.1f} s"
    )
    return 0


def _source(options: _Options, stack: ExitStack) -> Source:
    if _is_url(options.other):
        return _server(options.other, stack)
    return source_at(Path(options.other).absolute(), _now)


def _target(options: _Options, stack: ExitStack) -> Target:
    if _is_url(options.other):
        return _server(options.other, stack)
    return stack.enter_context(closing(target_at(options.other, _now, replaces=options.replaces)))


def _server(address: str, stack: ExitStack) -> ServerEnd:
    client = stack.enter_context(connect(address, TIME_LIMIT))
    if db := client.connection_pool.connection_kwargs.get("db"):  # many URLs end with a 0 that means nothing
        raise UsageError(f"all databases are copied, not one: leave out the {db} that the URL ends with")
    return ServerEnd(client, _now)


def _is_url(where: str) -> bool:
    return "://" in where


def _copy(source: Source, target: Target, *, replaces: bool) -> Copied:
    """Copy, and show on a terminal how far it is."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("keys", total=None)
        progress.update(task, total=source.count())
        return copy(source, target, _now, lambda keys: progress.update(task, completed=keys), replaces=replaces)


def _differences(copied: Copied) -> str:
    names = ", ".join(copied.examples)
    more = copied.different - len(copied.examples)
    return (
        f"{copied.different:,} of {copied.given.keys:,} keys are not the same at both ends: {names}"
        f"{f' and {more:,} more' if more > 0 else ''}; --replace overwrites keys that were there before "
        f"(digests {copied.given.digest} and {copied.found.digest})"
    )


def _now() -> int:
    return time.time_ns() // 1_000_000


def _fail(name: str, problem: str, status: int = 1) -> int:
    print(f"respstore {name}: {problem}", file=sys.stderr)
    return status
