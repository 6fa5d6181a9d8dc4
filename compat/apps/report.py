"""The section of compat/README.md that says which libraries run."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

from compat.report import markdown_table

FOLDER = Path(__file__).parent
PROGRAMS = sorted([*FOLDER.glob("*_app.py"), *FOLDER.glob("*_app.js")])

LIBRARIES = {
    "bee_queue_app": ["bee-queue"],
    "bottleneck_app": ["bottleneck"],
    "bullmq_app": ["bullmq"],
    "celery_app": ["celery"],
    "channels_redis_app": ["channels_redis"],
    "connect_redis_app": ["connect-redis"],
    "django_app": ["Django"],
    "dramatiq_app": ["dramatiq"],
    "huey_app": ["huey"],
    "ioredis_app": ["ioredis"],
    "ioredis_scripts_app": ["ioredis"],
    "limits_app": ["limits"],
    "locks_app": ["redis", "python-redis-lock"],
    "node_redis_app": ["redis"],
    "rate_limiter_app": ["rate-limiter-flexible"],
    "redlock_app": ["@sesamecare-oss/redlock", "redis-semaphore"],
    "rq_app": ["rq"],
}
"""The packages that each program is about, of npm or PyPI."""


def section() -> str:
    """A table of all programs: the libraries at the versions that are installed, and what the programs do with them."""
    rows = [
        [libraries(program), ", ".join(name.replace("_", " ") for name in chapters(program))] for program in PROGRAMS
    ]
    return "\n\n".join(
        [
            "In the last whole run these did the same on respstore and on redis-server:",
            markdown_table(["library", "what it was used for"], rows),
        ]
    )


def libraries(program: Path) -> str:
    names = LIBRARIES[program.stem]
    if program.suffix == ".py":
        return ", ".join(f"{name} {version(name)}" for name in names)
    versions = json.loads((FOLDER / "package.json").read_text())["dependencies"]
    return ", ".join(f"{name} {versions[name]} (Node)" for name in names)


def chapters(program: Path) -> list[str]:
    """The functions that a program goes through, in order; it prints the name of each when it is done."""
    before, after = (" run(", ")") if program.suffix == ".py" else ("const chapter of [", "]")
    return program.read_text().partition(before)[2].partition(after)[0].split(", ")
