"""How the data comes back when a server starts: bit by bit, while clients are told to wait and others are served."""

import logging
from typing import Final

import trio

from respstore.engine.engine import Engine

logger = logging.getLogger("respstore")

SLICE_SECONDS: Final = 0.01
"""How long it loads before others get a turn."""
REPORT_SECONDS: Final = 1.0
"""How often it tells how far it is."""


async def load(engine: Engine, stopping: trio.Event) -> None:
    """Load the data that was saved, if there is any; from the append-only file, if there shall be one.

    Args:
        engine: gets it.
        stopping: set if the server is to end before the data is there.

    Raises:
        OSError: it cannot be read; then it is not whole, and must not be saved. Or it could not be written down later.
    """
    append_only = engine.append_only if engine.config.appendonly else None
    found = engine.system.disk.load(engine.keyspace) if append_only is None else append_only.load()
    if found is None:
        if append_only is not None:
            append_only.start()
        return
    loaded, steps = found
    snapshots, monotonic = engine.snapshots, engine.system.monotonic
    snapshots.begin_loading()
    started = sliced = reported = monotonic()
    for _ in steps:
        if monotonic() - sliced > SLICE_SECONDS:
            await trio.lowlevel.checkpoint()
            if stopping.is_set():
                return
            sliced = monotonic()
            if sliced - reported > REPORT_SECONDS:
                reported = sliced
                logger.info("loading the data: %d keys so far", loaded.keys)
    if append_only is not None:
        append_only.start()
    snapshots.end_loading(loaded)
    logger.info(
        "the data is loaded: %d keys, and %d that had expired, in %.3f s",
        *(loaded.keys, loaded.expired, monotonic() - started),
    )
