"""The one task that lets time pass for an engine: ten ticks a second, and one at each deadline of a waiting client."""

from collections.abc import Callable
from typing import Final

import trio

from respstore.engine.engine import Engine

TICK_SECONDS: Final = 0.1


async def run_timers(engine: Engine, flush: Callable[[], None]) -> None:
    """Tick until cancelled.

    Args:
        engine: whose time it is.
        flush: sends what a tick made.
    """
    monotonic = engine.system.monotonic
    sleep = trio.CancelScope()

    def rearm(deadline: float) -> None:
        sleep.deadline = min(sleep.deadline, trio.current_time() + deadline - monotonic())

    engine.waiting.rearm = rearm
    next_tick = monotonic()
    while True:
        now = monotonic()
        if now >= next_tick:
            engine.tick()
            next_tick = max(next_tick + TICK_SECONDS, now)
        else:
            engine.between_ticks()
        flush()
        soonest = engine.next_deadline()
        wake = next_tick if soonest is None else min(soonest, next_tick)
        sleep = trio.CancelScope(deadline=trio.current_time() + wake - monotonic())
        with sleep:
            await trio.sleep_forever()
