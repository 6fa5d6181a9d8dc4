"""An engine and a session for tests that need one of each; see talk.py."""

import pytest

from respstore.engine.engine import Engine
from respstore.engine.session import Session
from tests.talk import make_engine


@pytest.fixture
def engine() -> Engine:
    return make_engine()


@pytest.fixture
def session(engine: Engine) -> Session:
    return Session(engine)
