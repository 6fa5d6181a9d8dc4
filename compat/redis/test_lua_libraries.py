"""What tests/scripting/libraries/cases says of the libraries is what redis-server answers, and respstore, too."""

from __future__ import annotations

import pytest

from compat.redis.harness import Harness
from compat.redis.pair import Side
from tests.scripting.libraries.cases import SHOW, load

SCRIPT = f"{SHOW}return run(ARGV[1])".encode()
CASES = list(load())


@pytest.mark.parametrize("library", sorted({library for library, _, _ in CASES}))
def test_both_servers_answer_as_it_is_written(harness: Harness, library: str) -> None:
    cases = [(source, expected) for name, source, expected in CASES if name == library]
    pair = harness.pair()

    assert [(source, answer(pair.redis, source)) for source, _ in cases] == cases
    assert [(source, answer(pair.respstore, source)) for source, _ in cases] == cases


def answer(side: Side, source: str) -> str:
    return side.ask(b"EVAL", SCRIPT, b"0", source.encode()).text
