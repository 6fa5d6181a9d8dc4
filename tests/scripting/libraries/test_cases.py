"""Each library answers as the one of this name that Redis has."""

from __future__ import annotations

import pytest

from tests.scripting.libraries.cases import load
from tests.scripting.libraries.conftest import Run


@pytest.mark.parametrize(("source", "expected"), [(source, expected) for _, source, expected in load()])
def test_a_library_answers_as_that_of_redis(lua: Run, source: str, expected: str) -> None:
    assert lua(source) == expected
