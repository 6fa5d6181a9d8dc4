"""ACL categories follow from a command's group and flags."""

import pytest

from respstore.engine.categories import acl_categories


@pytest.mark.parametrize(
    ("group", "flags", "own", "expected"),
    [
        ("string", "readonly fast", None, "string read fast"),
        ("string", "write denyoom", None, "string write slow"),
        ("generic", "write", None, "keyspace write slow"),
        ("generic", "readonly", "keyspace dangerous", "keyspace dangerous read slow"),
        ("list", "write noscript blocking", None, "list write blocking slow"),
        ("server", "admin noscript loading stale", None, "admin dangerous slow"),
        ("server", "loading stale", "connection", "connection slow"),
        ("connection", "", "", "slow"),
        ("pubsub", "pubsub loading stale fast", None, "pubsub fast"),
        ("scripting", "readonly noscript", None, "scripting slow"),
    ],
)
def test_categories(group: str, flags: str, own: str | None, expected: str) -> None:
    own_categories = None if own is None else frozenset(own.split())
    assert acl_categories(group, frozenset(flags.split()), own_categories) == set(expected.split())


def test_a_misspelt_category_is_refused() -> None:
    with pytest.raises(ValueError, match="strings"):
        acl_categories("string", frozenset(), frozenset({"strings"}))
