"""maxmemory-clients: what is held for clients together, and whose connection is closed when that is too much.

Those go first that take most: not the largest itself, which would take a look at all clients again and again, but one
of the largest class, each of which takes up to twice as much as the one below it, as in Redis
(https://redis.io/docs/latest/develop/reference/clients/). CLIENT NO-EVICT spares a client, and what it takes.

Redis looks at each command whether it is too much; here that is done ten times a second.
"""

import logging
from typing import TYPE_CHECKING, Final

from respstore.config import Config

if TYPE_CHECKING:
    from respstore.engine.engine import Engine
    from respstore.engine.session import Session

logger = logging.getLogger("respstore")

SMALLEST_LIMIT: Final = 128 * 1024
"""What is configured counts as at least so many bytes: nobody could talk to a server with less."""
SMALLEST_CLASS: Final = 15
LARGEST_CLASS: Final = 33
"""A class is the number of bits of a client's bytes; what is smaller or larger is of the smallest or largest class."""


def clients_limit(config: Config) -> int:
    """How many bytes may be held for clients together, 0 for any number."""
    limit = config.maxmemory_clients
    if limit < 0:  # a share of maxmemory, in per cent
        limit = config.maxmemory * -limit // 100
    return max(limit, SMALLEST_LIMIT) if limit else 0


def clients_by_class(engine: "Engine") -> dict[int, dict["Session", int]]:
    """The clients that may be closed to save memory, in classes, and what each of them takes."""
    classes: dict[int, dict[Session, int]] = {number: {} for number in range(SMALLEST_CLASS, LARGEST_CLASS + 1)}
    for session in engine.sessions.values():
        if not session.no_evict:
            size = session.memory()
            classes[min(max(size.bit_length(), SMALLEST_CLASS), LARGEST_CLASS)][session] = size
    return classes


def evict_clients(engine: "Engine") -> None:
    """Close connections until what is held for the others is within the limit."""
    limit = clients_limit(engine.config)
    if not limit:
        return
    classes = clients_by_class(engine)
    excess = sum([sum(clients.values()) for clients in classes.values()]) - limit
    for number in reversed(classes):
        for session, size in classes[number].items():
            if excess <= 0:
                return
            logger.warning("closing client %s: clients take more than maxmemory-clients", session.describe())
            session.abort()
            engine.statistics.evicted_clients += 1
            excess -= size
