"""The ACL categories of commands: most follow from a command's group and flags, so that few commands say theirs.

What must stay true: for every command of Redis 7.0 the result is what its COMMAND INFO says. The group and
category `coordination` is respstore's own.
https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/#command-categories
"""

from typing import Final

CATEGORY_OF_GROUP: Final = {
    "bitmap": "bitmap",
    "connection": "connection",
    "coordination": "coordination",
    "generic": "keyspace",
    "geo": "geo",
    "hash": "hash",
    "hyperloglog": "hyperloglog",
    "list": "list",
    "pubsub": "pubsub",
    "scripting": "scripting",
    "set": "set",
    "sorted-set": "sortedset",
    "stream": "stream",
    "string": "string",
    "transactions": "transaction",
}
"""Groups of COMMAND DOCS whose commands have a category of their own; `server` and `cluster` have none."""

CATEGORIES: Final = (
    *("keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap", "hyperloglog", "geo"),
    *("stream", "pubsub", "admin", "fast", "slow", "blocking", "dangerous", "connection", "transaction", "scripting"),
    "coordination",
)
"""All categories, in the order in which ACL CAT lists them."""


def acl_categories(group: str, flags: frozenset[str], own: frozenset[str] | None = None) -> frozenset[str]:
    """The categories of a command, without the `@`.

    Args:
        group: the group of its documentation, such as "sorted-set".
        flags: its flags, as COMMAND INFO shows them.
        own: categories instead of its group's; None where the group's is right.

    Raises:
        ValueError: `own` names a category that does not exist.
    """
    if own is None:
        own = frozenset({CATEGORY_OF_GROUP[group]}) if group in CATEGORY_OF_GROUP else frozenset()
    if unheard_of := own.difference(CATEGORIES):
        raise ValueError(f"no such ACL categories: {sorted(unheard_of)}")
    categories = set(own)
    categories |= flags & {"admin", "blocking", "fast", "pubsub", "write"}
    if "readonly" in flags and "scripting" not in own:  # a script that only reads is no way to read keys by itself
        categories.add("read")
    if "admin" in flags:
        categories.add("dangerous")
    if "fast" not in flags:
        categories.add("slow")
    return frozenset(categories)
