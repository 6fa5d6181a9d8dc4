"""To take from a queue within a time limit, on any server.

BLPOP waits, but stock servers look at their clocks ten times a second: they answer a tenth of a second late, while a
client that gave up and hung up sooner could lose the item that came just then. So BLPOP is told a time that ends
earlier, and for the rest the queue is looked at again and again.
"""

import itertools
from time import monotonic, sleep
from typing import Final

from respstore.store.connection import pack
from respstore.store.link import Link
from respstore.store.operations import Name, answer, seconds
from respstore.store.portable import pauses

LATE_SECONDS: Final = 0.15
"""How late a server may answer a BLPOP, at most."""

SHORTEST_WAIT: Final = 0.05
"""A shorter wait is not worth a BLPOP of its own."""


def pop(link: Link, name: Name, limit: float) -> bytes | None:
    """Take the first item of a queue, which is waited for.

    Args:
        link: the way to the server.
        name: the queue.
        limit: seconds.

    Returns:
        The item; None when the time is over.

    Raises:
        StoreConnectionError: the server was lost, perhaps with an item under way.
    """
    start = monotonic()
    if limit - LATE_SECONDS > SHORTEST_WAIT:

        def packed(left: float, was_executed: bool = False) -> bytes:
            return pack(("BLPOP", name, seconds(max(left - LATE_SECONDS, 0.0))))

        pair = answer(link.call(packed(limit), limit, repeatable=False, repack=packed, key=name))
        if pair is not None:
            item: bytes = pair[1]
            return item
    request = pack(("LPOP", name))
    for pause in itertools.chain([0.0], pauses(limit - (monotonic() - start))):
        sleep(pause)
        left = max(limit - (monotonic() - start), 0.0)
        found: bytes | None = answer(link.call(request, left, repeatable=False, key=name))
        if found is not None:
            return found
    return None
