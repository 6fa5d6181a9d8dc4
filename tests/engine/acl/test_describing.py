"""The rules that make a user. That they make it again is shown in test_rules.py."""

import pytest

from respstore.commands import TABLE
from respstore.engine.acl.catalogue import Catalogue
from respstore.engine.acl.describing import channel_rules, command_rules, key_rules, user_flags, user_line
from respstore.engine.acl.rules import change_user
from respstore.engine.acl.user import User

CATALOGUE = Catalogue(TABLE)


def make_user(rules: bytes) -> User:
    user = User(b"alice")
    change_user(user, rules.split(), CATALOGUE, all_channels=False)
    return user


def test_a_user_is_a_line() -> None:
    user = make_user(b"on nopass sanitize-payload ~a* &c* +@all -@admin (%R~b +get) ()")
    assert user_line(user, CATALOGUE) == (
        b"user alice on nopass sanitize-payload ~a* resetchannels &c* +@all -@admin"
        b" (%R~b resetchannels -@all +get) (resetchannels -@all)"
    )


def test_the_parts_of_it() -> None:
    user = make_user(b"on skip-sanitize-payload ~a %W~b &c +get")
    assert user_flags(user) == [b"on", b"skip-sanitize-payload"]
    assert key_rules(user.root) == [b"~a", b"%W~b"]
    assert channel_rules(user.root) == [b"&c"]
    assert list(command_rules(user.root, CATALOGUE)) == [b"-@all", b"+get"]
    user = make_user(b"allkeys allchannels")
    assert (key_rules(user.root), channel_rules(user.root)) == ([b"~*"], [b"&*"])


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (b"+@hash -hset", b"-@all +@hash -hset"),
        (b"+@all -@dangerous", b"+@all -@dangerous"),
        (b"+@all -config", b"+@all -config"),
        (b"+@all -config|set", b"+@all -config|set"),
        (b"+client -client|kill", b"-@all +client -client|kill"),
    ],
)
def test_commands_are_told_in_few_rules(rules: bytes, expected: bytes) -> None:
    assert b" ".join(command_rules(make_user(rules).root, CATALOGUE)) == expected


def test_a_quote_in_a_selector_is_quoted() -> None:
    user = User(b"alice")
    change_user(user, [b'("~a\\"b" +get)', b'~c"d'], CATALOGUE, all_channels=False)
    assert user_line(user, CATALOGUE) == (
        b'user alice off ~c"d resetchannels -@all ("~a\\"b" resetchannels -@all +get)'
    )
