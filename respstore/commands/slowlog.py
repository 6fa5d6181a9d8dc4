"""SLOWLOG: the requests that took long. https://redis.io/docs/latest/commands/slowlog/

Which they are, engine/timing.py finds out.
"""

from itertools import islice
from typing import Any, Final

from respstore import errors
from respstore.engine.command import command, container
from respstore.engine.help import help_lines
from respstore.engine.session import Session
from respstore.errors import RespError
from respstore.numbers import parse_integer
from respstore.protocol.replies import OK

SLOWLOG: Final = container("slowlog", summary="Look at the requests that took long.", group="server", since="2.2.12")
USUAL_COUNT: Final = 10


@command(
    "slowlog|get [count:integer]",
    group="server",
    since="2.2.12",
    flags="admin loading stale",
    tips="request_policy:all_nodes nondeterministic_output",
    complexity="O(N) in the number of entries answered",
)
def slowlog_get(session: Session, count: bytes = b"%d" % USUAL_COUNT) -> list[Any]:
    """Answer the latest requests that took long, ten if no number is given; -1 is all of them."""
    most = parse_integer(count)
    if most is None or most < -1:
        raise RespError(errors.SLOWLOG_COUNT)
    log = session.engine.timing.slowlog
    shown = log if most < 0 else islice(log, min(most, len(log)))
    return [[entry.id, entry.time, entry.duration, list(entry.args), entry.peer, entry.name] for entry in shown]


@command(
    "slowlog|len",
    group="server",
    since="2.2.12",
    flags="admin loading stale",
    tips="request_policy:all_nodes response_policy:agg_sum nondeterministic_output",
    complexity="O(1)",
)
def slowlog_len(session: Session) -> int:
    """Count the requests that are kept."""
    return len(session.engine.timing.slowlog)


@command(
    "slowlog|reset",
    group="server",
    since="2.2.12",
    flags="admin loading stale",
    tips="request_policy:all_nodes response_policy:all_succeeded",
    complexity="O(N) in the number of entries",
)
def slowlog_reset(session: Session) -> str:
    """Forget the requests that are kept."""
    session.engine.timing.slowlog.clear()
    return OK


@command("slowlog|help", group="server", since="6.2.0", flags="loading stale", complexity="O(1)")
def slowlog_help(session: Session) -> list[str]:
    """Describe the subcommands of SLOWLOG."""
    return help_lines(session.engine.originals[b"slowlog"].command)
