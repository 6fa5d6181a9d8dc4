"""Tests that ask for `use_poller` run on both backends."""

import resource
import select

import pytest

collect_ignore = [] if hasattr(select, "epoll") else ["test_poller.py"]


@pytest.fixture(
    params=[True, False] if hasattr(select, "epoll") else [False], ids=lambda on: "poller" if on else "streams"
)
def use_poller(request) -> bool:
    return request.param


@pytest.fixture
def many_files():
    """A test with thousands of sockets needs more files than systems give to a process by default."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)
