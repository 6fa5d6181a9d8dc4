"""How these tests wait for what happens in other threads and processes."""

import time
from collections.abc import Callable

PATIENCE_SECONDS = 60.0
"""For what happens at once on an idle machine."""


def until(condition: Callable[[], object]) -> None:
    """Until something holds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)
