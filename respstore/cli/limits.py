"""How many files the process may have open, which bounds how many clients it can serve."""

import resource
from typing import Final

RESERVED_FILES: Final = 32
"""Files that are no connections: listening sockets, the log, what Python itself has open (Redis keeps as many)."""


def allow_clients(count: int) -> int:
    """Raise the limit of open files so that a number of clients can be connected at a time, if the system lets us.

    Returns:
        How many can, at most `count`; less than 1 if not even one can.
    """
    needed = count + RESERVED_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return count
    within = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    for limits in ((needed, hard if needed == within else needed), (within, hard)):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        except (OSError, ValueError):
            continue
        soft = limits[0]
        break
    return min(count, soft - RESERVED_FILES)
