"""Commands about the server itself that belong to no family: time, shutdown, and a picture.

https://redis.io/docs/latest/commands/?group=server
"""

import logging
from random import Random
from typing import Any, Final

from respstore import errors
from respstore.engine import REDIS_VERSION
from respstore.engine.arguments import integer
from respstore.engine.command import command
from respstore.engine.session import Session
from respstore.errors import RespError
from respstore.protocol.replies import NO_REPLY, OK, Special, Verbatim

logger = logging.getLogger("respstore")

MAZE_SIZE: Final = (56, 8)
"""Columns and rows of LOLWUT's picture."""
LARGEST_MAZE: Final = 200
DIAGONALS: Final = "\u2571\u2572"
SIZES_OF_VERSION: Final = {5: 3, 6: 2}
"""How many numbers LOLWUT takes behind the versions that draw in Redis; the first two are columns and rows."""


@command(
    "time",
    group="server",
    since="2.6.0",
    flags="loading stale fast",
    tips="nondeterministic_output",
    complexity="O(1)",
)
def time(session: Session) -> list[bytes]:
    """Answer the time of the server's clock: seconds since 1970, and microseconds beyond."""
    seconds, microseconds = divmod(session.engine.system.wall_clock_us(), 1_000_000)
    return [b"%d" % seconds, b"%d" % microseconds]


@command(
    "shutdown [NOSAVE | SAVE] [NOW]@7.0.0 [FORCE]@7.0.0 [ABORT]@7.0.0",
    group="server",
    since="1.0.0",
    flags="admin noscript loading stale no_multi allow_busy",
    complexity="O(N) when it saves, N the number of keys, else O(1)",
)
def shutdown(session: Session, *options: bytes) -> Special:
    """Stop the server; whoever waits gets an error."""
    flags = {option.decode("latin-1").lower() for option in options}
    if not flags <= {"nosave", "save", "now", "force", "abort"} or flags >= {"save", "nosave"}:
        raise RespError(errors.SYNTAX)
    if "abort" in flags:  # Redis waits for its replicas; here nothing is waited for
        raise RespError(errors.NO_SHUTDOWN if flags == {"abort"} else errors.SYNTAX)
    if session.engine.scripts.is_suspended and "nosave" not in flags:
        raise session.engine.scripts.busy()
    logger.info("stopping as client %s asked", session.describe())
    try:
        session.engine.snapshots.prepare_exit(flags)
    except RespError:
        raise RespError(errors.SHUTDOWN_FAILED) from None
    session.close()
    session.engine.system.stop()
    return NO_REPLY


@command("monitor", group="server", since="1.0.0", flags="admin noscript loading stale")
def monitor(session: Session) -> Any:
    """Show this client all requests that the server runs from now on."""
    monitors = session.engine.monitors
    if session in monitors.sessions:
        return NO_REPLY
    monitors.add(session)
    return OK


@command("lolwut [VERSION version]", group="server", since="5.0.0", flags="readonly fast")
def lolwut(session: Session, *options: bytes) -> Verbatim:
    """Draw something, and say which version of Redis the server behaves like."""
    columns, rows = MAZE_SIZE
    if len(options) > 1 and options[0].upper() == b"VERSION":
        version, *more = options[1:]
        numbers = [integer(word) for word in more[: SIZES_OF_VERSION.get(integer(version), 0)]]
        columns, rows = (*numbers, *MAZE_SIZE[len(numbers) :])[:2]
    maze = _maze(session.engine.random, _limited(columns), _limited(rows))
    return Verbatim(
        b"%b\n\nA maze of two letters, after 10 PRINT, 1982. Redis ver. %b\n" % (maze, REDIS_VERSION.encode())
    )


def _limited(number: int) -> int:
    return min(max(number, 1), LARGEST_MAZE)


def _maze(random: Random, columns: int, rows: int) -> bytes:
    return "\n".join("".join(random.choices(DIAGONALS, k=columns)) for _ in range(rows)).encode()
