"""Generated commands bring about the same keyspace events on both servers, in the same order.

A listener hears of every change: once on both kinds of channels, once of misses and new keys, too.
"""

from __future__ import annotations

import pytest

from compat.redis.harness import Harness
from compat.redis.strategies import DATA, Step
from compat.redis.test_generated import LONG, commands, compare

AMOUNT = 50_000 if LONG else 2_500
CLASSES = ("KEg$lshzt", "Eg$lshztmn")
"""Not `x`: when a key is found to have expired is each server's own affair."""
OTHERS = {"multi", "exec", "watch", "discard"}


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("classes", CLASSES)
def test_same_events(harness: Harness, classes: str) -> None:
    listen: list[Step] = [
        ("L", [(b"CONFIG", b"SET", b"notify-keyspace-events", classes.encode())]),
        ("L", [(b"PSUBSCRIBE", b"__key*")]),
    ]

    compare(harness, 2, commands(harness) & (DATA.keys() | OTHERS), AMOUNT, listen)
