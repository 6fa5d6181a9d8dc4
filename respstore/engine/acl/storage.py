"""Users in files: a line each, `user alice on #... ~cached:* resetchannels -@all +get`.

They stand either in redis.conf or in a file of their own (`aclfile`), never in both. In redis.conf the words of a line
are split as those of any directive. In the file they are split at single spaces and there are no comments, as in
Redis, which also tells all mistakes of such a file at once.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from respstore import errors
from respstore.config.syntax import Directive, quote
from respstore.engine.acl.catalogue import Catalogue
from respstore.engine.acl.describing import user_rules
from respstore.engine.acl.rules import (
    RuleError,
    UnknownNameError,
    UnmatchedParenthesisError,
    apply,
    change_user,
    check_name,
    merge_selectors,
)
from respstore.engine.acl.user import User
from respstore.errors import RespError, printable
from respstore.exceptions import ConfigError

Users = dict[bytes, User]

_NOTHING_CHANGED: Final = "WARNING: ACL errors detected, no change to the previously active ACL rules was performed"


class UsersFileError(ValueError):
    """The text of a users' file makes no sense; `str()` tells all that is wrong."""


def parse_users(text: str, path: str, catalogue: Catalogue, *, all_channels: bool) -> Users:
    """The users that a file of their own declares.

    Args:
        text: of the file.
        path: how to call it in errors.
        catalogue, all_channels: as of `change_user`.

    Raises:
        UsersFileError: there are mistakes in it.
    """
    users: Users = {}
    mistakes: list[str] = []
    for number, line in enumerate(text.encode("utf-8", "surrogateescape").split(b"\n"), start=1):
        words = line.strip(b" \t\r\n").split(b" ")
        if words != [b""]:
            mistakes += _parse_line(words, f"{path}:{number}", users, catalogue, all_channels)
    if mistakes:
        raise UsersFileError(" ".join([*mistakes, _NOTHING_CHANGED]))
    return users


def _parse_line(
    words: Sequence[bytes], place: str, users: Users, catalogue: Catalogue, all_channels: bool
) -> Iterator[str]:
    """Add the user of one line; give what is wrong with it."""
    if words[0] != b"user" or len(words) < 2:
        yield f"{place} should start with user keyword followed by the username."
        return
    name = words[1]
    try:
        check_name(name)
    except RespError:
        yield f"'{place}: username '{printable(name)}' contains invalid characters."
        return
    if name in users:
        yield f"WARNING: Duplicate user '{printable(name)}' found on line {place.rpartition(':')[2]}."
        return
    user = users[name] = User(name, all_channels=all_channels)
    try:
        rules = merge_selectors(words[2:])
    except UnmatchedParenthesisError:
        yield f"{place}: Unmatched parenthesis in selector definition."
        return
    told = False
    for word in rules:
        rule = word.strip(b"\t\r\n")
        try:
            apply(user, rule, catalogue, all_channels=all_channels)
        except UnknownNameError as error:
            yield f"{place}: Error in applying operation '{printable(rule)}': {error}."
        except RuleError as error:
            if not told:  # one mistake may be the cause of the others
                yield f"{place}: {error}."
            told = True


def users_of_directives(
    directives: Iterable[Directive], default: User, catalogue: Catalogue, *, all_channels: bool
) -> Users:
    """The users that lines of redis.conf declare; the default user, who exists anyway, is changed by such a line.

    Args:
        directives: the lines.
        default: that user as it is without them.
        catalogue, all_channels: as of `change_user`.

    Raises:
        ConfigError: a line is wrong.
    """
    users: Users = {default.name: default}
    declared: set[bytes] = set()
    for directive in directives:
        name, *rules = (word.encode("utf-8", "surrogateescape") for word in directive.words)
        try:
            check_name(name)
            if name in declared:
                raise RespError(f"ERR {errors.ACL_DUPLICATE_USER}")
            declared.add(name)
            user = User(name, all_channels=all_channels)
            if name == default.name:
                rules.insert(0, b"reset")
            change_user(user, rules, catalogue, all_channels=all_channels)
        except RespError as error:
            reason = f"Error in user declaration '{printable(name)}': {error.text.removeprefix('ERR ')}"
            raise ConfigError(reason, directive.name, directive.where) from None
        users[name] = user
    return users


def config_line(user: User, catalogue: Catalogue) -> str:
    """A user as a line of redis.conf."""
    rules = (printable(rule) for rule in user_rules(user, catalogue))
    return " ".join(["user", quote(printable(user.name)), *map(_config_words, rules)])


def _config_words(rule: str) -> str:
    """A rule, quoted as far as needed; a selector remains as it is, in several words, if none of them needs quotes."""
    words = rule.split(" ") if rule.startswith("(") else [rule]
    return rule if all(quote(word) == word for word in words) else quote(rule)
