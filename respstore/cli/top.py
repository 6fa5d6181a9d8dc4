"""`respstore top`: barriers, who waits where and for how long, clients and load, refreshed in place."""

import contextlib
import os
import select
import sys
import termios
import tty
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs
from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from respstore.cli.addresses import UsageError, connect, full_address, server_name
from respstore.cli.waits import Barrier, NoWaitsError, Waiter, duration, read_waits, shown
from respstore.wording import listed

if TYPE_CHECKING:
    import redis

REFRESH_SECONDS: Final = 1.0
WIDE_COLUMNS: Final = {"barrier", "missing", "name", "address", "keys", "member"}


@attrs.frozen
class View:
    """What there is to show: the INFO of the server, the barriers at which somebody waits, and all who wait."""

    info: Mapping[str, Any]
    barriers: list[Barrier]
    waiters: list[Waiter]


def top(arguments: Sequence[str]) -> int:
    """Show what happens on a server until `q` or Ctrl-C.

    Args:
        arguments: an address as for `ping`.

    Returns:
        The exit status: 0 at the user's wish, 1 if the server does not answer at the start or cannot tell who waits,
        2 for other arguments or where there is no terminal.
    """
    import redis  # noqa: PLC0415 - `serve`, which does without, would take longer to start

    try:
        address = full_address(arguments)
    except UsageError as error:
        print(f"respstore top: {error}", file=sys.stderr)
        return 2
    console = Console()
    if not (console.is_terminal and sys.stdin.isatty()):
        print("respstore top: this is no terminal; see respstore barriers", file=sys.stderr)
        return 2
    try:
        with connect(address) as client:
            view = read(client)
            _show(client, address, view, console)
    except (redis.RedisError, OSError, ValueError, NoWaitsError) as error:
        print(f"respstore top: {address}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


def read(client: "redis.Redis") -> View:
    """Ask the server.

    Raises:
        NoWaitsError: it cannot tell who waits.
        redis.RedisError, OSError: it does not answer.
    """
    barriers, waiters = read_waits(client)
    return View(client.info(), barriers, waiters)


def _show(client: "redis.Redis", address: str, view: View, console: Console) -> None:
    """Refresh until `q`. A server that goes away is waited for."""
    import redis  # noqa: PLC0415 - see above

    problem = ""
    with _keyboard() as is_pressed, Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            live.update(render(view, address, console.height, problem), refresh=True)
            if is_pressed("q", REFRESH_SECONDS):
                return
            try:
                view, problem = read(client), ""
            except (redis.RedisError, OSError) as error:
                problem = str(error)


def render(view: View, address: str, height: int, problem: str = "") -> Group:
    """A screen of it.

    Args:
        view: what was read last.
        address: of the server.
        height: how many lines there are.
        problem: why nothing can be read at present; empty while all is well.
    """
    head = [_headline(view.info, address), _load(view.info, len(view.waiters))]
    if problem:
        head.append(_line(f"no answer, trying again: {problem}", style="bold red"))
    # Each table takes a blank line, its header, and a rule; the last line is ours.
    space = max(height - len(head) - 2 * 3 - 1, 2)
    barriers = sorted(view.barriers, key=lambda barrier: -barrier.waiting_s)
    rows = max(min(len(barriers), max(space // 2, space - len(view.waiters))), 1)
    return Group(
        *head,
        Text(),
        _table(("barrier", "db", "epoch", "arrived", "missing", "waiting"), list(map(_barrier_row, barriers)), rows),
        Text(),
        _table(
            ("client", "name", "address", "command", "db", "keys", "member", "waiting"),
            list(map(_waiter_row, view.waiters)),
            space - rows,
        ),
        _line("q quits", style="dim"),
    )


def _headline(info: Mapping[str, Any], address: str) -> Text:
    return _line(f"{server_name(info)} at {address}, up {duration(info['uptime_in_seconds'])}", style="bold")


def _load(info: Mapping[str, Any], waiting: int) -> Text:
    clients, operations = info["connected_clients"], info["instantaneous_ops_per_sec"]
    memory = info["used_memory_human"]
    return _line(f"clients: {clients:,} ({waiting:,} waiting)   ops/s: {operations:,}   memory: {memory}")


def _barrier_row(barrier: Barrier) -> tuple[object, ...]:
    waiting = duration(barrier.waiting_s)
    return barrier.name, barrier.db, barrier.epoch, barrier.arrived, barrier.absent, waiting


def _waiter_row(waiter: Waiter) -> tuple[object, ...]:
    keys, member = listed(waiter.keys, len(waiter.keys)), "" if waiter.member is None else waiter.member
    return (
        *(waiter.client, waiter.name, waiter.addr, waiter.command, waiter.db),
        *(keys, member, duration(waiter.waiting_s)),
    )


def _table(columns: Sequence[str], rows: Sequence[Sequence[object]], space: int) -> Table:
    """As many of the rows as there is space for, and how many more there are."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        # Where the lines are too long, rich makes those columns narrower that it may wrap; the cells are cut instead.
        table.add_column(column, justify="right" if column == "waiting" else "left", no_wrap=column not in WIDE_COLUMNS)
    shown_rows = rows if len(rows) <= space else rows[: space - 1]
    for row in shown_rows:
        table.add_row(*(_line(str(cell)) for cell in row))
    if len(shown_rows) < len(rows):
        table.add_row(_line(f"{len(rows) - len(shown_rows):,} more"))
    return table


def _line(text: str, style: str = "") -> Text:
    """A text that has one line, however narrow; a mere str might mean colours: "[red]"."""
    return Text(shown(text), style, no_wrap=True, overflow="ellipsis")


@contextlib.contextmanager
def _keyboard() -> Iterator[Callable[[str, float], bool]]:
    """Tells whether a key is pressed within some seconds; keys are not shown meanwhile."""
    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    tty.setcbreak(keyboard)

    def is_pressed(key: str, seconds: float) -> bool:
        ready, _, _ = select.select([keyboard], [], [], seconds)
        return bool(ready) and key.encode() in os.read(keyboard, 1024)

    try:
        yield is_pressed
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
