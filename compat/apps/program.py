"""How the Python programs of this folder run: `python -m compat.apps.rq_app PORT` goes through its chapters.

A chapter is a function of a client; it starts on an empty server, and what is not as it should be ends the program with
an error. Each chapter that is done prints its name.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import redis

Chapter = Callable[[redis.Redis], None]


def url() -> str:
    """The server's URL, by the port on the command line."""
    return f"redis://127.0.0.1:{int(sys.argv[1])}/0"


def run(*chapters: Chapter) -> None:
    with redis.Redis.from_url(url()) as client:
        for chapter in chapters:
            client.flushall()
            chapter(client)
            print(chapter.__name__)
