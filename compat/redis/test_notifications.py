"""Generated commands bring about the same keyspace events on both servers, in the same order.

A listener hears of every change: once on both kinds of channels, once of misses and new keys, too.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from compat.redis.harness import Harness
from compat.redis.strategies import DATA, Step, examples
from compat.redis.test_generated import LONG, SEED, commands, play

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

    @seed(SEED)
    @settings(
        max_examples=AMOUNT // 40,  # an example has some 60 commands
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(examples(commands(harness) & (DATA.keys() | OTHERS)))
    def compare(steps: list[Step]) -> None:
        play(harness, 2, [*listen, *steps])

    compare()
