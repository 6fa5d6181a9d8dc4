"""The limit of open files is raised as far as it is needed and permitted, and tells how many clients there may be."""

import resource

import pytest

from respstore.cli.limits import RESERVED_FILES, allow_clients

UNLIMITED = resource.RLIM_INFINITY


class System:
    """A system with its limits of open files, and the highest that it lets one set as soft and as hard limit."""

    def __init__(self, limits: tuple[int, int], may_set: int) -> None:
        self.limits = limits
        self.may_set = may_set

    def getrlimit(self, which: int) -> tuple[int, int]:
        assert which == resource.RLIMIT_NOFILE
        return self.limits

    def setrlimit(self, which: int, limits: tuple[int, int]) -> None:
        assert which == resource.RLIMIT_NOFILE
        soft, hard = limits
        if hard != UNLIMITED and soft > hard:
            raise ValueError("not allowed to exceed the hard limit")
        if soft > self.may_set or (hard != self.limits[1] and (hard == UNLIMITED or hard > self.may_set)):
            raise PermissionError(1, "Operation not permitted")
        self.limits = limits


@pytest.mark.parametrize(
    ("before", "may_set", "clients", "after"),
    [
        pytest.param((20000, 20000), 20000, 10000, (20000, 20000), id="enough"),
        pytest.param((UNLIMITED, UNLIMITED), 10**9, 10000, (UNLIMITED, UNLIMITED), id="unlimited"),
        pytest.param((1024, 20000), 20000, 10000, (10032, 20000), id="within the hard limit"),
        pytest.param((1024, UNLIMITED), 10**9, 10000, (10032, UNLIMITED), id="no hard limit"),
        pytest.param((1024, 4096), 10**9, 10000, (10032, 10032), id="root raises the hard limit"),
        pytest.param((1024, 4096), 4096, 4064, (4096, 4096), id="as far as the hard limit"),
        pytest.param((256, UNLIMITED), 256, 224, (256, UNLIMITED), id="not at all"),
        pytest.param((30, 30), 30, -2, (30, 30), id="not even one"),
    ],
)
def test_allows_as_many_clients_as_the_system_does(monkeypatch, before, may_set, clients, after):
    system = System(before, may_set)
    monkeypatch.setattr(resource, "getrlimit", system.getrlimit)
    monkeypatch.setattr(resource, "setrlimit", system.setrlimit)

    assert allow_clients(10000) == clients
    assert system.limits == after


def test_the_limit_of_this_process_is_enough_for_a_client():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)

    assert allow_clients(1) == 1
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == before
    assert before[0] > RESERVED_FILES
