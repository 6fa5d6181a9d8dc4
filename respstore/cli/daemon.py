"""A server in the background, and what tells others of it: `daemonize`, `supervised`, `pidfile`."""

import contextlib
import logging
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from respstore.config import Config

logger = logging.getLogger("respstore")

USUAL_PIDFILE: Final = "/var/run/redis.pid"
"""Where a server in the background writes its number if nothing else is said, as Redis does."""


def go_into_background() -> None:
    """Go on in a child process that no terminal and no shell knows, whose standard output this process passes on.

    Only the child comes back from here. It calls `let_go` once it serves: until then this process waits, and ends with
    the status 1 if the child ended first.
    """
    ours, theirs = os.pipe()
    if os.fork():
        os.close(theirs)
        with os.fdopen(ours) as pipe:
            text = pipe.read()
        sys.stdout.write(text)
        sys.stdout.flush()
        os._exit(0 if text else 1)
    os.close(ours)
    os.setsid()
    os.dup2(theirs, 1)
    os.close(theirs)
    with open(os.devnull) as null:  # noqa: PTH123 - a descriptor, not a file
        os.dup2(null.fileno(), 0)


def let_go() -> None:
    """The server serves: the process that started it may end, and nothing more is written to its terminal."""
    with open(os.devnull, "w") as null:  # noqa: PTH123 - a descriptor, not a file
        os.dup2(null.fileno(), 1)
        os.dup2(null.fileno(), 2)


def tell_supervisor(config: Config, state: str) -> None:
    """Tell systemd that the server is `READY=1` or `STOPPING=1`, if `supervised` says that it wants to know."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if config.supervised not in ("systemd", "auto"):
        return
    if not path:
        if config.supervised == "systemd":
            logger.warning("systemd supervision requested, but NOTIFY_SOCKET is not set")
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notice:
        try:
            notice.sendto(state.encode(), f"\0{path[1:]}" if path.startswith("@") else path)
        except OSError as error:
            logger.warning("cannot tell systemd %s: %s", state, error.strerror)


@contextlib.contextmanager
def pidfile(config: Config) -> Iterator[None]:
    """Keep the number of this process in `pidfile`, if there is one, as long as the server runs.

    A file that cannot be written is no reason not to serve, as for Redis.
    """
    name = config.pidfile or (USUAL_PIDFILE if config.daemonize else "")
    path = Path(config.dir, name) if name else None
    if path is not None:
        try:
            path.write_text(f"{os.getpid()}\n")
        except OSError as error:
            logger.warning("cannot write the pid file %s: %s", path, error.strerror)
            path = None
    try:
        yield
    finally:
        if path is not None:
            with contextlib.suppress(OSError):
                path.unlink()
