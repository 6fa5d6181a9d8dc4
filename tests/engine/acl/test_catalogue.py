"""Names of commands and categories, as rules say them."""

import pytest

from respstore.commands import TABLE
from respstore.engine.acl.catalogue import Catalogue
from respstore.engine.categories import CATEGORIES


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue(TABLE)


def test_it_knows_commands_and_subcommands(catalogue: Catalogue) -> None:
    for name in (b"get", b"GET", b"config", b"Config|Get"):
        found = catalogue.find(name)
        assert found is not None
        assert found.name == name.decode().lower()
    for name in (b"", b"nosuch", b"config|nosuch", b"get|", b"config|", b"\xff"):
        assert catalogue.find(name) is None
    assert {"get", "config", "config|get"} <= catalogue.everything


def test_a_container_comes_before_its_subcommands(catalogue: Catalogue) -> None:
    names = [record.name for record in catalogue]
    assert len(names) == len(catalogue.everything)
    assert all(names.index(name.partition("|")[0]) <= names.index(name) for name in names)


def test_a_container_stands_for_its_subcommands(catalogue: Catalogue) -> None:
    config, get = catalogue.find(b"config"), catalogue.find(b"config|get")
    assert config is not None
    assert get is not None
    assert catalogue.family(config) >= {"config", "config|get", "config|set"}
    assert catalogue.family(get) == {"config|get"}


def test_a_rule_about_a_category_changes_the_subcommands_of_its_containers(catalogue: Catalogue) -> None:
    assert "c10d|join" not in catalogue.members("slow")
    assert {"c10d", "c10d|join"} <= catalogue.families("slow")
    assert catalogue.families("string") == catalogue.members("string") >= {"get", "set"}


def test_every_command_is_in_a_category(catalogue: Catalogue) -> None:
    assert catalogue.everything == frozenset().union(*map(catalogue.members, CATEGORIES))
