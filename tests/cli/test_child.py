"""The child process of an embedded server; what its parent sees of it is tested in tests/server/test_embedded.py."""

import logging
import os
import pickle
import socket
import threading

import pytest

from respstore.cli import child
from respstore.cli.child import ParentWatch, main
from respstore.exceptions import PortInUseError
from tests.cli.programs import PATIENCE
from tests.ports.strangers import holding
from tests.server.serving import make_config


@pytest.fixture
def logger(monkeypatch) -> None:
    """Not the log of this process: a child never closes its own."""
    monkeypatch.setattr(child, "logger", logging.getLogger("child"))


@pytest.fixture
def ended(monkeypatch) -> threading.Event:
    """Set when this process would have ended."""
    ended = threading.Event()
    monkeypatch.setattr(child, "LOOK_SECONDS", 0.001)
    monkeypatch.setattr(child, "GRACE_SECONDS", 0)
    monkeypatch.setattr(os, "_exit", lambda status: ended.set())
    return ended


def test_ends_when_there_is_another_parent_or_none(ended):
    ParentWatch(os.getpid())

    assert ended.wait(PATIENCE)


def test_stops_gracefully_first_and_ends_even_if_that_does_not_work(ended, monkeypatch):
    parents = [1]
    monkeypatch.setattr(os, "getppid", lambda: parents[-1])
    steps: list[bool] = []
    watch = ParentWatch(1)
    watch.stop = lambda: steps.append(ended.is_set())

    parents.append(2)

    assert ended.wait(PATIENCE)
    assert steps == [False]


def test_tells_its_parent_why_it_does_not_serve(logger, monkeypatch):
    monkeypatch.setattr("respstore.ports.listening.ANSWER_LIMIT", 0.01)
    ours, theirs = socket.socketpair()
    with ours, holding() as holder:
        port = holder.getsockname()[1]
        ours.sendall(pickle.dumps(make_config(port=port)))

        main(theirs, ParentWatch(os.getppid()))

        error = pickle.loads(ours.recv(65536))
    assert isinstance(error, PortInUseError)
    assert error.port == port


def test_a_parent_that_is_gone_need_not_be_told(logger):
    ours, theirs = socket.socketpair()
    with holding() as holder:
        ours.sendall(pickle.dumps(make_config(bind=(), port=holder.getsockname()[1])))
        ours.close()

        main(theirs, ParentWatch(os.getppid()))
