"""Generated commands bring about the same invalidations on both servers: pushes, in the same order.

A listener hears of every change, and the clients that make the changes track what they read, each in a way of its own.
"""

from __future__ import annotations

import pytest

from compat.redis.harness import Harness
from compat.redis.strategies import DATA, Step
from compat.redis.test_generated import LONG, commands, compare

AMOUNT = 50_000 if LONG else 2_500
OTHERS = {"multi", "exec", "watch", "discard", "client|caching", "swapdb", "flushdb", "flushall"}
MODES = (("BCAST", "", "NOLOOP"), ("BCAST PREFIX s PREFIX z", "OPTOUT", "BCAST NOLOOP"))
"""How the listener tracks, and the two clients that send most commands."""


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("modes", MODES)
def test_same_invalidations(harness: Harness, modes: tuple[str, str, str]) -> None:
    track: list[Step] = [
        (client, [(b"CLIENT", b"TRACKING", b"ON", *mode.encode().split())])
        for client, mode in zip("LAB", modes, strict=True)
    ]

    compare(harness, 3, commands(harness) & (DATA.keys() | OTHERS), AMOUNT, track)
