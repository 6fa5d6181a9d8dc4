"""The table of options is sound, whoever adds a row. Whether it is Redis's, compat/ compares."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import respstore
from respstore.config import Config
from respstore.config.options import BY_NAME, OPTIONS, Option, Support, When
from respstore.server import tls


def test_names_are_told_apart() -> None:
    names = [row.name for row in OPTIONS] + [row.alias for row in OPTIONS if row.alias]
    assert len(names) == len(set(names)) == len(BY_NAME)
    assert len({row.attribute for row in OPTIONS}) == len(OPTIONS)


@pytest.mark.parametrize("row", OPTIONS, ids=lambda row: row.name)
def test_a_default_is_a_value_of_its_kind(row: Option) -> None:
    default = getattr(Config(), row.attribute)
    assert row.kind.parse([row.kind.text(default)], default) == default


def test_the_name_is_the_attribute_with_hyphens_or_says_why_not() -> None:
    odd = [row.name for row in OPTIONS if row.name != row.attribute.replace("_", "-")]
    assert odd == ["server_cpulist", "bio_cpulist", "aof_rewrite_cpulist", "bgsave_cpulist"]


def test_only_what_works_is_carried_out_by_the_server() -> None:
    names = {row.name for row in OPTIONS if row.when is When.BY_SERVER}
    assert {name for name in names if not name.startswith("tls-")} == {
        *("bind", "port"),
        *("oom-score-adj", "oom-score-adj-values"),
    }
    assert names >= {"tls-port", *tls.OPTIONS}
    assert all(row.support is Support.WORKS for row in OPTIONS if row.when is When.BY_SERVER)


# The places where a default is not that of redis-server 7.0.15 without a file; see the head of options.py.
def test_a_fresh_server_serves_only_its_own_machine_and_saves_as_redis_does() -> None:
    config = Config()
    assert config.bind == ("127.0.0.1", "-::1")
    assert config.get_text("save") == "3600 1 300 100 60 10000"


def test_what_works_has_a_user_and_nothing_else_has() -> None:
    """So that nobody is told that an option has no effect when it has one, or the other way round."""
    known = {
        "hz": "INFO shows it",
        "repl-backlog-size": "INFO shows it",
        "cluster-enabled": "INFO shows it",
        "enable-debug-command": "its name is put together",
        "enable-module-command": "its name is put together",
    }
    used = set(names_in_code())
    different = {
        row.name for row in OPTIONS if (row.attribute in used or row.name in used) != (row.support is Support.WORKS)
    }
    assert different == set(known)


def names_in_code() -> Iterator[str]:
    """Attributes and texts in the whole package, but for the folder where options are declared."""
    package = Path(respstore.__file__).parent
    for path in package.rglob("*.py"):
        if package / "config" not in path.parents:
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Attribute):
                    yield node.attr
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value
