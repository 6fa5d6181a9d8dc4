"""Both servers, started once for all comparisons, and started again when one of them has died."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from compat.redis.harness import Harness
from compat.redis.report import is_whole_run, section
from compat.report import write_section


@pytest.fixture(scope="session")
def harness(request: pytest.FixtureRequest) -> Iterator[Harness]:
    """The two servers of this test run; what a whole and successful run has compared goes into compat/README.md."""
    failed_before = request.session.testsfailed
    with Harness() as harness:
        yield harness
        successful = request.session.testsfailed == failed_before
        if successful and is_whole_run(harness) and not harness.is_self_test:
            write_section("redis", section(harness))
