"""The words of ACL SETUSER: each changes a user a little, from left to right.

    on off                  it can be authenticated, or not
    >password #hash         add a password, or its SHA-256; `<password` and `!hash` take it away again
    nopass resetpass        no password is needed; none is left, and no other way in either
    +get -get +@set -@set   commands, and categories of them; `+config|get` a subcommand; +@all -@all
    +select|0               a command that is not permitted otherwise, with this first argument
    ~pattern %R~pattern     keys, to be read and changed, or with %R~ and %W~ one of both; allkeys resetkeys
    &pattern                channels; allchannels resetchannels
    (+get ~public:*)        a selector of its own, whose rules are about commands, keys and channels; clearselectors
    reset                   as a user that has just been made

All of a call's rules hold or none: whoever applies them does so to a copy. Rules that have no effect are refused where
they look as if they had one, such as a pattern of keys after `~*`. Syntax: https://redis.io/commands/acl-setuser/
"""

import re
from collections.abc import Iterable, Sequence

from respstore import errors
from respstore.engine.acl.catalogue import Catalogue
from respstore.engine.acl.selector import READ, WRITE, Selector
from respstore.engine.acl.user import User, hash_password
from respstore.engine.command import Command
from respstore.errors import RespError, printable
from respstore.protocol.inline import split_arguments

_has_spaces = re.compile(rb"[ \t\n\v\f\r\0]").search
_is_hash = re.compile(rb"[0-9a-f]{64}").fullmatch
_key_sign = re.compile(rb"~|%(?P<access>r|w|rw|wr)(?:~|\Z)", re.IGNORECASE)


class RuleError(ValueError):
    """A rule makes no sense; `str()` is why, in Redis's words."""


class UnknownNameError(RuleError):
    """A rule names a command or a category that does not exist."""


class UnmatchedParenthesisError(RuleError):
    """A selector has no end; `rule` is the word with which it begins."""

    def __init__(self, rule: bytes) -> None:
        super().__init__(f"Unmatched parenthesis in acl selector starting at '{errors.quotable(rule)}'.")


def check_name(name: bytes) -> None:
    """Refuse a name that no user may have.

    Raises:
        RespError: it has spaces or zero bytes.
    """
    if _has_spaces(name):
        raise RespError(errors.ACL_USER_NAME)


def change_user(user: User, rules: Sequence[bytes], catalogue: Catalogue, *, all_channels: bool) -> None:
    """Apply rules as they come with ACL SETUSER.

    Args:
        user: it is changed up to a rule that is wrong.
        rules: the words; a selector may be spread over several.
        catalogue: the commands that there are.
        all_channels: a new selector permits all channels (acl-pubsub-default).

    Raises:
        RespError: a rule is wrong, with Redis's text.
    """
    try:
        merged = merge_selectors(rules)
    except UnmatchedParenthesisError as error:
        raise RespError(f"ERR {error}") from None
    for rule in merged:
        try:
            apply(user, rule, catalogue, all_channels=all_channels)
        except RuleError as error:
            raise errors.wrong_rule(rule, str(error)) from None


def merge_selectors(words: Iterable[bytes]) -> list[bytes]:
    """Rules, of which one is a selector in parentheses as a whole.

    Raises:
        UnmatchedParenthesisError: it has no end.
    """
    rules: list[bytes] = []
    gathered: list[bytes] = []
    for word in words:
        if word.startswith(b"(") and not word.endswith(b")"):
            gathered = [word]  # what was gathered before without an end is forgotten, as in Redis
        elif gathered:
            gathered.append(word)
            if word.endswith(b")"):
                rules.append(b" ".join(gathered))
                gathered = []
        else:
            rules.append(word)
    if gathered:
        raise UnmatchedParenthesisError(gathered[0])
    return rules


def apply(user: User, rule: bytes, catalogue: Catalogue, *, all_channels: bool) -> None:
    """Apply one rule, a whole selector perhaps; arguments as of `change_user`.

    Raises:
        RuleError: it is wrong. It has had no effect.
    """
    match rule.lower():
        case b"":
            pass
        case b"on":
            user.is_on = True
        case b"off":
            user.is_on = False
        case b"nopass":
            user.needs_no_password = True
            user.passwords = []
        case b"resetpass":
            user.needs_no_password = False
            user.passwords = []
        case b"sanitize-payload":
            user.sanitizes = True
        case b"skip-sanitize-payload":
            user.sanitizes = False
        case b"clearselectors":
            del user.selectors[1:]
        case b"reset":
            user.become(User(user.name, all_channels=all_channels))
            user.sanitizes = True
        case _ if rule[:1] in b">#<!":
            _change_passwords(user, rule)
        case _ if rule.startswith(b"(") and rule.endswith(b")"):
            selector = Selector(all_channels=all_channels)
            for inner in split_arguments(rule[1:-1]) or ():  # quotes that are not closed are taken for nothing at all
                _apply_to_selector(selector, inner, catalogue)
            user.selectors.append(selector)
        case _:
            _apply_to_selector(user.root, rule, catalogue)


def _change_passwords(user: User, rule: bytes) -> None:
    sign, text = rule[:1], rule[1:]
    if sign in b"#!" and not _is_hash(text):
        raise RuleError(errors.ACL_NOT_A_HASH)
    hashed = text if sign in b"#!" else hash_password(text)
    if sign in b">#":
        user.needs_no_password = False
        if hashed not in user.passwords:
            user.passwords.append(hashed)
    elif hashed in user.passwords:
        user.passwords.remove(hashed)
    else:
        raise RuleError(errors.ACL_NO_SUCH_PASSWORD)


def _apply_to_selector(selector: Selector, rule: bytes, catalogue: Catalogue) -> None:
    match rule.lower():
        case b"allkeys" | b"~*" | b"resetkeys" as word:
            selector.all_keys = word != b"resetkeys"
            selector.keys.clear()
        case b"allchannels" | b"&*" | b"resetchannels" as word:
            selector.all_channels = word != b"resetchannels"
            selector.channels.clear()
        case b"allcommands" | b"+@all":
            selector.permit_all(catalogue.everything)
        case b"nocommands" | b"-@all":
            selector.forbid_all()
        case word if rule[:2] in (b"+@", b"-@"):
            category = printable(word[2:])
            if category not in catalogue.categories:
                raise UnknownNameError(errors.ACL_UNKNOWN_NAME)
            _change_commands(selector, rule, catalogue.families(category))
        case _ if rule[:1] in (b"+", b"-"):
            _apply_to_command(selector, rule, catalogue)
        case _ if rule[:1] in (b"~", b"%"):
            _add_keys(selector, rule)
        case _ if rule[:1] == b"&":
            if selector.all_channels:
                raise RuleError(errors.ACL_ALL_CHANNELS_ALREADY)
            selector.add_channels(_pattern(rule[1:]))
        case _:
            raise RuleError(errors.ACL_SYNTAX)


def _apply_to_command(selector: Selector, rule: bytes, catalogue: Catalogue) -> None:
    name, bar, argument = rule[1:].rpartition(b"|")
    if rule.startswith(b"-") or not bar:
        _change_commands(selector, rule, catalogue.family(_find(catalogue, rule[1:])))
        return
    command = _find(catalogue, name)
    if "|" in command.name:
        raise RuleError(errors.ACL_ARGUMENT_OF_SUBCOMMAND)
    if not argument:
        raise RuleError(errors.ACL_SYNTAX)
    if command.subcommands:
        _change_commands(selector, rule, catalogue.family(_find(catalogue, rule[1:])))
    else:
        selector.permit_first_argument(command, argument)


def _change_commands(selector: Selector, rule: bytes, names: frozenset[str]) -> None:
    change = selector.permit if rule.startswith(b"+") else selector.forbid
    change(names)


def _find(catalogue: Catalogue, name: bytes) -> Command:
    command = catalogue.find(name)
    if command is None:
        raise UnknownNameError(errors.ACL_UNKNOWN_NAME)
    return command


def _add_keys(selector: Selector, rule: bytes) -> None:
    if selector.all_keys:
        raise RuleError(errors.ACL_ALL_KEYS_ALREADY)
    sign = _key_sign.match(rule)
    if sign is None:
        raise RuleError(errors.ACL_SYNTAX)
    letters = (sign["access"] or b"rw").lower()
    access = (READ if b"r" in letters else 0) | (WRITE if b"w" in letters else 0)
    selector.add_keys(_pattern(rule[sign.end() :]), access)


def _pattern(text: bytes) -> bytes:
    if _has_spaces(text):
        raise RuleError(errors.ACL_SYNTAX)
    return text
