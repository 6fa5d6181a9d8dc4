"""The rules that make a user what it is, as ACL LIST and GETUSER show them, and files keep them.

What was permitted step by step is told in as few rules as come to it: from all commands or from none, first the
categories that fit best, then the commands that are still wrong: `+@string -get +get` comes back as `+@string`.
Applied to a new user the rules make the same user again, which is what files need.
"""

import re
from collections.abc import Iterable, Iterator

from respstore.config.syntax import quote
from respstore.engine.acl.catalogue import Catalogue
from respstore.engine.acl.selector import FULL, READ, Selector
from respstore.engine.acl.user import User
from respstore.engine.categories import CATEGORIES
from respstore.errors import printable

_has_quotes = re.compile(rb"[\"']").search


def user_line(user: User, catalogue: Catalogue) -> bytes:
    """A user as a line of a file."""
    return b" ".join([b"user", user.name, *user_rules(user, catalogue)])


def user_rules(user: User, catalogue: Catalogue) -> list[bytes]:
    """The rules that make a user; a selector in parentheses is a single one."""
    hashes = [b"#" + password for password in user.passwords]
    root, *others = (_selector_rules(selector, catalogue) for selector in user.selectors)
    selectors = (b"(%b)" % b" ".join(map(_quoted, rules)) for rules in others)
    return [*user_flags(user), *hashes, *root, *selectors]


def _quoted(rule: bytes) -> bytes:
    """A rule as it stands in parentheses, where quotes have a meaning."""
    return quote(printable(rule)).encode("utf-8", "surrogateescape") if _has_quotes(rule) else rule


def user_flags(user: User) -> list[bytes]:
    """What a user is apart from passwords and permissions, in words that are rules, too."""
    flags = [b"on" if user.is_on else b"off"]
    if user.needs_no_password:
        flags.append(b"nopass")
    if user.sanitizes is not None:
        flags.append(b"sanitize-payload" if user.sanitizes else b"skip-sanitize-payload")
    return flags


def key_rules(selector: Selector) -> list[bytes]:
    """Which keys may be touched."""
    if selector.all_keys:
        return [b"~*"]
    return [_sign(access) + pattern for pattern, (_, access) in selector.keys.items()]


def _sign(access: int) -> bytes:
    if access == FULL:
        return b"~"
    return b"%R~" if access == READ else b"%W~"


def channel_rules(selector: Selector) -> list[bytes]:
    """Which channels may be used."""
    return [b"&*"] if selector.all_channels else [b"&" + pattern for pattern in selector.channels]


def _selector_rules(selector: Selector, catalogue: Catalogue) -> Iterator[bytes]:
    yield from key_rules(selector)
    if not selector.all_channels:
        yield b"resetchannels"
    yield from channel_rules(selector)
    yield from command_rules(selector, catalogue)


def command_rules(selector: Selector, catalogue: Catalogue) -> Iterator[bytes]:
    """Which commands may be run."""
    wanted = selector.commands
    if selector.takes_future:
        start, sign, made = b"+@all", b"-@", catalogue.everything
        categories = list(_fitting_categories(catalogue.everything - wanted, catalogue))
    else:
        start, sign, made = b"-@all", b"+@", frozenset[str]()
        categories = list(_fitting_categories(wanted, catalogue))
    yield start
    for category in categories:
        yield sign + category.encode()
        families = catalogue.families(category)
        made = made - families if selector.takes_future else made | families
    for command in catalogue:
        name = command.name
        if (name in wanted) != (name in made):
            family = catalogue.family(command)
            made = made | family if name in wanted else made - family
            yield (b"+" if name in wanted else b"-") + name.encode()
        if name not in wanted:
            yield from _first_arguments(name, selector.first_arguments.get(name, ()))


def _first_arguments(name: str, arguments: Iterable[bytes]) -> Iterator[bytes]:
    return (b"+%b|%b" % (name.encode(), argument) for argument in arguments)


def _fitting_categories(names: frozenset[str], catalogue: Catalogue) -> Iterator[str]:
    """Categories that make up most of some commands: the one with the fewest others first, then the largest.

    Each is looked for among those that are left; it is taken if more of its commands are wanted than not.
    """
    left = list(CATEGORIES)
    while left:
        best, fewest, most = "", 0, 0
        for category in left:
            members = catalogue.members(category)
            fitting = len(members & names)
            others = len(members) - fitting
            if fitting > others and (not best or (others, -fitting) < (fewest, -most)):
                best, fewest, most = category, others, fitting
        if not best:
            return
        yield best
        names -= catalogue.families(best)
        left.remove(best)
