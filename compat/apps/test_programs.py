"""Clients, job queues, caches, locks and limits, unmodified, on both servers; what they do stands in the programs.

The whole table of what has run goes into compat/README.md.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from compat.apps.conftest import SERVERS
from compat.apps.report import LIBRARIES, PROGRAMS, chapters, section
from compat.report import write_section
from compat.servers import REPOSITORY, RunningServer

DEADLINE = 50.0
"""Seconds for a program, which takes one to five on a quiet machine."""


@pytest.fixture(scope="session")
def passed() -> Iterator[list[tuple[str, str]]]:
    """Server and program of each test that has passed; when all have, the table is written."""
    passed: list[tuple[str, str]] = []
    yield passed
    if len(passed) == len(PROGRAMS) * len(SERVERS):
        write_section("apps", section())


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.stem)
def test_an_application_finds_all_as_it_should_be(
    server: RunningServer, program: Path, passed: list[tuple[str, str]]
) -> None:
    node = program.suffix == ".js"
    done = subprocess.run(
        [find_node(), program, str(server.port)]
        if node
        else [sys.executable, "-m", f"compat.apps.{program.stem}", str(server.port)],
        env={"PATH": os.environ["PATH"]} if node else {**os.environ, "PYTHONPATH": str(REPOSITORY)},
        cwd=server.log.parent,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )

    # A promise that is never kept ends Node as well, with a status of its own.
    assert done.returncode == 0, f"after {done.stdout.split()}:\n{done.stderr}"
    assert done.stdout.split() == chapters(program)
    passed.append((server.name, program.stem))


def test_each_program_says_what_it_is_about() -> None:
    assert [program.stem for program in PROGRAMS] == sorted(LIBRARIES)


def find_node() -> str:
    path = shutil.which("node")
    assert path is not None, "node is not in PATH. Debian and Ubuntu have it: apt-get install nodejs npm"
    return path
