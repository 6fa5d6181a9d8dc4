"""The libraries alone, in an interpreter that nothing else closes in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from lupa.lua51 import LuaRuntime

from respstore.scripting.libraries import install
from tests.scripting.libraries.cases import SHOW

Run = Callable[..., str]


@pytest.fixture(scope="session")
def lua() -> Run:
    """Runs a chunk with arguments; what it returns is shown in one line, as is an error."""
    runtime = LuaRuntime(encoding=None, register_eval=False, register_builtins=False, max_memory=64 * 1024**2)
    libraries = install(runtime, runtime.table())
    for name in libraries:
        runtime.globals()[name] = libraries[name]
    run = runtime.execute(SHOW.encode() + b"return run")

    def call(text: str, *arguments: bytes) -> str:
        return run(text.encode(), *arguments).decode("latin-1")

    return call
