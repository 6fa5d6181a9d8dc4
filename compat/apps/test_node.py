"""Node's ioredis and redis (node-redis), unmodified, on both servers; what they do stands in the programs."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from compat.servers import RunningServer

FOLDER = Path(__file__).parent
PROGRAMS = sorted(FOLDER.glob("*_app.js"))
DEADLINE = 50.0
"""Seconds for a program, which takes one or two on a quiet machine."""


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.stem)
def test_an_application_finds_all_as_it_should_be(server: RunningServer, program: Path) -> None:
    done = subprocess.run(
        [find_node(), program, str(server.port)],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )

    # A promise that is never kept ends Node as well, with a status of its own.
    assert done.returncode == 0, f"after {done.stdout.split()}:\n{done.stderr}"
    assert done.stdout.split() == chapters(program)


def test_there_are_programs() -> None:
    assert [program.stem for program in PROGRAMS] == ["ioredis_app", "node_redis_app"]


def chapters(program: Path) -> list[str]:
    """The functions that a program goes through, in order."""
    listed = program.read_text().partition("const chapter of [")[2].partition("]")[0]
    return listed.split(", ")


def find_node() -> str:
    path = shutil.which("node")
    assert path is not None, "node is not in PATH. Debian and Ubuntu have it: apt-get install nodejs npm"
    return path
