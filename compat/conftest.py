"""Both servers, started once for all comparisons, and started again when one of them has died."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from compat.redis.harness import Harness


@pytest.fixture(scope="session")
def harness() -> Iterator[Harness]:
    """The two servers of this test run; at the end, what was compared goes into compat/README.md."""
    with Harness() as harness:
        yield harness
