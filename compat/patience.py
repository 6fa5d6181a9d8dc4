"""How tests wait for what other threads and processes bring about: they look, again and again.

Nothing there tells us when; so this is the one place where a test sleeps, for moments, and gives up after long.
"""

import time
from collections.abc import Callable

PATIENCE_SECONDS = 60.0
"""For what happens at once on an idle machine."""
PAUSE_SECONDS = 0.005


class ImpatientError(AssertionError):
    """It did not happen."""


def until(
    condition: Callable[[], object],
    what: str = "it",
    *,
    seconds: float = PATIENCE_SECONDS,
    despite: tuple[type[Exception], ...] = (),
) -> None:
    """Wait until something holds.

    Args:
        condition: looks.
        what: for the error.
        seconds: how long to wait at most.
        despite: exceptions of `condition` that mean no more than: not yet.

    Raises:
        ImpatientError: it did not come to hold.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except despite:
            pass
        time.sleep(PAUSE_SECONDS)
    raise ImpatientError(f"{what} did not happen within {seconds:g} s")
