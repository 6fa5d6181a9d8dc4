"""`respstore top`: what it shows of what it has read, and how it goes on."""

import contextlib
import os
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from respstore import Server
from respstore.cli import main
from respstore.cli.top import View, render
from tests.cli.programs import PATIENCE, ROOT, served
from tests.cli.waiting import barrier, parked, waiter
from tests.ports.strangers import holding

INFO: dict[str, Any] = {
    "respstore_version": "0.1.0",
    "uptime_in_seconds": 245,
    "connected_clients": 1234,
    "instantaneous_ops_per_sec": 56789,
    "used_memory_human": "31.17M",
}


def screen(view: View, width: int = 100, height: int = 30, problem: str = "") -> list[str]:
    """The lines of a terminal, without what is blank at their ends."""
    console = Console(file=StringIO(), width=width, height=height)
    console.print(render(view, "127.0.0.1:6379", height, problem))
    assert isinstance(console.file, StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


# What it shows


def test_shows_barriers_and_who_waits():
    view = View(INFO, [barrier(), barrier("later", waiting_s=99)], [waiter(9, name="worker"), *barrier().waiters])

    assert screen(view) == [
        "respstore 0.1.0 at 127.0.0.1:6379, up 4 min 5 s",
        "clients: 1,234 (3 waiting)   ops/s: 56,789   memory: 31.17M",
        "",
        "barrier   db   epoch   arrived   missing      waiting",
        "─────────────────────────────────────────────────────",
        "later     0    3       2 of 4    1, 2      1 min 39 s",
        "epoch     0    3       2 of 4    1, 2          12.3 s",
        "",
        "client   name        address       command   db   keys    member   waiting",
        "──────────────────────────────────────────────────────────────────────────",
        "9        worker      127.0.0.1:9   blpop     0    q                  1.0 s",
        "7        trainer-0   127.0.0.1:7   barrier   0    epoch   0         12.3 s",
        "8                    127.0.0.1:8   barrier   0    epoch   3          1.0 s",
        "q quits",
    ]


def test_shows_that_nobody_waits():
    assert screen(View(INFO, [], []))[1].startswith("clients: 1,234 (0 waiting)")


def test_says_in_a_line_that_the_server_is_gone():
    lines = screen(View(INFO, [barrier()], []), width=40, problem="Connection refused. " * 10)

    assert lines[2] == "no answer, trying again: Connection ref…"
    assert lines[3] == ""


def test_takes_no_name_for_colours_or_the_movements_of_a_cursor():
    text = "\n".join(screen(View(INFO, [barrier("[red]x\x1b[2J")], [waiter(1, name="[/]")])))

    assert "[red]x\\x1b[2J" in text
    assert "[/]" in text


@pytest.mark.parametrize("height", [10, 12, 24, 50])
@pytest.mark.parametrize(("barriers", "waiters"), [(0, 0), (1, 1000), (1000, 1), (1000, 1000), (3, 3)])
def test_fills_no_more_than_a_screen(height, barriers, waiters):
    found = [barrier(f"b{number}") for number in range(barriers)]
    view = View(INFO, found, [waiter(number) for number in range(waiters)])

    for problem in ("", "gone"):
        lines = screen(view, height=height, problem=problem)

        assert len(lines) <= max(height, 12)
        assert lines[-1] == "q quits"


def test_says_how_many_more_there_are():
    view = View(INFO, [barrier(f"b{number}") for number in range(1000)], [waiter(number) for number in range(50)])

    lines = screen(view, height=24)

    more = [line for line in lines if line.endswith(" more")]
    assert more == ["994 more", "43 more"]


def test_a_narrow_screen_cuts_names_and_not_times():
    view = View(INFO, [barrier("x" * 100)], [waiter(1, name="y" * 100, keys=["z" * 100], waiting_s=245)])

    lines = screen(view, width=60)

    assert max(map(len, lines)) <= 60
    assert any(line.endswith(" 12.3 s") for line in lines)
    assert any(line.endswith(" 4 min 5 s") for line in lines)


# How it goes on


TOP = """
import signal, sys
from respstore.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have us started without
sys.exit(main(["top", sys.argv[1]]))
"""


@contextlib.contextmanager
def running(port: int) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """`respstore top` in a terminal of which we have the other end."""
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (30, 120))
    with subprocess.Popen(
        [sys.executable, "-c", TOP, str(port)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=ROOT,
        env={**os.environ, "TERM": "xterm"},
    ) as process:
        try:
            yield process, ours
        finally:
            process.kill()
            os.close(ours)
            os.close(theirs)


def read_until(terminal: int, text: bytes) -> None:
    """The end of the test comes first if it never shows."""
    shown = b""
    while text not in shown:
        shown += os.read(terminal, 65536)


@pytest.mark.slow
def test_refreshes_until_q_and_waits_for_a_server_that_goes_away():
    with Server() as server, running(server.port) as (process, terminal):
        read_until(terminal, b"clients: ")

        with parked(server, ("BARRIER", "first-epoch", 3)):  # type: ignore[arg-type]
            read_until(terminal, b"first-epoch")
        server.close()
        read_until(terminal, b"no answer, trying again: ")

        with Server(port=server.port) as again, parked(again, ("BARRIER", "second-epoch", 3)):  # type: ignore[arg-type]
            read_until(terminal, b"second-epoch")
            before = termios.tcgetattr(terminal)
            os.write(terminal, b"xq")
            assert process.wait(PATIENCE) == 0
            assert before[3] & termios.ECHO == 0
            assert termios.tcgetattr(terminal)[3] & termios.ECHO


@pytest.mark.slow
def test_ends_at_ctrl_c():
    with Server() as server, running(server.port) as (process, terminal):
        read_until(terminal, b"q quits")

        process.send_signal(signal.SIGINT)

        assert process.wait(PATIENCE) == 0


@pytest.mark.slow
def test_says_in_a_line_why_it_does_not_start():
    with holding(listens=False) as sock:
        port = sock.getsockname()[1]
        with running(port) as (process, terminal):
            read_until(terminal, b"respstore top: 127.0.0.1:%d: " % port)
            assert process.wait(PATIENCE) == 1


def test_needs_a_terminal(capsys):
    with served() as address:
        assert main(["top", str(address.port)]) == 2

    assert capsys.readouterr() == ("", "respstore top: this is no terminal; see respstore barriers\n")


@pytest.mark.parametrize("arguments", [["1", "2"], ["--json"]])
def test_takes_one_address(capsys, arguments):
    assert main(["top", *arguments]) == 2
    assert capsys.readouterr().err.startswith("respstore top: one address, please: PORT, ")
