"""An engine and a session for tests that need one of each; see talk.py."""

import gc

import pytest
from hypothesis import settings

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from tests.talk import make_engine

# Hypothesis's own time limit for an example, 0.2 s, would fail tests on a machine that is busy with others.
settings.register_profile("respstore", deadline=None)
settings.load_profile("respstore")

ENGINES_OBJECTS = 50_000
"""Containers that some dozens of engines are made of."""


def pytest_collection_finish() -> None:
    """Spare the collector what lasts as long as the run: ten thousand tests, and the modules that they import.

    An engine is thrown away in a cycle, so that there is much to collect; it would look at all that each time. And it
    need not do so twice while one engine is made.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(ENGINES_OBJECTS, 5, 5)


@pytest.fixture
def engine() -> Engine:
    return make_engine()


@pytest.fixture
def session(engine: Engine) -> Session:
    return Session(engine)
