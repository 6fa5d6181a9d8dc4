"""How the data comes back when a server starts: bit by bit, while clients are told to wait and others are served."""

import logging
from typing import Final, Protocol

import trio

from respstore.engine.engine import Engine
from respstore.engine.system import Loaded

__all__ = ["Loaded", "LogReport", "Report", "load"]

logger = logging.getLogger("respstore")

SLICE_SECONDS: Final = 0.01
"""How long it loads before others get a turn."""
PATIENCE_SECONDS: Final = 1.0
"""How long it loads before it tells how far it is."""


class Report(Protocol):
    """Where to tell how far loading is.

    Attributes:
        seconds: how often that is to be done.
    """

    seconds: float

    def tell(self, loaded: Loaded) -> None:
        """So far it is."""

    def end(self) -> None:
        """It goes no further."""


class LogReport:
    """Tells the log."""

    seconds = 1.0

    def tell(self, loaded: Loaded) -> None:
        """Write a line."""
        percent = 100 * loaded.at // max(loaded.size, 1)
        logger.info("loading the data: %d keys so far, %d %% of %d bytes", loaded.keys, percent, loaded.size)

    def end(self) -> None:
        """Write nothing: whether there is all data now is in the log anyway."""


async def load(engine: Engine, stopping: trio.Event, report: Report) -> None:
    """Load the data that was saved, if there is any; from the append-only file, if there shall be one.

    Args:
        engine: gets it.
        stopping: set if the server is to end before the data is there.
        report: told how far it is, if it takes longer than `PATIENCE_SECONDS`.

    Raises:
        OSError: it cannot be read; then it is not whole, and must not be saved. Or it could not be written down later.
    """
    append_only = engine.append_only if engine.config.appendonly else None
    found = engine.system.disk.load(engine.keyspace) if append_only is None else append_only.load()
    if found is None:
        if append_only is not None:
            if engine.system.disk.load(engine.keyspace) is not None:
                logger.warning(
                    "appendonly is yes and there is no append-only file: the data begins empty; %s is not loaded, and "
                    "overwritten when the data is saved. To take it over, start without appendonly and switch it on by "
                    "CONFIG SET appendonly yes",
                    engine.config.dbfilename,
                )
            append_only.start()
        return
    loaded, steps = found
    snapshots, monotonic = engine.snapshots, engine.system.monotonic
    snapshots.begin_loading(loaded)
    started = sliced = monotonic()
    next_report = started + PATIENCE_SECONDS
    try:
        for _ in steps:
            if monotonic() - sliced > SLICE_SECONDS:
                await trio.lowlevel.checkpoint()
                if stopping.is_set():
                    return
                sliced = monotonic()
                if sliced >= next_report:
                    report.tell(loaded)
                    next_report = sliced + report.seconds
    finally:
        report.end()
    if append_only is not None:
        append_only.start()
    snapshots.end_loading()
    logger.info(
        "the data is loaded: %d keys, and %d that had expired, in %.3f s",
        *(loaded.keys, loaded.expired, monotonic() - started),
    )
