"""The one task that lets time pass for an engine: ten ticks a second, and one at each deadline of a waiting client."""

import logging
from typing import Final

import trio

from respstore.engine.engine import Engine
from respstore.server.backends import Backends

logger = logging.getLogger("respstore")

TICK_SECONDS: Final = 0.1
MARGIN_SECONDS: Final = 1e-6
"""Added to each wake-up: whoever wakes a rounding error too early would go back to sleep for no time at all."""


async def run_timers(engine: Engine, backend: Backends) -> None:
    """Tick until cancelled.

    Args:
        engine: whose time it is.
        backend: sends what a tick made, and closes what has been stuck for too long.
    """
    monotonic = engine.system.monotonic
    sleep = trio.CancelScope()

    def loop_time(moment: float) -> float:
        return trio.current_time() + (moment - monotonic()) + MARGIN_SECONDS

    def rearm(deadline: float) -> None:
        sleep.deadline = min(sleep.deadline, loop_time(deadline))

    engine.waiting.rearm = rearm
    next_tick = monotonic()
    # Trio notes in a scope those within. One that is no other task's has one at a time, for which it needs no memory.
    with trio.CancelScope():
        while True:
            now = monotonic()
            soonest: float | None = None
            try:
                if now >= next_tick:
                    next_tick += TICK_SECONDS
                    if next_tick <= now:  # the process stood still: what was missed is not made up for
                        next_tick = now + TICK_SECONDS
                    engine.tick()
                    backend.drop_stuck()
                else:
                    engine.between_ticks()
                soonest = engine.next_deadline()
            except Exception:
                logger.exception("bug: a tick was cut short")
            backend.flush_touched()
            wake = next_tick if soonest is None else min(soonest, next_tick)
            sleep = trio.CancelScope(deadline=loop_time(wake))
            with sleep:
                await trio.sleep_forever()
